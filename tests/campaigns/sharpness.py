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
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from students import SHAPES, People, draw, joined, sheets_of

from derivations.network import Problem
from tracer import load
from tracer.answers.marking.cells import Cells
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.judging import LAST_DIGIT, judge
from tracer.answers.marking.passes import recorded
from tracer.answers.slips import visible

CELLS, STAGES = 0.005, 0.0002  # at 4 figures on 3-2-2
CHANGED = 1e-9  # relative: a slip changes a cell by more than float64 does


def passed(problem: Problem, rng: np.random.Generator, digits: int, count: int) -> tuple[Counter, Counter]:
    """Of the cells and stages that a slip was made at: how many, and how many are accepted; the latter by slip."""
    totals: Counter = Counter()
    by_slip: Counter = Counter()
    slips = visible(problem)
    people = People(count, rng, digits=digits, figures=True)
    right, full = sheets_of(problem, people, rng), exact(problem)
    first = {slip.name: made_at(problem, slip, full) for slip in slips}
    sheets = [planted(right, sheets_of(problem, people, rng, rules_=slip.rules), first[slip.name]) for slip in slips]
    cells = joined(sheets)
    columns = Columns.of(cells, recorded(problem))
    accepted = columns.matrix(judge(cells).codes, cells.count) > LAST_DIGIT
    for k, (slip, sheet) in enumerate(zip(slips, sheets, strict=True)):
        rows = accepted[k * count : (k + 1) * count]
        for at, changed in first[slip.name].items():
            own = rows[:, columns.stages[at]]
            shows = (sheet.arrays[at].value != right.arrays[at].value).reshape(count, -1) & changed.ravel()
            for kind, cells_of in (("changed", np.broadcast_to(changed.ravel(), shows.shape)), ("showing", shows)):
                some = cells_of.any(axis=1)
                totals[f"{kind} cells"] += int(cells_of.sum())
                totals[f"{kind} cells passed"] += int((own & cells_of).sum())
                totals[f"{kind} stages"] += int(some.sum())
                totals[f"{kind} stages passed"] += int((own | ~cells_of).all(axis=1)[some].sum())
            by_slip[slip.name] += int((own & shows).sum())
    return totals, by_slip


def exact(problem: Problem) -> dict[Any, Any]:
    """What nobody has rounded."""
    return unrounded(problem, None)


def unrounded(problem: Problem, slip: Any) -> dict[Any, Any]:
    """Every recorded array with 15 figures."""
    people = People(1, np.random.default_rng(0), digits=15, figures=True, way=0, extra=0, inside=False, carry=0.0)
    rules = {} if slip is None else {"rules_": slip.rules}
    sheet = sheets_of(problem, people, np.random.default_rng(0), **rules)
    return {at: w.value[0] for at, w in sheet.arrays.items()}


def made_at(problem: Problem, slip: Any, full: dict[Any, Any]) -> dict[Any, Any]:
    """The first array that the slip changes, and which of its cells."""
    wrong = unrounded(problem, slip)
    for at, value in full.items():
        changed = np.abs(wrong[at] - value) > CHANGED * np.maximum(np.abs(value), 1e-6)
        if at.kind == slip.stage and changed.any():
            return {at: changed}
    return {}


def planted(right: Cells, wrong: Cells, where: dict[Any, Any]) -> Cells:
    """Right sheets on which the stage where the slip is made is the slip's."""
    arrays = {at: (wrong if at in where else right).arrays[at] for at in right.arrays}
    return Cells(right.problem, right.count, arrays, right.figures, right.unit, right.least)


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=400)
    parser.add_argument("--people", type=int, default=4, help="for each network and slip")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--digits", type=int, default=4)
    parser.add_argument("--shape", default="3-2-2")
    options = parser.parse_args()
    rng, shapes = np.random.default_rng(options.seed), [shape for shape in SHAPES if shape[0] == options.shape]
    totals: Counter = Counter()
    by_slip: Counter = Counter()
    start = time.perf_counter()
    for done in range(1, options.networks + 1):
        counts, slips = passed(load(draw(rng, shapes)[1]), rng, options.digits, options.people)
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
