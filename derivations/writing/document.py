r"""A derivation as a LaTeX file: article, beamer or a fragment to \input; amsmath's align alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivations.writing.figure import figure
from derivations.writing.lines import Style, WrittenChain, WrittenPart, aligned_rows
from derivations.writing.words import words_of

if TYPE_CHECKING:
    from derivations.derivation import Derivation

__all__ = ["escaped", "latex_document"]

MOST_ROWS = 9  # on a frame


def latex_document(
    derivation: Derivation, title: str, parts: tuple[WrittenPart, ...], style: Style, document: str, proof: str
) -> str:
    """The whole file, or with document "fragment" its body alone."""
    words = words_of(style.language)
    marked = any(line.marked for part in parts for chain in part.chains for line in chain.lines)
    note = rf"\par\noindent$\dagger$ {words['marked']}" if marked else ""
    closing = [line for line in (note, rf"\par\noindent {escaped(proof)}" if proof else "") if line]
    if document == "beamer":
        return "\n".join([*_beamer(derivation, title, parts, style, closing)])
    body = []
    for part in parts:
        body += [rf"\subsection*{{{part.heading}}}", *_align(part.chains)]
    if document == "fragment":
        return "\n".join([r"% needs \usepackage{amsmath}", *body, *closing])
    picture = figure(derivation, style)
    shown = [r"\begin{center}", *picture, r"\end{center}"] if picture else []
    return "\n".join(
        [
            *_preamble("ltjsarticle" if style.language == "ja" else "article", style),
            r"\allowdisplaybreaks",
            rf"\title{{{escaped(title)}}}",
            r"\author{}\date{}",
            r"\begin{document}",
            r"\maketitle",
            *shown,
            *body,
            *closing,
            r"\end{document}",
        ]
    )


def _preamble(document_class: str, style: Style) -> list[str]:
    options = {"beamer": "10pt", "article": "a4paper,10pt", "ltjsarticle": "a4paper,10pt"}[document_class]
    out = [rf"\documentclass[{options}]{{{document_class}}}"]
    if style.language == "ja":
        out += ["% lualatex"] + ([r"\usepackage{luatexja}"] if document_class == "beamer" else [])
    else:
        out += [r"\usepackage[utf8]{inputenc}"]
    out.append(r"\usepackage{amsmath}")
    if document_class != "beamer":
        out.append(r"\usepackage[margin=22mm]{geometry}")
    return [*out, r"\usepackage{tikz}"]


def _align(chains: tuple[WrittenChain, ...]) -> list[str]:
    """One align for all chains of a part: the last row of each numbered and labelled."""
    rows: list[str] = []
    for chain in chains:
        end = rf" \label{{{chain.label}}}" if chain.label else r" \notag"
        rows += aligned_rows(chain, end, r" \notag \\")
        rows[-1] += r" \\[1ex]"
    rows[-1] = rows[-1].removesuffix(r" \\[1ex]")
    return [r"\begin{align}", *rows, r"\end{align}"]


def _beamer(
    derivation: Derivation, title: str, parts: tuple[WrittenPart, ...], style: Style, closing: list[str]
) -> list[str]:
    """A few chains a frame; a chain of many rows has a frame of its own."""
    out = [*_preamble("beamer", style), rf"\title{{{escaped(title)}}}", r"\author{}\date{}", r"\begin{document}"]
    out += [r"\begin{frame}", r"\titlepage", r"\end{frame}"]
    picture = figure(derivation, style)
    if picture:
        heading = words_of(style.language)["figure"]
        out += [rf"\begin{{frame}}{{{heading}}}", r"\begin{center}", *picture, r"\end{center}", r"\end{frame}"]
    for part in parts:
        for chains in _frames(part.chains):
            out += [rf"\begin{{frame}}[shrink]{{{part.heading}}}", *_align(tuple(chains)), r"\end{frame}"]
    if closing:
        out += [r"\begin{frame}", *closing, r"\end{frame}"]
    return [*out, r"\end{document}"]


def _frames(chains: tuple[WrittenChain, ...]) -> list[list[WrittenChain]]:
    out: list[list[WrittenChain]] = [[]]
    rows = 0
    for chain in chains:
        own = sum(len(line.rows) for line in chain.lines)
        if out[-1] and (rows + own > MOST_ROWS or len(out[-1]) == 3):
            out.append([])
            rows = 0
        out[-1].append(chain)
        rows += own
    return out


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
