"""A report as a LaTeX fragment: every sign that means something to LaTeX is set as itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tracer.answers.reporting.blocks import Block, Grid, Items, Lines, Section, Title, clean

__all__ = ["as_latex"]

_SIGNS = str.maketrans(
    {
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
        columns = "l" * (len(block.headers) - 1) + r"p{0.38\linewidth}"
        yield from (rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\hline", _row(block.headers), r"\hline")
        yield from map(_row, block.rows)
        yield from (r"\hline", r"\end{tabular}")
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


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_text, cells)) + r" \\"


def _text(text: str) -> str:
    escaped = clean(text).translate(_SIGNS).replace("--", "-{}-").replace("--", "-{}-")
    return f"$-${escaped[1:]}" if escaped[:1] == "-" and escaped[1:2].isdigit() else escaped
