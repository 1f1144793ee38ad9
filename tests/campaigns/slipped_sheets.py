"""Sheets with a slip: is it found, is the truth among the names, is a wrong name ever the only one?

python tests/campaigns/slipped_sheets.py --sheets 100000 --seed 1
python tests/campaigns/slipped_sheets.py --errors 20000 --seed 1      # errors outside the catalogue: hardly ever named
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from tracer.answers.marking.mark import explain
from tracer.answers.marking.marks import merged
from tracer.answers.marking.passes import recorded
from tracer.answers.marking.truth import Truth
from tracer.answers.slips import twins, visible

SLIPS, PEOPLE = 25, 4  # of one problem: slips, and people who make each
PEN = "pen."


@dataclass(frozen=True)
class Explained:
    """What marking found: the wrong cells (sheets, columns), and the classes of names on each sheet, in order."""

    columns: Columns
    wrong: Any
    classes: list[list[tuple[tuple[str, ...], tuple[Any, ...]]]]


def explained(problem: Problem, cells: Cells) -> Explained:
    """Judge and explain, as `check` does."""
    truth, columns = Truth(problem), Columns.of(cells, recorded(problem))
    judged = judge(cells)
    codes = columns.matrix(judged.codes, cells.count)
    there = columns.of_cells(cells, lambda w: w.there)
    classes = []
    for found in explain(truth, cells, columns, judged, there, codes)[0]:
        classes.append([(names, at) for names, at, _ in merged(found)])
    return Explained(columns, there & (codes <= LAST_DIGIT), classes)


def slipped(problem: Problem, rng: np.random.Generator, digits: int) -> tuple[list[str], Cells]:
    """Sheets of people who make one slip of the catalogue each, and its name."""
    possible = visible(problem)
    slips = [possible[k] for k in rng.choice(len(possible), min(SLIPS, len(possible)), replace=False)]
    sheets = [sheets_of(problem, people(PEOPLE, rng, digits), rng, rules_=slip.rules) for slip in slips]
    return [slip.name for slip in slips for _ in range(PEOPLE)], joined(sheets)


def people(count: int, rng: np.random.Generator, digits: int) -> People:
    """People who write so many figures and round in every way."""
    return People(count, rng, digits=digits, figures=True)


def tally_slips(problem: Problem, rng: np.random.Generator, digits: int) -> tuple[Counter, Counter]:
    """What became of the slips of one problem: counts, and the cases that went wrong by name."""
    counts: Counter = Counter()
    cases: Counter = Counter()
    names, cells = slipped(problem, rng, digits)
    same = {slip.name: {other.name for other in group} for group in twins(problem) for slip in group}
    result = explained(problem, cells)
    for row, name in enumerate(names):
        counts["sheets"] += 1
        if not result.wrong[row].any():
            counts["shows nowhere"] += 1
            continue
        counts["detected"] += 1
        found = set(result.classes[row][0][0]) if result.classes[row] else set()
        counts["truth among the names"] += name in found
        counts["class of one"] += len(found) == 1
        counts["class of one or of twins"] += len(found) == 1 or (name in found and found <= same.get(name, {name}))
        counts["one wrong name"] += len(found) == 1 and not found <= same.get(name, {name})
        counts["more than one cause"] += len(result.classes[row]) > 1
        if name not in found:
            cases[f"MISSED {name}: {', '.join(sorted(found)) or 'nothing'}"] += 1
        elif len(found) > 1:
            cases[" = ".join(sorted(found))] += 1
    return counts, cases


# --- errors outside the catalogue ---


def spoilt(cells: Cells, way: str, rng: np.random.Generator) -> tuple[list[tuple[Any, tuple[int, ...]]], Cells]:
    """One cell of each sheet written down wrongly: another digit, any value, or what stands in a neighbouring cell."""
    arrays = {at: replace(w, value=w.value.copy(), unit=w.unit.copy()) for at, w in cells.arrays.items()}
    where = []
    for row in range(cells.count):
        kinds = [at for at, w in arrays.items() if w.there[row].any()]
        at = kinds[rng.integers(len(kinds))]
        w = arrays[at]
        places = np.argwhere(w.there[row])
        place = (row, *places[rng.integers(len(places))])
        w.value[place] = _wrong(float(w.value[place]), float(w.unit[place]), w.value[row][w.there[row]], way, rng)
        where.append((at, tuple(map(int, place[1:]))))
    return where, replace(cells, arrays=arrays)


def _wrong(value: float, unit: float, neighbours: Any, way: str, rng: np.random.Generator) -> float:
    whole = round(abs(value) / unit)
    sign = -1 if value < 0 else 1
    digits = str(whole)
    if way == "digit":
        k = int(rng.integers(len(digits)))
        other = str((int(digits[k]) + int(rng.integers(1, 10))) % 10)
        return sign * int(digits[:k] + other + digits[k + 1 :]) * unit
    if way == "neighbour" and len(neighbours) > 1:
        return float(neighbours[rng.integers(len(neighbours))])
    return float(sign * int(rng.integers(10 ** (len(digits) - 1), 10 ** len(digits))) * unit)


def tally_errors(problem: Problem, rng: np.random.Generator, digits: int, way: str) -> tuple[Counter, Counter]:
    """How often an error that is no slip gets a name, and whether any other cell suffers."""
    counts: Counter = Counter()
    cases: Counter = Counter()
    where, cells = spoilt(sheets_of(problem, people(SLIPS * PEOPLE, rng, digits), rng), way, rng)
    result = explained(problem, cells)
    for row, place in enumerate(where):
        column = result.columns.number[place]
        counts["sheets"] += 1
        if result.wrong[row].sum() > result.wrong[row, column]:
            known = "found" if result.wrong[row, column] else "passed"
            counts[f"another cell refused, the error {known}"] += 1
            cases[f"REFUSED as well after {place[0].kind}, the error {known}"] += 1
        if not result.wrong[row, column]:
            continue
        counts["detected"] += 1
        names = [name for found, at in result.classes[row] if column in at for name in found]
        counts["named as a slip of the pen"] += bool(names) and all(name.startswith(PEN) for name in names)
        if any(not name.startswith(PEN) for name in names):
            counts["named as a rule"] += 1
            cases[f"NAMED {place[0].kind}: {', '.join(names)}"] += 1
    return counts, cases


def tally_two(problem: Problem, rng: np.random.Generator, digits: int) -> tuple[Counter, Counter]:
    """Two slips of different stages on one sheet: are both found, and nothing else?"""
    counts: Counter = Counter()
    cases: Counter = Counter()
    possible, sheets, names = visible(problem), [], []
    while len(sheets) < SLIPS:
        one, other = (possible[k] for k in rng.choice(len(possible), 2, replace=False))
        if one.stage == other.stage or set(one.changes) & set(other.changes):
            continue
        both = replace(one.rules, **{rule: getattr(other.rules, rule) for rule in other.changes})
        sheets.append(sheets_of(problem, people(PEOPLE, rng, digits), rng, rules_=both))
        names += [(one.name, other.name)] * PEOPLE
    result = explained(problem, joined(sheets))
    for row, pair in enumerate(names):
        counts["sheets"] += 1
        counts["detected"] += bool(result.wrong[row].any())
        found = [set(names) for names, _ in result.classes[row]]
        right = [any(name in cls for cls in found) for name in pair]
        counts["both named"] += all(right)
        counts["one named"] += sum(right) == 1
        wrong = [cls for cls in found if len(cls) == 1 and not cls & set(pair)]
        counts["one wrong name beside"] += bool(wrong)
        if wrong:
            cases[f"{pair[0]} + {pair[1]}: {wrong}"] += 1
    return counts, cases


# --- the campaign ---


def show(title: str, counts: Counter) -> None:
    """One line of figures."""
    of = counts["detected"] or 1
    parts = [f"{name} {n} ({100 * n / of:.2f} %)" for name, n in counts.items() if name not in ("sheets", "detected")]
    print(f"{title}: {counts['sheets']} sheets, {counts['detected']} detected; {'; '.join(parts)}", flush=True)


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheets", type=int, default=0)
    parser.add_argument("--errors", type=int, default=0, help="of each kind outside the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--digits", type=int, default=4)
    parser.add_argument("--shape", default="", help="one architecture only, by its name in fair_sheets.py")
    options = parser.parse_args()
    shapes = [shape for shape in SHAPES if shape[0] == options.shape] or SHAPES
    ways: list[tuple[str, int, Any]] = [("slips", options.sheets, tally_slips)]
    for way in ("digit", "value", "neighbour"):
        ways.append((way, options.errors, lambda p, rng, d, way=way: tally_errors(p, rng, d, way)))
    ways.append(("two slips", options.errors, tally_two))
    good = [_campaign(name, most, tally, shapes, options) for name, most, tally in ways if most]
    return 0 if all(good) else 1


def _campaign(name: str, most: int, tally: Any, shapes: Sequence[Any], options: argparse.Namespace) -> bool:
    rng = np.random.default_rng(options.seed)
    by_shape: dict[str, Counter] = {}
    cases: Counter = Counter()
    start, done = time.perf_counter(), 0
    while done < most:
        shape, source = draw(rng, shapes)
        counts, odd = tally(load(source), rng, options.digits)
        by_shape.setdefault(shape, Counter()).update(counts)
        cases.update({f"[{shape}] {case}": n for case, n in odd.items()})
        done += counts["sheets"]
        if done % 5_000 < SLIPS * PEOPLE:
            print(f"{name}: {done} sheets, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    for shape, counts in sorted(by_shape.items()):
        show(f"  {shape}", counts)
    total: Counter = sum(by_shape.values(), Counter())
    show(f"{name} at {options.digits} figures, seed {options.seed}", total)
    loud = [case for case in cases.most_common() if any(word in case[0] for word in ("MISSED", "NAMED", "REFUSED"))]
    for case, n in [*loud[:40], *cases.most_common(25)]:
        print(f"    {n:5} {case}")
    return within(name, total)


def within(name: str, total: Counter) -> bool:
    """Whether the figures are within the limits that we set ourselves."""
    of = total["detected"]
    if name == "slips":
        named, one, wrong = (
            total[k] / of for k in ("truth among the names", "class of one or of twins", "one wrong name")
        )
        return named >= 0.999 and one >= 0.95 and wrong <= 0.0002
    if name == "two slips":
        return True
    return name == "neighbour" or total["named as a rule"] <= 0.01 * of  # a neighbour's number is often a swap


if __name__ == "__main__":
    raise SystemExit(main())
