"""Gates and states of recurrent cells: values and slopes, as people get them right and wrong."""

from __future__ import annotations

from .calculating import Person
from .rounding import Number


def gate(p: Person, net_input: Number) -> Number:
    """A sigmoid."""
    return p.tanh(net_input) if p.slips("tanh_instead_of_sigmoid") else p.sigmoid(net_input)


def gate_slope(p: Person, net_input: Number, value: Number) -> Number:
    """The sigmoid's slope, value (1 - value)."""
    if p.slips("tanh_slope_for_sigmoid"):
        return p.minus(1, p.square(value))
    if p.slips("slope_at_z"):
        value = p.sigmoid(value)
    elif p.habits.from_net_input:
        low = p.exp(-net_input)
        return p.over(low, p.square(p.add(1, low)))
    return p.times(value, p.minus(1, value))


def state_slope(p: Person, net_input: Number, value: Number) -> Number:
    """The slope of a tanh, 1 - value²."""
    if p.slips("sigmoid_slope_for_tanh"):
        return p.times(value, p.minus(1, value))
    if p.slips("tanh_slope_not_squared"):
        return p.minus(1, value)
    if p.slips("slope_at_z"):
        value = p.tanh(value)
    elif p.habits.from_net_input:
        value = p.tanh(net_input)
    return p.minus(1, p.square(value))
