"""A checked solution for people and programs: the document's rows with a mark in the margin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from tracer.answers.solutions.typeset import typeset
from tracer.answers.solutions.verdicts import FACTS

if TYPE_CHECKING:
    from tracer.answers.solutions.solution import Solution

__all__ = ["MARKS", "relations_json", "render"]

MARKS = {"true": "✓", "within": "≈", "follows": "→", "unread": "?", "false": "✗", "": ""}
"""The sign in the margin for each verdict."""
_WORDS = {
    "true": "true",
    "within": "true within the digits shown",
    "follows": "following from an earlier slip",
    "unread": "not understood",
    "false": "false",
}
WIDTH, LONGEST, NESTED = 80, 4000, 12


def render(solution: Solution, form: str = "table") -> str:
    """As table, markdown, html or json.  Raises ValueError for another."""
    forms: dict[str, Callable[[Solution], str]] = {
        "table": _table,
        "markdown": _markdown,
        "html": _html,
        "json": lambda s: json.dumps({"relations": relations_json(s)}, ensure_ascii=False, indent=1),
    }
    if form not in forms:
        raise ValueError(f"format '{form}' is not known; known are {', '.join(forms)}")
    return forms[form](solution)


def relations_json(solution: Solution) -> list[dict[str, Any]]:
    """The relations as schema bptrace/check/1 has them; a row that could not be read at all is one without sides."""
    out: list[dict[str, Any]] = []
    for row in solution.rows:
        for r in row.relations:
            v = r.verdict
            message = FACTS[v.fact].format(expected=v.expected) if v.fact else v.message
            out.append(
                {
                    "line": r.line,
                    "column": r.column,
                    "left": r.left,
                    "relation": r.relation,
                    "right": r.right,
                    "verdict": v.verdict,
                    "message": message,
                    **({"expected": v.expected} if v.expected else {}),
                }
            )
        if row.unread and not row.relations:
            out.append(
                {
                    "line": row.line,
                    "column": row.column,
                    "left": _cut(row.source, 200),
                    "relation": "",
                    "right": "",
                    "verdict": "unread",
                    "message": row.unread,
                }
            )
    return out


def _heading(solution: Solution) -> list[str]:
    counts = [f"{n} {_WORDS[v]}" for v in _WORDS if (n := solution.count(v))]
    unread = sum(bool(row.unread) for row in solution.rows)
    read = sum(1 for row in solution.rows if not row.unread)
    return [
        solution.title,
        *solution.remarks,
        f"{read} of {read + unread} rows read; relations: {', '.join(counts) or 'none found'}",
    ]


def _table(solution: Solution) -> str:
    """Each row on one line as plain text, cut where it is longer; what is told of it below."""
    out = [piece for line in _heading(solution) for piece in _wrapped(line, WIDTH)] + [""]
    for row in solution.rows:
        if row.verdict:
            out.append(f"{MARKS[row.verdict]} {row.line:>5}  {_cut(readable(row.source), WIDTH - 9)}")
            for message in row.messages:
                out += [f"         {line}" for line in _wrapped(message, WIDTH - 9)]
    return "\n".join(out)


_SIGNS = {
    **dict.fromkeys(("approx", "simeq"), "≈"), "fallingdotseq": "≒", "doteq": "≐", "equiv": "≡", "prime": "'",
    **dict.fromkeys(("leftarrow", "gets"), "←"), **dict.fromkeys(("rightarrow", "to"), "→"), "dagger": "†", "top": "T",
    "cdot": "·", "times": "×", "odot": "⊙", "partial": "∂", "nabla": "∇", "sum": "Σ", "infty": "∞", "cdots": "⋯",
    "dots": "…", "quad": " ", "qquad": "  ", "delta": "δ", "eta": "η", "sigma": "σ", "theta": "θ", "alpha": "α",
    "beta": "β", "phi": "φ", "Phi": "Φ", "mu": "μ", "pi": "π",
}  # fmt: skip
_DROPPED = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|shoveleft|notag|nonumber|left|right|limits)(?![A-Za-z])\.?"
    r"|\\[,;!: ]"
    r"|\\(?:label|tag)\{[^{}]*\}|&+|\$"
)
_WORD = re.compile(
    r"\\(?:mathrm|mathit|mathbf|mathcal|text|textrm|operatorname|boldsymbol|bm)\s*\{([^{}]*)\}|\{\\bf\s+(\w)\}"
)
_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_MATRIX = re.compile(
    r"\\begin\{\w*(?:matrix|array|aligned|cases)\}(?:\{[clr|]*\})?|\\end\{\w*(?:matrix|array|aligned|cases)\}"
)


def readable(latex: str) -> str:
    """A row's LaTeX as plain text, for the terminal."""
    text = _MATRIX.sub(lambda m: "[" if "begin" in m[0] else "]", latex[:LONGEST])
    text = text.replace("\\\\", "; ") if "[" in text else text
    text = _WORD.sub(lambda m: m[1] or m[2], _DROPPED.sub(" ", text))
    for _ in range(NESTED):
        simpler = _SCRIPT.sub(lambda m: f"{m[1]}{m[2]}", text)
        simpler = _FRACTION.sub(lambda m: f"{_grouped(m[1])}/{_grouped(m[2])}", simpler)
        simpler = re.sub(r"\{([^{}\\]*)\}", r"\1", simpler) if simpler == text else simpler
        if simpler == text:
            break
        text = simpler
    if "\\frac" in text:  # braces that do not close where they should
        return " ".join(latex.split())
    text = re.sub(r"\\([A-Za-z]+) ?", lambda m: _SIGNS.get(m[1], m[1]), text)
    return " ".join(text.replace("{", "").replace("}", "").split())


