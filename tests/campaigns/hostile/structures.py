"""What becomes of content that has a structure: JSON trees, workbooks, archives, problem files."""

from __future__ import annotations

import datetime
import io
import json
import random
import re
import stat
import warnings
import zipfile
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell

from tests.campaigns.hostile.mutating import LARGEST, Mutation, mutated, name
from tests.campaigns.hostile.sources import packed, saved
from tests.campaigns.hostile.words import FIELDS, LITERALS, VALUES

__all__ = ["changed"]

DEEPEST = 200
DAY = datetime.date(1900, 1, 1)
FAR = ((1, 16384), (1_048_576, 1), (1_048_576, 16384), (5000, 500), (100_000, 2))
ASSIGNED = re.compile(r"^([ \t]*)([\w.]+)([ \t]*=[ \t]*)(.+)$", re.MULTILINE)
STRANGE = ("../up.csv", "/abs.csv", "a/../../b.csv", "C:/x.csv", "dir/", "", ".csv", "a.csv/b.csv", "\x1b[31m.csv", "\u202evsc.csv", "a" * 250 + ".csv", "con.csv", "deep/" * 60 + "z.csv", ".hidden.csv", "same.csv", "SAME.csv", "a\nb.csv", "=1+1.csv", "x.xlsm", "x.zip", "[Content_Types].xml")  # fmt: skip  # noqa: E501


