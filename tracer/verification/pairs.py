"""Pairs: a value, and its difference to a moved point, carried by identities that hold for a difference of any size.

exp(v + d) - exp(v) is exp(v) expm1(d); (x + dx)(y + dy) - x y is x dy + dx (y + dy).  Nothing is ever subtracted that
is nearly equal, so a step may be so small that its square is below rounding; and as no rule is a derivative, each can
be tried with a whole step against two real runs.

Several moves are made in one run.  Each has a label; the difference has an axis for each label before those of the
value.  A label that is tied to a letter has no axis: the entry at the letter's value l feels move l alone (a sample
its own, a channel its own), until the letter is summed over, where it becomes one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from derivations.normal import normal_cdf
from tracer.verification.contraction import array_of, contracted, filled

__all__ = ["FUNCTIONS", "MOST", "Pair", "TooLarge", "Unlike", "contract", "fixed"]

MOST = 1 << 22
"""Numbers in one array of differences; more are made in blocks."""
SMALL_STEP = 2.0**-20
Floats = Any
Label = tuple[int, Floats | None]  # the axis of what is moved, and its places where a window has split it in two


class TooLarge(Exception):
    """This move wants to be made in blocks."""


class Unlike(Exception):
    """Two readers split what is moved in different ways."""


class Pair:
    """v over letters; d over labels and letters, or None where nothing moves; ties: the letter of each label."""

    __slots__ = ("d", "labels", "letters", "ties", "v")

    def __init__(
        self,
        letters: Sequence[str],
        v: Floats,
        d: Floats | None = None,
        ties: Sequence[str | None] = (),
        labels: tuple[Label, ...] = (),
    ) -> None:
        self.letters, self.v, self.ties, self.labels = tuple(letters), v, tuple(ties), labels
        if d is not None:
            shape = d.shape[: len(self.ties)] + v.shape
            if d.shape != shape:
                d = filled(d, shape)
            if d.size > 8 * MOST:
                raise TooLarge
        self.d = d

    def like(self, letters: Sequence[str], v: Floats, d: Floats | None) -> Pair:
        """Other numbers, moved by the same."""
        return Pair(letters, v, d, self.ties, self.labels)

    def axis(self, letter: str) -> int:
        """Where the axis of a letter stands in v."""
        return self.letters.index(letter)

    def apart(self, which: Sequence[int]) -> Pair:
        """The same with these labels written out as axes of their own."""
        d, ties = self.d, list(self.ties)
        for l in which:
            letter = ties[l]
            if letter is None or d is None:
                continue
            k = self.axis(letter)
            n, form = self.v.shape[k], [1] * d.ndim
            form[l] = form[len(ties) + k] = n
            if d.size * n > MOST:
                raise TooLarge
            d, ties[l] = d * np.eye(n).reshape(form), None
        return Pair(self.letters, self.v, d, ties, self.labels)

    def over(self, letters: Sequence[str]) -> Pair:
        """With axes in this order, of size 1 for letters that it has not."""
        if self.letters == tuple(letters):
            return self
        turn = [self.axis(l) for l in letters if l in self.letters]
        at = tuple(slice(None) if l in self.letters else None for l in letters)
        v = self.v.transpose(turn)[at]
        if self.d is None:
            return Pair(letters, v)
        L = len(self.ties)
        d = self.d.transpose([*range(L), *(L + k for k in turn)])[(slice(None),) * L + at]
        return Pair(letters, v, d, self.ties, self.labels)

    def renamed(self, names: dict[str, str]) -> Pair:
        """With other letters."""
        out = object.__new__(Pair)
        out.letters, out.v, out.d, out.labels = tuple([names[l] for l in self.letters]), self.v, self.d, self.labels
        out.ties = tuple([None if t is None else names[t] for t in self.ties])
        return out

    # --- reductions ---

    def sum(self, letters: Sequence[str]) -> Pair:
        """Over letters; a label that is tied to one of them becomes an axis."""
        axes = tuple(self.axis(l) for l in letters)
        left = [l for l in self.letters if l not in letters]
        v = self.v.sum(axis=axes)
        if self.d is None:
            return Pair(left, v)
        d, ties, L = self.d, list(self.ties), len(self.ties)
        for l, t in enumerate(ties):
            if t is not None and t in letters:
                d, ties[l] = np.swapaxes(d, l, L + self.axis(t)), None
        return Pair(left, v, d.sum(axis=tuple(L + k for k in axes)), ties, self.labels)


def fixed(value: float) -> Pair:
    """A number that does not move."""
    return Pair((), np.float64(value))


def together(*pairs: Pair) -> list[Pair]:
    """Over the same letters, tied alike."""
    first = pairs[0].letters
    letters = (
        first if all(p.letters == first for p in pairs) else tuple(dict.fromkeys(l for p in pairs for l in p.letters))
    )
    moved = [p for p in pairs if p.d is not None]
    if len(moved) > 1:
        alike(moved)
        unlike = [l for l in range(len(moved[0].ties)) if len({p.ties[l] for p in moved}) > 1]
        if unlike:
            pairs = tuple(p.apart(unlike) if p.d is not None else p for p in pairs)
    return [p.over(letters) for p in pairs]


def alike(moved: Sequence[Pair]) -> None:
    """Raises Unlike where two are split in different ways."""
    first = moved[0].labels
    for p in moved[1:]:
        if p.labels is not first and [(a, id(x)) for a, x in p.labels] != [(a, id(x)) for a, x in first]:
            raise Unlike


# --- operations: each an identity between two points ---


def add(x: Pair, y: Pair, sign: int = 1) -> Pair:
    """x + y, or x - y."""
    x, y = together(x, y)
    d = x.d if y.d is None else sign * y.d if x.d is None else x.d + sign * y.d
    of = x if x.d is not None else y
    return of.like(x.letters, x.v + sign * y.v, d)


def negative(x: Pair) -> Pair:
    """-x"""
    return x.like(x.letters, -x.v, None if x.d is None else -x.d)


def multiply(x: Pair, y: Pair) -> Pair:
    """(x + dx)(y + dy) - x y = x dy + dx (y + dy)"""
    x, y = together(x, y)
    v = x.v * y.v
    if x.d is None and y.d is None:
        return Pair(x.letters, v)
    if y.d is None:
        return x.like(x.letters, v, x.d * y.v)
    if x.d is None:
        return y.like(x.letters, v, x.v * y.d)
    return x.like(x.letters, v, x.v * y.d + x.d * (y.v + y.d))


def divide(x: Pair, y: Pair) -> Pair:
    """(x + dx)/(y + dy) - x/y = (dx - (x/y) dy)/(y + dy)"""
    x, y = together(x, y)
    q = x.v / y.v
    if y.d is None:
        return x.like(x.letters, q, None if x.d is None else x.d / y.v)
    d = -q * y.d if x.d is None else x.d - q * y.d
    return y.like(x.letters, q, d / (y.v + y.d))


def whole_power(x: Pair, n: int) -> Pair:
    """(x + d)^n - x^n = d Σ_k (x + d)^k x^(n-1-k)"""
    if n < 0:
        return divide(fixed(1.0), whole_power(x, -n))
    if x.d is None:
        return Pair(x.letters, x.v**n)
    if n == 2:
        return x.like(x.letters, x.v * x.v, x.d * (2 * x.v + x.d))
    moved = x.v + x.d
    return x.like(x.letters, x.v**n, x.d * sum(moved**k * x.v ** (n - 1 - k) for k in range(n)))


def power(x: Pair, y: Pair) -> Pair:
    """x^y expm1(dy log x + (y + dy) log1p(dx/x))"""
    x, y = together(x, y)
    v = x.v**y.v
    if x.d is None and y.d is None:
        return Pair(x.letters, v)
    d = 0.0 if y.d is None else y.d * np.log(x.v)
    if x.d is not None:
        d = d + (y.v if y.d is None else y.v + y.d) * np.log1p(x.d / x.v)
    return (x if x.d is not None else y).like(x.letters, v, v * np.expm1(d))


def choose(test: Pair, x: Pair, y: Pair) -> Pair:
    """The branch of the base: x where the test is above 0, y elsewhere."""
    above = Pair(test.letters, test.v > 0)
    above, x, y = together(above, x, y)
    mask = above.v > 0
    v = np.where(mask, x.v, y.v)
    if x.d is None and y.d is None:
        return Pair(x.letters, v)
    of = x if x.d is not None else y
    return of.like(x.letters, v, np.where(mask, 0.0 if x.d is None else x.d, 0.0 if y.d is None else y.d))


def _unary(
    plain: Callable[[Floats], Floats], moved: Callable[[Floats, Floats, Floats], Floats]
) -> Callable[[Pair], Pair]:
    """A function by its value, and its difference from the argument v, the value f and the argument's difference d."""

    def of(x: Pair) -> Pair:
        f = plain(x.v)
        return x.like(x.letters, f, None if x.d is None else moved(x.v, f, x.d))

    return of


