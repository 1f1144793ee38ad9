"""The page put together: steps, drawing, words, style and script in one file that loads nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivations.formulas import givens
from derivations.names import UnknownName
from derivations.notation import notation_of
from derivations.quantity import Quantity
from derivations.writing.policy import policy
from tracer.show.page.drawing import drawing, run_drawing
from tracer.show.page.equations_page import equations_heading, equations_parts
from tracer.show.page.marking import sheet_of, unplaced
from tracer.show.page.places import Places
from tracer.show.page.step import Group
from tracer.show.page.steps import anchor, groups, suffix
from tracer.show.page.training import columns, curves, own_columns, tables
from tracer.show.page.unit_words import UnitWords
from tracer.show.page.words import Words
from tracer.show.table import heading_of
from tracer.traces.computed import ComputedTrace
from tracer.traces.layered import LayeredTrace

if TYPE_CHECKING:
    from tracer.answers.result import Marked
    from tracer.traces.base import Trace
    from tracer.training import Run

__all__ = ["page", "run_page"]

HERE = Path(__file__).parent
MOST_STEPS = 1500
MOST_SAMPLES = 60


def page(trace: Trace, marks: Marked | None = None, *, notation: str = "bishop", lang: str = "en") -> str:
    """The step page of a trace as HTML.

    marks: a marked answer sheet, whose verdicts stand beside their steps; the page shows every right number too, so
    it is for full feedback.  notation: a profile's name, or `names` for
    the problem's own.  lang: en or ja.  Raises ValueError for what is not known, and for a trace of balls.
    """
    if trace.arithmetic == "ball":
        raise ValueError("a page shows numbers, not balls; trace without arithmetic 'ball'")
    if isinstance(trace, ComputedTrace):
        script, style, parts = "cards.js", "cards.css", equations_parts(trace, notation, lang)
        place = Places(trace).anchor
    else:
        assert isinstance(trace, LayeredTrace)
        script, style, parts = "units.js", "", _layered_parts(trace, notation, lang)
        place = partial(anchor, trace.problem.network)
    parts |= _sheet_parts(marks, parts["groups"], partial(_find, trace, place), lang)
    return _filled("page.html", _script("page.js", script), style, **parts)


def _find(trace: Trace, place: Callable[[Quantity], str], name: str) -> str:
    """The place of a name in the page's address, "" where it has none."""
    try:
        return place(trace.read(name))
    except UnknownName:
        return ""


def _sheet_parts(
    marks: Marked | None, written: Sequence[Group], find: Callable[[str], str], lang: str
) -> dict[str, Any]:
    """What the template says of a marked sheet, if there is one."""
    if marks is None:
        return {"sheet": None, "elsewhere": []}
    sheet = sheet_of(marks, find, lang)
    return {"sheet": sheet, "elsewhere": list(unplaced(sheet, {s.id for group in written for s in group.steps}))}


