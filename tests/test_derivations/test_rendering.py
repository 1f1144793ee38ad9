r"""A printed derivation passes every gate, and each gate has planted twins that it must stop.

Gates: the source by reading, the log of pdflatex or lualatex, KaTeX in strict mode, MathJax, MathML Core.  TeX and node
are test extras (CONTRIBUTING says how to install them); what needs one is skipped where it is absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import pytest
from networks import random_problem
from rendering.gates import (
    compiled,
    displays,
    have_node,
    have_tex,
    page_faults,
    rendered,
    source_faults,
    wrapped,
)

from derivations.derivation import LEVELS, derive
from derivations.notation import NotationError
from derivations.writing.breaking import rows
from derivations.writing.measure import height, width
from tracer import load, trace

needs_node = pytest.mark.skipif(not have_node, reason="node with katex and mathjax is not installed")
needs_tex = pytest.mark.skipif(not have_tex(), reason="pdflatex with beamer and tikz is not installed")
needs_lualatex = pytest.mark.skipif(not have_tex("lualatex"), reason="lualatex with luatexja is not installed")

SAMPLES = ("hand-3-2-2", "tanh-xor", "classifier-3-3-3", "softmax-xor", "middle-layer", "shared-bias-2-2-2")
PROFILES = ("bishop", "nielsen", "ng", "mazur", "uy", "names")


@cache
def written(source: str | int, level: str = "standard", digits: int | None = None, **options: Any) -> str:
    """A derivation of a sample or of the random problem of a seed."""
    problem = load(source if isinstance(source, str) else random_problem(source))
    own = problem.sample(1) if problem.samples > 1 else problem
    numbers = trace(own, digits=digits) if digits else None
    return derive(own, level=level, numbers=numbers).render(**{"form": "latex", **options})


# --- clean ---


def mixed() -> list[tuple[str | int, str, int | None, dict[str, Any]]]:
    """Samples and random problems, each with another level, profile, document, rounding and decimal sign."""
    out: list[tuple[str | int, str, int | None, dict[str, Any]]] = []
    for k, (source, level) in enumerate(product((*SAMPLES, *range(1, 12)), LEVELS)):
        options = {
            "notation": PROFILES[k % 3] if isinstance(source, int) or k % 2 else "bishop",
            "document": ("article", "beamer", "fragment")[k // 2 % 3],
            "decimal": ("point", "comma")[k % 2],
        }
        if k % 3 == 0:
            options["label_prefix"] = "q1"
        out.append((source, level, (None, 3, 6)[k % 3], options))
    return out


def test_the_source_of_many_derivations_reads_clean() -> None:
    """Braces, environments, commands, numbers and letters, in every level."""
    for source, level, digits, options in mixed()[::3]:
        assert source_faults(written(source, level, digits, **options)) == [], (source, level, digits, options)


@needs_node
def test_katex_and_mathjax_take_every_display() -> None:
    """KaTeX in strict mode, MathJax without an error node; the body of every document and of Markdown."""
    formulas = {}
    for source, level, digits, options in mixed()[::6]:
        formulas |= dict.fromkeys(displays(written(source, level, digits, **options)))
    for level in LEVELS:
        formulas |= dict.fromkeys(displays(written("hand-3-2-2", level, 4, form="markdown")))
    assert len(formulas) > 80
    assert rendered(formulas) == []


@needs_tex
@pytest.mark.parametrize("case", mixed()[::6], ids=lambda case: f"{case[0]}-{case[1]}")
def test_pdflatex_compiles_with_a_clean_log(case: Any) -> None:
    """No error, no overfull box, no missing character, no double label."""
    source, level, digits, options = case
    text = written(source, level, digits, **options)
    assert compiled(wrapped(text) if options["document"] == "fragment" else text) == []


@needs_lualatex
@pytest.mark.parametrize("document", ["article", "beamer", "fragment"])
def test_lualatex_compiles_japanese_with_a_clean_log(document: str) -> None:
    """The words of headings and rules in Japanese."""
    text = written("hand-3-2-2", "full", 4, lang="ja", document=document)
    assert "連鎖律" in text
    assert compiled(wrapped(text, japanese=True) if document == "fragment" else text, "lualatex") == []


@needs_lualatex
def test_a_title_in_other_letters_asks_for_lualatex() -> None:
    """pdflatex has no font for them; the file says what compiles it, and it does."""
    problem = {**random_problem(3), "title": "Сеть η = 0.1"}
    text = derive(load(problem), level="answers").render("latex")
    assert "% compile with lualatex" in text
    assert compiled(text, "lualatex") == []


@needs_tex
def test_three_problems_in_one_exam_do_not_collide() -> None:
    """Fragments with prefixes of their own share a file; with the same prefix the gates complain."""
    parts = [written("hand-3-2-2", "answers", document="fragment", label_prefix=f"q{k}") for k in (1, 2, 3)]
    assert source_faults("\n".join(parts)) == []
    assert compiled(wrapped("\n".join(parts))) == []
    assert source_faults(parts[0] + parts[0]) != []


def test_without_a_prefix_there_is_no_label() -> None:
    """KaTeX knows no labels; a prefix asks for them."""
    assert r"\label" not in written("hand-3-2-2", document="fragment")
    assert r"\label{q1:dW1-1-2}" in written("hand-3-2-2", document="fragment", label_prefix="q1")


@pytest.mark.parametrize("source", [*SAMPLES, *range(1, 8)])
def test_pages_are_mathml_core(source: str | int) -> None:
    """Well-formed, of known elements alone, without a script or an address."""
    for level, digits in zip(LEVELS, (None, None, 4, 6, 3, 5), strict=True):
        assert page_faults(written(source, level, digits, form="html")) == []


@pytest.mark.parametrize(
    "broken",
    [
        lambda page: page.replace("</mtd>", "", 1),
        lambda page: page.replace("<h1>", "<script>alert(1)</script><h1>"),
        lambda page: page.replace("<h1>", '<img src="x"/><h1>'),
        lambda page: page.replace("<mi>", "<mfenced>", 1).replace("</mi>", "</mfenced>", 1),
        lambda page: re.sub(r"<mfrac>(.*?)</mfrac>", "<mfrac><mi>a</mi></mfrac>", page, count=1),
        lambda page: page.replace("<mn>2</mn>", "<mn></mn>", 1),
    ],
)
def test_the_page_gate_stops(broken: Callable[[str], str]) -> None:
    """Planted twins of the page gate."""
    page = written("hand-3-2-2", form="html")
    assert broken(page) != page
    assert page_faults(broken(page)) != []


# --- 26 kinds of broken LaTeX ---

DOCUMENT = r"""\documentclass[a4paper,10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\begin{document}
\begin{align}
\frac{\partial E}{\partial w_{11}^{(1)}} &= \frac{\partial E}{\partial a_{1}^{(1)}} \cdot \left(\frac{x_{1}}{2}\right)
  && \text{chain rule} \notag \\
&= 2.282 \cdot 1.5 \cdot 10^{-5} && \text{rule $\times$ two} \notag \\
&\approx 0.00003423 \label{q1:dW1-1-1} \\[1ex]
\delta_{1}^{(2)} &= y_{1} - t_{1} \label{q1:delta2-1}
\end{align}
\end{document}
"""

MUTANTS = {
    "a brace dropped": (r"w_{11}^{(1)}}", r"w_{11}^{(1)}"),
    "a brace too many": (r"y_{1}", r"y_{1}}"),
    "eqnarray": ("{align}", "{eqnarray}"),
    "multline": ("{align}", "{multline}"),
    r"\frac with one argument": (r"\frac{x_{1}}{2}", r"\frac{x_{1}}"),
    "nan": ("0.00003423", "nan"),
    "inf": ("0.00003423", "inf"),
    "a program's power of ten": (r"1.5 \cdot 10^{-5}", "1.5e-05"),
    "a Unicode letter": (r"\delta_{1}", "δ_{1}"),
    "a Unicode minus": (r"y_{1} - t_{1}", "y_{1} − t_{1}"),
    "a Unicode dot": (r"2.282 \cdot", "2.282 ·"),
    r"\bm": (r"x_{1}", r"\bm{x}_{1}"),
    "a stray %": (r"&= 2.282", r"&= 2.282 % of"),
    "a blank line": ("&\\approx", "\n&\\approx"),
    "a $ lost": (r"$\times$", r"$\times"),
    "_ in words": ("chain rule", "chain_rule"),
    "an unknown command": (r"\partial E", r"\partiel E"),
    "& lost": (r"\delta_{1}^{(2)} &=", r"\delta_{1}^{(2)} ="),
    "& too many": (r"&= 2.282", r"&&&= 2.282"),
    r"\end lost": ("\\end{align}\n", ""),
    r"\begin lost": ("\\begin{align}\n", ""),
    "a label twice": ("q1:delta2-1", "q1:dW1-1-1"),
    "a line too long": ("2.282", " + ".join(["2.28217654"] * 16)),
    "Japanese for pdflatex": ("chain rule", "連鎖律"),
    r"\left without \right": (r"\right)", ")"),
    "two superscripts": (r"\delta_{1}^{(2)}", r"\delta_{1}^{(2)}^{2}"),
    "two subscripts": (r"y_{1}", r"y_{1}_{2}"),
    r"a row end of one \ ": ("\\notag \\\\\n&= 2", "\\notag \\\n&= 2"),
}

BY_TEX = {"a line too long", "two superscripts", "two subscripts", "Japanese for pdflatex"}


def test_the_sound_document_passes() -> None:
    """Else the mutants would prove nothing."""
    assert source_faults(DOCUMENT) == []
    if have_node:
        assert rendered(displays(DOCUMENT)) == []
    if have_tex():
        assert compiled(DOCUMENT) == []


@needs_node
@needs_tex
@pytest.mark.parametrize("name", MUTANTS)
def test_broken_latex_is_stopped(name: str) -> None:
    """Each kind by one of the gates at least."""
    sound, mutant = MUTANTS[name]
    assert sound in DOCUMENT
    broken = DOCUMENT.replace(sound, mutant)
    assert source_faults(broken) or compiled(broken) or rendered(displays(broken))


@pytest.mark.parametrize("name", sorted(set(MUTANTS) - BY_TEX))
def test_most_broken_latex_is_stopped_by_reading_alone(name: str) -> None:
    """Where neither TeX nor node is installed, the source gate still stops what it can read."""
    assert source_faults(DOCUMENT.replace(*MUTANTS[name])) != []


# --- lines, frames, figure ---


def test_no_row_is_wider_than_its_document() -> None:
    """By our own measure; that TeX agrees is the log's affair."""
    from derivations.writing.render import WIDTHS

    for document, level in product(WIDTHS, LEVELS):
        text = written("softmax-xor", level, 6, document=document)
        for display in displays(text):
            for row in re.split(r"\\\\\*?(?:\[[^]]*\])?\n", display[13:-11]):
                formula = re.sub(r" ?\\notag|&|\\scriptstyle\\text\{.*\}$", "", row)
                assert width(formula) <= WIDTHS[document] + 1, row


def test_a_long_sum_is_broken_before_a_sign_and_indented() -> None:
    """Nothing is lost by breaking: the pieces together are the whole."""
    from derivations.expression import Letters, Product, Sum
    from derivations.printing import LatexPrinter

    latex = LatexPrinter(str)
    names = [Letters(f"a_{{{k}}}", f"a{k}") for k in range(40)]
    total = Sum(tuple((1 if k % 2 else -1, name) for k, name in enumerate(names)))
    lines = rows(total, 20, latex)
    assert len(lines) > 3
    assert all(line[0] in "+-" for line in lines)
    assert " ".join(lines) == latex(total)
    factors = Product(tuple(names))
    assert all(line.startswith(r"\cdot") for line in rows(factors, 20, latex)[1:])
    assert " ".join(rows(factors, 20, latex)) == latex(factors)


def test_measures_order_as_print_does() -> None:
    """A fraction is higher than a letter and as wide as its wider part; words are smaller beside."""
    assert height(r"\frac{a}{b}") > height("a_{1}")
    assert width(r"\frac{a + b + c}{d}") < width("a + b + c + d")
    assert height(r"\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}") > 3.6


def test_a_worksheet_gives_nothing_away() -> None:
    """No gradient stands beside an edge of its figure, no value below a blank."""
    sheet, key = (written("hand-3-2-2", level, 4) for level in ("worksheet", "standard"))
    assert "3.254" in key
    assert "3.254" not in sheet
    assert r"\begin{tikzpicture}" in sheet


def test_a_figure_whose_labels_would_overlap_is_left_out() -> None:
    """Eight units and their labels do not go on a frame."""
    assert r"\begin{tikzpicture}" in written("hand-3-2-2", digits=4)
    assert r"\begin{tikzpicture}" not in written("softmax-xor", digits=6, document="beamer")


def test_text_fits_eighty_columns() -> None:
    """Long lines go on below, before a sign or after a dot."""
    for level in LEVELS:
        text = written("hand-3-2-2", level, 4, form="text")
        assert max(map(len, text.splitlines())) <= 80
    assert "\n" + " " * 15 + "+ " in written("tanh-xor", "full", form="text", notation="uy")


@pytest.mark.parametrize("profile", ["mazur", "uy"])
def test_a_profile_that_cannot_write_a_network_says_so(profile: str) -> None:
    """Before anything is written."""
    with pytest.raises(NotationError, match=f"notation '{profile}' writes networks with"):
        written("classifier-3-3-3", notation=profile)
