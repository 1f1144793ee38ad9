"""The one door for every file that is written: nothing that is read is overwritten, nothing is half written."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from tracer.terminal import disarmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

__all__ = ["save", "spare"]

READ = {
    "problem": "the problem",
    "sheets": "an answer sheet",
    "overrides": "the overrides",
    "gradients": "the gradients",
    "beside": "the sheet",
    "solution": "the solution",
}
"""The options that name what is read, and what that is."""
WRITTEN = ("output", "key")
OUR_OWN = (b"id,score,points,total,causes,feedback", b'{\n  "schema": "bptrace/')
"""How gradebooks and JSON reports begin: a folder of sheets may hold one of an earlier time."""
OUR_PAGE = b'<div class="bptrace-report">'
_BEGINNING = 4000  # bytes, in which a page of ours says so


def spare(options: argparse.Namespace) -> None:
    """Raises ValueError where a file that is to be written is one that is read, under whatever name."""
    outputs = [path for option in WRITTEN if (path := getattr(options, option, None))]
    if not outputs:
        return
    read = dict(_read(options))
    for path in outputs:
        found = _identity(path)
        if found in read and not (os.path.isdir(read[found][1]) and _is_ours(path)):
            raise ValueError(f"{path}: is read here as {read[found][0]}; give another name, so that nothing is lost")
    if len(outputs) > 1 and (os.path.realpath(outputs[0]) == os.path.realpath(outputs[1])):
        raise ValueError(f"{outputs[1]}: cannot be both the output and the key; give two names")


Identity = tuple[int, int]  # of the device and on it: the same for every name and link of a file


def _read(options: argparse.Namespace) -> Iterator[tuple[Identity, tuple[str, str]]]:
    """The files that are read: as what, and the source that they stand in."""
    for option, what in READ.items():
        sources = getattr(options, option, None) or ()
        for source in [sources] if isinstance(sources, str) else sources:
            if source == "-" and (given := _given()):
                yield given, (what, "standard input")
            for path in _files_of(source):
                if found := _identity(path):
                    yield found, (what, source)


def _given() -> Identity | None:
    """The file that standard input comes from, `< problem.toml`; None where it is none."""
    try:
        found = os.fstat(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _files_of(source: str) -> Iterator[str]:
    """A file, the problem file of a sample, or every file in a folder and below."""
    from tracer.samples import find_sample

    yield str(find_sample(source) or source)
    for folder, _, names in os.walk(source):
        yield from (os.path.join(folder, name) for name in names)


def _identity(path: str) -> Identity | None:
    """None for what is not there, and for pipes and devices, which hold nothing that could be lost."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _is_ours(path: str) -> bool:
    with open(path, "rb") as opened:
        beginning = opened.read(_BEGINNING).removeprefix(b"\xef\xbb\xbf")
    return beginning.startswith(OUR_OWN) or (beginning.startswith(b"<!DOCTYPE html>") and OUR_PAGE in beginning)


def save(content: str | bytes, path: str) -> None:
    """Write a file.  Raises OSError, which names it as it was given.

    A plain file is written aside and moved into place with the mode that it had, so that it is whole at every moment.
    A link is followed to its file.  A pipe, a device and a file of several names are written through.
    """
    if isinstance(content, str):
        content = (disarmed(content).rstrip("\n") + "\n").encode()
    try:
        there = _there(path)
        target = os.path.realpath(path)
        if there is None or _is_alone(target, there):
            _replace(content, target, there)
        else:
            _write_through(content, path)
    except OSError as e:
        raise OSError(e.errno, e.strerror or str(e), path) from None


def _there(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_alone(target: str, there: os.stat_result) -> bool:
    """Whether a plain file has one name, and that is where its links lead: `/dev/stdout` leads to what has none."""
    named = _there(target)
    return stat.S_ISREG(there.st_mode) and there.st_nlink == 1 and named is not None and os.path.samestat(named, there)


def _write_through(content: bytes, path: str) -> None:
    with open(path, "wb") as out:
        out.write(content)


def _replace(content: bytes, target: str, there: os.stat_result | None) -> None:
    import tempfile

    if there and not os.access(target, os.W_OK):
        raise PermissionError(13, "is write-protected")
    folder, name = os.path.split(target)
    handle, beside = tempfile.mkstemp(prefix=f".{name[:20]}.", dir=folder)
    with ExitStack() as undone:
        undone.callback(os.unlink, beside)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        if there and hasattr(os, "chown"):
            with suppress(OSError):  # only the superuser may give a file away
                os.chown(beside, there.st_uid, there.st_gid)
        os.chmod(beside, stat.S_IMODE(there.st_mode) if there else _usual_mode())
        os.replace(beside, target)
        undone.pop_all()  # the file is in its place


def _usual_mode() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
