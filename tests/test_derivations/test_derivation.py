"""Every line of every derivation is true; the numbers put in can be reproduced; what is asked for is what comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath
import pytest
from networks import random_problem
from truth import ACTIVATION, STEP, WORK, Truth, close, operators

from derivations import derive
from derivations import expression as ex
from derivations.chains import Chain, Line, Part
from derivations.derivation import Derivation
from derivations.names import Quantity
from derivations.network import Problem
from tracer import load, trace

SAMPLES = (
    "hand-3-2-2",
    "tanh-xor",
    "sigmoid-xor",
    "middle-layer",
    "shared-bias-2-2-2",
    "threshold-xor",
    "softmax-xor",
    "classifier-3-3-3",
)
SEEDS = range(42)  # every activation, loss and bias form, several times


# --- every line is true ---


def faults(derivation: Derivation, whole: Problem | None = None, seed: int = 1) -> list[str]:
    """Every line that is not equal to its left side at a random point, every operand that is no definition."""
    with mpmath.workdps(WORK):
        return list(_all_faults(derivation, whole, seed))


def _all_faults(derivation: Derivation, whole: Problem | None, seed: int) -> Iterator[str]:
    truth = Truth(derivation.problem, seed)
    samples = [] if whole is None else [Truth(whole.sample(n), seed, n) for n in range(1, whole.samples + 1)]
    for part in derivation.parts:
        if part.heading == "local":
            yield from _local_faults(derivation.problem, part)
        elif part.heading in ("given", "updates"):  # what the file says, and the optimizer's own lines
            continue
        elif part.heading == "jacobian":
            yield from _softmax_faults(part)
        elif part.heading == "batch":
            assert whole is not None
            yield from _batch_faults(whole, samples, part)
        else:
            for chain in part.chains:
                yield from _faults(truth, chain)


def _faults(truth: Truth, chain: Chain) -> Iterator[str]:
    wanted = truth.value(chain.left)
    lines = _formulas(chain)
    for line in lines:
        if not close(wanted, truth.value(line.right)):
            yield f"{chain.left} {line.rule or '='} {line.right}"
    for of, operator in _operators(chain, lines):
        if isinstance(operator.operand, ex.Letters) or not truth.defines(of.quantity, operator.operand):
            yield f"{operator} is not the derivative of what defines {of}"


def _formulas(chain: Chain) -> list[Line]:
    """The lines that say something of numbers; those over all samples, which have no value here, are left out."""
    return [
        line
        for line in chain.lines
        if not line.numbers and not any(isinstance(x, ex.Blank | ex.Over) for x in line.right.walk())
    ]


def _operators(chain: Chain, lines: list[Line]) -> Iterator[tuple[Any, ex.Differential]]:
    if lines and isinstance(
        lines[0].right, ex.Differential | ex.Derivative
    ):  # the left side names what is differentiated
        left, operator = chain.left, lines[0].right
        of = left.of if isinstance(left, ex.Partial) else ex.Name(Quantity("E"))
        yield of, operator
    for before, after in pairwise(lines):
        if after.rule == "definitions":
            try:
                yield from operators(before.right, after.right)
            except AssertionError as e:
                yield ex.Name(Quantity("E")), ex.Differential(ex.Name(Quantity("E")), ex.Letters("", str(e)))


def _local_faults(problem: Problem, part: Part) -> Iterator[str]:
    """Each function and its slope in general, at points on both sides of zero."""
    truth = Truth(problem)
    for chain in part.chains:
        assert isinstance(chain.left, ex.Name)
        f = problem.network.layer(chain.left.quantity.layer).activation
        h = ACTIVATION[f.name]
        for a in (mpmath.mpf("0.83"), mpmath.mpf("-1.19")):
            with mpmath.workdps(WORK):
                slope, known = (h(a + STEP) - h(a - STEP)) / (2 * STEP), {"a": a, "h": h(a)}
                wanted = slope if chain.left.quantity.kind == "h_slope" else h(a)
                for line in _formulas(chain):
                    found = truth.value(line.right, lambda q, known=known: known[q.kind])
                    if not close(wanted, found):
                        yield f"{f.name} {line.rule} {line.right}"


def _softmax_faults(part: Part) -> Iterator[str]:
    """The value and the two cases of the Jacobian of three units, in letters, against differences."""
    a = [mpmath.mpf(x) / 7 for x in (2, -3, 5)]

    def softmax(at: list[Any]) -> list[Any]:
        return [mpmath.exp(x) / mpmath.fsum(map(mpmath.exp, at)) for x in at]

    def worked(e: Any, where: dict[str, int]) -> Any:
        match e:
            case ex.Ref(name, (ex.Index(terms),)):
                return (a if name.startswith("a") else softmax(a))[where[terms[0][0]]]
            case ex.Over("sum", (l,), body):
                return mpmath.fsum(worked(body, {**where, l: n}) for n in range(3))
            case ex.Call("exp", (x,)):
                return mpmath.exp(worked(x, where))
            case ex.Number(text):
                return mpmath.mpf(text)
            case ex.Negative(x):
                return -worked(x, where)
            case ex.Sum(terms):
                return mpmath.fsum(sign * worked(x, where) for sign, x in terms)
            case ex.Product(factors):
                return mpmath.fprod(worked(x, where) for x in factors)
            case ex.Quotient(above, below):
                return worked(above, where) / worked(below, where)
            case ex.Power(base, exponent):
                return worked(base, where) ** exponent
        raise TypeError(e)

    value, same, other = part.chains
    k, m = value.left.at[0].letter, other.left.by.at[0].letter
    for chain, where in ((value, {k: 0}), (same, {k: 0}), (other, {k: 0, m: 1})):
        wanted = softmax(a)[0]
        if chain is not value:
            at = where.get(m, 0)
            up, down = ([x + s * STEP * (n == at) for n, x in enumerate(a)] for s in (1, -1))
            wanted = (softmax(up)[0] - softmax(down)[0]) / (2 * STEP)
        for line in (line for line in chain.lines if not isinstance(line.right, ex.Blank)):
            if not close(wanted, worked(line.right, where)):
                yield f"softmax, {line.rule}: {line.right}"


def _batch_faults(whole: Problem, samples: list[Truth], part: Part) -> Iterator[str]:
    parts = whole.samples if whole.training.reduction == "mean" else 1
    for chain in part.chains:
        assert isinstance(chain.left, ex.Partial)
        assert isinstance(chain.left.by, ex.Name)
        wanted = sum(truth.partial(Quantity("E"), chain.left.by.quantity) for truth in samples) / parts
        for line in _formulas(chain):
            found = samples[0].value(line.right, lambda q: samples[q.sample - 1].name(q._replace(sample=0)))
            if not close(wanted, found):
                yield f"batch: {chain.left} {line.rule} {line.right}"


def derived(problem: Problem, level: str, sample: int = 1) -> list[str]:
    derivation = derive(problem, level=level, sample=sample)
    assert sum(len(chain.lines) for part in derivation.parts for chain in part.chains) > 2
    return faults(derivation, problem, seed=sample)


@pytest.mark.parametrize("level", ["standard", "full", "answers", "worksheet"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_line_of_every_sample_is_true(sample: str, level: str) -> None:
    """Partials, operators, what is differentiated, simplified, named: all equal the left side, at 50 digits."""
    assert derived(load(sample), level) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_of_random_problems_is_true(seed: int) -> None:
    """Every activation, loss and bias form; of a batch, another sample each time and the sum over all."""
    problem = load(random_problem(seed))
    sample = 1 + seed % problem.samples
    assert derived(problem, "full", sample) == []
    if seed % 3 == 0:
        assert derived(problem, "standard", sample) == []


# --- planted twins ---


def _corrupted(derivation: Derivation, heading: str, chain: int, line: int, right: Any) -> Derivation:
    parts = []
    for part in derivation.parts:
        chains = list(part.chains)
        if part.heading == heading and part.layer in (0, 1):
            lines = list(chains[chain].lines)
            lines[line] = replace(lines[line], right=right(lines[line].right))
            chains[chain] = replace(chains[chain], lines=tuple(lines))
        parts.append(replace(part, chains=tuple(chains)))
    return replace(derivation, parts=tuple(parts))


def _renamed(change: dict[Quantity, Quantity]) -> Any:
    return lambda e: ex.replaced(e, lambda q: ex.Name(change.get(q, q)))


def _without_factor(k: int) -> Any:
    return lambda e: ex.Product(e.factors[:k] + e.factors[k + 1 :])


W, DELTA = (lambda *indices: Quantity("W", 2, indices)), (lambda k: Quantity("delta", 1, (k,)))
X = lambda i: Quantity("x", 0, (i,))  # noqa: E731

TWINS = {
    "a sign": ("gradients", 0, 2, lambda e: ex.Negative(e)),
    "an index": ("gradients", 0, 2, _renamed({W(1, 1): W(1, 2)})),
    "the misprint of row 168": ("gradients", 1, 1, _renamed({W(1, 1): W(1, 2)})),
    "the misprint of row 178, which changes no value": (
        "gradients",
        4,
        1,
        _renamed({Quantity("W", 1, (1, 1)): Quantity("W", 1, (1, 2))}),
    ),
    "a factor dropped": ("gradients", 0, 2, _without_factor(1)),
    "a partial dropped": ("gradients", 0, 0, _without_factor(3)),
    "a weight for a delta": ("gradients", 0, 3, _renamed({DELTA(1): Quantity("W", 1, (1, 1))})),
    "another input": ("gradients", 0, 3, _renamed({X(1): X(2)})),
    "a special result": ("local", 1, 1, lambda e: e * 2),
    "the signal": ("signals", 0, 1, _renamed({W(1, 1): W(1, 2)})),
}


@pytest.mark.parametrize("twin", TWINS)
def test_a_false_line_is_seen(twin: str) -> None:
    """One line changed in one place, and the derivation that was true is found false."""
    derivation = derive(load("tanh-xor"), level="full")
    assert faults(derivation) == []
    assert faults(_corrupted(derivation, *TWINS[twin]))


def test_a_false_line_of_the_batch_is_seen() -> None:
    """The sum over samples with one sample's signal taken twice."""
    problem = load("softmax-xor")
    derivation = derive(problem)
    twice = _renamed({Quantity("delta", 2, (1,), 2): Quantity("delta", 2, (1,), 3)})
    assert faults(derivation, problem) == []
    assert faults(_corrupted(derivation, "batch", 16, 1, twice), problem)


