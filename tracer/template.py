"""A commented problem file to fill in: `bptrace new 2-2-1 --activation tanh`."""

from __future__ import annotations

import difflib
from itertools import pairwise

__all__ = ["MOST_UNITS", "new_problem"]

MOST_UNITS = 1000
_FILLING = ("0.1", "-0.2", "0.3", "0.4", "-0.5", "0.6", "0.7", "-0.8", "0.9")


def new_problem(
    sizes: str, *, activation: str = "sigmoid", output: str | None = None, loss: str | None = None, rate: str = "0.1"
) -> str:
    """The text of a problem file for a network such as "2-2-1"; hidden layers take `activation`, the last one `output`.

    Raises ValueError for sizes that are no network and for names that are not known.
    """
    from derivations.activations import ACTIVATIONS
    from derivations.given import read_number
    from derivations.losses import LOSSES

    shape = _sizes(sizes)
    output = output or activation
    for name in (activation, output):
        if name not in ACTIVATIONS:
            raise ValueError(f"activation '{name}' is not known; {_near(name, ACTIVATIONS)}")
    loss = loss or _fitting_loss(output)
    if loss not in LOSSES:
        raise ValueError(f"loss '{loss}' is not known; {_near(loss, LOSSES)}")
    layers = "\n".join(
        _layer(l, below, units, output if l == len(shape) - 1 else activation)
        for l, (below, units) in enumerate(pairwise(shape), 1)
    )
    title = f"{'-'.join(map(str, shape))} network"
    return _FILE.format(
        title=title,
        loss=loss,
        losses=", ".join(name for name in LOSSES if name != loss),
        loss_text=LOSSES[loss].text,
        activations=", ".join(ACTIVATIONS),
        layers=layers,
        x=_row(shape[0]),
        signal=_signal(LOSSES[loss].needs, shape[-1]),
        rate=read_number(rate),
    )


def _sizes(text: str) -> list[int]:
    parts = text.replace("x", "-").replace(",", "-").split("-")
    if len(parts) < 2 or not all(
        p.isascii() and p.isdigit() and 1 <= int(p[:6]) <= MOST_UNITS and len(p) < 6 for p in parts
    ):
        raise ValueError(
            f"'{text[:40]}' is no network; write inputs-hidden-outputs, such as 2-2-1 (1 to {MOST_UNITS} each)"
        )
    if len(parts) > 50:
        raise ValueError("more than 50 layers; a problem worked by hand has fewer")
    return [int(p) for p in parts]


def _fitting_loss(output: str) -> str:
    return {"softmax": "cross_entropy", "sigmoid": "half_squared_error"}.get(output, "half_squared_error")


def _layer(l: int, inputs: int, units: int, activation: str) -> str:
    cells = [_FILLING[(3 * l + k) % len(_FILLING)] for k in range(inputs * units)]
    rows = "\n".join(f"  [{', '.join(cells[j * inputs : (j + 1) * inputs])}],  # to unit {j + 1}" for j in range(units))
    bias = f"b = [{', '.join(['0'] * units)}]"
    reads = f"{units} unit{'s' * (units > 1)} reading {inputs} number{'s' * (inputs > 1)}"
    return f"""
[[network.layers]]               # layer {l}: {reads}
activation = "{activation}"
W = [                            # one row per unit, one column per number it reads
{rows}
]
{bias:<32} # one bias per unit; b = 0.5: one for the layer; theta = [..]: thresholds"""


def _row(n: int) -> str:
    return ", ".join(str(k % 3 + 1) if n > 1 else "1" for k in range(n))


def _signal(needs: str, units: int) -> str:
    if needs == "":
        return "# no target: E is the sum of the outputs"
    entries = ", ".join("1" if k == 0 else "0" for k in range(units))
    if needs == "dz":
        return f"{f'dz = [{entries}]':<32} # dE/dz, the signal that arrives from the next layer"
    return f"{f't = [{entries}]':<32} # targets, one per unit of the last layer"


def _near(name: str, known: object) -> str:
    names = list(known)  # type: ignore[call-overload]
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"


_FILE = """# A problem for bptrace: fill in your numbers, then `bptrace trace FILE`.
# Numbers are kept as written: 0.5, -2, 1e-3, and in quotes fractions such as "1/3".
title = "{title}"

[network]
loss = "{loss}"    # {loss_text}
# other losses: {losses}
# activations: {activations}
{layers}

[[samples]]                      # one such table for each sample
x = [{x}]
{signal}

[training]
learning_rate = {rate}
# optimizer = "sgd"              # or momentum, nesterov, adam
# reduction = "sum"              # of gradients over a batch; or mean
# samples = "together"           # a batch; or in_turn (an update each), apart (a network each)
"""
