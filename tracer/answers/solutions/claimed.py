"""The numbers that a written solution claims, marked: those of the one sample that it works, those of all samples."""

from __future__ import annotations

from dataclasses import replace

from derivations import names
from derivations.names import KINDS
from derivations.network import Problem
from tracer.answers.reading.entries import Entry, Sheet
from tracer.answers.result import Marked
from tracer.answers.solutions.solution import Solution
from tracer.marking.marking import mark

__all__ = ["marked", "sheet_of"]

FORWARD = ("a", "z")


def marked(problem: Problem, solution: Solution) -> Marked:
    """The numbers of one sample against that sample alone, those of the batch against the problem as it is."""
    if not solution.sample:
        return mark(problem, [solution.sheet])[0]
    asked = tuple(item for item in problem.sheet if item[0] != "ask")  # it names numbers of every sample
    (own,) = mark(replace(problem.sample(solution.sample), sheet=asked), [solution.sheet])
    if not solution.batch:
        return own
    (whole,) = mark(problem, [replace(solution.sheet, entries=_of_batch(problem, solution))])
    return replace(own, marks=(*own.marks, *whole.marks), causes=(*own.causes, *whole.causes))


def sheet_of(problem: Problem, solution: Solution) -> Sheet:
    """The numbers as an answer sheet of the problem; a remark counts those of a sample that the problem does not name.

    A batch has a and z of each sample, and sums of the rest; a network for each sample has all of them.
    """
    read = [_named(problem, entry, solution.sample) for entry in solution.sheet.entries]
    entries = [entry for entry in read if entry is not None]
    left = len(read) - len(entries)
    remark = [f"{left} numbers are those of one sample alone, and are not marked in a class"] if left else []
    sheet = solution.sheet
    return replace(sheet, entries=(*entries, *_of_batch(problem, solution)), remarks=(*sheet.remarks, *remark))


def _of_batch(problem: Problem, solution: Solution) -> tuple[Entry, ...]:
    """The numbers given for all samples; the loss of one is E itself where each sample has a network or a step."""
    if problem.training.samples == "together":
        return solution.batch
    return tuple(
        e._replace(quantity=e.quantity._replace(kind="E")) if e.quantity and e.quantity.kind == "E_sample" else e
        for e in solution.batch
    )


def _named(problem: Problem, entry: Entry, sample: int) -> Entry | None:
    """A number of one sample by its name among all samples, None where it has none."""
    q, way = entry.quantity, problem.training.samples
    if not sample or q is None or (way == "in_turn" and sample == 1):  # the first of those in turn is the first step
        return entry
    if way == "in_turn" or (way == "together" and not (KINDS[q.kind].sampled and q.kind in FORWARD)):
        return None
    named = q._replace(sample=sample)
    return entry._replace(name=names.text(problem.network, named), quantity=named)
