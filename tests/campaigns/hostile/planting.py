"""Faults planted in `check`, which the fuzzer must find: each falls on a sheet that holds the letters `dW`."""

from __future__ import annotations

import os
import socket
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer import commands

__all__ = ["PLANTS", "planted"]

TRIGGER = b"dW"
held: list[object] = []


def crash() -> None:
    """An error that nobody expects."""
    raise AttributeError("planted")


def leave() -> None:
    """The process is gone, without a word."""
    os._exit(7)


def hang() -> None:
    """It never ends."""
    while True:
        held.clear()


def wait() -> None:
    """It waits for what never comes."""
    ours, _theirs = os.pipe()
    os.read(ours, 1)


def grow() -> None:
    """It takes 400 MB."""
    held.append(bytearray(b"\1") * 400_000_000)


def shout() -> None:
    """A sign that clears the terminal."""
    sys.stdout.write("\x1b[2J")


def destroy() -> None:
    """The input is another afterwards."""
    for path in Path().glob("sheet*"):
        path.write_bytes(b"")


def phone() -> None:
    """A connection to somewhere."""
    socket.socket().close()


PLANTS: dict[str, Callable[[], None]] = {f.__name__: f for f in (crash, leave, hang, wait, grow, shout, destroy, phone)}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """As long as this lasts, the fault happens in every run of this process."""
    check, fault = commands.check, PLANTS[name]

    def faulty(options: Namespace) -> int:
        if any(TRIGGER in Path(sheet).read_bytes() for sheet in options.sheets if Path(sheet).is_file()):
            fault()
        return check(options)

    commands.check = faulty
    try:
        yield
    finally:
        commands.check = check
