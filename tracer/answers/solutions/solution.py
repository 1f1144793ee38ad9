"""A written solution, checked: `check_solution` and what it returns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from flint import ctx

from derivations.expression import Expression, Letters
from derivations.layers import layered
from derivations.names import Quantity
from derivations.network import Problem
from derivations.notation import NOTATIONS
from derivations.reading.dialects import dialects
from derivations.reading.documents import SourceRow
from derivations.reading.letters import Letterbook
from derivations.reading.nodes import letters_in
from derivations.reading.statements import Statement, unread_rows
from tracer.answers.reading.entries import Entry, Sheet
from tracer.answers.result import Mark
from tracer.answers.solutions.books import books
from tracer.answers.solutions.checking import Checking
from tracer.answers.solutions.digits import with_indices
from tracer.answers.solutions.document import Document, left_from
from tracer.answers.solutions.duals import BITS
from tracer.answers.solutions.effort import A_WAY, MOST_WORK, Effort, Spent
from tracer.answers.solutions.glossary import Afforded, glossary
from tracer.answers.solutions.verdicts import FACTS, HINTS, VERDICTS, Checked

__all__ = ["CheckedRow", "Reading", "Solution", "check_solution", "read_document", "read_solution"]

MOST_NUMBERS = 2_000
"""Of a step: all are worked in every way of reading."""
MOST_SAMPLES = 8
MOST_NOTATIONS = 3  # in which names of a document's own are looked for
NAMES_LEFT = "not all names of its own were looked for; use those of a notation, or hand in a shorter solution"
_BIAS = re.compile(r"(?<![A-Za-z])[bB](?![A-Za-z])|bias")
MOST_CHECKED = 1500  # sides, in all ways of reading together
LEAST_COMPLAINTS, CLEARLY_LESS = 4, 0.75  # before letters of the document's own are looked for, and taken
Score = tuple[int, int]


@dataclass(frozen=True)
class CheckedRow:
    """One row of the document: where it stands, its source, what is said of its relations.

    `verdict` is the worst of them, "" for a row that states nothing.
    """

    line: int
    column: int
    source: str
    display: bool
    relations: tuple[Checked, ...]
    unread: str = ""
    bare: bool = False  # plain text, without signs of mathematics around it

    @property
    def verdict(self) -> str:
        """The worst verdict of its relations."""
        found = [r.verdict.verdict for r in self.relations] + (["unread"] if self.unread else [])
        return max(found, key=VERDICTS.index) if found else ""

    @property
    def flagged(self) -> bool:
        """Whether there is something to tell: a slip, a number that owes its last digit to rounding."""
        return self.verdict in ("false", "follows", "unread") or any(r.verdict.fact for r in self.relations)

    @property
    def told(self) -> tuple[tuple[Checked | None, str], ...]:
        """What is told of each relation, in words, and of the row itself."""
        out: dict[tuple[str, str], tuple[Checked | None, str]] = {}
        if self.unread:
            out["", self.unread] = None, self.unread
        for relation in self.relations:
            v = relation.verdict
            if v.fact:
                message = FACTS[v.fact].format(expected=v.expected)
            else:
                message = v.message if not v.right or v.message in HINTS.values() else ""
            if message and message != self.unread:
                out.setdefault((relation.right, message), (relation, message))
        return tuple(out.values())

    @property
    def messages(self) -> tuple[str, ...]:
        """The same words alone."""
        return tuple(dict.fromkeys(message for _, message in self.told))


@dataclass(frozen=True)
class Solution:
    """Every row of a written solution with its verdict, and its numbers as a sheet.

    `sample` is the one of several that it works, 0 where there is one; `batch` are numbers that it gives for all.
    """

    title: str
    notation: str
    rows: tuple[CheckedRow, ...]
    sheet: Sheet
    remarks: tuple[str, ...] = ()
    sample: int = 0
    batch: tuple[Entry, ...] = ()
    left_out: str = ""  # which rows were not read

    @property
    def relations(self) -> tuple[Checked, ...]:
        """Every relation in order."""
        return tuple(dict.fromkeys(r for row in self.rows for r in row.relations))

    @property
    def all_right(self) -> bool:
        """Whether something was checked, everything was understood and nothing is false."""
        return (
            bool(self.relations)
            and all(r.verdict.right for r in self.relations)
            and not any(r.unread for r in self.rows)
        )

    def count(self, verdict: str) -> int:
        """How many relations have a verdict."""
        return sum(r.verdict.verdict == verdict for r in self.relations)

    def __iter__(self) -> Iterator[CheckedRow]:
        return iter(self.rows)

    def limited(self, level: str) -> Solution:
        """What a level of feedback may show: verdict, hint or full."""
        rows = tuple(
            replace(row, relations=tuple(replace(r, verdict=r.verdict.limited(level)) for r in row.relations))
            for row in self.rows
        )
        return replace(self, rows=rows)

    def render(self, form: str = "table") -> str:
        """As table, markdown, html or json.  Raises ValueError for another."""
        from tracer.answers.solutions.rendering import render

        return render(self, form)

    def __str__(self) -> str:
        return self.render("table")


class _Way(NamedTuple):
    """One way to read the document: its complaints, its check, the notation, and the statements in known names."""

    score: Score
    checking: Checking
    name: str
    about: str
    found: Sequence[Statement]


@dataclass(frozen=True)
class Reading:
    """A document in the notation, and as working the sample, that leave least to complain of."""

    problem: Problem
    title: str
    document: Document
    way: _Way
    sample: int
    stated: bool  # the notation
    names_left: bool = False  # whether not all names of its own were looked for

    def solution(self, accepted: Mapping[Quantity, Mark] | None = None) -> Solution:
        """Every row with its verdict.  accepted: the numbers that marking has found right."""
        _, checking, name, about, found = self.way
        rows, left_out = self.document.rows, self.document.left_out
        slips = checking.elsewhere.misstated
        if slips or accepted:
            with ctx.workprec(BITS):
                checking = _of_all(
                    self.problem, checking.book, self.sample, found, rows, checking, slips=slips, accepted=accepted
                )
        several = self.problem.samples > 1
        left_out = left_from(checking.left_at) if checking.left_at else left_out
        remarks = [] if self.stated else [f"read in the notation `{name}`: {about}"]
        remarks += [f"sample {self.sample} of {self.problem.samples}"] if several else []
        remarks += [left_out] if left_out else []
        remarks += [NAMES_LEFT] if self.names_left else []
        remarks += checking.elsewhere.remarks
        if checking.again_at:
            remarks.append(
                f"from line {min(checking.again_at)} on numbers of the next step, with the updated parameters"
            )
        return Solution(
            self.problem.title or self.title,
            name,
            tuple(_rows(rows, self.document.statements, checking.out, self.document.unread)),
            Sheet(self.title, tuple(checking.entries.values()), (f"names read in the notation `{name}`",)),
            tuple(remarks),
            self.sample if several else 0,
            tuple(checking.of_batch.values()),
            left_out,
        )


def check_solution(
    problem: Problem, text: str, *, notation: str | None = None, sample: int | None = None, title: str = "solution"
) -> Solution:
    """Check every relation of a written solution (Markdown, LaTeX, plain text, or a notebook's JSON).

    notation: a profile's name; without one the profile that fits the document best is taken and stated.  sample: which
    sample of several it works; without one, the one that its numbers fit.  Raises ValueError for an unknown notation
    and for a document or a step that is too large, NotationError for a network that the notation cannot write.
    """
    return read_solution(problem, text, notation=notation, sample=sample, title=title).solution()


def read_solution(
    problem: Problem, text: str, *, notation: str | None = None, sample: int | None = None, title: str = "solution"
) -> Reading:
    """Find how a written solution is to be read.  Raises as `check_solution`."""
    return read_document(problem, Document.of(text), notation=notation, sample=sample, title=title)


def read_document(
    problem: Problem,
    document: Document,
    *,
    notation: str | None = None,
    sample: int | None = None,
    title: str = "solution",
) -> Reading:
    """The same of a document whose statements are found already.  Raises as `check_solution`."""
    numbers = sum(math.prod(array.shape) for array in layered(problem).step.arrays.values())
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"the step has {numbers} numbers, a written solution is read for {MOST_NUMBERS} at most; "
            "hand in an answer sheet, as `bptrace sheet` writes it"
        )
    afforded = Afforded(_affordable(document.statements))
    with ctx.workprec(BITS):
        way, k = _best(problem, document.statements, document.rows, notation, sample, afforded)
    return Reading(problem, title, document, way, k, bool(notation), names_left=afforded.cut)


def _best(
    problem: Problem,
    found: list[Statement],
    rows: Sequence[SourceRow],
    notation: str | None,
    sample: int | None,
    afforded: Afforded,
) -> tuple[_Way, int]:
    """The way, and the sample, that leave least to complain of."""
    tried: list[tuple[_Way, int]] = []
    for name, book in list(books(problem, found, notation)):
        if any(way.score == (0, 0) for way, _ in tried):
            break  # none leaves less
        about = NOTATIONS[name].about if name in NOTATIONS else "the problem's own names"
        for k in [sample] if sample else range(1, min(problem.samples, MOST_SAMPLES) + 1):
            if not afforded.another():
                break
            like = next((way.checking for way, own in tried if own == k), None)
            tried.append((_Way(*_checked(problem, book, k, found, rows, like, afforded), name, about, found), k))
            if tried[-1][0].score == (0, 0):
                break
    best, k = min(tried, key=lambda way: way[0].score)
    if not notation and afforded.enough:
        others = [way for way, own in tried if own == k and way is not best and way.name in NOTATIONS]
        best = _in_own_names(problem, best, sorted(others, key=lambda way: way.score), rows, k, afforded)
    return best, k


def _affordable(found: Sequence[Statement]) -> int:
    """In how many ways a document of that size may be checked; one is always."""
    return max(MOST_CHECKED // max(sum(len(s.sides) for s in found), 1), 1)


def _in_own_names(
    problem: Problem, best: _Way, others: Sequence[_Way], rows: Sequence[SourceRow], sample: int, afforded: Afforded
) -> _Way:
    """The best way, or one with letters, then names, of the document's own that leaves less to complain of."""
    if best.score[0] >= LEAST_COMPLAINTS:
        best = _own_letters(problem, best, rows, sample, afforded) or best
    score = best.score
    if not score[0]:
        return best
    for way in (best, *others)[:MOST_NOTATIONS]:
        named = _own_names(way, rows, sample, score, afforded)
        if named and named.score < best.score:
            best = named
        if not best.score[0]:
            break  # nothing is left to complain of
    return best


def _checked(
    problem: Problem,
    book: Letterbook,
    sample: int,
    found: Sequence[Statement],
    rows: Sequence[SourceRow],
    like: Checking | None,
    afforded: Afforded,
) -> tuple[Score, Checking]:
    """(complaints, faults among them) and the check."""
    checking = _of_all(problem, book, sample, found, rows, like, afforded.next_effort())
    afforded.count(checking.effort)
    faults = sum(c.verdict.verdict in ("false", "follows") for c in checking.out)
    return (faults + sum(c.verdict.verdict == "unread" for c in checking.out), faults), checking


def _of_all(
    problem: Problem,
    book: Letterbook,
    sample: int,
    found: Sequence[Statement],
    rows: Sequence[SourceRow],
    like: Checking | None,
    effort: Effort | None = None,
    slips: frozenset[str] = frozenset(),
    accepted: Mapping[Quantity, Mark] | None = None,
) -> Checking:
    """Every statement checked; `like` has checked them in another way, `slips` are losses that it gives by mistake."""
    checking = Checking.of(problem, book, sample, like)
    checking.effort = effort or Effort(MOST_WORK // A_WAY)
    checking.elsewhere.slips = slips
    checking.accepted = accepted or {}
    checking.lines = {k: row.line for k, row in enumerate(rows)}
    checking.elsewhere.unbiased = not any(
        _is_bias(l, book) for s in found for side in s.sides for l in _names(side.tree)
    )
    enough = True
    for statement in with_indices(found, book):
        texts = _texts(statement, rows)
        try:
            if enough:
                checking.check(statement, texts)
        except Spent:
            enough = False
        if not enough:
            checking.leave(statement, texts)
    return checking


def _names(tree: Expression | None) -> list[Letters]:
    return letters_in(tree) if tree is not None else []


def _is_bias(letters: Letters, book: Letterbook) -> bool:
    """Whether a name is a bias in the notation, or has its usual letter."""
    meaning = book.meaning(letters.latex)
    return bool(_BIAS.search(letters.latex)) or (meaning is not None and meaning.quantity.kind in ("b", "db"))


def _own_letters(
    problem: Problem, plain: _Way, rows: Sequence[SourceRow], sample: int, afforded: Afforded
) -> _Way | None:
    """The check in letters of the document's own, where it leaves clearly less to complain of than any notation."""
    book, score = Letterbook(problem, "bishop"), plain.score
    best: _Way | None = None
    for dialect in dialects(plain.found, samples=problem.samples, single=set(problem.network.sizes) == {1}):
        if not afforded.another():
            afforded.cut = True
            break
        read = [dialect.read(s) for s in plain.found]
        own, checking = _checked(problem, book, sample, read, rows, plain.checking, afforded)
        gained = score[0] - own[0]
        if (
            own[0] <= score[0] * CLEARLY_LESS
            and 3 * (own[1] - score[1]) <= 2 * gained
            and (best is None or own < best.score)
        ):
            best = _Way(own, checking, "bishop", f"with its own letters: {dialect.about}", read)
    return best


def _own_names(way: _Way, rows: Sequence[SourceRow], sample: int, least: Score, afforded: Afforded) -> _Way | None:
    """The check with names of the document's own understood from what it says of them, where that leaves less."""
    way.checking.effort = afforded.next_effort()
    try:
        meant = glossary(way.checking, way.found, afforded)
    except Spent:
        afforded.cut = True
        return None
    if not (meant.known or meant.target):
        return None
    read = [meant.read(s) for s in way.found]
    own, again = _checked(way.checking.problem, way.checking.book, sample, read, rows, way.checking, afforded)
    gained, faults = least[0] - own[0], own[1] - least[1]
    if gained <= 0 or faults > 2 * gained:
        return None
    return _Way(own, again, way.name, f"{way.about}; own names: {meant.about}", read)


def _texts(statement: Statement, rows: Sequence[SourceRow]) -> list[str]:
    """The source of each side, for the report: from where it begins to the next relation."""
    return [_clean(side.text) for side in statement.sides]


def _clean(text: str) -> str:
    return " ".join(text.split())[:200]


def _rows(
    rows: Sequence[SourceRow], found: list[Statement], checked: list[Checked], unread: Mapping[int, str]
) -> Iterator[CheckedRow]:
    sides = unread_rows(found)
    by_row: dict[int, list[Checked]] = {}
    spans = _lines(rows)
    for relation in checked:
        at = relation.row
        if relation.verdict.places:
            at = next((k for k in range(len(rows)) if _holds(spans, rows, k, relation.line)), at)
        wrong = (not relation.verdict.right or relation.verdict.fact) and not relation.verdict.places
        for own in dict.fromkeys((at, *relation.rows)) if wrong else (at,):
            by_row.setdefault(own, []).append(relation)
    for k, row in enumerate(rows):
        why = unread.get(k, "")
        if not why and k in sides and (row.display or k in by_row):
            if (
                row.bare
                and "\\" not in row.text
                and k in sides
                and not any(r.verdict.verdict != "unread" for r in by_row.get(k, []))
            ):
                by_row.pop(k, None)
                continue
            why = f"column {sides[k].column}: {sides[k]}"
        yield CheckedRow(row.line, row.column, row.text.strip(), row.display, tuple(by_row.get(k, ())), why, row.bare)


def _lines(rows: Sequence[SourceRow]) -> list[int]:
    return [max((line for _, line, _ in row.places), default=row.line) for row in rows]


def _holds(spans: Sequence[int], rows: Sequence[SourceRow], k: int, line: int) -> bool:
    return rows[k].line <= line <= spans[k]