def _layered_parts(trace: LayeredTrace, notation: str, lang: str) -> dict[str, Any]:
    """What the template of the page is filled with for a network of layers."""
    words = UnitWords(lang, trace.problem.network)
    profile = notation_of(trace.problem, notation)
    per_sample = max(1, len(trace) // trace.problem.samples)
    samples = min(trace.problem.samples, MOST_SAMPLES, max(1, MOST_STEPS // 2 // per_sample))
    written = groups(trace, profile, words, MOST_STEPS // 10, samples)
    picture = drawing(trace, profile)
    return {
        "lang": lang,
        "t": words,
        "heading": _heading(trace, words),
        "groups": written,
        "stated": (),
        "stages": [stage for stage in ("forward", "backward", "update") if any(g.stage == stage for g in written)],
        "sizes": _sizes(trace),
        "picture": picture,
        "drawing": "drawing.html",
        "layout": "",
        "legend": words("legend"),
        "keys": words("keys"),
        "choices": _choices(trace, samples),
        "notes": [*_left_out(trace, written, samples, picture.left_out, words), *trace.notes],
    }


def _heading(trace: LayeredTrace, words: UnitWords) -> list[str]:
    """The title, or without one the network; then the network, the training, the policy."""
    title, *lines = ("" if trace.problem.title else words("network", sizes=_sizes(trace)), *heading_of(trace))
    title, *lines = [title, *lines] if title else lines
    return [title, *map(words.said, lines)]


def _sizes(trace: LayeredTrace) -> str:
    return "-".join(map(str, trace.problem.network.sizes))


def _left_out(trace: LayeredTrace, written: tuple[Group, ...], samples: int, units: Any, words: UnitWords) -> list[str]:
    out = [words("units_left", l=l, n=n, kept=kept) for l, n, kept in units]
    if samples < trace.problem.samples:
        out.append(words("samples_left", n=trace.problem.samples, kept=samples))
    elif sum(len(group.steps) for group in written) < len(trace):
        out.append(words("steps_left", n=len(trace), kept=MOST_STEPS // 10))
    if any("\u22ef" in step.math for group in written for step in group.steps):
        out.append(words("sums_left"))
    return out


def _choices(trace: LayeredTrace, samples: int) -> list[tuple[str, str, str]]:
    """(part, suffixes of its places, its given numbers) of each sample to choose from; none for one sample."""
    problem, out = trace.problem, []
    if problem.samples == 1:
        return []
    for k in range(1, samples + 1):
        step = trace.steps[min(k, len(trace.steps)) - 1]
        given: list[Quantity] = [
            q
            for kind, _, quantities in givens(step.problem, sample=step.sample, step=step.step)
            for q in quantities.flat
            if q.sample in (0, k) and (kind in ("x", "t") or len(trace.steps) > 1)
        ]
        own = Quantity("z", 1, (1,), step.sample or (k if step.problem.samples > 1 else 0), step.step)
        pairs = (f"{anchor(problem.network, q._replace(sample=0, step=1))}={trace.shown[q]}" for q in given)
        out.append((str(k), suffix(own), " ".join(pairs)))
    return out


# --- the file ---


@cache
def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8").strip()


def _script(name: str, drawing: str) -> str:
    """A script with the parts that a drawing provides, each under `//: its name`, put in where it names them."""
    _, *named = re.split(r"^//: (.*)\n", _part(drawing) + "\n", flags=re.M)
    parts = dict(zip(named[::2], named[1::2], strict=True))
    return re.sub(r"^//: (.*)\n", lambda found: parts.get(found[1], ""), _part(name), flags=re.M)


def _filled(template: str, script: str, more_style: str = "", **parts: Any) -> str:
    """A template filled in; every text is escaped except our own style, script and MathML."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_part),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    style = "\n".join(map(_part, filter(None, ("page.css", more_style))))
    own = {"style": style, "script": script}
    allowed = policy([own["style"]], own["script"])
    return environment.get_template(template).render(**parts | own, policy=allowed)


def run_page(run: Run, *, notation: str = "bishop", lang: str = "en") -> str:
    """A training run as a page: a slider over its recorded steps, the loss curve, weights and gradients.

    The run must have been recorded: `train(problem, steps, record=60)`.  Raises ValueError where it was not.
    """
    if not run.recorded:
        raise ValueError("this run recorded no steps; train with record=60")
    own = tuple(trace for trace in run.recorded if isinstance(trace, ComputedTrace))
    if own:
        return _filled("run.html", _part("run.js"), **_own_run_parts(run, own, notation, lang))
    recorded = tuple(trace for trace in run.recorded if isinstance(trace, LayeredTrace))
    problem = recorded[0].problem
    words, profile = UnitWords(lang, problem.network), notation_of(problem, notation)
    chosen = columns(recorded, profile)
    picture = run_drawing(recorded, profile)
    kept = sum(column.quantity.kind != "E" for column in chosen)
    total = 2 * sum(
        layer.W.floats.size + (0 if layer.b is None else layer.b.floats.size) for _, layer in problem.network
    )
    total *= len(recorded[0].steps)
    left = [words("columns_left", n=total, kept=kept)] if kept < total else []
    left += [words("first_network")] if len(recorded[0].steps) > 1 else []
    return _filled(
        "run.html",
        _part("run.js"),
        lang=lang,
        t=words,
        heading=_heading(recorded[0], words),
        sizes=_sizes(recorded[0]),
        steps=run.steps,
        picture=picture,
        tables=tables(recorded, chosen),
        curves=curves(run),
        notes=[*(words("units_left", l=l, n=n, kept=k) for l, n, k in picture.left_out), *left, *run.last.notes],
    )


def _own_run_parts(run: Run, recorded: tuple[ComputedTrace, ...], notation: str, lang: str) -> dict[str, Any]:
    """What the template of a run is filled with for equations of somebody's own, without a drawing."""
    if notation != "bishop":  # bishop is what is asked for where nothing is
        recorded[0].letters(notation, latex=True)
    words, chosen, problem = Words(lang), own_columns(recorded), recorded[0].problem
    kept = sum(column.quantity.kind != problem.objective for column in chosen)
    total = 2 * len(recorded[0].steps) * sum(given.floats.size for given in problem.parameters.values())
    return {
        "lang": lang,
        "t": words,
        "heading": equations_heading(recorded[0], words),
        "steps": run.steps,
        "picture": None,
        "tables": tables(recorded, chosen),
        "curves": curves(run),
        "notes": [*([words("columns_left", n=total, kept=kept)] if kept < total else []), *run.last.notes],
    }
