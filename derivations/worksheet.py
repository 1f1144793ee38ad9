"""What a worksheet adds to a derivation: the numbers that are given, what `[sheet]` asks for, lines to be filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from derivations.aliases import Aliases
from derivations.chains import Chain, Line, Part, Sentence
from derivations.computation import Computation
from derivations.expression import Blank, Expression, Matrix, Name, Number, Ref
from derivations.formulas import givens
from derivations.names import CONSTANTS, Quantity
from derivations.network import Problem
from derivations.own_names import OwnNames

__all__ = ["asked", "asked_own", "blank", "given_numbers", "given_own", "precision"]

MOST_LISTED = 24  # numbers that are listed one by one; more stand in matrices

Asked = Callable[[Quantity], bool]


def blank(chain: Chain, *, stated: bool = False) -> Chain:
    """The chain as a student gets it: its first line stays, the others are to be filled in.

    A single line is for the student too, unless it is `stated`, as the network is.
    """
    if len(chain.lines) < 2 and (stated or chain.quantity is None):
        return chain
    lines = [line if k == 0 and len(chain.lines) > 1 else Line("=", Blank()) for k, line in enumerate(chain.lines)]
    return replace(chain, lines=tuple(lines))


def precision(problem: Problem | Computation) -> dict[str, int]:
    """The figures or places that `[sheet]` sets for every number, as options of a trace."""
    sheet = dict(problem.sheet)
    found = {"digits": sheet.get("figures"), "places": sheet.get("places")}
    return next(({key: n} for key, n in found.items() if isinstance(n, int)), {})


def told_precision(numbers: Any) -> tuple[Sentence, ...]:
    """To how many figures the numbers of a trace are given, and what is carried on."""
    rounding = getattr(numbers, "rounding", None)
    digits, places = getattr(rounding, "digits", None), getattr(rounding, "places", None)
    if digits is None and places is None:
        return ()
    carried = "what you wrote" if getattr(numbers, "carry", "") == "shown" else "every digit of your calculator"
    many = f"{digits} significant figures" if digits is not None else f"{places} decimals"
    return ((f"Give every number to {many}, and go on with {carried}.",),)


# --- what is asked ---


def asked(problem: Problem) -> Asked:
    """Whether `[sheet] ask` asks for a quantity; without it every one is asked for."""
    ask = dict(problem.sheet).get("ask")
    if ask is None:
        return lambda q: True
    aliases = Aliases(problem.network, problem.samples, problem.names)
    names = ask if isinstance(ask, Sequence) and not isinstance(ask, str) else [ask]
    wanted = [aliases.read(str(name)).quantity for name in names]

    def holds(q: Quantity) -> bool:
        return any(w[:2] == q[:2] and (not w.indices or w.indices == q.indices) for w in wanted)

    return holds


def asked_own(problem: Computation) -> Mapping[str, frozenset[tuple[int, ...]]]:
    """The arrays that `[sheet] ask` asks for, with the entries of each, none for all; nothing where it says nothing."""
    ask, names = dict(problem.sheet).get("ask"), OwnNames(problem)
    out: dict[str, frozenset[tuple[int, ...]]] = {}
    for name in ask if isinstance(ask, Sequence) and not isinstance(ask, str) else ():
        q = names.read(str(name))
        whole = out.get(q.kind) == frozenset()
        out[q.kind] = frozenset() if whole or not q.indices else out.get(q.kind, frozenset()) | {q.indices}
    return out


# --- what is given ---


def given_numbers(problem: Problem, shown: Mapping[Quantity, str]) -> Part:
    """Inputs, targets, weights, biases and the constants of the training."""
    chains: list[Chain] = []
    for kind, layer, quantities in givens(problem):
        known = [q for q in quantities.flat if q in shown]
        if len(known) <= MOST_LISTED:
            chains += [Chain(Name(q), (Line("=", Number(shown[q])),)) for q in known]
        else:
            rows = quantities.reshape(quantities.shape[0], -1)
            chains.append(Chain(Ref(f"{kind}#{layer}", ()), (Line("=", _matrix(rows, lambda q: shown[q])),)))
    for letter in CONSTANTS:
        if shown.get(Quantity(letter)) is not None:
            chains.append(Chain(Name(Quantity(letter)), (Line("=", Number(shown[Quantity(letter)])),)))
    return Part("given", tuple(chains), whole=True)


def _matrix(rows: Any, number: Callable[[Any], str]) -> Expression:
    return Matrix(tuple(tuple(Number(number(q)) for q in row) for row in rows))


def given_own(problem: Computation) -> Part:
    """Every array of the file, and the constants of the training."""
    return Part("given", tuple(_given_own(problem)))


def _given_own(problem: Computation) -> Iterator[Chain]:
    for name, given in problem.numbers.items():
        texts = given.shown()
        if len(given.shape) > 2:
            for at in product(*(range(n) for n in given.shape)):
                q = problem.quantity(name, tuple(i + 1 for i in at))
                yield Chain(Name(q), (Line("=", Number(str(texts[at]))),))
            continue
        if not given.shape:
            yield Chain(Ref(name, ()), (Line("=", Number(str(texts.item()))),))
        else:
            rows = texts.reshape(1, -1) if len(given.shape) == 1 else texts
            yield Chain(Ref(name, ()), (Line("=", _matrix(rows, str)),))
    for letter, number in (problem.training.constants if problem.training else {}).items():
        yield Chain(Ref(letter, ()), (Line("=", Number(str(number.shown().item()))),))
