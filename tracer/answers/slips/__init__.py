"""Slips: the rules of a step with one of them replaced, one module a stage, and their catalogue."""

from tracer.answers.slips.catalogue import MISTAKES, invisible, slips_of, twins, visible, worked_with
from tracer.answers.slips.slip import Mistake, Slip

__all__ = ["MISTAKES", "Mistake", "Slip", "invisible", "slips_of", "twins", "visible", "worked_with"]
