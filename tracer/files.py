"""The door for every file that is read: plain files of bounded size alone; nothing is waited for, nothing endless."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path
from typing import IO

__all__ = ["FileRefused", "foreign", "opened_archive", "plain_file", "read_file", "read_input"]

_NAMED = (
    (stat.S_ISDIR, "a folder, not a file; name a file in it"),
    (stat.S_ISFIFO, "a pipe, not a file; save what comes out of it and name that file"),
    (stat.S_ISCHR, "a device, not a file; name a plain file"),
    (stat.S_ISBLK, "a device, not a file; name a plain file"),
)
_ENTRY = b"PK\x01\x02"  # begins each entry of a zip archive's directory
_LONGEST_ENTRY = 1000  # bytes; a name of 200 signs and room for what packers put beside it
_TAIL = 1 << 17  # where zipfile looks for the directory: the last 64 kB
_FOREIGN = {  # what writes files that are not read here, and what reads them
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin"), ("torch", "torch.load")),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), ("Keras", "keras.models.load_model")),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), ("pickle", "joblib.load")),
    ".safetensors": ("safetensors", "safetensors.torch.load_file"),
    ".onnx": ("ONNX", "onnx.load"),
    ".npy": ("numpy, one array without a name", "np.load"),
}


class FileRefused(ValueError):
    """What is named is no file, or one too large.  The message says why and what now, not which."""


def read_file(path: str | Path, most: int, smaller: str) -> bytes:
    """The content of a plain file of at most `most` bytes; `smaller` says what now where it is larger.

    Raises FileRefused, FileNotFoundError and other OSErrors, which name the file.
    """
    with plain_file(path, most, smaller) as opened:
        content = opened.read(most + 1)
    if len(content) > most:  # it has grown, or belongs to a system that tells no sizes
        raise _too_large(most, smaller)
    return content


def read_input(path: str | Path, given: IO[bytes] | None, most: int, smaller: str) -> bytes:
    """The content of what is `given` as standard input, else of the file.  Raises as `read_file` does."""
    if given is None:
        return read_file(path, most, smaller)
    content = given.read(most + 1)
    if len(content) > most:
        raise _too_large(most, smaller)
    return content


def plain_file(path: str | Path, most: int, smaller: str) -> IO[bytes]:
    """A plain file of at most `most` bytes, opened to be read.  Raises as `read_file` does."""
    _look(os.stat(path), most, smaller)  # before it is opened: opening alone can wait, or wind a tape
    opened = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller closes it
    try:
        _look(os.fstat(opened.fileno()), most, smaller)  # the file itself, whatever has taken its name since
    except FileRefused:
        opened.close()
        raise
    return opened


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _look(found: os.stat_result, most: int, smaller: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileRefused(next((why for is_it, why in _NAMED if is_it(found.st_mode)), "not a file; name a plain file"))
    if found.st_size > most:
        raise _too_large(most, smaller)


def _too_large(most: int, smaller: str) -> FileRefused:
    return FileRefused(f"larger than {most // 1_000_000} MB; {smaller}")


def foreign(source: object) -> str:
    """What a file of somebody's model is and what to give instead, "" for any other thing."""
    suffix = Path(source).suffix.lower() if isinstance(source, str | Path) else ""
    if suffix not in _FOREIGN:
        return ""
    whose, reader = _FOREIGN[suffix]
    return (
        f"a file of {whose} is not read here; in Python read it with {reader} and give "
        "the model itself, verify(model, x=..., t=..., loss=...), or save arrays: np.savez('all.npz', W1=..., dW1=...)"
    )


def opened_archive(stream: IO[bytes], most: int) -> zipfile.ZipFile:
    """A zip archive of at most `most` entries, folders counted.  Raises zipfile.BadZipFile and FileRefused.

    They are counted in the bytes, before zipfile makes an object of each.
    """
    counted = _Counted(stream, most)
    archive = zipfile.ZipFile(counted)
    counted.most = None
    return archive


class _Counted:
    """A stream that refuses to hand over a directory of too many entries: however zipfile found it, it reads it once.

    What is packed is not counted: `most` is None from then on.
    """

    def __init__(self, stream: IO[bytes], most: int | None) -> None:
        self._stream, self.most = stream, most
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if self.most is None:
            return self._stream.read(size)
        room = max(self.most * _LONGEST_ENTRY, _TAIL)
        read = self._stream.read(size if 0 <= size <= room else room + 1)
        if len(read) > room or read.count(_ENTRY) > self.most:
            raise FileRefused(f"an archive of more than {self.most} files; pack fewer")
        return read
