"""A derivation as values, rendered in every format; what it is of, its lines, and what of it is proved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from derivations import names
from derivations.chains import Part
from derivations.computation import Computation
from derivations.entries import Entries
from derivations.expression import Expression, Name
from derivations.formulas import equations
from derivations.names import Quantity
from derivations.network import Problem
from derivations.notation import BISHOP, Notation, NotationError, notation_of
from derivations.own_names import OwnNames
from derivations.written_names import WrittenNames, layered_names, own_names

if TYPE_CHECKING:
    from derivations.proof import Proof
    from derivations.step_proof import StepProof

__all__ = ["LEVELS", "OWN_LEVELS", "Derivation", "LayeredDerivation", "OwnDerivation"]

LEVELS = ("standard", "general", "full", "matrix", "answers", "worksheet")
OWN_LEVELS = ("standard", "general", "answers", "worksheet")


@dataclass(frozen=True)
class Derivation(ABC):
    """The derivation of a problem, as values.

    `parts` hold chains of lines; `equations` are (quantity, formula) of the whole step; `proof` says what was proved
    and how.  `shown` are the numbers that were put in, None for none; `solved`: it is the key of a worksheet.
    """

    problem: Any
    level: str
    parts: tuple[Part, ...]
    shown: Mapping[Quantity, str] | None = None
    solved: bool = False

    @property
    @abstractmethod
    def equations(self) -> list[tuple[Quantity, Expression]]:
        """The defining equation of every quantity, in the order of calculation."""

    @property
    @abstractmethod
    def proof(self) -> Proof | StepProof:
        """What is proved of it."""

    @abstractmethod
    def profile(self, notation: str) -> Notation:
        """The notation of that name.  Raises NotationError."""

    @abstractmethod
    def names(self, notation: str, *, whole: bool = False) -> WrittenNames:
        """How its names are written in a notation; `whole`: E is that of all samples.  Raises NotationError."""

    def render(self, form: str = "text", **options: Any) -> str:
        """As text, latex, markdown, html or json; options as of `derivations.writing.render`."""
        from derivations.writing import render

        return render(self, form, **options)

    def __str__(self) -> str:
        return self.render("text")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        forms = {"text/plain": "text", "text/html": "html", "text/latex": "latex", "text/markdown": "markdown"}
        return {mime: self.render(form, document="fragment") for mime, form in forms.items()}


@dataclass(frozen=True)
class LayeredDerivation(Derivation):
    """The derivation of a network.  It is of one sample; of several trained together, `batch` says how many there are,

    and a part at the end adds them up.  `expression(name)` is the sympy expression of a quantity over earlier ones.
    """

    problem: Problem
    batch: int = 0
    whole: Problem | None = None

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

    def profile(self, notation: str) -> Notation:
        """The notation of that name."""
        return notation_of(self.problem, notation)

    def names(self, notation: str, *, whole: bool = False) -> WrittenNames:
        """The names of the network; E_n is the loss of one of several samples, E that of them all."""
        profile = self.profile(notation).deriving(self.problem.network, bool(self.batch) and not whole)
        return layered_names(self.whole if whole and self.whole else self.problem, profile)


@dataclass(frozen=True)
class OwnDerivation(Derivation):
    """The derivation of somebody's own equations."""

    problem: Computation

    @cached_property
    def equations(self) -> list[tuple[Quantity, Expression]]:
        """The defining equation of every number, in the order of calculation."""
        own = self.problem
        entries = Entries(own.step, lambda name, at: Name(own.quantity(name, at)))
        tasks = own.planned.exact.tasks
        return [(own.quantity(e.name, e.at), e.formula) for t in tasks for e in entries.of(t.equation, t.fixed)]

    @cached_property
    def proof(self) -> StepProof:
        """What sympy proves of it."""
        from derivations.step_proof import prove_step

        return prove_step(self.problem)

    def profile(self, notation: str) -> Notation:
        """The letters of optimizers and functions; there is no notation but the names of the file."""
        if notation not in ("", "bishop", "names"):
            raise NotationError(
                f"notation '{notation}' has letters for layers; equations of your own are printed in your names, "
                f"which [names] can change: leave out --notation"
            )
        return BISHOP

    def names(self, notation: str, *, whole: bool = False) -> WrittenNames:
        """The names of the file."""
        return own_names(OwnNames(self.problem))
