"""Where sheets come from: files, folders, zip archives, standard input; one bad sheet never stops the rest."""

from __future__ import annotations

import io
import itertools
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from derivations.computation import Computation
from derivations.given import shortened
from derivations.network import Problem
from tracer.answers.reading.entries import Sheet
from tracer.answers.reading.formats import SUFFIXES, raw_answers
from tracer.answers.reading.grids import Raw, RawCell, RawError
from tracer.answers.reading.naming import Naming
from tracer.files import FileRefused, opened_archive, read_file
from tracer.saving import OUR_OWN
from tracer.unexpected import reported

__all__ = ["read_sheets", "readings", "sheet_from"]

LARGEST_SHEET = 1_000_000
LARGEST_ARCHIVE = 64_000_000
MOST_FILES = 5000
MOST_PEOPLE = 5000
MOST_RATIO = 200
DEEPEST = 8
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError)
_BROKEN = (*_DAMAGED, KeyError, RuntimeError)
"""What a damaged archive raises when it is read (NotImplementedError is a RuntimeError)."""
_UNREADABLE = (*_DAMAGED, NotImplementedError, RecursionError, MemoryError, ImportError)
"""What reading raises for a file that is no sheet.  Whatever else it raises is a fault of our own."""
_PLACE = re.compile(r"(?:line|row) \d+")
Loaded = tuple[str, str, bytes, str]  # id, suffix, content, why it cannot be read
Solved = Callable[[bytes, str, str], Sheet | None]
"""The sheet of a written solution from content, suffix and id; None for what is no written solution."""


class Reader(Protocol):
    """What understands the names of a problem."""

    def understood(self, name: str) -> bool:
        """Whether a name is one of the problem's."""

    def read(self, raw: Raw, notation: str | None = None) -> Sheet:
        """A sheet of cells, its names and numbers understood."""


def read_sheets(
    problem: Problem | Computation,
    sources: Sequence[str | Path],
    *,
    standard_input: IO[bytes] | None = None,
    notation: str | None = None,
    decimal: str = "point",
    naming: Reader | None = None,
    written: Solved | None = None,
    but: Path | None = None,
    people: bool = True,
) -> Iterator[Sheet]:
    """Every sheet of files, folders, zip archives and class tables; `-` is the standard input that is given.

    A file is one person's, by its name; a class table, or a JSON of several people, is one where it is the only source
    and `people` may be in it.
    A sheet that cannot be read has an `error` and no entries.  Folders and archives are read in the order of their
    names.  written: makes a sheet of a written solution.  but: a file that is left out of its folder, where an earlier
    report stands.  Raises FileNotFoundError for a source that does not exist.
    """
    for source in sources:
        if not (str(source) == "-" and standard_input) and not os.path.lexists(source):
            raise FileNotFoundError(f"{source}: no such file or folder")
    if naming is None:
        assert isinstance(problem, Problem)
        naming = Naming(problem, decimal=decimal)
    own, stated = naming, notation or _stated(problem)
    files = _all_loaded(sources, standard_input, but)
    first = list(itertools.islice(files, 2))
    people = people and len(sources) == len(first) == 1 and _is_one_file(sources[0])
    sheets = [s for file in itertools.chain(first, files) for s in _hand_in(own, file, stated, written, people=people)]
    return _told_apart(sheets)


def sheet_from(problem: Problem, mapping: Mapping[str, Any], *, id: str = "sheet") -> Sheet:  # noqa: A002
    """A sheet from Python: names to numbers or texts, or to whole arrays as a trace shows them."""
    cells = []
    for name, written in mapping.items():
        if hasattr(written, "detach"):  # a torch tensor, without importing torch
            written = written.detach().cpu().numpy()
        cells.append(RawCell(str(name), written, f"'{name}'"))
    return Naming(problem).read(Raw(id, tuple(cells)), _stated(problem))


def readings(naming: Naming | Problem, sheet: Raw | Sheet, *, notation: str | None = None) -> list[Sheet]:
    """Every reading of a whole sheet, the one that understands most names first."""
    own = naming if isinstance(naming, Naming) else Naming(naming)
    return own.readings(sheet, notation or _stated(own.problem))


def _stated(problem: Problem | Computation) -> str | None:
    stated = dict(problem.sheet).get("notation")
    return stated if isinstance(stated, str) else None


def _is_one_file(source: str | Path) -> bool:
    """Whether a source is neither a folder nor an archive."""
    return not os.path.isdir(source) and Path(source).suffix.lower() != ".zip"


