"""A scalar formula over leaves, its slopes by sympy: what the symbolic route works with, each distinct form once.

A form is a tree of tuples whose leaves are whole numbers: ("*", 0, ("+", (1, ("n", 1, 1)), (-1, 0))) is v0 (1 - v0).
Its value is worked from the tree as it is written, its slopes from what `sympy.diff` makes of the same tree.  No
slope that a function's entry states is read here, and no backward equation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

__all__ = ["Context", "Form", "Numbers", "Tree", "form"]

Tree = Any  # an int (a leaf), ("n", p, q) (the number p/q), "pi", or a tuple of an operation and trees
Slot = int
Expr = Any  # a sympy expression
MOST_LEAVES = 400


class Numbers(Protocol):
    """The numbers that a form is worked in: values with bounds, balls."""

    def number(self, value: Fraction) -> Any:
        """A number known beforehand."""

    def pi(self) -> Any:
        """The circle's."""

    def total(self, terms: list[tuple[int, Any]]) -> Any:
        """A sum with signs."""

    def product(self, x: Any, y: Any) -> Any:
        """x y"""

    def quotient(self, x: Any, y: Any) -> Any:
        """x / y"""

    def whole_power(self, x: Any, n: int) -> Any:
        """x to a whole exponent."""

    def power(self, x: Any, y: Any) -> Any:
        """x to any exponent."""

    def call(self, name: str, *x: Any) -> Any:
        """A function by its name."""

    def decide(self, test: Any, k: int, context: Context) -> Any:
        """Where a test is above 0; it is the k-th of its form."""

    def settled(self, test: Any) -> Any:
        """Where a test of whole numbers is above 0: nothing is open there."""

    def choose(self, decision: Any, x: Any, y: Any, *, hull: bool) -> Any:
        """x where it is, y elsewhere; a hull of both where it cannot be told."""


@dataclass
class Context:
    """The tests of one form at work: decisions that are `forced`, all that were `taken`, where they stay `open`."""

    forced: Mapping[int, Any] = field(default_factory=dict)
    taken: dict[int, Any] = field(default_factory=dict)
    open: dict[int, Any] = field(default_factory=dict)


Instruction = Callable[[Numbers, list[Any], Context], Any]


class _Code:
    """Instructions in order; each part is worked once, whichever formulas it stands in."""

    def __init__(self, leaves: int) -> None:
        self.leaves, self.steps = leaves, list[Instruction]()
        self.slots: dict[Hashable, Slot] = {}
        self.tests: dict[Hashable, int] = {}
        self.sharp: set[Hashable] = set()

    def add(self, key: Hashable, step: Instruction) -> Slot:
        """The place of a part's value."""
        if key not in self.slots:
            self.slots[key] = self.leaves + len(self.steps)
            self.steps.append(step)
        return self.slots[key]

    def number(self, value: Fraction) -> Slot:
        return self.add(("n", value), lambda m, s, c: m.number(value))

    def pi(self) -> Slot:
        return self.add("pi", lambda m, s, c: m.pi())

    def total(self, terms: list[tuple[int, Slot]]) -> Slot:
        if len(terms) == 2 and terms[0] == (-terms[1][0], terms[1][1]):
            return self.number(Fraction(0))  # a - a, however well a is known
        return self.add(("+", *terms), lambda m, s, c: m.total([(sign, s[k]) for sign, k in terms]))

    def product(self, factors: list[Slot]) -> Slot:
        out = factors[0]
        for k in factors[1:]:
            out = self.add(("*", out, k), lambda m, s, c, a=out, b=k: m.product(s[a], s[b]))  # type: ignore[misc]
        return out

    def quotient(self, a: Slot, b: Slot) -> Slot:
        return self.add(("/", a, b), lambda m, s, c: m.quotient(s[a], s[b]))

    def whole_power(self, a: Slot, n: int) -> Slot:
        return a if n == 1 else self.add(("^", a, n), lambda m, s, c: m.whole_power(s[a], n))

    def power(self, a: Slot, b: Slot) -> Slot:
        return self.add(("**", a, b), lambda m, s, c: m.power(s[a], s[b]))

    def call(self, name: str, *a: Slot) -> Slot:
        return self.add((name, *a), lambda m, s, c: m.call(name, *(s[k] for k in a)))

    def choice(self, key: Hashable, test: Slot, a: Slot, b: Slot, *, value: bool) -> Slot:
        """`key` says which test it is, wherever it stands; a `value` is as open as the test, a slope is one side's."""
        number = self.tests.setdefault(key, len(self.tests))
        sharp = key in self.sharp
        decision = self.add(
            ("?", number), lambda m, s, c: m.settled(s[test]) if sharp else m.decide(s[test], number, c)
        )
        return self.add(
            ("choose", decision, a, b, value), lambda m, s, c: m.choose(s[decision], s[a], s[b], hull=value)
        )

    def run(self, m: Numbers, leaves: list[Any], context: Context) -> list[Any]:
        """Every part's value."""
        known = list(leaves)
        for step in self.steps:
            known.append(step(m, known, context))
        return known


