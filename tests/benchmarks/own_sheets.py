"""How fast sheets of any equations are marked, diagnosis included: `python tests/benchmarks/own_sheets.py`.

Half of the sheets have a slip, every number written.  Asked: 60 sheets a second on a recurrence of three steps and a
small convolution; one wrong number on a sheet of any example within 0.3 s of processor time.  Exit 1 if it is slower.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "campaigns"))

import numpy as np
from own_sheets import Names, worked
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.computation import Computation
from tracer import loads
from tracer.marking.marking import mark
from tracer.marking.rewrites import rewrites

SHEETS, ASKED, ONE = 200, 60, 0.3
TIMED = ("rnn3", "conv1")


def sheet_of(problem: Computation, rng: Any, slip: Any) -> Any:
    """A sheet; None where a slip cannot be worked."""
    try:
        return Names(problem).sheet(worked(problem, rng, slip, 0.0))
    except Exception:
        return None


def one_wrong(problem: Computation) -> float:
    """Seconds for a sheet with one wrong number; of three, the fewest."""
    rng = np.random.default_rng(3)
    numbers = worked(problem, rng, None, 0.0)
    q = [q for q, text in numbers.items() if abs(float(text)) > 0.01][len(numbers) // 3]
    sheet = Names(problem).sheet(numbers | {q: str(float(numbers[q]) + 0.77)})
    times = []
    for _ in range(3):
        start = time.process_time()
        mark(problem, [sheet])
        times.append(time.process_time() - start)
    return min(times)


def main() -> int:
    """Every example for one number, two of them for a class."""
    slow = 0
    for name in TIMED:
        problem: Any = loads(problem_text(name))
        rng, slips = np.random.default_rng(3), rewrites(problem)
        sheets: list[Any] = []
        while len(sheets) < SHEETS:
            slip = slips[int(rng.integers(len(slips)))] if len(sheets) % 2 else None
            sheets += [sheet for sheet in (sheet_of(problem, rng, slip),) if sheet is not None]
        start = time.process_time()
        told = mark(problem, sheets)
        rate = SHEETS / (time.process_time() - start)
        if unread := [one.error for one in told if one.error]:
            raise SystemExit(f"{name}: {unread[0]}")
        slow += rate < ASKED
        print(f"{name}: {rate:.0f} sheets a second, asked {ASKED}", flush=True)
    times = {name: one_wrong(loads(problem_text(name))) for name in (*NAMES, *FURTHER_NAMES)}  # type: ignore[arg-type]
    worst = sorted(times, key=lambda name: -times[name])[:5]
    print("one wrong number: " + ", ".join(f"{name} {times[name]:.2f} s" for name in worst) + f", asked {ONE}")
    return int(slow > 0 or times[worst[0]] > ONE)


if __name__ == "__main__":
    sys.exit(main())
