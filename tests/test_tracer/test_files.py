"""Files that would harm whoever reads them: too large, too many, endless, no files at all; each refused in one line."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from processor import BUSY

from tracer import check, load, verify
from tracer.answers.reading.grids import RawError
from tracer.answers.reading.workbooks import MOST_ELEMENTS, rows_of
from tracer.array_files import read_arrays
from tracer.cli import main
from tracer.files import FileRefused, opened_archive, read_file
from tracer.problem import ProblemError

Capture = pytest.CaptureFixture[str]
MEMORY = 256_000  # kB a file may cost
SECONDS = 1.0  # of the processor, besides what a harmless file takes
CHILD = """
import sys, time
import tracer.answers.reading.sources, tracer.marking.marking, tracer.answers.solutions.marked, tracer.tracing
from tracer.cli import main
begin = time.process_time()
code = main(sys.argv[1:])
took = time.process_time() - begin
most = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, most, file=sys.stderr)
sys.exit(code)
"""


def cost(*arguments: str) -> tuple[int, str, float, int]:
    """A command in a process of its own: its code and words, its processor seconds, the most memory it had in kB."""
    done = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False)
    *words, figures = done.stderr.strip().splitlines()
    took, most = figures.split()
    return done.returncode, "\n".join(words), float(took), int(most)


# --- workbooks ---

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK = f'<workbook xmlns:r="{KINDS}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
LINK = f'<Relationship Id="{{}}" Type="{KINDS}/{{}}" Target="{{}}"/>'


def book(
    rows: str, *, strings: str = "", styles: str = "", sheet: str = SHEET, packed: int = zipfile.ZIP_STORED
) -> bytes:
    """A workbook of one sheet, as small as they come."""
    parts = {
        "xl/workbook.xml": BOOK,
        "xl/_rels/workbook.xml.rels": "<Relationships>"
        + LINK.format("r1", "worksheet", "worksheets/a.xml")
        + LINK.format("r2", "sharedStrings", "strings.xml")
        + LINK.format("r3", "styles", "/xl/styles.xml")
        + "</Relationships>",
        "xl/worksheets/a.xml": sheet.format(rows),
        "xl/strings.xml": f"<sst>{strings}</sst>",
        "xl/styles.xml": f"<styleSheet>{styles}</styleSheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def cell(place: str, value: str, facts: str = "") -> str:
    return f'<c r="{place}" {facts}><v>{value}</v></c>'


ENTITIES = '<!DOCTYPE a [<!ENTITY b "1">{}]>'.format("".join(f'<!ENTITY b{k} "&b;&b;">' for k in range(9)))
HOSTILE_BOOKS = {
    "a cell in the last corner": (book(f'<row r="1048576">{cell("XFD1048576", "1")}</row>'), "beyond row 20000"),
    "a wide row": (book(f'<row r="1">{cell("XFD1", "1")}</row>'), "beyond row 20000 or column 2000"),
    "a cell in every last column": (
        book("".join(f'<row r="{k}">{cell(f"BXX{k}", "1")}</row>' for k in range(1, 2000))),
        "more than 500000 cells",
    ),
    "a million rows": (book('<row r="1"/>' * 1_000_000, packed=zipfile.ZIP_DEFLATED), "packed more tightly"),
    "many rows": (book("<row><c/></row>" * 300_000), f"more than {MOST_ELEMENTS} elements"),
    "100,000 styles and more": (book("", styles="<cellXfs>" + "<xf/>" * 600_000 + "</cellXfs>"), "elements"),
    "many strings": (book("", strings="<si><t>a</t></si>" * 300_000), "elements"),
    "one string, shown often": (
        book(
            "".join(cell(f"A{k}", "0", 't="s"') + "<row/>" for k in range(1, 900)),
            strings=f"<si><t>{'a' * 9000}</t></si>",
        ),
        "letters",
    ),
    "a document type": (book("", sheet=ENTITIES + SHEET), "a document type"),
    "a document type behind a long remark": (
        book("", sheet=f"<!--{'a' * 9000}-->" + ENTITIES + SHEET),
        "document type",
    ),
    "600 parts": (b"", "more than 500 parts"),
}
with io.BytesIO() as _out:
    with zipfile.ZipFile(_out, "w") as _archive:
        for _k in range(600):
            _archive.writestr(str(_k), "")
    HOSTILE_BOOKS["600 parts"] = (_out.getvalue(), "more than 500 parts")


@pytest.mark.parametrize("what", HOSTILE_BOOKS)
def test_a_workbook_stops_at_its_limits(what: str) -> None:
    """Before anything is made of what it claims to hold."""
    content, said = HOSTILE_BOOKS[what]
    with pytest.raises(RawError, match=said):
        rows_of(content)


def test_a_document_type_in_another_encoding_is_seen() -> None:
    """UTF-16 hides `<!DOCTYPE` from a search of the bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(""))) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, (ENTITIES + text).encode("utf-16") if name.endswith("a.xml") else text)
    with pytest.raises(RawError, match="document type"):
        rows_of(out.getvalue())


