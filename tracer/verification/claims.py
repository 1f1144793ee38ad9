"""Somebody else's numbers: read from a mapping or a sheet (JSON, CSV, lines), and laid out as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from derivations.aliases import Meaning
from derivations.computation import Computation
from derivations.equations import Role
from derivations.given import as_float, read_number
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer.answers.reading.sheets import Cell, SheetError, read_sheet
from tracer.computed_step import STATED
from tracer.verification.judging import Claim
from tracer.verification.subject import Floats, layout_of

__all__ = ["Claims", "read_claims"]

FULL_DIGITS = 16
SINGLE_DIGITS = 9
"""With so many every float32 can be told."""
Where = tuple[int, int]  # (sample, step) of the network that the numbers belong to


class Claims:
    """The claims of each step, and what a reader of the result must know about how they were read."""

    def __init__(self, problem: Problem | Computation) -> None:
        self.problem, self.layout, self.notes = problem, layout_of(problem), list[str]()
        way = problem.training.samples if problem.training else "together"
        self.apart = way == "apart" and problem.samples > 1
        self.together = way == "together" or problem.samples == 1
        self._given: dict[Where, dict[str, Floats]] = {}
        self._printed: dict[Where, dict[str, Floats]] = {}
        self._single: dict[Where, set[str]] = {}

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
        meaning = self.layout.read(name, notation)
        factor = self._factor(meaning)
        where, own, array = self._array(meaning.quantity, name)
        place = self._place(meaning.quantity, own, array, name)
        if not np.isnan(array[place]):
            raise SheetError(f"{name} is given twice")
        array[place] = self._told(name, number / factor)
        if printed:
            half = self._printed.setdefault(where, {}).setdefault(own, np.zeros(array.shape))
            half[place] = abs(printed / factor)

    def add_array(self, name: str, numbers: Any) -> None:
        """A whole array, in the shape in which people index it.  Raises SheetError for another shape."""
        meaning = self.layout.read(name)
        q = meaning.quantity
        where, own, array = self._array(q, name)
        if q.indices:
            if np.size(numbers) != 1:
                raise SheetError(f"{name} is one number, not {np.size(numbers)}")
            self.add(name, float(np.ravel(numbers)[0]))
            return
        at = self._whole(q, own, array)
        array[at] = self._told(name, self._laid_out(q, own, array[at], numbers, name) / self._factor(meaning))
        if getattr(numbers, "dtype", None) in (np.float32, np.float16):
            self._single.setdefault(where, set()).add(own)

    def all_single(self) -> None:
        """Judge every number as a float32."""
        for where, arrays in self._given.items():
            self._single[where] = set(arrays)
        self.notes.append("the numbers are read as float32")

    def _told(self, name: str, numbers: Any) -> Any:
        """What is given; nan, which marks here what is not, is as wrong as infinity, and that is said."""
        none = np.isnan(numbers)
        if np.any(none):
            self.notes.append(f"{name} is given as nan, shown as inf")
        return np.where(none, np.inf, numbers)

    @property
    def is_single(self) -> bool:
        """Whether some of it came as float32."""
        return bool(self._single)

    def numbers(self) -> Floats:
        """All that is given."""
        given = [np.ravel(array) for arrays in self._given.values() for array in arrays.values()]
        together = np.concatenate([np.zeros(0), *given])
        return np.asarray(together[~np.isnan(together)])

    def _factor(self, meaning: Meaning) -> float:
        multiple = as_float(meaning.multiple)
        if not meaning.eta_power or self.problem.training is None:
            return multiple
        return multiple * float(self.problem.training.learning_rate.floats) ** meaning.eta_power

    def _array(self, q: Quantity, name: str) -> tuple[Where, str, Floats]:
        """Which step a number belongs to, its array, and what is given of it so far."""
        own = self._judged(q, name)
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
        shape, axis = list(self.layout.step.arrays[own].shape), self.layout.axis(own)
        if axis is not None and not self.together:
            shape[axis] = 1
        return where, own, self._given.setdefault(where, {}).setdefault(own, np.full(shape, np.nan))

    def _judged(self, q: Quantity, name: str) -> str:
        """The array of a number that the step works out.  Raises SheetError for another one."""
        arrays = self.layout.step.arrays
        try:
            own = self.layout.array(q)
        except KeyError:
            own = ""
        if own in arrays and arrays[own].role in STATED:
            raise SheetError(
                f"'{name}' is given, not worked out, so it is not judged here; give numbers such as {self._such()}"
            )
        if own not in arrays:
            training = self.problem.training
            optimizer = training.optimizer if training else "none"
            raise SheetError(f"'{name}' is not worked out in this problem's update ({optimizer}); give W1_new")
        return own

    def _such(self) -> str:
        """An example of what is judged."""
        roles = (Role.GRADIENT, Role.UPDATED)
        first = (next((n for n, a in self.layout.step.arrays.items() if a.role is role), "") for role in roles)
        names = [n for n in first if n]
        return "dW1 or W1_new" if isinstance(self.problem, Problem) else " or ".join(names)

    def _place(self, q: Quantity, own: str, array: Floats, name: str) -> tuple[int, ...]:
        axis = self.layout.axis(own)
        if axis is not None and self.together and self.problem.samples > 1 and not q.sample:
            raise SheetError(f"'{name}' is not one number in a batch; name the sample too, such as {name}@1")
        if len(q.indices) != array.ndim - (axis is not None) and not (array.ndim == 0 and set(q.indices) <= {1}):
            raise SheetError(f"'{name}' is not one number; name one, such as {name}[1]")
        place = list(self.layout.place(q))[: array.ndim]
        if axis is not None and not self.together:
            place[axis] = 0
        return tuple(place)

    def _whole(self, q: Quantity, own: str, array: Floats) -> tuple[Any, ...]:
        """All of an array, or all of one sample's."""
        axis = self.layout.axis(own)
        if axis is None:
            return (...,)
        several = self.together and self.problem.samples > 1
        if several and not q.sample:
            return (...,)
        return (*[slice(None)] * axis, q.sample - 1 if several else 0)

    def _laid_out(self, q: Quantity, own: str, array: Floats, numbers: Any, name: str) -> Any:
        """Numbers in the shape of what they are for: samples first, as people list them; biases as a row or column."""
        x, axis = np.asarray(numbers, float), self.layout.axis(own)
        layered = isinstance(self.problem, Problem)
        whole = axis is not None and array.ndim == len(self.layout.step.arrays[own].shape)
        if layered and whole and x.ndim == array.ndim:
            x = np.moveaxis(x, 0, -1)
        elif x.size == array.size and (array.ndim < 2 or (x.ndim < 2 and 1 in array.shape)):
            x = x.reshape(array.shape)
        weights = layered and axis is None and array.ndim == 2
        if weights and x.shape == array.shape[::-1] and x.shape != array.shape:
            self.notes.append(f"{name} has one row for each input; it is read as the transpose")
            x = x.T
        if x.shape != array.shape:
            wanted = self._shape(own)
            raise SheetError(f"{name} has shape {np.shape(numbers)}; ours is {wanted or 'one number'}")
        return x

    def _shape(self, own: str) -> tuple[int, ...]:
        """The shape of an array without the axis of the samples."""
        axis = self.layout.axis(own)
        return tuple(n for k, n in enumerate(self.layout.step.arrays[own].shape) if k != axis)