# --- numbers ---


CALCULATOR = Truth(load("hand-3-2-2"))


def hand(e: ex.Expression) -> Fraction:
    """A pocket calculator: exact where it is rational, 60 digits elsewhere."""
    with mpmath.workdps(60):
        try:
            return _exact(e)
        except TypeError:
            found = CALCULATOR.value(e)
            if not mpmath.isfinite(found):
                raise ArithmeticError("log 0") from None
            sign, mantissa, exponent, _ = found._mpf_
            return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _exact(e: ex.Expression) -> Fraction:
    match e:
        case ex.Number(text) if text != "pi":
            return Fraction(text)
        case ex.Sum(terms):
            return sum((sign * _exact(term) for sign, term in terms), Fraction(0))
        case ex.Product(factors):
            product = Fraction(1)
            for factor in factors:
                product *= _exact(factor)
            return product
        case ex.Quotient(above, below):
            return _exact(above) / _exact(below)
        case ex.Power(base, exponent):
            return _exact(base) ** exponent
        case ex.Negative(operand):
            return -_exact(operand)
        case ex.Call("max0", (argument,)):
            return max(_exact(argument), Fraction(0))
    raise TypeError


def rounded(value: Fraction, digits: int | None, places: int | None) -> Fraction:
    """Half away from zero, to significant figures or to places."""
    if places is None:
        assert digits is not None
        places = 0
        size = abs(value)
        if size:
            while size * 10**places < 10 ** (digits - 1):
                places += 1
            while size / Fraction(10) ** -places >= 10**digits:
                places -= 1
    scale = Fraction(10) ** places
    whole = (2 * abs(value) * scale + 1) // 2 / scale
    return whole if value >= 0 else -whole


