"""Slips use only the operations that every arithmetic has, so that they run on arrays that are no numpy arrays.

An array of units by samples has + - * / @ **, `.T`, `.sum`, plain indices and slices of its rows, `[:, None]`, `[None]`
and `len`.  Anything else fails here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from slip_problems import problems

from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.given import Given
from derivations.network import Problem
from derivations.rules import RULES
from tracer.answers.marking.by_rules import passes_by_rules
from tracer.answers.slips import slips_of

FUNCTIONS = (
    *("exp", "expm1", "log", "log1p", "tanh", "normal_cdf", "sqrt", "square", "absolute"),
    *("ones_like", "positive_part", "where", "unless_zero", "over", "largest"),
)


def bare(value: Any) -> Any:
    return value.inside if isinstance(value, Plain) else value


class Plain:
    """An array with the agreed operations and no others."""

    __array_ufunc__ = None  # numpy leaves operators with this array to it

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a value was turned into a numpy array")

    def __bool__(self) -> bool:
        raise TypeError("`if` on a value")

    __float__ = __bool__

    def __len__(self) -> int:
        return len(self.inside)

    @property
    def T(self) -> Plain:
        return Plain(self.inside.T)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Plain:
        assert axis is not None or not keepdims
        return Plain(self.inside.sum(axis=axis, keepdims=keepdims))

    def __getitem__(self, index: Any) -> Plain:
        whole = slice(None)
        assert index is None or isinstance(index, int | slice) or index == (whole, None), index
        return Plain(self.inside[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        assert isinstance(index, tuple), index
        assert index[0] == index[1]
        self.inside[index] = bare(value)

    def __pow__(self, exponent: int) -> Plain:
        return Plain(self.inside**exponent)

    def __neg__(self) -> Plain:
        return Plain(-self.inside)


def operator(name: str) -> Any:
    return lambda self, other: Plain(getattr(np.asarray(self.inside), name)(bare(other)))


for letters in ("add", "sub", "mul", "truediv", "matmul"):
    setattr(Plain, f"__{letters}__", operator(f"__{letters}__"))
    setattr(Plain, f"__r{letters}__", operator(f"__r{letters}__"))


class Strict(Arithmetic):
    """float64 on such arrays."""

    name = "strict"
    by_definition = True
    pi = np.float64(np.pi)

    def __init__(self) -> None:
        for function in FUNCTIONS:
            setattr(self, function, self._on_plain(getattr(FLOAT64, function)))

    @staticmethod
    def _on_plain(function: Any) -> Any:
        def on_plain(*values: Any) -> Plain:
            return Plain(function(*map(bare, values)))

        return on_plain

    def number(self, text: str) -> Any:
        return FLOAT64.number(text)

    def lift(self, given: Given) -> Any:
        return Plain(FLOAT64.lift(given))

    def working(self) -> Any:
        return FLOAT64.working()


def run(given: Problem, rules: Any) -> dict[tuple[str, int], Any]:
    arrays = next(iter(passes_by_rules(given, rules, Strict())))
    return {place: bare(array) for place, array in arrays.items()}


@pytest.mark.parametrize("name", problems())
def test_every_slip_runs_on_the_agreed_operations(name):
    given = problems()[name]
    for slip in slips_of(given):
        plain = next(iter(passes_by_rules(given, slip.rules)))
        for place, array in run(given, slip.rules).items():
            assert np.allclose(array, plain[place], rtol=1e-9, atol=1e-12, equal_nan=True), (slip.name, place)


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda s, l: np.abs(s.a[l]),
        lambda s, l: s.a[l] if s.a[l] else s.x,
        lambda s, l: s.a[l][[0, 1]],
        lambda s, l: np.asarray(s.a[l]),
        lambda s, l: s.a[l][:, 0:1],
        lambda s, l: s.a[l].reshape(-1),
    ],
)
def test_other_operations_are_found(forbidden):
    with pytest.raises((TypeError, AssertionError, AttributeError)):
        run(problems()["hand"], replace(RULES, activation=forbidden))
