"""Slips of layers: lines of a step as people get them wrong, one module a stage, and their catalogue."""
