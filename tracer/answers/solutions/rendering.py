"""A checked solution for people and programs: its rows with a mark in the margin, then what its numbers get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from tracer.answers.reporting.as_html import as_document, as_fragment
from tracer.answers.reporting.as_markdown import as_markdown
from tracer.answers.reporting.as_text import as_text, wrapped
from tracer.answers.reporting.blocks import Block, Lines, Title, clean
from tracer.answers.reporting.wording import Wording
from tracer.answers.solutions.plain import brief, folded, readable
from tracer.answers.solutions.typeset import typeset
from tracer.answers.solutions.verdicts import FACTS, NOT_CHECKED, VERDICTS, Checked

if TYPE_CHECKING:
    from tracer.answers.solutions.solution import CheckedRow, Solution

__all__ = ["MARKS", "STYLE", "fragment", "relations_json", "render"]

MARKS = {"true": "✓", "within": "≈", "follows": "→", "unread": "?", "false": "✗", "": ""}
"""The sign in the margin for each verdict."""
WIDTH, NAMED, LONGEST = 80, 30, 200
_INDENT = " " * 9
Closing = Sequence[Block]


def render(solution: Solution, form: str = "table", words: Wording | None = None, closing: Closing = ()) -> str:
    """As table, markdown, html or json; `closing` stands below the rows.  Raises ValueError for another form."""
    words = words or Wording()
    forms: dict[str, Callable[[Solution, Wording, Closing], str]] = {
        "table": _table,
        "markdown": _markdown,
        "html": lambda s, w, c: as_document(fragment(s, w, c), s.title, w.lang, styles=[STYLE]),
        "json": lambda s, w, _: json.dumps({"relations": relations_json(s, w)}, ensure_ascii=False, indent=1),
    }
    if form not in forms:
        raise ValueError(f"format '{form}' is not known; known are {', '.join(forms)}")
    return forms[form](solution, words, closing)


def relations_json(solution: Solution, words: Wording) -> list[dict[str, Any]]:
    """The relations as schema bptrace/check/1 has them; a row that could not be read at all is one without sides."""
    out: list[dict[str, Any]] = []
    for row in solution.rows:
        out += [_relation_json(r, words) for r in row.relations]
        if row.unread and not row.relations:
            sides = {"left": brief(clean(row.source), LONGEST), "relation": "", "right": "", "verdict": "unread"}
            out.append({"line": row.line, "column": row.column, **sides, "message": words.said(row.unread)})
    return out


def _relation_json(r: Checked, words: Wording) -> dict[str, Any]:
    v = r.verdict
    out = {"line": r.line, "column": r.column, "left": r.left, "relation": r.relation, "right": r.right}
    message = FACTS[v.fact].format(expected=v.expected) if v.fact else v.message
    return {
        **out,
        "verdict": v.verdict,
        "message": words.said(message),
        **({"expected": v.expected} if v.expected else {}),
    }


# --- what every format says ---


def _heading(solution: Solution, words: Wording) -> tuple[Title, Lines]:
    """The problem, how the document was read, and how many relations have each verdict."""
    apart = sum(r.verdict.message.find(NOT_CHECKED) >= 0 for r in solution.relations)
    counts = {v: solution.count(v) - (apart if v == "unread" else 0) for v in VERDICTS} | {"apart": apart}
    listed = [words.text("count", count=n, verdict=words.of_solutions(f"relation_{v}")) for v, n in counts.items() if n]
    read = sum(not row.unread for row in solution.rows)
    told = words.text("list").join(listed) or words.of_solutions("relation_none")
    rows = words.of_solutions("rows_read", read=read, rows=len(solution.rows), relations=told)
    return Title(solution.title), Lines((*map(words.said, solution.remarks), rows))


def _told(row: CheckedRow, words: Wording) -> Iterator[str]:
    """What is said of a row; in one of several relations, of which."""
    several = len({(r.line, r.column) for r in row.relations}) > 1
    for about, message in row.told:
        named = f"{about.relation} {brief(readable(about.right), NAMED)}: " if about and several else ""
        yield named + words.said(message)


def _headers(words: Wording) -> tuple[str, str, str]:
    return words.of_solutions("line"), words.of_solutions("source"), words.text("comment")


def _shown(solution: Solution) -> list[CheckedRow]:
    return [row for row in solution.rows if row.verdict]


def _table(solution: Solution, words: Wording, closing: Closing) -> str:
    """Each row as plain text, folded before its relation signs; what is told of it below."""
    rows = []
    for row in _shown(solution):
        first, *more = folded(readable(row.source), WIDTH - len(_INDENT))
        rows += [f"{MARKS[row.verdict]} {row.line:>5}  {first}", *(f"{_INDENT}{line}" for line in more)]
        for message in _told(row, words):
            rows += [f"{_INDENT}{line}" for line in wrapped(clean(message), WIDTH - len(_INDENT))]
    title, counted = _heading(solution, words)
    head = "\n".join((as_text([title]), as_text([counted])))
    return "\n\n".join(part for part in (head, "\n".join(rows), as_text(closing)) if part)


def _markdown(solution: Solution, words: Wording, closing: Closing) -> str:
    rows = [f"| | {' | '.join(_headers(words))} |", "|---|---|---|---|"]
    for row in _shown(solution):
        code = clean(_plain(row.source), 4000).replace("|", "\\|").replace("`", "'")
        said = as_markdown([Lines(("; ".join(_told(row, words)),))])
        rows.append(f"| {MARKS[row.verdict]} | {row.line} | `{code}` | {said} |")
    return "\n\n".join([as_markdown(_heading(solution, words)), "\n".join(rows), as_markdown(closing)]).rstrip()


STYLE = (
    ".solution td:nth-child(2){text-align:right!important}.solution td:nth-child(3){white-space:normal!important}"
    ".solution td:last-child{min-width:14rem;overflow-wrap:anywhere}"
    ".solution summary{cursor:pointer;list-style:none}.solution math{font-size:1.1em}"
    ".solution code{white-space:pre-wrap;overflow-wrap:anywhere}"
    ".solution .false{background:#d9534f22}.solution .follows{background:#c98a0022}"
    ".solution .unread{background:#8882}.solution .mark{font-weight:bold;text-align:center!important}"
)


def fragment(solution: Solution, words: Wording, closing: Closing) -> str:
    """The rows as formulas where they can be set, else as they are written, with a mark beside each."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in _headers(words))
    rows = [f'<table class="solution">\n<thead><tr><th></th>{head}</tr></thead>\n<tbody>']
    for row in _shown(solution):
        told = "<br>".join(escape(clean(message)) for message in _told(row, words))
        source = escape(row.source)
        maths = None if row.unread or row.bare else typeset(row.source)
        shown = f"<code>{source}</code>"
        if maths is not None:
            shown = f"<details><summary><math>{maths}</math></summary><code>{source}</code></details>"
        said = escape(words.of_solutions(f"relation_{row.verdict}"))
        mark = f'<td class="mark" title="{said}">{MARKS[row.verdict]}</td>'
        rows.append(f'<tr class="{row.verdict}">{mark}<td>{row.line}</td><td>{shown}</td><td>{told}</td></tr>')
    body = "\n".join([f"<style>{STYLE}</style>", *rows, "</tbody>\n</table>"])
    return as_fragment(_heading(solution, words), body, closing)


_ARRANGING = ("\\displaystyle", "\\shoveleft", "\\notag", "\\nonumber", "\\left", "\\right")


def _plain(source: str) -> str:
    """A row's source on one line, without what only arranges it."""
    for command in _ARRANGING:
        source = _without(source, command)
    return " ".join(source.replace("&", " ").split())


def _without(source: str, command: str) -> str:
    """A text without a command, also where a longer one begins with its letters."""
    first, *rest = source.split(command)
    return first + "".join(part if not part[:1].isalpha() else command + part for part in rest)
