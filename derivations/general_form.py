"""A derivation in general lines: an equation an array, with its indices; each derivative by the chain rule.

The lines are the step's own equations; what is added is the line before each, which says through what it comes, and a
sentence where an idea enters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from derivations.building import constant, product, total
from derivations.chain_terms import ChainTerms, Term, apart
from derivations.chains import Chain, Line, Part
from derivations.equations import Equation, Role, Step
from derivations.expression import (
    Call,
    Derivative,
    Differential,
    Expression,
    Index,
    Letters,
    Negative,
    Over,
    Partial,
    Product,
    Ref,
    Sum,
    letter,
)
from derivations.function import ARGUMENTS, Function, entry
from derivations.language import expression
from derivations.printing import operator
from derivations.reasons import Reasons, of_kinks
from derivations.shapes import refs, substituted
from derivations.uses import filled, opened, scaled, slopes

__all__ = ["GeneralForm", "function_chains"]


class GeneralForm:
    """Writes the general lines of one step.

    `asked` says of an array whether its line is wanted, `named` whether its derivative has a letter of its own, as
    delta has, so that a line says what that letter stands for.  `sentences` can be left out; `primes`: a slope is also
    written as h'(a), where its own name does not say so.
    """

    def __init__(
        self,
        step: Step,
        asked: Callable[[str], bool] = lambda name: True,
        named: Callable[[str], bool] = lambda name: False,
        sentences: bool = True,
        primes: bool = False,
    ) -> None:
        self.step, self.asked, self.named, self.primes = step, asked, named, primes
        self.terms = ChainTerms(step)
        self.reasons = Reasons(step, self.terms) if sentences else None

    # --- parts ---

    def forward(self) -> Iterator[Chain]:
        """The equations that are given."""
        for e in self._stage("forward"):
            yield Chain(e.left, (Line("=", e.right),), array=e.left.name)

    def functions(self) -> Part:
        """Each function that has a name, defined and differentiated."""
        calls = [x for e in self._stage("forward") for x in e.right.walk() if isinstance(x, Call)]
        known = {str(c.function): entry(c.function) for c in calls}
        wanted = [f for f in known.values() if f.named or f.own is not None]
        return Part("local", tuple(chain for f in wanted for chain in function_chains(f)))

    def derivatives(self) -> Iterator[tuple[Equation, Chain]]:
        """Each backward line with its chain, from the objective back; only those that are asked for."""
        for e in self._stage("backward"):
            if self.asked(e.left.name):
                yield e, self._derived(e)

    def updates(self) -> Iterator[Chain]:
        """The lines of the optimizer."""
        for e in self._stage("update"):
            yield Chain(e.left, (Line("=", e.right),), array=e.left.name)

    def _stage(self, stage: str) -> list[Equation]:
        return [e for e in self.step.equations if e.stage == stage]

    # --- one derivative ---

    @cached_property
    def _named_locals(self) -> set[str]:
        """The local derivatives that have lines of their own."""
        return {e.left.name for e in self._stage("backward") if e.why in ("slope", "jacobian")}

    def _derived(self, e: Equation) -> Chain:
        before = tuple(self.reasons.of(e)) if self.reasons else ()
        lines: list[Line] = []
        for line in self._lines(e):
            if line.right != e.left and (not lines or line.right != lines[-1].right):
                lines.append(line)
        return Chain(e.left, tuple(lines), sentences=before, array=e.left.name)

    def _lines(self, e: Equation) -> Iterator[Line]:
        if e.why == "jacobian":  # its name is ∂y/∂a
            yield Line("=", e.right)
            return
        if e.why == "slope":
            local, call = self._local(e)
            yield Line("=", local)
            function = entry(call.function)
            if self.primes and (function.named or function.own is not None):
                yield Line("=", Call(replace(function, name=f"{function.name}'"), call.arguments))
            yield Line("=", e.right, "put")
            return
        whole = Partial(Ref(self.terms.objective, ()), Ref(e.of, e.left.at))
        if self.named(e.left.name):
            yield Line("=", whole, "signal")
        terms = self.terms.of(e)
        gradient = self.step.arrays[e.left.name].role is Role.GRADIENT
        several = len(terms) > 1 or any(t.summed for t in terms)
        if terms and (across := _added(self._share(t, e, gradient, terms) for t in terms)) != whole:
            alone = constant(terms[0].signal) == 1
            yield Line("=", across, "paths" if several else "alone" if alone else "chain")
        if terms and not any(isinstance(x, Partial) for t in terms for x in t.signal.walk()):
            yield Line("=", _added(self._operator(t, e) for t in terms), "definition")
        both = self._both(e, terms[0]) if len(terms) == 1 else None
        if e.why == "fused" and both is not None:
            factors = (f for part in both for f in (part.factors if isinstance(part, Product) else (part,)))
            put = Product(tuple(factors))
            yield Line("=", Over("sum", terms[0].summed, put) if terms[0].summed else put, "differentiated")
            if (apart := _collected(e.right, terms[0].summed)) is not None:
                yield Line("=", apart, "collected")
            yield Line("=", e.right, "collected" if apart is None else "targets")
            return
        yield Line("=", e.right, "put" if self._named_locals & {r.name for r in e.reads} else "differentiated")
        if both is not None and not terms[0].summed:
            yield Line("=", scaled(*both), "inserted")

    def _share(self, t: Term, e: Equation, gradient: bool, terms: list[Term]) -> Expression:
        """A term of the chain rule; of the objective's own formula, beside others, ∂/∂X of what it has of X."""
        direct = t.reader.left.name == self.terms.objective and len(terms) > 1
        return self._operator(t, e) if direct else t.written(gradient)

    def _operator(self, t: Term, e: Equation) -> Expression:
        """∂/∂X of the formula of what reads it, and the number that this has as its signal."""
        right = t.right
        if isinstance(right, Sum):  # what X stands in
            parts = [part for part in right.terms if any(r.name == e.of for r in refs(part[1]))]
            right = Sum(tuple(parts)) if len(parts) > 1 or parts[0][0] < 0 else parts[0][1]
        operator = Differential(Ref(e.of, e.left.at), apart(right, e.left.at, self.step.unwritten))
        inner = operator if constant(t.signal) == 1 else product(t.signal, operator)
        return Over("sum", t.summed, inner) if t.summed else inner

    def _both(self, e: Equation, t: Term) -> tuple[Expression, Expression] | None:
        """What ∂y/∂a and ∂E/∂y are, of ∂y/∂a ∂E/∂y; None where ∂y/∂a has no line of its own."""
        of, by = t.local.of, t.local.by
        assert isinstance(of, Ref)
        assert isinstance(by, Ref)
        local = next((x for x in self._stage("backward") if x.of == of.name and x.why in ("slope", "jacobian")), None)
        signal = self.terms.lines.get(of.name)
        if local is None or signal is None or len(of.at) != len(by.at):
            return None
        letters = dict(zip(signal.left.at, of.at, strict=True))
        values = {i.letter: o for i, o in letters.items() if isinstance(i, Index) and isinstance(o, Index)}
        more = [i for i in local.left.at if isinstance(i, Index) and i.letter and i.letter not in values]
        own = [o for o, p in zip(by.at, of.at, strict=True) if o != p]
        values |= {m.letter: o for m, o in zip(more, own, strict=False) if isinstance(o, Index)}
        unwritten = self.step.unwritten
        put = (apart(x.right, [*values.values(), *by.at], unwritten) for x in (local, signal))
        first, second = (substituted(x, values) for x in put)
        return first, second

    def _local(self, e: Equation) -> tuple[Expression, Call]:
        """∂h[j]/∂a[j], and h(a[j])."""
        own = [f for f in self._stage("forward") if f.left.name == e.of]
        made = next(f for f in own if f.left.at == e.left.at and isinstance(f.right, Call))
        assert isinstance(made.right, Call)
        return Partial(made.left, made.right.arguments[0]), made.right