def numeric_lines(derivation: Derivation) -> Iterator[tuple[str, bool, ex.Expression, str]]:
    """(relation, marked, numbers put in, value) wherever a value follows from numbers."""
    for part in derivation.parts:
        for chain in part.chains:
            for before, after in pairwise(chain.lines):
                if before.numbers and after.numbers:
                    assert isinstance(after.right, ex.Number)
                    yield after.relation, after.marked, before.right, after.right.text


@cache
def numbered(seed: int, digits: int | None, places: int | None, carry: str) -> tuple[int, int, int, int]:
    """How many lines, marked lines, wrongly marked lines, and false equals signs there are."""
    problem = load(random_problem(seed, optimizer="sgd"))
    numbers = trace(problem, digits=digits, places=places, carry=carry)
    derivation = derive(problem, numbers=numbers, sample=problem.samples, level="standard")
    lines = marks = wrong = untrue = 0
    for relation, marked, formula, value in numeric_lines(derivation):
        if value in ("inf", "-inf", "nan"):
            continue
        lines, marks = lines + 1, marks + marked
        try:
            worked = hand(formula)
        except ArithmeticError:  # 1/0 or log 0 from what was rounded to 0
            wrong += not marked
            continue
        wrong += marked != (rounded(worked, digits, places) != Fraction(value))
        untrue += (relation == "=") != (worked == Fraction(value) and not _called(formula))
    return lines, marks, wrong, untrue


