"""A verification as text: in words, as tables, CSV and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

from tracer.show.as_json import dumps
from tracer.show.grid import grid
from tracer.verification.proofs import PROVED, REFUTED, UNDECIDED
from tracer.verification.rows import (
    MOST_NAMED,
    PARTS,
    Row,
    ball_cells,
    ball_csv,
    cells,
    legend,
    listed,
    refuted_told,
    row_json,
    textbook_cells,
    textbook_csv,
    told,
)

if TYPE_CHECKING:
    from tracer.verification.result import Verification

__all__ = ["lines", "render"]

HEADERS = ("quantity", "traced", "symbolic", "differences", "off by", "allowed", "verdict")
BALL_HEADERS = ("true value", "radius", "certificate")
MOST_ROWS = 500
COLUMNS = 80


def lines(v: Verification) -> list[str]:
    """The answer in words, the causes first."""
    out = [_headline(v), *(f"  {text}" for text in v.explanations)]
    out += _wrong_lines(v) + _certificate_lines(v) + _textbook_lines(v)
    if v.inherited:
        out.append(f"  follow from that: {listed(v.inherited)}")
    for route, found in v.disagreeing.items():
        if found and not (route == "traced" and not v.theirs):
            out.append(f"  the {route} route disagrees with the two others at {listed(found)}")
    plain = tuple(name for name in v.undecided if name not in set(v.vague))
    if plain:
        out.append(f"  cannot be decided: {listed(plain)}")
    if v.vague:
        out.append(f"  cannot be decided, as what rounding allows is not small beside the number: {listed(v.vague)}")
    out += [
        f"  kink: {k['unit']} = {k['distance']:.3g} is within rounding of 0; slope {k['left']:g} on the left, "
        f"{k['right']:g} on the right, {k['taken']:g} taken ({k['convention']})"
        for k in v.kinks[:MOST_NAMED]
    ]
    if len(v.kinks) > MOST_NAMED:
        out.append(f"  and {len(v.kinks) - MOST_NAMED} more units at a kink")
    if v.undifferenced:
        out.append(f"  two routes, as differences say nothing there: {listed(v.undifferenced)}")
    if "from" in v.conventions:
        out += [f"  {name}: {words}" for name, words in v.conventions.items()]
    return out + [f"  note: {note}" for note in v.notes]


def _headline(v: Verification) -> str:
    whose = "given" if v.theirs else "traced"
    if v.verdict == "agree":
        return (
            f"agree: {v.count} {whose} numbers by three routes; the largest difference is {v.worst:.2g} "
            "of what is allowed"
        )
    if v.verdict == "undecided" and v.proofs:
        decided, left = len(v.certified[PROVED]), len(v.certified[UNDECIDED])
        if not decided + left:
            return f"undecided: none of the {v.count} {whose} numbers has a certificate; signals and gradients have"
        if left:
            return f"undecided: {left} of {decided + left} {whose} numbers with a certificate are not proved"
    if v.verdict == "undecided" and v.undefined:
        return f"undecided: the loss is not defined here, {listed(v.undefined)} is not a number"
    if v.verdict == "undecided":
        return f"undecided: {len(v.undecided)} of {v.count} {whose} numbers cannot be decided"
    faults = sum(step.faults for step in v.steps)
    if not faults and v.certified[REFUTED]:
        return f"disagree: {len(v.certified[REFUTED])} of {v.count} {whose} numbers are refuted"
    if not faults:
        return f"disagree: the routes differ, though the {v.count} {whose} numbers fit"
    are = "is" if faults == 1 else "are"
    return f"disagree: {faults} of {v.count} {whose} numbers {are} wrong, {len(v.wrong)} as a cause"


def _certificate_lines(v: Verification) -> list[str]:
    """What the balls say: the counts, the refuted numbers, what stays open and why, which routes lie apart."""
    if not v.proofs:
        return []
    found, apart = v.certified, sorted({name for proof in v.proofs for name in proof.apart})
    out = [f"  certified: {', '.join(f'{len(each)} {verdict}' for verdict, each in found.items())}; {_balls(v)}"]
    none = v.count - sum(map(len, found.values()))
    if v.theirs and none:
        out.append(f"  without a certificate: {none}; signals and gradients have one")
    refuted = _certified_rows(v, REFUTED)
    out += [refuted_told(row, v.theirs) for row in refuted]
    if len(found[REFUTED]) > len(refuted):
        out.append(f"  and {len(found[REFUTED]) - len(refuted)} more refuted")
    if apart:
        out.append(f"  the two ball routes lie apart at {listed(tuple(apart))}: nothing is decided there")
    if found[UNDECIDED]:
        out.append(f"  undecided: {listed(found[UNDECIDED])}")
    kinks = [name for proof in v.proofs for name in proof.kinks]
    if kinks:
        out.append(f"  at a kink, where the slopes of both sides are in the ball: {listed(tuple(kinks))}")
    return out


def _balls(v: Verification) -> str:
    bits = max(proof.certificates.bits for proof in v.proofs)
    return f"balls of relative radius {v.proofs[0].certificates.accuracy:g}, {bits} bits, by two routes"


def _certified_rows(v: Verification, *verdicts: str, most: int = MOST_NAMED) -> list[Row]:
    """The first rows with these certificates."""
    of = (v.first([proof.found(verdict) for proof in v.proofs], most) for verdict in verdicts)
    return [row for rows in of for row in rows][:most]


def _wrong_lines(v: Verification) -> list[str]:
    out = [told(row, v.theirs) for row in v.first(v.causes, MOST_NAMED)]
    if len(v.wrong) > len(out):
        out.append(f"  and {len(v.wrong) - len(out)} more causes")
    return out


def render(v: Verification, form: str = "table") -> str:
    """As table, markdown, html (a fragment), csv or json."""
    if form == "json":
        return dumps(_json(v))
    headers = list(HEADERS[:1]) + (["given"] if v.theirs else []) + list(HEADERS[1:])
    rows = v.rows if form == "csv" or v.count <= MOST_ROWS else _few(v)
    if form == "csv":
        entries = [cells(row, v.theirs, full=True) for row in rows]
        headers = [*headers[:-1], "rounding", "truncation", "printed", "verdict"]
        if v.proofs:
            headers += ["true value", "radius", "certificate"]
            entries = [[*entry, *ball_csv(row)] for entry, row in zip(entries, rows, strict=True)]
        if v.textbook:
            headers += [f"textbook {part}" for part in PARTS]
            entries = [[*entry, *textbook_csv(row)] for entry, row in zip(entries, rows, strict=True)]
        return grid(headers, entries, form)
    table = _three_routes(headers, rows, v.theirs, form)
    left = v.count - len(rows)
    more = [f"({left} more numbers; --format csv or json has them all)", ""] if left > 0 else [""]
    sizes = [row for row in rows if math.isfinite(row.tolerance)]
    below = [legend(max(sizes, key=lambda r: r.tolerance))] if sizes else []
    balls = _ball_table(v, form) if v.proofs else []
    textbook = _textbook_table(v, rows, form) if v.textbook else []
    words = [*lines(v), *below]
    if form == "html":
        told = escape("\n".join([*filter(None, more), *words[1:]]))
        verdict = f"<p><b>{escape(words[0])}</b></p>"  # before the table, which may be long
        told = told and f'<pre style="white-space:pre-wrap">{told}</pre>'
        parts = [verdict, table, *filter(None, [*balls, *textbook, told])]
        return "\n".join(["<section>", *parts, "</section>"])
    return "\n".join([table, *more, *balls, *textbook, *(_bullets(words) if form == "markdown" else _folded(words))])


def _three_routes(headers: list[str], rows: Sequence[Row], theirs: bool, form: str) -> str:
    """The table, with as many digits as a terminal has columns for."""
    for digits in (8, 7, 6, 5, 4):
        table = grid(headers, [cells(row, theirs, digits=digits) for row in rows], form)
        if form != "table" or max(map(len, table.splitlines())) <= COLUMNS:
            break
    return table


def _bullets(words: list[str]) -> list[str]:
    """The first sentence, and a list of the others."""
    return [words[0], *[""][: len(words) - 1], *(f"- {text.strip()}" for text in words[1:])]


def _folded(words: list[str]) -> list[str]:
    """Each sentence in lines of a terminal's width, broken between words."""
    fold = TextWrapper(COLUMNS, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False).wrap
    return [part for text in words for part in fold(text)]