class Form:
    """A formula of some leaves: its value, and its slope in each leaf."""

    def __init__(self, tree: Tree, leaves: int, sloped: bool) -> None:
        self.tree, self.leaves = tree, leaves
        self._code = _Code(leaves)
        self._symbols: dict[Tree, Expr] = {}
        self._letters: tuple[Expr, ...] = ()
        if sloped:
            import sympy as sp

            self._letters = sp.symbols(f"v:{leaves}", real=True)
        self._value = self._of(tree)
        self._slopes = tuple(self._of_sympy(e) for e in self._derived()) if sloped else ()

    @property
    def tests(self) -> int:
        """How many different tests stand in it."""
        return len(self._code.tests)

    def run(self, m: Numbers, leaves: list[Any], context: Context) -> tuple[Any, tuple[Any, ...]]:
        """The value and, of a form that has them, the slopes; None for a slope that is 0."""
        known = self._code.run(m, leaves, context)
        return known[self._value], tuple(None if k is None else known[k] for k in self._slopes)

    # --- the value, as written ---

    def _of(self, t: Tree) -> Slot:
        code = self._code
        if isinstance(t, int):
            return t
        match t:
            case ("n", p, q):
                return code.number(Fraction(p, q))
            case "pi":
                return code.pi()
            case ("+", *terms):
                return code.total([(sign, self._of(part)) for sign, part in terms])
            case ("*", *factors):
                return code.product([self._of(f) for f in factors])
            case ("/", a, b):
                return code.quotient(self._of(a), self._of(b))
            case ("^", a, int(n)):
                return code.whole_power(self._of(a), n)
            case ("**", a, b):
                return code.power(self._of(a), self._of(b))
            case ("?" | "if", test, a, b):
                key = self._symbol(test) if self._letters else test
                if t[0] == "if":
                    code.sharp.add(key)
                return code.choice(key, self._of(test), self._of(a), self._of(b), value=bool(self._letters))
            case (name, *arguments):
                return code.call(name, *(self._of(a) for a in arguments))
        raise TypeError(f"no value of {t!r}")

    # --- the slopes, by sympy ---

    def _derived(self) -> list[Expr]:
        import sympy as sp

        whole = self._symbol(self.tree)
        return [sp.diff(whole, v) for v in self._letters]

    def _symbol(self, t: Tree) -> Expr:
        if t not in self._symbols:
            self._symbols[t] = self._made_symbol(t)
        return self._symbols[t]

    def _made_symbol(self, t: Tree) -> Expr:
        import sympy as sp

        of = self._symbol
        if isinstance(t, int):
            return self._letters[t]
        match t:
            case ("n", p, q):
                return sp.Rational(p, q)
            case "pi":
                return sp.pi
            case ("+", *terms):
                return sp.Add(*(sign * of(part) for sign, part in terms))
            case ("*", *factors):
                return sp.Mul(*map(of, factors))
            case ("/", a, b):
                return of(a) / of(b)
            case ("^" | "**", a, b):
                return of(a) ** (b if isinstance(b, int) and t[0] == "^" else of(b))
            case ("?" | "if", test, a, b):
                return chosen(of(test), of(a), of(b))
            case (name, *arguments):
                return _SYMBOLS[name](*map(of, arguments))
        raise TypeError(f"no symbol of {t!r}")

    def _of_sympy(self, e: Expr) -> Slot | None:
        return None if e.is_zero else self._part(e)

    def _part(self, e: Expr) -> Slot:
        """The instructions of what sympy made."""
        code = self._code
        if e in self._letters:
            return self._letters.index(e)
        if e.is_Rational:
            return code.number(Fraction(int(e.p), int(e.q)))
        kind = type(e).__name__
        match kind:
            case "Pi":
                return code.pi()
            case "Exp1":
                return code.call("exp", code.number(Fraction(1)))
            case "Add":
                return code.total([(1, self._part(a)) for a in e.args])
            case "Mul":
                return self._of_product(e)
            case "Pow":
                return self._of_power(e.base, e.exp)
            case "Chosen":
                test, a, b = e.args
                return code.choice(test, self._part(test), self._part(a), self._part(b), value=False)
        return code.call(_CALLED[kind], *(self._part(a) for a in e.args))

    def _of_product(self, e: Expr) -> Slot:
        """exp(-a)/(1 + exp(-a))^2 as one quotient."""
        above, below = list[Slot](), list[Slot]()
        for f in e.args:
            if type(f).__name__ == "Pow" and f.exp.is_Integer and f.exp < 0:
                below.append(self._of_power(f.base, -f.exp))
            else:
                above.append(self._part(f))
        top = self._code.product(above) if above else self._code.number(Fraction(1))
        return self._code.quotient(top, self._code.product(below)) if below else top

    def _of_power(self, base: Expr, exponent: Expr) -> Slot:
        code = self._code
        if exponent.is_Integer:
            n, a = int(exponent), self._part(base)
            return code.whole_power(a, n) if n > 0 else code.quotient(code.number(Fraction(1)), code.whole_power(a, -n))
        if exponent.is_Rational and exponent.q == 2:
            n, root = int(exponent.p), code.call("sqrt", self._part(base))
            power = code.whole_power(root, abs(n))
            return power if n > 0 else code.quotient(code.number(Fraction(1)), power)
        return code.power(self._part(base), self._part(exponent))