def _tanh(v: Floats, f: Floats, d: Floats) -> Floats:
    """tanh(v + d) - tanh(v) = tanh(d) (1 - tanh(v)^2)/(1 + tanh(v) tanh(d)), and 1 - tanh^2 is 1/cosh^2."""
    u = np.tanh(d)
    return u / np.cosh(np.clip(v, -350, 350)) ** 2 / (1 + f * u)


def _normal(v: Floats, f: Floats, d: Floats) -> Floats:
    """The area between two points: of a narrow strip its width times the density in its middle."""
    strip = d * np.exp(-((v + d / 2) ** 2) / 2) / math.sqrt(2 * math.pi)
    if np.abs(d).max(initial=0.0) < SMALL_STEP:
        return strip
    return array_of(normal_cdf(v + d)) - f


def xlogy(x: Pair, y: Pair) -> Pair:
    """x log y, 0 where x is 0: da log(b + db) + a log1p(db/b)."""
    x, y = together(x, y)
    nothing = x.v == 0
    v = np.where(nothing, 0.0, x.v * np.log(y.v))
    if x.d is None and y.d is None:
        return Pair(x.letters, v)
    d = 0.0 if y.d is None else np.where(nothing, 0.0, x.v * np.log1p(y.d / y.v))
    if x.d is not None:
        d = d + x.d * np.log(y.v if y.d is None else y.v + y.d)
    return (x if x.d is not None else y).like(x.letters, v, d)


