"""A report as one HTML page: no scripts, nothing loaded, light and dark, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from derivations.writing.policy import policy
from tracer.answers.reporting.blocks import Block, Grid, Items, Lines, Section, Title, clean

__all__ = ["as_document", "as_fragment", "as_html"]

# Only tones that read on white and on black, so that the same rules serve a notebook of either theme.
STYLE = """
.bptrace-report{font-family:system-ui,sans-serif;line-height:1.45;max-width:60rem}
.bptrace-report table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums;display:block;
overflow-x:auto}
.bptrace-report th,.bptrace-report td:not(:last-child){white-space:nowrap}
.bptrace-report td:last-child{min-width:8rem}
.bptrace-report th,.bptrace-report td{text-align:left!important;
padding:.25rem .7rem;vertical-align:top;overflow-wrap:break-word;
border-bottom:1px solid #8884}
.bptrace-report th{border-bottom:2px solid #8888}
.bptrace-report tr.right td:first-child{box-shadow:inset 3px 0 #2a9d55}
.bptrace-report tr.wrong td:first-child{box-shadow:inset 3px 0 #d9534f}
.bptrace-report tr.open td:first-child{box-shadow:inset 3px 0 #c98a00}
.bptrace-report tr.wrong,.bptrace-report tr.open{background:#d9534f14}
.bptrace-report li{margin:.4rem 0}
.bptrace-report summary{cursor:pointer;padding:.2rem 0}
""".strip()
PAGE = """
:root{color-scheme:light dark}
body{margin:2rem auto;padding:0 1rem;max-width:60rem;background:#fff;color:#1b1b1b}
@media (prefers-color-scheme:dark){body{background:#16181b;color:#e6e6e6}}
""".strip()


def as_html(blocks: Iterable[Block], title: str, lang: str) -> str:
    """The report as a page of its own."""
    return as_document(as_fragment(blocks), title, lang)


def as_document(body: str, title: str, lang: str, *, styles: Iterable[str] = ()) -> str:
    """A page of its own around parts of reports; `styles` are those of the parts besides the reports' own."""
    allowed = policy([f"\n{PAGE}\n", f"\n{STYLE}\n", *styles])
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>\n{PAGE}\n</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>"
    )


def as_fragment(blocks: Iterable[Block], middle: str = "", closing: Iterable[Block] = ()) -> str:
    """The report as a part of somebody's page, such as a notebook; `middle` is HTML that stands before `closing`."""
    body = "\n".join(part for part in (_body(blocks), middle, _body(closing)) if part)
    return f'<div class="bptrace-report">\n<style>\n{STYLE}\n</style>\n{body}\n</div>'


def _body(blocks: Iterable[Block]) -> str:
    return "\n".join(part for block in blocks for part in _parts(block))


def _parts(block: Block) -> Iterator[str]:
    if isinstance(block, Title):
        yield f"<h1>{_text(block.text)}</h1>"
    elif isinstance(block, Lines):
        yield f"<p>{'<br>'.join(map(_text, block.lines))}</p>"
    elif isinstance(block, Grid):
        yield from [f"<h2>{_text(block.title)}</h2>"] if block.title else []
        yield from _table(block)
    elif isinstance(block, Items):
        yield f"<h2>{_text(block.title)}</h2>\n<ol>"
        for item in block.items:
            inner = "".join(f"<li>{_text(line)}</li>" for line in item.inner)
            listed = f"<ul>{inner}</ul>" if inner else ""
            below = f"<p>{_text(item.below)}</p>" if item.below else ""
            yield f"<li>{_text(item.text)}{listed}{below}</li>"
        yield "</ol>"
    elif isinstance(block, Section):
        yield f"<details><summary>{_text(block.title)}</summary>\n{_body(block.blocks)}\n</details>"


def _table(grid: Grid) -> Iterator[str]:
    head = "".join(f'<th scope="col">{_text(h)}</th>' for h in grid.headers)
    yield f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"
    tones = grid.tones or ("",) * len(grid.rows)
    for row, tone in zip(grid.rows, tones, strict=True):
        named = f' class="{escape(tone)}"' if tone else ""
        yield f"<tr{named}>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody>\n</table>"


def _text(text: str) -> str:
    return escape(clean(text))