def _called(e: Any) -> bool:
    if isinstance(e, ex.Call) and e.function != "max0":
        return True
    parts = e._parts() if isinstance(e, ex.Expression) else e if isinstance(e, tuple) else ()
    return any(map(_called, parts))


POLICIES = [*((d, None) for d in range(3, 9)), *((None, p) for p in range(3, 9))]


@pytest.mark.parametrize(("digits", "places"), POLICIES)
def test_carrying_what_is_shown_every_line_is_reproduced_by_a_pocket_calculator(
    digits: int | None, places: int | None
) -> None:
    """No line is marked, and none needs to be; an equals sign stands exactly where the shown numbers are equal."""
    found = [numbered(seed, digits, places, "shown") for seed in range(0, 40, 3)]
    assert sum(lines for lines, *_ in found) > 500
    assert [sum(column) for column in zip(*found, strict=True)][1:] == [0, 0, 0]


@pytest.mark.parametrize(("digits", "places"), POLICIES)
def test_carrying_everything_exactly_the_lines_that_do_not_reproduce_are_marked(
    digits: int | None, places: int | None
) -> None:
    """At any number of digits about a quarter of the lines; each with its mark, no other with one."""
    found = [numbered(seed, digits, places, "full") for seed in range(1, 40, 3)]
    lines, marks, wrong, untrue = (sum(column) for column in zip(*found, strict=True))
    assert (wrong, untrue) == (0, 0)
    assert 0.1 < marks / lines < 0.45


def test_numbers_of_one_sample_are_its_own() -> None:
    """In a batch the gradient of sample 2 is delta z of sample 2; the batch's gradient follows, from all samples."""
    problem = load("softmax-xor")
    numbers = trace(problem, digits=4)
    derivation = derive(problem, numbers=numbers, sample=2, wrt=["dW2[1,5]"])
    own, batch = (part.chains[0].lines[-2:] for part in derivation.parts)
    alone = trace(problem.sample(2), digits=4)
    assert own[-1].right == ex.Number(alone.shown[Quantity("dW", 2, (1, 5))])
    assert batch[-1].right == ex.Number(numbers.shown[Quantity("dW", 2, (1, 5))])
    assert own[-1].right != batch[-1].right


@pytest.mark.parametrize("way", ["together", "in_turn", "apart"])
def test_every_number_of_a_sample_is_there(way: str) -> None:
    """However the samples are trained, each sample's derivation has a value in every chain."""
    for seed in (2, 8, 13, 19):
        problem = load(random_problem(seed, optimizer="sgd", samples=way))
        numbers = trace(problem, digits=5)
        for sample in range(1, problem.samples + 1):
            derivation = derive(problem, numbers=numbers, sample=sample)
            for part in derivation.parts:
                if part.heading != "local":
                    assert all(isinstance(chain.lines[-1].right, ex.Number) for chain in part.chains), (seed, sample)
            assert ("batch" in [part.heading for part in derivation.parts]) == (way == "together")


# --- what is asked for ---


