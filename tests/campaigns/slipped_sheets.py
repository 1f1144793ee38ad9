"""Sheets with a slip of the catalogue: is it found, is it among the names, is a wrong name ever the only one?

python tests/campaigns/slipped_sheets.py --sheets 100000 --seed 1
python tests/campaigns/slipped_sheets.py --errors 20000 --seed 1      # errors outside the catalogue: hardly ever named

On drawn networks, by people who write so many figures and round in any way.  Slips that nobody took from the catalogue
are in `sheets_of_people.py`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from written_sheets import SHAPES, draw, drawn_hand, refused, written

from derivations.network import Problem
from tracer import load
from tracer.answers.reading.sources import sheet_from
from tracer.answers.result import Marked
from tracer.marking.marking import mark
from tracer.marking.slips.catalogue import twins, visible
from tracer.marking.slips.slip import Slip

SLIPS, PEOPLE = 25, 4  # of one problem: slips, and people who make each
PEN = "pen."
Tally = Callable[[Problem, np.random.Generator, int], tuple[Counter[str], Counter[str]]]


def marked(problem: Problem, sheets: Sequence[dict[str, str]]) -> list[Marked]:
    """The sheets of a class, marked."""
    return mark(problem, [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(sheets)])


def told(one: Marked) -> list[set[str]]:
    """The names of each cause, in order."""
    return [set(cause.slips) for cause in one.causes]


def of_people(problem: Problem, rng: np.random.Generator, digits: int, *slips: Slip) -> list[dict[str, str]]:
    """Sheets with these slips, by people who write so many figures and round in any way."""
    hands = [drawn_hand(rng, digits=digits, figures=True) for _ in range(PEOPLE)]
    return [written(problem, hand, *slips) for hand in hands]


def tally_slips(problem: Problem, rng: np.random.Generator, digits: int) -> tuple[Counter[str], Counter[str]]:
    """What became of the slips of one problem: counts, and the cases that went wrong by name."""
    counts, cases, possible = Counter[str](), Counter[str](), visible(problem)
    slips = [possible[k] for k in rng.choice(len(possible), min(SLIPS, len(possible)), replace=False)]
    sheets = [sheet for slip in slips for sheet in of_people(problem, rng, digits, slip)]
    same = {slip.name: {other.name for other in group} for group in twins(problem) for slip in group}
    for k, one in enumerate(marked(problem, sheets)):
        name = slips[k // PEOPLE].name
        counts["sheets"] += 1
        if not refused(one):
            counts["shows nowhere"] += 1
            continue
        counts["detected"] += 1
        found = told(one)[0] if one.causes else set[str]()
        alike = same.get(name, {name})
        counts["truth among the names"] += name in found
        counts["class of one"] += len(found) == 1
        counts["class of one or of twins"] += len(found) == 1 or (name in found and found <= alike)
        counts["one wrong name"] += len(found) == 1 and not found <= alike
        counts["more than one cause"] += len(one.causes) > 1
        if name not in found:
            cases[f"MISSED {name}: {', '.join(sorted(found)) or 'nothing'}"] += 1
        elif len(found) > 1:
            cases[" = ".join(sorted(found))] += 1
    return counts, cases


# --- errors outside the catalogue ---


def spoilt(sheet: dict[str, str], way: str, rng: np.random.Generator) -> tuple[str, dict[str, str]]:
    """One number written down wrongly: another digit, any value, or what stands in a neighbouring cell."""
    name = str(rng.choice(list(sheet)))
    text = sheet[name]
    if way == "neighbour":
        array = name.partition("[")[0]
        others = [number for other, number in sheet.items() if other.partition("[")[0] == array and number != text]
        return name, sheet | {name: str(rng.choice(others)) if others else text}
    places = [k for k, c in enumerate(text) if c.isdigit()]
    changed = [int(rng.choice(places))] if way == "digit" else places
    return name, sheet | {name: "".join(str(rng.integers(10)) if k in changed else c for k, c in enumerate(text))}


def tally_errors(
    problem: Problem, rng: np.random.Generator, digits: int, *, way: str
) -> tuple[Counter[str], Counter[str]]:
    """How often an error that is no slip gets a name, and whether any other cell suffers."""
    counts, cases = Counter[str](), Counter[str]()
    rights = [sheet for _ in range(SLIPS) for sheet in of_people(problem, rng, digits)]
    where, sheets = zip(*(spoilt(sheet, way, rng) for sheet in rights), strict=True)
    for name, one in zip(where, marked(problem, sheets), strict=True):
        counts["sheets"] += 1
        bad = set(refused(one))
        known = "found" if name in bad else "passed"
        if bad - {name}:
            counts[f"another cell refused, the error {known}"] += 1
            cases[f"REFUSED as well after {name}, the error {known}"] += 1
        if name not in bad:
            continue
        counts["detected"] += 1
        names = [slip for cause in one.causes if name in cause.cells for slip in cause.slips]
        counts["named as a slip of the pen"] += bool(names) and all(slip.startswith(PEN) for slip in names)
        if any(not slip.startswith(PEN) for slip in names):
            counts["named as a rule"] += 1
            cases[f"NAMED {name}: {', '.join(names)}"] += 1
    return counts, cases


def tally_two(problem: Problem, rng: np.random.Generator, digits: int) -> tuple[Counter[str], Counter[str]]:
    """Two slips of different stages on one sheet: are both found, and nothing else?"""
    counts, cases, possible = Counter[str](), Counter[str](), visible(problem)
    pairs: list[tuple[Slip, Slip]] = []
    while len(pairs) < SLIPS:
        one, other = (possible[k] for k in rng.choice(len(possible), 2, replace=False))
        if one.stage != other.stage and not one.equations(problem).keys() & other.equations(problem).keys():
            pairs.append((one, other))
    sheets = [sheet for pair in pairs for sheet in of_people(problem, rng, digits, *pair)]
    for k, sheet in enumerate(marked(problem, sheets)):
        pair = {slip.name for slip in pairs[k // PEOPLE]}
        counts["sheets"] += 1
        counts["detected"] += bool(refused(sheet))
        right = [any(name in names for names in told(sheet)) for name in pair]
        counts["both named"] += all(right)
        counts["one named"] += sum(right) == 1
        wrong = [names for names in told(sheet) if len(names) == 1 and not names & pair]
        counts["one wrong name beside"] += bool(wrong)
        if wrong:
            cases[f"{' + '.join(sorted(pair))}: {wrong}"] += 1
    return counts, cases


# --- the campaign ---


def show(title: str, counts: Counter[str]) -> None:
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
    parser.add_argument("--shape", default="", choices=["", *SHAPES], help="one architecture only")
    options = parser.parse_args()
    shapes = [options.shape] if options.shape else list(SHAPES)
    ways: list[tuple[str, int, Tally]] = [("slips", options.sheets, tally_slips)]
    ways += [(way, options.errors, partial(tally_errors, way=way)) for way in ("digit", "value", "neighbour")]
    ways.append(("two slips", options.errors, tally_two))
    good = [_campaign(name, most, tally, shapes, options) for name, most, tally in ways if most]
    return 0 if all(good) else 1


def _campaign(name: str, most: int, tally: Tally, shapes: Sequence[str], options: argparse.Namespace) -> bool:
    rng = np.random.default_rng(options.seed)
    by_shape: dict[str, Counter[str]] = {}
    cases = Counter[str]()
    start, done = time.perf_counter(), 0
    while done < most:
        shape = str(rng.choice(shapes))
        counts, odd = tally(load(draw(rng, shape)), rng, options.digits)
        by_shape.setdefault(shape, Counter()).update(counts)
        cases.update({f"[{shape}] {case}": n for case, n in odd.items()})
        done += counts["sheets"]
        if done % 5_000 < SLIPS * PEOPLE:
            print(f"{name}: {done} sheets, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    for shape, counts in sorted(by_shape.items()):
        show(f"  {shape}", counts)
    total = sum(by_shape.values(), Counter[str]())
    show(f"{name} at {options.digits} figures, seed {options.seed}", total)
    loud = [case for case in cases.most_common() if any(word in case[0] for word in ("MISSED", "NAMED", "REFUSED"))]
    for case, n in [*loud[:40], *cases.most_common(25)]:
        print(f"    {n:5} {case}")
    return within(name, total)


def within(name: str, total: Counter[str]) -> bool:
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
