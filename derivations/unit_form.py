"""The derivation unit by unit: each partial derivative a chain of lines, as a teacher writes it on a board.

A line says what follows from the line before and by which rule.  The equations come from the rules of the step, run on
written expressions; sympy proves them (`derivations.proof`) and never prints.

Letters: a pre-activation, z activation, y = z of the last layer, t target, E loss, delta = dE/da.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from derivations.chains import Chain, Line, Part
from derivations.expression import (
    Derivative,
    Differential,
    Expression,
    Name,
    Negative,
    Number,
    Partial,
    Product,
    Sum,
)
from derivations.formulas import equations
from derivations.layer_form import (
    GRADIENTS,
    SIGNALS,
    LayerForm,
    batch_sentence,
    function_parts,
    mean_or_sum,
    over_samples,
)
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.numbered import number_lines
from derivations.uses import scaled

__all__ = ["UnitForm"]

MOST_EXPANDED = 3  # paths written out to the loss; beyond, through the named signals


@dataclass(frozen=True)
class Factor:
    """One local derivative: d of / d by, as the operator on the definition of `of`, and its result."""

    of: Expression
    by: Expression
    definition: Expression | None
    result: Expression

    @property
    def partial(self) -> Expression:
        """d of / d by."""
        return Partial(self.of, self.by)

    @property
    def operator(self) -> Expression:
        """d/d by (definition); a named error signal stays a partial derivative."""
        return Differential(self.by, self.definition) if self.definition is not None else self.partial


def name(kind: str, layer: int = 0, *indices: int) -> Name:
    """A quantity as a written expression."""
    return Name(Quantity(kind, layer, indices))


class UnitForm:
    """Writes the parts of one derivation."""

    def __init__(
        self,
        problem: Problem,
        level: str,
        shown: Mapping[Quantity, str] | None,
        wanted: set[Quantity],
        rounding: Any = None,
    ) -> None:
        self.problem, self.level, self.shown, self.wanted, self.rounding = problem, level, shown, wanted, rounding
        self.network, self.L = problem.network, len(problem.network)
        self.formulas = {e.quantity: e.formula for e in equations(problem)}
        self.fused = problem.fused

    # --- parts, in the order in which one reads them ---

    def parts(self) -> tuple[Part, ...]:
        out: list[Part] = []
        if self.level in ("standard", "full", "worksheet") and not self.wanted:
            out += [self._definitions(), *function_parts(self.problem)]
        told = LayerForm(self.problem) if self.level in ("standard", "full") and not self.wanted else None
        for l in range(self.L, 0, -1):
            if self.level != "answers" or self.wanted:
                said = told.sentences(SIGNALS, l) if told else ()
                out.append(Part("signals", tuple(self._signals(l)), l, said))
            said = told.sentences(GRADIENTS, l) if told else ()
            out.append(Part("gradients", tuple(self._gradients(l)), l, said))
        return self._finished(out)

    def batch_parts(self) -> tuple[Part, ...]:
        """Of several samples trained together: each gradient as the sum, or the mean, over them."""
        chains = []
        for q in self.formulas:
            if q.kind in ("dW", "db") and self._asked(q):
                by = Name(q._replace(kind=q.kind[1:]))
                first = Line("=", over_samples(self.problem, by), mean_or_sum(self.problem))
                chain = self._evaluated(q, [first], Partial(name("E"), by))
                chains.append(replace(chain, quantity=None))  # its label is the sample's own gradient's
        said = () if self.wanted or self.level == "answers" else (batch_sentence(self.problem),)
        return self._finished([Part("batch", tuple(chains), sentences=said, whole=True)])

    def update_parts(self) -> tuple[Part, ...]:
        """The lines of the optimizer."""
        chains = (self._evaluated(q, []) for q in self.formulas if KINDS[q.kind].stage == "update")
        return self._finished([Part("updates", tuple(chains), whole=True)])

    @staticmethod
    def _finished(parts: list[Part]) -> tuple[Part, ...]:
        return tuple(part for part in parts if part.chains)

    def _definitions(self) -> Part:
        kinds = ("a", "z", "E_part", "E")
        chains = [self._evaluated(q, []) for q in self.formulas if q.kind in kinds]
        return Part("network", tuple(chains))

    def _signals(self, l: int) -> Iterator[Chain]:
        layer = self.network.layer(l)
        units = range(1, layer.units + 1)
        for j in units:
            if self._asked(Quantity("dz", l, (j,))):
                yield self._signal(l, j)
        for q in [q for q in self.formulas if q.kind in ("slope", "J") and q.layer == l]:
            if self._asked(q):
                yield self._local(q)
        for j in units:
            if self._asked(Quantity("delta", l, (j,))):
                yield self._delta(l, j)

    def _local(self, q: Quantity) -> Chain:
        """∂z/∂a of two units: from what was derived in general, or, alone, from what defines z."""
        z, a = name("z", q.layer, q.indices[0]), name("a", q.layer, q.indices[-1])
        first: list[Line] = []
        if self.wanted:
            formula = self.formulas[z.quantity]
            operator = Derivative(a, formula) if q.kind == "slope" else Differential(a, formula)
            first = [Line("=", operator, "definition")]
        elif q.kind == "slope":
            first = [Line("=", Name(q))]
        return self._evaluated(q, first, Partial(z, a))

    def _signal(self, l: int, j: int) -> Chain:
        """dE/dz: the loss differentiated, or the sum over the paths through the next layer."""
        q = Quantity("dz", l, (j,))
        if l == self.L:
            if self.network.loss.parts is None:
                return self._evaluated(q, [])
            return self._evaluated(q, [Line("=", self._loss_factor(j).operator, "definition")])
        above = range(1, self.network.layer(l + 1).units + 1)
        paths = [
            Product((Partial(name("a", l + 1, k), name("z", l, j)), Partial(name("E"), name("a", l + 1, k))))
            for k in above
        ]
        rule = "paths" if len(paths) > 1 else "chain"
        return self._evaluated(q, [Line("=", _sum(paths), rule)])

    def _delta(self, l: int, j: int) -> Chain:
        """delta = dE/da."""
        q, layer = Quantity("delta", l, (j,)), self.network.layer(l)
        first = Line("=", Partial(name("E"), name("a", l, j)), "signal")
        if layer.activation.elementwise:
            across: list[Expression] = [
                Product((Partial(name("z", l, j), name("a", l, j)), Partial(name("E"), name("z", l, j))))
            ]
        else:
            across = [
                Product((Partial(name("z", l, k), name("a", l, j)), Partial(name("E"), name("z", l, k))))
                for k in range(1, layer.units + 1)
            ]
        lines = [first, Line("=", _sum(across), "paths" if len(across) > 1 else "chain")]
        if l == self.L and self.fused:
            lines += self._fused_lines(l, j)
        chain = self._evaluated(q, lines)
        local, signal = (self.formulas.get(Quantity(kind, l, (j,))) for kind in ("slope", "dz"))
        special = self.level == "worksheet" or self.shown is not None or (self.fused and l == self.L)
        if special or local is None or signal is None:
            return chain
        return replace(chain, lines=(*chain.lines, Line("=", scaled(local, signal), "inserted")))

    def _fused_lines(self, l: int, j: int) -> Iterator[Line]:
        """The special result of loss and last activation, derived: differentiated, cancelled, collected."""
        units = range(1, self.network.layer(l).units + 1)
        elementwise = self.network.layer(l).activation.elementwise
        terms = []
        for k in [j] if elementwise else units:
            local = Quantity("slope", l, (k,)) if elementwise else Quantity("J", l, (k, j))
            terms.append(_product((self.formulas[local], self.formulas[Quantity("dz", l, (k,))])))
        yield Line("=", _sum(terms), "differentiated")
        assert self.fused is not None
        y, t = [name("z", l, k) for k in units], [name("t", 0, k) for k in units]
        for n, step in enumerate(self.fused.steps(y, t, j - 1)):
            yield Line("=", step, "collected" if n else "cancelled")
        if self.fused.targets_sum_to_one:
            yield Line("=", self.formulas[Quantity("delta", l, (j,))], "targets")

    def _gradients(self, l: int) -> Iterator[Chain]:
        for q in [q for q in self.formulas if q.kind in ("dW", "db") and q.layer == l]:
            if self._asked(q):
                yield self._gradient(q)

    def _gradient(self, q: Quantity) -> Chain:
        if self.level == "answers":
            return self._evaluated(q, [])
        parameter = Name(q._replace(kind=q.kind[1:]))
        units = [q.indices[0]] if q.indices else range(1, self.network.layer(q.layer).units + 1)
        if self.level == "full":
            lines = self._full(q.layer, units, parameter)
        else:
            paths = [
                Product((Partial(name("E"), name("a", q.layer, j)), Partial(name("a", q.layer, j), parameter)))
                for j in units
            ]
            lines = [Line("=", _sum(paths), "paths" if len(paths) > 1 else "chain")]
        return self._evaluated(q, lines, Partial(name("E"), parameter))

    # --- level full: the whole path from the loss to the parameter ---

    def _full(self, l: int, units: Iterable[int], parameter: Name) -> list[Line]:
        sums: list[tuple[list[list[Factor]], list[Factor]]] = []
        for j in units:
            head, tail = self._head(l, j)
            sums.append((head, [*tail, self._affine_factor(l, j, parameter)]))
        several = len(sums) > 1 or len(sums[0][0]) > 1

        def written(form: Callable[[Factor], Expression]) -> Expression:
            return _sum(
                [_product([_sum([_product(map(form, p)) for p in head]), *map(form, tail)]) for head, tail in sums]
            )

        partials = written(lambda f: f.partial)
        differentiated = written(lambda f: f.result)
        lines = [
            Line("=", partials, "paths" if several else "chain"),
            Line("=", written(lambda f: f.operator), "definitions"),
            Line("=", differentiated, "differentiated"),
        ]
        simpler = _without_ones(differentiated)
        return lines if simpler == differentiated else [*lines, Line("=", simpler, "simplified")]

    def _head(self, l: int, j: int) -> tuple[list[list[Factor]], list[Factor]]:
        """The paths from the loss to a[j] of layer l: a sum of products, times what they share."""
        if not self._opens(l):
            return [[self._named(l, j)]], []
        if l < self.L and self.network.layer(l + 1).units > MOST_EXPANDED:
            signal = Factor(name("E"), name("z", l, j), None, name("dz", l, j))
            return [[signal]], [self._activation_factor(l, j)]
        return self._paths(l, j), [self._activation_factor(l, j)]

    def _opens(self, l: int) -> bool:
        """Whether dE/da of layer l is written out as dE/dz dz/da."""
        return self.network.layer(l).activation.elementwise and not (l == self.L and self.fused)

    def _paths(self, l: int, j: int) -> list[list[Factor]]:
        """The paths from the loss to z[j] of layer l, each a product."""
        if l == self.L:
            return [[self._loss_factor(j)]]
        above = self.network.layer(l + 1).units
        out = []
        for k in range(1, above + 1):
            head: list[Factor] = [self._named(l + 1, k)]
            if self._opens(l + 1) and (above == 1 or (l + 1 == self.L and above <= MOST_EXPANDED)):
                further = self._paths(l + 1, k)
                if len(further) == 1:
                    head = [*further[0], self._activation_factor(l + 1, k)]
            out.append([*head, self._affine_factor(l + 1, k, name("z", l, j))])
        return out

    def _named(self, l: int, j: int) -> Factor:
        return Factor(name("E"), name("a", l, j), None, name("delta", l, j))

    def _loss_factor(self, k: int) -> Factor:
        parts = [self.formulas[q] for q in self.formulas if q.kind == "E_part"]
        whole = _sum(parts) if parts else None  # a given signal stays a partial derivative
        return Factor(name("E"), name("z", self.L, k), whole, self.formulas[Quantity("dz", self.L, (k,))])

    def _activation_factor(self, l: int, j: int) -> Factor:
        z, a = name("z", l, j), name("a", l, j)
        return Factor(z, a, self.formulas[z.quantity], self.formulas[Quantity("slope", l, (j,))])

    def _affine_factor(self, l: int, j: int, by: Name) -> Factor:
        """da/d(weight) is the input, da/d(bias) 1 or -1, da/d(input) the weight."""
        a, q = name("a", l, j), by.quantity
        result: Expression
        if q.kind == "W":
            result = name("z", l - 1, q.indices[1]) if l > 1 else name("x", 0, q.indices[1])
        elif q.kind == "b":
            bias = self.network.layer(l).bias
            result = Number("-1" if bias and bias.letter == "theta" else "1")
        else:
            result = name("W", l, j, q.indices[0])
        return Factor(a, by, self.formulas[a.quantity], result)

    # --- a formula, its numbers, its value ---

    def _asked(self, q: Quantity) -> bool:
        return not self.wanted or q in self.wanted

    def _evaluated(self, q: Quantity, lines: Iterable[Line], left: Expression | None = None) -> Chain:
        """The chain that ends in the recorded formula, the numbers put in, the value."""
        formula = self.formulas[q]
        out = list(lines)
        if not out or out[-1].right != formula:
            rule = "gradient" if self.level == "full" else "differentiated"
            out.append(Line("=", formula, rule if out and q.kind in ("dW", "db") else ""))
        if self.shown is not None:
            out += number_lines(q, formula, self.shown, self.rounding)
        return Chain(left or Name(q), tuple(out), q)


def _sum(terms: Sequence[Expression]) -> Expression:
    if len(terms) == 1:
        return terms[0]
    out: Expression = Sum(_open(terms[0]))
    for term in terms[1:]:
        if isinstance(term, Negative):
            out = Sum((*_open(out), (-1, term.operand)))
        else:
            out = Sum.plus(out, term) if not isinstance(term, Sum) else Sum((*_open(out), (1, term)))
    return out


def _open(e: Expression) -> tuple[tuple[int, Expression], ...]:
    if isinstance(e, Negative):
        return ((-1, e.operand),)
    return e.terms if isinstance(e, Sum) else ((1, e),)


def _product(factors: Iterable[Expression]) -> Expression:
    flat = [g for f in factors for g in (f.factors if isinstance(f, Product) else (f,))]
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def _without_ones(e: Any) -> Any:
    """Factors 1 left out."""
    if isinstance(e, Product):
        kept = [f for f in map(_without_ones, e.factors) if f != Number("1")]
        return _product(kept) if kept else Number("1")
    if isinstance(e, Sum):
        return Sum(tuple((sign, _without_ones(term)) for sign, term in e.terms))
    return e
