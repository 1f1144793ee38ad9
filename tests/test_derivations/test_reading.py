"""Rows of written mathematics read into trees: what is one name, what is a power, what is refused and where."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from processor import within

from derivations.expression import (
    Call,
    Choice,
    Letters,
    Matrix,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Transposed,
)
from derivations.reading.documents import LARGEST_DOCUMENT, notebook_text, rows_of
from derivations.reading.grammar import parse
from derivations.reading.nodes import Applied, Derivative, SumOver, Updated, Worded
from derivations.reading.spellings import respelled
from derivations.reading.statements import statements, unread_rows
from derivations.reading.tokens import NotRead, tokens


def tree(text: str) -> Any:
    """The tree of one side."""
    return parse([t for t in tokens(text) if t.kind not in ("NOTE", "GAP")])


def name(text: str) -> Letters:
    """A name as read."""
    return Letters(text, "".join(text.split()))


SAME = [
    (r"w_{11}^{(2)}", name(r"w_{11}^{(2)}")),
    (r"w^1_{10} x_0", Product((name(r"w^1_{10}"), name("x_0")))),
    (r"2\cdot-3", Product((Number("2"), Negative(Number("3"))))),
    (r"\frac12 a", Product((Quotient(Number("1"), Number("2")), name("a")))),
    (r"1.2 \cdot 10^{-5}", Number("1.2e-5")),
    (r"3{,}14", Number("3.14")),
    (r".5", Number("0.5")),
    (r"(y_1 - t_1)^2", Power(Sum(((1, name("y_1")), (-1, name("t_1")))), 2)),
    (r"e^{-a}", Call("exp", (Negative(name("a")),))),
    (r"\exp{(-a^{(1)}})", Call("exp", (Negative(name(r"a^{(1)}")),))),
    (r"\tanh^2(a)", Power(Call("tanh", (name("a"),)), 2)),
    (r"\frac{dE}{dw_5}", Partial(name("E"), name("w_5"))),
    (r"∂E/∂w₅", Partial(name("E"), name("w₅"))),
    (r"\nabla_a C", Partial(name("C"), name("a"))),
    (r"\sigma'(z^l_j)", Applied(r"\sigma'", name("z^l_j"))),
    (r"out_{h1}(1 - out_{h1})", Product((name("out_{h1}"), Sum(((1, Number("1")), (-1, name("out_{h1}"))))))),
    (r"w_5^{+}", Updated(name("w_5"))),
    (r"{w_{1}}^{\,\mathrm{new}}", Updated(name("w_{1}"))),
    (r"W^{[2]T}", Transposed(name("W^{[2]}"))),
    (r"(0.1, 0.2)", Matrix(((Number("0.1"),), (Number("0.2"),)))),
    (
        r"\begin{bmatrix}1&2\\3&-4\end{bmatrix}",
        Matrix(((Number("1"), Number("2")), (Number("3"), Negative(Number("4"))))),
    ),
    (r"\max(0, a)", Call("max0", (name("a"),))),
    (
        r"\begin{cases} a & \text{if } a > 0 \\ 0 & \text{otherwise} \end{cases}",
        Choice(name("a"), name("a"), Number("0")),
    ),
    (r"\underbrace{a b}_{\text{both}} c", Product((Product((name("a"), name("b"))), name("c")))),
    (r"(t - o)^{2 - 1}", Power(Sum(((1, name("t")), (-1, name("o")))), 1)),
    (r"0.4 + -0.2", Sum(((1, Number("0.4")), (1, Negative(Number("0.2")))))),
    (r"\textcolor{red}{a} \boxed{b}", Product((name("a"), name("b")))),
    (r"0.5 \quad \text{(chain rule)}", Number("0.5")),
]


@pytest.mark.parametrize(("text", "wanted"), SAME, ids=[text for text, _ in SAME])
def test_a_formula_is_read_as_people_mean_it(text: str, wanted: Any) -> None:
    """One name with its scripts, implicit products, derivatives in every spelling."""
    assert tree(text) == wanted


def test_a_derivative_reaches_to_its_variable_and_no_further() -> None:
    """d/dy (x-y)^2 times d/du tanh(u) are two derivatives; d/do 1/2 (t-o)^2 is one of the whole."""
    first, second = tree(
        r"\frac{\partial}{\partial y}(x_3 – y)^2 \times \frac{\partial}{\partial u}\mathrm{tanh}(u)"
    ).factors
    assert isinstance(first, Derivative)
    assert first.operand == Power(Sum(((1, name("x_3")), (-1, name("y")))), 2)
    assert isinstance(second, Derivative)
    assert second.operand == Call("tanh", (name("u"),))
    whole = tree(r"\frac{\partial}{\partial o}\frac{1}{2}(t - o)^2")
    assert isinstance(whole, Derivative)
    assert isinstance(whole.operand, Product)


def test_a_sum_sign_takes_the_rest_of_its_term() -> None:
    """The factor before a sum sign stays outside, the next term too."""
    first, second = tree(r"\frac{1}{2}\sum_{k=1}^{2} (y_k - t_k)^2 + 1").terms
    assert isinstance(first[1].factors[1], SumOver)
    assert first[1].factors[1].high == "2"
    assert second == (1, Number("1"))


REFUSED = [
    ("9^{9^{9}}", "exponent", 2),
    ("99999999!", "'!'", 9),
    ("a + ", "ends too early", 4),
    ("2 ^ 0.3", "exponent", 3),
    ("x^{1000}", "exponent", 2),
    (r"\frac{1}{", "ends too early", 10),
    ("( a", "ends too early", 4),
    (r"\sum_k", "nothing behind", 0),
    ("----1", "too many signs", 4),
]


@pytest.mark.parametrize(("text", "why", "column"), REFUSED, ids=[text for text, _, _ in REFUSED])
def test_what_is_no_formula_is_refused_at_its_column(text: str, why: str, column: int) -> None:
    """Nothing is guessed: the reason and the place are told."""
    with pytest.raises(NotRead, match=why) as caught:
        tree(text)
    assert caught.value.column == column


BOMBS = [
    "$" + "(" * 100_000 + ")" * 100_000 + "$",
    "$" + r"\frac{1}{" * 800 + "1" + "}" * 800 + "$",
    "$x" + "^{x" * 2000 + "}" * 2000 + "$",
    "$" + r"\exp " * 1400 + "1$",
    "$" + "1/" * 700 + "1$",
    "$" + r"\sum_k " * 500 + "x_k$",
    "$" + r"\left." * 1300 + "$",
    "$w_{" + "1" * 7000 + "}=1$",
    "`" * 10_000,
    r"\begin{align}" * 2000,
]


@pytest.mark.parametrize("text", BOMBS, ids=[text[:20] for text in BOMBS])
def test_hostile_rows_are_refused_at_once(text: str) -> None:
    """Depth, length and number are bounded before anything is built."""
    statements(rows_of("$a = 1$"))
    with within(1):
        found, unread = statements(rows_of(text))
    assert unread or unread_rows(found) or not found


def test_reading_executes_nothing() -> None:
    """The audit hook sees no code made, run, imported or opened."""
    statements(rows_of("$a = 1$"))
    events, watching = [], [True]

    def hook(event: str, _: Any) -> None:
        if watching[0] and event.startswith(("exec", "compile", "import", "open", "os.", "subprocess")):
            events.append(event)

    sys.addaudithook(hook)
    statements(rows_of("$__import__('os').system('true') = eval(1)$\n\n$$9^{9^{9}} = 99999999!$$\n\n$w_1 = 2$"))
    watching[0] = False
    assert not events


# --- documents ---

DOCUMENT = r"""Some prose with $a_1 = 0.6$ in it, and \(z_1=0.6457\).

