"""Reports of marked sheets: nothing leaks at a low level of feedback, nothing a stranger wrote does anything."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from _pytest._io.saferepr import saferepr
from hypothesis import given, settings
from hypothesis import strategies as st
from processor import within

import tracer
from tracer import check
from tracer.answers.overrides import OverrideError, apply_overrides
from tracer.answers.reporting import exports, wording
from tracer.answers.reporting import render as door
from tracer.answers.reporting.as_text import as_text, width, wrapped
from tracer.answers.reporting.blocks import Grid
from tracer.answers.reporting.feedback import limited
from tracer.answers.reporting.render import FORMATS, LANGUAGES, LEVELS
from tracer.answers.reporting.wording import Wording
from tracer.answers.result import VERDICTS, Cause, Checked, Mark, Marked

SCHEMA = json.loads((Path(tracer.__file__).parent / "schemas" / "check-1.json").read_text(encoding="utf-8"))
MESSAGES = tomllib.loads((Path(tracer.__file__).parent / "answers" / "messages.toml").read_text(encoding="utf-8"))
SLIPS = {
    "slope.at_z": {
        "en": "{cell} takes the derivative at z: it belongs at a. Worked: {used}; right: {right}.",
        "ja": "{cell} は微分係数を z でとっています。a でとります。使った式: {used}、正しい式: {right}。",
    },
    "z.none": {
        "en": "{cell} leaves out the activation. Worked: {used}; right: {right}.",
        "ja": "{cell} は活性化関数が抜けています。使った式: {used}、正しい式: {right}。",
    },
    "z.other": {
        "en": "{cell} applies another function: sigmoid belongs here. Worked: {used}; right: {right}.",
        "ja": "{cell} は別の関数を使っています。使った式: {used}、正しい式: {right}。",
    },
}
MARKS = (
    Mark("a1[1]", "0.6", "exact", "0.6"),
    Mark("a1[2]", "1.2", "exact", "1.2"),
    Mark("z1[1]", "0.6457", "rounded", "0.6457"),
    Mark(
        *("z1[2]", "1.2", "slip", "0.7685"),
        slips=("z.none", "z.other[relu]"),
        facts={"used": "z1[2] = a1[2]", "used:z.other[relu]": "z1[2] = relu(a1[2])", "right": "z1[2] = sigmoid(1.2)"},
        where="line 5",
        stage="activation",
    ),
    Mark("a2[1]", "3.046", "follows", "2.183", "3.046"),
    Mark("a2[2]", "6.737", "follows", "5.011", "6.737"),
    Mark("dW2[1,1]", "1.966", "truncated", "1.967"),
    Mark("dW2[2,1]", "3.705", "last_digit", "3.706"),
    Mark(
        *("slope1[1]", "0.2261", "slip", "0.2288"),
        slips=("slope.at_z",),
        facts={"used": "h'(0.6457)", "right": "h'(0.6)"},
        stage="derivative",
    ),
    Mark("dW1[1,1]", "4.581", "follows", "3.252", "4.581"),
    Mark("W2_new[1,1]", "0.8590", "wrong", "0.8591", "0.8034"),
    Mark("W2_new[1,2]", "", "missing", "1.832"),
    Mark("W2_new[2,1]", "2;7", "malformed", "2.741", facts={"message": "'2;7' is not a number; write 2.7"}),
    Mark("W2_new[2,2]", "3.692", "rounded_inside", "3.6917"),
    Mark("dW2[2,2]", "0", "not_assessable", "3.083"),
    Mark("dW2[1,2]", "2", "coarse", "1.677"),
    Mark("q9", "17", "unknown"),
    Mark("a1[1]", "0.61", "duplicate", "0.6"),
)
CAUSES = (
    Cause(("z.none", "z.other[relu]"), ("z1[2]",), ("a2[1]", "a2[2]")),
    Cause(("slope.at_z",), ("slope1[1]",), ("dW1[1,1]",)),
)
_EXPECTED = {m.expected for m in MARKS if m.expected not in ("", "0.6", m.given)}
SECRET = sorted(_EXPECTED | {"0.8034", "h'(0.6)", "0.6457)"})
ADA = Marked("ada", MARKS, CAUSES, ("read as nielsen writes it",))
BEN = Marked("ben", tuple(Mark(m.name, m.expected, "rounded", m.expected) for m in MARKS[:-2]))
ONE = Checked("One step by hand", (ADA,))
CLASS = Checked(
    "One step by hand", (ADA, BEN, Marked("cid", MARKS, CAUSES[1:]), Marked("dot", error="line 3: not text"))
)


@pytest.fixture(autouse=True)
def _slips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "messages", lambda: {**MESSAGES, "slip": SLIPS})


def renderings(checked: Checked, **options: Any) -> Iterator[tuple[str, str]]:
    """Every format of the sheets."""
    for form in FORMATS:
        if form != "gradescope" or len(checked) == 1:
            yield form, checked.render(form, **options)


# --- the texts ---


@pytest.mark.parametrize("table", ["verdict", "comment", "report", "hint"])
def test_every_text_has_both_languages(table: str) -> None:
    """Every key has English and Japanese with the same places to fill in, and nothing else."""
    for key, entry in MESSAGES[table].items():
        assert set(entry) == set(LANGUAGES), key
        places = [set(re.findall(r"\{(\w+)\}", text)) for text in entry.values()]
        assert places[0] == places[1] or table == "hint", key


def test_every_slip_has_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever slips the file holds: a message, also where no equation is known, and a title for tables."""
    monkeypatch.setattr(wording, "messages", lambda: MESSAGES)
    for name, entry in MESSAGES.get("slip", {}).items():
        assert {"en", "ja"} <= set(entry), name
        for lang in LANGUAGES:
            title = Wording(lang).short((name,))
            assert title not in ("", name), name
            assert "..." not in Wording(lang).slip(name, {"cell": "a1[1]"}), name
            assert title in Wording(lang).slip(name, {"cell": "a1[1]"}), name


