"""The language of equations: its grammar, what people type, what it refuses and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from steps import example

from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Negative,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Sum,
    Within,
    letter,
)
from derivations.function import FUNCTIONS
from derivations.language import LanguageError, expression, read

A, B, C, X = (Ref(name, ()) for name in "abcx")
I, J = letter("i"), letter("j")
XI = Ref("x", (I,))


# --- the grammar ---


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b*c", Sum(((1, A), (1, Product((B, C)))))),
        ("a - b - c", Sum(((1, A), (-1, B), (-1, C)))),
        ("a - (b - c)", Sum(((1, A), (-1, Sum(((1, B), (-1, C))))))),
        ("a/b/c", Quotient(Quotient(A, B), C)),
        ("a/b*c", Product((Quotient(A, B), C))),
        ("a*b/c", Quotient(Product((A, B)), C)),
        ("-a^2", Negative(Power(A, 2))),
        ("(-a)^2", Power(Negative(A), 2)),
        ("-a*b", Negative(Product((A, B)))),
        ("-a + b", Sum(((-1, A), (1, B)))),
        ("a^-1", Power(A, -1)),
        ("a^(-1)", Power(A, -1)),
        ("2*a^2*b", Product((Number("2"), Power(A, 2), B))),
        ("Σ_i x[i] + b", Sum(((1, Over("sum", ("i",), XI)), (1, B)))),
        ("Σ_i x[i]*2 + 1", Sum(((1, Over("sum", ("i",), Product((XI, Number("2"))))), (1, Number("1"))))),
        ("Σ_i x[i]^2", Over("sum", ("i",), Power(XI, 2))),
        ("(Σ_i x[i])^2", Power(Over("sum", ("i",), XI), 2)),
        ("a*Σ_i x[i]*b", Product((A, Over("sum", ("i",), Product((XI, B)))))),
        ("Σ_i x[i]/b", Over("sum", ("i",), Quotient(XI, B))),
        ("(Σ_i x[i])/b", Quotient(Over("sum", ("i",), XI), B)),
        ("-Σ_i x[i]", Negative(Over("sum", ("i",), XI))),
        ("mean_i(x[i]) + b", Sum(((1, Over("mean", ("i",), XI)), (1, B)))),
        ("max_{i,j}(x[i])", Over("max", ("i", "j"), XI)),
        ("softmax_i(x[i])", Over("softmax", ("i",), XI)),
        ("min_i(x[i])", Over("min", ("i",), XI)),
        ("a if b > c else x", Choice(Sum(((1, B), (-1, C))), A, X)),
        ("a if b > 0 else x", Choice(B, A, X)),
        ("a if b < c else x", Choice(Sum(((1, C), (-1, B))), A, X)),
        ("a if b >= c else x", Choice(Sum(((1, C), (-1, B))), X, A)),
        ("a if b <= 0 else x", Choice(B, X, A)),
        ("a if b > 0 else b if c > 0 else x", Choice(B, A, Choice(C, B, X))),
        ("max(0, a)", Call("max0", (A,))),
        ("max(a, 0)", Call("max0", (A,))),
        ("max(a, b)", Call("max", (A, B))),
        ("|n|*a", Product((Size("n"), A))),
        ("[i = j]*a", Product((Same(I, J), A))),
        ("x[2i+j-2]", Ref("x", (Index((("i", 2), ("j", 1)), -2),))),
        ("x[2*i - 1]", Ref("x", (Index((("i", 2),), -1),))),
        ("x[9-i]", Ref("x", (Index((("i", -1),), 9),))),
        ("x[i-i+1]", Ref("x", (Index((), 1),))),
        ("x[|i|]", Ref("x", (Index((("|i|", 1),), 0),))),
        ("x[|i|-1,j]", Ref("x", (Index((("|i|", 1),), -1), J))),
        ("x[a[i],j]", Ref("x", (Ref("a", (I,)), J))),
        ("x[a[a[i]]]", Ref("x", (Ref("a", (Ref("a", (I,)),)),))),
        ("1e-5 + .5 + 5.", Sum(((1, Number("1e-5")), (1, Number(".5")), (1, Number("5."))))),
        ("2*pi", Product((Number("2"), Number("pi")))),
        ("a'*x_1", Product((Ref("a'", ()), Ref("x_1", ())))),
        ("a^(1/2)", Power(A, Quotient(Number("1"), Number("2")))),
        ("a^0.5", Power(A, Number("0.5"))),
        ("a^(-1/2)", Power(A, Negative(Quotient(Number("1"), Number("2"))))),
        ("a^n", Power(A, Ref("n", ()))),
        ("a^(n - 1)*b", Product((Power(A, Sum(((1, Ref("n", ())), (-1, Number("1"))))), B))),
        ("Σ_i -x[i]", Over("sum", ("i",), Negative(XI))),
        ("[1 <= i - j <= 3]", Within(Index((("i", 1), ("j", -1)), 0), 1, 3)),
        ("x[2j+3i]", Ref("x", (Index((("i", 3), ("j", 2)), 0),))),
    ],
)
def test_the_grammar(text: str, tree: Expression) -> None:
    """Powers bind first, then * and /, then Σ, then + and -; nothing is reordered."""
    assert expression(text) == tree


TYPED = {
    "W[j,i] x[i]": "W[j,i]*x[i]",
    "2z": "2*z",
    "2 z": "2*z",
    "2(a + 1)": "2*(a + 1)",
    "a b c": "a*b*c",
    "(a)(b)": "a*b",
    "1/2 a": "1/2*a",
    "2pi": "2*pi",
    "a × b": "a*b",
    "a·b": "a*b",
    "a⋅b": "a*b",
    "a∙b": "a*b",
    "a**2": "a^2",
    "a²": "a^2",
    "x[i]³": "x[i]^3",
    "a ÷ b": "a/b",
    "a − b": "a - b",
    "a – b": "a - b",
    "∑_i x[i]": "Σ_i x[i]",
    "sum_i x[i]": "Σ_i x[i]",
    "sum_{i} x[i]": "Σ_i x[i]",
    "sum_{i, j} x[i]": "Σ_{i,j} x[i]",
    "√(a)": "sqrt(a)",
    "σ(a)": "sigmoid(a)",
    "ReLU(a)": "relu(a)",
    "SIGMOID(a)": "sigmoid(a)",
    "Logistic(a)": "sigmoid(a)",
    "expit(a)": "sigmoid(a)",
    "ln(a)": "log(a)",
    "Tanh(a)": "tanh(a)",
    "Swish(a)": "silu(a)",
    "LeakyReLU(a)": "leaky_relu(a)",
    "GELU(a)": "gelu(a)",
    "exp (a)": "exp(a)",
    "a if b ≥ c else x": "a if b >= c else x",
    "a if b ≤ c else x": "a if b <= c else x",
    "２ａ": "2*a",
    "π": "pi",
    "x[ 2 i + 1 ]": "x[2i+1]",
    "√a": "sqrt(a)",
    "√x[i]*b": "sqrt(x[i])*b",
    "sqrt a + 1": "sqrt(a) + 1",
    "Σ_{i=1}^3 x[i]": "Σ_{i=1..3} x[i]",
    "sum_{i=1}^{3} x[i]": "Σ_{i=1..3} x[i]",
    "Σ_{i=1…3} x[i]": "Σ_{i=1..3} x[i]",
    "a⁻¹": "a^-1",
    "a¹²": "a^12",
    "a′": "a'",
    "a‐b": "a - b",
}


@pytest.mark.parametrize(("typed", "meant"), TYPED.items())
def test_people_type_it_in_many_ways(typed: str, meant: str) -> None:
    """Unicode, juxtaposition, capitals and synonyms mean what they mean on a board."""
    assert expression(typed) == expression(meant)


def test_the_listed_spellings_of_every_function_are_read() -> None:
    """Each entry by its name, in capitals, and by each of its synonyms."""
    for f in FUNCTIONS.values():
        arguments = ", ".join("ab"[: f.inputs])
        own = (f.name, *f.spellings)
        for name in (*own, *(name.upper() for name in own if name.islower() and name != "σ")):  # Σ(a) is no sigmoid
            assert expression(f"{name}({arguments})") == Call(f.name, (A, B)[: f.inputs])


def test_statements_of_a_text() -> None:
    """Equations with their lines, ranges, what is 0 outside; comments, blank lines, lines that go on."""
    found = read(
        "# a comment\n\nfor t, s = 1..3\nx[0..5,0..5] is 0 outside\nw is 0 outside  # padding\n"
        "h[0,k] = 0\na[t] = b +\n   c\nE = max(a[1],\n  a[2])\ny = (b\n + c)"
    )
    assert [(e.left.name, e.line) for e in found.equations] == [("h", 6), ("a", 7), ("E", 9), ("y", 11)]
    assert found.equations[1].right == Sum(((1, B), (1, C)))
    assert found.ranges == {"t": (1, 3), "s": (1, 3)}
    assert found.outside == {"x": ((0, 5), (0, 5)), "w": ()}


# --- refusals, in words ---

SYNTAX = {
    "y = a +": "here a number or a name is expected, and the line ends",
    "y =": "here a number or a name is expected, and the line ends",
    "y = (a": "here ')' is expected, and the line ends",
    "y = a)": "here an operator or the end of the line is expected, not ')': a bracket is missing?",
    "y = ()": "here a number or a name is expected, not ')': a bracket is missing?",
    "y == a": "here a number or a name is expected, not '='",
    "y": "here '=' is expected, and the line ends",
    "= a": "here an equation, such as a[j] = Σ_i W[j,i]*x[i], is expected, not '='",
    "y = a, b": "here an operator or the end of the line is expected, not ','",
    "y = a if b else c": "here a comparison with >, <, >= or <=, such as 'a > 0', is expected, not 'else'",
    "y = a if b > 0": "here 'else' is expected, and the line ends",
    "y = if": "here a number or a name is expected, not 'if'",
    "y = x[p*2]": "here ']' is expected, not '*'",
    "y = mean_i x[i]": "mean reaches to its bracket: write mean_i(..)",
    "y = a@b": "'@' is no part of an equation",
    "y = 'a'": '"\'" is no part of an equation',
    "for t = 1..": "here a whole number is expected, and the line ends",
    "for t = 1..b": "here a whole number is expected, not 'b'",
    "x is 1 outside": "here 'x is 0 outside' is expected, not '1'",
    "y = max(a)": "max takes 2 numbers, not 1",
    "y = tanh(a,b)": "tanh takes 1 number, not 2",
    "y = mod(a,b)": "mod is not a function: to multiply write mod*(..); functions are exp",
    "y = softmax(a)": "softmax is not a function: write softmax_i(..) with the letter it runs over",
    "y = sum_i(x[i])^2": "is the sum squared, or each term? put a bracket around what is meant",
    "y = mean_i(x[i])^2": "is the mean raised to the power, or each term? put a bracket around what is meant",
    "y = __import__('os')": "is no part of an equation",
}


@pytest.mark.parametrize("text", SYNTAX)
def test_a_line_that_cannot_be_read(text: str) -> None:
    """Where, what, what now: the line's number, a caret in its text, what was expected."""
    with pytest.raises(LanguageError) as error:
        read(f"q = 1\n{text}")
    words = str(error.value)
    assert words.startswith("equations line 2, at ^ in '")
    assert SYNTAX[text] in words
    assert "\n" not in words
    assert "^" in words.split("in '", 1)[1]


