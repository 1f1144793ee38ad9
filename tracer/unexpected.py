"""An error that nobody foresaw is told in a line, with what to do about it; in debug mode it is raised."""

from __future__ import annotations

import os

__all__ = ["DEBUG", "reported"]

DEBUG = "BPTRACE_DEBUG"
LONGEST = 200


def reported(e: Exception) -> str:
    """What is said of an unexpected error.  Raises it where BPTRACE_DEBUG is 1.

    >>> reported(KeyError("z1"))
    "an unexpected error, KeyError: 'z1'; please report it"
    """
    if os.environ.get(DEBUG) == "1":
        raise e
    said = " ".join(f"{type(e).__name__}: {e}".split())[:LONGEST].rstrip(": ")
    return f"an unexpected error, {said}; please report it"