def test_every_verdict_has_its_words() -> None:
    """A word and a comment for each verdict, and none for a verdict that is not there."""
    assert set(MESSAGES["verdict"]) == set(MESSAGES["comment"]) == set(VERDICTS)


def test_every_text_key_in_the_code_is_there() -> None:
    """What the code asks for is in the file, and what is in the file is asked for."""
    code = "".join(p.read_text(encoding="utf-8") for p in Path(door.__file__).parent.glob("*.py"))
    counted = {f"{key}_{many}" for key in re.findall(r'counted\(\s*"(\w+)"', code) for many in ("one", "many")}
    words = set(re.findall(r'"(\w+)"', code))
    assert set(MESSAGES["report"]) <= words | counted
    assert set(re.findall(r'\.text\(\s*"(\w+)"', code)) | counted <= set(MESSAGES["report"])


# --- one sheet ---


def test_a_sheet_says_what_went_wrong() -> None:
    """Cells that are plainly right are counted, the others listed, the causes told, a class of slips as a whole."""
    text = ONE.render("table")
    assert "ada: 8 of 16 right, 2 causes" in text
    assert "Also right: 3 (2 exact, 1 rounded)." in text
    assert not re.search(r"^z1\[1\]", text, re.M)
    assert re.search(r"^z1\[2\] +1\.2 +slip +0\.7685 +cause 1$", text, re.M)
    assert "   - either: z1[2] leaves out the activation.\n   - or: z1[2] applies another function" in text
    flat = " ".join(text.split())
    assert "belongs here. Worked: z1[2] = relu(a1[2]); right: z1[2] = sigmoid(1.2)." in flat
    assert "2. slope1[1] takes the derivative at z: it belongs at a. Worked: h'(0.6457);" in text
    assert "Right from there on: a2[1], a2[2]." in text
    assert "Score: 8 of 16 points (50.0%)" in text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("checked", [ONE, CLASS], ids=["one", "class"])
def test_text_fits_a_terminal(checked: Checked, level: str, lang: str) -> None:
    """No line is wider than 80 columns, full-width characters counted as two."""
    lines = checked.render("table", feedback=level, lang=lang).splitlines()
    assert [line for line in lines if width(line) > 80 or line != line.rstrip()] == []


def test_japanese_reports_have_no_english() -> None:
    """Apart from the names of cells, and what was said in English before it came here."""
    text = ONE.render("table", lang="ja", feedback="verdict")
    assert "16個中8個正解" in text
    words = set(re.findall(r"[A-Za-z]{3,}", text)) - set(re.findall(r"[A-Za-z]{3,}", " ".join(m.name for m in MARKS)))
    assert words <= {"One", "step", "hand", "ada", "read", "nielsen", "writes", "not", "number", "write"}


