"""A derivation as one HTML page with MathML: no script, no address, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from derivations.writing.lines import WrittenChain, WrittenPart
from derivations.writing.mathml import mathml_rows

__all__ = ["fragment", "page"]

_STYLE = """
.derivation { font: 1rem/1.5 system-ui, sans-serif; }
.derivation h1 { font-size: 1.5rem; } .derivation h2 { font-size: 1.15rem; margin-top: 2rem; }
.derivation section > div { overflow: auto hidden; padding: .35rem 0; margin: .35rem 0; }
.derivation math { width: fit-content; margin: 0; }
.derivation mtd { text-align: left; padding: .25em .4em; }
.derivation mtd:first-child { min-width: 4.5em; }
.derivation mtd:nth-child(2) { min-width: 24em; }
.derivation mtd mtd:nth-child(n) { min-width: 0; }
.derivation mtext { font-family: system-ui, sans-serif; font-size: .85em; opacity: .7; }
@media print { .derivation section > div { break-inside: avoid; overflow: visible; } }
""".strip()
_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
""".strip()


def page(title: str, parts: tuple[WrittenPart, ...], words: Mapping[str, str], proof: str, lang: str) -> str:
    """The whole page."""
    out = [
        "<!DOCTYPE html>",
        f'<html lang="{lang}">',
        '<head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}</title><style>{_PAGE_STYLE}\n{_STYLE}</style></head>",
        f'<body class="derivation"><h1>{escape(title)}</h1>',
        *_body(parts, words, proof),
    ]
    return "\n".join([*out, "</body></html>"])


def fragment(title: str, parts: tuple[WrittenPart, ...], words: Mapping[str, str], proof: str, lang: str) -> str:
    """The same as a part of somebody's page, such as a notebook, whose own style it leaves alone."""
    head = [f'<div class="derivation" lang="{lang}"><style>{_STYLE}</style>', f"<h1>{escape(title)}</h1>"]
    return "\n".join([*head, *_body(parts, words, proof), "</div>"])


def _body(parts: tuple[WrittenPart, ...], words: Mapping[str, str], proof: str) -> list[str]:
    out, marked = [], False
    for part in parts:
        out.append(f"<section><h2>{escape(part.heading)}</h2>")
        for chain in part.chains:
            marked = marked or any(line.marked for line in chain.lines)
            out.append(f'<div tabindex="0">{_block(chain)}</div>')
        out.append("</section>")
    if marked:
        out.append(f"<p>† {escape(words['marked'])}</p>")
    return [*out, f"<p>{escape(proof)}</p>"] if proof else out


def _block(chain: WrittenChain) -> str:
    rows = []
    for k, line in enumerate(chain.lines):
        relation = "=" if line.relation == "=" else r"\approx"
        for n, row in enumerate(line.rows):
            left = chain.left if k == n == 0 else "{}"
            last = n == len(line.rows) - 1
            right = rf"{relation} {row}" if n == 0 else rf"\quad {row}"
            right += r"\;{}^{\dagger}" if line.marked and last else ""
            rows.append((left, right, line.rule if last else ""))
    return mathml_rows(rows)
