"""One door to all formats of a derivation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from derivations.writing.lines import Style, Told, WrittenPart, aligned_rows, written_parts
from derivations.writing.words import words_of

if TYPE_CHECKING:
    from derivations.derived import Derivation

__all__ = ["DOCUMENTS", "FORMATS", "render"]

DOCUMENTS = ("article", "beamer", "fragment")
WIDTHS = {"article": 44.5, "beamer": 37.5, "fragment": 32.0}
"""How wide a derivation may be, in em of 10 pt: the line less the equation's number; a fragment fits into any class."""
FORMATS = ("text", "latex", "markdown", "html", "json")


def render(
    derivation: Derivation,
    form: str = "text",
    *,
    notation: str = "bishop",
    document: str = "article",
    label_prefix: str | None = None,
    decimal: str = "point",
    lang: str = "en",
    proved: bool = False,
) -> str:
    """The derivation in one of FORMATS.

    notation: a profile's name, or `names` for the problem's own.  document: one of DOCUMENTS, for LaTeX; HTML is a page
    or, as a fragment, a part of somebody's.  label_prefix: what the labels of the equations begin with; without one
    there are none (KaTeX knows no labels).  decimal: point or comma.  lang: en or ja.  proved: add the line that says
    what sympy proves.  Raises ValueError for what is not known.
    """
    if form not in FORMATS:
        raise ValueError(f"format '{form}' is not known; known are {', '.join(FORMATS)}")
    if document not in DOCUMENTS:
        raise ValueError(f"document '{document}' is not known; known are {', '.join(DOCUMENTS)}")
    if decimal not in ("point", "comma"):
        raise ValueError(f"decimal '{decimal}' is not known; known are point, comma")
    if label_prefix is not None and not _is_prefix(label_prefix):
        raise ValueError(f"label prefix '{label_prefix[:30]}' must be letters, digits and - : .")
    words = words_of(lang)
    style = Style(
        derivation.profile(notation),
        lang,
        decimal,
        WIDTHS[document] if form == "latex" else 42.0,
        label_prefix or "",
    )
    parts = written_parts(derivation, style, notation)
    title = _title(derivation, words)
    blank = derivation.level == "worksheet" and not derivation.solved
    proof = derivation.proof.words if proved else ""
    makers: dict[str, Callable[[], str]] = {
        "text": lambda: _text(title, parts, words, proof, shapes=derivation.level == "matrix", name=blank),
        "markdown": lambda: _markdown(title, parts, words, proof, name=blank),
        "json": lambda: _json(derivation, title, parts, proof),
    }
    if form in makers:
        return makers[form]()
    if form == "html":
        from derivations.writing import html

        return (html.fragment if document == "fragment" else html.page)(title, parts, words, proof, lang, name=blank)
    from derivations.writing.document import latex_document

    return latex_document(derivation, title, parts, style, document, proof)


def _is_prefix(text: str) -> bool:
    return bool(text) and all(c.isascii() and (c.isalnum() or c in "-:.") for c in text)


def _title(derivation: Derivation, words: Any) -> str:
    title = derivation.problem.title or words["title"]
    if derivation.level == "worksheet":
        title = f"{title}: {words['key' if derivation.solved else 'worksheet']}"
    return "".join(c if c.isprintable() else " " for c in title)


def _marked(parts: tuple[WrittenPart, ...]) -> bool:
    return any(line.marked for part in parts for chain in part.chains for line in chain.lines)


def _text(title: str, parts: tuple[WrittenPart, ...], words: Any, proof: str, *, shapes: bool, name: bool) -> str:
    out = [title, *(["", f"{words['name']}: {'_' * 40}"] if name else [])]
    for part in parts:
        out += ["", part.heading, *_told(part.before)]
        above = False
        for chain in part.chains:
            gap = " " * len(chain.left_text)
            several = len(chain.lines) > 1
            if chain.before or several or above:
                out += [""]
            above = several
            out += _told(chain.before)
            for k, line in enumerate(chain.lines):
                head = f"{chain.left_text if k == 0 else gap} {line.relation} "
                tail = " \u2020" if line.marked else ""
                tail += f"    ({line.rule})" if line.rule and (several or shapes) else ""
                out += _wrapped(head, line.text, tail)
    if _marked(parts):
        out += ["", f"\u2020 {words['marked']}"]
    return "\n".join([*out, *(["", *wrap(proof, 80)] if proof else [])])


def _told(sentences: tuple[Told, ...]) -> list[str]:
    return [row for told in sentences for row in wrap(told.text, TEXT_WIDTH, break_long_words=False)]


TEXT_WIDTH = 80
_BREAK = re.compile(r"(?= [+-] )|(?<=\u00b7)|(?<=; )")


def _wrapped(head: str, formula: str, tail: str) -> list[str]:
    """A line of text, continued below where it is longer than TEXT_WIDTH: before a sign or after a dot."""
    if len(head) + len(formula) + len(tail) <= TEXT_WIDTH:
        return [head + formula + tail]
    pieces = [piece for piece in _BREAK.split(formula) if piece]
    rows, indent = [head], " " * (len(head) + 2)
    for k, piece in enumerate(pieces):
        if k and len(rows[-1]) + len(piece.rstrip()) > TEXT_WIDTH:
            rows.append(indent + piece.lstrip())
        else:
            rows[-1] += piece
    if tail and len(rows[-1]) + len(tail) > TEXT_WIDTH:
        rows.append(indent + tail.strip())
    else:
        rows[-1] += tail
    return [row.rstrip() for row in rows]


def _markdown(title: str, parts: tuple[WrittenPart, ...], words: Any, proof: str, *, name: bool) -> str:
    out = [f"# {_escaped(title)}", *(["", f"{words['name']}: " + r"\_" * 30] if name else [])]
    for part in parts:
        out += ["", f"## {part.heading}"]
        for told in (told for told in part.before if told.pieces):
            out += ["", _prose(told)]
        for chain in part.chains:
            for told in chain.before:
                out += ["", _prose(told)]
            if chain.lines:
                out += ["", "$$", r"\begin{aligned}", *aligned_rows(chain), r"\end{aligned}", "$$"]
    if _marked(parts):
        out += ["", f"\u2020 {words['marked']}"]
    return "\n".join([*out, *(["", _escaped(proof)] if proof else [])])


def _prose(told: Told) -> str:
    return "".join(f"${piece}$" if math else _escaped(piece) for math, piece in told.pieces)


def _json(derivation: Derivation, title: str, parts: tuple[WrittenPart, ...], proof: str) -> str:
    out: dict[str, Any] = {"schema": "bptrace/derive/1", "title": title, "level": derivation.level}
    out["parts"] = [
        {
            "heading": part.heading,
            **({"sentences": [told.text for told in part.before]} if part.before else {}),
            "chains": [
                {
                    **({"sentences": [told.text for told in chain.before]} if chain.before else {}),
                    "left": chain.left_text,
                    "latex": chain.left,
                    "lines": [
                        {
                            "relation": line.relation,
                            "text": line.text,
                            "latex": " ".join(line.rows),
                            "rule": line.rule,
                            **({"marked": True} if line.marked else {}),
                        }
                        for line in chain.lines
                    ],
                }
                for chain in part.chains
            ],
        }
        for part in parts
    ]
    if proof:
        out["proof"] = proof
    return json.dumps(out, ensure_ascii=False, indent=1)


def _escaped(text: str) -> str:
    for special in "\\`*_[]<>|#$":
        text = text.replace(special, "\\" + special)
    return text
