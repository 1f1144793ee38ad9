"""The derivation of every partial derivative of a loss: asked for here, as values and in every format."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterable
from typing import Any

from derivations import names
from derivations.computation import Computation
from derivations.derived import LEVELS, OWN_LEVELS, Derivation, LayeredDerivation, OwnDerivation
from derivations.given import shortened
from derivations.memory import uncollected
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.own_numbers import own_numbers

__all__ = ["LEVELS", "Derivation", "derive"]

MOST_LAYERS = 100
"""Of a network that is derived: nobody reads more pages, and their number grows with the layers."""


def derive(
    problem: Problem | Computation,
    *,
    level: str = "standard",
    wrt: Iterable[str] = (),
    sample: int = 1,
    numbers: Any = None,
    notation: str = "bishop",
    solved: bool = False,
) -> Derivation:
    """Derive every partial derivative of the loss of one sample, or of somebody's own equations.

    level: one of LEVELS; equations have OWN_LEVELS.  wrt: names or whole arrays (`dW1[1,2]`, `delta1`) to limit it to,
    empty for all; a weight's name stands for its gradient, and any letters will do, those of `notation` first.  sample:
    which sample of a batch; equations are derived for all samples that are trained together.  numbers: a trace of the
    same problem (or its `shown` texts by quantity) to put numbers in.
    solved: of a worksheet its key.
    Every local derivative that is written is first checked against sympy.diff (`local_check`).  Raises ValueError for
    an unknown level, sample or name and for a network of too many layers, TypeError for what is no problem.

    >>> from tracer import load
    >>> print(derive(load("hand-3-2-2"), level="answers", wrt=["dW1[1,2]"]))
    3-2-2 network, one step by hand
    <BLANKLINE>
    Gradients, layer 1
    ∂E/∂w_12^(1) = delta_1^(1)·x_2
    """
    if not isinstance(problem, Problem | Computation):
        raise TypeError(f"derive takes a Problem, not {shortened(problem)}; tracer.load reads a file or a sample")
    if level not in LEVELS:
        raise ValueError(f"level '{level}' is not known; known are {', '.join(LEVELS)}")
    if not 1 <= sample <= problem.samples:
        raise ValueError(f"sample {sample} is not there; the problem has samples 1 to {problem.samples}")
    if isinstance(problem, Computation):
        return _own(problem, level, tuple(wrt), sample, numbers, solved)
    if len(problem.network) > MOST_LAYERS:
        raise ValueError(
            f"the network has {len(problem.network)} layers, a derivation is written of {MOST_LAYERS} at most; "
            "derive a shorter one, its lines are the same"
        )
    if level == "worksheet":
        return _worksheet(problem, tuple(wrt), sample, numbers, solved)
    return _layered(problem, level, tuple(wrt), sample, numbers, notation)


def _worksheet(problem: Problem, wrt: tuple[str, ...], sample: int, numbers: Any, solved: bool) -> LayeredDerivation:
    from derivations.worksheet_form import worksheet

    if wrt:
        raise ValueError("a worksheet asks for what [sheet] ask names; leave out --wrt")
    own = problem.sample(sample) if problem.samples > 1 else problem
    _check(own)
    shown = None if numbers is None else own_numbers(problem, own, numbers, sample)
    batch = problem.samples if problem.samples > 1 and problem.training.samples == "together" else 0
    parts = worksheet(problem, sample, numbers, solved=solved)
    return LayeredDerivation(own, "worksheet", parts, shown, solved, batch, problem if batch else None)


def _layered(
    problem: Problem, level: str, wrt: tuple[str, ...], sample: int, numbers: Any, notation: str
) -> LayeredDerivation:
    own = problem.sample(sample) if problem.samples > 1 else problem
    _check(own)
    wanted = {q for name in wrt for q in _derived(problem, name, notation, sample)}
    shown = None if numbers is None else own_numbers(problem, own, numbers, sample)
    rounding = getattr(numbers, "rounding", None)
    batch = problem.samples if problem.samples > 1 and problem.training.samples == "together" else 0
    if level == "matrix":
        from derivations.matrix_form import matrix_parts

        every = None if numbers is None else getattr(numbers, "shown", numbers)
        parts = matrix_parts(own, shown, problem if batch else None, every)
    elif level == "general":
        from derivations.layer_form import LayerForm, batch_parts

        asked = frozenset((q.kind, q.layer) for q in wanted)
        parts = (*LayerForm(own, asked).parts(), *(batch_parts(problem, asked) if batch else ()))
    else:
        from derivations.unit_form import UnitForm

        parts = UnitForm(own, level, shown, wanted, rounding).parts()
        if batch:
            whole = None if numbers is None else getattr(numbers, "shown", numbers)
            parts += UnitForm(problem, level, whole, wanted, rounding).batch_parts()
    return LayeredDerivation(own, level, parts, shown, False, batch, problem if batch else None)


def _own(
    problem: Computation, level: str, wrt: tuple[str, ...], sample: int, numbers: Any, solved: bool
) -> OwnDerivation:
    from derivations.own_form import OwnForm
    from derivations.own_names import OwnNames

    if level not in OWN_LEVELS:
        raise ValueError(f"level '{level}' is for layers; equations of your own have {', '.join(OWN_LEVELS)}")
    together = problem.training is None or problem.training.samples == "together" or problem.samples == 1
    if together and sample != 1:
        raise ValueError("the samples are trained together, and the equations are of them all; leave out --sample")
    own = problem if together else problem.turns[sample - 1]
    wanted: dict[str, frozenset[tuple[int, ...]]] = {}
    for name in wrt:
        array, at = _entry(own, OwnNames(own).read(name), name)
        known = wanted.get(array)
        wanted[array] = frozenset({at}) | (known or frozenset()) if at and known != frozenset() else frozenset()
    shown = None if numbers is None else _texts(numbers, sample, together)
    rounding = getattr(numbers, "rounding", None)
    if level == "worksheet":
        from derivations.worksheet_form import own_worksheet

        parts = own_worksheet(own, shown, numbers, solved=solved)
        return OwnDerivation(own, level, parts, shown, solved)
    return OwnDerivation(own, level, OwnForm(own, level, shown, wanted, rounding).parts(), shown)


def _entry(own: Computation, q: Quantity, name: str) -> tuple[str, tuple[int, ...]]:
    """The derived array that a name asks for, and its entry; a parameter's name stands for its gradient."""
    lines = {e.left.name: e for e in own.step.equations if e.stage == "backward"}
    of = {e.of: e.left.name for e in lines.values() if e.why not in ("slope", "jacobian")}
    array = q.kind if q.kind in lines else of.get(q.kind, "")
    if not array:
        raise ValueError(f"'{name}' is not derived; name one of {', '.join(list(lines)[:12])}")
    axis = own.sample_axes.get(array)
    at = q.indices
    if at and axis is not None:
        at = (*at[:axis], own.step.arrays[array].extents[axis][0] + max(q.sample, 1) - 1, *at[axis:])
    return array, at


