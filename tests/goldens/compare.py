"""Today's code beside the recorded goldens: how many readings differ, and the first difference of each kind.

python -m tests.goldens.compare                              the quick spread of the suite
python -m tests.goldens.compare --all                        every reading of all problems, runs and sheets
python -m tests.goldens.compare --all --readings trace,work  some of the readings
python -m tests.goldens.compare --all --old ../before        with what the checkout `../before` printed, line by line

Digests alone do not say what was there: of the samples the short texts are kept, of all others `--old` makes the text
anew, by the code of that checkout under this very recording.  Exit 1 where something differs that `on_purpose.toml`
does not name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from goldens.record import (
    Chosen,
    Goldens,
    chosen,
    digest,
    kept_texts,
    machine,
    on_purpose,
    purposes,
    quick,
    rests_on,
    texts,
)

RECORD = Path(__file__).with_name("record.py")
WIDE = 150  # characters shown of a line that differs


def differing(every: Sequence[Chosen], jobs: int = 1) -> Iterator[tuple[Chosen, str]]:
    """The readings whose text is not the recorded one, with the text of today.

    Readings with another machine's last bits in them are passed over: `comparable` tells which those are.
    """
    goldens = Goldens.load()
    for which, own in texts(comparable(every, goldens), jobs):
        if digest(own) != goldens.of(*which):
            yield which, own


def comparable(every: Sequence[Chosen], goldens: Goldens) -> list[Chosen]:
    """The readings that this machine makes bit by bit as the one that recorded them."""
    here = machine()
    other = {part for part, own in goldens.machine.items() if here[part] != own}
    return [which for which in every if rests_on(which) not in other]


def first_difference(was: str, now: str) -> str:
    """The first line in which two texts differ: `line 3`, what was there and what is, from shortly before the place."""
    old, new = was.split("\n"), now.split("\n")
    number = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    a, b = ("(the text ends)" if number >= len(lines) else lines[number] for lines in (old, new))
    column = next((k for k, (p, q) in enumerate(zip(a, b, strict=False)) if p != q), min(len(a), len(b)))
    start = max(0, column - WIDE // 3)
    return f"line {number + 1}, character {column + 1}\n    was: {a[start:][:WIDE]}\n    is:  {b[start:][:WIDE]}"


def old_texts(folder: Path, wanted: Sequence[Chosen]) -> dict[Chosen, str]:
    """The same readings by the code of another checkout.  Raises ValueError where that code did not run."""
    asked = "".join(json.dumps(which) + "\n" for which in wanted)
    environment = os.environ | {"PYTHONPATH": str(folder.resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(RECORD), "--texts"]
    done = subprocess.run(command, input=asked, text=True, capture_output=True, env=environment, encoding="utf-8")
    if done.returncode:
        raise ValueError(f"{folder}: the recording failed there: {done.stderr.strip().splitlines()[-1]}")
    ran, *lines = done.stdout.splitlines()
    if folder.resolve() not in Path(json.loads(ran)).parents:
        raise ValueError(f"{folder}: holds no package tracer; {json.loads(ran)} ran instead")
    return {(case, reading): text for case, reading, text in map(json.loads, lines)}


def report(found: dict[Chosen, str], old: Path | None) -> Iterator[str]:
    """For each kind of reading how many differ, and the first difference of which both texts are at hand."""
    kept = {(case, reading): text for case, own in kept_texts().items() for reading, text in own.items()}
    kinds = Counter(reading for _, reading in found)
    first: dict[str, Chosen] = {}
    for which in sorted(found, key=lambda which: not old and which not in kept):
        first.setdefault(which[1], which)
    was = old_texts(old, list(first.values())) if old else kept
    goldens = Goldens.load()
    for reading, which in first.items():
        yield f"{reading}: {kinds[reading]} differ, the first is {which[0]}"
        if which not in was:
            yield "    its text was not kept; give --old PATH, a checkout that is as recorded"
        elif was[which] == found[which]:
            yield f"    the old code now prints the same; it is not what was recorded ({old})"
        else:
            stale = "" if digest(was[which]) == goldens.of(*which) else " (the old text is not the recorded one)"
            yield f"    {first_difference(was[which], found[which])}{stale}"


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every case, not the quick spread")
    parser.add_argument("--readings", default="*", help="such as trace,work.latex,values.ball")
    parser.add_argument("--old", type=Path, help="a checkout of the code as recorded")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    start, goldens = time.process_time(), Goldens.load()
    wanted = set(chosen(options.readings.split(",")))
    every = [which for which in (chosen() if options.all else quick()) if which in wanted]
    possible = comparable(every, goldens)
    found = dict(differing(possible, options.jobs))
    told = {which: own for which, own in found.items() if not on_purpose(which)}
    try:
        print("\n".join(report(told, options.old)) or "nothing differs")
    except ValueError as e:
        print(e, file=sys.stderr)
        return 2
    counts = Counter(map(on_purpose, found))
    for entry in purposes():
        print(f"on purpose, {counts[entry['why']] or 'nothing any more, remove the entry'}: {entry['why']}")
    if len(possible) < len(every):
        print(f"{len(every) - len(possible)} readings left out: their last bits are another machine's")
    print(f"{len(possible)} readings compared, {len(told)} differ, {time.process_time() - start:.0f} s")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
