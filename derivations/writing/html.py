"""A derivation as one HTML page with MathML: no script, no address, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from derivations.writing.lines import Told, WrittenChain, WrittenPart
from derivations.writing.mathml import mathml_rows
from derivations.writing.policy import policy

__all__ = ["fragment", "page"]

_STYLE = """
.derivation { font: 1rem/1.5 system-ui, sans-serif; }
.derivation h1, .derivation h3 { font-size: 1.5rem; }
.derivation h2, .derivation h4 { font-size: 1.15rem; margin-top: 2rem; }
.derivation section > div { overflow: auto hidden; padding: .35rem 0; margin: .35rem 0; }
.derivation math { width: fit-content; margin: 0; }
.derivation mtd { text-align: left; padding: .25em .4em; }
.derivation mtd:first-child { min-width: 4.5em; }
.derivation mtd:nth-child(2) { min-width: 24em; }
.derivation mtd mtd:nth-child(n) { min-width: 0; }
.derivation mtext { font-family: system-ui, sans-serif; font-size: .85em; opacity: .7; }
@media print { .derivation section > div { break-inside: avoid; overflow: visible; } }
""".strip()
_PART_STYLE = """
.derivation .formula { display: block !important; }
.derivation pre { display: none; }
""".strip()
"""JupyterLab takes MathML and styles out of notebooks that it does not trust: 1/(1 + exp(-a)) would read 11 + exp(-a).
So a formula is hidden and its text shown, unless this style, which goes the same way as MathML, turns it round."""
_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
""".strip()


def page(
    title: str, parts: tuple[WrittenPart, ...], words: Mapping[str, str], proof: str, lang: str, *, name: bool = False
) -> str:
    """The whole page."""
    style = f"{_PAGE_STYLE}\n{_STYLE}"
    out = [
        "<!DOCTYPE html>",
        f'<html lang="{lang}">',
        f'<head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{policy([style])}"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}</title><style>{style}</style></head>",
        f'<body class="derivation"><h1>{escape(title)}</h1>',
        *_name(words, name),
        *_body(parts, words, proof),
    ]
    return "\n".join([*out, "</body></html>"])


def fragment(
    title: str, parts: tuple[WrittenPart, ...], words: Mapping[str, str], proof: str, lang: str, *, name: bool = False
) -> str:
    """The same as a part of somebody's page, such as a notebook, whose own style and headings it leaves alone."""
    style = f"{_STYLE}\n{_PART_STYLE}"
    head = [f'<div class="derivation" lang="{lang}"><style>{style}</style>', f"<h3>{escape(title)}</h3>"]
    return "\n".join([*head, *_name(words, name), *_body(parts, words, proof, whole=False), "</div>"])


def _name(words: Mapping[str, str], asked: bool) -> list[str]:
    return [f"<p>{escape(words['name'])}: {'_' * 30}</p>"] if asked else []


def _body(parts: tuple[WrittenPart, ...], words: Mapping[str, str], proof: str, *, whole: bool = True) -> list[str]:
    heading = "h2" if whole else "h4"
    out, marked = [], False
    for part in parts:
        out.append(f"<section><{heading}>{escape(part.heading)}</{heading}>")
        out += [_prose(told) for told in part.before]
        for chain in part.chains:
            out += [_prose(told) for told in chain.before]
            if not chain.lines:
                continue
            marked = marked or any(line.marked for line in chain.lines)
            hidden = "" if whole else ' class="formula" style="display:none"'
            out.append(f'<div tabindex="0"{hidden}>{_block(chain)}</div>')
            out += [] if whole else [f"<pre>{escape(_plain(chain))}</pre>"]
        out.append("</section>")
    if marked:
        out.append(f"<p>† {escape(words['marked'])}</p>")
    return [*out, f"<p>{escape(proof)}</p>"] if proof else out


def _prose(told: Told) -> str:
    return f"<p>{escape(told.text)}</p>"


def _plain(chain: WrittenChain) -> str:
    """The chain as text, a line below the other."""
    rows = []
    for k, line in enumerate(chain.lines):
        left = chain.left_text if k == 0 else " " * len(chain.left_text)
        rule = f"    ({line.rule})" if line.rule and len(chain.lines) > 1 else ""
        rows.append(f"{left} {line.relation} {line.text}{' †' if line.marked else ''}{rule}")
    return "\n".join(rows)


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
