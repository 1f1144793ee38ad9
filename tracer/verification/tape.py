"""A run of array operations, kept as a tape: the list of them, to be done again with other numbers.

The first run goes through recorded arrays, which do what numpy does and write it down.  What the run asks of their
numbers (is all of it within what is allowed?) is written down with its answer: where another answer comes, the tape is
left, and the run is to be made as it is written.  Nothing but operations of numpy on arrays is ever on a tape.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tracer.verification.tape_shortening import Departed, Noted, no, placed, shortened, yes

__all__ = ["NotRecorded", "Recorded", "Tape", "recordable"]

Array = Any  # an array, or a number of numpy


class NotRecorded(Exception):
    """A run asked for more than arrays and answers, such as for a number itself."""


class _Again(NamedTuple):
    """A tape that is complete: operations over places, what the places hold before, where a run starts and ends."""

    operations: list[tuple[Callable[..., Any], int, tuple[int, ...], int]]
    holds: list[Any]
    starts: dict[str, int]
    ends: dict[Any, int]


class Tape:
    """Operations in their order, over numbered places that hold arrays."""

    def __init__(self) -> None:
        self._noted: list[Noted] = []
        self._shapes: list[tuple[int, ...]] = []
        self._constants: dict[int, Any] = {}
        self._known: dict[Hashable, int] = {}
        self._starts: dict[str, int] = {}
        self._again: _Again | None = None

    def start(self, name: str, array: Array) -> Recorded:
        """An array that another run will bring its own of."""
        out = self._recorded(array)
        self._starts[name] = out.place
        return out

    def note(
        self,
        act: Callable[..., Any],
        key: tuple[Hashable, ...] | None,
        *read: Any,
        changed: Recorded | None = None,
        copies: bool = False,
    ) -> Recorded:
        """Does an operation on recorded arrays and constants, and writes it down.

        `key` says which operation it is; `changed` is what it changes; `copies`: it gives the numbers that it reads.
        """
        places = tuple(self._place(x) for x in read)
        values = [x.value if isinstance(x, Recorded) else x for x in read]
        value = act(*values)
        out = self._recorded(value) if changed is None else changed
        views = tuple(p for p, x in zip(places, values, strict=True) if _shared(x, value))
        self._noted.append(Noted(act, key, places, out.place, views, changed is not None, copies))
        return out

    def answer(self, of: Recorded) -> bool:
        """What a run asks of an array; the tape is left where the answer is another one."""
        value = bool(of.value)
        act = yes if value else no
        self._noted.append(Noted(act, (act,), (of.place,), self._new(()), (), changes=False, copies=False, asks=True))
        return value

    def end(self, found: Mapping[Any, Any]) -> None:
        """What the run has found, by key: the tape is complete."""
        ends = {key: self._place(x) for key, x in found.items()}
        noted, ends = shortened(self._noted, self._shapes, ends)
        operations, seats, size = placed(noted, [*self._starts.values(), *self._constants], [*ends.values()])
        holds: list[Any] = [None] * size
        for place, value in self._constants.items():
            if place in seats:
                holds[seats[place]] = value
        starts = {name: seats[place] for name, place in self._starts.items() if place in seats}
        self._again = _Again(operations, holds, starts, {key: seats[place] for key, place in ends.items()})
        self._noted, self._shapes, self._constants, self._known = [], [], {}, {}

    def _new(self, shape: tuple[int, ...]) -> int:
        self._shapes.append(shape)
        return len(self._shapes) - 1

    def _recorded(self, value: Array) -> Recorded:
        return Recorded(self, self._new(np.shape(value)), value)

    def _place(self, x: Any) -> int:
        if isinstance(x, Recorded):
            return x.place
        if not isinstance(x, np.ndarray | np.generic | float | int | bool):
            raise NotRecorded(f"{type(x).__name__} is neither an array nor a number")
        key = (x.dtype.str, x.shape, x.tobytes()) if isinstance(x, np.ndarray) else (type(x), repr(x))
        if key not in self._known:
            self._known[key] = self._new(np.shape(x))
            self._constants[self._known[key]] = np.array(x) if isinstance(x, np.ndarray) else x
        return self._known[key]

    def again(self, given: Mapping[str, Array]) -> dict[Any, Array] | None:
        """What the run finds from other arrays of the same shapes; None where it would go another way."""
        assert self._again is not None
        operations, holds, starts, ends = self._again
        s = holds.copy()
        for name, place in starts.items():
            s[place] = given[name]
        try:
            for act, count, read, out in operations:
                if count == 2:
                    s[out] = act(s[read[0]], s[read[1]])
                elif count == 1:
                    s[out] = act(s[read[0]])
                else:
                    s[out] = act(*[s[p] for p in read])
        except Departed:
            return None
        return {key: s[place] for key, place in ends.items()}


def _shared(x: Any, value: Any) -> bool:
    """Whether two arrays may be parts of one."""
    return isinstance(x, np.ndarray) and isinstance(value, np.ndarray) and np.may_share_memory(x, value)


class Recorded(NDArrayOperatorsMixin):
    """An array on a tape: what is done with it is done with its numbers, and written down."""

    __slots__ = ("place", "tape", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tape: Tape, place: int, value: Array) -> None:
        self.tape, self.place, self.value = tape, place, value

    # --- what depends on shapes alone ---

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(np.shape(self.value))

    @property
    def ndim(self) -> int:
        return int(np.ndim(self.value))

    @property
    def size(self) -> int:
        return int(np.size(self.value))

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def kind(self) -> str:
        """What its numbers are, in numpy's letters; nothing for a number that is none of numpy."""
        return self.value.dtype.str if hasattr(self.value, "dtype") else ""

    @property
    def flags(self) -> Any:
        return self.value.flags

    def __len__(self) -> int:
        return len(self.value)

    # --- what is asked of its numbers ---

    def __bool__(self) -> bool:
        return self.tape.answer(self)

    def _refused(self, *_: Any, **__: Any) -> Any:
        raise NotRecorded("the numbers of a recorded array are not handed out")

    __array__ = __float__ = __int__ = __complex__ = __index__ = __iter__ = _refused

    # --- operations ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *read: Any, out: Any = None, **how: Any) -> Recorded:
        if any(isinstance(x, Recorded) for x in how.values()) or ufunc.nout != 1:
            raise NotRecorded(f"{ufunc.__name__} with {', '.join(how)}")
        act = ufunc if method == "__call__" else getattr(ufunc, method)
        act, key = partial(act, **how) if how else act, (ufunc, method, repr(how))
        if out is None:
            return self.tape.note(act, key, *read)
        (target,) = out
        if not isinstance(target, Recorded):
            raise NotRecorded("an array that is not recorded would be changed")
        if not isinstance(target.value, np.ndarray):  # a single number is not changed in its place
            return self.tape.note(act, key, *read)
        plain = method == "__call__" and not how  # what a function writes to may stand behind what it reads
        into = act if plain else lambda *x: act(*x[:-1], out=x[-1])
        return self.tape.note(into, None, *read, target, changed=target)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, read: Sequence[Any], how: Mapping[str, Any]
    ) -> Any:
        if function in _SHAPES:
            return getattr(read[0], _SHAPES[function])
        if function in _MADE:
            return self.tape.note(partial(function, *read, **how), (function, repr(read), repr(how)))
        if any(isinstance(x, Recorded) for x in how.values()):
            raise NotRecorded(f"{function.__name__} with {', '.join(how)}")
        if function in _REDUCED:
            return _reduced(_REDUCED[function], *read, **how)
        key: tuple[Hashable, ...] = (function, repr(how), read[0].kind if isinstance(read[0], Recorded) else "")
        if function in _SEVERAL:
            parts, *more = read
            return self.tape.note(lambda *x: function(x, *more, **how), (*key, repr(more)), *parts)
        array, *more = read
        if function is np.copy and isinstance(array.value, np.ndarray):
            return self.tape.note(operator.methodcaller("copy", how.get("order", "K")), key, array, copies=True)
        if not any(isinstance(x, Recorded | np.ndarray) for x in more):
            key = (*key, repr(more))
            return self.tape.note(lambda x: function(x, *more, **how), key, array)
        return self.tape.note(partial(function, **how) if how else function, key, *read)

    def __getitem__(self, at: Any) -> Recorded:
        return self.tape.note(operator.itemgetter(at), (operator.itemgetter, _key_of(at)), self)

    def __setitem__(self, at: Any, more: Any) -> None:
        _key_of(at)

        def put(whole: Array, part: Array) -> Array:
            whole[at] = part
            return whole

        self.tape.note(put, None, self, more, changed=self)

    def _done(self, name: str, *given: Any) -> Recorded:
        return self.tape.note(operator.methodcaller(name, *given), (name, repr(given)), self)

    def reshape(self, *shape: Any) -> Recorded:
        return self._done("reshape", *shape)

    def transpose(self, *turn: Any) -> Recorded:
        return self._done("transpose", *turn)

    def squeeze(self, *axis: Any) -> Recorded:
        return self._done("squeeze", *axis)

    def ravel(self) -> Recorded:
        return self._done("ravel")

    def astype(self, dtype: Any) -> Recorded:
        return self._done("astype", dtype)

    def sum(self, axis: Any = None, **how: Any) -> Recorded:
        return _reduced(np.add, self, axis, **how)

    def max(self, axis: Any = None, **how: Any) -> Recorded:
        return _reduced(np.maximum, self, axis, **how)

    def min(self, axis: Any = None, **how: Any) -> Recorded:
        return _reduced(np.minimum, self, axis, **how)

    def any(self, axis: Any = None, **how: Any) -> Recorded:
        return _reduced(np.logical_or, self, axis, **how)

    def all(self, axis: Any = None, **how: Any) -> Recorded:
        return _reduced(np.logical_and, self, axis, **how)


