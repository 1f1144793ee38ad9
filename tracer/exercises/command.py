"""`bptrace exercise`: a folder of variants, one for each student or group."""

from __future__ import annotations

import sys

from tracer.exercises.drawing import Drawing
from tracer.exercises.folder import write_folder
from tracer.exercises.students import groups_of, read_students
from tracer.exercises.varying import Varying
from tracer.files import FileRefused, read_file
from tracer.problem import LARGEST_FILE, load
from tracer.samples import find_sample
from tracer.toml_text import ProblemError, read_toml

__all__ = ["exercise"]

MOST = 5000


def exercise(source: str, students: str | None, count: int | None, seed: int, folder: str) -> str:
    """Write the folder; returns what there is to say.  Raises ValueError (ProblemError among them) and OSError."""
    try:
        drawing = Drawing(Varying(read_toml(_text(source))))
    except ProblemError as e:
        raise ProblemError(f"{'standard input' if source == '-' else source}: {e}") from None
    groups = groups_of(read_students(students)) if students else []
    wanted = len(groups) if students else count or 0
    if not 1 <= wanted <= MOST:
        raise ValueError(f"{wanted} variants cannot be drawn; ask for 1 to {MOST}")
    variants = drawing.variants(seed, wanted)
    write_folder(folder, drawing, variants, groups, seed)
    work = [variant.effort for variant in variants]
    return f"{wanted} variants in {folder}, each {min(work)} to {max(work)} single-digit products; see manifest.json"


def _text(source: str) -> str:
    """The text of a problem file.  Raises ProblemError, FileNotFoundError."""
    if source == "-":
        content = sys.stdin.buffer.read(LARGEST_FILE + 1)
    else:
        load(source)  # what is wrong with it is told as ever
        try:
            content = read_file(find_sample(source) or source, LARGEST_FILE, "a problem is smaller")
        except FileRefused as e:
            raise ProblemError(str(e)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise ProblemError(f"byte {e.start + 1}: not UTF-8 text; save the file as UTF-8") from None
