"""Somebody else's numbers: read from a mapping or a sheet (JSON, CSV, lines), and laid out as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from derivations import names
from derivations.aliases import Meaning
from derivations.given import as_float, read_number
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.spellings import Spellings
from tracer.answers.reading.sheets import Cell, SheetError, read_sheet
from tracer.verification.case import Arrays
from tracer.verification.judging import Claim
from tracer.verification.updates import recorded

__all__ = ["Claims", "read_claims"]

FULL_DIGITS = 16
Where = tuple[int, int]  # (sample, step) of the network that the numbers belong to


class Claims:
    """The claims of each step, and what a reader of the result must know about how they were read."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.notes = problem, list[str]()
        self.apart = problem.training.samples == "apart" and problem.samples > 1
        self.together = problem.training.samples == "together" or problem.samples == 1
        self._given: dict[Where, Arrays] = {}
        self._printed: dict[Where, Arrays] = {}
        self._single: dict[Where, set[tuple[str, int]]] = {}
        self._spellings = Spellings(problem.network, problem.samples, problem.names)

    def of(self, sample: int, step: int) -> Claim:
        """What is given for one step."""
        where = (sample, step)
        single = frozenset(self._single.get(where, ()))
        return Claim(self._given.get(where, {}), self._printed.get(where, {}), single)

    @property
    def places(self) -> set[Where]:
        """The steps that something is given for."""
        return set(self._given)

    def add(self, name: str, number: float, printed: float = 0.0, notation: str = "") -> None:
        """One number of a sheet in a notation.  Raises UnknownName, and SheetError for what is not judged."""
        meaning = self._spellings.read(name, notation)
        q, factor = meaning.quantity, self._factor(meaning)
        where, array = self._array(q, name)
        place = self._place(q, array, name)
        if not np.isnan(array[place]):
            raise SheetError(f"{name} is given twice")
        array[place] = _never_nan(number / factor)
        if printed:
            half = self._printed.setdefault(where, {}).setdefault((q.kind, q.layer), np.zeros(array.shape))
            half[place] = abs(printed / factor)

    def add_array(self, name: str, numbers: Any) -> None:
        """A whole array, in the shape in which people index it.  Raises SheetError for another shape."""
        meaning = self._spellings.read(name)
        q = meaning.quantity
        where, array = self._array(q, name)
        if q.indices:
            if np.size(numbers) != 1:
                raise SheetError(f"{name} is one number, not {np.size(numbers)}")
            self.add(name, float(np.ravel(numbers)[0]))
            return
        array[...] = _never_nan(self._laid_out(q, array, numbers, name) / self._factor(meaning))
        if getattr(numbers, "dtype", None) in (np.float32, np.float16):
            self._single.setdefault(where, set()).add((q.kind, q.layer))

    def all_single(self) -> None:
        """Judge every number as a float32."""
        for where, arrays in self._given.items():
            self._single[where] = set(arrays)

    def _factor(self, meaning: Meaning) -> float:
        eta = float(self.problem.training.learning_rate.floats) ** meaning.eta_power
        return as_float(meaning.multiple) * eta

    def _array(self, q: Quantity, name: str) -> tuple[Where, Any]:
        stage = KINDS[q.kind].stage
        if stage == "given":
            raise SheetError(
                f"'{name}' is given, not worked out, so it is not judged here; give numbers such as dW1 or W1_new"
            )
        if stage == "update" and not recorded(self.problem, q.kind):
            optimizer = self.problem.training.optimizer
            raise SheetError(f"'{name}' is not worked out in this problem's update ({optimizer}); give W1_new")
        if q.sample and not self.together and not self.apart:
            raise SheetError(
                f"'{name}': samples go in turn, so sample {q.sample} is step {q.sample}; write #{q.sample}"
            )
        if self.apart and not q.sample:
            raise SheetError(f"'{name}': each sample has a network of its own; name the sample too, such as {name}@1")
        where = (q.sample if self.apart else 0, q.step)
        steps = 1 if self.apart or self.together else self.problem.samples
        if q.step > steps:
            raise SheetError(f"'{name}': only {steps} {'step is' if steps == 1 else 'steps are'} judged here")
        samples = self.problem.samples if self.together else 1
        shape = (*names.shape(self.problem.network, q.kind, q.layer),)
        if KINDS[q.kind].sampled:
            shape = (*shape, samples)
        elif KINDS[q.kind].axes == "b":
            shape = (*shape, 1) if shape else (1, 1)
        arrays = self._given.setdefault(where, {})
        return where, arrays.setdefault((q.kind, q.layer), np.full(shape, np.nan))

    def _place(self, q: Quantity, array: Any, name: str) -> tuple[int, ...]:
        place = tuple(i - 1 for i in q.indices)
        if KINDS[q.kind].sampled:
            if self.together and self.problem.samples > 1 and not q.sample:
                raise SheetError(f"'{name}' is not one number in a batch; name the sample too, such as {name}@1")
            place = (*place, q.sample - 1 if self.together and q.sample else 0)
        elif KINDS[q.kind].axes == "b":
            place = (*place, 0) if place or (array.shape == (1, 1) and q.indices) else place or (0, 0)
        if len(place) != array.ndim:
            raise SheetError(f"'{name}' is not one number; name one, such as {name}[1]")
        return place

    def _laid_out(self, q: Quantity, array: Any, numbers: Any, name: str) -> Any:
        x = np.asarray(numbers, float)
        kind = KINDS[q.kind]
        if kind.sampled and array.shape[-1] > 1 and not q.sample and x.ndim == array.ndim:
            x = np.moveaxis(x, 0, -1)
        elif x.size == array.size and x.ndim < 2 <= array.ndim and 1 in array.shape:
            x = x.reshape(array.shape)
        if kind.axes == "ji" and x.shape == array.shape[::-1] and x.shape != array.shape:
            self.notes.append(f"{name} has one row for each input; it is read as the transpose")
            x = x.T
        if x.size == array.size and (1 in array.shape or array.ndim == 0) and kind.axes != "ji":
            x = x.reshape(array.shape)
        if x.shape != array.shape:
            wanted = names.shape(self.problem.network, q.kind, q.layer)
            raise SheetError(f"{name} has shape {np.shape(numbers)}; ours is {wanted or 'one number'}")
        return x