def test_workbooks_of_people_are_read() -> None:
    """The twin: shared, inline and pieced strings, truths, faults, decimals as shown, dates, gaps, readings aloud."""
    strings = '<si><t>E</t></si><si><r><t>z1</t></r><r><t>[1]</t></r><rPh sb="0"><t>aloud</t></rPh></si>'
    styles = (
        '<numFmts><numFmt numFmtId="170" formatCode="0.0000;[Red]-0.0000"/><numFmt numFmtId="171" formatCode="dd/mm"/>'
        '</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf/><xf numFmtId="2"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs>'
    )
    rows = (
        """<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" s="1"><v>1.5</v></c></row>"""
        """<row><c t="s"><v>1</v></c><c s="2"><v>-0.25</v></c></row>"""
        """<row r="9"><c t="inlineStr"><is><t>in</t></is></c><c t="b"><v>1</v></c><c t="e"><v>#DIV/0!</v></c>"""
        """<c s="3"><v>45296</v></c><c s="1"><f>1/0</f></c><c><v>1E-3</v></c><c><v>3</v></c></row>"""
    )
    read = rows_of(book(rows, strings=strings, styles=styles))
    assert [(row.cells, row.where) for row in read] == [
        (["E", "", "1.50"], "row 2"),
        (["z1[1]", "-0.2500"], "row 3"),
        (["in", "True", "#DIV/0!", "2024-01-05 00:00:00", "", "0.001", "3"], "row 9"),
    ]


def test_a_class_of_the_most_cells_is_read() -> None:
    """The twin of the limits: 200,000 cells are no more than allowed."""
    rows = "".join(f"<row>{'<c><v>0.5</v></c>' * 100}</row>" for _ in range(2000))
    assert len(rows_of(book(rows))) == 2000


# --- archives ---


def bare_entries(count: int) -> bytes:
    """An archive's directory of entries that stand for nothing."""
    entry = b"PK\x01\x02" + bytes(42)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, count * len(entry), 0, 0)
    return entry * count + end


def test_a_directory_is_counted_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many entries it has: zipfile never makes an object of one of too many."""
    made = list[object]()
    monkeypatch.setattr(zipfile, "ZipInfo", lambda *_: made.append(1))
    for count in (11, 100_000):
        with pytest.raises(FileRefused, match="more than 10 files"):
            opened_archive(io.BytesIO(bare_entries(count)), 10)
    assert not made


def test_an_archive_of_few_is_opened() -> None:
    """The twin; and what is packed in it may hold the mark of an entry."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"PK\x01\x02" * 100_000)
    with opened_archive(io.BytesIO(out.getvalue()), 10) as archive:
        assert len(archive.read("a")) == 400_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
