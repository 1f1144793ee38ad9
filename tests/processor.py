"""Processor time that a test allows: what an idle machine takes, three times over.

Where others share the cores a second of processor time does half the work or less, and a collection of all that the
suite holds falls where it falls.  What these tests look for, a search that grows with the square of a file, takes ten
times as long and more.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["BUSY", "within"]

BUSY = 3  # times what an idle machine takes


@contextmanager
def within(seconds: float, what: str = "") -> Iterator[None]:
    """Fails if what stands in it takes more than so many seconds of an idle machine's processor."""
    gc.disable()
    begin = time.process_time()
    try:
        yield
        took = time.process_time() - begin
    finally:
        gc.enable()
    assert took < seconds * BUSY, f"{what} took {took:.2f} s, {seconds} s are allowed on an idle machine".lstrip()
