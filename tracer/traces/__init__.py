"""Traces: every number of a step, read by name; of layers, and of equations of somebody's own."""
