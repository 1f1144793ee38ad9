"""The network after its update, as a document that goes on to another forward pass has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from flint import fmpq

from derivations import names
from derivations.given import Given
from derivations.names import Quantity
from derivations.network import Layer, Problem
from tracer.answers.solutions.duals import ball
from tracer.answers.solutions.values import Values

__all__ = ["after_update"]


def after_update(values: Values) -> Problem:
    """The problem with the updated weights and biases: the document's numbers where it shows them, else the true ones.

    Raises ValueError where an updated number is not finite.
    """
    network = values.problem.network
    layers = tuple(_updated(values, l, layer) for l, layer in network)
    return replace(values.problem, network=replace(network, layers=layers))


def _updated(values: Values, l: int, layer: Layer) -> Layer:
    changed: Mapping[str, Any] = {p: _given(values, l, p, getattr(layer, p)) for p in layer.parameters}
    return replace(layer, **changed)


def _given(values: Values, l: int, p: str, old: Given) -> Given:
    quantities = names.elements(values.problem.network, f"{p}_new", l, 1)
    texts = [_text(values, q) for q in quantities.flat]
    return Given.read(np.array(texts, object).reshape(old.shape).tolist())


def _text(values: Values, q: Quantity) -> str:
    claim = values.own.get(q)
    value = claim.shown.exact if claim else values.truth.values[q]
    return f"{value.p}/{value.q}" if isinstance(value, fmpq) else f"{float(ball(value).mid()):.15g}"
