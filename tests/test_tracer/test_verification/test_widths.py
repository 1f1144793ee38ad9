"""What a route may be off by is no wider than now: a bound that only holds would let mistakes pass as undecided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from worked import first_step, subject_of

from tracer.verification import bounded, contraction
from tracer.verification.bounded import U32, U64
from tracer.verification.routes import routes_of, single_rounding

Widths = tuple[float, float, float, float, float]
MOST: dict[str, Widths] = {
    "10-10-10": (4.44e03, 4.44e03, 4.88e03, 5.69e03, 20.3),
    "64-32-10": (3.5e04, 3.5e04, 3.62e04, 3.61e04, 28.9),
    "0": (802, 802, 947, 1.37e03, 16.4),
    "1": (717, 717, 837, 1.5e03, 5.89),
    "4": (4.82e04, 4.82e04, 6.07e04, 4.96e04, 40),
    "5": (1.64e03, 1.64e03, 2.11e03, 2.91e03, 15.7),
    "7": (9.02e03, 9.02e03, 1.15e04, 1.13e04, 18.8),
    "attention": (8.42e03, 8.42e03, 9.59e03, 9.55e03, 24.8),
    "batchnorm": (2.5e04, 2.5e04, 2.96e04, 2.6e04, 124),
    "bidirectional": (3.68e03, 3.68e03, 4.27e03, 4.66e03, 31.7),
    "conv1": (3.08e03, 3.1e03, 3.61e03, 3.96e03, 8.68),
    "conv2": (3.89e04, 3.89e04, 4.26e04, 3.98e04, 8.53),
    "curves": (2.03e03, 2.11e03, 2.36e03, 2.9e03, 6.29),
    "decay": (218, 218, 340, 602, 0),
    "dropout": (669, 669, 801, 1.68e03, 12.5),
    "embedding": (1.04e03, 1.04e03, 1.09e03, 1.73e03, 4),
    "fanout": (324, 324, 360, 772, 8.8),
    "layernorm": (1.62e03, 1.62e03, 1.88e03, 2.37e03, 6.67),
    "lstm": (5.56e03, 5.56e03, 6.12e03, 7.82e03, 29.5),
    "rnn3": (1.64e04, 1.64e04, 1.83e04, 1.7e04, 28.1),
    "softmax": (2.37e04, 2.37e04, 2.56e04, 2.5e04, 203),
    "word2vec": (307, 349, 388, 874, 0.188),
    "average": (2.53e03, 2.56e03, 2.97e03, 3.1e03, 21.9),
    "capsules": (1.08e05, 2.56e05, 2.89e05, 1.09e05, 21.7),
    "maxout": (438, 438, 573, 1.26e03, 11.3),
    "pagerank": (1.11e04, 2.23e04, 2.42e04, 1.15e04, 21.9),
    "pointer": (4.48e05, 4.48e05, 4.92e05, 4.49e05, 219),
    "returns": (741, 741, 852, 1.37e03, 8.33),
    "transposed": (523, 523, 571, 1.02e03, 9.1),
    "triplet": (1.76e03, 1.76e03, 2.26e03, 2.43e03, 6.03),
}
"""By name, in roundings: of our own work, of somebody's, of somebody's in float32, of differences; how far they are
from route 2."""
MORE = 1.1


def width(bounds: Mapping[str, Any], values: Mapping[str, Any], u: float) -> float:
    """The sum over the arrays of the largest bound in units of roundoff of the largest number."""
    out = 0.0
    for name, e in bounds.items():
        size = np.abs(values[name]).max(initial=0.0)
        out += float(np.max(e, initial=0.0) / (u * size)) if size else 0.0
    return out


def found(name: str) -> Widths:
    """The widths of an example."""
    subject = subject_of(first_step(name))
    own, theirs = routes_of(subject), routes_of(subject, theirs=True)
    values = own.symbolic
    apart = {n: np.abs(x - values[n]) for n, x in own.numeric.items()}
    return (
        width(own.rounding, values, U64),
        width(theirs.rounding, values, U64),
        width(single_rounding(theirs), values, U32),
        width(own.moved, values, U64),
        width(apart, values, U64),
    )


@pytest.mark.parametrize("name", MOST)
def test_no_bound_is_wider_than_now(name: str) -> None:
    """A wider one needs a reason, and a new number here; how far differences are from route 2 is chance up to two."""
    now, most = found(name), MOST[name]
    assert all(n <= MORE * m for n, m in zip(now[:4], most[:4], strict=True)), now
    assert now[4] <= 2 * most[4] + 4, now


def test_a_wider_bound_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: sums of products whose bound is that of twice as many."""

    def wider(x: Any, xl: Any, y: Any, yl: Any, out: Any) -> Any:
        return (
            2 * contraction.contracted(x, xl, y, yl, out)
            if (y >= 0).all()
            else contraction.contracted(x, xl, y, yl, out)
        )

    monkeypatch.setattr(bounded, "contracted", wider)
    assert found("10-10-10")[0] > MORE * MOST["10-10-10"][0]