@pytest.mark.parametrize(("points", "right", "shown"), [(3000, 2999, "99.9%"), (3, 2, "66.7%"), (4, 4, "100.0%")])
def test_full_marks_are_only_for_full_marks(points: int, right: int, shown: str) -> None:
    """99.97 percent is not rounded to 100."""
    marks = (Mark("a1[1]", "1", "exact", points=right), Mark("a1[2]", "2", "wrong", points=points - right))
    assert shown in Checked("", (Marked("x", marks),)).render("table")


# --- a class ---


def test_a_class_is_summed_up() -> None:
    """A row a sheet, a row a cell, the causes by how many show them, unreadable sheets last."""
    text = CLASS.render("table")
    assert "3 sheets, mean score 66.7%, 1 all right" in text
    assert re.search(r"^cid +50\.0% +8/16 +1 +slope1\[1\]: takes the derivative at z$", text, re.M)
    assert re.search(r"^z1\[2\] +1/3 +0 +1\.2 \(2 times\)$", text, re.M)
    assert "1. 2 of 3 sheets: slope1[1] takes the derivative at z: it belongs at a.\n" in text
    assert text.rstrip().endswith("1 sheet could not be read\n1. dot: line 3: not text")


def test_a_page_of_a_class_holds_every_sheet() -> None:
    """On the page each sheet unfolds, and the page is well formed and carries no scripts."""
    page = CLASS.render("html")
    assert page.count("<details>") == 4
    assert "prefers-color-scheme:dark" in page
    assert well_formed(page)
    assert not re.search(r"<script|https?:|javascript:|\son\w+=", page)


def test_the_check_of_pages_sees_a_fault() -> None:
    """The planted twin: a tag that is not closed."""
    assert not well_formed("<div><p>x</div>")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.good = True

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.good = self.good and bool(self.open) and self.open.pop() == tag


def well_formed(page: str) -> bool:
    """Whether every tag is closed where it should be."""
    tags = _Tags()
    tags.feed(page)
    return tags.good and not tags.open


# --- levels of feedback ---


def leaks(text: str) -> list[str]:
    """The right values and slips that stand in a text."""
    return [secret for secret in [*SECRET, *SLIPS] if secret in text]


@pytest.mark.parametrize("level", LEVELS[:-1])
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("checked", [ONE, CLASS], ids=["one", "class"])
def test_low_levels_give_nothing_away(checked: Checked, level: str, lang: str) -> None:
    """No right value, no slip, no number of an equation in any format."""
    if checked is CLASS:
        checked = Checked(CLASS.title, tuple(s for s in CLASS if s is not BEN))  # ben wrote the right values himself
    for form, text in renderings(checked, feedback=level, lang=lang):
        assert leaks(text) == [], form
        assert "leaves out the activation" not in text
    assert leaks(checked.explain(feedback=level, lang=lang)) == []


def test_full_feedback_would_be_seen_as_a_leak() -> None:
    """The planted twin: at full feedback right values stand in every format but the gradebook."""
    for form, text in renderings(ONE):
        assert "0.7685" in leaks(text) or form == "csv", form
    assert len(leaks(ONE.render("json"))) >= len(SECRET)


def test_verdicts_alone_say_right_or_wrong() -> None:
    """At the lowest level a cell is right, wrong, or was not read as an answer; there are no causes."""
    sheet = limited(ONE, "verdict").one
    assert {m.verdict for m in sheet.marks} == {"right", "wrong", "missing", "malformed", "unknown", "duplicate"}
    assert sheet.causes == ()
    assert (sheet.score, sheet.points) == (ADA.score, ADA.points)


def test_hints_say_where_to_look() -> None:
    """A hint names the stage of each cause."""
    text = ONE.render("table", feedback="hint")
    assert "Look at the activation z1[2]" in text
    assert "Look at the derivative slope1[1]" in text


