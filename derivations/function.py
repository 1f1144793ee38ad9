"""Functions of numbers: one entry each, in the language of equations, and the only place where one is added.

Letters: a (and b) the argument, z = h(a) the value.  An entry states its value as a teacher writes it; that is what
sympy differentiates and what gets printed.  Its slope is stated beside it and proved against the value by the contract
tests.  Where an arithmetic has the function itself (exp, or t log y with 0 log 0 = 0), `operation` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from derivations.expression import Expression

__all__ = ["ARGUMENTS", "FUNCTIONS", "LISTED", "SPELLINGS", "Function", "entry", "of_inputs"]

ARGUMENTS = "abcdef"
"""What the arguments of a function are called in its formulas, in order."""


@dataclass(frozen=True)
class Function:
    """A function of one number, or of `inputs`.

    `value`, `slopes` (one for each argument) and `stable`, which equals the value and is used where numbers have a
    machine format, are texts of the language.  A function of the file has `own` as it was read in their place, its
    slopes are made by the chain rule, and the entry stands in the `Call` itself.
    `named`: z = h(a) gives h'(a) a line of its own, slope_z.
    `logarithm` and `complement` are log h(a) and log(1 - h(a)) where they have a form that keeps its digits.
    `command`: LaTeX has a command of its name.  `root`: which root of its argument it is, 2 for the square root.
    `written` is the value of an operation, where a derivation has to say what it is.
    `forms` are other ways in which the slope is written.  At each of `kinks` the slope jumps, and takes the side that
    `at_kink` says.  `words` say the value for people, where the text of the language does not.
    """

    name: str
    value: str = ""
    slopes: tuple[str, ...] = ()
    stable: str = ""
    operation: str = ""
    written: str = ""
    named: bool = False
    inputs: int = 1
    command: bool = False
    root: int = 1
    logarithm: str = ""
    complement: str = ""
    words: str = ""
    forms: tuple[str, ...] = ()
    kinks: tuple[float, ...] = ()
    at_kink: str = ""
    spellings: tuple[str, ...] = ()
    listed: bool = True
    own: Expression | None = None
    source: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def by_name(self) -> bool:
        """Whether it is written by its name though it has a formula: max(a, b) is what people type."""
        return self.inputs > 1 and self.listed and self.own is None


_ALL = (
    Function("exp", command=True, slopes=("z",), operation="exp"),
    Function("expm1", "exp(a) - 1", ("exp(a)",), operation="expm1", listed=False),
    Function("log", command=True, slopes=("1/a",), operation="log", spellings=("ln",)),
    Function("log1p", "log(1 + a)", ("1/(1 + a)",), operation="log1p", listed=False),
    Function("sqrt", command=True, root=2, slopes=("1/(2*z)",), operation="sqrt"),
    Function("sin", command=True, slopes=("cos(a)",), operation="sin"),
    Function("cos", command=True, slopes=("-sin(a)",), operation="cos"),
    Function(
        "Phi",
        command=True,
        slopes=("exp(-(a^2/2))/sqrt(2*pi)",),
        operation="normal_cdf",
        spellings=("phi", "Φ"),
        source="standard normal distribution",
    ),
    Function("abs", slopes=("1 if a > 0 else -1 if 0 > a else 0",), operation="absolute", kinks=(0.0,)),
    Function(
        "max0", command=True, slopes=("1 if a > 0 else 0",), operation="positive_part", kinks=(0.0,), listed=False
    ),
    Function("max", "a if a > b else b", ("0 if b > a else 1", "1 if b > a else 0"), inputs=2, command=True),
    Function("min", "b if a > b else a", ("0 if a > b else 1", "1 if a > b else 0"), inputs=2, command=True),
    Function(
        "xlogy",
        "a*log(b)",
        ("log(b)", "over(a, b)"),
        operation="times_log",
        inputs=2,
        listed=False,
        source="0 log 0 = 0",
    ),
    Function("over", "a/b", ("1/b", "-(a/b^2)"), operation="over", inputs=2, listed=False, source="0/0 = 0"),
    Function("identity", "a", ("1",), named=True, spellings=("linear", "none"), source="Bishop (2006), section 5.1"),
    Function(
        "sigmoid",
        "1/(1 + exp(-a))",
        ("z*(1 - z)",),
        named=True,
        forms=(
            "exp(-a)/(1 + exp(-a))^2",
            "(1/(1 + exp(-a)))*((1 + exp(-a) - 1)/(1 + exp(-a)))",
            "(1/(1 + exp(-a)))*(1 - 1/(1 + exp(-a)))",
        ),
        logarithm="-softplus(-a)",
        complement="-softplus(a)",
        spellings=("logistic", "σ", "sigm", "expit"),
        source="Bishop (2006), 4.59 and 4.88",
    ),
    Function(
        "tanh",
        written="(exp(a) - exp(-a))/(exp(a) + exp(-a))",
        command=True,
        slopes=("1 - z^2",),
        operation="tanh",
        named=True,
        forms=("((exp(a) + exp(-a))^2 - (exp(a) - exp(-a))^2)/(exp(a) + exp(-a))^2",),
        source="Bishop (2006), 5.59 and 5.60",
    ),
    Function(
        "relu",
        "max(0, a)",
        ("1 if a > 0 else 0",),
        named=True,
        kinks=(0.0,),
        at_kink="slope 0 at a = 0",
        source="Nair & Hinton (2010)",
    ),
    Function(
        "leaky_relu",
        "a if a > 0 else 0.01*a",
        ("1 if a > 0 else 0.01",),
        named=True,
        words="a for a > 0, 0.01 a otherwise",
        kinks=(0.0,),
        at_kink="slope 0.01 at a = 0",
        spellings=("leakyrelu", "lrelu"),
        source="Maas, Hannun & Ng (2013)",
    ),
    Function(
        "elu",
        "a if a > 0 else expm1(a)",
        ("1 if a > 0 else exp(a)",),
        named=True,
        words="a for a > 0, exp(a) - 1 otherwise",
        kinks=(0.0,),
        at_kink="both slopes are 1 at a = 0, the second derivative jumps",
        source="Clevert, Unterthiner & Hochreiter (2016), alpha = 1",
    ),
    Function(
        "softplus",
        "log(1 + exp(a))",
        ("1/(1 + exp(-a))",),
        "max(0, a) + log1p(exp(-abs(a)))",
        named=True,
        forms=("exp(a)/(1 + exp(a))",),
        source="Dugas et al. (2001)",
    ),
    Function(
        "log1pexp",
        "log(1 + exp(a))",
        ("1/(1 + exp(-a))",),
        "max(0, a) + log1p(exp(-abs(a)))",
        listed=False,
        source="softplus inside a loss, where it has no line of its own",
    ),
    Function(
        "silu",
        "a/(1 + exp(-a))",
        ("1/(1 + exp(-a)) + z/(1 + exp(a))",),
        "a/(1 + exp(-a)) if a > 0 else a*exp(a)/(1 + exp(a))",
        named=True,
        forms=("1/(1 + exp(-a)) + a*exp(-a)/(1 + exp(-a))^2",),
        spellings=("swish",),
        source="Elfwing, Uchibe & Doya (2018); also called swish",
    ),
    Function(
        "swish",
        "a/(1 + exp(-(b*a)))",
        (
            "1/(1 + exp(-(b*a))) + a*b*exp(-(b*a))/(1 + exp(-(b*a)))^2",
            "a^2*exp(-(b*a))/(1 + exp(-(b*a)))^2",
        ),
        "a/(1 + exp(-(b*a))) if b*a > 0 else a*exp(b*a)/(1 + exp(b*a))",
        inputs=2,
        listed=False,
        source="Ramachandran, Zoph & Le (2017), swish(a, beta)",
    ),
    Function(
        "gelu",
        "a*Phi(a)",
        ("Phi(a) + a*(exp(-(a^2/2))/sqrt(2*pi))",),
        named=True,
        words="a Phi(a), Phi the standard normal distribution function (erf, not its tanh approximation)",
        source="Hendrycks & Gimpel (2016)",
    ),
    Function(
        "mish",
        "a*tanh(log(1 + exp(a)))",
        ("tanh(softplus(a)) + a*(1 - tanh(softplus(a))^2)/(1 + exp(-a))",),
        "a*(1 + 2*exp(-a))/(1 + 2*exp(-a) + 2*exp(-(2*a))) if a > 0 else "
        "a*exp(a)*(exp(a) + 2)/(exp(a)*(exp(a) + 2) + 2)",
        named=True,
        source="Misra (2019), a tanh(softplus(a))",
    ),
    Function(
        "selu",
        "1.0507009873554805*a if a > 0 else 1.7580993408473768*expm1(a)",
        ("1.0507009873554805 if a > 0 else 1.7580993408473768*exp(a)",),
        named=True,
        words="s a for a > 0, s alpha (exp(a) - 1) otherwise, s = 1.0507009873554805, alpha = 1.6732632423543772",
        kinks=(0.0,),
        at_kink="slope 1.7580993408473768 at a = 0, s alpha",
        source="Klambauer et al. (2017)",
    ),
    Function(
        "bipolar_sigmoid",
        "(1 - exp(-a))/(1 + exp(-a))",
        ("(1 - z^2)/2",),
        "tanh(a/2)",
        named=True,
        forms=("2*exp(-a)/(1 + exp(-a))^2",),
        spellings=("bipolar",),
        source="Fausett (1994), slope parameter 1; bipolar_sigmoid(2*a) has slope parameter 2",
    ),
    Function(
        "hard_sigmoid",
        "0 if -3 >= a else 1 if a >= 3 else a/6 + 1/2",
        ("0 if -3 >= a else 0 if a >= 3 else 1/6",),
        named=True,
        words="a/6 + 1/2 for -3 < a < 3, 0 below, 1 above",
        kinks=(-3.0, 3.0),
        at_kink="slope 0 at a = -3 and a = 3",
        spellings=("hardsigmoid",),
        source="torch.nn.Hardsigmoid",
    ),
    Function("square", "a^2", ("2*a",), named=True, source="a unit of a quadratic network"),
    Function(
        "step",
        "1 if a >= 0 else 0",
        ("0",),
        named=True,
        words="1 for a >= 0, 0 below",
        kinks=(0.0,),
        at_kink="slope 0 at a = 0 as everywhere, value 1",
        spellings=("heaviside", "threshold", "hardlim"),
        source="Rosenblatt (1958)",
    ),
    Function(
        "sign",
        "1 if a > 0 else -1 if 0 > a else 0",
        ("0",),
        named=True,
        words="1 for a > 0, -1 for a < 0, 0 at 0",
        kinks=(0.0,),
        at_kink="slope 0 at a = 0 as everywhere, value 0",
        spellings=("sgn", "signum"),
        source="Rosenblatt (1958), with outputs of either sign",
    ),
)

FUNCTIONS: Mapping[str, Function] = MappingProxyType({f.name: f for f in _ALL})

SPELLINGS: Mapping[str, str] = MappingProxyType(
    {name: f.name for f in reversed(_ALL) for name in (f.name, *f.spellings)}
)
"""The name of a function by everything it may be called (in lower case, or as it stands), the first of its name."""

LISTED = tuple(f.name for f in _ALL if f.listed)
"""The functions that people type."""


def of_inputs(function: Function, name: str, inputs: int) -> Function:
    """The function that a name means with so many arguments: swish(a), or swish(a, beta)."""
    other = FUNCTIONS.get(name.lower(), function)
    return other if other.inputs == inputs != function.inputs and other.own is None else function


def entry(function: str | Function, functions: Mapping[str, Function] = FUNCTIONS) -> Function:
    """The entry of a function by its name; one of the file stands in its call."""
    return functions[function] if isinstance(function, str) else function