def recordable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an array, done as one operation of a tape; what else it is given is the same in every run."""

    @wraps(function)
    def done(array: Any, *more: Any) -> Any:
        if not isinstance(array, Recorded):
            return function(array, *more)
        return array.tape.note(lambda x: function(x, *more), (function, repr(more), array.kind), array)

    return done


def _reduced(ufunc: np.ufunc, x: Recorded, axis: Any = None, **how: Any) -> Recorded:
    how["axis"] = axis
    return x.tape.note(partial(ufunc.reduce, **how), (ufunc, "reduce", repr(how)), x)


def _key_of(at: Any) -> Hashable:
    """Places in words.  Raises NotRecorded where they depend on numbers; None for what is long."""
    parts = at if isinstance(at, tuple) else (at,)
    if any(isinstance(x, Recorded) for x in parts):
        raise NotRecorded("places that depend on numbers")
    return object() if any(isinstance(x, np.ndarray) for x in parts) else repr(at)


_SHAPES: Mapping[Any, str] = {np.shape: "shape", np.ndim: "ndim", np.size: "size"}
_MADE = (np.zeros, np.ones)
"""What is made like a recorded array, to be filled: it is made anew in every run."""
_SEVERAL = (np.concatenate, np.stack)
"""Functions of a list of arrays."""
_REDUCED: Mapping[Any, np.ufunc] = {
    np.sum: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
    np.any: np.logical_or,
    np.all: np.logical_and,
}
