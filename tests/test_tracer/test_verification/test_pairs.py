"""Each identity of pairs at a whole step, against two real evaluations: a term of second order that is dropped shows.

At a step of 2^-400 no such term could be seen; at an eighth all of them are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.arithmetic import FLOAT64
from derivations.computation import Computation
from derivations.expression import Call, Choice, Over
from derivations.function import entry
from derivations.normal import normal_cdf
from derivations.program import Program
from tracer import loads
from tracer.verification import moves, pairs
from tracer.verification.pairs import Pair
from tracer.verification.plans import plans_of

STEP = 0.125
ROOM = 1e-13


def xlogy(x: Any, y: Any) -> Any:
    """0 where x is 0."""
    return np.where(x == 0, 0.0, x * np.log(y))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "Phi": lambda x: np.asarray(normal_cdf(x), float),
    "abs": np.abs,
    "xlogy": xlogy,
    "over": lambda x, y: np.where(x == 0, 0.0, x / y),
}


def own_move(v: Any, letters: str, step: float = STEP) -> Pair:
    """Every entry moved for itself: each label tied to its own letter."""
    n = v.ndim
    return Pair(letters, v, np.full((1,) * n + v.shape, step), tuple(letters), tuple((k, None) for k in range(n)))


def compared(of: Callable[..., Pair], plain: Callable[..., Any], x: Any, letters: str, out: str) -> None:
    """Raises AssertionError where the difference of one entry's move is not that of two runs."""
    value = of(own_move(x, letters))
    assert np.allclose(value.over(out).v, plain(x), ROOM, ROOM)
    found = value.apart(range(x.ndim)).over(out)
    assert found.d is not None
    d = np.broadcast_to(found.d, x.shape + found.d.shape[x.ndim :])
    for place in np.ndindex(x.shape):
        moved = x.copy()
        moved[place] += STEP
        two = plain(moved) - plain(x)
        assert np.abs(d[place] - two).max() <= ROOM * max(1, np.abs(plain(x)).max()), place


def drawn(*shape: int, seed: int = 0, low: float = 0.5) -> Any:
    """Numbers from `low` up, so that no logarithm, root or largest is near an end."""
    return np.random.default_rng(seed).uniform(low, low + 2, shape)


X, Y = drawn(3, 4), drawn(3, 4, seed=1)


def contract(x: Pair, y: Pair, out: str) -> Pair:
    """A sum of products over the letters that are not in `out`."""
    return pairs.contract(x, y, list(out))


@pytest.mark.parametrize("name", pairs.FUNCTIONS)
def test_every_function(name: str) -> None:
    """Of one number; of two, where the first moves, the second, or both."""
    of, plain = pairs.FUNCTIONS[name], FUNCTIONS[name]
    if name not in ("xlogy", "over"):
        for low in (0.5, 3.0) if name in ("log", "sqrt") else (-0.9, 0.5, 3.0) if name == "log1p" else (-3.0, 0.5, 3.0):
            x = drawn(3, 4, low=low)
            compared(of, plain, x[np.abs(x) > STEP] if name == "abs" else x.ravel(), "i", "i")
        return
    compared(lambda x: of(x, Pair(x.letters, Y)), lambda x: plain(x, Y), X, "ij", "ij")
    compared(lambda y: of(Pair(y.letters, X), y), lambda y: plain(X, y), Y, "ij", "ij")
    compared(lambda x: of(x, pairs.add(x, Pair(x.letters, Y))), lambda x: plain(x, x + Y), X, "ij", "ij")


def test_nothing_times_a_logarithm() -> None:
    """Where the first of the two is 0 only its own move counts; where it moves away from 0 it does."""
    y = np.array([0.5, 2.0])
    compared(lambda y: pairs.xlogy(pairs.fixed(0.0), y), lambda y: 0 * y, y, "i", "i")
    compared(lambda x: pairs.xlogy(x, Pair("i", y)), lambda x: xlogy(x, y), np.zeros(2), "i", "i")


BINARY: dict[str, tuple[Callable[[Pair, Pair], Pair], Callable[[Any, Any], Any]]] = {
    "add": (pairs.add, lambda x, y: x + y),
    "subtract": (lambda x, y: pairs.add(x, y, -1), lambda x, y: x - y),
    "multiply": (pairs.multiply, lambda x, y: x * y),
    "divide": (pairs.divide, lambda x, y: x / y),
    "power": (pairs.power, lambda x, y: x**y),
}


