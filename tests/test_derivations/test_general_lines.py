"""General lines, printed so that the language reads them back: every example, drawn expressions, brackets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import NAMES, Example, named
from test_derivations.test_core_stress import STRESS, stress

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
    letter,
)
from derivations.function import FUNCTIONS
from derivations.general import GeneralText
from derivations.language import expression, read

A, B, C, X = (Ref(name, ()) for name in "abcx")
I, J = letter("i"), letter("j")
XI = Ref("x", (I,))


TEXT = GeneralText()


def examples() -> list[tuple[str, Example]]:
    """Every example and every stress case."""
    return [*((name, named(name)) for name in NAMES), *((name, stress(name)) for name in STRESS)]


def test_every_forward_equation_is_printed_so_that_it_is_read_back() -> None:
    """Printed, read, printed again: the same text; and what was read is the same tree, but for functions opened."""
    for name, own in examples():
        for e in own.statements.equations:
            printed = TEXT.equation(e)
            (again,) = read(printed).equations
            assert TEXT.equation(again) == printed, name
            assert (again.left, again.right) == (e.left, e.right), name


NUMBERS = st.integers(0, 99).map(str) | st.sampled_from(["0.5", "1.25", "10.75", "pi"])
ENTRIES = st.sampled_from(["a", "b", "W1", "x_1", "h'"]).flatmap(
    lambda name: st.lists(
        st.builds(
            lambda c, l, plus: Index(((l, c),), plus),
            st.integers(-2, 2).filter(bool),
            st.sampled_from("ijk"),
            st.integers(-3, 3),
        )
        | st.integers(0, 9).map(lambda v: Index((), v))
        | st.sampled_from("ijk").map(lambda l: Index(((f"|{l}|", 1),), 0)),
        max_size=2,
    ).map(lambda at: Ref(name, tuple(at)))
)
LEAVES = NUMBERS.map(Number) | ENTRIES | st.sampled_from("ijk").map(Size)
ONE_ARGUMENT = [f.name for f in FUNCTIONS.values() if f.inputs == 1 and f.named]


def _inner(below: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    below = below.filter(lambda e: not isinstance(e, Choice))  # stands alone on a right side, or in brackets
    plain = below.filter(lambda e: not isinstance(e, Product))
    return st.one_of(
        st.lists(st.tuples(st.sampled_from([1, -1]), below), min_size=2, max_size=3).map(lambda t: Sum(tuple(t))),
        st.lists(plain, min_size=2, max_size=3).map(lambda f: Product(tuple(f))),
        st.builds(Quotient, below, below),
        st.builds(Power, below.filter(lambda e: not isinstance(e, Over)), st.integers(2, 4)),
        st.builds(Negative, below),
        st.builds(lambda f, a: Call(f, (a,)), st.sampled_from(ONE_ARGUMENT), below),
        st.builds(lambda a: Call("max0", (a,)), below),
        st.builds(lambda a, b: Call("max", (a, b)), plain, ENTRIES),
        st.builds(Over, st.sampled_from(["sum", "mean", "max", "min"]), st.just(("p",)), below),
        st.builds(Over, st.just("sum"), st.just(("p", "q")), below),
        st.builds(Choice, plain, plain, plain),
    )


EXPRESSIONS = st.recursive(LEAVES, _inner, max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_a_drawn_expression_is_read_as_it_was_printed(e: Expression) -> None:
    """The printed text is read, and printed again it is the same text: no bracket is missing, none too many."""
    printed = TEXT(e)
    assert TEXT(expression(printed)) == printed


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, st.lists(st.floats(0.5, 2), min_size=8, max_size=8))
def test_a_drawn_expression_keeps_its_value(e: Expression, numbers: list[float]) -> None:
    """What was printed and read back is worth the same, to rounding: brackets stand where they must."""
    before, after = (_value(tree, numbers) for tree in (e, expression(TEXT(e))))
    assert after == pytest.approx(before, rel=1e-9, nan_ok=True)


def _value(e: Expression, numbers: list[float]) -> float:
    """A number of an expression in which entries are worth something that depends on their text alone."""
    from entry_by_entry import FLOATS, Dual, Interpreter

    class Drawn(Interpreter):
        def entry(self, name: str, at: tuple[int, ...]) -> Dual:
            return Dual(numbers[sum(map(ord, f"{name}{at}")) % 8])

    ranges = {"i": (1, 2), "j": (1, 3), "k": (2, 3), "p": (1, 2), "q": (1, 2)}
    try:
        return float(Drawn((), ranges, (), {}, {}, FLOATS).value(e, {"i": 1, "j": 2, "k": 3}).value)
    except (OverflowError, ZeroDivisionError, ValueError):
        return float("nan")


BRACKETS = {
    "a power of a mean": Power(Over("mean", ("i",), XI), 2),
    "a power of a largest": Power(Over("max", ("i",), XI), 2),
    "a choice in a sum": Sum(((1, A), (1, Choice(B, A, C)))),
    "a choice in a product": Product((A, Choice(B, A, C))),
    "a choice in a function": Call("tanh", (Choice(B, A, C),)),
    "a choice among choices": Choice(A, Choice(B, A, C), X),
    "a choice as a test": Choice(Choice(B, A, C), A, X),
    "a choice otherwise": Choice(A, B, Choice(B, A, C)),
    "a negative that is raised": Power(Negative(A), 2),
    "a number that is raised twice": Power(Power(A, 2), 3),
    "a quotient below": Quotient(A, Quotient(B, C)),
    "a sum that is summed": Over("sum", ("i",), Sum(((1, XI), (-1, B)))),
    "a sum's factor": Product((Over("sum", ("i",), XI), A)),
    "a sum below": Quotient(A, Over("sum", ("i",), XI)),
    "a sum above": Quotient(Over("sum", ("i",), XI), A),
    "a negative in a product": Product((A, Negative(B))),
    "a test of two terms": Choice(Sum(((-1, A), (-1, B))), A, B),
    "a test of a sum": Choice(Sum(((1, A), (1, B))), A, B),
    "a negative exponent": Power(A, -2),
    "a size": Quotient(A, Size("i")),
    "a condition": Product((Same(I, J), A)),
}


@pytest.mark.parametrize("what", BRACKETS)
def test_brackets_of_general_lines(what: str) -> None:
    """Each shape that needs a bracket has it: read back, the tree is the same."""
    tree = BRACKETS[what]
    assert expression(TEXT(tree)) == tree, TEXT(tree)