def over(x: Pair, y: Pair) -> Pair:
    """x / y, 0 where x is 0."""
    x, y = together(x, y)
    nothing = (x.v == 0) & (x.d is None)
    y = y.like(y.letters, np.where(nothing, 1.0, y.v), None if y.d is None else np.where(nothing, 0.0, y.d))
    return divide(x, y)


FUNCTIONS: dict[str, Callable[..., Pair]] = {
    "exp": _unary(np.exp, lambda v, f, d: f * np.expm1(d)),
    "expm1": _unary(np.expm1, lambda v, f, d: np.exp(v) * np.expm1(d)),
    "log": _unary(np.log, lambda v, f, d: np.log1p(d / v)),
    "log1p": _unary(np.log1p, lambda v, f, d: np.log1p(d / (1 + v))),
    "sqrt": _unary(np.sqrt, lambda v, f, d: d / (np.sqrt(v + d) + f)),
    "sin": _unary(np.sin, lambda v, f, d: 2 * np.cos(v + d / 2) * np.sin(d / 2)),
    "cos": _unary(np.cos, lambda v, f, d: -2 * np.sin(v + d / 2) * np.sin(d / 2)),
    "tanh": _unary(np.tanh, _tanh),
    "Phi": _unary(lambda v: array_of(normal_cdf(v)), _normal),
    "abs": _unary(np.abs, lambda v, f, d: np.sign(v) * d),
    "xlogy": xlogy,
    "over": over,
}
"""Functions of numbers; of a unit exactly at its kink the slope is the one that the entry states."""


