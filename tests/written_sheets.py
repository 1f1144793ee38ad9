"""Sheets of layers, right or with a slip of the catalogue, as somebody writes them who rounds each number once.

The lines are those of the step, worked in float64: such sheets show what marking makes of rounding and of slips, not
whether the lines are right.  Sheets of people who know nothing of these lines, and work in any way, are in `people`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.layers import layered, start
from derivations.network import Problem
from tracer.answers.result import Marked
from tracer.marking.layers_key import LayersKey
from tracer.marking.slips.catalogue import worked_with
from tracer.marking.slips.slip import Slip

__all__ = ["SHAPES", "Hand", "draw", "drawn_hand", "names_told", "refused", "written"]

ENDLESS = Context(prec=1000)
SURE = Context(prec=14)
"""The digits of a double that a step of sums and products leaves right."""
WAYS = (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)
LEAST = 1e-9
"""What is smaller is not written: here it is what float64 left of a cancelled sum."""
REFUSED = ("wrong", "slip", "last_digit")


@dataclass(frozen=True)
class Hand:
    """How somebody rounds: to figures or decimals, which way, with how many guard digits in mind.

    `carry` is the share of numbers from which she goes on with what is shown; `seed` says of which.
    """

    digits: int = 4
    figures: bool = True
    way: str = ROUND_HALF_EVEN
    guard: int = 0
    carry: float = 1.0
    seed: int = 0

    def rounded(self, value: Decimal, guard: int = 0) -> Decimal:
        """A number to so many digits more than are shown; what float64 makes of its end is nobody's number."""
        value = SURE.plus(value)
        digits = self.digits + guard
        power = value.adjusted() - digits + 1 if self.figures else -digits
        return value.quantize(Decimal(1).scaleb(power), self.way, ENDLESS) if value else value

    def shown(self, value: Decimal) -> str:
        """What is written."""
        return f"{value:f}" if value or self.figures else f"{0:.{self.digits}f}"


def drawn_hand(rng: np.random.Generator, **fixed: Any) -> Hand:
    """Any way of rounding that is right, but for what is fixed."""
    figures = bool(rng.random() < 0.5)
    drawn = {
        "digits": int(rng.integers(2 if figures else 1, 7)),
        "figures": figures,
        "way": str(rng.choice(WAYS)),
        "guard": int(rng.choice([0, 0, 1, 2])),
        "carry": float(rng.choice([0.0, 1.0, 0.5])),
        "seed": int(rng.integers(10**9)),
    }
    return Hand(**{**drawn, **fixed})


def written(problem: Problem, hand: Hand, *slips: Slip, share: float = 1.0) -> dict[str, str]:
    """What that hand writes of one pass over the samples, by name: every number, or a share of them."""
    sheet = _Sheet(LayersKey(problem), hand, share)
    after: dict[str, Any] = {}
    for own in sheet.key.runs.passes(1):
        layers = own.problem.layers  # type: ignore[attr-defined]
        sheet.own, wrong = own, {name: line for slip in slips for name, line in slip.equations(layers).items()}
        made = worked_with(layers, wrong, start(layers, FLOAT64) | ({} if own.first else after), sheet.keep)
        after = {**{name: made[then] for name, then in layered(layers).carried}, "step": own.step + 1}
    return sheet.cells


@dataclass
class _Sheet:
    """What is written so far; `own` is the pass that is worked."""

    key: LayersKey
    hand: Hand
    share: float
    cells: dict[str, str] = field(default_factory=dict)
    own: Any = None

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.hand.seed)

    def keep(self, name: str, array: Any) -> Any:
        """The numbers of an array that she goes on with."""
        names = map(self.key.text, self.own.parts[name].quantities)
        kept = [self._number(q, float(value)) for q, value in zip(names, np.ravel(array), strict=True)]
        return np.reshape(kept, np.shape(array))[()]

    def _number(self, name: str, value: float) -> float:
        is_written, goes_on = self.rng.random(2) < (self.share, self.hand.carry)
        if not np.isfinite(value):
            return value
        exact = Decimal(f"{value:.15g}")
        mind = self.hand.rounded(exact, self.hand.guard) if self.hand.guard else exact
        shown = self.hand.rounded(mind)
        is_written = is_written and (not shown or abs(shown) >= LEAST)
        if is_written:
            self.cells[name] = self.hand.shown(shown)
        return float(shown if is_written and goes_on else mind)


