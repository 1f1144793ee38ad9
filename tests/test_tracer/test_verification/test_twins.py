"""Planted twins: each fault of the step, of the core that makes it, or of a route is seen, by the route that must.

What all routes share is seen by none of them: the ranges of letters (tests of shapes see one that is too short) and the
VALUE of a function, whose fault is seen by the contract tests alone (test_forms and the tests of functions, against
mpmath and torch).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from steps import NAMES, problem_text
from test_derivations.test_core_twins import TWINS
from test_tracer.test_verification import test_pairs

from derivations import axes, backward, forms, order, uses, views, windows
from derivations.arithmetic import FLOAT64
from derivations.building import product
from derivations.computation import Computation
from derivations.expression import Within
from derivations.function import FUNCTIONS
from derivations.planned import planned
from tracer import loads, verify
from tracer.verification import bounded, boxes, moved, pairs, pieces
from tracer.verification.differences import Differences
from tracer.verification.pairs import Pair
from tracer.verification.plans import plans_of
from tracer.verification.result import Verification
from tracer.verification.routes import ROUTES
from tracer.verification.subject import Subject
from tracer.verification.verifier import verify_steps

TRACED, SYMBOLIC, DIFFERENCES, ALL = {"traced"}, {"symbolic"}, {"differences"}, set(ROUTES)
COUNTED = """
equations = \"\"\"
y[j] = Σ_i W[j,i]*x[i]
E = Σ_j Σ_i y[j]^2
\"\"\"
parameters.W = [[0.5, -0.25], [1.5, 0.75], [0.1, 0.2]]
given.x = [2, 3]
"""
Monkey = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    """Forms are made anew, with the functions in force."""
    forms.form.cache_clear()
    yield
    forms.form.cache_clear()


def example(name: str) -> Computation:
    """An example made anew, with the rules in force."""
    problem = loads(COUNTED if name == "counted" else problem_text(name))
    assert isinstance(problem, Computation)
    return problem


def odd(found: Verification) -> set[str]:
    """The routes that disagree with the two others."""
    return {route for route, names in found.disagreeing.items() if names}


def seen(name: str, by: set[str], where: str = "") -> None:
    """Raises AssertionError unless the verdict on an example is a disagreement of these routes alone."""
    found = verify(example(name))
    assert found.verdict == "disagree", found
    assert odd(found) == by, found
    if where:
        assert any(n.split("[")[0] == where for route in by for n in found.disagreeing[route]), found


@pytest.mark.parametrize("name", ["rnn3", "dilated", "conv1", "attention", "softmax", "conv2", "counted", "tied"])
def test_without_a_twin_it_agrees(name: str) -> None:
    """What is planted below is planted in steps that agree."""
    assert verify(example(name)).agrees


# --- one equation changed ---


@pytest.mark.parametrize("what", [what for what, (name, _, _) in TWINS.items() if name in NAMES])
def test_a_changed_equation_is_seen_where_it_is(what: str) -> None:
    """A sign, a use, a guard, a condition, a factor: what was recorded is odd, the changed line alone a cause."""
    name, array, change = TWINS[what]
    problem = example(name)
    (line, *_) = (e for e in problem.step.equations if e.left.name == array)
    wrong = planned(problem.step.replace(replace(line, right=change(line))), keeping_digits=False)
    start = problem.start(FLOAT64)
    recorded = wrong.exact.run(FLOAT64, start)
    own = problem.planned.step
    made = {e.left.name: np.asarray(recorded[e.left.name], float) for e in own.equations}
    given = {n: np.asarray(start[n], float) for n in own.arrays if n in start and n not in made}
    found = verify_steps(problem, [Subject(problem, problem.planned, given, made)])
    assert found.verdict == "disagree"
    assert odd(found) == TRACED
    assert {n.split("[")[0] for n in found.wrong} == {array}


# --- the core broken: what it makes and how it is worked ---


def _rolled(monkeypatch: Monkey) -> None:
    plain = views._in_zeros
    monkeypatch.setattr(views, "_in_zeros", lambda array, pads: np.roll(plain(array, pads), 1, axis=0))


def _slice_low(monkeypatch: Monkey) -> None:
    plain = views.View.__init__

    def low(self: views.View, at: Any, extents: Any, *more: Any) -> None:
        plain(self, at, extents, *more)
        self.starts = [s - (not i.terms and s > 0) for i, s in zip(at, self.starts, strict=True)]

    monkeypatch.setattr(views.View, "__init__", low)


def _edge_dropped(monkeypatch: Monkey) -> None:
    monkeypatch.setattr(backward, "Within", lambda i, low, high: Within(i, low, high - 1))


def _window_short(monkeypatch: Monkey) -> None:
    plain = windows._places
    monkeypatch.setattr(windows, "_places", lambda *a: iter(list(plain(*a))[:-1]))


def _uncounted(monkeypatch: Monkey) -> None:
    plain = axes.Axes.contracted

    def contracted(self: Any, found: Any, over: Any) -> Any:
        return plain(self, found, [l for l in over if any(f and l in f[1] for f in found)])

    monkeypatch.setattr(axes.Axes, "contracted", contracted)


def _capture(monkeypatch: Monkey) -> None:
    monkeypatch.setattr(uses, "APART", "")
    monkeypatch.setattr(backward, "APART", "")
    monkeypatch.setattr(backward._Backward, "_tidied", lambda self, e: e)


def _emitted_early(monkeypatch: Monkey) -> None:
    plain = backward._Backward._group

    def group(self: Any, made: Any) -> None:
        for e in made:
            self._emit(e.left.name)
        plain(self, made)

    monkeypatch.setattr(backward._Backward, "_group", group)


def _quotient_sign(monkeypatch: Monkey) -> None:
    plain = uses._below

    def below(*a: Any) -> Iterator[Any]:
        return (u._replace(reaches=product(backward.Negative(backward.ONE), u.reaches)) for u in plain(*a))

    monkeypatch.setattr(uses, "_below", below)


CORE: dict[str, tuple[Callable[[Monkey], None], str, str]] = {
    "a gather off by one": (_rolled, "dilated", ""),
    "a number as an index read one low": (_slice_low, "rnn3", "h"),
    "a scatter's edge dropped": (_edge_dropped, "conv1", "dz"),
    "a scatter's edge dropped, of a recurrence": (_edge_dropped, "rnn3", "dh"),
    "a window's last place left out": (_window_short, "conv1", "dz"),
    "a sum over an unused letter not counted": (_uncounted, "counted", "E"),
    "capture of bound letters": (_capture, "attention", "dx"),
    "a signal emitted before its own uses": (_emitted_early, "rnn3", "dh"),
    "the sign of a quotient": (_quotient_sign, "layernorm", ""),
}


@pytest.mark.parametrize("what", CORE)
def test_a_broken_rule_of_the_core_is_seen_in_what_was_recorded(what: str, monkeypatch: Monkey) -> None:
    """Neither of the other two routes reads what makes or works the backward equations: the traced one is odd."""
    plant, name, where = CORE[what]
    plant(monkeypatch)
    seen(name, TRACED, where)


def _turned(monkeypatch: Monkey, *, back: bool) -> None:
    plain = order._along

    def turned(group: Any, names: Any, axis: Any) -> Any:
        found = plain(group, names, axis)
        right = not found or back != all(name.startswith("d") for name in names)
        return found if right else found._replace(direction=-found.direction)

    monkeypatch.setattr(order, "_along", turned)


@pytest.mark.parametrize(("name", "array"), [("rnn3", "h"), ("returns", "G"), ("pagerank", "r")])
def test_the_order_of_a_recurrence_is_seen_by_the_symbolic_route(name: str, array: str, monkeypatch: Monkey) -> None:
    """Differences walk the program's tasks in the program's order; entries find their own, and alone see it."""
    _turned(monkeypatch, back=False)
    found = verify(example(name))
    assert found.verdict == "disagree"
    assert any(n.startswith(f"{array}[") for n in found.disagreeing["symbolic"])


def test_the_order_of_a_recurrence_backwards_reads_what_is_not_there(monkeypatch: Monkey) -> None:
    """dh[t] before dh[t+1]: nothing is worked at all."""
    _turned(monkeypatch, back=True)
    with pytest.raises(KeyError):
        verify(example("rnn3"))


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "silu", "gelu", "softplus", "exp", "sqrt", "xlogy", "max"])
def test_a_wrong_slope_is_seen(function: str, monkeypatch: Monkey) -> None:
    """An entry's slope, half as large again: it is stated once, and neither sympy nor differences read it."""
    f = FUNCTIONS[function]
    wrong = {**FUNCTIONS, function: replace(f, slopes=tuple(f"1.5*({s})" for s in f.slopes))}
    for module in ("derivations.uses", "derivations.backward"):
        monkeypatch.setattr(f"{module}.FUNCTIONS", wrong)
    b = ", w[i] + 1" if f.inputs == 2 else ""
    text = f'equations = """\nz[i] = {function}(w[i]{b})\nE = Σ_i z[i]^2\n"""\nparameters.w = [0.5, 1.25]'
    text = text.replace("xlogy(w[i], w[i] + 1)", "w[i]*log(w[i] + 1)")  # is made of that
    found = verify(loads(text))
    assert found.verdict == "disagree", found
    assert odd(found) == TRACED