def _hand_in(
    naming: Reader, file: Loaded, notation: str | None, written: Solved | None, *, people: bool
) -> Iterator[Sheet]:
    """The sheet of a file, or those of several people where it may hold them; whatever happens is its own verdict."""
    label, suffix, content, why = _id(file[0]), *file[1:]
    label = label if label or why else "?"
    if content.removeprefix(b"\xef\xbb\xbf").startswith(OUR_OWN):
        why = why or "a report of bptrace, not a sheet"
    if why:
        yield Sheet(label, (), error=why)
        return
    try:
        solution = written(content, suffix, label) if written else None
        found = raw_answers(content, label, suffix, naming.understood)
        raws = [] if solution else _of_people(found) if people else _of_one_person(found, label)
    except Exception as e:
        yield Sheet(label, (), error=_why(e))
        return
    if solution:
        yield solution
        return
    for raw in raws:
        try:
            yield naming.read(replace(raw, id=_id(raw.id)), notation)
        except Exception as e:
            yield Sheet(_id(raw.id), (), error=_why(e))


def _of_people(raws: Iterator[Raw]) -> list[Raw]:
    """The rows of a class.  Raises RawError where these are too many for one."""
    out = list(itertools.islice(raws, MOST_PEOPLE + 1))
    if len(out) > MOST_PEOPLE:
        raise RawError(f"more than {MOST_PEOPLE} people in one file; split it")
    if not out:
        raise RawError("no answers in it")
    return out


def _of_one_person(raws: Iterator[Raw], label: str) -> list[Raw]:
    """What stands in a file that is one person's, whomever it names.  Raises RawError for the answers of several."""
    out = list(itertools.islice(raws, 2))
    if len(out) > 1:
        raise RawError(
            "answers of several people; in a folder or an archive a file is one person's, give a class alone"
        )
    if not out:
        raise RawError("no answers in it")
    named = out[0].id != label and not _PLACE.fullmatch(out[0].id)
    remark = [f"taken for its file's, not for {shortened(_id(out[0].id))}, whom it names"] if named else []
    return [replace(out[0], id=label, remarks=(*out[0].remarks, *remark))]


def _why(e: Exception) -> str:
    """Why a file cannot be read, in the words of what reads it; an error of our own is told as one."""
    return (_printable(str(e)) or "cannot be read") if isinstance(e, _UNREADABLE) else reported(e)


def _told_apart(sheets: Sequence[Sheet]) -> Iterator[Sheet]:
    """Sheets of one name are numbered from the second one on, by numbers that no other's name has."""
    names = {sheet.id for sheet in sheets}
    seen: Counter[str] = Counter()
    for sheet in sheets:
        own = sheet.id
        while seen[sheet.id] and own in names:
            seen[sheet.id] += 1
            own = f"{sheet.id} ({seen[sheet.id]})"
        seen[sheet.id] = seen[sheet.id] or 1
        names.add(own)
        yield sheet if own == sheet.id else replace(sheet, id=own)


def _id(text: str) -> str:
    """A name as overrides can name it: without blanks around it, or that nobody sees."""
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    """Fit for one line: an id or a message that a file has made up."""
    return "".join(c if c.isprintable() else "?" for c in text[:300])


def _all_loaded(sources: Sequence[str | Path], standard_input: IO[bytes] | None, but: Path | None) -> Iterator[Loaded]:
    for source in sources:
        yield from _loaded(source, standard_input, but)