def test_an_archive_of_bare_entries_costs_little(tmp_path: Path) -> None:
    """61 MB of them: refused in a second and 256 MB."""
    path = tmp_path / "class.zip"
    path.write_bytes(b"PK\x05\x06" + bare_entries(61_000_000 // 46))
    code, words, took, most = cost("check", "hand-3-2-2", str(path))
    assert code == 2
    assert "unpacks to more than 5000 files" in words
    assert took < SECONDS * BUSY
    assert most < MEMORY


def test_arrays_are_counted_too(tmp_path: Path) -> None:
    """An .npz file of too many entries."""
    (tmp_path / "a.npz").write_bytes(bare_entries(60_000))
    with pytest.raises((ProblemError, ValueError), match="too many arrays"):
        verify("hand-3-2-2", tmp_path / "a.npz")


# --- problem files as a whole ---

HAND = (Path(__file__).parents[2] / "samples" / "hand-3-2-2" / "problem.toml").read_text(encoding="utf-8")


def drawn(layers: int, size: int) -> dict[str, object]:
    """A problem of drawn weights."""
    weights = {"random": "normal", "seed": 1, "shape": [size, size]}
    one = [1] * size
    return {
        "network": {"loss": "half_squared_error", "layers": [{"activation": "tanh", "W": weights}] * layers},
        "samples": [{"x": one, "t": one}],
        "training": {"learning_rate": 0.1},
    }


def test_the_numbers_of_all_matrices_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each below the limit, together above it: no more is drawn than shows that."""
    draws = list[object]()
    generator = np.random.RandomState

    def counted(seed: int) -> np.random.RandomState:
        draws.append(seed)
        return generator(seed)

    monkeypatch.setattr(np.random, "RandomState", counted)
    with pytest.raises(ProblemError, match=r"network\.layers: more than 2000000 numbers in all"):
        load(drawn(300, 1400))
    assert len(draws) == 2
    assert load(drawn(3, 40)).network.sizes == (40, 40, 40, 40)


def test_units_times_samples_are_counted() -> None:
    """Wide layers of few weights and many samples."""
    problem = drawn(1, 1)
    wide = [{"random": "normal", "seed": 1, "shape": shape} for shape in ([5000, 1], [1, 5000])]
    problem["network"] = {"loss": "half_squared_error", "layers": [{"activation": "tanh", "W": W} for W in wide]}
    assert load(problem).samples == 1
    with pytest.raises(ProblemError, match="samples: 500 samples of 5002 units are more than"):
        load({**problem, "samples": [{"x": [1], "t": [1]}] * 500})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "[marking]\naccept = [" + "{learning_rate = 0.2}, " * 30_000 + "]\n",
            "30000 readings are too many; at most 20",
        ),
        ("[sheet.points]\n" + "".join(f"n{k} = 1\n" for k in range(6000)), "6000 names are too many"),
    ],
    ids=["accept", "points"],
)
def test_long_lists_of_a_problem_are_refused(table: str, said: str, tmp_path: Path, capsys: Capture) -> None:
    """Before anything is worked out for each of them."""
    path = tmp_path / "p.toml"
    path.write_text(HAND + table, encoding="utf-8")
    assert main(["trace", str(path)]) == 2
    assert said in capsys.readouterr().err


# --- what is no file ---


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, Path]:
    """What stands where a file should."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 200_000_000)  # of which the disk holds nothing
    return {name: tmp_path / name for name in ("folder", "pipe", "zeros", "loop", "large", "none")}


COMMANDS = [
    ["trace", "FILE"],
    ["trace", "hand-3-2-2", "--beside", "FILE"],
    ["verify", "FILE"],
    ["verify", "hand-3-2-2", "--gradients", "FILE"],
    ["check", "hand-3-2-2", "SHEET", "--overrides", "FILE"],
    ["read", "FILE"],
]
SAID = {
    "folder": "a folder",
    "pipe": "a pipe, not a file",
    "zeros": "a device, not a file",
    "loop": "",
    "large": "larger than",
    "none": "no such file",
}


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", SAID)
def test_what_is_no_file_is_refused_in_one_line(
    what: str, command: list[str], odd: dict[str, Path], tmp_path: Path, capsys: Capture
) -> None:
    """By every command that opens one, without waiting."""
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("z1[1],0.6457\n")
    given = {"FILE": str(odd[what]), "SHEET": str(sheet)}
    assert main([given.get(word, word) for word in command]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert str(odd[what].name) in err
    assert SAID[what] in err.lower()


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".npz", ".zip", ".md", ".json"])
@pytest.mark.parametrize("what", ["pipe", "zeros", "large"])
def test_a_sheet_that_is_no_file_is_one_bad_sheet(what: str, ending: str, odd: dict[str, Path], tmp_path: Path) -> None:
    """Whatever ending it has."""
    path = odd[what].rename(tmp_path / f"{what}{ending}")
    (sheet,) = check("hand-3-2-2", path)
    assert SAID[what] in sheet.error


def test_the_door_reads_what_is_small_enough(tmp_path: Path) -> None:
    """The twin: a plain file of just the most bytes; one more is refused, and so is one that grew meanwhile."""
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    assert read_file(path, 4, "") == b"1234"
    with pytest.raises(FileRefused):
        read_file(path, 3, "")
    if Path("/proc/self/status").exists():  # its size is told as 0
        with pytest.raises(FileRefused):
            read_file("/proc/self/status", 100, "")


def _damaged_lzma() -> bytes:
    """A zip whose one member is packed with LZMA and broken in the middle."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", b"z1[1],0.6457\n" * 200)
    content = bytearray(packed.getvalue())
    middle = content.index(b"a.csv") + 20
    content[middle : middle + 12] = b"\xff" * 12
    return bytes(content)


@pytest.mark.parametrize("name", ["a.zip", "a.npz"])
def test_a_member_damaged_under_lzma_is_that_file_s_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by the fuzzer: LZMAError is no error of zipfile's or zlib's."""
    (tmp_path / name).write_bytes(_damaged_lzma())
    assert main(["check", "hand-3-2-2", str(tmp_path / name)]) in (2, 3)
    out, err = capsys.readouterr()
    assert "report" not in out + err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("command", [["check", "hand-3-2-2"], ["verify", "hand-3-2-2", "--gradients"]])
def test_an_array_header_that_is_no_literal_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by the fuzzer: numpy lets tokenize's error out of a header with an open bracket."""
    array = io.BytesIO()
    np.save(array, np.ones(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("z1.npy", array.getvalue().replace(b"(3,)", b"(3,("))
    assert main([*command, str(tmp_path / "a.npz")]) == 2
    assert "report" not in capsys.readouterr().err


def test_a_header_that_python_2_wrote_is_read_without_a_word(tmp_path: Path) -> None:
    """Numpy warns of it on standard error."""
    plain = io.BytesIO()
    np.save(plain, np.array([[1.0, 2.0]]))
    old = plain.getvalue().replace(b"(1, 2), }  ", b"(1L, 2L), }")
    assert old != plain.getvalue()
    with zipfile.ZipFile(tmp_path / "old.npz", "w") as archive:
        archive.writestr("W1.npy", old)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_arrays(tmp_path / "old.npz")["W1"].tolist() == [[1.0, 2.0]]
