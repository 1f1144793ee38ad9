"""A worksheet and its key: the same lines, blank or filled in, with all that they need and the updates at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from derivations.chains import Chain, Line, Part
from derivations.computation import Computation
from derivations.expression import Blank
from derivations.names import Quantity
from derivations.network import Problem
from derivations.own_form import OwnForm
from derivations.own_numbers import own_numbers
from derivations.unit_form import UnitForm
from derivations.worksheet import asked, asked_own, blank, given_numbers, given_own, told_precision

__all__ = ["own_worksheet", "worksheet"]


def worksheet(problem: Problem, sample: int, numbers: Any, *, solved: bool) -> tuple[Part, ...]:
    """The parts of a worksheet, or with `solved` of its key; of a batch every sample has its own."""
    together = problem.samples > 1 and problem.training.samples == "together"
    shown = None if numbers is None else getattr(numbers, "shown", numbers)
    rounding = getattr(numbers, "rounding", None)
    wanted = asked(problem)
    parts: list[Part] = []
    for k in range(1, problem.samples + 1) if together else (sample,):
        own = problem.sample(k) if problem.samples > 1 else problem
        texts = None if numbers is None else own_numbers(problem, own, numbers, k)
        if k == (1 if together else sample) and texts is not None and shown is not None:
            known = given_numbers(problem if together else own, shown if together else texts)
            parts.append(replace(known, sentences=told_precision(numbers)))
        form = UnitForm(own, "worksheet", texts, set(), rounding)
        several = problem.samples if together else 0
        general = k == (1 if together else sample)
        left_out = () if not together else ("gradients",) if general else ("gradients", *_OF_ALL)
        parts += [replace(p, sample=(k, several)) for p in form.parts() if p.heading not in left_out]
        if not together:
            parts += form.update_parts()
    if together:
        whole = UnitForm(problem, "worksheet", shown, set(), rounding)
        parts += [*whole.batch_parts(), *whole.update_parts()]
    return tuple(_finished(parts, wanted, solved=solved))


_OF_ALL = ("local", "jacobian")


def _finished(parts: list[Part], wanted: Any, *, solved: bool) -> Iterator[Part]:
    """Only what is asked for; in a worksheet the lines that a student works are blank."""
    for part in parts:
        chains = tuple(c for c in part.chains if c.quantity is None or wanted(c.quantity))
        if part.heading != "given" and not solved:
            chains = tuple(blank(c, stated=part.heading == "network") for c in chains)
        if chains:
            yield replace(part, chains=chains)


def _to_its_name(chain: Chain) -> Chain:
    """A chain that ends in the names of earlier lines, as a sheet asks for it."""
    return replace(chain, lines=tuple(line for line in chain.lines if line.rule != "inserted"))


def own_worksheet(
    problem: Computation, shown: Mapping[Quantity, str] | None, numbers: Any, *, solved: bool
) -> tuple[Part, ...]:
    """The same of somebody's own equations: each general line, with numbers each entry."""
    wanted = asked_own(problem)
    rounding = getattr(numbers, "rounding", None)
    form = OwnForm(problem, "standard" if shown is not None else "general", shown, {}, rounding)
    parts = [replace(p, sentences=() if p.heading == "derivatives" else p.sentences) for p in form.parts()]
    parts = [replace(p, chains=tuple(map(_to_its_name, p.chains))) for p in parts]
    if shown is not None:
        parts.insert(0, replace(given_own(problem), sentences=told_precision(numbers)))

    def asks(chain: Chain) -> bool:
        if not wanted:
            return True
        if chain.quantity is None:
            return chain.array in wanted or not chain.array
        known = wanted.get(chain.quantity.kind)
        return known is not None and (not known or chain.quantity.indices in known)

    for k, part in enumerate(parts):
        own = part.chains if part.heading in ("given", "local", "equations") else tuple(filter(asks, part.chains))
        if not solved and part.heading not in ("given", "local"):
            own = tuple(_blank(c, general=part.heading == "equations") for c in own)
        parts[k] = replace(part, chains=tuple(replace(c, sentences=()) for c in own))
    return tuple(p for p in parts if p.chains)


def _blank(chain: Chain, *, general: bool) -> Chain:
    """An entry is worked by the student; of a general line the equation stays, a derivative is for the student."""
    if chain.quantity is not None:
        return replace(chain, lines=tuple(Line("=", Blank()) for _ in chain.lines))
    if general or not chain.lines:
        return chain
    first = chain.lines[:1] if len(chain.lines) > 1 else ()
    return replace(chain, lines=(*first, *(Line("=", Blank()) for _ in chain.lines[len(first) :])))