def _collected(right: Expression, classes: tuple[str, ...]) -> Expression | None:
    """Of y[k] - t[k] what it is before the targets are known to sum to 1: -t[k] + y[k] Σ_m t[m]."""
    match right:
        case Sum(((1, Ref() as y), (-1, Ref() as t))) if len(classes) == 1 and isinstance(t.at[0], Index):
            every = substituted(t, {t.at[0].letter: letter(classes[0])})
            return Sum(((-1, t), (1, Product((y, Over("sum", classes, every))))))
    return None


def _added(parts: Iterable[Expression]) -> Expression:
    """A sum in its own order; a negative term has its sign before it."""
    terms = [(-1, p.operand) if isinstance(p, Negative) else (1, p) for p in parts]
    return Sum(tuple(terms)) if len(terms) > 1 else total(*terms)


def function_chains(f: Function) -> Iterator[Chain]:
    """h(a) and h'(a) of a function: as it is defined, differentiated, and in the forms that it is known by."""
    arguments = tuple(Letters(a, a) for a in ARGUMENTS[: f.inputs])
    call = Call(f, arguments)
    formula = expression(f.written) if f.written else opened(f)
    value = call if formula is None else filled(formula, arguments, call)
    if value != call:
        yield Chain(call, (Line("=", value),))
    for k, slope in enumerate(slopes(f)):
        derivative = filled(slope, arguments, call)
        if f.inputs > 1:
            yield Chain(Partial(call, arguments[k]), _told(Differential(arguments[k], value), [derivative]))
            continue
        forms = [filled(expression(form), arguments, call) for form in f.forms]
        lines = _told(Derivative(arguments[k], value), [*forms, derivative])
        yield Chain(_primed(f), lines, sentences=of_kinks(f))


def _told(first: Expression, forms: list[Expression]) -> tuple[Line, ...]:
    rules = ("differentiated", *("simplified" for _ in forms[1:]))
    return (Line("=", first, "definition"), *(Line("=", form, rule) for form, rule in zip(forms, rules, strict=True)))


def _primed(f: Function) -> Expression:
    return Letters(f"{operator(f)}'(a)", f"{f.name}'(a)")
