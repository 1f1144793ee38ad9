"""What `verify` answers: the verdict, the wrong numbers by name, the kinks, and every number by three routes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from derivations import names
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from tracer.show.as_json import dumps
from tracer.show.grid import grid
from tracer.verification.judging import ROUTES, Judged, Key
from tracer.verification.kinks import Kink
from tracer.verification.rows import MOST_NAMED, Row, cells, legend, listed, row_json, told

__all__ = ["Row", "Verification"]

HEADERS = ("quantity", "traced", "symbolic", "differences", "off by", "allowed", "verdict")
MOST_ROWS = 500


@dataclass(frozen=True)
class Verification:
    """The answer for one problem: `.agrees`, `.verdict`, `.wrong` (the causes by name), `.kinks`, `.rows`.

    `str` says in words what is wrong, for `assert verify(...).agrees, verify(...)`.
    """

    problem: Problem
    steps: tuple[Judged, ...]
    causes: tuple[Mapping[Key, Any], ...]
    crossings: tuple[tuple[int, Kink], ...] = ()
    explanations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    theirs: bool = False

    @property
    def agrees(self) -> bool:
        """Whether everything checked is right."""
        return self.verdict == "agree"

    @property
    def verdict(self) -> str:
        """agree, disagree or undecided: a wrong number is a disagreement; an undecided one that was asked for is none.

        Without given numbers, what is asked for are dW and db.
        """
        if any(step.wrong or any(step.odd.values()) for step in self.steps):
            return "disagree"
        asked = [key for step in self.steps for key in step.undecided if self.theirs or key[0] in ("dW", "db")]
        return "undecided" if asked else "agree"

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """The names of the wrong numbers that are causes, in the order of calculation."""
        pairs = zip(self.steps, self.causes, strict=True)
        return tuple(name for step, masks in pairs for name in self._names(step, masks))

    @cached_property
    def inherited(self) -> tuple[str, ...]:
        """The names of the wrong numbers that only follow from the causes."""
        causes = set(self.wrong)
        return tuple(n for step in self.steps for n in self._names(step, step.wrong) if n not in causes)

    @cached_property
    def undecided(self) -> tuple[str, ...]:
        """The names of the numbers that no route can decide."""
        return tuple(name for step in self.steps for name in self._names(step, step.undecided))

    @cached_property
    def disagreeing(self) -> Mapping[str, tuple[str, ...]]:
        """For each route, the names of the numbers where it disagrees with the two others."""
        return {r: tuple(n for s in self.steps for n in self._names(s, s.odd[r])) for r in ROUTES}

    @cached_property
    def kinks(self) -> tuple[dict[str, Any], ...]:
        """The units within rounding of a kink: unit, distance, left and right slope, the one taken, the convention."""
        out = []
        for number, kink in self.crossings:
            step = self.steps[number]
            out.append(
                {
                    "unit": self._name(step, ("a", kink.layer), (kink.unit, kink.sample)),
                    "distance": kink.distance,
                    "left": kink.left,
                    "right": kink.right,
                    "taken": kink.taken,
                    "convention": kink.convention,
                }
            )
        return tuple(out)

    @cached_property
    def worst(self) -> float:
        """The largest of |difference|/allowed over everything that is right: below 1."""
        return max((_worst(step) for step in self.steps), default=0.0)

    @cached_property
    def count(self) -> int:
        """How many numbers were checked."""
        return sum(int(np.sum(~np.isnan(x))) for step in self.steps for x in step.checked.values())

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every number checked, in the order of calculation."""
        return tuple(row for number, step in enumerate(self.steps) for row in self._rows(number, step))

    def _rows(self, number: int, step: Judged) -> Iterator[Row]:
        for key in step.checked:
            for place in np.ndindex(np.shape(step.checked[key])):
                row = self._row(number, step, key, place)
                if row is not None:
                    yield row

    def _row(self, number: int, step: Judged, key: Key, place: tuple[int, ...]) -> Row | None:
        routes, claim = step.routes, step.claim
        x = float(np.asarray(step.checked[key])[place])
        theirs = key in claim.given
        if theirs and math.isnan(x):
            return None
        traced, symbolic, numeric = (float(np.asarray(routes.named(r)[key])[place]) for r in ROUTES)
        others = (traced, symbolic, numeric) if theirs else (symbolic, numeric)
        printed = float(claim.printed[key][place]) if key in claim.printed else 0.0
        cut = float(np.broadcast_to(routes.cut(key), np.shape(step.checked[key]))[place])
        allowed = float(np.broadcast_to(step.allowed[key], np.shape(step.checked[key]))[place])
        return Row(
            self._name(step, key, place),
            x if theirs else None,
            traced,
            symbolic,
            numeric,
            max((abs(x - other) for other in others if math.isfinite(other)), default=math.nan),
            max(allowed - cut - printed, 0.0),
            cut,
            printed,
            self._verdict(number, step, key, place),
        )

    def _verdict(self, number: int, step: Judged, key: Key, place: tuple[int, ...]) -> str:
        if key in step.wrong and step.wrong[key][place]:
            causes = self.causes[number]
            return "wrong" if key in causes and causes[key][place] else "inherits"
        odd = [route for route in ROUTES if key in step.odd[route] and step.odd[route][key][place]]
        if odd:
            return f"{' and '.join(odd)} disagrees"
        return "undecided" if key in step.undecided and step.undecided[key][place] else "agrees"

    def _names(self, step: Judged, masks: Mapping[Key, Any]) -> Iterator[str]:
        for key, mask in masks.items():
            for place in np.argwhere(np.atleast_1d(mask)) if np.ndim(mask) else [()] if mask else []:
                yield self._name(step, key, tuple(int(i) for i in place))

    def _name(self, step: Judged, key: Key, place: tuple[int, ...]) -> str:
        kind, l = key
        problem = step.routes.case.problem
        sampled, sample = KINDS[kind].sampled, step.sample
        indices = place
        if sampled and place:
            indices, sample = place[:-1], place[-1] + 1 if problem.samples > 1 else step.sample
        elif KINDS[kind].axes == "b":
            indices = place[:1] if names.shape(problem.network, kind, l) else ()
        return names.text(problem.network, Quantity(kind, l, tuple(i + 1 for i in indices), sample, step.step))

    # --- for people ---

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        """On one line: what pytest prints for `assert verify(...).agrees, verify(...)`."""
        return f"<Verification: {'; '.join(line.strip() for line in self.lines())}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        forms = {"text/html": "html", "text/markdown": "markdown"}
        return {"text/plain": str(self)} | {mime: self.render(form) for mime, form in forms.items()}

    def lines(self) -> list[str]:
        """The answer in words, the causes first."""
        out = [self._headline(), *(f"  {text}" for text in self.explanations)]
        out += self._wrong_lines()
        if self.inherited:
            out.append(f"  follow from that: {listed(self.inherited)}")
        for route, found in self.disagreeing.items():
            if found and not (route == "traced" and not self.theirs):
                out.append(f"  the {route} route disagrees with the two others at {listed(found)}")
        if self.undecided:
            out.append(f"  cannot be decided: {listed(self.undecided)}")
        out += [
            f"  kink: {k['unit']} = {k['distance']:.3g} is within rounding of 0; slope {k['left']:g} on the left, "
            f"{k['right']:g} on the right, {k['taken']:g} taken ({k['convention']})"
            for k in self.kinks[:MOST_NAMED]
        ]
        if len(self.kinks) > MOST_NAMED:
            out.append(f"  and {len(self.kinks) - MOST_NAMED} more units at a kink")
        return out + [f"  note: {note}" for note in self.notes]

    def _headline(self) -> str:
        whose = "given" if self.theirs else "traced"
        if self.verdict == "agree":
            return (
                f"agree: {self.count} {whose} numbers by three routes; the largest difference is {self.worst:.2g} "
                "of what is allowed"
            )
        if self.verdict == "undecided":
            return f"undecided: {len(self.undecided)} of {self.count} {whose} numbers cannot be decided"
        faults = sum(step.faults for step in self.steps)
        if not faults:
            return f"disagree: the routes differ, though the {self.count} {whose} numbers fit"
        are = "is" if faults == 1 else "are"
        return f"disagree: {faults} of {self.count} {whose} numbers {are} wrong, {len(self.wrong)} as a cause"

    def _wrong_lines(self) -> list[str]:
        out: list[str] = []
        for number, (step, masks) in enumerate(zip(self.steps, self.causes, strict=True)):
            for key, mask in masks.items():
                places = np.argwhere(mask) if np.ndim(mask) else [()]
                for place in places[:MOST_NAMED]:
                    row = self._row(number, step, key, tuple(int(i) for i in place))
                    if row is not None and len(out) < MOST_NAMED:
                        out.append(told(row, self.theirs))
        if len(self.wrong) > len(out):
            out.append(f"  and {len(self.wrong) - len(out)} more causes")
        return out

    def render(self, form: str = "table") -> str:
        """As table, markdown, html (a fragment), csv or json."""
        if form == "json":
            return dumps(self._json())
        headers = list(HEADERS[:1]) + (["given"] if self.theirs else []) + list(HEADERS[1:])
        rows = self.rows if form == "csv" or self.count <= MOST_ROWS else self._few()
        lines = [cells(row, self.theirs, full=form == "csv") for row in rows]
        if form == "csv":
            return grid([*headers[:-1], "rounding", "truncation", "printed", "verdict"], lines, form)
        table = grid(headers, lines, form)
        left = self.count - len(rows)
        more = [f"({left} more numbers; --format csv or json has them all)", ""] if left > 0 else [""]
        below = "" if not rows else f"\n{legend(max(rows, key=lambda r: r.tolerance))}"
        if form == "html":
            words = "\n".join([*more, *self.lines()]) + below
            return f"<section>\n{table}\n<pre>{escape(words.strip())}</pre>\n</section>"
        return "\n".join([table, *more, *self.lines()]) + below

    def _few(self) -> tuple[Row, ...]:
        """What is not in order, and the first numbers of each array."""
        shown = [row for row in self.rows if row.verdict != "agrees"][:MOST_ROWS]
        return tuple(shown or self.rows[:20])

    def _json(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "schema": "bptrace/verify/1",
            "title": self.problem.title,
            "verdict": self.verdict,
            "wrong": list(self.wrong),
            "inherited": list(self.inherited),
            "explanations": list(self.explanations),
            "routes": {route: list(found) for route, found in self.disagreeing.items()},
            "quantities": [row_json(row) for row in self.rows],
            "kinks": list(self.kinks),
        }
        notes = list(self.notes)
        if any(None in entry.values() for entry in out["quantities"]):
            notes.append("null stands for a number that is not finite, and for a tolerance that nothing bounds")
        return out | ({"notes": notes} if notes else {})


def _worst(step: Judged) -> float:
    worst = 0.0
    with np.errstate(all="ignore"):
        for key, x in step.checked.items():
            for route in ROUTES if key in step.claim.given else ROUTES[1:]:
                share = np.abs(x - step.routes.named(route)[key]) / step.allowed[key]
                right = np.isfinite(share) & ~step.wrong.get(key, np.zeros(np.shape(share), bool))
                worst = max(worst, float(np.max(share, initial=0.0, where=right)))
    return worst
