"""A step from its forward equations: order and ranges found, backward and update equations made, arrays named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from derivations.backward import MOST_PARTS, Wanted, backward
from derivations.equations import Array, Equation, Range, Role, Step
from derivations.expression import Expression, Index, Over, Ref, Same
from derivations.general import GeneralText
from derivations.language import LanguageError, Statements
from derivations.optimizers import CONSTANTS, FROZEN, NORM, STEP_COUNT, Optimizer, updates, with_norm
from derivations.order import reached
from derivations.refusals import check_exponents, check_outside, check_reads, check_sizes, check_uses
from derivations.rewrites import gated, named_arguments, zero_log_zero
from derivations.shapes import Shapes, bounds
from derivations.starts import without_own

__all__ = ["Asked", "made"]


@dataclass(frozen=True)
class Asked:
    """What a step is to be made of, beside its forward equations.

    `sizes` of parameters and given arrays, `whole` those of whole numbers that may be looked up; how backward equations
    are wanted; the optimizer, None for a step that ends with the gradients, and the parameters that it leaves alone.
    `short` puts short forms in place of backward equations.  `gates`: each operation gets a line of its own.  `typed`
    equations, unlike those of presets, are checked for what people mistype, and bounded.
    """

    sizes: Mapping[str, tuple[int, ...]]
    wanted: Wanted
    whole: Mapping[str, np.ndarray] = field(default_factory=dict)
    optimizer: Optimizer | None = None
    frozen: frozenset[str] = frozenset()
    short: Callable[[Sequence[Equation], Sequence[Equation]], Sequence[Equation]] | None = None
    unwritten: frozenset[str] = frozenset()
    gates: bool = False
    typed: bool = True


def made(statements: Statements, asked: Asked) -> Step:
    """The whole step.  Raises LanguageError: where, what, what now."""
    given = set(asked.sizes)
    stated = dict(statements.ranges)
    read = without_own([_looked_up(e, given) for e in statements.equations], asked.sizes, stated)
    taken = {*given, *(e.left.name for e in read)}
    lines = gated(read, taken) if asked.gates else named_arguments(read, taken)
    forward = [replace(e, right=zero_log_zero(e.right)) for e in lines]
    always = frozenset(e.left.name for e in lines) if asked.gates else asked.wanted.always  # each wire has its number
    wanted = replace(asked.wanted, update=_update(asked), always=always)
    if asked.typed:
        check_outside(statements, asked.sizes)
    shapes = Shapes(forward, asked.sizes, stated, statements.outside)
    if not wanted.given and wanted.objective not in {e.left.name for e in forward}:
        raise LanguageError(f"no equation gives {wanted.objective}: {_instead(wanted.objective, statements, forward)}")
    if asked.typed:
        _check(forward, shapes, asked)
    back = backward(forward, shapes, wanted, most=MOST_PARTS if asked.typed else math.inf)
    if asked.short:
        back = list(asked.short(back, forward))
    back = with_norm(back)
    _own_names(forward, back, asked)
    equations = (*forward, *back)
    return Step(
        equations,
        _arrays(equations, shapes, asked, wanted),
        dict(shapes.ranges),
        {name: asked.whole[name] for name in _indexing(equations) if name in asked.whole},
        frozenset(statements.outside),
        asked.unwritten,
    )


def _instead(objective: str, statements: Statements, forward: Sequence[Equation]) -> str:
    """What to write where no equation gives the objective."""
    if objective in statements.functions:
        return f"{objective}(..) = is a function of its arguments; write {objective} = without them"
    read_by = {r.name for e in forward for r in e.reads}
    last = next((e.left.name for e in reversed(forward) if not e.left.at and e.left.name not in read_by), "")
    named = f'name the one to differentiate, objective = "{last}", above the tables' if last else "name another one"
    return f"write '{objective} = ...', or {named}"


def _check(forward: Sequence[Equation], shapes: Shapes, asked: Asked) -> None:
    """What people mistype, and what would be too large to work."""
    wanted = asked.wanted
    differentiated = (*wanted.parameters, *wanted.inputs)
    check_sizes(forward, shapes)
    check_reads(forward, shapes, asked.whole, differentiated)
    check_uses(forward, asked.sizes, differentiated, wanted.objective)
    check_exponents(forward, reached(forward, differentiated))


def _own_names(forward: Sequence[Equation], back: Sequence[Equation], asked: Asked) -> None:
    """A name that the step makes must not be one of the file's."""
    taken = {*asked.sizes, *(e.left.name for e in forward)}
    updated = (r.name for e in back if e.stage == "update" for r in e.reads)
    constants = {*CONSTANTS, STEP_COUNT} & {*updated}
    made_of = {e.left.name: e for e in back}
    for name in sorted(taken & (made_of.keys() | constants)):
        what = f"for '{GeneralText().equation(made_of[name])}'" if name in made_of else "in the update"
        line = next((f" line {e.line}" for e in forward if e.left.name == name), "")
        raise LanguageError(
            f"equations{line}: {name} is a name of yours, and the step needs it {what}: call yours something else"
        )


