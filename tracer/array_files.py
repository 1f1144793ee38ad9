"""Arrays from an .npz file: plain numbers only, sizes looked at before anything is unpacked."""

from __future__ import annotations

import lzma
import struct
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from derivations.network import MOST_NUMBERS
from tracer.files import FileRefused, opened_archive, plain_file
from tracer.problem import ProblemError

__all__ = ["arrays_in", "read_arrays"]

MOST_ARRAYS = 5000
MOST_BYTES = 16 * 2 * MOST_NUMBERS  # weights and gradients, and room
LONGEST_HEADER = 10_000


def read_arrays(path: Path) -> dict[str, Any]:
    """Every array of an .npz file by name.  Raises ProblemError, FileNotFoundError.

    Nothing pickled is read; a file that unpacks to more than its limit is refused before it is unpacked.
    """
    if path.suffix.lower() != ".npz":
        now = "save with np.savez('weights.npz', W1=..., b1=...), which runs no code when read"
        raise ProblemError(f"{path.name}: '{path.suffix or 'no suffix'}' cannot be read here; {now}")
    try:
        stream = plain_file(path, 2 * MOST_BYTES, "save fewer arrays")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except FileRefused as e:
        raise ProblemError(f"{path.name}: {e}") from None
    with stream:
        return arrays_in(stream, path.name)


def arrays_in(stream: IO[bytes], name: str) -> dict[str, Any]:
    """Every array of an opened .npz file.  Raises ProblemError, which names the file by `name`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's of headers that Python 2 wrote are no business of the reader's
            with opened_archive(stream, MOST_ARRAYS) as archive:
                _look(archive, name)
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as arrays:
                return {array: arrays[array] for array in arrays.files}
    except ProblemError:
        raise
    except FileRefused:
        raise ProblemError(f"{name}: too many arrays; at most {MOST_ARRAYS}") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        tokenize.TokenError,  # of a header that is no Python literal
        ValueError,
        OSError,
        EOFError,
        MemoryError,
        RuntimeError,
    ) as e:
        raise ProblemError(f"{name}: not a readable .npz file ({str(e)[:80]}); save it again with np.savez") from None


def _look(archive: zipfile.ZipFile, name: str) -> None:
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise ProblemError(f"{name}: unpacks to more than {MOST_BYTES // 1_000_000} MB; save fewer arrays")
    for entry in entries:
        with archive.open(entry) as stream:
            version = np.lib.format.read_magic(stream)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            if version not in read:
                raise ProblemError(f"{name}: {entry.filename[:40]} is of an unknown format; save it with np.savez")
            shape, _, dtype = read[version](stream, max_header_size=LONGEST_HEADER)
        if dtype.kind not in "fiuU" or dtype.hasobject:
            raise ProblemError(f"{name}: {entry.filename[:40]} holds {dtype}; save plain numbers")
        if int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize > entry.file_size:
            raise ProblemError(f"{name}: {entry.filename[:40]} is cut short; save it again with np.savez")