def read_claims(problem: Problem | Computation, source: Any, standard_input: IO[bytes] | None = None) -> Claims:
    """The numbers of a mapping (names or whole arrays) or of a file.  Raises SheetError, UnknownName, OSError."""
    claims = Claims(problem)
    if isinstance(source, Mapping):
        for name, numbers in source.items():
            _add(claims, str(name), numbers)
        if not claims.is_single and _are_single_in_full(claims.numbers()):
            claims.all_single()
    else:
        _add_cells(claims, read_sheet(source, standard_input, not_finite=True))
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

    Numbers that are all the shortest decimals of float32, some with 8 digits or more, are float32; so are those that a
    float64 of each of them writes in full.
    """
    most = max(len(_digits(cell.number)) for cell in cells)
    single = 8 <= most < 10 and all(_is_single(cell.number) for cell in cells)
    single |= most >= FULL_DIGITS and _are_single_in_full(np.array([as_float(cell.number) for cell in cells]))
    for cell in cells:
        full = most >= FULL_DIGITS or single or "/" in cell.number
        claims.add(cell.name, as_float(cell.number), 0.0 if full else _half_unit(cell.number), cell.notation)
    if single:
        claims.all_single()
    elif most < FULL_DIGITS:
        claims.notes.append("the numbers are read as rounded to the digits printed")


def _digits(number: str) -> str:
    return number.lower().split("e")[0].lstrip("+-").replace(".", "").lstrip("0")


def _is_single(number: str) -> bool:
    value = as_float(number)
    return "/" not in number and float(str(np.float32(value))) == value


def _are_single_in_full(numbers: Floats) -> bool:
    """Whether each is a float32, and one takes more digits as a float64 than any float32 needs."""
    numbers = numbers[np.isfinite(numbers)]
    with np.errstate(over="ignore"):
        single = bool((numbers.astype(np.float32) == numbers).all())
    return single and any(len(_digits(repr(float(number)))) > SINGLE_DIGITS for number in numbers)


def _half_unit(number: str) -> float:
    """Half a unit of the last digit printed; a bare 0 is 0."""
    mantissa, _, exponent = number.lower().partition("e")
    if not mantissa.strip("+-0") or not set(mantissa) <= set("+-.0123456789"):  # a fraction, nan and inf have no unit
        return 0.0
    places = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - places) * (1 + 1e-12)
