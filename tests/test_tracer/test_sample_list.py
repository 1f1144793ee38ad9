"""The list of samples by kind, what `new` copies of it, and a folder more: all that it takes to add a sample."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from gallery.lists import EVERY

import tracer.samples
from tracer import loads, trace
from tracer.cli import main
from tracer.samples import LONGEST, gallery
from tracer.template_equations import KINDS

Capture = pytest.CaptureFixture[str]


def printed(capsys: Capture, *arguments: str) -> str:
    """What a command prints; it ends well and says nothing else."""
    assert main(list(arguments)) == 0
    out, said = capsys.readouterr()
    assert not said
    return out


def test_the_list_is_grouped_by_kind_and_fits_a_terminal(capsys: Capture) -> None:
    """Every sample once, below its kind, easy ones first; at most 80 columns."""
    text = printed(capsys, "samples")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(EVERY)
    kinds = [line for line in lines[2:-2] if line and not line.startswith(" ")]
    assert kinds == list(gallery())
    assert kinds.index("circuit") < kinds.index("recurrent") < kinds.index("attention")
    for own in gallery().values():
        assert [s.level for s in own] == sorted(s.level for s in own)


def test_one_kind_has_its_titles(capsys: Capture) -> None:
    text = printed(capsys, "samples", "--kind", "recurrent")
    assert re.findall(r"^\S+", text, re.M) == ["rnn-tiny", "rnn-last", "rnn-words", "gru", "lstm"]
    assert "lstm  (level 3: beyond it)\n  A long short-term memory, two times\n" in text
    assert "conv-pool" not in text
    assert main(["samples", "--kind", "recurent"]) == 2
    assert capsys.readouterr().err == "bptrace: kind 'recurent' is not known; did you mean recurrent?\n"


def test_titles_and_what_is_shown_differ() -> None:
    assert len({s.title for s in EVERY.values()}) == len({s.shows for s in EVERY.values()}) == len(EVERY)


@pytest.mark.parametrize("kind", [*gallery(), *KINDS])
def test_new_writes_a_file_of_each_kind_that_runs(kind: str, capsys: Capture) -> None:
    """The first sample of a kind, or what `new` makes of its own; the copy names no command on the sample."""
    text = printed(capsys, "new", kind)
    assert trace(loads(text)).values
    if kind not in KINDS:
        first = gallery()[kind][0]
        assert text.startswith(f"# A copy of the sample {first.name}: ")
        assert trace(loads(text)).values == trace(first.name).values
        assert f"bptrace trace {first.name}" not in text


def test_new_copies_a_sample_by_its_name(capsys: Capture) -> None:
    assert "title = " + json.dumps(EVERY["lstm"].title) in printed(capsys, "new", "lstm")
    for words_of, says in {
        "new recurent": "did you mean recurrent?",
        "new lstn": "did you mean lstm?",
        "new qqqqq": "known are circuit, rnn, conv, attention",
        "new lstm 2-3-1": "these go with circuit, rnn, conv, attention",
        "new lstm --loss given": "--loss goes with sizes of layers",
    }.items():
        assert main(words_of.split()) == 2
        assert says in capsys.readouterr().err


# --- a folder more ---


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two of the samples, in place of the gallery's own."""
    own = tracer.samples.samples_root()
    for name in ("lstm", "hand-3-2-2"):
        shutil.copytree(own / name, tmp_path / name)
    monkeypatch.setattr(tracer.samples, "samples_root", lambda: tmp_path)
    return tmp_path


SPRING = 'title = "A spring"\nequations = "E = k*x^2/2"\n[parameters]\nx = 2\n[given]\nk = 3\n'


def add(root: Path, about: str, problem: str = SPRING, name: str = "spring") -> None:
    (root / name).mkdir(exist_ok=True)
    (root / name / "problem.toml").write_text(problem, encoding="utf-8")
    (root / name / "about.toml").write_text(about, encoding="utf-8")


def test_a_new_kind_is_a_new_folder(root: Path, capsys: Capture) -> None:
    """One folder more is in the list, in `new`, in what commands take and in what the suite goes through."""
    assert list(gallery()) == ["layers", "recurrent"]
    assert main(["samples", "--kind", "physics"]) == 2
    add(root, 'kind = "physics"\nlevel = 1\nshows = "force is stiffness times way"\n')
    capsys.readouterr()
    assert list(gallery()) == ["layers", "physics", "recurrent"]
    assert "physics\n  spring                    1  force is stiffness times way\n" in printed(capsys, "samples")
    assert printed(capsys, "samples", "--kind", "physics").startswith(
        "spring  (level 1: a first lecture)\n  A spring\n"
    )
    assert trace(loads(printed(capsys, "new", "physics")))["dx"] == 6
    assert trace("spring")["dx"] == 6
    assert "spring" in [s.name for own in gallery().values() for s in own if not s.has_layers]


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ("", "spring/about.toml: kind: must be one word"),
        ('kind = "two words"', "kind: must be one word in small letters"),
        ('kind = "physics"\nlevel = 4', "level: must be 1, 2 or 3"),
        ('kind = "physics"\nlevel = 1', "shows: must be a text of 1 to 49 characters"),
        (f'kind = "physics"\nlevel = 1\nshows = "{"a" * (LONGEST["shows"] + 1)}"', "shows: must be a text"),
        ('kind = "physics"\nlevel = 1\nshows = "a"\ncolour = 2', "colour: unknown field; known are kind, level, shows"),
    ],
)
def test_what_is_said_of_a_sample_is_checked(root: Path, about: str, says: str, capsys: Capture) -> None:
    add(root, about)
    assert main(["samples"]) == 2
    assert says in capsys.readouterr().err


def test_a_sample_of_which_nothing_is_said_is_told(root: Path) -> None:
    add(root, "")
    (root / "spring" / "about.toml").unlink()
    with pytest.raises(ValueError, match=r"spring/about\.toml: missing; write kind = "):
        gallery()
