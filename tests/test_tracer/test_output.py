"""What is written destroys nothing and steers nothing: files, links, pipes, terminals, spreadsheets, pages."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tracer import check
from tracer.cli import main
from tracer.saving import save
from tracer.show.grid import to_csv
from tracer.terminal import disarmed

Capture = pytest.CaptureFixture[str]
SHEET = "z1[1],0.6457\nz1[2],0.7685\n"
ROOT = Path(__file__).parents[2]
HAND = (ROOT / "samples" / "hand-3-2-2" / "problem.toml").read_text(encoding="utf-8")
posix = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and modes")


SOLUTION = """$$x_1 = 1, \\quad t_1 = 0, \\quad w_{11}^{(1)} = 0.1, \\quad \\eta = 0.1$$
$$z_1^{(1)} = \\sigma(0.1) = 0.525$$
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a problem, a class, overrides and gradients, to work in."""
    (tmp_path / "class" / "deep").mkdir(parents=True)
    for name in ("class/ada.csv", "class/deep/bob.csv", "one.csv"):
        (tmp_path / name).write_text(SHEET)
    (tmp_path / "p.toml").write_text(HAND, encoding="utf-8")
    (tmp_path / "o.csv").write_text("sheet,cell,verdict,points,comment\none,z1[1],right,,\n")
    (tmp_path / "g.csv").write_text("dW1[1,1],3.25\n")
    (tmp_path / "s.md").write_text(SOLUTION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- inputs are spared ---

READING = [
    ("trace p.toml --format csv", "p.toml"),
    ("check p.toml one.csv --format csv", "p.toml"),
    ("check p.toml one.csv", "one.csv"),
    ("check p.toml one.csv class/ada.csv", "class/ada.csv"),
    ("check p.toml class", "class/ada.csv"),
    ("check p.toml class", "class/deep/bob.csv"),
    ("check p.toml one.csv --overrides o.csv", "o.csv"),
    ("verify p.toml --gradients g.csv", "g.csv"),
    ("trace p.toml --beside one.csv", "one.csv"),
    ("read s.md", "s.md"),
]


@posix
@pytest.mark.parametrize("through", ["itself", "link", "hard link", "dots"])
@pytest.mark.parametrize(("command", "read"), READING)
def test_what_is_read_is_not_written(command: str, read: str, through: str, place: Path, capsys: Capture) -> None:
    """Under whatever name: refused in one line before anything is worked out."""
    output = {"itself": read, "dots": f"class/../{read}"}.get(through, f"{through}.csv")
    if through == "link":
        Path(output).symlink_to(read)
    elif through == "hard link":
        os.link(read, output)
    before = Path(read).read_bytes()
    assert main([*command.split(), "-o", output]) == 2
    assert "is read here as" in capsys.readouterr().err
    assert Path(read).read_bytes() == before


@posix
def test_the_file_behind_standard_input_is_spared(place: Path) -> None:
    """`bptrace trace - -o p.toml < p.toml`; the twin: another name is written."""
    before = Path("p.toml").read_bytes()
    for output, code in (("p.toml", 2), ("other.csv", 0)):
        command = [sys.executable, "-m", "tracer", "trace", "-", "--format", "csv", "-o", output]
        with open("p.toml", "rb") as given:
            done = subprocess.run(command, stdin=given, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        assert done.returncode == code, done.stderr
    assert Path("p.toml").read_bytes() == before


@pytest.mark.parametrize(("command", "read"), READING)
def test_another_name_is_written(command: str, read: str, place: Path) -> None:
    """The twin: the same commands with an output of their own."""
    before = Path(read).read_bytes()
    assert main([*command.split(), "-o", "new.csv"]) in (0, 1, 3)
    assert Path("new.csv").stat().st_size
    assert Path(read).read_bytes() == before


@pytest.mark.parametrize("name", ["class/grades.csv", "class/all.json", "class/all.html"])
def test_a_report_of_an_earlier_time_is_written_again(name: str, place: Path, capsys: Capture) -> None:
    """It stands in the folder, but nobody handed it in."""
    for _ in range(2):
        assert main(["check", "p.toml", "class", "-o", name]) == 0
    assert "2 sheets" in capsys.readouterr().err


def test_the_output_is_not_the_key(place: Path, capsys: Capture) -> None:
    """Of a worksheet; one would overwrite the other."""
    worksheet = ["derive", "p.toml", "--level", "worksheet", "-o", "w.tex", "--key"]
    assert main([*worksheet, "./w.tex"]) == 2
    assert main([*worksheet, "p.toml"]) == 2
    assert not Path("w.tex").exists()
    assert main([*worksheet, "k.tex"]) == 0
    capsys.readouterr()


# --- the file that is written ---


@posix
def test_an_existing_file_keeps_its_mode(place: Path) -> None:
    """0600 stays 0600, and a new one has the usual mode."""
    for mode in (0o600, 0o640):
        Path("x.csv").touch()
        Path("x.csv").chmod(mode)
        assert main(["trace", "p.toml", "-o", "x.csv"]) == 0
        assert stat.S_IMODE(Path("x.csv").stat().st_mode) == mode
    umask = os.umask(0)
    os.umask(umask)
    save("a", "new")
    assert stat.S_IMODE(Path("new").stat().st_mode) == 0o666 & ~umask


@posix
def test_links_are_written_through(place: Path) -> None:
    """Of either kind, also one that leads to what is not there yet."""
    Path("x.csv").touch()
    os.link("x.csv", "hard.csv")
    Path("soft.csv").symlink_to("x.csv")
    Path("new.csv").symlink_to("class/later.csv")
    for name in ("hard.csv", "soft.csv", "new.csv"):
        save(name, name)
    assert Path("x.csv").read_text() == Path("hard.csv").read_text() == "soft.csv\n"
    assert Path("soft.csv").is_symlink()
    assert Path("class/later.csv").read_text() == "new.csv\n"


@posix
def test_pipes_and_devices_are_written_through(place: Path) -> None:
    """And stay what they are."""
    os.mkfifo("pipe")
    read = list[str]()
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()))
    reader.start()
    save("into the pipe", "pipe")
    reader.join()
    assert read == ["into the pipe\n"]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    save("away", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@posix
@pytest.mark.parametrize("output", ["none/x.csv", "loop", "/dev/full", "class", "a" * 300])
def test_a_fault_names_the_file_that_was_asked_for(output: str, place: Path, capsys: Capture) -> None:
    """Not None, not the file that is written first; and nothing is left behind."""
    Path("loop").symlink_to("loop")
    before = sorted(Path().iterdir())
    assert main(["trace", "p.toml", "--format", "csv", "-o", output]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"bptrace: {output}: ")
    assert err.count("\n") == 1
    assert sorted(Path().iterdir()) == before


@posix
def test_a_file_too_large_is_named(place: Path) -> None:
    """Where the system allows none of that size; what was there stays whole."""
    Path("x.csv").write_text("before")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "from tracer.cli import main; sys.exit(main(['trace', 'hand-3-2-2', '-o', sys.argv[1]]))"
    )
    line = [sys.executable, "-c", program, str(place / "x.csv")]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (2, f"bptrace: {place / 'x.csv'}: File too large\n")
    assert Path("x.csv").read_text() == "before"
    assert not list(Path().glob(".x*"))


def test_a_closed_output_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Nothing was shown, so it is no success."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["trace", "hand-3-2-2"]) == 2
    assert capsys.readouterr().err == "bptrace: standard output is closed; name a file with -o\n"


# --- nothing steers a terminal ---

STEERING = "\x1b[31m\x07\x9b\u202e\u2066\u200f\u061c\u2028\x7f\r\x00\udcff\U000e0041"
RAW = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\U000e0000-\U000e007f]"
)


def test_everything_steering_is_shown_as_a_code() -> None:
    """And means the same in a string of JSON; lines, tabs and letters of every language stay."""
    assert RAW.search(STEERING)
    assert not RAW.search(disarmed(STEERING))
    assert json.loads(disarmed(json.dumps("\x7f\u202e\U000e0041", ensure_ascii=False))) == "\x7f\u202e\U000e0041"
    plain = "z1[1] ≈ 0.6457\n\t誤差 é\u3000·"
    assert disarmed(plain) == plain


EVIL = '"\\u001b[31mX\\u202e\\n\\u0007\\u009b"'
TITLED = [
    *("trace p.toml", "trace p.toml --work", "train p.toml --steps 2", "derive p.toml", "page p.toml", "verify p.toml"),
    *(
        "check p.toml one.csv",
        "check p.toml class",
        "check p.toml s.md",
        "sheet p.toml",
        "trace p.toml --beside one.csv",
    ),
]
FORMS = ("table", "text", "markdown", "html", "latex", "csv", "json", "page")


@pytest.mark.parametrize("command", TITLED)
@pytest.mark.parametrize("form", FORMS)
def test_a_title_never_steers(command: str, form: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the terminal and in a file, in every format that the command has."""
    Path("p.toml").write_text(re.sub("^title = .*$", lambda _: f"title = {EVIL}", HAND, flags=re.M), encoding="utf-8")
    formatted = command if command.startswith("page") else f"{command} --format {form}"
    if "page" in formatted and form not in ("page", "html"):
        return
    try:
        main(formatted.split())
        main([*formatted.split(), "-o", "x"])
    except SystemExit:
        return  # not a format of this command
    out, err = capfd.readouterr()
    assert not RAW.search(out + err)
    assert not Path("x").exists() or not RAW.search(Path("x").read_text(encoding="utf-8"))