def test_a_fused_delta_with_targets_that_do_not_sum_to_one_is_seen(monkeypatch: Monkey) -> None:
    """y - t is the signal of a softmax for targets that sum to 1, and for no others."""
    text = problem_text("softmax").replace(
        "t = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]", "t = [[0.5, 0, 0.1], [0.2, 0.7, 0], [0, 0, 0.6]]"
    )
    assert "0.7" in text
    assert verify(loads(text)).agrees
    monkeypatch.setattr(Computation, "_sums_to_one", lambda *a: True)
    found = verify(loads(text))
    assert found.verdict == "disagree"
    assert odd(found) == TRACED


# --- a route broken ---


def _last_term_lost(plain: Callable[..., Any]) -> Callable[..., Any]:
    def contracted(x: Any, xl: Any, y: Any, yl: Any, out: Any, *more: Any) -> Any:
        shared = next((l for l in xl if l in yl and l not in out and x.shape[list(xl).index(l)] > 1), None)
        if shared is not None:
            x, y = (
                np.take(p, range(p.shape[list(l).index(shared)] - 1), list(l).index(shared))
                for p, l in ((x, xl), (y, yl))
            )
        return plain(x, xl, y, yl, out, *more)

    return contracted


@pytest.mark.parametrize(("where", "by"), [((bounded,), SYMBOLIC), ((pairs,), DIFFERENCES), ((bounded, pairs), ALL)])
def test_a_contraction_that_loses_its_last_term_is_seen(where: Any, by: set[str], monkeypatch: Monkey) -> None:
    """In either route, that route; in what both share, all three, as none of the signals is that of another."""
    for module in where:
        monkeypatch.setattr(module, "contracted", _last_term_lost(module.contracted))
    seen("dense", by)


