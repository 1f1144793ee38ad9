"""A training run as people read it: the loss every so often, then outputs, gradients and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from derivations.computation import Computation
from tracer.show.grid import grid, to_csv
from tracer.show.table import heading_of

if TYPE_CHECKING:
    from tracer.training import Run

__all__ = ["RunTable"]


class RunTable:
    """The finished strings of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def render(self, form: str = "table") -> str:
        """As table, markdown, html, latex, csv (the losses) or json.  Raises ValueError for another."""
        if form == "json":
            return self._json()
        if form == "csv":
            return to_csv(self._headers(), list(self._losses(repr)))
        parts = [
            grid(self._headers(), list(self._losses(self._shown)), form) if self.run.losses else "",
            *(grid(["quantity", "value"], rows, form) if rows else "" for rows in self._sections()),
        ]
        titles = [f"Loss of {self.run.steps} steps, before each update", *self._titles()]
        if form == "table":
            lines = [f"{title}\n{part}" for title, part in zip(titles, parts, strict=True) if part]
            return "\n\n".join([*self._heading(), *lines])
        heading = {"markdown": "### {}\n", "html": "<h3>{}</h3>", "latex": r"\paragraph{{{}}}"}[form]
        lines = [f"{heading.format(title)}\n{part}" for title, part in zip(titles, parts, strict=True) if part]
        return "\n\n".join(lines)

    def __str__(self) -> str:
        return self.render("table")

    def _heading(self) -> list[str]:
        return [heading_of(self.run.last)[0]] if self.run.problem.title else []

    def _titles(self) -> list[str]:
        n = self.run.steps
        return [
            f"Outputs {'after' if self._in_turn() else 'before the update of'} step {n}",
            f"Gradients at step {n}",
            f"Parameters after step {n}",
        ]

    def _sections(self) -> Iterator[list[list[str]]]:
        for values in (self.run.outputs, self.run.gradients, self.run.parameters):
            yield [[name, self._shown(value)] for name, value in values.items()]

    def _shown(self, value: float) -> str:
        return self.run.last.rounding.shown(value)

    def _loss_names(self) -> list[str]:
        networks = len(self.run.losses[0]) - 1 if self.run.losses else 1
        objective = self.run.problem.objective if isinstance(self.run.problem, Computation) else "E"
        return [f"{objective}@{k}" for k in range(1, networks + 1)] if networks > 1 else [objective]

    def _in_turn(self) -> bool:
        training = self.run.problem.training
        return training is not None and training.samples == "in_turn" and self.run.problem.samples > 1

    def _headers(self) -> list[str]:
        return ["step", *(["sample"] if self._in_turn() else []), *self._loss_names()]

    def _losses(self, shown: Any) -> Iterator[list[str]]:
        for step, *losses in self.run.losses:
            sample = [str((int(step) - 1) % self.run.problem.samples + 1)] if self._in_turn() else []
            yield [str(step), *sample, *map(shown, losses)]

    def _json(self) -> str:
        from tracer.show.as_json import described, dumps, finite, version_of

        run = self.run
        names = self._loss_names()
        out: dict[str, Any] = {
            "schema": f"bptrace/train/{version_of(run.problem)}",
            "title": run.problem.title,
            **described(run.problem),
            "arithmetic": run.last.arithmetic,
            "steps": run.steps,
            "losses": [{"step": n, **dict(zip(names, map(finite, e), strict=True))} for n, *e in run.losses],
            "outputs": {name: finite(v) for name, v in run.outputs.items()},
            "gradients": {name: finite(v) for name, v in run.gradients.items()},
            "parameters": {name: finite(v) for name, v in run.parameters.items()},
        }
        if isinstance(run.problem, Computation):
            del out["outputs"]
        if run.traced:
            out["trace_step"] = run.traced.steps[0].step
            out["trace"] = {name: finite(v) for name, v in run.traced.values.items()}
        if run.last.notes:
            out["notes"] = list(run.last.notes)
        return dumps(out)
