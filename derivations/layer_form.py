"""The derivation of a network in general lines: an equation an array, layer by layer from the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from derivations.activations import Activation
from derivations.chains import Chain, Line, Part, Sentence
from derivations.expression import (
    Call,
    Derivative,
    Expression,
    Name,
    Negative,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Ref,
    Sum,
    letter,
)
from derivations.general_form import GeneralForm
from derivations.layers import layered, unit_letters
from derivations.names import Quantity
from derivations.network import Problem
from derivations.reasons import of_kinks
from derivations.written import Writing

__all__ = [
    "GRADIENTS",
    "SIGNALS",
    "LayerForm",
    "batch_parts",
    "batch_sentence",
    "function_parts",
    "mean_or_sum",
    "over_samples",
]

SIGNALS, GRADIENTS = ("dz", "slope", "J", "delta"), ("dW", "db")

Asked = frozenset[tuple[str, int]]
"""Kinds and layers of arrays that are wanted; none for all."""


class LayerForm:
    """Writes the general parts of one network, of one sample."""

    def __init__(self, problem: Problem, asked: Asked = frozenset()) -> None:
        self.problem, self.asked = problem, asked
        self.places = layered(problem).places
        self.form = GeneralForm(
            layered(problem).step,
            lambda name: self.places[name].layer > 0 and (not asked or tuple(self.places[name]) in asked),
            lambda name: self.places[name].kind == "delta",
        )
        if not asked and self.form.reasons:
            self.form.reasons.told.add("choice")  # it stands beside the functions

    def parts(self) -> tuple[Part, ...]:
        """The network, its functions, and for each layer its error signals and its gradients."""
        out: list[Part] = []
        if not self.asked:
            out += [Part("network", tuple(map(self._named, self.form.forward()))), *function_parts(self.problem)]
        found = [(self.places[e.left.name], chain) for e, chain in self.form.derivatives()]
        for l in range(len(self.problem.network), 0, -1):
            for heading, kinds in (("signals", SIGNALS), ("gradients", GRADIENTS)):
                chains = (chain for place, chain in found if place.layer == l and place.kind in kinds)
                out.append(Part(heading, tuple(chains), l))
        return tuple(part for part in out if part.chains)

    def _named(self, chain: Chain) -> Chain:
        """z = h(a) in place of z = sigmoid(a): what h is stands among the functions."""
        (line,) = chain.lines
        layer = self.places[chain.array].layer
        if self.places[chain.array].kind != "z" or not isinstance(line.right, Call):
            return chain
        (argument,) = line.right.arguments
        assert isinstance(argument, Ref)
        return replace(chain, lines=(Line("=", Ref(f"h#{layer}", argument.at)),))

    def sentences(self, kinds: tuple[str, ...], layer: int) -> tuple[Sentence, ...]:
        """What is said of the arrays of some kinds in one layer."""
        return self._sentences.get((kinds is SIGNALS, layer), ())

    @cached_property
    def _sentences(self) -> dict[tuple[bool, int], tuple[Sentence, ...]]:
        out: dict[tuple[bool, int], tuple[Sentence, ...]] = {}
        for e, chain in self.form.derivatives():
            place = self.places[e.left.name]
            key = (place.kind in SIGNALS, place.layer)
            out[key] = out.get(key, ()) + chain.sentences
        return out


def batch_parts(problem: Problem, asked: Asked) -> Iterator[Part]:
    """Of several samples trained together: each gradient as the sum, or the mean, over them."""
    own = layered(problem)
    chains = []
    for e in own.step.equations:
        place = own.places[e.left.name]
        if e.why == "gradient" and (not asked or tuple(place) in asked):
            first = Line("=", over_samples(problem, Ref(e.of, e.left.at)), mean_or_sum(problem))
            right = e.right
            if isinstance(right, Quotient):
                right = Product((Quotient(Number("1"), Number(str(problem.samples))), right.above))
            chains.append(Chain(e.left, (first, Line("=", right, "differentiated")), array=e.left.name))
    if chains:
        yield Part("batch", tuple(chains), sentences=(batch_sentence(problem),), whole=True)


def mean_or_sum(problem: Problem) -> str:
    """By which rule the samples are put together."""
    return "mean" if problem.training.reduction == "mean" else "samples"


def over_samples(problem: Problem, by: Expression) -> Expression:
    """1/N Σ_n ∂E_n/∂by, without 1/N where E is a sum."""
    each = Over("sum", ("n",), Partial(Ref("E_sample", (letter("n"),)), by))
    if mean_or_sum(problem) == "samples":
        return each
    return Product((Quotient(Number("1"), Number(str(problem.samples))), each))


def batch_sentence(problem: Problem) -> Sentence:
    """Where the samples come together."""
    loss, own = Ref("E", ()), Ref("E_sample", (letter("n"),))
    whole: Expression = Over("sum", ("n",), own)
    if mean_or_sum(problem) == "mean":
        whole = Product((Quotient(Number("1"), Number(str(problem.samples))), whole))
        told = (". The loss of the batch is their mean, ", f"; here its 1/{problem.samples} enters, once a parameter.")
    else:
        told = (". The loss of the batch is their sum, ", ", and so is its derivative.")
    return ("Up to here everything is of one sample's loss ", own, told[0], loss, " = ", whole, told[1])


# --- functions ---


def function_parts(problem: Problem) -> Iterator[Part]:
    """Each distinct activation function with its derivative; softmax with its Jacobian."""
    chains: list[Chain] = []
    first: dict[Activation, int] = {}
    layers: dict[Activation, list[int]] = {}
    for l, layer in problem.network:
        first.setdefault(layer.activation, l)
        layers.setdefault(layer.activation, []).append(l)
    for f in first:
        if f.elementwise:
            chains += _function_chains(f, layers[f])
    if chains:
        yield Part("local", tuple(chains))
    for f, l in first.items():
        if not f.elementwise:
            yield _softmax_part(problem, l)


def _function_chains(f: Activation, layers: Sequence[int]) -> Iterator[Chain]:
    """h(a), and h'(a): the value differentiated, and the forms it is known by."""
    m, a, l = Writing(), Name(Quantity("a")), layers[0]
    h, value = Name(Quantity("h", l)), f.formula(Writing(), Name(Quantity("a")))
    of = f"layers {', '.join(map(str, layers[:-1]))} and {layers[-1]}" if layers[1:] else f"layer {l}"
    named = f" is the activation function of {of}: {f.name.replace('_', ' ')}."
    values = [value, *([f.written(m, a)] if f.written else [])]
    yield Chain(h, tuple(Line("=", v) for v in values), sentences=((h, named),))
    assert f.derivative is not None
    forms = [*(form(m, a) for form in f.forms), f.derivative(m, a, h)]
    told = [Line("=", form, "differentiated" if k == 0 else "simplified") for k, form in enumerate(forms)]
    lines = (Line("=", Derivative(a, values[-1]), "definition"), *told)
    yield Chain(Name(Quantity("h_slope", l)), lines, sentences=of_kinks(f))