# --- other programs ---


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("checked", [ONE, CLASS, Checked("", ())], ids=["one", "class", "none"])
def test_json_keeps_its_schema(checked: Checked, level: str) -> None:
    """At every level; the score is points over total."""
    out = json.loads(checked.render("json", feedback=level))
    jsonschema.validate(out, SCHEMA)
    assert [s["sheet"] for s in out["sheets"]] == [s.id for s in checked]
    scored = [s for s in out["sheets"] if "error" not in s]
    assert all(abs(s["score"] - s["points"] / (s["total"] or 1)) < 1e-6 for s in scored)
    assert all((s["score"], s["points"]) == (None, None) for s in out["sheets"] if s not in scored)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("feedback",), "hint"),
        (("sheets", 0, "marks", 0, "verdict"), "maybe"),
        (("sheets", 0, "score"), 1.5),
        (("sheets", 0, "marks", 0, "extra"), 1),
    ],
)
def test_the_schema_refuses(path: tuple[Any, ...], value: Any) -> None:
    """The planted twins; the first says hint and still holds right values."""
    out = json.loads(ONE.render("json"))
    inner = out
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(out, SCHEMA)


def test_marks_stand_alone_in_json() -> None:
    """The message of a cell that shows a cause is the cause's, the whole class of slips."""
    marks = {m["name"]: m for m in json.loads(ONE.render("json"))["sheets"][0]["marks"] if m["verdict"] != "duplicate"}
    assert "either: z1[2] leaves out the activation.\nor: z1[2] applies another function" in marks["z1[2]"]["message"]
    assert marks["z1[2]"]["slips"] == ["z.none", "z.other[relu]"]
    assert marks["a2[1]"]["message"] == "right after cause 1"


TOP = {"score", "execution_time", "output", "visibility", "stdout_visibility", "extra_data", "tests", "leaderboard"}
TEST = {"score", "max_score", "name", "number", "output", "tags", "visibility", "extra_data", "status"}
VISIBLE = {"hidden", "after_due_date", "after_published", "visible"}


@pytest.mark.parametrize("level", LEVELS)
def test_gradescope_takes_it(level: str) -> None:
    """Only fields that Gradescope knows, with values it knows; the points of the cells add up to the score."""
    out = json.loads(ONE.render("gradescope", feedback=level))
    assert set(out) <= TOP
    assert {out["visibility"], out["stdout_visibility"]} <= VISIBLE
    for test in out["tests"]:
        assert set(test) <= TEST | {"output_format", "name_format"}
        assert test["visibility"] in VISIBLE
        assert test["status"] in ("passed", "failed")
        assert {test["output_format"], test["name_format"]} <= {"text", "html", "simple_format", "md", "ansi"}
        assert 0 <= test["score"] <= test["max_score"]
        assert re.fullmatch(r"[\d.]+", test["number"])
    assert sum(test["score"] for test in out["tests"]) == out["score"] == 8
    assert sum(test["max_score"] for test in out["tests"]) == 16


def test_gradescope_of_an_unreadable_sheet() -> None:
    """There is always a file, with the reason and no score, never 0; a class is an error that says what to do."""
    out = json.loads(Checked("", (CLASS["dot"],)).render("gradescope"))
    assert "score" not in out
    assert out["tests"] == []
    assert "line 3: not text" in out["output"]
    with pytest.raises(ValueError, match="gradescope takes one sheet, not 4"):
        CLASS.render("gradescope")


def test_the_gradebook() -> None:
    """A row a sheet, the score in percent, a column a cell, as many cells in each row; unread sheets have none."""
    rows = list(csv.reader(io.StringIO(CLASS.render("csv"))))
    assert rows[0][:6] == ["id", "score", "points", "total", "causes", "feedback"]
    assert rows[0][6:9] == ["a1[1]", "a1[2]", "z1[1]"]
    assert [row[:5] for row in rows[1:]] == [
        ["ada", "50.00", "8", "16", "2"],
        ["ben", "100.00", "16", "16", "0"],
        ["cid", "50.00", "8", "16", "1"],
        ["dot", "", "", "", "0"],
    ]
    assert {len(row) for row in rows} == {6 + 16}
    assert rows[4][5] == "not read: line 3: not text"


# --- strangers ---

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-2+3",
    "@SUM(1)",
    "\uff1d1+1",
    "-12.5",
    "-inf",
    "=",
    "\t=1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "| a | b |",
    "`code` *bold* _it_ $x^2$",
    "\x1b[31mred\x07",
    "\u202egnp.exe",
    "\ud800",
    "two\nlines\r\n# heading",
    "\\input{/etc/passwd}",
    "x" * 100_000,
    "../../etc/passwd",
    "{cell.__class__} {used} %s",
    "\u2028\u2029\x00",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("level", LEVELS)
