r"""A document cut into rows of mathematics, each with the line and column where it stands.

Formulas stand between `$`, `$$`, `\( \)`, `\[ \]`, in environments (align, eqnarray, multline, gather ...), in ```math
blocks, or bare on a line of their own; prose, code and pictures are passed over.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from derivations.reading.bare import bare_rows, is_formula

__all__ = ["LARGEST_DOCUMENT", "MOST_ROWS", "SourceRow", "notebook_text", "rows_of"]

LARGEST_DOCUMENT = 1_000_000
MOST_ROWS = 4000


@dataclass(frozen=True)
class SourceRow:
    """One row of mathematics as it stands: `starts` are the offsets of its pieces, `block` the display it is part of.

    `bare` rows have no signs of mathematics around them; one that is not understood may be prose.
    """

    text: str
    line: int
    column: int
    block: int
    display: bool
    bare: bool = False
    places: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)  # (offset in text, line, column)

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of a character of the row."""
        k = bisect.bisect_right(self.places, (offset, 1 << 60, 0)) - 1
        start, line, column = self.places[max(k, 0)] if self.places else (0, self.line, self.column)
        return line, column + offset - start


_ENVIRONMENTS = (
    "align|eqnarray|multline|gather|equation|displaymath|math|flalign|alignat|aligned|gathered|split"
    "|alignedat|IEEEeqnarray"
)
_SKIPPED = "tikzpicture|verbatim|lstlisting|minted|comment|thebibliography|tabular|figure"
_START = re.compile(
    rf"""
 (?P<fence>^[ \t>]*+(?P<ticks>`{{3,}}+|~{{3,}}+)[ \t]*+(?P<info>[^\n`]*+)\n)
|(?P<skip>\\begin\{{(?P<what>{_SKIPPED})\*?\}})
|(?P<code>(?P<tick>`{{1,2}})(?!`)\$?(?=[^`\n]))
|(?P<comment>(?<!\\)%[^\n]*)
|(?P<escaped>\\\\|\\[$%])
|(?P<dollars>\$\$)
|(?P<bracket>\\\[)
|(?P<environment>\\begin\{{(?P<name>{_ENVIRONMENTS})(?P<star>\*?)\}}(?:\{{\d\}})?)
|(?P<paren>\\\()
|(?P<wiki><math[^<>\n]{{0,60}}>)
|(?P<dollar>\$)
""",
    re.VERBOSE | re.MULTILINE,
)
_STRUCTURE = re.compile(
    rf"\\begin\{{(?:{_ENVIRONMENTS})\*?\}}(?:\[[a-z]\])?(?:\{{(?:\d|[rcl]+)\}})?|\\end\{{(?:{_ENVIRONMENTS})\*?\}}"
)
_NESTED = re.compile(
    r"\\begin\s*\{(?:[bpBvVd]?(?:small)?(?:matrix|cases)\*?|array|aligned|gathered|split|multlined)\}"
    r"|\\end\s*\{(?:[bpBvVd]?(?:small)?(?:matrix|cases)\*?|array|aligned|gathered|split|multlined)\}"
    r"|(?P<row>\\\\\*?(?:[ \t]*\[[^\[\]\n]{1,12}\])?)|\\.|(?P<open>\{)|(?P<close>\})",
    re.DOTALL,
)


_BLANK = re.compile(r"\s{0,10000}+")
_COLUMNS = re.compile(r"(?:\[[a-z]\])?\s{0,40}+\{[^{}]{0,40}\}")


def rows_of(text: str) -> list[SourceRow]:
    """The rows of a document in order.  Raises ValueError for one that is too large."""
    if len(text) > LARGEST_DOCUMENT:
        raise ValueError(f"larger than {LARGEST_DOCUMENT // 1000} kB; a written solution is smaller")
    return _Reader(text).rows()


