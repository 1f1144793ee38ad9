"""The derivation of every partial derivative of one sample's loss: asked for here, as values and in every format."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from derivations import names
from derivations.chains import Part
from derivations.expression import Expression
from derivations.formulas import equations
from derivations.given import shortened
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.own_numbers import own_numbers

if TYPE_CHECKING:
    from derivations.proof import Proof

__all__ = ["LEVELS", "Derivation", "derive"]

LEVELS = ("standard", "full", "matrix", "answers", "worksheet")


@dataclass(frozen=True)
class Derivation:
    """The derivation of a problem, as values.

    `parts` hold chains of lines; `equations` are (quantity, formula) of the whole step; `expression(name)` is the sympy
    expression of a quantity over earlier ones; `proof` says what was proved and how.  It is of one sample; of several
    trained together, `batch` says how many there are, and a part at the end adds them up.
    """

    problem: Problem
    level: str
    parts: tuple[Part, ...]
    shown: Mapping[Quantity, str] | None = None
    batch: int = 0

    @cached_property
    def equations(self) -> list[tuple[Quantity, Expression]]:
        """The defining equation of every quantity, in the order of calculation."""
        return [(e.quantity, e.formula) for e in equations(self.problem)]

    @cached_property
    def _chain_rule(self) -> Any:
        from derivations.chain_rule import ChainRule

        return ChainRule(self.problem)

    def expression(self, name: str, *, closed: bool = False) -> Any:
        """The sympy expression of a quantity over earlier ones, or (closed) over inputs and parameters alone."""
        q = names.read_name(self.problem.network, 1, name)
        if closed:
            return self._chain_rule.substituted(q)
        known = {**self._chain_rule.definitions, **self._chain_rule.of}
        if q not in known:
            raise names.UnknownName(f"'{name}' is given, not derived")
        return known[q]

    @cached_property
    def proof(self) -> Proof:
        """What sympy proves of it."""
        from derivations.proof import prove

        return prove(self.problem)

    def render(self, form: str = "text", **options: Any) -> str:
        """As text, latex, markdown, html or json; options as of `derivations.writing.render`."""
        from derivations.writing import render

        return render(self, form, **options)

    def __str__(self) -> str:
        return self.render("text")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        forms = {"text/plain": "text", "text/html": "html", "text/latex": "latex", "text/markdown": "markdown"}
        return {mime: self.render(form, document="fragment") for mime, form in forms.items()}


def derive(
    problem: Problem,
    *,
    level: str = "standard",
    wrt: Iterable[str] = (),
    sample: int = 1,
    numbers: Any = None,
    notation: str = "bishop",
) -> Derivation:
    """Derive every partial derivative of one sample's loss.

    level: one of LEVELS.  wrt: names or whole arrays (`dW1[1,2]`, `delta1`) to limit it to, empty for all; a weight's
    name stands for its gradient, and any letters will do, those of `notation` first.  sample: which sample of a batch.
    numbers: a trace of the same problem (or its `shown` texts by quantity) to put numbers in.
    Every local derivative that is written is first checked against sympy.diff (`local_check`).  Raises ValueError for
    an unknown level, sample or name, TypeError for what is no Problem.

    >>> from tracer import load
    >>> print(derive(load("hand-3-2-2"), level="answers", wrt=["dW1[1,2]"]))
    3-2-2 network, one step by hand
    <BLANKLINE>
    Gradients, layer 1
    ∂E/∂w_12^(1) = delta_1^(1)·x_2
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"derive takes a Problem, not {shortened(problem)}; tracer.load reads a file or a sample")
    if level not in LEVELS:
        raise ValueError(f"level '{level}' is not known; known are {', '.join(LEVELS)}")
    if not 1 <= sample <= problem.samples:
        raise ValueError(f"sample {sample} is not there; the problem has samples 1 to {problem.samples}")
    own = problem.sample(sample) if problem.samples > 1 else problem
    _check(own)
    wanted = {q for name in wrt for q in _derived(problem, name, notation, sample)}
    shown = None if numbers is None else own_numbers(problem, own, numbers, sample)
    rounding = getattr(numbers, "rounding", None)
    batch = problem.samples if problem.samples > 1 and problem.training.samples == "together" else 0
    if level == "matrix":
        from derivations.matrix_form import matrix_parts

        parts = matrix_parts(own, shown)
    else:
        from derivations.unit_form import OF_A_BATCH, UnitForm

        parts = UnitForm(own, level, shown, wanted, rounding).parts()
        if batch:
            whole = None if numbers is None else getattr(numbers, "shown", numbers)
            parts += UnitForm(problem, level, whole, wanted, rounding, OF_A_BATCH).batch_parts()
    return Derivation(own, level, parts, shown, batch)


def _check(problem: Problem) -> None:
    """Have sympy confirm every local derivative that will be written.

    The first derivation imports sympy.  That makes many objects and no garbage: looking for some meanwhile, and once
    more among all of them when Python ends, would cost a third of the import.
    """
    if "sympy" not in sys.modules:
        collects = gc.isenabled()
        gc.disable()
        atexit.register(gc.freeze)
        try:
            import sympy  # noqa: F401
        finally:
            if collects:
                gc.enable()
    from derivations.local_check import check_local_derivatives

    check_local_derivatives(problem)


def _derived(problem: Problem, name: str, notation: str, sample: int) -> list[Quantity]:
    """The quantities that a name asks to derive.  Raises ValueError for one that has no derivation."""
    from derivations.spellings import Spellings

    q = Spellings(problem.network, problem.samples, problem.names).read(name, notation).quantity
    if q.sample not in (0, sample) or q.step > 1:
        raise ValueError(f"'{name}' is not of sample {sample}; choose the sample with --sample, and leave the mark out")
    q = q._replace(kind=f"d{q.kind}" if q.kind in ("W", "b") else q.kind, sample=0)
    if KINDS[q.kind].stage != "backward":
        raise ValueError(f"'{name}' is not derived; name a dW, db, delta, dz or slope, such as dW1[1,1] or delta1")
    return names.entries(problem.network, q)
