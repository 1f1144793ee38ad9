"""What commands read and write: a problem from a file or standard input, results to a file or standard output."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tracer.terminal import aside, say

if TYPE_CHECKING:
    import argparse

    from derivations.computation import Computation
    from derivations.network import Problem

__all__ = ["SUFFIXES", "format_of", "keep", "load_problem", "tell", "write"]

SUFFIXES = {
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".json": "json",
    ".txt": "table",
}
"""The format that the ending of a file says."""


def load_problem(source: str) -> Problem | Computation:
    """A problem by its file, `-` for standard input, or a sample's name.  Raises ProblemError."""
    from tracer.problem import LARGEST_FILE, ProblemError, load, loads

    try:
        if source == "-":
            return loads(sys.stdin.buffer.read(LARGEST_FILE + 1))
        return load(source)
    except ProblemError as e:
        raise ProblemError(f"{'standard input' if source == '-' else source}: {e}") from None


def format_of(options: argparse.Namespace, suffixes: dict[str, str] | None = None, default: str = "table") -> str:
    """The format that is asked for, or that the ending of the output says.  Raises ValueError for no known ending."""
    suffixes = suffixes or SUFFIXES
    if options.format:
        return str(options.format)
    if options.output:
        suffix = os.path.splitext(options.output)[1].lower()
        if suffix not in suffixes:
            known = ", ".join(sorted(suffixes))
            raise ValueError(f"{options.output}: the ending says no format; use one of {known}, or give --format")
        return suffixes[suffix]
    return default


def keep(options: argparse.Namespace) -> None:
    """A form to fill in never replaces one that may be filled in."""
    if options.output and os.path.isfile(options.output):
        raise ValueError(f"{options.output}: is there already; give another name, so that nobody's numbers are lost")


def write(text: str | bytes, options: argparse.Namespace) -> int:
    """To standard output, or to the file that -o names."""
    if options.output:
        from tracer.saving import save

        save(text, options.output)
    elif isinstance(text, bytes):
        raise ValueError("a workbook is not text; name a file with -o")
    else:
        say(text)
    return 0


def tell(notes: tuple[str, ...]) -> None:
    """Notes on standard error."""
    for note in notes:
        aside(f"note: {note}")