def _never_nan(x: Any) -> Any:
    """NaN marks what is not given; a NaN that is given is as wrong as infinity."""
    return np.where(np.isnan(x), np.inf, x)


def read_claims(problem: Problem, source: Any, standard_input: IO[bytes] | None = None) -> Claims:
    """The numbers of a mapping (names or whole arrays) or of a file.  Raises SheetError, UnknownName, OSError."""
    claims = Claims(problem)
    if isinstance(source, Mapping):
        for name, numbers in source.items():
            _add(claims, str(name), numbers)
    else:
        _add_cells(claims, read_sheet(source, standard_input))
    if not claims.places:
        raise SheetError("nothing is given to check; give numbers such as {'dW1[1,1]': 0.02}")
    return claims


def _add(claims: Claims, name: str, numbers: Any) -> None:
    if hasattr(numbers, "detach"):  # a torch tensor, without importing torch
        numbers = numbers.detach().cpu().numpy()
    if isinstance(numbers, str):
        number = read_number(numbers)
        claims.add(name, as_float(number), _half_unit(number))
    elif isinstance(numbers, np.ndarray | np.floating) and numbers.dtype.kind in "fiu":
        claims.add_array(name, numbers)
    elif isinstance(numbers, int | float | np.integer):
        claims.add(name, float(numbers))
    else:
        claims.add_array(name, _numbers(name, numbers))


def _numbers(name: str, given: Any) -> Any:
    """float64 of what may be an array.  Raises SheetError."""
    try:
        array = np.asarray(given)
        each = np.frompyfunc(float, 1, 1)  # of None and of a complex number it makes none, where numpy does
        return array.astype(float) if array.dtype.kind in "fiub" else np.asarray(each(array), float)
    except (TypeError, ValueError):
        raise SheetError(f"{name}: not numbers in rows of one length; give an array of floats") from None


def _add_cells(claims: Claims, cells: list[Cell]) -> None:
    """Numbers of a text: with 16 digits or more anywhere they are float64 written in full, else as printed.

    Numbers that are all the shortest decimals of float32, some with 8 digits or more, are float32.
    """
    most = max(len(_digits(cell.number)) for cell in cells)
    single = 8 <= most < 10 and all(_is_single(cell.number) for cell in cells)
    for cell in cells:
        full = most >= FULL_DIGITS or single or "/" in cell.number
        claims.add(cell.name, as_float(cell.number), 0.0 if full else _half_unit(cell.number), cell.notation)
    if single:
        claims.all_single()
        claims.notes.append("the numbers are read as float32")
    elif most < FULL_DIGITS:
        claims.notes.append("the numbers are read as rounded to the digits printed")


def _digits(number: str) -> str:
    return number.lower().split("e")[0].lstrip("+-").replace(".", "").lstrip("0")


def _is_single(number: str) -> bool:
    value = as_float(number)
    return "/" not in number and float(str(np.float32(value))) == value


def _half_unit(number: str) -> float:
    """Half a unit of the last digit printed."""
    mantissa, _, exponent = number.lower().partition("e")
    if "/" in number:
        return 0.0
    places = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - places) * (1 + 1e-12)