def test_the_caret_stands_before_what_was_not_expected() -> None:
    """The whole sentence of the page, with the line quoted."""
    with pytest.raises(LanguageError) as error:
        read("y = (a + )*b")
    assert str(error.value) == (
        "equations line 1, at ^ in 'y = (a + ^)*b': here a number or a name is expected, not ')': a bracket is missing?"
    )


def test_the_end_of_a_line_alone_is_no_missing_bracket() -> None:
    """`y = a +` lacks a number, not a bracket."""
    with pytest.raises(LanguageError) as error:
        read("y = a +")
    assert str(error.value).endswith("here a number or a name is expected, and the line ends")


P1, W2, G2 = {"x": 1}, {"W": [[1, 2]]}, {"x": [1, 2]}
Case = tuple[str, Mapping[str, Any], Mapping[str, Any], str]
REFUSED: dict[str, Case] = {
    "further than is said": (
        "x[0..3] is 0 outside\nfor p = 1..2\na[p] = Σ_u K[u]*x[p+u-3]\nE = Σ_p a[p]",
        {"K": [1, 2, 3]},
        {"x": [1, 2]},
        "x",
    ),
    "a letter that is an array": ("i = 2*w\nE = Σ_i x[i]*i", {"w": 1}, G2, "i"),
    "a sum is missing": (
        "y[k] = W[k,i]*x[i]\nE = Σ_k y[k]",
        W2,
        G2,
        "equations line 1: i stands on the right alone: write Σ_i before what is added up, or put i on the left",
    ),
    "sizes disagree": (
        "y[k] = Σ_i W[k,i]*x[i]\nE = Σ_k y[k]",
        {"W": [[1, 2, 3]]},
        G2,
        "equations line 1: i runs over 1..3 (in W), but index 1 of x over 1..2: correct the numbers, ",
    ),
    "not known": (
        "y[k] = Σ_i W[k,i]*z[i]\nE = Σ_k y[k]",
        W2,
        {},
        "equations line 1: z is not known: give it numbers, or an equation 'z = ...'",
    ),
    "how far": (
        "m[r] = max_{u}(x[2r+u-2])\nE = Σ_r m[r]",
        {},
        {"x": [1, 2, 3, 4]},
        "equations line 1: how far r runs is not known: state it, 'for r = 1..3', or that of a letter it goes with",
    ),
    "outside": (
        "for p = 1..4\na[p] = Σ_u K[u]*x[p+u-2]\nE = Σ_p a[p]",
        {"K": [1, 2, 3]},
        {"x": [1, 2, 3, 4]},
        "equations line 2: index 1 runs over 0..5, but index 1 of x over 1..4: correct the numbers, "
        "or take another letter, or say 'x is 0 outside'",
    ),
    "a circle": (
        "a = b + x\nb = 2*a\nE = b",
        P1,
        {},
        "a, b depend on each other in a circle: one of them must read an earlier value, such as h[t-1]",
    ),
    "given twice": (
        "x = 2\nE = x",
        P1,
        {},
        "equations line 1: x is given and has an equation too: leave one of the two out",
    ),
    "no objective": (
        "y = 2*x",
        P1,
        {},
        "no equation gives E: write 'E = ...', or name the one to differentiate, objective = \"y\", above",
    ),
    "a softmax within": (
        "y[k] = 2*softmax_k(a[k])\nE = Σ_k y[k]",
        {"a": [1, 2]},
        {},
        "equations line 1: softmax stands alone on the right side: give it a name and an equation of its own",
    ),
    "a largest within": (
        "E = 2*max_k(a[k])",
        {"a": [1, 2]},
        {},
        "equations line 1: max stands alone on the right side: give it a name and an equation of its own",
    ),
    "a letter twice": (
        "y[k] = exp(a[k])/Σ_k exp(a[k])\nE = Σ_k y[k]",
        {"a": [1, 2]},
        {},
        "equations line 1: k is summed over and is an index outside that sum too: take another letter for Σ_k",
    ),
    "a shift on the left": (
        "h[t+1] = tanh(w*h[t])\nE = h[3]",
        {"w": 1},
        {},
        "equations line 1: an index on the left is a letter or a number: shift the right side instead",
    ),
    "too few indices of a given array": (
        "y[k] = Σ_i W[k,i]*x\nE = Σ_k y[k]",
        W2,
        G2,
        "equations line 1: x has 1 index, 0 are written",
    ),
    "too few indices of an own array": ("y[k] = 2*x[k]\nE = Σ_k y", {"x": [1, 2]}, {}, "y has 1 index, 0 are written"),
    "too many indices of an own array": (
        "y[k] = 2*x[k]\nE = Σ_{k,i} y[k,i]*x[i]",
        {"x": [1, 2]},
        {},
        "y has 1 index, 2 are written",
    ),
    "nothing before the start": (
        "for t = 1..3\nh[t] = tanh(w*h[t-1])\nE = h[3]",
        {"w": 1},
        {},
        "give h[0] an equation, h[0] = 0",
    ),
    "one letter twice on the left": ("y[k,k] = x[k]\nE = Σ_k y[k,k]", {"x": [1, 2]}, {}, "k"),
    "a range that is empty": ("for t = 3..1\ny[t] = x\nE = Σ_t y[t]", P1, {}, "3..1"),
    "an inline range that is empty": ("E = Σ_{i=2..1} x*i[i]", P1, {"i": [1, 2]}, "2..1"),
    "two ranges of a letter": ("for t = 1..3\nfor t = 1..4\ny[t] = x\nE = Σ_t y[t]", P1, {}, "1..3"),
    "an objective with indices": ("E[k] = x[k]", {"x": [1, 2]}, {}, "E"),
    "two equations of one number": ("y = x\ny = 2*x\nE = y", P1, {}, "y"),
    "two equations of one entry": ("h[2] = w\nfor t = 1..3\nh[t] = 2*w\nE = h[1]", {"w": 1}, {}, "h[2]"),
    "a hole": ("h[1] = w\nh[3] = w*2\nE = h[1] + h[3]", {"w": 1}, {}, "h[2]"),
    "a parameter that is not used": ("E = x", {"x": 1, "w": 2}, {}, "w"),
    "a given that is not used": ("E = x", P1, {"g": 2}, "g"),
    "0 outside, of no array": ("q is 0 outside\nE = x", P1, {}, "q"),
    "a letter of no known range": ("E = Σ_q w", {"w": 1}, {}, "how far q runs is not known"),
    "a looked-up index outside": ("E = x[a]", {"x": [1, 2]}, {"a": 7}, "x"),
    "a looked-up index that is not whole": ("E = x[a]", {"x": [1, 2]}, {"a": 1.5}, "a"),
    "an exponent that is differentiated": ("E = a^b", {"a": 2, "b": 3}, {}, "b"),
    "a number read in two parts": ("E = 3.0.1*x", P1, {}, "3.0"),
    "a hexadecimal number": ("x10 = 2*x\nE = 0x10 + x10", P1, {}, "0"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_step_that_cannot_be_made(case: Case) -> None:
    """One line: where, what, what now; never another exception."""
    equations, parameters, given_, words = case
    with pytest.raises(LanguageError) as error:
        example({"equations": equations, "parameters": parameters, "given": given_}).run()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


ACCEPTED: dict[str, tuple[str, Mapping[str, Any], Mapping[str, Any], float]] = {
    "a state after the end": (
        "b[3] = w\nb[t] = x[t]*b[t+1]\nE = Σ_t b[t]*x[t]",
        {"w": 1},
        {"x": [2, 3]},
        21,
    ),
    "another size has another letter": ("E = Σ_i x[i]*Σ_j y[j]", {"x": [1, 2], "y": [1, 2, 3]}, {}, 18),
    "one size has two letters": ("E = Σ_i Σ_j x[i]*x[j]", {"x": [1, 2]}, {}, 9),
    "equations in any order": ("E = b\nb = 2*a\na = 3*x", P1, {}, 6),
    "what comes before": ("h[0] = 2\nfor t = 1..3\nh[t] = w*h[t-1]*1\nE = h[3] + w*0*h[0]", {"w": 1}, {}, 2),
    "a condition typed": ("E = Σ_i [i = 2]*x[i]", {"x": [1, 5]}, {}, 5),
    "a size": ("E = Σ_i x[i]/|i|", {"x": [1, 2, 6]}, {}, 3),
    "a function of the file": ("f(a) = a/(1 + abs(a))\nE = f(x)", {"x": 4}, {}, 0.8),
    "a condition of indices": ("m[p,r] = s[p,r] if r <= p else 0\nE = Σ_{p,r} m[p,r]", {"s": [[1, 2], [4, 8]]}, {}, 13),
    "a size from 0": ("for t = 0..3\nh[t] = w\nE = Σ_t h[t]/|t|", {"w": 1}, {}, 1),
    "a given exponent": ("E = a^n", {"a": 2}, {"n": 3}, 8),
}


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED)
def test_a_step_that_can_be_made(case: tuple[str, Mapping[str, Any], Mapping[str, Any], float]) -> None:
    """What the page says is possible is."""
    equations, parameters, given_, E = case
    made = example({"equations": equations, "parameters": parameters, "given": given_})
    assert made.run()["E"] == pytest.approx(E, rel=1e-14)
