"""General lines of any step: each chain-rule line is true, and a sentence stands where an idea enters."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import mpmath
import pytest
from drawn_equations import draw

from derivations import derive
from derivations import expression as ex
from derivations.chain_terms import ChainTerms
from derivations.computation import Computation
from derivations.derived import Derivation
from derivations.entries import Entries
from derivations.evaluation import value
from derivations.general_form import GeneralForm
from derivations.quantity import Quantity
from derivations.shapes import numbered
from tracer import load, loads, trace

FURTHER = sorted((Path(__file__).parents[1] / "further_steps").glob("*.toml"))
RNN = """
equations = '''
h[0,k] = 0
a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]
h[t,j] = tanh(a[t,j])
y[t,m] = Σ_j V[m,j]*h[t,j]
E = mean_t(Σ_m (y[t,m] - target[t,m])^2)
'''
parameters = {Wx = [[0.5], [-0.3]], Wh = [[0.1, 0.4], [-0.2, 0.3]], b = [0.0, 0.1], V = [[1.0, -1.0]]}
given = {x = [[1.0], [0.5], [0.2]], target = [[0.5], [0.1], [-0.4]]}
training = {learning_rate = 0.1}
"""


def own(text: str) -> Computation:
    problem = load(tomllib.loads(text))
    assert isinstance(problem, Computation)
    return problem


class Lines:
    """The numbers of the chain-rule lines of one step, from its forward formulas and its traced signals alone."""

    def __init__(self, problem: Computation) -> None:
        self.step, self.terms = problem.step, ChainTerms(problem.step)
        self.known = trace(problem).steps[0].known
        entries = Entries(self.step, lambda name, at: ex.Name(Quantity(name, 0, at)))
        self.formulas = {
            Quantity(x.name, 0, x.at): x.formula
            for t in problem.planned.exact.tasks
            if t.equation.stage == "forward"
            for x in entries.of(t.equation, t.fixed)
        }

    def number(self, q: Quantity) -> Any:
        array, lows = self.known[q.kind], (low for low, _ in self.step.arrays[q.kind].extents)
        at = tuple(i - low for i, low in zip(q.indices, lows, strict=True))
        return mpmath.mpf(float(array[at] if at else array))

    def at(self, r: Any, where: dict[str, int]) -> Quantity:
        return Quantity(r.name, 0, tuple(self.index(i, where) for i in r.at))

    def index(self, i: Any, where: dict[str, int]) -> int:
        if isinstance(i, ex.Ref):
            return int(self.number(self.at(i, where)))
        i = numbered(i, self.step.ranges)
        return int(i.plus + sum(c * where[l] for l, c in i.terms))

    def partial(self, of: Quantity, by: Quantity) -> Any:
        """∂ of / ∂ by: of E the traced signal, of another number its own formula moved a little."""
        if of.kind == self.terms.objective and by.kind in self.terms.lines:
            return self.number(Quantity(self.terms.lines[by.kind].left.name, 0, by.indices))
        return self.moved(of, by)

    def moved(self, of: Quantity, by: Quantity) -> Any:
        """The derivative of a number's own formula."""
        if of not in self.formulas:
            return mpmath.mpf(0)
        step = mpmath.mpf(10) ** -25

        def at(h: Any) -> Any:
            return value(self.formulas[of], lambda q: self.number(q) + (h if q == by else 0))

        return (at(step) - at(-step)) / (2 * step)

    def worked(self, e: Any, where: dict[str, int]) -> Any:
        match e:
            case ex.Sum(terms):
                return sum(sign * self.worked(x, where) for sign, x in terms)
            case ex.Negative(x):
                return -self.worked(x, where)
            case ex.Ref():
                return self.number(self.at(e, where))
            case ex.Power(base, int(n)):
                return self.worked(base, where) ** n
            case ex.Call():
                function = {"relu": lambda a: max(a, 0), "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a))}
                call = function.get(str(e.function)) or getattr(mpmath, str(e.function))
                return call(*(self.worked(a, where) for a in e.arguments))
            case ex.Same(left, right):
                return mpmath.mpf(self.index(left, where) == self.index(right, where))
            case ex.Choice(test, positive, otherwise):
                return self.worked(positive if self.worked(test, where) > 0 else otherwise, where)
            case ex.Largest(x, top):
                return mpmath.mpf(self.worked(x, where) >= self.worked(top, where))
            case ex.Product(factors):
                tests = [self.worked(f, where) for f in factors if isinstance(f, ex.Within | ex.Same)]
                if 0 in tests:
                    return mpmath.mpf(0)
                return mpmath.fprod(self.worked(f, where) for f in factors if not isinstance(f, ex.Within | ex.Same))
            case ex.Quotient(above, below):
                return self.worked(above, where) / self.worked(below, where)
            case ex.Over("sum", letters, body):
                ranges = (self.terms.ranges.get(l) or self.terms.ranges[l.rstrip("'")] for l in letters)
                runs = [range(low, high + 1) for low, high in ranges]
                each = (dict(zip(letters, at, strict=True)) for at in itertools.product(*runs))
                return sum((self.worked(body, {**where, **own}) for own in each), mpmath.mpf(0))
            case ex.Within(index, low, high):
                i = numbered(index, self.step.ranges)
                return mpmath.mpf(low <= i.plus + sum(c * where[l] for l, c in i.terms) <= high)
            case ex.Size(l):
                low, high = self.step.ranges[l]
                return mpmath.mpf(high - low + 1)
            case ex.Number(text):
                return mpmath.mpf(text)
            case ex.Differential(by, _):  # the objective's own formula
                return self.moved(Quantity(self.terms.objective), self.at(by, where))
            case ex.Partial(of, by):
                return self.partial(self.at(of, where), self.at(by, where))
        raise TypeError(e)


def false_lines(problem: Computation) -> list[str]:
    """The chain-rule lines that are not the derivative that they lead to."""
    lines, out = Lines(problem), []
    form = GeneralForm(problem.step)
    lines.terms = form.terms
    with mpmath.workdps(60):
        for e, chain in form.derivatives():
            letters = [i.letter for i in e.left.at if isinstance(i, ex.Index)]
            runs = [range(lines.terms.ranges[l][0], lines.terms.ranges[l][1] + 1) for l in letters]
            across = [line.right for line in chain.lines if line.rule in ("chain", "paths", "inserted")]
            for at in itertools.islice(itertools.product(*runs), 12):
                where = dict(zip(letters, at, strict=True))
                wanted = lines.number(lines.at(e.left, where))
                for right in across:
                    if abs(lines.worked(right, where) - wanted) > 1e-9 * max(1, abs(wanted)):
                        out.append(f"{e.left} at {at}: {right}")
    return out


def test_every_chain_rule_line_is_true() -> None:
    """A recurrence with a mean: two ways, a guard at the end, a number that no line says."""
    assert false_lines(own(RNN)) == []


@pytest.mark.parametrize("path", [p for p in FURTHER if p.stem not in ("heads", "pointer")], ids=lambda p: p.stem)
def test_every_chain_rule_line_of_further_steps_is_true(path: Path) -> None:
    """Pools, looked-up words, triplets, two roles of one array in a line."""
    problem = load(path)
    assert isinstance(problem, Computation)
    assert false_lines(problem) == []


@pytest.mark.parametrize(
    "equation",
    [
        "y[i,j] = x[i]*x[j]*W[i,j]",  # each role leaves open what the other says
        "y[i,j] = x[i]*W[i,j]/(Σ_k x[k]^2)",
        "y[i,j] = x[i]*x[i-1]*W[i,j]",
    ],
)
def test_an_array_that_is_read_twice_in_a_line(equation: str) -> None:
    """No share is counted twice."""
    text = f"""
equations = '''
x[i] = tanh(v[i])
x[0] = 0.5
{equation}
E = Σ_{{i,j}} y[i,j]^2
'''
parameters = {{v = [0.1, -0.4, 0.7], W = [[0.1, 0.2, 0.3], [0.4, -0.5, 0.6], [0.7, 0.8, -0.9]]}}
"""
    if "i-1" not in equation:
        text = text.replace("x[0] = 0.5\n", "")
    assert false_lines(own(text)) == []


def test_a_false_chain_rule_line_is_seen() -> None:
    """The planted twin: one way left out."""
    problem = own(RNN)
    form = GeneralForm(problem.step)
    lines = Lines(problem)
    e, chain = next((e, c) for e, c in form.derivatives() if e.left.name == "dh")
    across = next(line.right for line in chain.lines if line.rule == "paths")
    assert isinstance(across, ex.Sum)
    lines.terms = form.terms
    with mpmath.workdps(60):
        where = {"t": 1, "k": 1}
        wanted = lines.number(lines.at(e.left, where))
        assert abs(lines.worked(across, where) - wanted) < 1e-9
        assert abs(lines.worked(ex.Sum(across.terms[:1]), where) - wanted) > 1e-3


def test_what_both_factors_are_is_put_in_without_their_letters_meeting() -> None:
    """Σ_j Wh[j,k] da[t+1,j], put in where k is j: the summed letter is another one then."""
    form = GeneralForm(own(RNN).step)
    line = next(chain.lines[-1] for e, chain in form.derivatives() if e.left.name == "da")
    assert line.rule == "inserted"
    assert {r.at[0] for r in line.right.walk() if isinstance(r, ex.Ref) and r.name == "Wh"} == {ex.letter("j'")}


def test_a_recurrence_is_gone_through_from_its_last_step_back() -> None:
    """dh[3], da[3], dh[2], da[2]: nothing is used before it is worked."""
    problem = own(RNN)
    chains = [c for part in derive(problem).parts for c in part.chains if c.quantity is not None]
    signals = [c.quantity for c in chains if c.quantity is not None and c.quantity.kind in ("dh", "da")]
    steps = [(q.indices[0], q.kind) for q in signals]
    assert list(dict.fromkeys(steps)) == [(t, kind) for t in (3, 2, 1) for kind in ("dh", "da")]


def test_no_label_stands_twice() -> None:
    """An array that two equations make, and one that stands in a worksheet again."""
    for level in ("standard", "general", "worksheet"):
        latex = derive(own(RNN), level=level).render("latex", label_prefix="q1")
        labels = re.findall(r"\\label\{([^}]*)\}", latex)
        assert labels
        assert len(set(labels)) == len(labels), level


# --- sentences ---


def told(derivation: Derivation) -> str:
    """Everything that is said of it."""
    return derivation.render("text")


def test_ideas_are_told_where_they_enter() -> None:
    """A signal, the mean, two ways through time, a shared weight, a transposed one, the end; each once."""
    text = told(derive(own(RNN), level="general"))
    for words in (
        "The error signal",
        "The mean over t enters here",
        "the error comes back through time",
        "is the direct derivative, with h[t-1,k] held fixed: the influence of Wx[j,i] through it is counted",
        "is used for every t",
        "which uses the transposed matrix",
        "past the end there is no a[t+1,j]",
    ):
        assert text.count(words.split(" ", 1)[0]) >= 1
        assert " ".join(text.split()).count(words) == 1, words


def test_a_pool_and_a_choice_say_who_gets_the_signal() -> None:
    """The largest alone; the branch that was taken."""
    problem = """
equations = '''
m = max_i(w[i]*x[i])
E = m^2 if m > 1 else 2*m
'''
parameters = {w = [1, 2, 3]}
given = {x = [0.5, 0.25, 0.1]}
"""
    text = " ".join(told(derive(own(problem), level="general")).split())
    assert "m passes its signal back to the largest entry alone" in text
    assert "the branch that was taken gets the signal" in text


def test_functions_of_the_file_are_defined_and_differentiated() -> None:
    """f(a) and f'(a); of two arguments its partial derivatives."""
    problem = """
equations = '''
f(a) = a/(1 + a^2)
g(a, b) = a*b^2
E = f(w) + g(w, v)
'''
parameters = {w = 0.5, v = 2}
"""
    text = told(derive(own(problem), level="general"))
    assert "f(a) = a/(1 + a²)" in text
    assert "f'(a) = d/da(a/(1 + a²))" in text
    assert "∂g(a, b)/∂b = ∂/∂b(a·b²)" in text


# --- entries, numbers, limits ---


def test_entries_follow_their_line_and_their_numbers_are_the_traced_ones() -> None:
    """As `trace --work` has them."""
    problem = own(RNN)
    worked = trace(problem, digits=4)
    text = derive(problem, numbers=worked).render("text")
    assert "dh[2,1] = V[1,1]·dy[2,1] + Wh[1,1]·da[3,1] + Wh[2,1]·da[3,2]" in text
    assert text.index("dh[t,k] = ") < text.index("dh[3,1] = ")
    numbers = {
        c.quantity: c.lines[-1].right for p in derive(problem, numbers=worked).parts for c in p.chains if c.quantity
    }
    for q, shown in numbers.items():
        assert shown == ex.Number(worked.shown[q]), q


def test_only_what_is_asked() -> None:
    """An array with its line, an entry alone, a parameter for its gradient."""
    parts = derive(own(RNN), wrt=["Wh[1,2]", "dy"]).parts
    assert [part.heading for part in parts] == ["derivatives"]
    names = {
        c.array or (c.quantity.kind, c.quantity.indices) for part in parts for c in part.chains if c.quantity or c.array
    }
    assert {"dy", "dWh", ("dWh", (1, 2)), ("dy", (1, 1))} <= names
    assert ("dWh", (1, 1)) not in names


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html", "json"])
def test_every_example_in_every_format(form: str) -> None:
    """Nothing fails, and no line of text is longer than a screen."""
    for path in FURTHER[:12]:
        out = derive(load(path), level="general").render(form)
        assert out
        if form == "text":
            assert max(map(len, out.splitlines())) <= 100, path


def test_samples_in_turn_and_apart_are_derived_one_by_one() -> None:
    """The equations of one sample, with its numbers."""
    text = """
equations = '''
y[n] = Σ_i w[i]*x[i,n]
E = Σ_n (y[n] - t[n])^2/2
'''
parameters = {w = [0.1, 0.2]}
given = {x = [[1, 2, 3], [4, 5, 6]], t = [0, 1, 0]}
training = {learning_rate = 0.1, sample = "n", samples = "in_turn"}
"""
    problem = own(text)
    numbers = trace(problem)
    for sample in (1, 3):
        out = derive(problem, sample=sample, numbers=numbers).render("text")
        assert "Σ_n" not in out
    assert "dw[1] = dy·x[1]" in derive(problem, sample=2).render("text")


def test_what_own_equations_do_not_have_is_said() -> None:
    """Levels and samples of layers."""
    with pytest.raises(ValueError, match="level 'matrix' is for layers; equations of your own have standard, general"):
        derive(own(RNN), level="matrix")
    with pytest.raises(ValueError, match="is not derived; name one of dy, "):
        derive(own(RNN), wrt=["x"])


def test_two_readings_of_one_entry_are_counted_once() -> None:
    """b[i,u] and b[u,i] are one number where u = i; b[i,u]'s share comes through all of o."""
    text = """
equations = '''
o[i,k] = Σ_u b[i,u]*b[u,k]
p[i] = Σ_u b[i,u]*b[u,i]
E = Σ_{i,k} o[i,k]^2 + Σ_i sin(p[i])
'''
parameters = {b = [[0.1, -0.4], [0.7, 0.3]]}
"""
    assert false_lines(own(text)) == []


def test_what_is_looked_up_past_the_end_is_left_out() -> None:
    """V[tok[t+1],..] in the step after the last, in a file drawn from the grammar."""
    problem = loads(draw(42, 1).text)
    for numbers in (None, trace(problem, digits=3)):
        assert derive(problem, level="standard", numbers=numbers).render("text")


@pytest.mark.parametrize(("name", "told_of"), [("relu", True), ("leaky_relu", True), ("elu", False), ("tanh", False)])
def test_a_convention_is_told_where_there_is_no_derivative(name: str, told_of: bool) -> None:
    """Elu has one at 0, where its second derivative jumps."""
    text = told(derive(own(f'equations = "E = {name}(w)^2"\nparameters.w = 0.5'), level="general"))
    assert ("it has no derivative; by convention its slope there is" in text) == told_of
