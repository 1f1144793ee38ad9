"""The fields of a problem file, and a reader of one table of it: asks for fields, complains with their path."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from derivations.equations import Array, Role
from derivations.function import Function
from derivations.given import Given, read_number, shape_of, shortened
from derivations.language import LanguageError, read
from derivations.network import Training
from tracer.toml_text import ProblemError, cut

__all__ = [
    "FIELDS",
    "OPTIMIZER_CONSTANTS",
    "Table",
    "fitting",
    "known_names",
    "read_functions",
    "read_names",
    "read_training",
    "whole",
]

MOST_NAMES = 500
MOST_RATES = 10_000
MOST_COUNTED = 10**9

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad")
OPTIMIZER_CONSTANTS = {  # an optimizer's constants
    "momentum": ("momentum", "nesterov"),
    "momentum_form": ("momentum",),
    "beta1": ("adam", "adamw"),
    "beta2": ("adam", "adamw"),
    "rho": ("rmsprop",),
    "epsilon": ("adam", "adamw", "rmsprop", "adagrad"),
    "epsilon_inside": ("adam", "adamw", "rmsprop", "adagrad"),
}
OF_EVERY_OPTIMIZER = ("weight_decay", "clip_value", "clip_norm", "frozen", "state")
SCORING = ("cause_costs", "credit", "parts", "round", "zeros_that_follow")
FIELDS: dict[str, tuple[str, ...]] = {
    "": ("title", "network", "samples", "training", "names", "sheet", "marking", "functions", "exercise"),
    "equations": (
        *("title", "equations", "objective", "inputs", "gates"),
        *("parameters", "given", "training", "names", "sheet", "functions", "exercise"),
    ),
    "network": ("loss", "layers", "layout"),
    "layers": ("activation", "W", "b", "theta", "bias_column"),
    "samples": ("x", "t", "class", "dz"),
    "training": (
        *("learning_rate", "optimizer", *OPTIMIZER_CONSTANTS, *OF_EVERY_OPTIMIZER),
        *("update_biases", "reduction", "samples"),
    ),
    "own training": ("learning_rate", "optimizer", *OPTIMIZER_CONSTANTS, *OF_EVERY_OPTIMIZER, "sample", "samples"),
    "random": ("random", "mean", "std", "low", "high", "seed", "shape"),
    "sheet": ("ask", "points", "figures", "places", "notation", *SCORING),
    "own sheet": ("ask", "points", "figures", "places", *SCORING),
    "marking": ("accept",),
}


_OF_EQUATIONS = ("equations", "own training", "own sheet")
_HEADERS = {
    "network": "[network]",
    "layers": "[[network.layers]]",
    "samples": "[[samples]]",
    "training": "[training]",
}
_SYNONYMS = {
    "bce": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy",
    "ce": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "mse": "mean_squared_error",
    "sse": "squared_error",
    "linear": "identity",
    "none": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "gd": "sgd",
}


class Table:
    """One table of the file, with its path; asks for fields and remembers where they stand."""

    def __init__(self, value: Any, path: str, fields: str, content: str) -> None:
        if not isinstance(value, Mapping):
            raise ProblemError(f"{path or 'the file'}: {shortened(value)} is not a table; write `key = value` lines")
        self.value, self.path, self.content = value, path, content
        for key in value:
            if key not in FIELDS[fields]:
                homes = ("network", "layers", "samples", "training") if fields not in _OF_EQUATIONS else ("training",)
                home = [table for table in homes if key in FIELDS[table]]
                hint = f"it belongs under {_HEADERS[home[0]]}" if home else known_names(str(key), FIELDS[fields])
                raise ProblemError(f"{self.at(str(key))}: unknown field; {hint}")

    def part(self, value: Mapping[str, Any], path: str) -> Table:
        """A table inside this one whose keys are nobody's fields."""
        out = Table({}, path, "", self.content)
        out.value = value
        return out

    def at(self, key: str) -> str:
        name = key if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", key) else shortened(key)
        return f"{self.path}.{name}" if self.path else name

    def fail(self, key: str, why: str) -> ProblemError:
        return ProblemError(f"{self.at(key)}: {why}")

    def need(self, key: str, example: str) -> Any:
        if key not in self.value:
            raise self.fail(key, f"missing; write {example}")
        return self.value[key]

    def choice(self, key: str, among: Iterable[str], default: str | None = None) -> str:
        known = tuple(among)
        value = self.need(key, f'{key} = "{known[0]}"') if default is None else self.value.get(key, default)
        if not isinstance(value, str) or value not in known:
            raise self.fail(key, f"{shortened(value)} is not known; {known_names(str(value), known)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.value.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"{shortened(value)} is neither true nor false")
        return value

    def number(
        self, key: str, default: str | None = None, *, least: float | None = None, below: float | None = None
    ) -> Given:
        written = self.value.get(key, default)
        if written is None:
            raise self.fail(key, f"missing; write {key} = 0.1")
        given = self.array(key, written)
        if given.shape != ():
            raise self.fail(key, "must be one number, not a list")
        size = float(given.floats)
        if least is not None and size < least:
            raise self.fail(key, f"{shortened(written)} is below {least:g}; give a number from {least:g} up")
        if below is not None and size >= below:
            raise self.fail(
                key, f"{shortened(written)} is not below {below:g}; give a number from 0 to just under {below:g}"
            )
        return given

    def title(self) -> str:
        """The title, "" where there is none."""
        title = self.value.get("title", "")
        if not isinstance(title, str) or len(title) > 500:
            raise self.fail("title", f"{shortened(title)} is not a short text; write it in quotes")
        return title

    def array(self, key: str, written: Any, deepest: int = 2) -> Given:
        """Numbers in nested lists, at most so many levels of them; a complaint names the entry."""
        if isinstance(written, np.ndarray):
            written = written.tolist()
        try:
            if len(shape_of(written)) > deepest:
                raise ValueError("lists are nested too deeply; a matrix is a list of rows")
            return Given.read(written)
        except RecursionError:
            raise self.fail(key, "lists are nested too deeply; a matrix is a list of rows") from None
        except ValueError as e:
            raise ProblemError(f"{self.at(key)}{_place_of_fault(written)}: {e}") from None

    def comma_hint(self, key: str, found: int, wanted: int) -> str:
        """A hint where twice as many numbers stand as were wanted and the text looks like decimal commas."""
        if found != 2 * wanted or not re.search(rf"\b{key}\s*=[^=]*\d,\d", self.content):
            return ""
        if re.search(r"-0,\d", self.content):  # as whole numbers read, -0 has lost its sign
            return " (decimal commas? write decimals with a point)"
        corrected = _paired(self.value[key])
        return f" (decimal commas? then write `{cut(f'{key} = {corrected}')}`)" if corrected else ""


def _paired(written: Any) -> str:
    """A list read again with its commas as decimal commas, "" where they cannot be."""
    if all(isinstance(entry, list) for entry in written):
        rows = [_paired(row) for row in written]
        return f"[{', '.join(rows)}]" if all(rows) else ""
    if len(written) % 2 or not all(whole(entry) for entry in written) or min(written[1::2]) < 0:
        return ""
    return f"[{', '.join(f'{whole}.{part}' for whole, part in zip(written[::2], written[1::2], strict=True))}]"


def known_names(given: str, known: Sequence[str]) -> str:
    """The nearest of the known names as a question, or all of them."""
    lowered = {name.lower(): name for name in known}
    synonym = _SYNONYMS.get(given.lower())
    if synonym in known:
        return f"did you mean {synonym}?"
    near = difflib.get_close_matches(given[:60].lower(), lowered, n=1, cutoff=0.6)
    return f"did you mean {lowered[near[0]]}?" if near else f"known are {', '.join(known)}"


def _place_of_fault(written: Any, place: str = "") -> str:
    """[row][column] of the first entry that is not a number, "" where the lists themselves are at fault."""
    if isinstance(written, list | tuple):
        try:
            shape_of(written)
        except ValueError:
            return place
        for k, entry in enumerate(written, 1):
            found = _place_of_fault(entry, f"{place}[{k}]")
            if found:
                return found
        return ""
    try:
        read_number(written)
    except ValueError:
        return place
    return ""


def whole(value: object) -> bool:
    """Whether a value is a whole number, and no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def read_functions(top: Table) -> dict[str, Function]:
    """`[functions]`: each name with its formula in a, `f = "a/(1 + abs(a))"`, or `"f(x, k)" = ...`.  ProblemError."""
    table = top.value.get("functions", {})
    if not isinstance(table, Mapping):
        raise top.fail("functions", 'must be a table of formulas: f = "a/(1 + abs(a))"')
    if len(table) > MOST_NAMES:
        raise top.fail("functions", f"{len(table)} functions are too many; at most {MOST_NAMES}")
    lines = []
    for name, formula in table.items():
        place = Table({}, "functions", "", "").at(str(name))
        if not isinstance(formula, str) or "\n" in formula or "#" in formula:
            raise ProblemError(f'{place}: {shortened(formula)} is not a formula; write f = "a/(1 + abs(a))"')
        lines.append(f"{name} = {formula}" if "(" in str(name) else f"{name}(a) = {formula}")
    try:
        found = read("\n".join(lines))
    except LanguageError as e:
        raise ProblemError(str(e).replace("equations line", "functions, line")) from None
    if found.equations or len(found.functions) < len(lines):
        raise top.fail("functions", 'each line is a function: f = "a/(1 + abs(a))"')
    return found.functions


def read_names(top: Table) -> tuple[tuple[str, str, str], ...]:
    """`[names]` as (their name, ours, their LaTeX or ""), read as text alone.  Raises ProblemError."""
    table = top.value.get("names", {})
    if not isinstance(table, Mapping):
        raise top.fail("names", 'must be a table of `theirs = "ours"` lines')
    entries: list[tuple[str, str, str]] = []
    if len(table) > MOST_NAMES:
        raise top.fail("names", f"{len(table)} names are too many; at most {MOST_NAMES}, a pattern counts as one")
    for theirs, ours in table.items():
        place = Table({}, "names", "", "").at(str(theirs))
        latex = ""
        if isinstance(ours, Mapping):
            texts = all(isinstance(entry, str) for entry in ours.values())
            if "quantity" not in ours or set(ours) - {"quantity", "latex"} or not texts:
                raise ProblemError(f'{place}: write {{quantity = "W2[1,1]", latex = "w_5"}}')
            ours, latex = ours["quantity"], str(ours.get("latex", ""))
        if not isinstance(ours, str):
            raise ProblemError(
                f'{place}: {shortened(ours)} is not a quantity\'s name; write one in quotes, such as "W2[1,1]"'
            )
        entries.append((str(theirs), ours, latex))
    return tuple(entries)


def read_training(table: Table) -> Training:
    """`[training]`: the learning rate, the optimizer with its constants, what is done with samples.

    Raises ProblemError.
    """
    optimizer = table.choice("optimizer", OPTIMIZERS, "sgd")
    for key, optimizers in OPTIMIZER_CONSTANTS.items():
        if key in table.value and optimizer not in optimizers:
            raise table.fail(key, f"does not belong to {optimizer}; set optimizer = '{optimizers[0]}' or leave it out")

    def constant(key: str, default: str, **limits: float) -> Given | None:
        return table.number(key, default, **limits) if optimizer in OPTIMIZER_CONSTANTS[key] else None

    clipping = [how for how in ("value", "norm") if f"clip_{how}" in table.value]
    if len(clipping) > 1:
        raise table.fail("clip_norm", "clip_value is given too; give one of them")
    rates = _rates(table)
    state, count = _state(table)
    return Training(
        learning_rate=rates[0],
        optimizer=optimizer,
        momentum=constant("momentum", "0.9", least=0, below=1),
        momentum_form=table.choice("momentum_form", ("classical", "ema"), "classical"),
        beta1=constant("beta1", "0.9", least=0, below=1),
        beta2=constant("beta2", "0.999", least=0, below=1),
        epsilon=constant("epsilon", "1e-8", least=0),
        epsilon_inside=table.flag("epsilon_inside", False),
        rho=constant("rho", "0.9", least=0, below=1),
        weight_decay=_weight_decay(table, optimizer),
        clip=table.number(f"clip_{clipping[0]}", least=1e-300) if clipping else None,
        clipping="".join(clipping),
        rates=rates if len(rates) > 1 else (),
        frozen=_frozen(table),
        state=state,
        count=count,
        update_biases=table.flag("update_biases", True),
        reduction=table.choice("reduction", ("sum", "mean"), "sum"),
        samples=table.choice("samples", ("together", "in_turn", "apart"), "together"),
    )


def fitting(training: Training | None, arrays: Mapping[str, Array]) -> None:
    """Whether what is frozen and what the optimizer is to remember are there.  Raises ProblemError."""
    trained = [name for name, array in arrays.items() if array.role is Role.PARAMETER]
    remembered = {array.of: array for array in arrays.values() if array.role is Role.BEFORE}
    for name in training.frozen if training else ():
        if name not in trained:
            raise ProblemError(f"training.frozen: {shortened(name)} is no parameter; {known_names(name, trained)}")
    for name, given in training.state if training else ():
        if name not in remembered:
            known = f"; {known_names(name, tuple(remembered))}" if remembered else ", which has no state"
            raise ProblemError(f"training.state.{cut(name)}: is nothing that this optimizer remembers{known}")
        wanted = tuple(high - low + 1 for low, high in remembered[name].extents)
        if given.shape != wanted:
            raise ProblemError(f"training.state.{name}: has {_shape(given.shape)}, and {name} has {_shape(wanted)}")


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + " numbers" if shape else "one number"


def _weight_decay(table: Table, optimizer: str) -> Given | None:
    """The factor of the weights that is taken away with the gradient; AdamW always has one."""
    if optimizer == "adamw":
        return table.number("weight_decay", "0.01", least=0)
    return table.number("weight_decay", least=0) if "weight_decay" in table.value else None


def _rates(table: Table) -> tuple[Given, ...]:
    """The learning rate, or those of the first steps, of which the last one stays."""
    written = table.value.get("learning_rate")
    if not isinstance(written, list | tuple):
        return (table.number("learning_rate", least=0),)
    if not written or len(written) > MOST_RATES:
        raise table.fail("learning_rate", f"give one number, or a list of 1 to {MOST_RATES}, one for each step")
    each = table.part({f"learning_rate[{k}]": rate for k, rate in enumerate(written, 1)}, table.path)
    return tuple(each.number(key, least=0) for key in each.value)


def _frozen(table: Table) -> tuple[str, ...]:
    """The parameters that are not updated."""
    names = table.value.get("frozen", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise table.fail("frozen", f'{shortened(names)} is not a list of parameters; write frozen = ["W1"]')
    return tuple(dict.fromkeys(names))


def _state(table: Table) -> tuple[tuple[tuple[str, Given], ...], int]:
    """What the optimizer remembers before the first step, by name, and the number of that step."""
    written = table.value.get("state", {})
    if not isinstance(written, Mapping):
        raise table.fail("state", f"{shortened(written)} is not a table; write state = {{vw = 0.5, step = 3}}")
    own = table.part(written, f"{table.path}.state")
    count = written.get("step", 1)
    if not whole(count) or not 1 <= count <= MOST_COUNTED:
        raise own.fail("step", f"{shortened(count)} is not the number of a step; give a whole number from 1 on")
    return tuple((name, own.array(name, numbers)) for name, numbers in written.items() if name != "step"), int(count)
