"""Given numbers of a problem file: written as lists, or drawn, `W = {random = "normal", shape = [2, 3], seed = 1}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derivations.given import Given
from derivations.network import MOST_NUMBERS
from tracer.fields import Table, whole

__all__ = ["numbers_or_draw"]

MOST_UNITS = 100_000
_TAKES = {"normal": ("mean", "std"), "uniform": ("low", "high"), "glorot_uniform": ()}


def numbers_or_draw(
    table: Table, key: str, written: Any, *, bias_column: bool = False, in_out: bool = False, deepest: int = 2
) -> Given:
    """The numbers of a field, of at most `deepest` axes.  Raises ProblemError.

    A Glorot draw (Glorot & Bengio 2010) knows from `in_out` which axis is read from, and whether a bias stands in it.
    """
    if not isinstance(written, Mapping):
        return table.array(key, written, deepest)
    draw = Table(written, table.at(key), "random", table.content)
    kind = draw.choice("random", tuple(_TAKES))
    shape = _shape(draw, deepest if kind != "glorot_uniform" else 2)
    seed = draw.need("seed", "seed = 1")
    if not whole(seed) or not 0 <= seed < 2**32:
        raise draw.fail("seed", "must be a whole number from 0 to 4294967295")
    for extra in set(written) - {"random", "shape", "seed", *_TAKES[kind]}:
        takes = ", ".join(_TAKES[kind]) or "nothing more"
        raise draw.fail(extra, f"does not belong to a {kind} draw; {kind} takes {takes}")
    generator = np.random.RandomState(seed)
    if kind == "normal":
        mean, std = draw.number("mean", "0"), draw.number("std", "1", least=0)
        return Given(generator.normal(mean.floats, std.floats, shape))
    if kind == "uniform":
        low, high = draw.number("low", "0"), draw.number("high", "1")
        if low.floats > high.floats:
            raise draw.fail("high", "is below low; exchange them")
        return Given(generator.uniform(low.floats, high.floats, shape))
    fans = list(shape) if len(shape) > 1 else [1, *shape]
    fans[0 if in_out else -1] -= bias_column  # the bias is no input
    limit = np.sqrt(6 / max(sum(fans), 1))
    return Given(generator.uniform(-limit, limit, shape))


def _shape(draw: Table, deepest: int) -> list[int]:
    shape = draw.need("shape", "shape = [2, 3]")
    good = isinstance(shape, list | tuple) and 1 <= len(shape) <= deepest
    if not good or not all(whole(n) and 1 <= n <= MOST_UNITS for n in shape):
        count = "one or two" if deepest == 2 else f"1 to {deepest}"
        raise draw.fail("shape", f"must be {count} whole numbers from 1 to {MOST_UNITS}, such as [2, 3]")
    if np.prod([float(n) for n in shape]) > MOST_NUMBERS:
        raise draw.fail("shape", f"more than {MOST_NUMBERS} numbers; a problem worked by hand is smaller")
    return list(shape)