def test_a_strangers_text_does_nothing(text: str, level: str) -> None:
    """As an id, a name, a number, a remark, an error, a fact: no format is broken, no control character gets out."""
    put_everywhere(text, level)


SIGNS = st.text(st.sampled_from("\\`*_{}[]()<>|#+-=!$%&~^@'\":/.,;\t\r\n \x1b\u202e\u3000日é1ax"), max_size=40)


@settings(max_examples=60, deadline=None, database=None)
@given(SIGNS | st.text(st.characters(), max_size=40))
def test_no_text_does_anything(text: str) -> None:
    """The same for whatever hypothesis thinks of."""
    put_everywhere(text, "full")


def put_everywhere(text: str, level: str) -> None:
    """Renders sheets that hold the text wherever a stranger could put one."""
    marks = (
        Mark(text, text, "slip", "1.5", slips=("slope.at_z",), facts={"used": text, "right": text, "message": text}),
        Mark("a1[1]", text, "malformed", facts={"message": text}, comment=text, where=text),
    )
    sheet = Marked(text, marks, (Cause(("slope.at_z", text), (text,), (text,)),), (text,))
    for checked in (Checked(text, (sheet,)), Checked(text, (sheet, Marked("other", error=text)), (text,))):
        for form, shown in renderings(checked, feedback=level):
            assert all(c.isprintable() or c == "\n" for c in shown), form
            shown.encode("utf-8")
            check_form(form, shown)


LATEX = {
    "char",
    "section",
    "newpage",
    "noindent",
    "begin",
    "end",
    "hline",
    "paragraph",
    "mbox",
    "par",
    "item",
    "linewidth",
} | {f"text{sign}" for sign in ("backslash", "asciitilde", "asciicircum", "less", "greater", "bar")}