\begin{align}
z_1 &= h(a_1) \notag \\
    &\approx 0.6457
\end{align}

$$
\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}
$$
```math
E = 0.5
```
```python
w = w - eta * dw
```
重みは次のとおり.
w\leftarrow w-\eta \frac{\partial E}{\partial w}
a_i^{(1)}=w_{i1}^{(1)}x_1

次はプログラムです.

import numpy as np
y = x * 2
"""


def test_rows_stand_where_they_are_written() -> None:
    """Each delimiter and environment, bare lines too; prose and code are passed over."""
    found = [(row.line, row.column, " ".join(row.text.split())) for row in rows_of(DOCUMENT)]
    assert found == [
        (1, 18, "a_1 = 0.6"),
        (1, 42, "z_1=0.6457"),
        (4, 1, r"z_1 &= h(a_1) \notag"),
        (5, 5, r"&\approx 0.6457"),
        (9, 1, r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"),
        (12, 1, "E = 0.5"),
        (18, 1, r"w\leftarrow w-\eta \frac{\partial E}{\partial w}"),
        (19, 1, "a_i^{(1)}=w_{i1}^{(1)}x_1"),
    ]


def test_a_chain_goes_on_over_rows_and_displays() -> None:
    """A row that begins with a relation or a product sign continues the one before."""
    text = "$$a = 2 \\\\ \\times 3 \\\\ = 6$$\n\n$$\\approx 6.0$$\n"
    (only,), unread = statements(rows_of(text))
    assert not unread
    assert len(only.sides) == 4
    assert only.sides[1].tree == Product((Number("2"), Number("3")))
    assert [r.sign for r in only.relations] == ["=", "=", "≈"]


def test_two_statements_on_a_row_are_two() -> None:
    """`a = 1, b = 2` states two things."""
    found, _ = statements(rows_of(r"$a = 1, \quad b = 2$"))
    assert [len(s.sides) for s in found] == [2, 2]


def test_one_side_that_is_not_understood_leaves_the_others() -> None:
    """The rest of the chain is read; the column of what is not is told."""
    (only,), unread = statements(rows_of("$a = 3! = 6$"))
    assert not unread
    assert [side.tree is None for side in only.sides] == [False, True, False]
    why = only.sides[1].unread
    assert why is not None
    assert (str(why), why.column) == ("'!' is not understood", 7)


def test_a_notebook_is_read_as_data() -> None:
    """Its text cells are the document, its code is not."""
    text = '{"cells": [{"cell_type": "markdown", "source": ["$a = 1$"]}, {"cell_type": "code", "source": ["b = 2"]}]}'
    assert [row.text for row in rows_of(notebook_text(text))] == ["a = 1"]
    with pytest.raises(ValueError, match="not a notebook"):
        notebook_text("{}")


def test_a_document_that_is_too_large_is_refused() -> None:
    """With what is too large."""
    with pytest.raises(ValueError, match="larger than"):
        rows_of("a" * (LARGEST_DOCUMENT + 1))


ALIKE = [
    (r"\frac 1 {1+e^{-z}}", r"\frac{1}{1+e^{-z}}"),
    (r"w^{old} - \eta", r"w - \eta"),
    (r"\left[ a + b \right] c", r"(a + b) c"),
    (r"\overbrace{a}^{\text{all of them}} b", "a b"),
    (r"\underbrace{a}_{\text{of } b} c", "a c"),
    (r"\boxed{0.5}", "0.5"),
    (r"\sum_{\ell \in L} w_{j \ell}", r"\sum_{l \in L} w_{j l   }"),
    (r"a .* b", r"a \odot b"),
    (r"\mathbf{o} \in \mathbb{R}^q", r"\mathbf{o}"),
    (r"\|W\|_\textrm{F}^2", r"\|W\|^2"),
    (r"\sum_{j'} w_{ij'} \delta_{j'}", r"\sum_{q} w_{iq } \delta_{q }"),
    (r"\mathbb{1}(z > 0)", r"\begin{cases} 1 & z > 0 \\ 0 & \text{otherwise} \end{cases}"),
    (r"\begin{pmatrix} a & \cdots & \end{pmatrix}", r"\begin{pmatrix} a & \cdots \end{pmatrix}"),
]


@pytest.mark.parametrize(("written", "plain"), ALIKE, ids=[written for written, _ in ALIKE])
def test_ways_of_writing_the_same(written: str, plain: str) -> None:
    """Each reads as its plain form, and not as that with another letter."""
    assert tree(written) == tree(plain)
    assert tree(written) != tree(f"{plain} q_9")


@pytest.mark.parametrize(
    "text",
    [r"\hat{y_i}", r"\hat{y1}", r"\vec{x_1}", r"\tilde{y}_{ni}", r"a^{L-2}", r"z^{x,l-1}", r"a^{[2](i)}", r"w_{i'j'}"],
)
def test_names_with_accents_samples_and_primes_are_one_name(text: str) -> None:
    """Not a product, and nothing of them a power."""
    assert isinstance(tree(text), Letters)
    assert isinstance(tree(f"{text} b"), Product)


def test_a_word_before_a_bracket_is_a_function() -> None:
    r"""\text{Sigmoid}(z) is not z; a word of prose is passed over."""
    assert tree(r"\text{Sigmoid}(z_2)") == Applied(r"\text{Sigmoid}", name("z_2"))
    assert tree(r"\text{if}(z_2)") == name("z_2")


def test_cases_in_words_are_read_and_left_open() -> None:
    """Both values stand in the tree; that of a comparison is a choice."""
    cases = r"\begin{cases} a & \text{if } j \text{ is an output,}\\ b & (l \neq L) \end{cases}"
    assert tree(cases) == Worded((name("a"), name("b")))
    assert isinstance(tree(r"\begin{cases} a & z > 0 \\ b & z \le 0 \end{cases}"), Choice)


def test_comparisons_are_relations() -> None:
    """0.5 > 0 after an equation; their signs are kept."""
    (statement,), unread = statements(rows_of(r"$z_1 = 0.5 > 0 \ne 1 \leq 2$"))
    assert not unread
    assert [r.sign for r in statement.relations] == ["=", ">", "\u2260", "\u2264"]


def test_formulas_of_a_wiki_and_lone_signs() -> None:
    """<math> is a formula; a product sign in prose is no row."""
    (row,) = rows_of(r"so <math>a_1 = 2</math> holds")
    assert row.text == "a_1 = 2"
    found, unread = statements(rows_of(r"here $\times$ is the product by entries"))
    assert (found, unread) == ([], [])


@pytest.mark.parametrize(
    ("row", "spelled"),
    [
        (r"w_{nuevo} = w_{viejo}", "w^{new} = w"),
        ("w(t+1) = w(t) + d", "w^+ = w + d"),
        (r"L(w, b \mid x) = 1", "L = 1"),
        (r"a &= b & (3)", "a &= b"),
        (r"a &= b & \text{x}", r"a &= b & \text{x}"),
        ("δE/δw", "∂E/∂w"),
        ("C (a - y)", "C (a - y)"),
    ],
)
def test_spellings_are_put_into_one(row: str, spelled: str) -> None:
    """Nothing moves: each row is as long as before."""
    found = respelled(row)
    assert len(found) == len(row)
    assert found.split() == spelled.split()
