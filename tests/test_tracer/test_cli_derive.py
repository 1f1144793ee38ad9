"""`bptrace derive`: every option, every format, what is refused."""

import json
from pathlib import Path

import jsonschema
import pytest

import tracer
from tracer.cli import main

SCHEMA = json.loads((Path(tracer.__file__).parent / "schemas" / "derive-1.json").read_text(encoding="utf-8"))
FORMATS = ("text", "latex", "markdown", "html", "json")


def derived(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command prints; it must succeed silently."""
    assert main(["derive", *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("level", ["standard", "full", "matrix", "answers", "worksheet"])
def test_every_level_in_every_format(capsys: pytest.CaptureFixture[str], level: str, form: str) -> None:
    """With and without numbers; JSON by its schema."""
    for numbers in ([], ["--digits", "4"]):
        text = derived(capsys, "hand-3-2-2", "--level", level, "--format", form, *numbers)
        if form == "json":
            jsonschema.validate(json.loads(text), SCHEMA)
        assert "nan" not in text.replace("tanh", "")


@pytest.mark.parametrize("notation", ["bishop", "nielsen", "ng", "mazur", "names"])
def test_every_notation(capsys: pytest.CaptureFixture[str], notation: str) -> None:
    """Each writes its own letters."""
    text = derived(capsys, "shared-bias-2-2-2", "--notation", notation, "--wrt", "dW2[1,1]")
    letter = {"bishop": "w_11^(2)", "nielsen": "w^2_11", "ng": "w^[2]_11", "mazur": "w_5", "names": "w_5"}[notation]
    assert letter in text


def test_only_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """--wrt limits it, and may be repeated."""
    text = derived(capsys, "hand-3-2-2", "--wrt", "dW1_12", "--wrt", "delta2")
    assert "∂E/∂w_12^(1)" in text
    assert "delta_2^(2) =" in text
    assert "∂E/∂w_11^(1)" not in text


def test_a_worksheet_and_its_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The worksheet has blanks and no results; the key has the results."""
    key, sheet = tmp_path / "key.txt", tmp_path / "sheet.txt"
    out = derived(capsys, "hand-3-2-2", "--level", "worksheet", "--digits", "4", "-o", str(sheet), "--key", str(key))
    assert out == ""
    assert "______" in sheet.read_text(encoding="utf-8")
    assert "1.410" not in sheet.read_text(encoding="utf-8")
    assert "1.410" in key.read_text(encoding="utf-8")


def test_the_other_options(capsys: pytest.CaptureFixture[str]) -> None:
    """Proof, decimal comma, language, labels, documents."""
    assert "Proved: all 10 gradients" in derived(capsys, "hand-3-2-2", "--prove", "--level", "answers")
    assert "1,410" in derived(capsys, "hand-3-2-2", "--digits", "4", "--decimal", "comma", "--wrt", "dW2_11")
    assert "連鎖律" in derived(capsys, "hand-3-2-2", "--lang", "ja")
    labelled = derived(capsys, "hand-3-2-2", "--format", "latex", "--label-prefix", "q3", "--wrt", "dW2_11")
    assert r"\label{q3:dW2-1-1}" in labelled
    for document in ("article", "beamer"):
        text = derived(capsys, "hand-3-2-2", "--format", "latex", "--document", document)
        assert text.startswith(r"\documentclass")
        assert text.rstrip().endswith(r"\end{document}")
    fragment = derived(capsys, "hand-3-2-2", "--format", "latex", "--document", "fragment")
    assert r"\documentclass" not in fragment


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--wrt", "dW9[1,1]"], "'dW9[1,1]' is not a quantity of this network"),
        (["--wrt", "x[1]"], "'x[1]' is not derived"),
        (["--sample", "2"], "sample 2 is not there"),
        (["--notation", "uy"], "notation 'uy' writes networks with one hidden layer and one output"),
        (["--notation", "latin"], "notation 'latin' is not known"),
        (["--label-prefix", "a}b"], "label prefix"),
        (["--carry", "full"], "--carry goes with --digits or --places"),
        (["--key", "key.txt"], "--key goes with --level worksheet"),
        (["-o", "x.pdf"], "the ending says no format"),
    ],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    """One line, exit 2, nothing written."""
    monkeypatch.chdir(tmp_path)
    assert main(["derive", "hand-3-2-2", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("bptrace: ")
    assert says in err
    assert not list(tmp_path.iterdir())


def test_what_the_library_gives_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """derive() with a trace's numbers, rendered."""
    from derivations import derive

    text = derived(capsys, "hand-3-2-2", "--digits", "4")
    assert derive(tracer.load("hand-3-2-2"), numbers=tracer.trace("hand-3-2-2", digits=4)).render() + "\n" == text
