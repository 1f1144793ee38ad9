"""Sheets of simulated people, who know nothing of marking (tests/people): are right ones right, and slips told?

    python tests/campaigns/sheets_of_people.py --right 1000000 --seed 1       # no number of a right sheet is refused
    python tests/campaigns/sheets_of_people.py --slipped 100000 --seed 1      # the first wrong number, its cause
    python tests/campaigns/sheets_of_people.py --alone 20000 --seed 1         # alone, in a class, in any order

Shared out over twenty problems, ten of layers and ten of equations.  Sheets are told apart by their people's habits and
by their slips; tests/people/names.toml says what each slip may be called.  A name that gives the very numbers of the
mistake, to every digit, is another word for it: `the same`.  Exit 1 where a right number is refused, a sheet is marked
otherwise alone, or the figures of slips are below the limits.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from people import PROBLEMS, Sheet, drawn_sheet, in_full, slipped_sheet

from tracer import check, loads
from tracer.answers.result import Cause, Checked, Marked

A_CLASS = 250
LIMITS = {"flagged": 0.995, "among": 0.97, "alone": 0.88, "false": 0.003}
"""Of slips: the first wrong number flagged; of those that have a name: it is told, and told alone; told falsely.

What is the same to every digit as the mistake is not false, and as good as its name.
"""


OUT_OF = {"flagged": "shows", "other name": "shows", "false": "shows"} | dict.fromkeys(
    ("among", "among or the same", "alone", "alone or the same"), "sayable"
)


def classes(problem: str, count: int, seed: int, draw: object) -> Iterator[list[Sheet]]:
    """So many sheets of one problem, a class at a time; every seed has people of its own."""
    first = seed * 10_000_000
    for start in range(first, first + count, A_CLASS):
        yield [draw(problem, k) for k in range(start, min(start + A_CLASS, first + count))]  # type: ignore[operator]


def marked(problem: str, sheets: Sequence[Sheet]) -> Checked:
    """The sheets as a class table, marked."""
    names = list(dict.fromkeys(name for sheet in sheets for name in sheet.cells))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "class.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            table = csv.writer(out)
            table.writerow(["id", *names])
            table.writerows([f"p{sheet.seed}", *(sheet.cells.get(name, "") for name in names)] for sheet in sheets)
        checked = check(loaded(problem), path)
    unread = [f"{sheet.id}: {sheet.error}" for sheet in checked.sheets if sheet.error]
    if unread:  # else a sheet that ended in an error would have no number that is refused
        raise ValueError(f"{problem}: {unread[0]}")
    return checked


@cache
def loaded(problem: str) -> object:
    """A problem, read once."""
    return loads(PROBLEMS[problem].source)


def refused(one: Marked) -> list[tuple[str, str, str]]:
    """(cell, verdict, right value) of what is not accepted of the numbers that stand there."""
    return [(m.name, m.verdict, m.expected) for m in one.marks if not m.accepted and m.verdict != "missing"]


# --- right sheets ---


def tally_right(problem: str, sheets: Sequence[Sheet]) -> tuple[Counter[str], list[str]]:
    """How many sheets are refused a number, and each of them told."""
    counts, told = Counter[str](sheets=len(sheets), cells=sum(len(sheet.cells) for sheet in sheets)), []
    for sheet, one in zip(sheets, marked(problem, sheets), strict=True):
        bad = refused(one)
        open_ = [cell for cell in bad if cell[1] == "not_assessable"]
        counts["refused"] += len(bad) > len(open_)
        counts["not assessable"] += bool(open_)
        if len(bad) > len(open_):
            cells = [(name, sheet.cells.get(name), verdict, right) for name, verdict, right in bad[:2]]
            told.append(f"{problem} {sheet.seed} {cells} {sheet.habits}")
    return counts, told


# --- slipped sheets ---


@cache
def names_of_slips() -> dict[str, list[str]]:
    """What marking may call each slip, and which of them show what they are only `sometimes`."""
    text = Path(__file__).parents[1].joinpath("people", "names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def sometimes() -> list[str]:
    """The slips that show what they are only where a number has digits enough."""
    return names_of_slips()["sometimes"]


def is_meant(slip: str, name: str) -> bool:
    """Whether a name says what a slip is."""
    whole = name.partition("[")[0] if name.startswith("equation.") else name
    return any(fnmatch(whole, pattern) for pattern in names_of_slips()[slip])


def tally_slipped(problem: str, sheets: Sequence[Sheet]) -> tuple[Counter[str], list[str]]:
    """What became of each slip: flagged, named, named alone, named otherwise; and each false name told."""
    counts, told = Counter[str](), []
    for sheet, one in zip(sheets, marked(problem, sheets), strict=True):
        slip = str(sheet.slip)
        counts["sheets"] += 1
        wrong = {name for name, verdict, _ in refused(one)}
        if not wrong:
            counts["shows nowhere"] += 1
            continue
        counts["shows"] += 1
        counts["flagged"] += sheet.first in wrong
        named = [cause for cause in one.causes if cause.slips]
        first = next((cause for cause in one.causes if sheet.first in cause.cells), None)
        among = first is not None and any(is_meant(slip, name) for name in first.slips)
        sayable = bool(names_of_slips()[slip]) and slip not in sometimes()
        other = [c for c in named if not any(is_meant(slip, name) for name in c.slips)]
        same = set(map(id, other)) - {id(c) for c in other if not is_the_same(c, in_full_told(problem, sheet))}
        as_good = sayable and first is not None and id(first) in same
        counts["sayable"] += sayable
        counts["among"] += sayable and among
        counts["among or the same"] += sayable and (among or as_good)
        counts["alone"] += sayable and among and all(is_meant(slip, name) for name in first.slips if first)
        counts["alone or the same"] += sayable and first is not None and is_told_alone(slip, first, same=as_good)
        single = [c for c in other if len({name.partition("[")[0] for name in c.slips}) == 1]
        false = [c for c in single if id(c) not in same]
        counts["other name"] += bool(single)
        counts["false"] += bool(false)
        counts[f"slip {slip}"] += 1
        counts[f"told {slip}"] += among or as_good
        if false:
            told.append(f"{problem} {sheet.seed} {slip}: {false[0].slips} at {false[0].cells[:3]}")
    return counts, told


def is_told_alone(slip: str, first: Cause, *, same: bool) -> bool:
    """Whether a cause tells nothing but what a slip may be called, or one thing that is the same."""
    if all(is_meant(slip, name) for name in first.slips):
        return bool(first.slips)
    return same and len({name.partition("[")[0] for name in first.slips}) == 1


def in_full_told(problem: str, sheet: Sheet) -> list[Cause]:
    """What is told of the same mistake, every number written to every digit: nothing that fits by chance."""
    return [c for c in check(loaded(problem), in_full(problem, sheet.seed)).one.causes if c.slips]


def is_the_same(cause: Cause, in_full: Sequence[Cause]) -> bool:
    """Whether some slip that a cause tells gives the very numbers of the mistake."""
    return any(set(cause.slips) & set(full.slips) and set(cause.cells) & set(full.cells) for full in in_full)


# --- alone and in a class ---


def tally_alone(problem: str, sheets: Sequence[Sheet]) -> tuple[Counter[str], list[str]]:
    """Whether each sheet has the same marks alone, in its class and in another order."""
    counts, told = Counter[str](sheets=len(sheets)), []
    order = list(range(len(sheets)))
    Random(sheets[0].seed).shuffle(order)
    shuffled = dict(zip(order, marked(problem, [sheets[k] for k in order]), strict=True))
    for k, (sheet, one) in enumerate(zip(sheets, marked(problem, sheets), strict=True)):
        for other in (shuffled[k], next(iter(marked(problem, [sheet])))):
            if of_itself(other) != of_itself(one):
                counts["otherwise"] += 1
                told.append(f"{problem} {sheet.seed} {sheet.slip}")
                break
    return counts, told


def of_itself(one: Marked) -> object:
    """What marking says of a sheet: all but the columns of a class table that it leaves empty."""
    written = [m for m in one.marks if m.verdict != "missing"]
    marks = sorted(((m.name, m.verdict, m.expected, m.slips, m.facts) for m in written), key=lambda mark: mark[0])
    causes = [(sorted(c.slips), sorted(c.cells), sorted(c.follows), c.facts) for c in one.causes]
    return marks, sorted(causes, key=lambda cause: cause[1]), one.remarks


# --- the campaign ---


def run(name: str, count: int, seed: int, only: str) -> bool:
    """One kind of campaign over all problems: whether its figures are as they must be."""
    tally, draw = {
        "right": (tally_right, drawn_sheet),
        "slipped": (tally_slipped, slipped_sheet),
        "alone": (tally_alone, slipped_sheet),
    }[name]
    problems = [only] if only else list(PROBLEMS)
    total = Counter[str]()
    for problem in problems:
        own = Counter[str]()
        for sheets in classes(problem, max(1, count // len(problems)), seed, draw):
            counts, told = tally(problem, sheets)
            own += counts
            print(*told[:10], sep="\n", end="\n" if told else "", flush=True)
        total += own
        print(f"  {problem}: {shown(own)}", flush=True)
    print(f"{name}, seed {seed}: {shown(total)}")
    if name == "slipped":
        for slip in sorted(names_of_slips().keys() - {"sometimes"}):
            if total[f"slip {slip}"]:
                print(f"    {slip}: told {total[f'told {slip}']} of {total[f'slip {slip}']}")
        return within(total)
    return not total["refused"] and not total["otherwise"]


def shown(counts: Counter[str]) -> str:
    """The counts, shares of what shows and of what can be said beside."""
    parts = []
    for what, n in counts.items():
        of = OUT_OF.get(what)
        if not what.startswith(("slip ", "told ")):
            parts.append(f"{what} {n}" + (f" ({100 * n / max(counts[of], 1):.2f} %)" if of else ""))
    return ", ".join(parts)


def within(total: Counter[str]) -> bool:
    """Whether the figures of slips are within the limits that we set ourselves."""
    shows, sayable = max(total["shows"], 1), max(total["sayable"], 1)
    return (
        total["flagged"] >= LIMITS["flagged"] * shows
        and total["among or the same"] >= LIMITS["among"] * sayable
        and total["alone or the same"] >= LIMITS["alone"] * sayable
        and total["false"] <= LIMITS["false"] * shows
    )


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("right", "slipped", "alone"):
        parser.add_argument(f"--{name}", type=int, default=0, help="sheets of all problems together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--problem", default="", choices=["", *PROBLEMS], help="one problem only")
    options = parser.parse_args()
    asked = {name: getattr(options, name) for name in ("right", "slipped", "alone")}
    good = [run(name, n, options.seed, options.problem) for name, n in asked.items() if n]
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
