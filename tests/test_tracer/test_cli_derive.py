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
@pytest.mark.parametrize("level", ["standard", "general", "full", "matrix", "answers", "worksheet"])
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


OWN = """
title = "a loop"
equations = '''
h[0] = 0
a[t] = w*h[t-1] + x[t]
h[t] = relu(a[t])
E = (h[|t|] - y)^2/2
'''
parameters = {w = 0.5}
given = {x = [1, 2], y = 0}
[training]
learning_rate = 0.1
[sheet]
ask = ["a", "dw", "w_new"]
figures = 3
"""


@pytest.fixture
def loop(tmp_path: Path) -> str:
    path = tmp_path / "loop.toml"
    path.write_text(OWN, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("level", ["standard", "general", "answers", "worksheet"])
def test_own_equations_at_every_level_in_every_format(
    capsys: pytest.CaptureFixture[str], loop: str, level: str, form: str
) -> None:
    """With and without numbers, and with a proof; JSON by its schema."""
    for options in ([], ["--digits", "4"], ["--prove"]):
        text = derived(capsys, loop, "--level", level, "--format", form, *options)
        if form == "json":
            jsonschema.validate(json.loads(text), SCHEMA)
        assert ("Proved" in text) is ("--prove" in options)


def test_own_equations_line_by_line(capsys: pytest.CaptureFixture[str], loop: str) -> None:
    """The general line, the way it comes, its entries with their numbers."""
    text = derived(capsys, loop, "--digits", "4")
    assert "dw = Σ_t ∂E/∂a[t]·∂a[t]/∂w    (sum over paths)" in text
    assert "dw = da[1]·h[0] + da[2]·h[1]" in text
    assert "relu'(a) = d/da(max(0, a))    (definition)" in text


def test_a_worksheet_of_own_equations_asks_what_the_sheet_asks(
    capsys: pytest.CaptureFixture[str], loop: str, tmp_path: Path
) -> None:
    """What is given, to how many figures, blanks and updates; the key has the numbers."""
    key = tmp_path / "key.txt"
    text = derived(capsys, loop, "--level", "worksheet", "--key", str(key))
    for there in (
        "Name: ___",
        "Given",
        "to 3 significant figures",
        "x = [1, 2]",
        "eta = 0.1",
        "a[1] = ______",
        "w_new",
    ):
        assert there in text
    assert "2.5" not in text
    assert "dh[1]" not in text
    assert "w_new = w - eta·dw" in key.read_text(encoding="utf-8")
    assert "2.5" in key.read_text(encoding="utf-8")


def test_a_worksheet_of_layers_takes_the_notation_and_figures_of_the_sheet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Unless they are given otherwise."""
    text = (Path(tracer.__file__).parents[1] / "samples/hand-3-2-2/problem.toml").read_text(encoding="utf-8")
    path = tmp_path / "p.toml"
    path.write_text(text + '\n[sheet]\nask = ["delta1"]\nfigures = 3\nnotation = "ng"\n', encoding="utf-8")
    out = derived(capsys, str(path), "--level", "worksheet")
    assert "3 significant figures" in out
    assert "dz^[1]_1" in out
    assert "∂" not in out.split("Error signals, layer 1")[1].split("dz^[1]_1")[0]
    assert "delta" in derived(capsys, str(path), "--level", "worksheet", "--notation", "bishop")


def test_a_refuted_proof_exits_1_and_nothing_compared_3(
    capsys: pytest.CaptureFixture[str], loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's exit code is what the proof says."""
    from derivations import derived as module
    from derivations.step_proof import StepProof

    for proof, code in ((StepProof(wrong=("dw",)), 1), (StepProof(open_=("dw",)), 3), (StepProof(proved=("dw",)), 0)):
        monkeypatch.setattr(module.OwnDerivation, "proof", proof)
        assert main(["derive", loop, "--prove"]) == code
        capsys.readouterr()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--level", "matrix"], "level 'matrix' is for layers"),
        (["--level", "full"], "level 'full' is for layers"),
        (["--notation", "ng"], "notation 'ng' has letters for layers"),
        (["--wrt", "x"], "'x' is not derived"),
        (["--sample", "2"], "sample 2 is not there"),
    ],
)
def test_what_is_refused_of_own_equations(
    capsys: pytest.CaptureFixture[str], loop: str, options: list[str], says: str
) -> None:
    """One line, exit 2."""
    assert main(["derive", loop, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert says in err


def test_matrices_of_a_batch_have_the_mean_and_of_a_shared_bias_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """1/N Σ_n δ zᵀ, as a product of matrices; dE/db1; in every notation."""
    text = derived(capsys, "softmax-xor", "--level", "matrix")
    assert "∂E/∂W2 = 1/4·Σ_n delta2_n·z1_nᵀ    (mean over samples)" in text
    assert "= 1/4·Delta2·Z1ᵀ    (shape 2×8)" in text
    shared = derived(capsys, "shared-bias-2-2-2", "--level", "matrix")
    assert "∂E/∂b1 = 1ᵀ·delta1\n" in f"{shared}\n"
    assert "dW2 = dz2·a1ᵀ" in derived(capsys, "hand-3-2-2", "--level", "matrix", "--notation", "ng")
    for notation in ("nielsen", "mazur", "names"):
        assert derived(capsys, "shared-bias-2-2-2", "--level", "matrix", "--notation", notation)


def test_a_kink_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """At a = 0 there is no derivative, and nothing is proved there."""
    path = tmp_path / "kink.toml"
    path.write_text(
        '[network]\nloss = "half_squared_error"\n[[network.layers]]\nactivation = "relu"\nW = [[1, -1]]\n'
        "[[samples]]\nx = [1, 1]\nt = [1]\n[training]\nlearning_rate = 0.1\n",
        encoding="utf-8",
    )
    text = " ".join(derived(capsys, str(path), "--numbers", "--prove").split())
    assert "z1[1] stands at a kink: the function that gives it has no derivative there" in text
    assert "Nothing is proved there" in text


@pytest.mark.parametrize("level", ["standard", "general", "worksheet"])
def test_equations_end_with_their_updates(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Once; with no training, and where one gradient is asked for, there is none."""
    assert main(["derive", "rnn-tiny", "--level", level]) == 0
    assert capsys.readouterr().out.count("The updates") == 1
    for given in (["conv-pool"], ["rnn-tiny", "--wrt", "dWx"]):
        assert main(["derive", *given]) == 0
        assert "The updates" not in capsys.readouterr().out
