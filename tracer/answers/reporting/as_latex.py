"""A report as a LaTeX fragment: every sign that means something to LaTeX is set as itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import lookup

from tracer.answers.reporting.blocks import Block, Grid, Items, Lines, Section, Title, clean

__all__ = ["as_latex"]

PAGE, PART, LETTERS = 52, 38, 24
"""Lines of a table that an A4 page has room for, and below a heading; letters of a line of its last column."""
_SMALL = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
_LARGE = "gamma delta theta lambda xi pi sigma upsilon phi psi omega"
_GREEK = {
    **{f"small letter {name}": rf"\{name}" for name in (*_SMALL.split(), "omega")},
    **{f"capital letter {name}": rf"\{name.title()}" for name in _LARGE.split()},
}
_DRAWN = {
    **{lookup(f"greek {name.replace('lambda', 'lamda')}"): command for name, command in _GREEK.items()},
    "\u2264": r"\le",
    "\u2265": r"\ge",
    "\u2202": r"\partial",
    "\u2299": r"\odot",
    "\u221a": r"\surd",
}
"""Signs of equations that fonts of text lack."""
_SIGNS = str.maketrans(
    {
        **{sign: f"${command}$" for sign, command in _DRAWN.items()},
        "\\": r"\textbackslash{}",
        **{sign: "\\" + sign for sign in "{}$&#_%"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\char34{}",
        "`": r"\char96{}",
        **{sign: "{" + sign + "}" for sign in "[]*"},  # after \\ and \item they would be read as arguments
    }
)


def as_latex(blocks: Iterable[Block]) -> str:
    """The report as a fragment, for a document of its own or somebody's; Japanese needs luatexja."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks)


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Title):
        yield rf"\section*{{{_text(block.text)}}}"
    elif isinstance(block, Lines):
        yield "\\\\\n".join(rf"\noindent {_text(line)}" for line in block.lines)
    elif isinstance(block, Grid):
        yield from [rf"\paragraph{{{_text(block.title)}}}\mbox{{}}\par"] if block.title else []
        for k, rows in enumerate(_parts(block.rows)):
            yield from [r"\newpage"] if k else []
            yield from _tabular(block.headers, rows)
    elif isinstance(block, Items):
        yield from (rf"\paragraph{{{_text(block.title)}}}\mbox{{}}", r"\begin{enumerate}")
        for item in block.items:
            yield rf"\item {_text(item.text)}"
            if item.inner:
                inner = (rf"\item {_text(line)}" for line in item.inner)
                yield from (r"\begin{itemize}", *inner, r"\end{itemize}")
            yield from ["", _text(item.below)] if item.below else []
        yield r"\end{enumerate}"
    elif isinstance(block, Section):
        yield from (rf"\paragraph{{{_text(block.title)}}}\mbox{{}}", as_latex(block.blocks))


def _parts(rows: Sequence[Sequence[str]]) -> Iterator[Sequence[Sequence[str]]]:
    """The rows of a table; of one longer than a page so many at once as have room: a tabular does not break."""
    high = [-(-len(row[-1]) // LETTERS) or 1 for row in rows]
    first, lines = 0, 0
    for k, own in enumerate(high if sum(high) > PAGE else ()):
        if lines and lines + own > PART:
            yield rows[first:k]
            first, lines = k, 0
        lines += own
    yield rows[first:]


def _tabular(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    columns = "l" * (len(headers) - 1) + r"p{0.38\linewidth}"
    yield from (rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\hline", _row(headers), r"\hline")
    yield from map(_row, rows)
    yield from (r"\hline", r"\end{tabular}")


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_text, cells)) + r" \\"


def _text(text: str) -> str:
    escaped = clean(text).translate(_SIGNS).replace("--", "-{}-").replace("--", "-{}-")
    return f"$-${escaped[1:]}" if escaped[:1] == "-" and escaped[1:2].isdigit() else escaped