def _ball_table(v: Verification, form: str) -> list[str]:
    """The certificates: all, or of many numbers the first of each verdict."""
    count = sum(map(len, v.certified.values()))
    if not count:
        return []
    shown = v.rows if v.count <= MOST_ROWS else _certified_rows(v, REFUTED, UNDECIDED, PROVED, most=20)
    entries = [ball_cells(row) for row in shown if row.ball is not None]
    headers = ["quantity", "given" if v.theirs else "traced", *BALL_HEADERS]
    table = grid(headers, entries, form)
    more = [f"({count - len(entries)} more certificates; --format csv or json has them all)"]
    return ["Certificates: the true value lies within the radius", "", table, *more * (len(entries) < count), ""]


def _textbook_table(v: Verification, rows: tuple[Row, ...], form: str) -> list[str]:
    """The central differences of the rows that are shown, and how to read them."""
    shown = rows if v.count <= MOST_ROWS else [row for row in v.rows if row.textbook][:20]
    entries = [textbook_cells(row) for row in shown if row.textbook]
    if not entries:
        return []
    headers = ["quantity", "given" if v.theirs else "traced", "(E+ - E-)/2h", *PARTS[2:]]
    title = f"Textbook: central differences with h = {v.textbook[0].h:g} in float64, and their error"
    return [title, "", grid(headers, entries, form), ""]