def _softmax_part(problem: Problem, l: int) -> Part:
    """The two cases of softmax's Jacobian, by the quotient rule."""
    k = unit_letters(len(problem.network) + 1)[l]
    m, s = [x for x in ("m", "l", "q", "r") if x != k][:2]
    own = _Softmax(l, k, s)
    z, (a_k, a_m) = own.z(k), (own.a(k), own.a(m))
    told: Sentence = ("Every ", a_m, " occurs in the denominator of ", z, ", but only ", a_k, " in its numerator. So ")
    told = (*told, "there are two cases, its own and any other one.")
    return Part(
        "jacobian",
        (
            Chain(z, (Line("=", Quotient(own.power(k), own.whole)),)),
            own.case(k, f"{m} = {k}", own.power(k), Product((z, Sum(((1, Number("1")), (-1, z)))))),
            own.case(m, f"{m} \u2260 {k}", Number("0"), Negative(Product((z, own.z(m))))),
        ),
        sentences=(told,),
    )


@dataclass(frozen=True)
class _Softmax:
    """The softmax of layer l in letters: z[k] of the numerator k and the summed letter s."""

    l: int
    k: str
    s: str

    def z(self, i: str) -> Ref:
        return Ref(f"z{self.l}", (letter(i),))

    def a(self, i: str) -> Ref:
        return Ref(f"a{self.l}", (letter(i),))

    def power(self, i: str) -> Expression:
        return Call("exp", (self.a(i),))

    @property
    def whole(self) -> Expression:
        """The denominator."""
        return Over("sum", (self.s,), self.power(self.s))

    def case(self, i: str, which: str, above: Expression, result: Expression) -> Chain:
        """∂z[k]/∂a[i] = (above' below - above below')/below², with above' as it is in this case."""
        products = Product((above, self.whole)), Product((self.power(self.k), self.power(i)))
        ratio = Quotient(Sum(((1, products[0]), (-1, products[1]))), Power(self.whole, 2))
        lines = (Line("=", ratio, f"quotient {which}"), Line("=", result, "simplified"))
        return Chain(Partial(self.z(self.k), self.a(i)), lines)
