"""What `derive` exports, read back: every relation is understood and true, in every notation and rounding.

    python tests/campaigns/closed_loop.py --problems 1000

Each random problem is derived with numbers (3 to 8 figures, carrying what is shown or every digit), exported as LaTeX
or Markdown in one of the notations that can write it, read back and checked.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from derivations import derive
from derivations.notation import NOTATIONS, NotationError, notation_of
from derivations.reading.documents import LARGEST_DOCUMENT
from tests.networks import random_problem
from tracer import load, trace
from tracer.answers.solutions.solution import Solution, check_solution

LEVELS = ("standard", "full", "answers", "matrix")
FORMS = ("latex", "markdown")


@dataclass(frozen=True)
class Round:
    """One document of the loop: how it was written, its text, what reading it back says."""

    seed: int
    notation: str
    level: str
    form: str
    digits: int
    carry: str
    text: str
    solution: Solution

    @property
    def alarms(self) -> list[str]:
        """Relations that are not true, and rows that were not understood.

        Not counted is a line that the export itself marks as not to be had from the numbers shown, and what follows.
        """
        lines = self.text.split("\n")
        marked = any(r"\dagger" in lines[r.line - 1] for r in self.solution.relations if r.verdict.verdict == "false")
        out = [
            f"{r.line}: {r.left} {r.relation} {r.right}: {r.verdict.verdict} {r.verdict.message}"
            for r in self.solution.relations
            if not r.verdict.right
            and not (marked and (r.verdict.verdict == "follows" or r"\dagger" in lines[r.line - 1]))
        ]
        return out + [f"{row.line}: {row.unread}" for row in self.solution.rows if row.unread]

    def __str__(self) -> str:
        return f"{self.seed} {self.notation} {self.level} {self.form} digits {self.digits} carry {self.carry}"


def loop(seed: int) -> Round | None:
    """Export one random problem and read it back; None where the step has no finite numbers."""
    problem = load(random_problem(seed))
    notations = [name for name in NOTATIONS if _writes(problem, name)]
    notation = notations[seed % len(notations)]
    level, form = LEVELS[seed // 2 % len(LEVELS)], FORMS[seed % 2]
    if level == "matrix":
        notation = "bishop"
        if problem.samples > 1 or any(layer.bias is not None and layer.bias.shared for layer in problem.network.layers):
            level = "standard"  # columns of samples and vectors of ones are written, and not read yet
    digits, carry = 3 + seed % 6, ("shown", "full")[seed // 3 % 2]
    numbers = trace(problem, digits=digits, carry=carry)
    text = derive(problem, level=level, numbers=numbers).render(form, notation=notation)
    if "undefined" in text or "infty" in text or len(text) > LARGEST_DOCUMENT:
        return None
    solution = check_solution(problem, text, notation=notation, sample=1)
    return Round(seed, notation, level, form, digits, carry, text, solution)


def _writes(problem: Any, name: str) -> bool:
    try:
        notation_of(problem, name)
    except NotationError:
        return False
    return True


def main() -> None:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    relations, facts = Counter[str](), Counter[str]()
    wrong, documents, start = 0, 0, time.perf_counter()
    for seed in range(options.first, options.first + options.problems):
        found = loop(seed)
        if found is None:
            continue
        documents += 1
        relations.update(r.verdict.verdict for r in found.solution.relations)
        facts.update(r.verdict.fact for r in found.solution.relations if r.verdict.fact)
        if found.alarms:
            wrong += 1
            print(found, *found.alarms[:3], sep="\n  ")
    seconds = time.perf_counter() - start
    print(f"{documents} documents, {sum(relations.values())} relations {dict(relations)}, {dict(facts)}")
    print(f"{wrong} documents with a false alarm; {seconds:.0f} s")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
