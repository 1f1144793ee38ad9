"""The arithmetic whose numbers are written expressions: equations run on it are formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.expression import Call, Choice, Expression, Number, Power
from derivations.given import Given

__all__ = ["Writing"]


def _written(function: Callable[..., Any], inputs: int = 1) -> Any:
    return staticmethod(np.frompyfunc(function, inputs, 1))


class Writing(Arithmetic):
    """The arithmetic whose numbers are written expressions."""

    name = "writing"
    by_definition = True
    exp = _written(lambda a: Call("exp", (a,)))
    expm1 = _written(lambda a: Call("exp", (a,)) - 1)
    log = _written(lambda a: Call("log", (a,)))
    log1p = _written(lambda a: Call("log", (1 + a,)))
    tanh = _written(lambda a: Call("tanh", (a,)))
    normal_cdf = _written(lambda a: Call("Phi", (a,)))
    sqrt = _written(lambda a: Call("sqrt", (a,)))
    square = _written(lambda a: Power(a, 2))
    ones_like = _written(lambda a: Number("1"))
    absolute = _written(lambda a: Call("abs", (a,)))
    positive_part = _written(lambda a: Call("max0", (a,)))
    where = _written(Choice, 3)
    unless_zero = _written(lambda t, value: value, 2)
    over = _written(lambda t, y: t / y, 2)
    pi: Any = Number("pi")

    def number(self, text: str) -> Expression:
        """A literal."""
        return Number(text)

    def lift(self, given: Given) -> Any:
        """Literals as they were written."""
        return np.frompyfunc(Number, 1, 1)(given.shown())
