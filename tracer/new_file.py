"""What `bptrace new` writes: layers of some sizes, a computation of a kind, or a sample copied."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from tracer.samples import Sample, gallery

__all__ = ["new_file"]


def new_file(
    word: str, what: str = "", times: int | None = None, layers: Mapping[str, str | None] | None = None
) -> str:
    """The text of a problem file to fill in, which runs as it is.

    word: sizes such as 2-2-1; one of circuit, rnn, conv and attention, then with `what` and `times`; the name of a
    sample, or a kind of them, of which the first is copied.  layers: what sizes may have besides, their activations,
    loss and learning rate.  Raises ValueError, with a near name for a word that is none of these.
    """
    from tracer.template import new_problem
    from tracer.template_equations import KINDS, new_equations

    if word not in KINDS and (what or times is not None):
        raise ValueError(f"sizes are one word, such as 2-2-1; these go with {', '.join(KINDS)}")
    chosen = {name: value for name, value in (layers or {}).items() if value}
    if word[:1].isalpha():
        for option in chosen:
            raise ValueError(f"--{option.replace('_', '-')} goes with sizes of layers, such as 2-2-1")
        return (
            new_equations(word, what, 3 if times is None else times) if word in KINDS else _copied(word, tuple(KINDS))
        )
    return new_problem(
        word,
        activation=chosen.get("activation", "sigmoid"),
        output=chosen.get("output_activation"),
        loss=chosen.get("loss"),
        rate=chosen.get("learning_rate", "0.1"),
    )


def _copied(word: str, others: tuple[str, ...]) -> str:
    """A sample by its name, or the first of a kind."""
    kinds = gallery()
    samples = {s.name: s for own in kinds.values() for s in own}
    found = samples.get(word) or kinds.get(word, [None])[0]
    if found is None:
        near = difflib.get_close_matches(word[:40].lower(), [*others, *kinds, *samples], n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(dict.fromkeys((*others, *kinds)))}"
        raise ValueError(
            f"'{word[:40]}' is no kind and no sample; {hint} (`bptrace samples` lists both; sizes are such as 2-2-1)"
        )
    return _to_fill_in(found)


def _to_fill_in(sample: Sample) -> str:
    """Its text, without the commands that name the sample itself."""
    lines = [line for line in sample.text.splitlines() if not line.startswith("#   bptrace ")]
    return "\n".join([f"# {_NOTE.format(name=sample.name)}", "#", *lines, ""])


_NOTE = "A copy of the sample {name}: fill in your numbers, change what you like, then `bptrace trace FILE`."