# --- what marking makes of them ---


def refused(marked: Marked) -> list[str]:
    """The names of the numbers that are not right."""
    return [m.name for m in marked.marks if m.verdict in REFUSED]


def names_told(marked: Marked) -> set[str]:
    """The slips that are told of a sheet."""
    return {name for cause in marked.causes for name in cause.slips}


# --- what they work on ---

SHAPES: Mapping[str, tuple[Any, ...]] = {
    "3-2-2": ([(3,), (2, "sigmoid", ""), (2, "identity", "")], "half_squared_error", 1, {}),
    "3-2-2 bias": ([(3,), (2, "sigmoid", "b"), (2, "sigmoid", "b")], "half_squared_error", 1, {}),
    "2-2-1 tanh": ([(2,), (2, "tanh", "b"), (1, "tanh", "b")], "squared_error", 1, {}),
    "2-2-2 shared": ([(2,), (2, "sigmoid", "b shared"), (2, "sigmoid", "b shared")], "mean_squared_error", 1, {}),
    "4-3-2 bce": ([(4,), (3, "sigmoid", "theta"), (2, "sigmoid", "theta")], "binary_cross_entropy", 2, {}),
    "2-3-3 softmax": ([(2,), (3, "relu", "b"), (3, "softmax", "b")], "cross_entropy", 3, {"reduction": "mean"}),
    "2-3-3 softmax one": ([(2,), (3, "tanh", ""), (3, "softmax", "")], "cross_entropy", 1, {}),
    "2-2-2-2": ([(2,), (2, "sigmoid", "b"), (2, "tanh", "b"), (2, "identity", "b")], "half_squared_error", 1, {}),
    "batch momentum": (
        [(2,), (3, "leaky_relu", "b"), (2, "identity", "b")],
        *("mean_squared_error", 3, {"optimizer": "momentum", "momentum": 0.9}),
    ),
    "adam": (
        [(2,), (2, "elu", "b"), (1, "sigmoid", "b")],
        *("half_squared_error", 2, {"optimizer": "adam", "reduction": "mean"}),
    ),
    "in turn": ([(2,), (2, "sigmoid", "b"), (1, "sigmoid", "b")], "half_squared_error", 2, {"samples": "in_turn"}),
    "softplus silu gelu": ([(2,), (3, "softplus", "b"), (3, "silu", "b"), (2, "gelu", "b")], "squared_error", 1, {}),
}
"""Layers (units, function, bias), the loss, how many samples, what else there is of training."""


def draw(rng: np.random.Generator, shape: str) -> dict[str, Any]:
    """A problem of that shape, with weights of one or two decimals."""
    layers, loss, samples, training = SHAPES[shape]
    places = int(rng.integers(1, 3))

    def numbers(*sizes: int) -> list[Any]:
        return np.round(rng.uniform(-1.5, 1.5, sizes), places).tolist()  # type: ignore[no-any-return]

    sizes = [size for size, *_ in layers]
    network = {"loss": loss, "layers": [_layer(own, i, numbers) for own, i in zip(layers[1:], sizes, strict=False)]}
    given = []
    for _ in range(samples):
        x = np.round(rng.uniform(-3, 3, sizes[0]), places).tolist()
        t = np.eye(sizes[-1])[rng.integers(sizes[-1])].tolist() if loss.endswith("entropy") else numbers(sizes[-1])
        given.append({"x": x, "t": t})
    rate = float(rng.choice([0.1, 0.5, 0.01, 1, 0.05]))
    return {"network": network, "samples": given, "training": {"learning_rate": rate, **training}}


def _layer(layer: Sequence[Any], before: int, numbers: Any) -> dict[str, Any]:
    size, function, bias = layer
    out = {"activation": function, "W": numbers(size, before)}
    if bias:
        out[bias.split()[0]] = numbers(1)[0] if bias.endswith("shared") else numbers(size)
    return out