def test_a_second_factor_that_is_not_moved_is_seen(monkeypatch: Monkey) -> None:
    """Without x dy the differences are odd; without dx dy, which no small step shows, the whole step is."""

    def multiply(x: Pair, y: Pair, *, product: bool) -> Pair:
        x, y = pairs.together(x, y)
        if x.d is None or y.d is None:
            return plain(x, y)
        return x.like(x.letters, x.v * y.v, x.d * y.v + (x.v * y.d if product else 0.0))

    plain = pairs.multiply
    monkeypatch.setattr(pairs, "multiply", lambda x, y: multiply(x, y, product=False))
    seen("lstm", DIFFERENCES)
    monkeypatch.setattr(pairs, "multiply", lambda x, y: multiply(x, y, product=True))
    assert verify(example("lstm")).agrees
    with pytest.raises(AssertionError):
        test_pairs.compared(lambda x: pairs.multiply(x, x), lambda x: x * x, test_pairs.X, "ij", "ij")


SECOND_ORDER: dict[str, tuple[Callable[..., Any], Callable[[Pair], Pair], Callable[[Any], Any]]] = {
    "divide": (
        lambda x, y: x.like(x.letters, x.v / y.v, (x.d - x.v / y.v * y.d) / y.v),
        lambda x: pairs.divide(x, pairs.multiply(x, x)),
        lambda x: 1 / x,
    ),
    "whole_power": (
        lambda x, n: x.like(x.letters, x.v**n, x.d * n * x.v ** (n - 1)),
        lambda x: pairs.whole_power(x, 3),
        lambda x: x**3,
    ),
}


