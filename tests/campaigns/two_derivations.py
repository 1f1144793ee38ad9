"""The generated backward equations beside sympy's route, at 50 digits: `python tests/campaigns/two_derivations.py`.

Steps of all kinds, drawn from the grammar of equations and networks of layers: every signal and gradient is worked in
balls of 300 bits by the step's own backward equations, and by each forward equation differentiated by sympy, entry by
entry, and composed over the uses.  The balls must meet, and be sharp to 50 digits.

Then ten wrong index rules are put, one at a time, into backward equations that were made: an index one place on or
back, two letters for each other, an index turned round, a condition left out or an edge of it one place off, a sum
short of a letter, a use left out, a factor left out.  Where the numbers change, verify must say that the traced route
is the odd one, so that routes 2 and 3 stand together against it.

Exit 1 if two balls lie apart, or a plant that changes a number is not found.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from drawn_equations import draw
from networks import random_problem

from derivations.arithmetic import FLOAT64, Ball
from derivations.computation import Computation
from derivations.equations import Equation, Role
from derivations.expression import Expression, Index, Over, Product, Ref, Same, Sum, Within
from derivations.planned import planned
from tracer import load, loads
from tracer.tracing import steps_of
from tracer.verification.certificates import ASKED, Enclosed, written
from tracer.verification.judging import Claim, judge
from tracer.verification.routes import routes_of
from tracer.verification.subject import subjects

BITS = 300
Rule = Callable[[Expression], Expression | None]


def drawn(seed: int) -> Iterator[Any]:
    """Problems of all kinds, two of equations to one of layers."""
    number = 0
    while True:
        if number % 3 == 2:
            yield load(random_problem(seed + number, samples="together"))
        else:
            try:
                problem = loads(draw(seed, number).text)
            except ValueError:
                problem = None
            if problem is not None and (problem.samples == 1 or not problem.training):
                yield problem
        number += 1


def apart(problem: Any) -> tuple[int, int, list[str]]:
    """How many numbers meet, how many of these to 50 digits, and the arrays that do not."""
    (subject,) = subjects(steps_of(problem, FLOAT64))
    (step,) = steps_of(problem, Ball(BITS))
    work = Enclosed(problem, subject.plans, written(problem), BITS)
    meeting = sharp = 0
    wrong = []
    for name, balls in work.balls.items():
        own = np.asarray(step.known[name], object)
        for one, other in zip(balls.flat, own.flat, strict=True):
            if not (one.is_finite() and other.is_finite()):
                continue
            if not one.overlaps(other):
                wrong.append(name)
            meeting += 1
            sharp += bool(one.rad() <= 1e-50 * max(1.0, abs(float(one.mid()))))
    return meeting, sharp, wrong


# --- wrong index rules ---


def changed(e: Expression, rule: Rule) -> Iterator[Expression]:
    """Every formula that a rule makes of one at one place."""
    whole = rule(e)
    if whole is not None:
        yield whole
    parts: list[Expression] = []

    def met(part: Expression) -> Expression:
        parts.append(part)
        return part

    e.mapped(met)
    for k, part in enumerate(parts):
        for other in changed(part, rule):
            numbers = iter(range(len(parts)))
            yield e.mapped(lambda p, k=k, other=other, numbers=numbers: other if next(numbers) == k else p)


def _index(change: Callable[[Index], Index | None]) -> Rule:
    """One index of one entry that is read."""

    def rule(e: Expression) -> Expression | None:
        if not isinstance(e, Ref) or not e.at or not isinstance(e.at[0], Index) or not e.at[0].terms:
            return None
        other = change(e.at[0])
        return None if other is None else Ref(e.name, (other, *e.at[1:]))

    return rule


def _swapped(e: Expression) -> Expression | None:
    return Ref(e.name, (e.at[1], e.at[0], *e.at[2:])) if isinstance(e, Ref) and len(e.at) > 1 else None


def _unconditioned(e: Expression) -> Expression | None:
    if not isinstance(e, Product) or not any(isinstance(f, Within | Same) for f in e.factors):
        return None
    k = next(k for k, f in enumerate(e.factors) if isinstance(f, Within | Same))
    rest = e.factors[:k] + e.factors[k + 1 :]
    return rest[0] if len(rest) == 1 else Product(rest)


def _fewer(kind: type[Sum] | type[Product], parts: str) -> Rule:
    def rule(e: Expression) -> Expression | None:
        several = getattr(e, parts) if isinstance(e, kind) else ()
        return kind(several[1:]) if len(several) > 1 else None

    return rule


RULES: dict[str, Rule] = {
    "an index one place on": _index(lambda i: Index(i.terms, i.plus + 1)),
    "an index one place back": _index(lambda i: Index(i.terms, i.plus - 1)),
    "two letters for each other": _swapped,
    "an index turned round": _index(lambda i: Index(tuple((l, -c) for l, c in i.terms), i.plus + 3)),
    "a condition left out": _unconditioned,
    "an upper edge one place short": lambda e: Within(e.index, e.low, e.high - 1) if isinstance(e, Within) else None,
    "a lower edge one place late": lambda e: Within(e.index, e.low + 1, e.high) if isinstance(e, Within) else None,
    "a sum of a mean": lambda e: Over("mean", e.letters, e.body) if isinstance(e, Over) and e.op == "sum" else None,
    "a use left out": _fewer(Sum, "terms"),
    "a factor left out": _fewer(Product, "factors"),
}


def plants(step: Any, rule: Rule) -> Iterator[Equation]:
    """Backward equations with a rule put into one place."""
    for e in step.equations:
        if e.stage == "backward" and e.why not in ("slope", "jacobian"):
            for right in changed(e.right, rule):
                yield replace(e, right=right)


def found(problem: Computation, wrong: Equation) -> bool | None:
    """Whether the traced route is seen to be odd; None where no number changes, or the line means nothing."""
    right = problem.planned
    other = planned(right.step.replace(wrong), keeping_digits=True)
    try:
        (step,) = steps_of(replace(problem, like=other), FLOAT64)
        (subject,) = subjects([step])
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    (plain,) = steps_of(problem, FLOAT64)
    gradients = [n for n, a in right.step.arrays.items() if a.role in ASKED]
    changes = [n for n in gradients if not np.allclose(step.known[n], plain.known[n], rtol=1e-9, atol=1e-12)]
    if not changes or not all(np.isfinite(np.asarray(step.known[n], float)).all() for n in gradients):
        return None
    judged = judge(routes_of(subject), Claim())
    roles = {right.step.arrays[name].role for name in judged.odd["traced"]}
    return Role.GRADIENT in roles or Role.SIGNAL in roles


def main() -> int:
    """Both halves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="steps that are compared")
    parser.add_argument("--plants", type=int, default=20, help="plants of each kind")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    totals, bad = Counter[str](), 0
    for _, problem in zip(range(options.count), drawn(options.seed), strict=False):
        meeting, sharp, wrong = apart(problem)
        totals.update(numbers=meeting, sharp=sharp, apart=len(wrong))
        if wrong:
            bad += 1
            print(f"apart: {problem!r}: {sorted(set(wrong))}")
    print(
        f"{options.count} steps: {totals['numbers']} numbers, {totals['sharp']} sharp to 50 digits, {bad} steps apart"
    )
    for kind, rule in RULES.items():
        counts = Counter[bool | None]()
        for problem in drawn(options.seed + 1):
            if not isinstance(problem, Computation):
                continue
            for wrong_line in list(plants(problem.step, rule))[:2]:
                counts[found(problem, wrong_line)] += 1
            if counts[True] + counts[False] >= options.plants or sum(counts.values()) > 60 * options.plants:
                break
        bad += counts[False]
        print(
            f"{kind}: {counts[True]} of {counts[True] + counts[False]} found, {counts[None]} change nothing", flush=True
        )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