def _loaded(source: str | Path, standard_input: IO[bytes] | None, but: Path | None) -> Iterator[Loaded]:
    if str(source) == "-" and standard_input:
        content = standard_input.read(LARGEST_ARCHIVE + 1)
        yield from _unpacked("standard input", "", content)
        return
    path = Path(source)
    if not path.is_dir():
        yield from _file(path, path.stem)
        return
    out = os.path.realpath(but) if but else None
    for count, inside in enumerate((file for file in _files(path, 0) if os.path.realpath(file) != out), 1):
        if count > MOST_FILES:
            yield str(path), "", b"", f"more than {MOST_FILES} files; name some of them"
            return
        if os.path.islink(inside):
            yield (
                inside.relative_to(path).with_suffix("").as_posix(),
                "",
                b"",
                "a link, not a file; copy the file itself",
            )
            continue
        yield from _file(inside, inside.relative_to(path).with_suffix("").as_posix())


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """The files of a folder and those below, by name; hidden ones are left out."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        yield folder  # told as what cannot be read
        return
    for path in inside:
        if path.name.startswith((".", "__MACOSX")):
            continue
        if os.path.isdir(path) and not os.path.islink(path) and depth < DEEPEST:
            yield from _files(path, depth + 1)
        elif not os.path.isdir(path):
            yield path


def _file(path: Path, label: str) -> Iterator[Loaded]:
    suffix = path.suffix.lower()
    limit = LARGEST_ARCHIVE if suffix == ".zip" else LARGEST_SHEET
    why = _refused(suffix, archive=True)
    if why:
        yield label, suffix, b"", why
        return
    try:
        content = read_file(path, limit, "split the archive" if suffix == ".zip" else "an answer sheet is smaller")
    except FileRefused as e:
        yield label, suffix, b"", str(e)
        return
    except OSError as e:
        yield label, suffix, b"", f"cannot be read: {e.strerror}"
        return
    yield from _unpacked(label, suffix, content)


def _refused(suffix: str, *, archive: bool = False) -> str:
    if suffix == ".xlsm":
        return "a workbook with macros is not opened; save it as .xlsx"
    if suffix in SUFFIXES or (archive and suffix == ".zip"):
        return ""
    return f"{shortened(suffix)} is no answer sheet; hand in CSV, Markdown, JSON, .xlsx, .npz, .ipynb or lines of text"


def _unpacked(label: str, suffix: str, content: bytes) -> Iterator[Loaded]:
    """A file as it is, or what is in a zip archive."""
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06") and suffix in ("", ".zip"):
        try:
            with opened_archive(io.BytesIO(content), 2 * MOST_FILES) as archive:  # their folders are entries too
                if suffix == ".zip" or "[Content_Types].xml" not in archive.namelist():
                    yield from _members(archive, label)
                    return
        except FileRefused:
            yield label, suffix, b"", f"unpacks to more than {MOST_FILES} files or {LARGEST_ARCHIVE // 1_000_000} MB"
            return
        except _BROKEN:
            yield label, suffix, b"", "not a readable zip archive; pack it again"
            return
    large = len(content) > LARGEST_SHEET
    yield (
        label,
        suffix,
        content,
        f"larger than {LARGEST_SHEET // 1_000_000} MB; an answer sheet is smaller" if large else "",
    )


def _members(archive: zipfile.ZipFile, label: str) -> Iterator[Loaded]:
    entries = [e for e in archive.infolist() if not e.filename.endswith("/")]
    total = sum(e.file_size for e in entries)
    if len(entries) > MOST_FILES or total > LARGEST_ARCHIVE:
        yield label, ".zip", b"", f"unpacks to more than {MOST_FILES} files or {LARGEST_ARCHIVE // 1_000_000} MB"
        return
    paths = {e.filename: PurePosixPath(e.filename.replace("\\", "/")) for e in entries}
    shown = {name: path for name, path in paths.items() if not _hidden(path)}
    common = _common([path.parts[:-1] for path in shown.values()])
    seen = set[str]()
    for entry in sorted((e for e in entries if e.filename in shown), key=lambda e: e.filename):
        path = shown[entry.filename]
        inside = PurePosixPath(*path.parts[common:])
        own, suffix = inside.with_suffix("").as_posix() if path.name else entry.filename[:60], path.suffix.lower()
        why = _entry_refused(entry, path) or _refused(suffix) or ("stands twice in it" if own + suffix in seen else "")
        seen.add(own + suffix)
        content = b""
        try:
            content = b"" if why else _member(archive, entry)
        except _BROKEN:
            why = "damaged in the archive; pack it again"
        yield own, suffix, content, why


def _hidden(path: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)


def _common(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders all files of an archive stand in; a path that leads out of it has none."""
    if any(part in ("..", "/") for folder in folders for part in folder):
        return 0
    alike = (len(set(parts)) == 1 for parts in zip(*folders, strict=False))
    return sum(1 for _ in itertools.takewhile(bool, alike))


def _entry_refused(entry: zipfile.ZipInfo, path: PurePosixPath) -> str:
    if not path.parts:
        return "a file without a name; pack it again"
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return "its path leads out of the archive; pack it again"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link, not a file; pack the file itself"
    if entry.flag_bits & 1:
        return "locked by a password"
    if entry.file_size > LARGEST_SHEET:
        return f"larger than {LARGEST_SHEET // 1_000_000} MB; an answer sheet is smaller"
    if entry.file_size > 10_000 and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        return "packed more tightly than any answer sheet; it is not opened"
    return ""


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        return stream.read(LARGEST_SHEET + 1)
