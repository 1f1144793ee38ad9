"""The value of a formula in some world: numbers, vectors and matrices, functions by name, derivatives.

Where numbers come from is the caller's: `leaf` gives a quantity's, `number` reads a literal (exactly, or as the ball of
everything that is shown so).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, fmpq

from derivations.activations import ACTIVATIONS, Activation
from derivations.expression import (
    Call,
    Choice,
    Entrywise,
    Expression,
    Matrix,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Transposed,
    names_in,
)
from derivations.names import Quantity
from derivations.network import Problem
from derivations.reading.nodes import Applied, Derivative, Norm, Variable
from derivations.written import Writing
from tracer.answers.solutions.duals import Dual, called, powered, rational

__all__ = ["Calculator", "NoValue", "activation_named", "exact_number", "function_base"]

_FUNCTION = re.compile(
    r"^\\?(?:(?:mathrm|operatorname|text|mathit|mathbf)\{?\\?)?(?P<base>[A-Za-zσφϕψ]++)\}?"
    r"(?:_\{?(?P<sub>[\w,]++)\}?|\^\{?\(?\[?(?P<sup>\d++|L)\]?\)?\}?)*+(?P<primes>'*+)"
    r"(?:_\{?(?P<later>[\w,]++)\}?|\^\{?\(?\[?(?P<last>\d++)\]?\)?\}?)*+"
)
_NAMED = {
    "sigmoid": "sigmoid", "logistic": "sigmoid", "sigm": "sigmoid", "sig": "sigmoid", "tanh": "tanh", "relu": "relu",
    "softplus": "softplus", "softmax": "softmax", "silu": "silu", "gelu": "gelu", "elu": "elu",
}  # fmt: skip
_ANY = ("h", "f", "g", "F", "G", "act", "phi", "varphi", "psi", "φ", "ϕ", "ψ", "sigma", "σ", "s", "S", "o")


class NoValue(ArithmeticError):
    """A formula that has no value here.  The message says why."""


def exact_number(text: str) -> Any:
    """A literal as it stands."""
    if text == "pi":
        return arb.pi()
    return rational(text)


_NAMED_BELOW = re.compile(r"^\\?[A-Za-z]++_\{?(?:\\(?:text|mathrm)\{?)?([A-Za-z]{3,8})\}{0,2}('*)")  # g_{ReLU}


def function_base(written: str) -> tuple[str, int, int]:
    """(name, layer or 0, how often differentiated) of a function as written: h_1' is (h, 1, 1)."""
    text = re.sub(r"[′’]", "'", "".join(written.split()))
    text = re.sub(r"(?<!\^)(?<!\{)\\prime(?![A-Za-z])", "'", text)
    text = re.sub(r"\^\{?(?:\\prime)+\}?", lambda m: "'" * m[0].count("prime"), text)
    found = _FUNCTION.fullmatch(text)
    if not found:
        named = _NAMED_BELOW.fullmatch(text)
        if named and activation_named(named[1]):
            return named[1], 0, len(named[2])
        return text, 0, 0
    layer = next((found[g] for g in ("sub", "sup", "later", "last") if found[g] and found[g].isdigit()), "0")
    return found["base"], int(layer), len(found["primes"])


def activation_named(base: str) -> str:
    """The activation function that a word such as ReLU names, "" for a letter."""
    return _NAMED.get(base.lower(), "")