def _grouped(text: str) -> str:
    text = text.strip()
    return f"({text})" if re.search(r"[-+ ]|\\cdot|\\times", text.replace("\\partial ", "")) else text


def _markdown(solution: Solution) -> str:
    head, *more = _heading(solution)
    out = [f"**{_md(head)}**", "", *(f"{_md(line)}  " for line in more), ""]
    out += ["| | line | row | what it should be |", "|---|---|---|---|"]
    for row in solution.rows:
        if row.verdict:
            source = _plain(row.source).replace("|", "\\|").replace("`", "'")
            out.append(f"| {MARKS[row.verdict]} | {row.line} | `{source}` | {_md('; '.join(row.messages))} |")
    return "\n".join(out)


_STYLE = (
    ".solution{border-collapse:collapse;font:15px/1.5 system-ui,sans-serif}"
    ".solution td{padding:.15em .7em;vertical-align:top}"
    ".solution summary{cursor:pointer;list-style:none}.solution math{font-size:1.1em}"
    ".solution code{white-space:pre-wrap;overflow-wrap:anywhere}"
    ".solution .false{background:#fde8e8}.solution .follows{background:#fff4dd}"
    ".solution .unread{background:#eee}.solution .mark{font-weight:bold;text-align:center}"
)


def _html(solution: Solution) -> str:
    """The rows as formulas where they can be set, else as they are written, with a mark beside each."""
    head, *more = _heading(solution)
    out = [f"<style>{_STYLE}</style>", '<section class="solution-report">', f"<h2>{escape(head)}</h2>"]
    out += [f"<p>{escape(line)}</p>" for line in more]
    out.append('<table class="solution">')
    for row in solution.rows:
        if not row.verdict:
            continue
        told = "<br>".join(map(escape, row.messages))
        source = escape(row.source)
        maths = None if row.unread else typeset(row.source)
        shown = f"<code>{source}</code>"
        if maths is not None:
            shown = f"<details><summary><math>{maths}</math></summary><code>{source}</code></details>"
        mark = f'<td class="mark" title="{escape(_WORDS[row.verdict])}">{MARKS[row.verdict]}</td>'
        out.append(f'<tr class="{row.verdict}">{mark}<td>{row.line}</td><td>{shown}</td><td>{told}</td></tr>')
    return "\n".join([*out, "</table>", "</section>"])


def _plain(source: str) -> str:
    """A row's source on one line, without what only arranges it."""
    for command in ("\\displaystyle", "\\shoveleft", "\\notag", "\\nonumber", "\\left", "\\right"):
        source = source.replace(command, "")
    return " ".join(source.replace("&", " ").split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters, broken at blanks where there are some."""
    lines = [""]
    for word in text.split():
        while len(word) > width:
            lines += [word[:width]] if lines[-1] else []
            if not lines[-1]:
                lines[-1] = word[:width]
            word = word[width:]
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _md(text: str) -> str:
    for special in "\\`*_[]<>|":
        text = text.replace(special, f"\\{special}")
    return text
