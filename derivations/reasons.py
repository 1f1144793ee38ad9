"""Why a line of a derivation is as it is: a sentence where an idea enters, made from the equation and its roles.

Each idea is told once, at the first line in which it is met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from derivations.activations import Activation
from derivations.chain_terms import ChainTerms, Term
from derivations.chains import Sentence
from derivations.equations import Equation, Role, Step
from derivations.expression import (
    Choice,
    Expression,
    Index,
    Largest,
    Letters,
    Over,
    Partial,
    Product,
    Ref,
    Same,
    Size,
    Smallest,
    Within,
)
from derivations.function import Function
from derivations.order import groups
from derivations.shapes import free

__all__ = ["Reasons", "of_kinks"]


@dataclass
class Reasons:
    """Tells each idea of a step once; `told` are those that have been."""

    step: Step
    terms: ChainTerms
    told: set[str] = field(default_factory=set)

    def of(self, e: Equation) -> Iterator[Sentence]:
        """The sentences before the line of a derivative."""
        own = self.terms.of(e)
        ideas: tuple[tuple[str, Callable[[Equation, list[Term]], Sentence | None]], ...] = (
            ("signal", self._signal),
            ("mean", self._mean),
            ("several", self._several),
            ("softmax", self._softmax),
            ("fused", self._fused),
            ("shared", self._shared),
            ("held", self._held),
            ("turned", self._turned),
            ("end", self._end),
            ("lookup", self._lookup),
            ("largest", self._largest),
            ("choice", self._choice),
        )
        for idea, tell in ideas:
            if idea not in self.told and (sentence := tell(e, own)) is not None:
                self.told.add(idea)
                yield sentence

    @cached_property
    def _recurrent(self) -> set[str]:
        """The arrays that are worked step by step."""
        made = [g for g in groups(self.terms.forward) if len(g) > 1 or g[0].left.name in {r.name for r in g[0].reads}]
        return {e.left.name for group in made for e in group}

    @cached_property
    def _means(self) -> list[Over]:
        """The means of the forward equations."""
        return [x for f in self.terms.forward for x in f.right.walk() if isinstance(x, Over) and x.op == "mean"]

    def _role(self, name: str) -> Role:
        return self.step.arrays[name].role

    def _signal(self, e: Equation, own: list[Term]) -> Sentence | None:
        """The first signal that several later lines read: it is given a name."""
        readers = [x for x in self.step.equations if _reads(x, e)]
        if e.why in ("slope", "jacobian") or self._role(e.left.name) is not Role.SIGNAL or len(readers) < 2:
            return None
        into = Ref(e.of, e.left.at)
        loss = Ref(self.terms.objective, ())
        return ("The error signal ", Partial(loss, into), " appears in several lines below, so it is worked out once.")

    def _mean(self, e: Equation, own: list[Term]) -> Sentence | None:
        sizes = [x for x in e.right.walk() if isinstance(x, Size)]
        letters = [m.letters for m in self._means if sizes and sizes[0].letter in m.letters]
        if not letters:
            return None
        several = _letters(letters[0])
        share = (" 1/", sizes[0]) if len(letters[0]) == 1 else ()
        return (
            "The mean over ", several, " enters here: each ", several, " has its share", *share,
            ", and every line that follows from this one carries it.",
        )  # fmt: skip

    def _several(self, e: Equation, own: list[Term]) -> Sentence | None:
        """An array that is read in several places."""
        if len(own) < 2:
            return None
        read = [piece for t in own for piece in (", ", t.local.of)][1:]
        read[-2] = " and "
        own_name = Ref(e.of, e.left.at)
        later = e.of in self._recurrent and any(
            isinstance(i, Index) and i.plus for t in own for i in _indices(t.local.of)
        )
        if any(isinstance(x, Same) for x in e.right.walk()):
            back = ": the error comes back through time." if later else "."
            where = f", each where its bracket below is 1. The contributions add up{back}"
            return (own_name, " is read by ", *read, where)
        through = (
            " One path stays in its step, the other leads to the next: the error comes back through time."
            if later
            else ""
        )
        return (
            own_name,
            " is read by ",
            *read,
            f": a change of it reaches the loss along each of these paths, and their contributions add up.{through}",
        )

    def _softmax(self, e: Equation, own: list[Term]) -> Sentence | None:
        made = next((t for t in own if isinstance(t.reader.right, Over) and t.reader.right.op == "softmax"), None)
        if made is None:
            return None
        return (
            "The denominator of softmax has every ", Ref(e.of, e.left.at), " in it, so each of them changes every ",
            made.local.of, ": the paths through all ", _letters(made.summed), " are added up.",
        )  # fmt: skip

    def _fused(self, e: Equation, own: list[Term]) -> Sentence | None:
        if e.why != "fused":
            return None
        made = next((t.reader.right for t in own), None)
        if isinstance(made, Over):
            return (
                "Outputs cancel against the denominators in the derivative of the loss; then the targets sum to 1.",
            )
        return ("The slope cancels against the denominator in the derivative of the loss.",)

    def _shared(self, e: Equation, own: list[Term]) -> Sentence | None:
        """A parameter that every sample, time or place uses."""
        summed = own[0].summed if len(own) == 1 else ()
        if self._role(e.left.name) is not Role.GRADIENT or not summed:
            return None
        return (
            Ref(e.of, e.left.at), " is used for every ", _letters(summed),
            ": its gradient is the sum of the contributions of all of them.",
        )  # fmt: skip

    def _held(self, e: Equation, own: list[Term]) -> Sentence | None:
        """A parameter of a recurrence: what the line reads depends on it too, by the line before."""
        if self._role(e.left.name) is not Role.GRADIENT or e.of in self._recurrent:
            return None
        for t in own:
            before = next((r for r in t.reader.reads if r.name in self._recurrent), None)
            if before is not None and t.reader.left.name in self._recurrent:
                return (
                    t.local, " is the direct derivative, with ", before, " held fixed: the influence of ",
                    Ref(e.of, e.left.at), " through it is counted in the terms of the steps before, as for every such "
                    "parameter.",
                )  # fmt: skip
        return None

    def _turned(self, e: Equation, own: list[Term]) -> Sentence | None:
        """A matrix that was summed over one index forward and is over the other now."""
        if self._role(e.left.name) is not Role.SIGNAL:
            return None
        for t in sorted(own, key=lambda t: t.reader.left.name not in self._recurrent):
            for f in _factors_of_sums(t.reader.right):
                at = [i.letter for i in f.at if isinstance(i, Index)]
                summed = [l for l in at if l and l not in free(t.reader.left)]
                kept = [l for l in at if l in t.summed]
                weighs = f.name in {r.name for r in e.reads}
                if f.name != e.of and weighs and len(f.at) == 2 and len(summed) == 1 and len(kept) == 1:
                    return (
                        Ref(e.of, e.left.at), " enters every ", t.local.of, ". So the sum with ", f, " runs over ",
                        _letters((summed[0],)), " forward and over ", _letters((kept[0],)),
                        " backward, which uses the transposed matrix.",
                    )  # fmt: skip
        return None

    def _end(self, e: Equation, own: list[Term]) -> Sentence | None:
        test = next((x for x in e.right.walk() if isinstance(x, Within)), None)
        if test is None:
            return None
        guarded = next((t.local.of for t in own if t.guards), None)
        if guarded is not None:
            return (
                test, " is 1 where it holds and 0 elsewhere: past the end there is no ", guarded, ", and that term "
                "is absent.",
            )  # fmt: skip
        into = own[0].local.of if own else e.left
        return (
            "A bracket such as ", test, " is 1 where it holds and 0 elsewhere: ", Ref(e.of, e.left.at),
            " occurs in those ", into, " alone for which all of them are 1.",
        )  # fmt: skip

    def _lookup(self, e: Equation, own: list[Term]) -> Sentence | None:
        test = next((x for x in e.right.walk() if isinstance(x, Same)), None)
        if test is None:
            return None
        if e.why == "jacobian":
            return ("Both cases in one line, with ", test, " = 1 where it holds and 0 elsewhere.")
        return (test, " is 1 where it holds and 0 elsewhere: that entry alone is read there.")

    def _largest(self, e: Equation, own: list[Term]) -> Sentence | None:
        found = next((x for x in e.right.walk() if isinstance(x, Largest | Smallest)), None)
        if found is None:
            return None
        word = "largest" if isinstance(found, Largest) else "smallest"
        into = own[0].local.of if own else e.left
        return (
            into, f" passes its signal back to the {word} entry alone: ", found, " is 1 for it and 0 for the others. "
            f"Where several are the {word} there is in general no derivative; by convention each gets the signal.",
        )  # fmt: skip

    def _choice(self, e: Equation, own: list[Term]) -> Sentence | None:
        if e.why == "slope" or not any(isinstance(x, Choice) for x in e.right.walk()):
            return None
        return ("Of a choice, the branch that was taken gets the signal, and the other one nothing.",)


def _letters(letters: tuple[str, ...]) -> Expression:
    """Letters of indices, as they stand in formulas."""
    return Letters(", ".join(letters), ", ".join(letters))


def _reads(x: Equation, e: Equation) -> bool:
    return x.stage == "backward" and any(r.name == e.left.name for r in x.reads)


def _indices(e: Expression) -> tuple[Expression, ...]:
    return e.at if isinstance(e, Ref) else ()


def _factors_of_sums(e: Expression) -> Iterator[Ref]:
    for x in e.walk():
        if isinstance(x, Over) and x.op == "sum" and isinstance(x.body, Product):
            yield from (f for f in x.body.factors if isinstance(f, Ref))


def of_kinks(f: Function | Activation) -> tuple[Sentence, ...]:
    """What is taken where a function has no derivative; elu has one everywhere."""
    slope, _, place = f.at_kink.removeprefix("slope ").partition(" at a = ")
    if not f.kinks or not place or not f.at_kink.startswith("slope "):
        return ()
    return ((f"At a = {place} it has no derivative; by convention its slope there is {slope}.",),)