class Calculator:
    """Evaluates resolved trees.

    `partial` gives d of / d by; `functions` are those that the document defines: name to (variable, body).
    """

    def __init__(
        self,
        problem: Problem,
        leaf: Callable[[Quantity], Any],
        *,
        number: Callable[[str], Any] = exact_number,
        partial: Callable[[Quantity, Quantity], Any] | None = None,
        functions: Mapping[str, tuple[str, Expression]] | None = None,
        variables: Mapping[str, Any] | None = None,
        letter: str = "h",
        entrywise: bool = False,
    ) -> None:
        self.problem, self.leaf, self.number, self.partial = problem, leaf, number, partial
        self.functions, self.variables = functions or {}, dict(variables or {})
        self.letter, self.entrywise = letter, entrywise
        self._calls = 0

    def value(self, e: Expression) -> Any:
        """A number, or an object array of two axes.  Raises NoValue and ArithmeticError."""
        match e:
            case Name(quantity):
                return self.leaf(quantity)
            case Number(text):
                return self.number(text)
            case Sum(terms):
                return self._sum(terms)
            case Product(factors):
                return self._product(factors)
            case Quotient(above, below):
                return self._quotient(self.value(above), self.value(below))
            case Power(base, exponent):
                return _each(lambda x: powered(x, exponent), self.value(base))
            case Negative(operand):
                return -self.value(operand)
            case Call(function, (argument,)):
                return _each(lambda x: called(function, x), self.value(argument))
            case Choice(test, positive, otherwise):
                tested = self.value(test)
                return self.value(positive if _number(tested) > 0 else otherwise)
            case _:
                return self._other(e)

    def _other(self, e: Expression) -> Any:
        match e:
            case Matrix(rows):
                return self._matrix(rows)
            case Entrywise(factors):
                out = self.value(factors[0])
                for factor in factors[1:]:
                    out = _fitted(out, self.value(factor), lambda a, b: a * b)
                return out
            case Transposed(operand):
                inner = self.value(operand)
                return inner.T if isinstance(inner, np.ndarray) else inner
            case Partial(Name(of), Name(by)):
                if self.partial is None:
                    raise NoValue("a derivative of a derivative")
                return self.partial(of, by)
            case Derivative(by, operand, _):
                return self._derivative(by, operand)
            case Applied(function, argument):
                return self._applied(function, argument)
            case Variable(text):
                if text not in self.variables:
                    raise NoValue(f"{text} has no number")
                return self.variables[text]
            case Norm(operand):
                inner = self.value(operand)
                if isinstance(inner, np.ndarray):
                    return called("sqrt", sum(x * x for x in inner.flat))
                return inner if _number(inner) > 0 else -inner
        raise NoValue("not a formula of numbers")

    def _sum(self, terms: tuple[tuple[int, Expression], ...]) -> Any:
        total: Any = None
        for sign, term in terms:
            value = self.value(term)
            value = value if sign > 0 else -value
            total = value if total is None else _fitted(total, value, lambda a, b: a + b)
        return total

    def _product(self, factors: tuple[Expression, ...]) -> Any:
        out: Any = None
        infinite: ArithmeticError | None = None
        zero = False
        for factor in factors:
            try:
                value = self.value(factor)
            except NoValue:
                raise
            except ArithmeticError as e:
                infinite = e
                continue
            zero = zero or (isinstance(value, fmpq) and value == 0)
            out = value if out is None else _times(out, value, self.entrywise)
        if infinite:
            if zero:
                return fmpq(0)  # 0 log 0 = 0
            raise infinite
        return out

    def _quotient(self, above: Any, below: Any) -> Any:
        if isinstance(below, np.ndarray):
            return _fitted(above, below, _divided)
        return _each(lambda x: _divided(x, below), above)

    def _matrix(self, rows: tuple[tuple[Expression, ...], ...]) -> Any:
        out = np.empty((len(rows), len(rows[0])), object)
        for j, row in enumerate(rows):
            for i, entry in enumerate(row):
                value = self.value(entry)
                if isinstance(value, np.ndarray):
                    raise NoValue("a matrix of matrices")
                out[j, i] = value
        return out

    def _derivative(self, by: Expression, operand: Expression) -> Any:
        leaf, variables = self.leaf, self.variables
        if isinstance(by, Variable):
            own = variables[by.text]
            inner = self._with(leaf, {**variables, by.text: Dual(own, fmpq(1))})
        else:
            assert isinstance(by, Name)
            wanted, partial = by.quantity, self.partial
            if partial is None:
                raise NoValue("a derivative of a derivative")

            def moved(q: Quantity) -> Any:
                return Dual(leaf(q), fmpq(1) if q == wanted else partial(q, wanted))

            inner = self._with(moved, variables)
        return _each(lambda x: x.slope if isinstance(x, Dual) else fmpq(0), inner.value(operand))

    def _with(self, leaf: Callable[[Quantity], Any], variables: Mapping[str, Any]) -> Calculator:
        return Calculator(
            self.problem,
            leaf,
            number=self.number,
            functions=self.functions,
            variables=variables,
            letter=self.letter,
            entrywise=self.entrywise,
        )

    # --- functions ---

    def _applied(self, written: str, argument: Expression) -> Any:
        value = self.value(argument)
        base, layer, primes = function_base(written)
        self._calls += 1
        if primes > 1 or self._calls > 10_000:
            raise NoValue("a second derivative")
        if base in self.functions and not layer:
            variable, body = self.functions[base]

            def function(x: Any) -> Any:
                return self._with(self.leaf, {variable: x}).value(body)

            return _each(lambda x: _differentiated(function, x) if primes else function(x), value)
        if base == "dtanh":
            base, primes = "tanh", primes + 1
        activation = self.activation(base, layer, argument)
        if not activation.elementwise:
            return self._whole(activation, value, primes)
        formula = _formula(activation)

        def of_layer(x: Any) -> Any:
            return Calculator(self.problem, lambda q: x).value(formula)

        return _each(lambda x: _differentiated(of_layer, x) if primes else of_layer(x), value)

    def activation(self, base: str, layer: int, argument: Expression) -> Activation:
        """The function that a letter stands for: by its name, its layer, the layer of what it is applied to."""
        if activation_named(base):
            return ACTIVATIONS[activation_named(base)]
        if base not in _ANY:
            raise NoValue(f"{base} is no function of this network")
        layers = [l.activation for _, l in self.problem.network]
        found = {q.layer for q in names_in(argument) if q.kind == "a"}
        found = found or {q.layer for q in names_in(argument) if q.kind in ("W", "b")}
        if layer:
            own = layers[layer - 1] if layer <= len(layers) else None
            if own is None or (len(found) == 1 and layers[min(found) - 1] != own):
                raise NoValue(f"{base} of layer {layer} is applied to another layer")
            return own
        if base in ("sigma", "σ") and base != self.letter and ACTIVATIONS["sigmoid"] in layers:
            return ACTIVATIONS["sigmoid"]
        if base == "o":
            return layers[-1]
        if len(found) == 1:
            return layers[found.pop() - 1]
        return layers[0]

    def _whole(self, activation: Activation, value: Any, primes: int) -> Any:
        if not isinstance(value, np.ndarray) or primes:
            raise NoValue("softmax works on a whole layer")
        column = value.reshape(-1, 1)
        names = np.array([[Name(Quantity("a", 0, (k + 1,)))] for k in range(len(column))], object)
        inner = Calculator(self.problem, lambda q: column[q.indices[0] - 1, 0])
        out = np.empty(column.shape, object)
        for k, formula in enumerate(activation.formula(Writing(), names)[:, 0]):
            out[k, 0] = inner.value(formula)
        return out.reshape(value.shape)


