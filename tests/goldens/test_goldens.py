"""What today's code prints is what was recorded; the drawn problems show every choice of a problem file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from goldens import record
from goldens.compare import comparable, differing, first_difference, old_texts
from goldens.draw import ELEMENTWISE, LOSSES, OPTIMIZERS, PROBLEMS, RANDOM, WAYS, problem, run
from goldens.record import Goldens, chosen, inputs, on_purpose, quick, rests_on

from derivations import layers
from derivations.function import FUNCTIONS
from tracer import loads

ROOT = Path(__file__).parents[2]
FIELDS = (
    *("title", "loss", "layout", "activation", "W", "b", "theta", "bias_column", "x", "t", "class", "dz"),
    *("learning_rate", "optimizer", "momentum", "momentum_form", "beta1", "beta2", "epsilon"),
    *("update_biases", "reduction", "samples", "ask", "points", "figures", "places", "notation", "accept"),
)


def unlike(which: list[tuple[str, str]]) -> list[str]:
    """The readings that differ and should not, as `case reading`."""
    return [" ".join(found) for found, _ in differing(which) if not on_purpose(found)]


@pytest.mark.parametrize("family", ["sample", "drawn", "run", "sheet", "program"])
def test_what_is_printed_is_what_was_recorded(family: str) -> None:
    """A spread of readings; `python -m tests.goldens.compare --all --old PATH` compares all and shows the lines."""
    own = [which for which in quick() if which[0].split("/")[0] == family]
    assert len(own) > 10
    assert unlike(own) == []


def test_this_machine_makes_the_recorded_bits() -> None:
    """Where it does not, the readings to the bit are not compared, and this test says so."""
    left_out = set(quick()) - set(comparable(quick(), Goldens.load()))
    if left_out:
        pytest.skip(f"{len(left_out)} readings rest on the last bits of another machine's functions")


def test_everything_is_recorded() -> None:
    """Every reading of every case has a digest, none is left over, and the files read are those of the recording."""
    goldens = Goldens.load()
    every = chosen()
    assert [which for which in every if not goldens.of(*which)] == []
    assert sum(len(own.split()) for own in goldens.digests.values()) == len(every)
    assert goldens.inputs == inputs()


def test_most_readings_are_anybodys() -> None:
    """What only one kind of machine can compare is the smaller part."""
    bound = [which for which in chosen() if rests_on(which)]
    assert len(bound) < len(chosen()) / 2


def test_the_drawn_problems_show_every_choice() -> None:
    """Of every field, function, bias form, optimizer and way; a hundredth of them at least, and all can be read."""
    drawn = [problem(i) for i in range(PROBLEMS)]
    wanted = {f"field {name}" for name in FIELDS} | {f"loss {name}" for name in LOSSES}
    wanted |= {f"activation {name}" for name in (*ELEMENTWISE, "softmax")} | {f"random {kind}" for kind in RANDOM}
    wanted |= {f"optimizer {name}" for name in OPTIMIZERS} | {f"way {way}" for way in WAYS}
    wanted |= {f"layers {depth}" for depth in range(1, 5)} | {f"layout {way}" for way in ("", "in_out", "out_in")}
    wanted |= {f"bias {form}" for form in ("none", "b", "shared b", "theta", "shared theta", "bias_column")}
    wanted |= {"last softmax cross_entropy", "last sigmoid binary_cross_entropy"}
    assert [option for option in sorted(wanted) if sum(option in d.options for d in drawn) < PROBLEMS / 100] == []
    assert sum(d.named for d in drawn) > PROBLEMS / 10
    for one in drawn:
        loads(one.text)


def test_a_drawn_problem_is_its_number_alone() -> None:
    """The same again, and another for another number or seed."""
    assert problem(7) == problem(7)
    assert problem(7).text != problem(15).text != problem(15, seed=1).text
    assert run(3) == run(3)


# --- planted twins ---

SIGMOID_XOR = [("sample/sigmoid-xor", reading) for reading in ("values.float64", "values.digits", "work.table")]


@pytest.fixture
def slope_of_sigmoid() -> Iterator[Callable[[str], None]]:
    """Puts another slope in the sigmoid's entry, and has steps made anew."""
    entry = FUNCTIONS["sigmoid"]
    (before,) = entry.slopes

    def put(other: str) -> None:
        object.__setattr__(entry, "slopes", (other,))
        layers._made.cache_clear()

    yield put
    put(before)


def test_factors_the_other_way_round_are_found(slope_of_sigmoid: Callable[[str], None]) -> None:
    """(1 - z)·z has the bits of z·(1 - z): the text alone differs, and is named."""
    assert unlike(SIGMOID_XOR) == []
    slope_of_sigmoid("(1 - z)*z")
    assert unlike(SIGMOID_XOR) == ["sample/sigmoid-xor work.table"]


def test_another_last_bit_is_found(slope_of_sigmoid: Callable[[str], None]) -> None:
    """z - z² is the same slope and not the same float64; four figures of it are."""
    slope_of_sigmoid("z - z^2")
    found = unlike(SIGMOID_XOR)
    assert "sample/sigmoid-xor work.table" in found
    assert "sample/sigmoid-xor values.digits" not in found
    if SIGMOID_XOR[0] in comparable(SIGMOID_XOR, Goldens.load()):
        assert "sample/sigmoid-xor values.float64" in found


def test_what_is_listed_differs_on_purpose(
    slope_of_sigmoid: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry passes over the readings that fit it, and no others."""
    slope_of_sigmoid("(1 - z)*z")
    assert on_purpose(SIGMOID_XOR[2]) == ""
    entry = {"case": "sample/*", "reading": "work.*", "why": "factors turned"}
    monkeypatch.setattr(record, "purposes", lambda: [entry])
    assert [on_purpose(which) for which in SIGMOID_XOR] == ["", "", "factors turned"]
    assert unlike(SIGMOID_XOR) == []


def test_the_first_difference_is_shown() -> None:
    """The line, the place, what was there and what is."""
    assert first_difference("a\nb 1\nc", "a\nb 2\nd") == "line 2, character 3\n    was: b 1\n    is:  b 2"
    assert "line 2" in (shown := first_difference("a", "a\nb"))
    assert "was: (the text ends)" in shown


def test_the_old_text_comes_from_the_old_checkout(tmp_path: Path) -> None:
    """The code of that folder runs; a folder without it is told, and never compared with itself."""
    which = ("program", "functions")
    text = old_texts(ROOT, [which])[which]
    assert "Hendrycks" in text
    with pytest.raises(ValueError, match=r"the recording failed there|holds no package tracer"):
        old_texts(tmp_path, [which])