@pytest.mark.parametrize("what", SECOND_ORDER)
def test_a_derivative_in_place_of_an_identity_is_seen_at_a_whole_step(what: str, monkeypatch: Monkey) -> None:
    """What holds for small steps alone."""
    wrong, of, plain = SECOND_ORDER[what]
    test_pairs.compared(of, plain, test_pairs.X, "ij", "ij")
    monkeypatch.setattr(pairs, what, wrong)
    with pytest.raises(AssertionError):
        test_pairs.compared(of, plain, test_pairs.X, "ij", "ij")


def test_an_identity_that_is_none_is_seen(monkeypatch: Monkey) -> None:
    """tanh with a cosh that is not squared."""
    wrong = pairs._unary(np.tanh, lambda v, f, d: np.tanh(d) / np.cosh(v) / (1 + f * np.tanh(d)))
    monkeypatch.setitem(pairs.FUNCTIONS, "tanh", wrong)
    seen("rnn3", DIFFERENCES)


def test_a_sum_one_short_is_seen(monkeypatch: Monkey) -> None:
    """The symbolic route's sums without their last term, in floats as in balls."""

    def shorter(x: Any) -> Any:
        return x[..., :-1] if np.ndim(x) else x

    def forward(self: pieces.Total, run: pieces.Run) -> None:
        whole = {**self.box, **self.inner}
        body = run.m.spread(run.m.take(run.s[self.read.name], self.read), self.read.spread(whole))
        body = run.m.full(body, tuple(high - low + 1 for low, high in whole.values()))
        short = (shorter(body[0]), shorter(body[1])) if isinstance(body, tuple) else shorter(body)
        self.put(run, self._shared(run.m, run.m.sum(short, tuple(range(len(self.box), len(whole))))))

    monkeypatch.setattr(pieces.Total, "forward", forward)
    seen("rnn3", SYMBOLIC, "E")


def test_a_reading_of_weights_turned_is_not_used(monkeypatch: Monkey) -> None:
    """A whole move of W shows that its gradient is not so read: it is moved by itself; taken as read, it is seen."""
    plain = Differences._gradient
    monkeypatch.setattr(Differences, "_gradient", lambda *a: plain(*a)[::-1])
    problem = example("dense")
    assert verify(problem).agrees
    fitting = plans_of(problem.planned).differences._fitting
    assert (fitting["W1"], fitting["W2"]) == (False, False)
    monkeypatch.setattr(Differences, "_fits", lambda *a: True)
    seen("dense", DIFFERENCES, "dW1")
    assert verify(example("dense"), assume_nothing=True).agrees


def _affine(monkeypatch: Monkey) -> None:
    plain = boxes.Reads.affine

    def affine(self: Any, i: Any) -> Any:
        letters, plus = plain(self, i)
        return letters, plus - (len(i.terms) > 1)

    monkeypatch.setattr(boxes.Reads, "affine", affine)


def _grid(monkeypatch: Monkey) -> None:
    plain = moved.Line._affine

    def affine(self: Any, i: Any) -> Any:
        letters, plus = plain(self, i)
        return letters, plus - (len(i.terms) > 1)

    monkeypatch.setattr(moved.Line, "_affine", affine)


@pytest.mark.parametrize(("plant", "by"), [(_affine, SYMBOLIC), (_grid, DIFFERENCES)])
def test_an_index_read_one_low_in_a_route_is_seen(
    plant: Callable[[Monkey], None], by: set[str], monkeypatch: Monkey
) -> None:
    """Each route reads indices by code of its own; what is allowed is worked by the symbolic one."""
    plant(monkeypatch)
    found = verify(example("dilated"))
    assert found.verdict == "disagree"
    assert by <= odd(found)
    assert all(len(names) < 5 for route, names in found.disagreeing.items() if route not in by)


def test_what_sympy_is_told_wrongly_is_seen(monkeypatch: Monkey) -> None:
    """A function that stands for another one where slopes are made: its value is right, the gradients are not."""
    monkeypatch.setitem(forms._SYMBOLS, "tanh", forms._SYMBOLS["sin"])  # type: ignore[index]
    found = verify(example("rnn3"))
    assert odd(found) == SYMBOLIC
    assert not any(n.startswith(("h[", "E")) for n in found.disagreeing["symbolic"])
