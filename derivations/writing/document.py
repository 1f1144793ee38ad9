r"""A derivation as a LaTeX file: article, beamer or a fragment to \input; amsmath's align alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from derivations.writing.breaking import CONTINUED
from derivations.writing.figure import figure
from derivations.writing.lines import Style, Told, WrittenChain, WrittenPart, chain_rows, line_rows
from derivations.writing.measure import height
from derivations.writing.words import words_of

if TYPE_CHECKING:
    from derivations.derived import Derivation

__all__ = ["escaped", "latex_document"]

FRAME_HEIGHT = 14.6  # of the rows on a frame, in em
PAGE_HEIGHT = 60.0  # of a page, in em
MOST_CHAINS = 3
MOST_ROWS = 40  # of one alignment


def latex_document(
    derivation: Derivation, title: str, parts: tuple[WrittenPart, ...], style: Style, document: str, proof: str
) -> str:
    """The whole file, or with document "fragment" its body alone."""
    words = words_of(style.language)
    marked = any(line.marked for part in parts for chain in part.chains for line in chain.lines)
    note = rf"\par\noindent$\dagger$ {words['marked']}" if marked else ""
    closing = [line for line in (note, rf"\par\noindent {escaped(proof)}" if proof else "") if line]
    name = derivation.level == "worksheet" and not derivation.solved
    field = [rf"\par\noindent {words['name']}: \underline{{\hspace{{20em}}}}"] if name else []
    if document == "beamer":
        return "\n".join([*_beamer(derivation, title, parts, style, closing)])
    body = []
    for part in parts:
        body += [
            rf"\subsection*{{{part.heading}}}",
            *map(_prose, part.before),
            *_align(part.chains, keeping=document == "article"),
        ]
    if document == "fragment":
        return "\n".join([r"% needs \usepackage{amsmath}", *field, *body, *closing])
    return _article(derivation, title, style, [*field], [*body, *closing])


def _article(derivation: Derivation, title: str, style: Style, field: list[str], body: list[str]) -> str:
    """The file with its title, the network drawn where there is room, and the body."""
    picture = figure(derivation, style, wide=16.0, high=9.0)
    shown = [r"\begin{center}", *picture, r"\end{center}"] if picture else []
    opening = [rf"\title{{{escaped(title)}}}", r"\author{}\date{}", r"\begin{document}", r"\maketitle"]
    preamble = [*_preamble("article", _unicode(title, style)), r"\allowdisplaybreaks"]
    return "\n".join([*preamble, *opening, *field, *shown, *body, r"\end{document}"])


def _unicode(title: str, style: Style) -> bool:
    """Whether it takes lualatex: for Japanese, and for a title in letters that pdflatex has no font for."""
    return style.language == "ja" or any(ord(c) > 0x17F for c in title)


def _preamble(document_class: str, lualatex: bool) -> list[str]:
    if lualatex and document_class == "article":
        document_class = "ltjsarticle"
    options = {"beamer": "10pt,aspectratio=169", "article": "a4paper,10pt", "ltjsarticle": "a4paper,10pt"}
    out = [rf"\documentclass[{options[document_class]}]{{{document_class}}}"]
    if lualatex:
        out += ["% compile with lualatex"] + ([r"\usepackage{luatexja}"] if document_class == "beamer" else [])
    else:
        out += [r"\usepackage[utf8]{inputenc}"]
    out.append(r"\usepackage{amsmath}")
    if document_class == "beamer":
        out += [r"\usefonttheme[onlymath]{serif}", r"\setbeamertemplate{navigation symbols}{}"]
        out += [r"\setbeamertemplate{footline}[frame number]"]
        out += [r"\renewcommand{\kanjifamilydefault}{\gtdefault}"] if lualatex else []
    else:
        out.append(r"\usepackage[margin=22mm]{geometry}")
    return [*out, r"\usepackage{tikz}"]


def _align(chains: tuple[WrittenChain, ...], *, keeping: bool) -> list[str]:
    """Alignments of whole chains; the last row of each is numbered and, with a prefix, labelled.

    `keeping`: no page ends within a chain that one page holds.

    An alignment of very many rows is more than KaTeX reads and leaves TeX few good places to end a page.
    """
    out: list[str] = []
    rows: list[str] = []
    many = 0
    for chain in chains:
        if chain.before:
            out += [*_closed(rows), *map(_prose, chain.before)]
            rows, many = [], 0
        if not chain.lines:
            continue
        *earlier, last = chain_rows(chain)
        own = sum(1 + row.count(r"\\") for row in (*earlier, last))
        whole = sum(map(height, (*earlier, last))) <= PAGE_HEIGHT
        if rows and many + own > MOST_ROWS:
            out += _closed(rows)
            rows, many = [], 0
        many += own
        rows += [rf"{row} \notag \\{'*' * (keeping and whole)}" for row in earlier]
        rows.append(rf"{last}{_end(chain)} \\[{_BETWEEN}]")
    return out + _closed(rows)


def _closed(rows: list[str]) -> list[str]:
    if not rows:
        return []
    return [r"\begin{align}", *rows[:-1], rows[-1].removesuffix(rf" \\[{_BETWEEN}]"), r"\end{align}"]


def _prose(told: Told) -> str:
    """A sentence as a paragraph of its own."""
    if not told.pieces:
        return "%"
    return r"\par\noindent " + "".join(f"${piece}$" if math else escaped(piece) for math, piece in told.pieces)


_BETWEEN = "1.2ex"


def _end(chain: WrittenChain) -> str:
    if not chain.numbered:
        return r" \notag"
    return rf" \label{{{chain.label}}}" if chain.label else ""


def _beamer(
    derivation: Derivation, title: str, parts: tuple[WrittenPart, ...], style: Style, closing: list[str]
) -> list[str]:
    """A few chains a frame; a chain higher than a frame goes on on the next."""
    out = [
        *_preamble("beamer", _unicode(title, style)),
        rf"\title{{{escaped(title)}}}",
        r"\author{}\date{}",
        r"\begin{document}",
    ]
    out += [r"\begin{frame}", r"\titlepage", r"\end{frame}"]
    picture = figure(derivation, style, wide=13.5, high=6.3)
    if picture:
        heading = words_of(style.language)["figure" if derivation.shown is None else "figure_gradients"]
        out += [rf"\begin{{frame}}{{{heading}}}", r"\begin{center}", *picture, r"\end{center}", r"\end{frame}"]
    for part in parts:
        told = [*part.before, *(t for chain in part.chains for t in chain.before)]
        if told:
            out += [rf"\begin{{frame}}{{{part.heading}}}", *map(_prose, told), r"\end{frame}"]
        for rows in _frames(tuple(chain for chain in part.chains if chain.lines)):
            shrink = "[shrink]" if any(r"\begin{aligned}" in row for row in rows) else ""  # rows within a row are high
            begin = rf"\begin{{frame}}{shrink}{{{part.heading}}}"
            out += [begin, r"\begin{align}", *rows, r"\end{align}", r"\end{frame}"]
    if closing:
        out += [r"\begin{frame}", *closing, r"\end{frame}"]
    return [*out, r"\end{document}"]


def _frames(chains: tuple[WrittenChain, ...]) -> list[list[str]]:
    """The rows of each frame, as high as a frame at most."""
    frames: list[list[str]] = []
    room, there = 0.0, 0
    for used, block in _blocks(chains):
        own = [rf"{row} \\" for row in block[:-1]] + block[-1:]
        if frames and room >= used and there < MOST_CHAINS:
            frames[-1][-1] += rf" \\[{_BETWEEN}]"
            frames[-1] += own
            room, there = room - used - 0.5, there + 1
        else:
            frames.append(own)
            room, there = FRAME_HEIGHT - used, 1
    return frames


def _blocks(chains: tuple[WrittenChain, ...]) -> Iterator[tuple[float, list[str]]]:
    """(height, rows) of each chain; of one that is higher than a frame, of its lines in parts about as high."""
    for chain in chains:
        lines = [[rf"{row} \notag" for row in rows] for rows in line_rows(chain)]
        lines[-1][-1] = lines[-1][-1].removesuffix(r" \notag") + _end(chain)
        if any(sum(map(height, rows)) > FRAME_HEIGHT for rows in lines):
            lines = [[row] for rows in lines for row in rows]
        heights = [sum(map(height, rows)) for rows in lines]
        part = sum(heights) / ceil(sum(heights) / FRAME_HEIGHT)
        block: list[str] = []
        used = 0.0
        for rows, own in zip(lines, heights, strict=True):
            if block and (used + own > FRAME_HEIGHT or used + own / 2 > part):
                yield used, block
                continued = rows[0].startswith(f"&{CONTINUED}")
                rows = rows if continued else [f"{chain.left} {rows[0]}", *rows[1:]]
                block, used = [], 0.0
            block = block + rows
            used += own
        yield used, block


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(c, c) for c in text)
