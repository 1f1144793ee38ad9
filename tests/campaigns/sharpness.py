"""How often a slip that shows passes unseen: on one cell, and on all cells of its stage.

One cell: a cell that the slip changes is accepted.  A whole stage: every cell that it changes in the stage where it is
made is accepted.  All else on the sheet is right.  Counted twice: of all changes, however small, and of those that
show, which the limits are for: the same person would have written another number without the slip.  A step of 0.00001
in a weight of 1.234 shows to nobody.

python tests/campaigns/sharpness.py --networks 400 --seed 1
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from written_sheets import SHAPES, Hand, draw, drawn_hand, refused, written

from derivations import names
from derivations.network import Problem
from tracer import load
from tracer.answers.reading.sources import sheet_from
from tracer.marking.marking import mark
from tracer.marking.slips.catalogue import visible
from tracer.marking.slips.slip import Slip

CELLS, STAGES = 0.005, 0.0002  # at 4 figures on 3-2-2
CHANGED = 1e-9  # relative: a slip changes a cell by more than float64 does
EXACT = Hand(digits=15, carry=0.0)
"""What nobody has rounded."""


def passed(problem: Problem, rng: np.random.Generator, digits: int, count: int) -> tuple[Counter, Counter]:
    """Of the cells and stages that a slip was made at: how many, and how many are accepted; the latter by slip."""
    totals: Counter = Counter()
    by_slip: Counter = Counter()
    full = written(problem, EXACT)
    hands = [drawn_hand(rng, digits=digits, figures=True) for _ in range(count)]
    rights = [written(problem, hand) for hand in hands]
    planted, where = [], []
    for slip in visible(problem):
        changed = made_at(problem, slip, full)
        for hand, right in zip(hands, rights, strict=True):
            wrong = written(problem, hand, slip)
            planted.append(right | {name: wrong[name] for name in changed if name in wrong})
            where.append((slip.name, {name for name in changed if name in wrong}, right))
    read = [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(planted)]
    for (slip_name, changed, right), sheet, one in zip(where, planted, mark(problem, read), strict=True):
        bad = set(refused(one))
        showing = {name for name in changed if float(sheet[name]) != float(right.get(name, "nan"))}
        for kind, cells in (("changed", changed), ("showing", showing)):
            totals[f"{kind} cells"] += len(cells)
            totals[f"{kind} cells passed"] += len(cells - bad)
            totals[f"{kind} stages"] += bool(cells)
            totals[f"{kind} stages passed"] += bool(cells) and not cells & bad
        by_slip[slip_name] += len(showing - bad)
    return totals, by_slip


def made_at(problem: Problem, slip: Slip, full: dict[str, str]) -> set[str]:
    """The names of the numbers that the slip changes in the first array of its stage where it changes any."""
    wrong = written(problem, EXACT, slip)
    changed: dict[str, set[str]] = {}
    for name, text in full.items():
        size = max(abs(float(text)), 1e-6)
        if name in wrong and abs(float(wrong[name]) - float(text)) > CHANGED * size:
            kind, layer = array_of(problem, name)
            if kind == slip.stage:
                changed.setdefault(f"{kind}{layer}", set()).add(name)
    return next(iter(changed.values()), set())


def array_of(problem: Problem, name: str) -> tuple[str, int]:
    """The kind and the layer of a number."""
    q = names.read_name(problem.network, problem.samples, name)
    return q.kind, q.layer


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=400)
    parser.add_argument("--people", type=int, default=4, help="for each network and slip")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--digits", type=int, default=4)
    parser.add_argument("--shape", default="3-2-2", choices=list(SHAPES))
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    totals: Counter = Counter()
    by_slip: Counter = Counter()
    start = time.perf_counter()
    for done in range(1, options.networks + 1):
        counts, slips = passed(load(draw(rng, options.shape)), rng, options.digits, options.people)
        totals.update(counts)
        by_slip.update(slips)
        if done % 50 == 0:
            print(f"{done} networks, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"{options.shape}, {options.digits} figures, seed {options.seed}, {options.networks} networks")
    good = True
    for kind in ("changed", "showing"):
        shares = {}
        for what in ("cells", "stages"):
            passed_by, of = totals[f"{kind} {what} passed"], totals[f"{kind} {what}"]
            shares[what] = passed_by / of
            print(f"{kind}: a slip passes {passed_by} of {of} {what} ({100 * shares[what]:.4f} %)")
        good = shares["cells"] <= CELLS and shares["stages"] <= STAGES
    print("most often, showing:", ", ".join(f"{name} {n}" for name, n in by_slip.most_common(12) if n))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