def _update(asked: Asked) -> Callable[[Ref], Sequence[Equation]]:
    if asked.optimizer is None:
        return lambda parameter: ()
    trained = updates(asked.optimizer, asked.wanted.names)
    left_alone = updates(FROZEN, asked.wanted.names)
    return lambda parameter: (left_alone if parameter.name in asked.frozen else trained)(parameter)


def _looked_up(e: Equation, given: set[str]) -> Equation:
    """s[answer]: a name that is no letter of the equation, but a given number, is looked up."""
    letters = {l for i in e.left.at if isinstance(i, Index) for l, _ in i.terms}
    letters |= {l for x in e.right.walk() if isinstance(x, Over) for l in x.letters}

    def put(x: Expression) -> Expression:
        out: Expression = x.mapped(put)
        if isinstance(x, Index) and x.letter in given - letters:
            return Ref(x.letter, ())
        return out

    return replace(e, right=put(e.right))


def _indexing(equations: Iterable[Equation]) -> set[str]:
    """The arrays of whole numbers that stand in indices."""
    looked_up = {i.name for e in equations for r in (*e.reads, e.left) for i in r.at if isinstance(i, Ref)}
    tests = (x for e in equations for x in e.right.walk() if isinstance(x, Same))
    return looked_up | {i.name for test in tests for i in (test.left, test.right) if isinstance(i, Ref)}


def _arrays(equations: Sequence[Equation], shapes: Shapes, asked: Asked, wanted: Wanted) -> dict[str, Array]:
    """Every array with its role: asked for instead of its letter."""
    extents = dict(shapes.extents)
    out = {
        name: Array(name, Role.PARAMETER if name in wanted.parameters else Role.GIVEN, extents[name])
        for name in asked.sizes
    }
    made: dict[str, list[tuple[Range, ...]]] = {}
    for e in equations:
        made.setdefault(e.left.name, []).append(_extents(e.left, shapes.ranges))
    for name, parts in made.items():  # all equations of an array together: slope_h[0] beside slope_h[t]
        axes = zip(*parts, strict=True)
        extents.setdefault(name, tuple((min(a for a, _ in axis), max(b for _, b in axis)) for axis in axes))
    for e in equations:
        name = e.left.name
        if name not in out:
            out[name] = replace(_described(e, wanted), extents=extents[name])
        for r in e.reads:
            if r.name in CONSTANTS or r.name == STEP_COUNT:
                out.setdefault(r.name, Array(r.name, Role.CONSTANT))
            elif r.name.endswith("_before"):
                state = r.name.removesuffix("_before")
                out.setdefault(r.name, Array(r.name, Role.BEFORE, _extents(r, shapes.ranges), state))
    return out


def _extents(r: Ref, ranges: Mapping[str, Range]) -> tuple[Range, ...]:
    found = [bounds(i, ranges) for i in r.at if isinstance(i, Index)]
    return tuple(b for b in found if b)


def _described(e: Equation, wanted: Wanted) -> Array:
    """The role of what an equation defines."""
    name, of = e.left.name, e.of
    if e.stage == "forward":
        return Array(name, Role.OBJECTIVE if name == wanted.objective else Role.VALUE)
    if name == NORM and not of:
        return Array(name, Role.LENGTH)
    if e.stage == "update":
        return Array(name, Role.UPDATED if name == f"{of}_new" else Role.STATE, of=of)
    if e.why in ("slope", "jacobian"):
        return Array(name, Role.LOCAL, of=of)
    role = Role.GRADIENT if of in wanted.parameters else Role.SIGNAL
    loss = f"of each sample's own loss: {wanted.mean_over} counts the samples, E is their mean"
    own = wanted.mean_over and role is Role.SIGNAL
    return Array(name, role, of=of, meaning=f"d{wanted.objective}/d{of}" + (f", {loss}" if own else ""))