def left_sides(derivation: Derivation) -> list[str]:
    from derivations.names import text

    return [text(derivation.problem.network, c.quantity) for p in derivation.parts for c in p.chains if c.quantity]


def test_only_what_is_asked_for() -> None:
    """One gradient, a whole layer, all error signals of a layer, several at once."""
    problem = load("hand-3-2-2")
    assert left_sides(derive(problem, wrt=["dW1_12"])) == ["dW1[1,2]"]
    assert left_sides(derive(problem, wrt=["delta1"])) == ["delta1[1]", "delta1[2]"]
    assert left_sides(derive(problem, wrt=["dW2"], level="full")) == ["dW2[1,1]", "dW2[1,2]", "dW2[2,1]", "dW2[2,2]"]
    assert left_sides(derive(problem, wrt=["delta2[1]", "dW1[2,3]"])) == ["delta2[1]", "dW1[2,3]"]


def test_what_cannot_be_derived_is_refused() -> None:
    """An unknown level, sample or name, with what there is."""
    problem = load("hand-3-2-2")
    for options, words in (
        ({"level": "long"}, "known are standard, general, full, matrix, answers, worksheet"),
        ({"sample": 2}, "samples 1 to 1"),
        ({"wrt": ["dW3"]}, "not a quantity of this network"),
    ):
        with pytest.raises(ValueError, match=words):
            derive(problem, **options)  # type: ignore[arg-type]


def test_a_worksheet_leaves_blanks_where_the_key_has_lines() -> None:
    """The first line of each chain stays; all others are blank, and as many as the key has."""
    for sample, digits in (("hand-3-2-2", None), ("hand-3-2-2", 4), ("sigmoid-xor", 3)):
        problem = load(sample)
        numbers = trace(problem, digits=digits) if digits else None
        blank, key = (derive(problem, level="worksheet", numbers=numbers, solved=solved) for solved in (False, True))
        for one, other in zip(blank.parts, key.parts, strict=True):
            for empty, full in zip(one.chains, other.chains, strict=True):
                assert empty.left == full.left
                assert len(empty.lines) == len(full.lines)
                assert not any(isinstance(line.right, ex.Blank) for line in full.lines)
                if len(full.lines) > 1:
                    assert empty.lines[0] == full.lines[0]
                    assert all(isinstance(line.right, ex.Blank) for line in empty.lines[1:])


def test_a_worksheet_states_what_it_needs_and_asks_what_the_sheet_asks() -> None:
    """Inputs, targets, weights, the learning rate; the updates; only what [sheet] ask names."""
    problem = load("shared-bias-2-2-2")
    sheet = derive(problem, level="worksheet", numbers=trace(problem, digits=4))
    given = {c.left.quantity.kind for c in sheet.parts[0].chains if isinstance(c.left, ex.Name)}
    assert sheet.parts[0].heading == "given"
    assert {"x", "t", "W", "b", "eta"} <= given
    assert sheet.parts[-1].heading == "updates"
    asked = replace(problem, sheet=(("ask", ["delta2", "W1_new[1,2]"]),))
    sides = left_sides(derive(asked, level="worksheet", numbers=trace(asked, digits=4)))
    assert sides == ["delta2[1]", "delta2[2]", "W1_new[1,2]"]


@pytest.mark.parametrize("given", ["hand-3-2-2", None, {"network": {}}])
def test_what_is_no_problem_is_told(given: object) -> None:
    """A name or a table is read by `load` first."""
    with pytest.raises(TypeError, match=r"derive takes a Problem, not .*; tracer\.load reads"):
        derive(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("layers", "is_derived"), [(3, True), (101, False)])
def test_a_network_of_hundreds_of_layers_is_not_derived(layers: int, *, is_derived: bool) -> None:
    """Five hundred took twenty seconds and a thousand pages."""
    layer = {"activation": "relu", "W": [[0.5]]}
    raw = {"network": {"loss": "half_squared_error", "layers": [layer] * layers}, "samples": [{"x": [1], "t": [0.5]}]}
    problem = load({**raw, "training": {"learning_rate": 0.1}})
    if is_derived:
        assert str(derive(problem))
    else:
        with pytest.raises(ValueError, match="the network has 101 layers, a derivation is written of 100 at most"):
            derive(problem)
