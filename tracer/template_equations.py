"""Commented problem files with equations to fill in: `bptrace new circuit "f = (x+y)*z"`, `bptrace new rnn 2-3-1`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from derivations.equations import Equation
from derivations.expression import Index, Over, Ref
from derivations.language import read

__all__ = ["KINDS", "new_equations"]

MOST_UNITS, MOST_TIMES = 100, 100
_FILLING = ("0.1", "-0.2", "0.3", "0.4", "-0.5", "0.6", "0.7", "-0.8", "0.9")
_WHOLE = ("-2", "5", "-4", "3", "2", "-1")


def new_equations(kind: str, what: str = "", times: int = 3) -> str:
    """The text of a problem file that runs as it is.

    kind: one of KINDS.  what: the equations of a circuit, the sizes of a network, such as "2-3-1".  times: how many
    time steps a recurrent network takes.  Raises ValueError for what cannot be, LanguageError for equations.
    """
    if kind not in KINDS:
        raise ValueError(f"'{kind[:40]}' is not known; known are {', '.join(KINDS)}, and sizes such as 2-2-1")
    if not 1 <= times <= MOST_TIMES:
        raise ValueError(f"--times must be from 1 to {MOST_TIMES}")
    return KINDS[kind](what, times)


def _circuit(what: str, times: int) -> str:
    text = "\n".join(part.strip() for part in what.split(";") if part.strip()) or "f = (x + y)*z"
    equations = read(text).equations
    if not equations:
        raise ValueError('a circuit is an equation; write new circuit "f = (x+y)*z"')
    made = {e.left.name for e in equations}
    read_by = {r.name for e in equations for r in e.reads}
    last = next((e.left.name for e in reversed(equations) if e.left.name not in read_by), equations[-1].left.name)
    unknown = _unknown(equations, made)
    numbers = "\n".join(f"{name} = {_numbers(axes, k)}" for k, (name, axes) in enumerate(unknown.items()))
    return _FILE.format(
        title=text.replace("\n", "; ").replace('"', "'").replace("\\", ""),
        note="A circuit: every name without an equation is an input with a number, and gets its derivative.",
        equations=text,
        more=f'objective = "{last}"                  # the quantity that is differentiated\n'
        "gates = true                     # a line for each operation, as circuits are drawn",
        parameters=numbers,
        given="",
        training="# [training]                   # with it each parameter is updated too\n# learning_rate = 0.1\n",
    )


def _unknown(equations: Iterable[Equation], made: set[str]) -> dict[str, int]:
    """Names that have no equation, with how many indices they are read at."""
    out: dict[str, int] = {}
    for e in equations:
        letters = {l for i in e.left.at if isinstance(i, Index) for l, _ in i.terms}
        letters |= {l for x in e.right.walk() if isinstance(x, Over) for l in x.letters}
        for r in e.right.walk():
            if isinstance(r, Ref) and r.name not in made and not (r.name in letters and not r.at):
                out[r.name] = max(out.get(r.name, 0), len(r.at))
    return out


def _numbers(axes: int, k: int) -> str:
    """A number for each place: whole ones where there is no index."""
    if not axes:
        return _WHOLE[k % len(_WHOLE)]
    return _matrix((2,) * axes, k)


def _matrix(shape: tuple[int, ...], start: int = 0) -> str:
    """Nested lists of numbers that differ."""
    count = iter(range(start * 2, 10**6))

    def rows(left: tuple[int, ...]) -> str:
        if not left:
            return _FILLING[next(count) % len(_FILLING)]
        return "[" + ", ".join(rows(left[1:]) for _ in range(left[0])) + "]"

    return rows(shape)


def _sizes(what: str, example: str, least: int, most: int) -> list[int]:
    parts = what.replace("x", "-").replace(",", "-").split("-") if what else example.split("-")
    if not least <= len(parts) <= most or not all(
        p.isascii() and p.isdigit() and len(p) < 6 and 1 <= int(p) <= MOST_UNITS for p in parts
    ):
        raise ValueError(f"'{what[:40]}' are no sizes here; write such as {example} (1 to {MOST_UNITS} each)")
    return [int(p) for p in parts]


def _rnn(what: str, times: int) -> str:
    inputs, units, outputs = _sizes(what, "2-3-1", 3, 3)
    return _FILE.format(
        title=f"{inputs}-{units}-{outputs} recurrent network, {times} time step{'s' * (times > 1)}",
        note="A recurrent network: the same weights at every time t; the error flows back through time.",
        equations="h[0,k] = 0                                          # what is there before the first time\n"
        "a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]\n"
        "h[t,j] = tanh(a[t,j])\n"
        "y[t,m] = Σ_j Wy[m,j]*h[t,j] + c[m]\n"
        "E = Σ_{t,m} (y[t,m] - target[t,m])^2/2              # every time has its target",
        more="",
        parameters=f"Wx = {_matrix((units, inputs))}\nWh = {_matrix((units, units), 1)}\n"
        f"b = {_matrix((units,), 2)}\nWy = {_matrix((outputs, units), 3)}\nc = [{', '.join(['0'] * outputs)}]",
        given=f"\n[given]\nx = {_matrix((times, inputs), 4)}   # a row for each time\n"
        f"target = {_matrix((times, outputs), 2)}\n",
        training=_TRAINING,
    )


def _conv(what: str, times: int) -> str:
    height, width = _sizes(what, "4-6", 2, 2)
    if min(height, width) < 4 or height % 2 or width % 2:
        raise ValueError("the image must have an even number of rows and columns, 4 at least; write new conv 4x6")
    pooled = (height - 2) // 2, (width - 2) // 2
    return _FILE.format(
        title=f"A convolution of a {height}x{width} image with pooling",
        note="A 3x3 filter K slides over the image x; of each 2x2 window of the map the largest entry is kept.",
        equations="a[p,q] = Σ_{u,v} K[u,v]*x[p+u-1,q+v-1] + b            # the map, without padding\n"
        "z[p,q] = relu(a[p,q])\n"
        "m[r,s] = max_{u=1..2,v=1..2}(z[2r+u-2,2s+v-2])        # the largest of each window\n"
        "E = Σ_{r,s} (m[r,s] - t[r,s])^2/2",
        more="# with padding: write  x is 0 outside  on a line of its own, and read x[p+u-2,q+v-2]",
        parameters=f"K = {_matrix((3, 3))}\nb = 0.1",
        given=f"\n[given]\nx = {_image(height, width)}\nt = {_matrix(pooled, 1)}\n",
        training=_TRAINING,
    )


def _image(height: int, width: int) -> str:
    rows = ("  [" + ", ".join(str((3 * p + 5 * q + p * q) % 10) for q in range(width)) + "]," for p in range(height))
    return "[\n" + "\n".join(rows) + "\n]"


def _attention(what: str, times: int) -> str:
    tokens, width = _sizes(what, "3-2", 2, 2)
    return _FILE.format(
        title=f"Single-head attention over {tokens} tokens of width {width}",
        note="Token p asks (Q), token r answers (K) and gives its value (V); A says how much p attends to r.",
        equations="Q[p,d] = Σ_e Wq[d,e]*x[p,e]\n"
        "K[p,d] = Σ_e Wk[d,e]*x[p,e]\n"
        "V[p,d] = Σ_e Wv[d,e]*x[p,e]\n"
        "s[p,r] = Σ_d Q[p,d]*K[r,d]/sqrt(|d|)                  # |d| is how many d there are\n"
        "A[p,r] = softmax_r(s[p,r])\n"
        "o[p,d] = Σ_r A[p,r]*V[r,d]\n"
        "E = Σ_{p,d} (o[p,d] - t[p,d])^2/2",
        more='# inputs = ["x"]               # the derivative by the tokens, too\n'
        "# looking back only:  s[p,r] = Σ_d Q[p,d]*K[r,d]/sqrt(|d|) if r <= p else -100",
        parameters="\n".join(f"{name} = {_matrix((width, width), k)}" for k, name in enumerate(("Wq", "Wk", "Wv"))),
        given=f"\n[given]\nx = {_matrix((tokens, width), 3)}\nt = {_matrix((tokens, width), 5)}\n",
        training=_TRAINING,
    )


_TRAINING = """[training]
learning_rate = 0.1
# optimizer = "sgd"              # or momentum, nesterov, adam
"""

_FILE = '''# {note}
# Fill in your numbers and change the equations, then `bptrace trace FILE`.
# Indices are letters in square brackets, counted from 1; Σ_i (or sum_i) adds up over i; docs/language.md has it all.
title = "{title}"

equations = """
{equations}
"""
{more}

[parameters]                     # trained: each gets a gradient and, with [training], a new value
{parameters}
{given}
{training}'''

KINDS: Mapping[str, Callable[[str, int], str]] = MappingProxyType(
    {"circuit": _circuit, "rnn": _rnn, "conv": _conv, "attention": _attention}
)
"""Every kind of computation that `bptrace new` writes, by name; adding one is adding one entry."""