def _texts(numbers: Any, sample: int, together: bool) -> Any:
    """The shown texts of a trace; of samples that are worked one after the other those of one, without its marks."""
    shown = getattr(numbers, "shown", numbers)
    if together:
        return shown
    step = numbers.steps[sample - 1]
    own = [*step.stated, *(q for q, _ in step.items())]
    return {q._replace(sample=0, step=1): shown[q] for q in own}


def _check(problem: Problem) -> None:
    """Have sympy confirm every local derivative that will be written.

    The first derivation imports sympy.  That makes many objects and no garbage: looking for some meanwhile, and once
    more among all of them when Python ends, would cost a third of the import.
    """
    if "sympy" not in sys.modules:
        atexit.register(gc.freeze)
        with uncollected():
            import sympy  # noqa: F401
    from derivations.local_check import check_local_derivatives

    check_local_derivatives(problem)


def _derived(problem: Problem, name: str, notation: str, sample: int) -> list[Quantity]:
    """The quantities that a name asks to derive.  Raises ValueError for one that has no derivation."""
    from derivations.spellings import Spellings

    q = Spellings(problem.network, problem.samples, problem.names).read(name, notation).quantity
    if q.sample not in (0, sample) or q.step > 1:
        raise ValueError(f"'{name}' is not of sample {sample}; choose the sample with --sample, and leave the mark out")
    q = q._replace(kind=f"d{q.kind}" if q.kind in ("W", "b") else q.kind, sample=0)
    if KINDS[q.kind].stage != "backward":
        raise ValueError(f"'{name}' is not derived; name a dW, db, delta, dz or slope, such as dW1[1,1] or delta1")
    return names.entries(problem.network, q)
