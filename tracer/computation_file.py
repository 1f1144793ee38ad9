"""Problem files with equations of their own, read into a `Computation`; every mistake told with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from derivations.computation import Computation
from derivations.given import Given, shortened
from derivations.language import LanguageError, Statements, read
from derivations.names import UnknownName
from derivations.network import MOST_NUMBERS, Training
from derivations.own_names import OwnNames
from tracer.draws import numbers_or_draw
from tracer.fields import FIELDS, Table, fitting, read_functions, read_names, read_training
from tracer.sheet_fields import read_own_sheet_table
from tracer.toml_text import ProblemError

__all__ = ["read_computation"]

MOST_ARRAYS, MOST_AXES = 500, 8
_OF_LAYERS = ("network", "samples", "marking")
_OF_LAYERED_TRAINING = {
    "reduction": "files with layers have it; here the equations say it, E = mean_n(..) or Σ_n ..",
    "update_biases": "it is for layers; put what is not trained under [given]",
}


def read_computation(value: Mapping[str, Any], content: str) -> Computation:
    """The computation that a file's tables describe.  Raises ProblemError."""
    for key in _OF_LAYERS:
        if key in value:
            raise ProblemError(
                f"{key}: belongs to files with layers, and this one has equations; leave one of them out"
            )
    top = Table(value, "", "equations", content)
    parameters, given = _arrays(top, "parameters"), _arrays(top, "given")
    if not parameters:
        raise top.fail("parameters", "missing; write what is trained: parameters = {w = 0.5}")
    for name in parameters.keys() & given.keys():
        raise top.fail("given", f"{shortened(name)} stands under [parameters] too; leave one of the two out")
    if sum(g.floats.size for g in (*parameters.values(), *given.values())) > MOST_NUMBERS:
        raise ProblemError(f"more than {MOST_NUMBERS} numbers in all; a step worked by hand is smaller")
    training, letter = _training(top)
    found = Computation(
        _statements(top),
        parameters,
        given,
        training,
        _objective(top),
        _inputs(top, given),
        top.flag("gates", False),
        letter,
        top.title(),
    )
    return _named(top, _possible(found, top))


def _possible(found: Computation, top: Table) -> Computation:
    """The computation, once its step is made: what the equations do not give is told here."""
    try:
        fitting(found.training, found.step.arrays)
        if found.samples_letter:
            found.sample_axes  # noqa: B018
    except LanguageError as e:
        raise ProblemError(str(e)) from None
    way = found.training.samples if found.training else "together"
    if way != "together" and found.samples == 1 and not found.samples_letter:
        raise top.fail("training.samples", f'"{way}" needs the letter that counts samples; write sample = "n" too')
    return found


def _named(top: Table, found: Computation) -> Computation:
    """With the names and the sheet of the file."""
    names = read_names(top)
    for entry in names:
        try:
            OwnNames(replace(found, names=(entry,), like=found.planned))
        except (UnknownName, ValueError) as e:
            raise ProblemError(f"{Table({}, 'names', '', '').at(entry[0])}: {e}") from None
    found = replace(found, names=names, like=found.planned)
    return replace(found, sheet=read_own_sheet_table(top, OwnNames(found)))


def _statements(top: Table) -> Statements:
    text = top.value["equations"]
    if not isinstance(text, str):
        raise top.fail("equations", f'{shortened(text)} is not a text; write equations = """ and one equation a line')
    if not text.strip():
        raise top.fail("equations", "is empty; write one equation a line, such as E = (w*x - t)^2")
    try:
        return read(text, functions=read_functions(top))
    except LanguageError as e:
        raise ProblemError(str(e)) from None


def _objective(top: Table) -> str:
    name = top.value.get("objective", "E")
    if not isinstance(name, str) or not name.strip() or len(name) > 60:
        raise top.fail("objective", f'{shortened(name)} is no name; write the quantity to differentiate, such as "L"')
    return name.strip()


def _inputs(top: Table, given: Mapping[str, Given]) -> tuple[str, ...]:
    names = top.value.get("inputs", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise top.fail("inputs", f'{shortened(names)} is not a list of names; write inputs = ["x"]')
    for name in names:
        if name not in given:
            raise top.fail("inputs", f"{shortened(name)} has no numbers under [given]; give it some, or leave it out")
    return tuple(dict.fromkeys(names))


def _arrays(top: Table, key: str) -> dict[str, Given]:
    """`[parameters]` or `[given]`: each name with its numbers."""
    written = top.value.get(key, {})
    if not isinstance(written, Mapping):
        raise top.fail(key, f"{shortened(written)} is not a table; write [{key}] and below it name = numbers")
    if len(written) > MOST_ARRAYS:
        raise top.fail(key, f"{len(written)} names are too many; at most {MOST_ARRAYS}")
    table = _Numbers(written, key, top.content)
    return {name: numbers_or_draw(table, name, numbers, deepest=MOST_AXES) for name, numbers in written.items()}


class _Numbers(Table):
    """A table whose keys are names of arrays."""

    def __init__(self, value: Mapping[str, Any], path: str, content: str) -> None:
        super().__init__({}, path, "", content)
        self.value = value
        for key, numbers in value.items():
            if key in FIELDS["equations"] and _is_no_number(numbers):
                raise self.fail(key, "is no array's numbers; move this line above the first [table] of the file")
            if key in FIELDS["own training"] and isinstance(numbers, str) and key in ("optimizer", "sample", "samples"):
                raise self.fail(key, "is no array's numbers; it belongs under [training]")


def _is_no_number(written: Any) -> bool:
    """Whether a value is what `objective`, `inputs` or `gates` has, and no numbers."""
    return (
        isinstance(written, bool)
        or (isinstance(written, str) and not any(c.isdigit() for c in written))
        or (isinstance(written, list) and bool(written) and all(map(_is_no_number, written)))
    )


def _training(top: Table) -> tuple[Training | None, str]:
    """How it is trained, None where it is not; the letter of the samples."""
    if "training" not in top.value:
        return None, ""
    written = top.value["training"]
    if isinstance(written, Mapping):
        for key, why in (
            ("reduction", "files with layers have it; here the equations say it, E = mean_n(..) or Σ_n .."),
            ("update_biases", "it is for layers; put what stays under [given]"),
        ):
            if key in written:
                raise top.fail(f"training.{key}", f"does nothing here: {why}")
    table = Table(written, "training", "own training", top.content)
    letter = table.value.get("sample", "")
    if not isinstance(letter, str) or ("sample" in table.value and not (len(letter) == 1 and letter.isalpha())):
        raise table.fail("sample", f'{shortened(letter)} is no letter of an index; write sample = "n"')
    if set(table.value) == {"sample"}:
        return None, letter
    return read_training(table), letter