@lru_cache(maxsize=512)
def form(tree: Tree, leaves: int, sloped: bool = True) -> Form:
    """The form of a tree, made once.  Raises ArithmeticError for one of too many leaves to be differentiated."""
    if sloped and leaves > MOST_LEAVES:
        raise ArithmeticError(f"one line reads {leaves} numbers outside a sum; more than {MOST_LEAVES} are not derived")
    return Form(tree, leaves, sloped)


@lru_cache(maxsize=1)
def _own_functions() -> tuple[Any, ...]:
    """What sympy has no real function for: choices, sizes; a log b and a/b, 0 where a is exactly 0; Phi far below 0."""
    import sympy as sp

    class Chosen(sp.Function):  # type: ignore[misc]
        """Chosen(c, p, q) is p where c > 0 and q elsewhere; it is differentiated branch by branch."""

        nargs = 3

        @classmethod
        def eval(cls, test: Expr, a: Expr, b: Expr) -> Expr | None:
            if a == b:
                return a
            above = (test > 0) if test.is_number else None  # a relation where it has a function of ours, |3| > 0
            return a if above == sp.true else b if above == sp.false else None

        def _eval_derivative(self, s: Expr) -> Expr:
            test, a, b = self.args
            return Chosen(test, a.diff(s), b.diff(s))

    class Absolute(sp.Function):  # type: ignore[misc]
        """|a|, of a real number whatever sympy makes of it; its slope at 0 is 0."""

        nargs = 1

        def _eval_derivative(self, s: Expr) -> Expr:
            (a,) = self.args
            return Chosen(a, sp.Integer(1), Chosen(-a, sp.Integer(-1), sp.Integer(0))) * a.diff(s)

    class Over(sp.Function):  # type: ignore[misc]
        """a/b, 0 where a is exactly 0."""

        nargs = 2

        def _eval_derivative(self, s: Expr) -> Expr:
            return sp.diff(self.args[0] / self.args[1], s)

    class XLogY(sp.Function):  # type: ignore[misc]
        """a log b, 0 where a is exactly 0, as are its slopes in b then."""

        nargs = 2

        def _eval_derivative(self, s: Expr) -> Expr:
            a, b = self.args
            return a.diff(s) * sp.log(b) + Over(a, b) * b.diff(s)

    class Phi(sp.Function):  # type: ignore[misc]
        """erfc(-a/sqrt(2))/2, which sympy turns into 1 - erfc(a/sqrt(2))/2: far below 0 nothing would be left of it."""

        nargs = 1

        def fdiff(self, argindex: int = 1) -> Expr:
            x = sp.Dummy(real=True)
            return sp.diff(sp.erfc(-x / sp.sqrt(2)) / 2, x).subs(x, self.args[0])

    return Chosen, Over, XLogY, Absolute, Phi


def chosen(test: Expr, a: Expr, b: Expr) -> Expr:
    """`a` where the test is above 0, `b` elsewhere, for sympy."""
    return _own_functions()[0](test, a, b)


def _named(name: str) -> Callable[..., Expr]:
    def make(*a: Expr) -> Expr:
        import sympy as sp

        return getattr(sp, name)(*a)

    return make


_SYMBOLS: Mapping[str, Callable[..., Expr]] = {
    **{name: _named(name) for name in ("exp", "log", "tanh", "sqrt", "sin", "cos")},
    "abs": lambda a: _own_functions()[3](a),
    "expm1": lambda a: _named("exp")(a) - 1,
    "log1p": lambda a: _named("log")(1 + a),
    "Phi": lambda a: _own_functions()[4](a),
    "over": lambda a, b: _own_functions()[1](a, b),
    "xlogy": lambda a, b: _own_functions()[2](a, b),
}
"""What each function of a tree is to sympy."""

_CALLED = {name: name for name in ("exp", "log", "tanh", "sin", "cos", "Phi")} | {
    "Absolute": "abs",
    "Over": "over",
    "XLogY": "xlogy",
}
"""What sympy's functions are called where they are worked."""