@posix
@pytest.mark.parametrize("form", ["table", "markdown", "html", "json", "csv"])
@pytest.mark.parametrize("text", [SHEET, "$$z_1 = \\sigma(0.6) = 0.6457$$\n"], ids=["sheets", "solutions"])
def test_names_of_files_never_steer(form: str, text: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of several sheets and of several solutions, which are shown one after the other."""
    names = ["\x1b[2J\u202ea.md", "<img src=x onerror=alert(1)>`.md", "=1+1|[a](b).md", "\udcff.md"]
    try:
        for name in names:
            Path(name).write_text(text)
    except OSError:
        pytest.skip("a file system of UTF-8 names alone")
    main(["check", "p.toml", *names, "--format", form, "-o", "x"])
    main(["check", "p.toml", *names, "--format", form])
    out, err = capfd.readouterr()
    reports = (out, Path("x").read_text(encoding="utf-8") if Path("x").exists() else "")
    assert not any(RAW.search(shown) for shown in (*reports, err))
    assert form not in ("markdown", "html") or not any("<img" in report for report in reports)


def test_nothing_prints_past_the_door() -> None:
    """What every command says goes through tracer.terminal; `print` and the streams' own `write` are nowhere else."""
    past = re.compile(r"(?<![\w.`])print\(|std(?:out|err)\.write\(")
    found = [
        f"{path.name}:{number}"
        for package in ("tracer", "derivations")
        for path in (ROOT / package).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if past.search(line) and not line.lstrip().startswith((">>>", '"""')) and path.name != "terminal.py"
    ]
    assert found == []
    assert past.search("    print(title)")


# --- spreadsheets ---


@pytest.mark.parametrize(
    "cell",
    ["=1+1", " =1+1", "\t=1+1", "\u3000=1+1", "＝1+1", " ＋1+1", "\u00a0@SUM(1)", "\ufeff-1+1", "\u200b=1", "\t1a"],
)
def test_no_cell_is_a_formula(cell: str) -> None:
    """Signs that begin one are quoted, behind whatever a spreadsheet leaves out."""
    assert to_csv(["a"], [[cell]]).split("\n", 1)[1].strip('"').startswith("'")
    assert to_csv([cell], []).strip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-1.5", "+3", " 1", "=", "a=b", "", "1e-3", "≈"])
def test_numbers_and_words_stay(cell: str) -> None:
    """The twin."""
    assert to_csv(["a"], [[cell, "b"]]) == f"a\n{cell},b"


# --- pages ---


class _Page(HTMLParser):
    """The policy of a page, its styles, and what its policy forbids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.policy, self.styles, self.inline, self._in = "", list[str](), list[str](), ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self._in = tag
        if facts.get("http-equiv") == "Content-Security-Policy":
            self.policy = facts["content"] or ""
        self.inline += [f"{tag} {name}" for name in facts if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        self.styles += [data] if self._in == "style" else []


def allowed(page: _Page) -> bool:
    """Whether the policy lets in each style of the page and nothing from elsewhere."""
    digests = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in page.styles]
    return page.policy.startswith("default-src 'none'; ") and all(f"'sha256-{d}'" in page.policy for d in digests)


@pytest.mark.parametrize(
    "command",
    [
        *("check p.toml one.csv", "check p.toml class", "check p.toml s.md", "check p.toml s.md t.md", "derive p.toml"),
        *("check p.toml one.csv --lang ja", "page p.toml", "train p.toml --steps 2 --format page"),
    ],
)
def test_every_page_has_its_policy(command: str, place: Path) -> None:
    """Nothing is loaded, no script but our own runs, and each style is let in by its digest."""
    Path("t.md").write_text(Path("s.md").read_text())
    main([*command.split(), "-o", "x.html"])
    page = _Page(Path("x.html").read_text(encoding="utf-8"))
    assert page.styles
    assert allowed(page)
    assert page.inline == []
    assert not allowed(_Page(Path("x.html").read_text(encoding="utf-8").replace("<style>", "<style> ")))


def test_the_names_of_people_never_steer(tmp_path: Path) -> None:
    """An id of a class table, in each report of the library."""
    path = tmp_path / "class.csv"
    path.write_text("id,z1[1]\n\u202e=1+1<b>,0.6457\nbob,0.5\n", encoding="utf-8")
    checked = check("hand-3-2-2", path)
    for form in ("table", "markdown", "html", "latex", "csv", "json"):
        assert not RAW.search(checked.render(form))
