"""Correct sheets, rounded in every way that people round: how many are refused a cell.  It must be none.

python tests/campaigns/fair_sheets.py --sheets 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from networks import random_problem
from students import People, draw, sheets_of

from tracer import load
from tracer.answers.marking.judging import judge

A_CLASS = 500


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    done = cells_seen = refused = 0
    by: Counter = Counter()
    codes: Counter = Counter()
    start = time.perf_counter()
    while done < options.sheets:
        name, source = draw(rng) if rng.random() < 0.8 else ("random", random_problem(int(rng.integers(10_000))))
        people = People(A_CLASS, rng)
        cells = sheets_of(load(source), people, rng, share=float(rng.choice([1.0, 0.7, 0.3])))
        judged = judge(cells)
        bad = judged.refused(cells)
        for at, written in cells.arrays.items():
            codes.update(judged.codes[at][written.there].tolist())
            cells_seen += int(written.there.sum())
        for row in np.flatnonzero(bad):
            p = people
            style = f"{'figures' if p.figures[row] else 'places'} {p.digits[row]} way {p.way[row]} extra {p.extra[row]}"
            style += f" inside {p.inside[row]} carry {p.carry[row]}"
            first = next(at for at, w in cells.arrays.items() if (w.there & (judged.codes[at] <= 1))[row].any())
            by[name, first.kind] += 1
            if sum(by.values()) < 30:
                print(name, style, first, "seed", options.seed, "after", done, flush=True)
        refused += int((bad > 0).sum())
        done += A_CLASS
        if sys.stderr.isatty() or done % 50_000 == 0:
            print(f"{done} sheets, {refused} refused, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"{done} correct sheets, {cells_seen} cells: {refused} sheets with a refused cell")
    print("verdicts (1 last digit, 2 follows, 3 truncated, 4 inside, 5 plainly):", dict(sorted(codes.items())))
    print(by.most_common(20))
    return 1 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