def changed(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """A change that knows the structure, or one that does not."""
    structural = STRUCTURES.get(suffix)
    if structural is None or rng.random() < 0.3:
        return mutated(content, rng)
    try:
        for _ in range(rng.choice((1, 1, 2, 3))):
            content = structural(content, rng)
    except Exception:  # what is broken already has no structure
        return mutated(content, rng)
    return content


# --- trees ---


def tree(content: bytes, rng: random.Random) -> bytes:
    """A node of a JSON tree is another, twice there, gone, deeper or of another kind."""
    whole = json.loads(content)
    nodes = list(_nodes(whole))[:5000]
    if not nodes:
        return json.dumps(_value(rng)).encode()
    holder, key = rng.choice(nodes)
    old = holder[key]
    times = rng.choice((2, 10, 100, 1000))
    new = rng.choice(
        (
            _value(rng),
            [old],
            {name(rng): old},
            [old] * min(times, 200_000 // (len(json.dumps(old)) + 1) + 1),
            str(old),
            None,
        )
    )
    if rng.random() < 0.3 and isinstance(holder, dict):
        holder[rng.choice((name(rng), rng.choice(VALUES), "cells", "overrides", "id", "outputs"))] = holder.pop(key)
    elif rng.random() < 0.2 and isinstance(holder, dict):
        holder.update({f"{key}{k}": old for k in range(min(times, 100_000 // (len(json.dumps(old)) + 1) + 1))})
    elif rng.random() < 0.15:
        depth = rng.choice((10, DEEPEST, 990, 5000, 100_000))
        return json.dumps(whole).replace(json.dumps(old), rng.choice(("[", '{"E":')) * depth, 1).encode()
    else:
        holder[key] = new
    written = json.dumps(whole, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 1)))
    return written.encode("utf-8", "surrogatepass")[:LARGEST]


def _nodes(node: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    if depth > DEEPEST:
        return []
    found = [(node, key) for key in keys[:200]]
    return found + [pair for key in keys[:200] for pair in _nodes(node[key], depth + 1)]


def _value(rng: random.Random) -> object:
    return rng.choice(
        (
            0,
            -1,
            1e308,
            float("nan"),
            float("inf"),
            10**400,
            True,
            None,
            [],
            {},
            [[]],
            "",
            "nan",
            rng.choice(VALUES),
            name(rng),
        )
    )


# --- workbooks and archives ---


def workbook(content: bytes, rng: random.Random) -> bytes:
    """Cells of every kind, far away, merged, many; or the XML of a workbook changed by hand."""
    if rng.random() < 0.5:
        return members(content, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = load_workbook(io.BytesIO(content)) if rng.random() < 0.8 else Workbook()
    for _ in range(rng.randint(1, 6)):
        page = rng.choice(book.worksheets)
        row, column = rng.choice(FAR) if rng.random() < 0.2 else (rng.randint(1, 70), rng.randint(1, 6))
        cell = page.cell(row, column)
        _filled(cell, rng)
        if rng.random() < 0.2:
            page.merge_cells(start_row=1, start_column=1, end_row=rng.randint(2, 3000), end_column=rng.randint(1, 50))
        if rng.random() < 0.1:
            for _ in range(rng.choice((1, 20, 200))):
                book.create_sheet()
    return saved(book)


def _filled(cell: object, rng: random.Random) -> None:
    if not isinstance(cell, Cell):  # of merged cells, one only has a value
        return
    other = (rng.random(), 10**30, True, None, "=1+1", "#DIV/0!", DAY, datetime.time(1), "a" * 32_000)
    value = rng.choice((rng.choice(VALUES), name(rng), *other))
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
    cell.number_format = rng.choice(("General", "0.00", "0%", "0.0E+00", "yyyy", '"x"0', "# ?/?", ";;;", "0" * 300))


def members(content: bytes, rng: random.Random) -> bytes:
    """Members changed, gone, doubled, renamed; links, folders, archives in archives."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        whole = {entry: archive.read(entry)[:LARGEST] for entry in archive.namelist()}
    if not whole:
        return mutated(content, rng)
    one = rng.choice(list(whole))
    kind = rng.choice(("changed", "changed", "changed", "gone", "strange", "many", "inside", "large", "raw"))
    if kind == "changed":
        whole[one] = changed(whole[one], f".{one.rpartition('.')[2]}", rng)
    elif kind == "gone":
        del whole[one]
    elif kind == "many":
        whole |= {f"{k}{one}": whole[one][:200] for k in range(rng.choice((10, 300, 6000)))}
    elif kind == "inside":
        whole["inner.zip"] = packed(whole)
    elif kind == "large":
        whole[one] = rng.choice((b"\0", b" ", b"E = 1\n", b"<c/>")) * rng.choice((1000, 200_000))
    elif kind == "raw":
        return _headers(packed(whole), rng)
    return packed(whole) if kind != "strange" else _strange(whole, rng)


def _headers(content: bytes, rng: random.Random) -> bytes:
    """A few bytes of the headers are others: sizes, flags, methods, offsets."""
    raw = bytearray(content)
    starts = [found.start() for found in re.finditer(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)", content)]
    for _ in range(rng.randint(1, 4)):
        place = rng.choice(starts) + rng.randint(4, 45)
        if place < len(raw):
            raw[place] = rng.choice((0, 1, 9, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(raw)


def _strange(whole: dict[str, bytes], rng: random.Random) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of a name that stands twice: it is meant
        for member in whole.values():
            for _ in range(rng.choice((1, 1, 2))):
                info = zipfile.ZipInfo(rng.choice(STRANGE))
                info.external_attr = rng.choice((0, stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFDIR, 0o777)) << 16
                archive.writestr(
                    info,
                    member,
                    rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
                )
    return out.getvalue()


# --- problem files ---


def problem(content: bytes, rng: random.Random) -> bytes:
    """Keys, values, sizes, layers, names, what is asked and what is accepted."""
    own = content.decode("utf-8", "surrogateescape")
    lines = list(ASSIGNED.finditer(own))
    kind = rng.randrange(8) if lines else 7
    found = rng.choice(lines) if lines else None
    if found and kind < 3:
        own = f"{own[: found.start(4)]}{rng.choice((_literal(rng), _matrix(rng)))}{own[found.end(4) :]}"
    elif found and kind == 3:
        own = f"{own[: found.start(2)]}{rng.choice(FIELDS)}{own[found.end(2) :]}"
    elif found and kind == 4:
        own = own[: found.start()] + own[found.end() :]
    elif found and kind == 5:
        own = f"{own[: found.end()]}\n{rng.choice(FIELDS)} = {_literal(rng)}{own[found.end() :]}"
    elif kind == 6:
        own = re.sub(r"\d+(?:\.\d+)?", lambda number: number[0] if rng.random() < 0.9 else _literal(rng), own)
    else:
        own = f"{own}\n{rng.choice((_names, _sheet, _accepted, _layers, _samples))(rng)}"
    return own.encode("utf-8", "surrogateescape")[:LARGEST]


def _quoted(own: str) -> str:
    return json.dumps(own, ensure_ascii=True)


def _literal(rng: random.Random) -> str:
    return rng.choice((rng.choice(LITERALS), _quoted(rng.choice(VALUES)), _quoted(name(rng)), str(rng.randint(-3, 99))))


def _matrix(rng: random.Random) -> str:
    rows, columns = rng.choice(((1, 1), (2, 2), (2, 3), (3, 2), (1, 50), (50, 1), (40, 40), (1, 5000)))
    return str(
        [[rng.choice((0, 1, -1, 0.5, 1e300, 1e-300, rng.random())) for _ in range(columns)] for _ in range(rows)]
    )


def _names(rng: random.Random) -> str:
    places = "abcdefghijklmnopqrst"[: rng.choice((0, 1, 2, 2, 3, 20))]
    written = rng.choice(("", "_", ",", " ")).join(f"{{{place}}}" for place in places)
    rows = []
    for k in range(rng.choice((1, 1, 3, 300))):
        quantity = rng.choice(
            (f"W1[{written}]", "E", f"delta1[{written}]", f"{written}*E", "x[1] + E", name(rng), rng.choice(VALUES))
        )
        latex = rng.choice(("w_{1}", "\\input{x}", "\\text{<b>}", rng.choice(VALUES), name(rng)))
        key = rng.choice((f"{rng.choice(('', 'q', 'net_'))}{written}", name(rng), rng.choice(VALUES))) + (
            str(k) if k else ""
        )
        value = (
            _quoted(quantity) if rng.random() < 0.6 else f"{{quantity = {_quoted(quantity)}, latex = {_quoted(latex)}}}"
        )
        rows.append(f"{_quoted(key)} = {value}")
    return "[names]\n" + "\n".join(rows) + "\n"


def _sheet(rng: random.Random) -> str:
    asked = [
        rng.choice((name(rng), "E", "z1", "dW1", "W1_new[1,1]", rng.choice(VALUES)))
        for _ in range(rng.choice((1, 3, 4000)))
    ]
    return f"[sheet]\nask = [{', '.join(map(_quoted, asked))}]\npoints = {_literal(rng)}\nfigures = {_literal(rng)}\n"


def _accepted(rng: random.Random) -> str:
    reading = f"{{{rng.choice(FIELDS)} = {_literal(rng)}}}"
    return f"[marking]\naccept = [{', '.join([reading] * rng.choice((1, 2, 30, 3000)))}]\n"


def _layers(rng: random.Random) -> str:
    layer = (
        f'[[network.layers]]\nactivation = "{rng.choice(("sigmoid", "relu", "softmax", "tanh"))}"\nW = {_matrix(rng)}\n'
    )
    return layer * rng.choice((1, 2, 30, 500))


def _samples(rng: random.Random) -> str:
    return f"[[samples]]\nx = {_literal(rng)}\nt = {_literal(rng)}\n" * rng.choice((1, 2, 30, 3000))


STRUCTURES: dict[str, Mutation] = {
    **dict.fromkeys((".json", ".ipynb"), tree),
    ".xlsx": workbook,
    ".zip": members,
    ".npz": members,
    ".toml": problem,
}
