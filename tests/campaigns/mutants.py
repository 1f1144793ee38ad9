"""One-token faults in exported LaTeX: each must be told, in the row where it stands.

    python tests/campaigns/mutants.py --problems 60

A document of the closed loop is exported, one token of one row is changed, and the document is read again.  A fault
counts as caught when the row that holds it is flagged and was not before.  A fault that leaves the row's meaning as it
was (a factor 1 dropped, an index of two equal numbers) is no fault and is left out: it is counted as `same`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from derivations.evaluation import pocket
from derivations.reading.documents import rows_of
from derivations.reading.grammar import parse
from derivations.reading.tokens import NotRead, tokens
from tests.campaigns.closed_loop import Round, loop
from tests.networks import random_problem
from tracer import load
from tracer.answers.solutions.solution import Solution, check_solution

Change = Callable[[str, random.Random], str | None]


_ONE = re.compile(r" (?:\\cdot|\*|\\times) (?:1|\(1\))")


def _at(pattern: str, change: Callable[[re.Match[str], random.Random], str | None]) -> Change:
    """Change one match of a pattern, drawn."""

    def changed(row: str, rng: random.Random) -> str | None:
        found = list(re.finditer(pattern, row))
        found = [m for m in found if not _ONE.fullmatch(m[0])]  # a factor 1 dropped is no fault: same value and meaning
        if not found:
            return None
        m = rng.choice(found)
        other = change(m, rng)
        return None if other is None or other == m[0] else row[: m.start()] + other + row[m.end() :]

    return changed


def _digit(m: re.Match[str], rng: random.Random) -> str:
    last = int(m[0][-1])
    return f"{m[0][:-1]}{last + rng.choice([1, -1]) if 0 < last < 9 else last + 1 if last == 0 else last - 1}"


def _index(m: re.Match[str], rng: random.Random) -> str | None:
    place = rng.randrange(len(m[1]))
    digit = m[1][place]
    if not digit.isdigit():
        return None
    other = str(int(digit) - 1) if digit > "1" else str(int(digit) + 1)
    return m[0].replace(m[1], m[1][:place] + other + m[1][place + 1 :], 1)


FAULTS: dict[str, Change] = {
    "sign": _at(r"(?<=[\d})]) [+-] (?=[\\\d({a-z])", lambda m, _: " - " if "+" in m[0] else " + "),
    "minus": _at(r"(?<![e^{\d])-(?=\d)", lambda m, _: ""),
    "index": _at(r"_\{(\d{1,2})\}", _index),
    "layer": _at(r"\^\{\((\d)\)\}", _index),
    "last digit": _at(r"\d+\.\d+(?![\d}e])", _digit),
    "factor": _at(
        r"(?<! 0) (?:\\cdot|\*|\\times) (?:\(-?[\d.]+\)|[\d.]+|[a-zA-Z\\]+_\{\w+\}(?:\^\{\(\d\)\})?)", lambda m, _: ""
    ),
    "term": _at(r" \+ (?:\(-?[\d.]+\)|[\d.]+) (?:\\cdot|\*|\\times) (?:\(-?[\d.]+\)|[\d.]+)(?= |$)", lambda m, _: ""),
    "letter": _at(r"(?<![A-Za-z\\])w(?=_\{\d\d\}\^)", lambda m, _: r"\delta"),
    "delta": _at(r"\\delta(?=_\{\d\}\^)", lambda m, _: "z"),
}


def mutated(text: str, fault: str, rng: random.Random) -> tuple[str, int] | None:
    """(the document with one fault, its line) or None where this fault finds no place."""
    lines = text.split("\n")
    rows = [row.line - 1 for row in rows_of(text)]
    for _ in range(30):
        line = rng.choice(rows)
        head, sep, comment = lines[line].partition("&&")
        other = FAULTS[fault](head, rng)
        if other is not None and re.search(r"[\dA-Za-z]", re.sub(r"\\[a-z]+", "", other)):
            if fault in NEUTRAL and _same_number(head, other):
                continue
            changed = [*lines]
            changed[line] = other + sep + comment
            return "\n".join(changed), line + 1
    return None


NEUTRAL = ("sign", "factor", "term")


def _same_number(row: str, other: str) -> bool:
    """Whether both rows give the same number: + 0 made - 0 changes nothing."""
    values = []
    for text in (row, other):
        try:
            cut = [t for t in tokens(text.rpartition("=")[2].removeprefix("approx")) if t.kind not in ("NOTE", "GAP")]
            values.append(pocket(parse(cut[1:] if cut and cut[0].kind in ("PLUS", "MUL") else cut)))
        except (NotRead, ValueError):
            return False
    return values[0] is not None and values[0] == values[1]


def flagged(solution: Solution) -> set[int]:
    """The lines of rows that something is said of."""
    return {row.line for row in solution.rows if row.flagged}


def main() -> None:
    """Run the campaign and print, by kind, how many faults were caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    rng, start = random.Random(options.first + 1), time.perf_counter()
    made, caught, elsewhere = Counter[str](), Counter[str](), Counter[str]()
    for seed in range(options.first, options.first + options.problems):
        original = loop(seed)
        if original is None or original.alarms or len(original.text) > 30_000:
            continue
        for fault in FAULTS:
            for _ in range(options.each):
                _try(original, fault, rng, made, caught, elsewhere, verbose=options.verbose)
    for fault in FAULTS:
        if made[fault]:
            share = caught[fault] / made[fault]
            print(f"{fault:11} {caught[fault]}/{made[fault]} = {share:.1%}; {elsewhere[fault]} in another row")
    total, found = sum(made.values()), sum(caught.values())
    print(
        f"{found} of {total} caught at the right row = {found / max(total, 1):.2%}; {time.perf_counter() - start:.0f} s"
    )


def _try(
    original: Round,
    fault: str,
    rng: random.Random,
    made: Counter[str],
    caught: Counter[str],
    elsewhere: Counter[str],
    *,
    verbose: bool,
) -> None:
    found = mutated(original.text, fault, rng)
    if found is None:
        return
    text, line = found
    problem = load(random_problem(original.seed))
    solution = check_solution(problem, text, notation=original.solution.notation, sample=1)
    before, after = flagged(original.solution), flagged(solution)
    made[fault] += 1
    if told(solution, original.solution, line):
        caught[fault] += 1
        return
    elsewhere[fault] += bool(after - before)
    if verbose:
        one, other = original.text.split("\n")[line - 1], text.split("\n")[line - 1]
        print(f"{original} {fault} line {line}\n   {one}\n   {other}\n   elsewhere: {sorted(after - before)[:4]}")


def told(solution: Solution, before: Solution, line: int) -> bool:
    """Whether something is said of a line that was not said before."""
    return line in flagged(solution) and (line not in flagged(before) or _says(solution, line) != _says(before, line))


def _says(solution: Solution, line: int) -> list[tuple[str, str, str, str]]:
    return [
        (r.verdict.verdict, r.verdict.fact, r.verdict.expected, r.verdict.message)
        for r in solution.relations
        if r.line == line
    ]


if __name__ == "__main__":
    main()