def balanced(source: str) -> bool:
    """Whether the braces of a LaTeX source close."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", source):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def check_form(form: str, shown: str) -> None:
    """What must hold in each format whatever was put in."""
    if form == "html":
        assert well_formed(shown)
        assert not re.search(r"<(script|img)", shown)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(shown)))
        assert len({len(row) for row in rows}) == 1
        risky = [cell for row in rows for cell in row if cell[:1] in [*"=+-@\t\r\uff1d\uff0b\uff0d\uff20"]]
        assert [cell for cell in risky if not re.fullmatch(r"[+-]\d+(\.\d+)?", cell, re.ASCII)] == []
    if form == "markdown":
        assert not re.search(r"(?<!\\)\]\(|(?<!\\)<\w|^# heading", shown, re.M)
        assert {line.count("|") - line.count("\\|") for line in shown.splitlines() if line.startswith("|")} <= {4, 5, 6}
    if form == "latex":
        assert not re.search(r"(?<!\\)[#$%]|[~^<>|`]|--", shown.replace("$-$", ""))
        assert balanced(shown)
        assert set(re.findall(r"\\([A-Za-z]+)", shown)) <= LATEX
    if form == "table":
        assert max(map(width, shown.splitlines())) <= 80
    if form in ("json", "gradescope"):
        json.loads(shown)


def test_the_check_of_formats_sees_a_fault() -> None:
    """The planted twins."""
    bad = {
        "html": "<p><script></p>",
        "csv": "id\n=1",
        "markdown": "[x](y)",
        "latex": r"\input{x}",
        "table": "x" * 81,
        "json": "{",
    }
    for form, shown in bad.items():
        with pytest.raises((AssertionError, ValueError)):
            check_form(form, shown)


def test_japanese_names_stay_readable() -> None:
    """The full-width space between family and given name is a space, not a code."""
    assert "山田 太郎: " in Checked("", (Marked("山田\u3000太郎", MARKS),)).render("table")


# --- in Python ---


def test_one_sheet_answers_for_itself() -> None:
    """Score, points, marks and causes of the only sheet; a plain float for nbgrader."""
    assert (ONE.points, float(ONE), len(ONE)) == (8.0, 8.0, 1)
    assert type(ONE.points) is float
    assert ONE.score == 0.5
    assert ONE.marks[3].slips == ONE.causes[0].slips == ("z.none", "z.other[relu]")
    assert ONE["ada"]["z1[2]"].expected == "0.7685"
    assert [sheet.id for sheet in CLASS] == ["ada", "ben", "cid", "dot"]
    assert CLASS[1] is CLASS["ben"]
    assert type(Checked("", (CLASS["dot"],)).points) is float


def test_what_is_not_there_is_named() -> None:
    """A class has no one score; an unknown id or cell names those that are there."""
    with pytest.raises(ValueError, match="4 sheets, not one; take one"):
        float(CLASS)
    with pytest.raises(KeyError, match=r"there are .*ada.*, .*ben"):
        CLASS["eve"]
    with pytest.raises(KeyError, match=r"no cell .*nothing.*; there are"):
        ADA["nothing"]
    with pytest.raises(ValueError, match="known are table"):
        ONE.render("pdf")
    with pytest.raises(ValueError, match="known are verdict, hint, equation, numbers, full"):
        ONE.render("table", feedback="all")
    with pytest.raises(ValueError, match="known are en, ja"):
        ONE.render("table", lang="fr")


def test_an_assertion_teaches() -> None:
    """What pytest prints of a failing `assert check(...).all_right`: the count and the first cause, on one line."""
    shown = saferepr(Checked("", (Marked("ada", MARKS, CAUSES[1:]),)))
    assert shown.startswith(
        "<Checked: ada: 8 of 16 right, 1 cause, 1 name not understood; "
        "slope1[1] takes the derivative at z: it belongs at a."
    )
    assert "\n" not in repr(CLASS)
    assert "0.8590: wrong" in ONE.explain().replace("W2_new[1,1] = ", "")
    assert Checked("", (BEN,)).explain() == "ben: all 16 right"


def test_notebooks_show_it() -> None:
    """HTML as a part of the page, LaTeX, Markdown and plain text."""
    bundle = ONE._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/latex", "text/markdown", "text/plain"}
    assert well_formed(bundle["text/html"])
    assert "<html" not in bundle["text/html"]
    assert bundle["text/plain"] == str(ONE)


def test_the_same_twice() -> None:
    """Nothing depends on the hour or the order of a dictionary."""
    assert list(renderings(CLASS)) == list(renderings(CLASS))


def test_lines_break_between_words() -> None:
    """Text is wrapped by its width on the screen, Japanese before any character but a stop."""
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("正しい丸めです。", 10) == ["正しい丸め", "です。"]
    assert wrapped("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert "".join(wrapped("a" * 7 + " 日本語 " + "b" * 30, 9)).replace(" ", "") == "a" * 7 + "日本語" + "b" * 30


def test_five_hundred_sheets_take_no_time() -> None:
    """500 sheets of 18 cells in each format well under a second (measured: far less)."""
    many = Checked("many", tuple(Marked(f"s{k}", MARKS, CAUSES) for k in range(500)))
    for form in ("csv", "json", "table"):
        with within(2, form):
            many.render(form)


# --- overrides ---


def overridden(tmp_path: Path, text: str, checked: Checked = ONE, name: str = "o.csv") -> Checked:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return apply_overrides(checked, path)


def test_a_marker_has_the_last_word(tmp_path: Path) -> None:
    """Verdict, points and comment of the file replace what was found; the cause goes with its only cell."""
    text = 'sheet,cell,verdict,points,comment\nada,z1[2],right,,"fine, see page 2"\nada,"W2_new[1,1]",wrong,0.5,half\n'
    out = overridden(tmp_path, text)
    assert (out["ada"]["z1[2]"].verdict, out["ada"]["z1[2]"].comment) == ("right", "fine, see page 2")
    assert out.points == 9.5
    assert out.causes == CAUSES[1:]
    assert "marker: fine, see page 2" in out.render("markdown")
    assert overridden(tmp_path, text, out).points == 9.5
    rows = [{"sheet": "ada", "cell": "z1[2]", "verdict": "right"}, {"sheet": "ada", "cell": "q9", "verdict": "unknown"}]
    assert overridden(tmp_path, json.dumps(rows), name="o.json").points == 9
    jsonschema.validate(json.loads(out.render("json")), SCHEMA)


def test_an_override_of_nothing_is_told(tmp_path: Path) -> None:
    """An unknown sheet or cell changes nothing and is said so."""
    out = overridden(tmp_path, "sheet,cell,verdict\neve,z1[2],right\nada,z9,right\n")
    assert out.remarks == ("o.csv: line 2: no sheet 'eve'; nothing was changed",)
    assert out["ada"].remarks[-1] == "o.csv: line 3: no cell 'z9' on this sheet; nothing was changed"
    assert "no sheet 'eve'" in out.render("table")
    assert out.points == ONE.points


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b,c\n", "o.csv: line 1: not a header; begin with sheet,cell,verdict,points,comment"),
        ("sheet,cell,verdict\nada,z1[2],good\n", "o.csv: line 2: verdict 'good' is not known; known are exact"),
        ("sheet,cell,verdict,points\nada,z1[2],right,2\n", "2 points for 'z1[2]', which is worth 1; give 0 to 1"),
        ("sheet,cell,verdict,points\nada,z1[2],right,-1\n", "points: '-1' is negative; give 0 or more"),
        ("sheet,cell,verdict,points\nada,z1[2],right,nan\n", "points: nan is not finite"),
        ("sheet,cell,verdict\nada,,right\n", "line 2: no cell"),
        ("sheet,cell,verdict\nada,dW2[1,1],right\n", "line 2: 4 cells, not 3; put quotes around text with commas"),
        ("sheet,cell,verdict\nada,z,right\nada,z,wrong\n", "line 3: 'ada', 'z' stands in line 2 already"),
        ('sheet,cell,verdict\n"ada,z,right\n', "not a CSV row"),
        ("sheet,cell,verdict\nada,\0z,right\n", "not a text file"),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "row 1: not a row"),
        ('{"a": 1}', "not a list of rows"),
        ('[{"sheet": "ada", "cell": ["z"], "verdict": "right"}]', "row 1: cell is a list, not text"),
        ('[{"sheet": "ada", "cell": "z", "verdict": "right", "point": 1}]', "row 1: 'point' is not known"),
        ("[1,", "line 1: not JSON"),
    ],
)
def test_a_bad_file_of_overrides_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    """In one line: where, what, what now."""
    with pytest.raises(OverrideError) as caught:
        overridden(tmp_path, text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_overrides_that_is_none(tmp_path: Path) -> None:
    """Not there, a folder, not text, too large."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FileNotFoundError, match="no such file"):
            apply_overrides(ONE, path)
    (tmp_path / "b.csv").write_bytes(b"sheet\xff")
    with pytest.raises(OverrideError, match="byte 6: not UTF-8"):
        apply_overrides(ONE, tmp_path / "b.csv")
    (tmp_path / "c.csv").write_bytes(b"x" * 5_000_001)
    with pytest.raises(OverrideError, match="larger than 5 MB"):
        apply_overrides(ONE, tmp_path / "c.csv")