@lru_cache(maxsize=64)
def _formula(activation: Activation) -> Expression:
    formula: Expression = activation.formula(Writing(), Name(Quantity("a")))
    return formula


def _differentiated(function: Callable[[Any], Any], x: Any) -> Any:
    if isinstance(x, Dual):
        raise NoValue("a second derivative")
    moved = function(Dual(x, fmpq(1)))
    return moved.slope if isinstance(moved, Dual) else fmpq(0)


def _number(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        raise NoValue("a number is needed, not a vector")
    return x.value if isinstance(x, Dual) else x


def _divided(a: Any, b: Any) -> Any:
    own = b.value if isinstance(b, Dual) else b
    if isinstance(own, fmpq) and own == 0:
        raise NoValue("a division by zero")
    return a / b


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return function(value)
    out = np.empty(value.shape, object)
    for place in np.ndindex(value.shape):
        out[place] = function(value[place])
    return out


def _fitted(a: Any, b: Any, op: Callable[[Any, Any], Any]) -> Any:
    """Entry by entry, of two arrays of one shape, a row and a column of one length, or an array and a number."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape != b.shape:
        if a.size == b.size and 1 in a.shape and 1 in b.shape:
            b = b.reshape(a.shape)
        elif 1 not in (a.size, b.size):
            raise NoValue(f"shapes {_shape(a)} and {_shape(b)} do not fit")
    return op(a, b)


def _times(a: Any, b: Any, entrywise: bool) -> Any:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if entrywise and a.shape == b.shape:
            return a * b
        if a.shape[1] == b.shape[0]:
            return a @ b if a.size * b.shape[1] < 1_000_000 else _too_large()
        if a.shape == b.shape and 1 in a.shape:
            return (a.reshape(1, -1) @ b.reshape(-1, 1)) if a.shape[0] == 1 or a.shape[1] == 1 else a * b
        raise NoValue(f"shapes {_shape(a)} and {_shape(b)} cannot be multiplied")
    return a * b


def _too_large() -> Any:
    raise NoValue("too large a matrix")


def _shape(a: Any) -> str:
    return "x".join(map(str, a.shape))
