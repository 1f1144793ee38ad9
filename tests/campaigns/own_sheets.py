"""Sheets of somebody's own equations: right ones are never refused, slips are named.

    python tests/campaigns/own_sheets.py --sheets 20

Every example of a step; each sheet is worked by hand in its own way: so many figures or decimals, what is shown carried
or all digits, each number for itself; some numbers are left out.  Each second one has one line rewritten, the rest
worked on from there.  Prints, by example: right sheets with a refused number; of slips that change a number that is
shown: how many sheets are not all right, whether the truth is among the names, named alone, and wrong names alone.

Exit 1 if a right sheet is refused.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.arithmetic import FLOAT64
from derivations.computation import Computation
from derivations.expression import Largest, Smallest
from derivations.own_names import OwnNames
from derivations.program import Program
from derivations.quantity import Quantity
from tracer import loads
from tracer.answers.reading.entries import Sheet
from tracer.computed_step import quantities
from tracer.marking.marking import mark
from tracer.marking.own_naming import own_sheet
from tracer.marking.rewrites import Rewrite, rewrites


def shown(x: float, figures: int, places: int | None) -> str:
    """A number as somebody writes it: to so many figures, or decimals, half away from zero."""
    if not np.isfinite(x):
        return str(x)
    if not x:
        return "0" if places is None else f"{0:.{places}f}"
    exact = Fraction(x)
    if places is None:
        places = figures - 1 - int(np.floor(np.log10(abs(x))))
    scaled = abs(exact) * Fraction(10) ** places
    whole = int(scaled + Fraction(1, 2))
    text = f"{whole:0{max(places, 0) + 1}d}"
    if places > 0:
        text = f"{text[:-places]}.{text[-places:]}"
    elif places < 0:
        text = str(whole * 10**-places)
    return ("-" if x < 0 and whole else "") + text


def worked(problem: Computation, rng: Any, slip: Rewrite | None, blanks: float) -> dict[Quantity, str]:
    """One sheet, rounded in somebody's way, some of it left out."""
    figures, places = int(rng.integers(3, 7)), int(rng.integers(3, 6)) if rng.random() < 0.4 else None
    carried = {"shown": 1.0, "full": 0.0, "mixed": 0.5}[str(rng.choice(["shown", "full", "mixed"]))]
    if any(isinstance(x, Largest | Smallest) for e in problem.step.equations for x in e.right.walk()):
        carried, blanks = round(carried + 0.1), 0.0  # nobody compares a number with what the same one was rounded to

    def written(x: float) -> tuple[str, bool, bool]:
        return shown(x, figures, places), bool(rng.random() >= blanks), bool(rng.random() < carried)

    return _by_hand(problem, slip, written)


def by_rewrite(problem: Computation, slip: Rewrite, places: int) -> dict[Quantity, str]:
    """A whole sheet with a slip, to so many decimals, all digits carried."""
    return _by_hand(problem, slip, lambda x: (shown(x, 0, places), True, False))


def _by_hand(
    problem: Computation, slip: Rewrite | None, written: Callable[[float], tuple[str, bool, bool]]
) -> dict[Quantity, str]:
    """`written` says of a number how it is shown, whether it stands on the sheet, whether what is shown is carried."""
    out: dict[Quantity, str] = {}
    program = problem.planned.exact
    if slip is not None:
        program = Program(problem.step.replace(*slip.lines))

    def record(label: str, array: Any) -> Any:
        part = program.parts[label]
        kept = np.array(array, float)
        for k, (q, x) in enumerate(zip(quantities(problem, part, 0, 1), np.ravel(kept), strict=True)):
            text, there, carried = written(float(x))
            if there:
                out[q] = text
                kept.flat[k] = float(text) if carried else x
        return kept if np.ndim(array) else kept.item()

    with np.errstate(all="ignore"):
        program.run(FLOAT64, problem.start(FLOAT64), record)
    return out


class Names:
    """Writes sheets."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self.names = problem, OwnNames(problem)

    def mapping(self, numbers: dict[Quantity, str]) -> dict[str, str]:
        """Numbers by their names."""
        return {self.names.text(q): text for q, text in numbers.items()}

    def sheet(self, numbers: dict[Quantity, str]) -> Sheet:
        """A sheet with its numbers as texts."""
        return own_sheet(self.problem, self.mapping(numbers))


def main() -> int:
    """Every example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=20, help="right ones, and as many with a slip, by example")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--tell", action="store_true", help="what is refused, and what is not named")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for name in [n for n in (*NAMES, *FURTHER_NAMES) if options.only in ("", n)]:
        problem = loads(problem_text(name))
        assert isinstance(problem, Computation)
        if problem.training and problem.training.samples != "together" and problem.samples > 1:
            continue
        rng, names = np.random.default_rng([options.seed, *name.encode()]), Names(problem)
        counts: Counter[str] = Counter()
        start = time.process_time()
        right = [names.sheet(worked(problem, rng, None, 0.2 * (k % 2))) for k in range(options.sheets)]
        for marked in mark(problem, right):
            bad = [m for m in marked.marks if not m.accepted and m.verdict not in ("not_assessable", "coarse")]
            counts["right"] += 1
            counts["refused"] += bool(bad or marked.error)
            if (bad or marked.error) and options.tell:
                print("  refused:", marked.error, [(m.name, m.given, m.expected, m.verdict) for m in bad[:4]])
        slips = rewrites(problem)
        truths, wrong = [], []
        while len(wrong) < options.sheets:
            slip = slips[rng.integers(len(slips))]
            try:
                wrong.append(names.sheet(worked(problem, rng, slip, 0.2 * (len(wrong) % 2))))
                truths.append(slip)
            except Exception:
                slips.remove(slip)
        for slip, marked in zip(truths, mark(problem, wrong), strict=True):
            named = [n for cause in marked.causes for n in cause.slips]
            counts["slipped"] += 1
            if marked.all_right:
                counts["unseen"] += 1
                continue
            counts["seen"] += 1
            counts["named"] += slip.name in named
            counts["alone"] += any(cause.slips == (slip.name,) for cause in marked.causes)
            misnamed = any(len(cause.slips) == 1 and cause.slips != (slip.name,) for cause in marked.causes)
            counts["misnamed"] += misnamed
            if options.tell and (slip.name not in named or misnamed):
                print(f"  {slip.name}: {slip.facts['used']}")
                for cause in marked.causes:
                    print("    told:", cause.slips, cause.cells[:5], cause.facts.get("used"))
        took = time.process_time() - start
        print(f"{name:14} {dict(counts)} {took:.1f} s", flush=True)
        total += counts
    print(dict(total))
    return int(total["refused"] > 0)


if __name__ == "__main__":
    sys.exit(main())
