"""What is told beside a blank sheet: the slips that nobody's numbers can show on this problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.answers.reporting.as_text import COLUMNS, wrapped
from tracer.answers.reporting.wording import Wording

__all__ = ["unseen"]


def unseen(slips: Sequence[str], lang: str = "en") -> Iterator[str]:
    """Lines that list slips by the stage where they are made; none where there are none.

    >>> print(*unseen(["output_signal.absolute"]), sep="\\n")
    note: 1 slip leaves every number of this problem as it is, so no sheet shows it:
      output signal: loses the sign of the error
    """
    if not slips:
        return
    words = Wording(lang)
    stages: dict[str, dict[str, None]] = {}
    for name in slips:
        stages.setdefault(name.partition(".")[0].replace("_", " "), {})[words.title(name)] = None
    yield "note: " + words.counted("unseen", sum(map(len, stages.values())))
    for stage, titles in stages.items():
        first, *rest = wrapped(f"{stage}: {'; '.join(titles)}", COLUMNS - 4)
        yield from (f"  {first}", *(f"    {line}" for line in rest))