@pytest.mark.parametrize("name", BINARY)
def test_every_operation_of_two(name: str) -> None:
    """The first moves, the second, both; one of them over fewer letters, or over other ones."""
    of, plain = BINARY[name]
    compared(lambda x: of(x, Pair("ij", Y)), lambda x: plain(x, Y), X, "ij", "ij")
    compared(lambda y: of(Pair("ij", X), y), lambda y: plain(X, y), Y, "ij", "ij")
    compared(lambda x: of(x, pairs.multiply(x, Pair("ij", Y))), lambda x: plain(x, x * Y), X, "ij", "ij")
    compared(lambda x: of(x, x.sum(["j"])), lambda x: plain(x, x.sum(axis=1, keepdims=True)), X, "ij", "ij")
    compared(lambda x: of(x, Pair("k", Y[0])), lambda x: plain(x[..., None], Y[0]), X, "ij", "ijk")
    compared(lambda x: of(x, x.renamed({"i": "k", "j": "j"})), lambda x: plain(x[:, None], x[None]), X, "ij", "ikj")


@pytest.mark.parametrize("n", [-3, -1, 2, 3, 5])
def test_whole_powers(n: int) -> None:
    """Of a number that moves by an eighth."""
    compared(lambda x: pairs.whole_power(x, n), lambda x: x**n, X, "ij", "ij")


def test_signs_sums_and_choices() -> None:
    """A sum over a letter that a move is tied to, over another one, over both; a choice on the side of the base."""
    compared(pairs.negative, lambda x: -x, X, "ij", "ij")
    compared(lambda x: x.sum(["i"]), lambda x: x.sum(axis=0), X, "ij", "j")
    compared(lambda x: x.sum(["i", "j"]), lambda x: x.sum(), X, "ij", "")
    compared(lambda x: x.sum(["j"]).sum(["i"]), lambda x: x.sum(), X, "ij", "")
    test, mask = Pair("ij", np.where(X > 1.5, 1.0, -1.0)), X > 1.5
    square = (lambda x: pairs.multiply(x, x)), (lambda x: x * x)
    compared(
        lambda x: pairs.choose(test, square[0](x), pairs.negative(x)),
        lambda x: np.where(mask, x * x, -x),
        X,
        "ij",
        "ij",
    )
    compared(lambda x: pairs.choose(test, x, pairs.fixed(2.0)), lambda x: np.where(mask, x, 2.0), X, "ij", "ij")


@pytest.mark.parametrize("n", [4, 16, 17, 30])
@pytest.mark.parametrize("letter", ["i", "j"])
def test_softmax(letter: str, n: int) -> None:
    """Of few numbers and of many, along a letter that the move is tied to; and its sum after it stays 1."""
    x = drawn(3, n)

    def plain(x: Any) -> Any:
        e = np.exp(x)
        return e / e.sum(axis="ij".index(letter), keepdims=True)

    compared(lambda x: pairs.softmax(x, letter), plain, x, "ij", "ij")
    compared(
        lambda x: pairs.softmax(x, letter).sum([letter]),
        lambda x: plain(x).sum(axis="ij".index(letter)),
        x,
        "ij",
        "ji"["ij".index(letter)],
    )


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("letters", ["i", "j", "ij"])
def test_the_largest_and_the_smallest(letters: str, sign: int) -> None:
    """Over each letter and both, of numbers that stay in their order; of two that are equal each counts."""
    x = np.random.default_rng(3).permutation(12).reshape(3, 4).astype(float)
    axis = tuple("ij".index(l) for l in letters)
    left = "".join(l for l in "ij" if l not in letters)
    compared(lambda x: pairs.extreme(x, list(letters), sign), lambda x: sign * (sign * x).max(axis=axis), x, "ij", left)
    tie = pairs.extreme(own_move(sign * np.array([2.0, 2.0, 1.0]), "i"), ["i"], sign)
    assert tie.d is not None
    assert tie.d.ravel().tolist() == [STEP, STEP, 0.0]


CONTRACTIONS: dict[str, tuple[Callable[[Pair], Pair], Callable[[Any], Any], str]] = {
    "the first moves": (lambda x: contract(x, Pair("kj", Y), "ik"), lambda x: x @ Y.T, "ik"),
    "the second moves": (lambda x: contract(Pair("kj", Y), x, "ik"), lambda x: x @ Y.T, "ik"),
    "both move": (lambda x: contract(x, pairs.multiply(x, x), ""), lambda x: (x * x * x).sum(), ""),
    "both move, another letter": (
        lambda x: contract(x, x.renamed({"i": "k", "j": "j"}), "ik"),
        lambda x: x @ x.T,
        "ik",
    ),
    "a letter that is kept": (
        lambda x: contract(x, pairs.multiply(x, Pair("ij", Y)), "i"),
        lambda x: (x * x * Y).sum(axis=1),
        "i",
    ),
    "the output turned": (lambda x: contract(x, Pair("kj", Y), "ki"), lambda x: Y @ x.T, "ki"),
    "tied to what is summed over": (lambda x: contract(x, Pair("ik", Y), "jk"), lambda x: x.T @ Y, "jk"),
    "after a sum that unties": (
        lambda x: contract(x.sum(["i"]), pairs.multiply(x, x), "i"),
        lambda x: (x * x) @ x.sum(axis=0),
        "i",
    ),
    "an outer product": (
        lambda x: contract(x.sum(["j"]), Pair("k", Y[0]), "ik"),
        lambda x: np.outer(x.sum(axis=1), Y[0]),
        "ik",
    ),
}