@pytest.mark.parametrize("long", [15, 40])
def test_five_columns_of_long_cells_fit_a_terminal(long: int) -> None:
    """However long names and numbers are; the planted twin: the cells themselves are wider."""
    row = ("w" * long, "1" * long, "from earlier numbers", "2" * long, "right after cause 1")
    lines = as_text([Grid(("cell", "written", "verdict", "right value", "comment"), (row,))]).splitlines()
    assert max(map(width, lines)) <= 80 < sum(map(len, row)) + 8
    assert sum(line.count("2") for line in lines) == long


def held(checked: Checked) -> float:
    """The most memory that its JSON takes while it is made, as a multiple of its length."""
    words = Wording("en")
    length = len(exports.as_json(checked, words))
    tracemalloc.start()
    exports.as_json(checked, words)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / length


def test_the_json_of_a_large_class_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sheets and the whole, no third copy; the planted twin puts the codes in once more in the end."""
    path = tmp_path / "class.csv"
    path.write_text("id,z1[1],z1[2]\n" + "".join(f"p{k},0.6457,0.7685\n" for k in range(200)), encoding="utf-8")
    checked = check("hand-3-2-2", path)
    assert held(checked) < 3
    whole = exports.as_json
    monkeypatch.setattr(exports, "as_json", lambda *given: exports._plain(whole(*given)))
    assert held(checked) > 3
