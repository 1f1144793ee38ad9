"""Problem files: TOML to a checked `Problem`, every mistake told with its place, what is wrong and what to write.

The format stands in the README; every field is read here and nowhere else, from the top down.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derivations.activations import ACTIVATIONS, Activation, activation_of
from derivations.aliases import Aliases
from derivations.computation import Computation
from derivations.given import Given, shortened
from derivations.layers import layered
from derivations.losses import LOSSES, Loss
from derivations.names import UnknownName
from derivations.network import MOST_NUMBERS, BiasForm, Layer, Network, Problem
from tracer.draws import numbers_or_draw
from tracer.fields import Table, fitting, read_functions, read_names, read_training, whole
from tracer.files import FileRefused, foreign, read_file
from tracer.samples import find_sample, sample_folders
from tracer.sheet_fields import read_marking_table, read_sheet_table
from tracer.toml_text import ProblemError, read_toml

__all__ = ["ProblemError", "Source", "as_problem", "load", "loads", "stated"]

LARGEST_FILE = 1_000_000
MOST_LAYERS, MOST_SAMPLES = 1000, 5000
_SMALLER = "draw large weights with W = {random = ..., shape = ...}"


Source = Problem | Computation | str | Path | Mapping[str, Any]


def stated(source: Source) -> Problem | Computation:
    """A problem as it is, or loaded."""
    return source if isinstance(source, Problem | Computation) else load(source)


def as_problem(source: Source) -> Problem:
    """A problem with layers, as it is or loaded.  Raises ProblemError for equations of its own."""
    found = stated(source)
    if isinstance(found, Computation):
        raise ProblemError(
            "it has equations of its own, where a network of layers is needed; "
            "trace, train, derive, equations, verify, check, sheet and page take them"
        )
    return found


def load(source: str | Path | Mapping[str, Any]) -> Problem | Computation:
    """Read a problem: a TOML file, the name of a shipped sample, or the same as a mapping (arrays may be numpy's).

    A file has layers, or equations of its own.  Raises ProblemError (where, what, what now) and FileNotFoundError.

    >>> load("hand-3-2-2").network.sizes
    (3, 2, 2)
    """
    if isinstance(source, Mapping):
        return _problem(source, "")
    path = find_sample(str(source)) or Path(source)
    if not path.exists():
        near = difflib.get_close_matches(str(source), [folder.name for folder in sample_folders()], n=1)
        hint = f"did you mean the sample {near[0]}?" if near else "`bptrace samples` lists the samples"
        raise FileNotFoundError(f"{path}: no such file, and no sample of that name; {hint}")
    if model_file := foreign(path):
        raise ProblemError(model_file)
    try:
        return loads(read_file(path, LARGEST_FILE, _SMALLER))
    except FileRefused as e:
        raise ProblemError(str(e)) from None


def loads(content: str | bytes) -> Problem | Computation:
    """Read a problem from the text of a TOML file.  Raises ProblemError."""
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as e:
            raise ProblemError(f"byte {e.start + 1}: not UTF-8 text; save the file as UTF-8") from None
    if len(content) > LARGEST_FILE:
        raise ProblemError(f"larger than {LARGEST_FILE // 1_000_000} MB; {_SMALLER}")
    if not content.strip():
        raise ProblemError("the file is empty; `bptrace new 2-2-1` writes one to fill in")
    return _problem(read_toml(content), content)


def _problem(value: Mapping[str, Any], content: str) -> Problem | Computation:
    if "equations" not in value:
        return _layered(value, content)
    from tracer.computation_file import read_computation

    return read_computation(value, content)


# --- the parts of a problem ---


def _layered(value: Mapping[str, Any], content: str) -> Problem:
    top = Table(value, "", "", content)
    title = top.title()
    net = Table(top.need("network", "a [network] table with loss and layers"), "network", "network", content)
    loss = LOSSES[net.choice("loss", LOSSES)]
    in_out = net.choice("layout", ("out_in", "in_out"), "out_in") == "in_out"
    layers = _layers(net, in_out, _activations(top))
    samples = _sample_tables(top)
    x = _columns([_vector(s, "x", s.need("x", "x = [1, 2]")) for s in samples], samples, "x", None)
    _fit(layers, x.shape[0], in_out, samples[0])
    network = Network(tuple(layer for _, layer in layers), loss)
    if sum(network.sizes) * len(samples) > MOST_NUMBERS:
        each = f"{len(samples)} samples of {sum(network.sizes)} units"
        raise top.fail("samples", f"{each} are more than {MOST_NUMBERS} numbers; give fewer samples")
    signals = _signals(samples, network)
    training = read_training(
        Table(top.need("training", "a [training] table with learning_rate = 0.1"), "training", "training", content)
    )
    names = _names(top, network, x.shape[1])
    found = Problem(
        network,
        x,
        signals,
        training,
        title,
        names,
        read_sheet_table(top, network, x.shape[1], names),
        read_marking_table(top),
    )
    if training.frozen or training.state:
        fitting(training, layered(found).step.arrays)
    return found


def _layers(net: Table, in_out: bool, known: Mapping[str, Activation]) -> list[tuple[Table, Layer]]:
    tables = net.need("layers", 'layers = [{activation = "sigmoid", W = [[0.1, 0.2]]}]')
    if not isinstance(tables, Sequence) or isinstance(tables, str) or not len(tables):
        raise net.fail("layers", "must be a list of layers, each with activation and W")
    if len(tables) > MOST_LAYERS:
        raise net.fail("layers", f"{len(tables)} layers are too many; at most {MOST_LAYERS}")
    layers, numbers = [], 0
    for k, table in enumerate(tables, 1):  # one after the other: what is too much is refused before it is drawn
        layers.append(_layer(Table(table, f"layers[{k}]", "layers", net.content), in_out, known))
        layer = layers[-1][1]
        numbers += layer.W.floats.size + (layer.b.floats.size if layer.b else 0)
        if numbers > MOST_NUMBERS:
            raise net.fail("layers", f"more than {MOST_NUMBERS} numbers in all; a problem worked by hand is smaller")
    return layers


def _activations(top: Table) -> Mapping[str, Activation]:
    """Those of the package, and the functions of the file that work on one number."""
    own = read_functions(top)
    return (
        {**ACTIVATIONS, **{name: activation_of(f) for name, f in own.items() if f.inputs == 1}} if own else ACTIVATIONS
    )


def _layer(table: Table, in_out: bool, known: Mapping[str, Activation]) -> tuple[Table, Layer]:
    activation = known[table.choice("activation", known)]
    bias_column = table.flag("bias_column", False)
    W = _matrix(table, in_out, bias_column)
    if bias_column:
        for key in ("b", "theta"):
            if key in table.value:
                raise table.fail(key, f"bias_column = true already gives the biases; leave out {key}")
        if W.shape[1] < 2:
            raise table.fail("W", "has only the bias column; give each row its weights and then the bias")
        b = W.turned(lambda a: a[:, -1:])
        return table, Layer(activation, W.turned(lambda a: a[:, :-1]), b, BiasForm())
    if "b" in table.value and "theta" in table.value:
        raise table.fail("theta", "a layer has biases b or thresholds theta; leave out one of them")
    for letter in ("b", "theta"):
        if letter in table.value:
            return table, Layer(activation, W, *_bias(table, letter, W.shape[0]))
    return table, Layer(activation, W)


def _matrix(table: Table, in_out: bool, bias_column: bool) -> Given:
    W = numbers_or_draw(
        table, "W", table.need("W", "W = [[0.1, 0.2], [0.3, 0.4]]"), bias_column=bias_column, in_out=in_out
    )
    if len(W.shape) != 2:
        example = "a list of rows: W = [[0.1, 0.2], [0.3, 0.4]], one row per unit, one column per input"
        raise table.fail("W", f"{'one row' if len(W.shape) == 1 else 'not a matrix'}; write {example}")
    return W.turned(lambda a: a.T) if in_out else W


def _bias(table: Table, letter: str, units: int) -> tuple[Given, BiasForm]:
    given = numbers_or_draw(table, letter, table.value[letter])
    if given.shape == ():
        return given.turned(lambda a: a.reshape(1, 1)), BiasForm(letter, shared=True)
    if given.shape != (units,):
        hint = table.comma_hint(letter, given.floats.size, units)
        raise table.fail(
            letter,
            f"{_numbers(given.shape)}, but the layer has {_units(units)}; "
            f"give {_count(units)}, or one number for the layer{hint}",
        )
    return given.turned(lambda a: a.reshape(-1, 1)), BiasForm(letter)


def _fit(layers: list[tuple[Table, Layer]], inputs: int, in_out: bool, first: Table) -> None:
    """Each layer reads what the one below gives."""
    below, what = inputs, "samples have " + (f"{inputs} inputs" if inputs > 1 else "1 input")
    for k, (table, layer) in enumerate(layers, 1):
        if layer.inputs != below:
            if k == 1 and (hint := first.comma_hint("x", below, layer.inputs)):
                raise first.fail("x", f"{_count(below)}, but layer 1 reads {layer.inputs}{hint}")
            bias = 1 if table.flag("bias_column", False) else 0
            written = (layer.inputs + bias, layer.units) if in_out else (layer.units, layer.inputs + bias)
            rows = f"{written[0]} rows of {_count(written[1])}" if written[0] > 1 else f"1 row of {_count(written[1])}"
            wanted = f"give {below + bias} rows" if in_out else f"give each row {_count(below + bias)}"
            wanted += ", the last one the bias" if bias else ""
            turned = "in_out" if not in_out else "out_in"
            hint = f", or set network.layout = '{turned}'" if layer.units == below else ""
            hint += table.comma_hint("W", layer.inputs + bias, below + bias)
            raise table.fail("W", f"{rows}, but {what}; {wanted}{hint}")
        below, what = layer.units, f"layer {k} has {_units(layer.units)}"


def _sample_tables(top: Table) -> list[Table]:
    tables = top.need("samples", "a [[samples]] table with x and t")
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        raise top.fail("samples", "must be [[samples]] tables (two brackets), one for each sample")
    if not len(tables):
        raise top.fail("samples", "is empty; give at least one [[samples]] table with x and t")
    if len(tables) > MOST_SAMPLES:
        raise top.fail("samples", f"{len(tables)} samples are too many; at most {MOST_SAMPLES}")
    return [Table(t, f"samples[{k}]", "samples", top.content) for k, t in enumerate(tables, 1)]


def _vector(table: Table, key: str, written: Any) -> Given:
    given = table.array(key, written)
    if len(given.shape) > 1:
        raise table.fail(key, "must be one list of numbers; for several samples write several [[samples]] tables")
    return given.turned(lambda a: a.reshape(-1))


def _columns(vectors: list[Given], tables: list[Table], key: str, network: Network | None) -> Given:
    """The vectors of all samples side by side, each of the length of the first (or of the last layer)."""
    wanted = network.sizes[-1] if network else vectors[0].shape[0]
    why = f"layer {len(network)} has {_units(wanted)}" if network else f"samples[1].x has {_count(wanted)}"
    for vector, table in zip(vectors, tables, strict=True):
        if vector.shape[0] != wanted:
            hint = table.comma_hint(key, vector.shape[0], wanted)
            raise table.fail(key, f"{_numbers(vector.shape)}, but {why}; give {_count(wanted)}{hint}")
    texts: tuple[str, ...] | None = None
    if all(v.texts is not None for v in vectors):
        texts = tuple(t for row in zip(*(v.texts or () for v in vectors), strict=True) for t in row)
    return Given(np.array([v.floats for v in vectors]).T.copy(), texts)


def _signals(tables: list[Table], network: Network) -> Given | None:
    loss: Loss = network.loss
    allowed: dict[str, tuple[str, ...]] = {"t": ("t", "class"), "dz": ("dz",), "": ()}
    vectors = []
    for table in tables:
        for key in ("t", "class", "dz"):
            if key in table.value and key not in allowed[loss.needs]:
                instead = f"give {allowed[loss.needs][0]} instead" if loss.needs else "leave it out"
                raise table.fail(key, f"loss {loss.name} takes no {key}; {instead}")
        if loss.needs == "t" and "class" in table.value:
            if "t" in table.value:
                raise table.fail("class", "t is given too; give one of them")
            vectors.append(_one_hot(table, network.sizes[-1]))
        elif loss.needs:
            vectors.append(_vector(table, loss.needs, table.need(loss.needs, f"{loss.needs} = [0, 1]")))
    return _columns(vectors, tables, loss.needs, network) if loss.needs else None


def _one_hot(table: Table, classes: int) -> Given:
    k = table.value["class"]
    if classes < 2:
        raise table.fail("class", "the last layer has one unit; give its target as t = [0] or t = [1]")
    if not whole(k) or not 1 <= k <= classes:
        raise table.fail("class", f"{shortened(k)} is not a class; give a whole number from 1 to {classes}")
    return Given.read([int(j == k) for j in range(1, classes + 1)])


def _names(top: Table, network: Network, samples: int) -> tuple[tuple[str, str, str], ...]:
    entries = read_names(top)
    for entry in entries:
        try:
            Aliases(network, samples, (entry,))
        except (UnknownName, ValueError) as e:
            raise ProblemError(f"{Table({}, 'names', '', '').at(entry[0])}: {e}") from None
    return entries


# --- words ---


def _count(n: int) -> str:
    return f"{n} numbers" if n != 1 else "1 number"


def _units(n: int) -> str:
    return f"{n} units" if n != 1 else "1 unit"


def _numbers(shape: tuple[int, ...]) -> str:
    return "one number" if not shape else _count(shape[0]) if len(shape) == 1 else f"{len(shape)} levels of lists"