def notebook_text(content: str) -> str:
    """The text cells of a notebook, read as data; code cells are left out.  Raises ValueError."""
    try:
        cells = json.loads(content)["cells"]
        texts = ["".join(c["source"]) for c in cells if c["cell_type"] in ("markdown", "raw")]
    except (json.JSONDecodeError, KeyError, TypeError, RecursionError):
        raise ValueError("not a notebook; save it as .ipynb") from None
    return "\n\n".join(texts)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [0, *(m.end() for m in re.finditer("\n", text))]
        self.out: list[SourceRow] = []
        self.blocks = 0
        self.found: dict[str, tuple[int, int]] = {}  # by mark: from where it was looked for, and where it stands
        self.prose = bytearray(b"\x01") * len(text)  # what is neither code nor a formula

    def rows(self) -> list[SourceRow]:
        at = 0
        while (found := _START.search(self.text, at)) is not None:
            at = max(self._taken(found), found.end())
        for start, end, continued in bare_rows(self.text, self.lines, self.prose):
            self.blocks += not continued
            self._display(start, end, bare=True)
        return sorted(self.out, key=lambda row: (row.line, row.column))

    def _taken(self, found: re.Match[str]) -> int:
        """Read what starts here; where it ends."""
        kind, start, end = found.lastgroup, found.start(), found.end()
        text = self.text
        if found["fence"]:
            closing = re.compile(rf"^[ \t>]*+{found['ticks'][0]}{{{len(found['ticks'])},}}+[ \t]*+$", re.MULTILINE)
            stop = closing.search(text, end)
            inner, after = (stop.start(), stop.end()) if stop else (len(text), len(text))
            if found["info"].strip().lower() in ("math", "latex", "tex"):
                self._block(end, inner)
            return self._spent(start, after)
        if found["skip"]:
            stop_at = self._next(f"\\end{{{found['what']}", end)
            return self._spent(start, len(text) if stop_at < 0 else stop_at)
        if found["code"]:
            stop_at = text.find(found["tick"], end, end + 2000)
            if stop_at < 0:
                return end
            if text[end - 1] == "$":  # $`..`$ of GitLab
                self._inline(end, stop_at)
            elif "\n" not in text[end:stop_at] and is_formula(text[end:stop_at]):
                self.blocks += 1
                self._row(end, stop_at, display=False, bare=True)
            return self._spent(start, stop_at + len(found["tick"]))
        if found["comment"]:
            return self._spent(start, end) if self._is_comment(start) else start + 1
        if found["escaped"]:
            return end
        closing_mark = {"dollars": "$$", "bracket": "\\]", "paren": "\\)", "wiki": "</math>", "dollar": "$"}.get(
            kind or ""
        )
        if closing_mark is None and found["environment"]:
            return self._environment(found)
        return self._delimited(start, end, closing_mark or "$", display=kind in ("dollars", "bracket"))

    def _is_comment(self, start: int) -> bool:
        return self.text[start - 1 : start] in ("", "\n", " ", "\t", "}")

    def _environment(self, found: re.Match[str]) -> int:
        ends = f"\\end{{{found['name']}{found['star']}}}"
        stop = self._next(ends, found.end())
        if stop < 0:
            return found.end()
        self._block(found.end(), stop)
        return self._spent(found.start(), stop + len(ends))

    def _delimited(self, start: int, end: int, mark: str, *, display: bool) -> int:
        stop = self._closing(end, mark)
        if stop < 0 or (not display and 0 <= self._next("\n\n", end) <= stop - 2):
            return end
        if display or self.text[end:stop].lstrip().startswith("\\begin{eqnarray"):
            self._block(end, stop)
        else:
            self._inline(end, stop)
        return self._spent(start, stop + len(mark))

    def _next(self, mark: str, at: int) -> int:
        """Where a mark comes next, -1 where it does not; what was found is not looked for again before it is passed."""
        known = self.found.get(mark)
        if known is None or not (known[0] <= at and (at <= known[1] or known[1] < 0)):
            known = self.found[mark] = (at, self.text.find(mark, at))
        return known[1]

    def _closing(self, at: int, mark: str) -> int:
        while (stop := self._next(mark, at)) >= 0:
            if mark not in ("$", "$$") or self.text[stop - 1] != "\\":
                return stop
            at = stop + 1
        return -1

    def _spent(self, start: int, end: int) -> int:
        self.prose[start:end] = b"\x00" * (min(end, len(self.prose)) - start)
        return end

    # --- rows ---

    def _inline(self, start: int, end: int) -> None:
        self.blocks += 1
        self._row(start, end, display=False)

    def _block(self, start: int, end: int) -> None:
        self.blocks += 1
        self._display(start, end)

    def _display(self, start: int, end: int, *, bare: bool = False) -> None:
        depth = braces = 0
        first = start
        inner = start + len(blank[0]) if (blank := _BLANK.match(self.text, start)) else start
        for found in _NESTED.finditer(self.text, start, end):
            if found["row"]:
                if depth <= 0 and braces <= 0:
                    self._row(first, found.start(), display=True, bare=bare)
                    first = found.end()
            elif found["open"] or found["close"]:
                braces += 1 if found["open"] else -1
            elif found[0].startswith("\\begin"):
                outer = self._outer(inner, found)
                depth += 0 if outer else 1
                if outer and "array" in found[0]:
                    frame = _COLUMNS.match(self.text, found.end(), end)
                    first = frame.end() if frame else found.end()
            elif found[0].startswith("\\end"):
                if depth == 0 and "array" in found[0]:
                    self._row(first, found.start(), display=True, bare=bare)
                    first = found.end()
                depth = max(depth - 1, 0)
        self._row(first, end, display=True, bare=bare)

    def _outer(self, inner: int, found: re.Match[str]) -> bool:
        r"""Whether it is the frame of a whole display: `$$ \begin{aligned}`."""
        return (
            found.start() <= inner
            and "matrix" not in found[0]
            and "cases" not in found[0]
            and (
                "array" not in found[0]
                or "=" in self.text[found.end() : found.end() + 1500].partition("\\end{array")[0]
            )
        )

    def _row(self, start: int, end: int, *, display: bool, bare: bool = False) -> None:
        pieces: list[str] = []
        places: list[tuple[int, int, int]] = []
        size = 0
        for piece_start, piece_end in self._pieces(start, end):
            line = bisect.bisect_right(self.lines, piece_start) - 1
            places.append((size, line + 1, piece_start - self.lines[line] + 1))
            pieces.append(self.text[piece_start:piece_end])
            size += piece_end - piece_start
        text = "".join(pieces)
        if not text.strip():
            return
        lead = len(text) - len(text.lstrip())
        if len(self.out) >= MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} rows; a written solution is shorter")
        row = SourceRow(text, 0, 0, self.blocks, display, bare, tuple(places))
        line, column = row.place(lead)
        self.out.append(SourceRow(text, line, column, self.blocks, display, bare, tuple(places)))

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The stretches of a row, one a line, without environments' frames and comments."""
        at = start
        while at < end:
            stop = self.text.find("\n", at, end)
            stop = end if stop < 0 else stop + 1
            comment = re.compile(r"(?<!\\)%").search(self.text, at, stop)
            last = comment.start() if comment else stop
            for frame in _STRUCTURE.finditer(self.text, at, last):
                if frame[0].startswith(("\\begin{aligned", "\\begin{gathered", "\\begin{split", "\\end")) or True:
                    if frame.start() > at:
                        yield at, frame.start()
                    at = frame.end()
            if at < last:
                yield at, last
            at = stop
