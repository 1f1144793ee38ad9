"""What the page of somebody's own equations shows: its steps, its arrays as cards, its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.show.page.card_layout import CardDrawing, card_drawing
from tracer.show.page.cards import Deck
from tracer.show.page.computed_steps import ComputedSteps, kept_samples, written_lines
from tracer.show.page.places import Places
from tracer.show.page.step import Group
from tracer.show.page.words import Words
from tracer.show.table import STAGES, heading_of

if TYPE_CHECKING:
    from tracer.traces.computed import ComputedTrace

__all__ = ["equations_heading", "equations_parts"]

MOST_LISTED = 8  # arrays that a note names
LONGEST = 80  # letters of an equation that may be a title
WIDE = 620  # pixels: a wider drawing stands above the steps, not beside them


def equations_parts(trace: ComputedTrace, notation: str, lang: str) -> dict[str, Any]:
    """What the template of the page is filled with.  Raises NotationError for a notation of layers."""
    if notation not in ("bishop", "names"):  # bishop is what is asked for where nothing is
        trace.letters(notation, latex=True)
    words, lines, kept = Words(lang), written_lines(trace), kept_samples(trace)
    steps, deck = ComputedSteps(trace, lines, words), Deck(trace, lines, kept)
    groups, picture = steps.groups(), card_drawing(deck)
    return {
        "lang": lang,
        "t": words,
        "heading": equations_heading(trace, words),
        "groups": groups,
        "stated": steps.stated(),
        "stages": [stage for stage in STAGES if any(group.stage == stage for group in groups)],
        "picture": picture,
        "drawing": "cards.html",
        "layout": "cards wide" if picture.width > WIDE else "cards",
        "legend": words("cards_legend", objective=trace.problem.objective),
        "keys": words("cards_keys"),
        "choices": _choices(trace, picture, kept),
        "notes": [*_left_out(trace, groups, deck, kept, words), *trace.notes],
    }


def equations_heading(trace: ComputedTrace, words: Words) -> list[str]:
    """The title, or without one the equation of the objective; then what is said of the step."""
    title, *others = heading_of(trace)
    if trace.problem.title:
        return [title, *map(words.said, others)]
    lines = (line.general[0] for line in trace.lines(1) if line.quantity.kind == trace.problem.objective)
    equation = next(lines, "")
    own = equation if 0 < len(equation) <= LONGEST else trace.problem.objective
    return [own, *map(words.said, (title, *others))]


def _left_out(trace: ComputedTrace, groups: tuple[Group, ...], deck: Deck, kept: int, words: Words) -> list[str]:
    parts = [words("part_of", name=left.name, n=left.count, kept=left.kept) for left in deck.left_out]
    listed = parts[:MOST_LISTED] + ["\u2026"] * (len(parts) > MOST_LISTED)
    out = [words("drawing_left", what=words("comma").join(listed))] if parts else []
    written = sum(len(group.steps) for group in groups)
    if kept < trace.problem.samples:
        out.append(words("samples_left", n=trace.problem.samples, kept=kept))
    elif written < len(trace):
        out.append(words("equations_left", n=len(trace), kept=written))
    if any("\u22ef" in step.math for group in groups for step in group.steps):
        out.append(words("sums_left"))
    return out


def _choices(trace: ComputedTrace, picture: CardDrawing, kept: int) -> list[tuple[str, str, str]]:
    """(part, suffixes of its places, the stated numbers of the drawing) of each sample to choose from."""
    if trace.problem.samples == 1:
        return []
    texts = [text for card in picture.cards for cell in card.cells for text in cell.texts if len(text.values) > 1]
    out = []
    for k in range(kept):
        step = trace.steps[min(k, len(trace.steps) - 1)]
        pairs = (f"{text.q}={text.values[k]}" for text in texts if text.stated)
        out.append((str(k + 1), Places.suffix(step.sample or _sample(trace, k), step.step), " ".join(pairs)))
    return out


def _sample(trace: ComputedTrace, k: int) -> int:
    return k + 1 if trace.steps[0].problem.samples > 1 else 0