def _textbook_lines(v: Verification) -> list[str]:
    """How far off right central differences are, and which given numbers may be such."""
    of = [(row, row.textbook) for row in v.rows if row.textbook is not None] if v.textbook else []
    if not of:
        return []
    (worst, q), h = max(of, key=lambda pair: pair[1].off), v.textbook[0].h
    out = [
        f"  textbook: with h = {h:g} central differences are off by up to {q.off:.2g}, at {worst.name}: "
        f"truncation {q.truncation:.2g}, rounding {q.rounding:.2g}"
    ]
    if v.theirs:
        fit = sum(abs((row.given or 0.0) - row.traced) <= quotient.allowed + row.printed for row, quotient in of)
        out.append(f"  textbook: {fit} of {len(of)} given numbers are no further off than right ones may be")
    return out


def _few(v: Verification) -> tuple[Row, ...]:
    """What is not in order, and the first numbers of each array."""
    shown = [row for row in v.rows if row.verdict != "agrees"][:MOST_ROWS]
    return tuple(shown or v.rows[:20])


def _json(v: Verification) -> dict[str, Any]:
    out: dict[str, Any] = {
        "schema": "bptrace/verify/1",
        "title": v.problem.title,
        "verdict": v.verdict,
        "wrong": list(v.wrong),
        "inherited": list(v.inherited),
        "explanations": list(v.explanations),
        "routes": {route: list(found) for route, found in v.disagreeing.items()},
        "quantities": [row_json(row) for row in v.rows],
        "kinks": list(v.kinks),
        "conventions": dict(v.conventions),
    }
    if v.proofs:
        out["certificates"] = _certificates_json(v)
    if v.textbook:
        out["textbook"] = {"h": v.textbook[0].h}
    notes = list(v.notes)
    if any(None in entry.values() for entry in out["quantities"]):
        notes.append("null stands for a number that is not finite, and for a tolerance that nothing bounds")
    return out | ({"notes": notes} if notes else {})


def _certificates_json(v: Verification) -> dict[str, Any]:
    return {
        "accuracy": v.proofs[0].certificates.accuracy,
        "bits": max(proof.certificates.bits for proof in v.proofs),
        **{verdict: list(found) for verdict, found in v.certified.items()},
        "routes_apart": sorted({name for proof in v.proofs for name in proof.apart}),
    }