@pytest.mark.parametrize("what", CONTRACTIONS)
def test_sums_of_products(what: str) -> None:
    """One factor moves, or both: x dy + dx y + dx dy, over letters that moves are tied to and others."""
    of, plain, out = CONTRACTIONS[what]
    compared(of, plain, X, "ij", out)


def test_what_is_split_in_different_ways_is_not_added() -> None:
    """Two readers' windows of one move: told, and the move is made in blocks."""
    one, other = (Pair("i", X[0], X[0][None], ("i",), ((0, places),)) for places in (X, Y))
    with pytest.raises(pairs.Unlike):
        pairs.add(one, other)


def test_what_grows_too_large_is_told() -> None:
    """A move of very many entries is made in blocks, too."""
    many = np.zeros(5000)
    with pytest.raises(pairs.TooLarge):
        own_move(many, "i").apart([0])


# --- whole programs: windows, gathers, recurrences ---


def bends(problem: Computation) -> bool:
    """Whether a whole step may cross a kink of a forward line."""
    return any(
        isinstance(x, Choice)
        or (isinstance(x, Over) and x.op in ("max", "min"))
        or (isinstance(x, Call) and (entry(x.function).kinks or entry(x.function).name in ("max", "min")))
        for e in plans_of(problem.planned).forward
        for x in e.right.walk()
    )


def smooth() -> list[str]:
    """The examples without a kink."""
    return [name for name in (*NAMES, *FURTHER_NAMES) if not bends(_loaded(name))]


def _loaded(name: str) -> Computation:
    problem = loads(problem_text(name))
    assert isinstance(problem, Computation)
    return problem


@pytest.mark.parametrize("name", smooth())
def test_a_whole_step_of_each_array_is_the_difference_of_two_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array that a program reads or works out, one of its entries moved by an eighth in a second run."""
    monkeypatch.setattr(moves, "_step", lambda v, near: np.full(np.shape(v), STEP))
    problem, rng = _loaded(name), np.random.default_rng(0)
    plans, start = plans_of(problem.planned), problem.start(FLOAT64)
    given = {n: np.asarray(start[n], float) for n in plans.given}
    tied, alone = (plans.differences.moves(given, assume_nothing=nothing) for nothing in (False, True))
    at_once, program = tied.base() | alone.base(), Program(_forward(problem))
    E = float(tied.s[plans.objective].v)
    for array in (n for n in plans.wanted if n != plans.objective):
        whole = tied.moved(array)
        for other in (alone.moved(array), at_once.get(array, whole)):
            assert np.abs(other - whole).max() <= ROOM * max(1, abs(E)) / STEP, array
        for place in {tuple(int(rng.integers(n)) for n in whole.shape) for _ in range(3)}:
            two = _moved(program, start, plans.objective, array, place, plans.step.arrays[array].extents)
            assert abs(two - E - STEP * whole[place]) <= ROOM * max(1, abs(E), abs(two)), (array, place)


def _forward(problem: Computation) -> Any:
    step = problem.step
    return replace(step, equations=tuple(e for e in step.equations if e.stage == "forward"))


def _moved(program: Program, start: Any, objective: str, array: str, place: tuple[int, ...], extents: Any) -> float:
    """The objective where one entry is moved: before the run, or as soon as it is worked."""
    at = tuple(k + low for k, (low, _) in zip(place, extents, strict=True))

    def taken(label: str, value: Any) -> Any:
        part = program.parts[label]
        if part.name != array or not all(low <= i <= high for i, (low, high) in zip(at, part.extents, strict=True)):
            return value
        own = tuple(
            i - low for k, (i, (low, _)) in enumerate(zip(at, part.extents, strict=True)) if k not in part.fixed
        )
        value = np.array(value, float)
        value[own] += STEP
        return value if value.ndim else value[()]

    if array in start:
        moved = np.array(start[array], float)
        moved[place] += STEP
        start = {**start, array: moved if moved.ndim else moved[()]}
    with np.errstate(all="ignore"):
        return float(program.run(FLOAT64, start, taken)[objective])