def softmax(x: Pair, letter: str) -> Pair:
    """y_k of the moved point is y_k exp(d_k)/Σ_j y_j exp(d_j): its difference is a mean of differences u_k - u_j."""
    k = x.axis(letter)
    e = np.exp(x.v - x.v.max(axis=k, keepdims=True))
    y = e / e.sum(axis=k, keepdims=True)
    if x.d is None:
        return Pair(x.letters, y)
    x = x.apart([l for l, t in enumerate(x.ties) if t == letter])
    assert x.d is not None
    u, axis, n = np.expm1(x.d), len(x.ties) + k, y.shape[k]
    if n <= 16:  # only differences of moves are subtracted
        t = sum(np.take(y, [j], k) * (u - np.take(u, [j], axis)) for j in range(n))
    else:
        t = u - (y * u).sum(axis=axis, keepdims=True)
    return x.like(x.letters, y, y * t / (1 + (y * u).sum(axis=axis, keepdims=True)))


def extreme(x: Pair, letters: Sequence[str], sign: int) -> Pair:
    """The largest over letters (with -1 the smallest); of several that are equal each counts, their moves are added."""
    left = [l for l in x.letters if l not in letters]
    x = x.apart([l for l, t in enumerate(x.ties) if t in letters]).over([*left, *letters])
    shape = x.v.shape[: len(left)]
    rows = sign * x.v.reshape(*shape, -1)
    top = rows.max(axis=-1)
    if x.d is None:
        return Pair(left, sign * top)
    d = x.d.reshape(*x.d.shape[: len(x.ties)], *shape, -1)
    return x.like(left, sign * top, (d * (rows == top[..., None])).sum(axis=-1))


def contract(x: Pair, y: Pair, out: Sequence[str]) -> Pair:
    """A sum of products; a letter that a move keeps apart is not added up: it becomes the label's own axis."""
    moved = [p for p in (x, y) if p.d is not None]
    if not moved:
        return Pair(out, contracted(x.v, x.letters, y.v, y.letters, out))
    if len(moved) == 2:
        alike(moved)
        unlike = [l for l, (s, t) in enumerate(zip(x.ties, y.ties, strict=True)) if s != t]
        x, y = x.apart(unlike), y.apart(unlike)
    of = x if x.d is not None else y
    summed = {t: f"°{l}" for l, t in enumerate(of.ties) if t is not None and t not in out}
    own = [f"°{l}" for l, t in enumerate(of.ties) if t is None]
    have = [f"°{l}" for l, t in enumerate(of.ties) if t is None or t in summed]

    def named(p: Pair) -> list[str]:
        return [summed.get(l, l) for l in p.letters]

    def flat(p: Pair) -> Floats:
        assert p.d is not None
        return np.reshape(p.d, (*(p.d.shape[l] for l, t in enumerate(of.ties) if t is None), *p.v.shape))

    v = contracted(x.v, x.letters, y.v, y.letters, out)
    target = [*have, *out]
    d: Floats = 0.0
    if y.d is not None:
        d = d + contracted(x.v, named(x), flat(y), own + named(y), target)
    if x.d is not None:
        d = d + contracted(flat(x), own + named(x), y.v, named(y), target)
    if x.d is not None and y.d is not None:
        d = d + contracted(flat(x), own + named(x), flat(y), own + named(y), target)
    sizes = iter(d.shape)
    d = d.reshape([next(sizes) if f"°{l}" in have else 1 for l in range(len(of.ties))] + list(v.shape))
    return Pair(out, v, d, [t if t in out else None for t in of.ties], of.labels)
