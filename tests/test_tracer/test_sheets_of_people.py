"""Answers as people write them are read as they were meant, or refused with what to do; never read as others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from derivations.names import text
from derivations.network import Problem
from derivations.spellings import Spellings
from tracer import check, load
from tracer.answers.beside import put_beside
from tracer.answers.blank import blank_sheet
from tracer.answers.reading.arrays_in_text import joined
from tracer.answers.reading.entries import Sheet
from tracer.answers.reading.sheets import Cell, SheetError
from tracer.answers.reading.sources import read_sheets
from tracer.answers.reading.written import read_written
from tracer.api import loads

HAND = load("hand-3-2-2")


def read(folder: Path, content: str, suffix: str = ".txt", decimal: str = "point") -> Sheet:
    """The one sheet that the content is."""
    path = folder / f"sheet{suffix}"
    path.write_text(content, encoding="utf-8")
    (sheet,) = read_sheets(HAND, [path], decimal=decimal)
    return sheet


def understood(sheet: Sheet) -> dict[str, str]:
    """What was read, by canonical names."""
    return {text(HAND.network, e.quantity): e.value.text for e in sheet.entries if e.quantity and e.value}


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("z1(2) = 0.7685", {"z1[2]": "0.7685"}),
        ("W2_new(1,1) = 0.8590", {"W2_new[1,1]": "0.8590"}),
        ("W2[1,1] neu = 0.8590", {"W2_new[1,1]": "0.8590"}),
        ("new W2[1,1] = 0.8590", {"W2_new[1,1]": "0.8590"}),
        ("W2[1,1]' = 0.8590", {"W2_new[1,1]": "0.8590"}),
        ("'W2[1,1]' = 1", {"W2[1,1]": "1"}),
        ("w_{11}^{(1)}(new) = 0.1", {"W1_new[1,1]": "0.1"}),
        ("ｚ１［１］＝０．６４５７", {"z1[1]": "0.6457"}),
        ("z1[2]：0.7685", {"z1[2]": "0.7685"}),
        ("z1[1] = 0.6457 (rounded)\nz1[2] = 0.7685  # unsure", {"z1[1]": "0.6457", "z1[2]": "0.7685"}),
        ("E = 10.43 <- the loss\na2[1] = 2.183.\na2[2] = 5.011 ?", {"E": "10.43", "a2[1]": "2.183", "a2[2]": "5.011"}),
        ("z1 = [0.6457 0.7685]", {"z1[1]": "0.6457", "z1[2]": "0.7685"}),
        ("z1 = tensor([0.6457, 0.7685], grad_fn=<S>)", {"z1[1]": "0.6457", "z1[2]": "0.7685"}),
        ("E = np.float64(10.43)", {"E": "10.43"}),
        (
            "dW2:\n[[1.410 1.677]\n [2.590 3.083]]\nE = 10.43",
            {"dW2[1,1]": "1.410", "dW2[1,2]": "1.677", "dW2[2,1]": "2.590", "dW2[2,2]": "3.083", "E": "10.43"},
        ),
    ],
)
def test_lines_are_read_as_they_were_meant(content: str, meant: dict[str, str], tmp_path: Path) -> None:
    """Round brackets, updated weights, full-width forms, trailing remarks, printed arrays."""
    assert understood(read(tmp_path, content)) == meant


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("a2[1]= 2.183, a2[2] = 5.011", {"a2[1]": "2.183", "a2[2]": "5.011"}),
        ("a2[1] = 2.183; a2[2] = 5.011", {"a2[1]": "2.183", "a2[2]": "5.011"}),
        ("a2[1] = 2.183   a2[2] = 5.011", {"a2[1]": "2.183", "a2[2]": "5.011"}),
        ("a2[1] ≈ 2.183 and a2[2] ≈ 5.011", {"a2[1]": "2.183", "a2[2]": "5.011"}),
        ("a2[1] = 1·0.6457 + 2·0.7685 = 2.183, a2[2] = 5.011", {"a2[1]": "2.183", "a2[2]": "5.011"}),
        ("a2[1] = 2.183, other = 5.011", {"a2[1]": "2.183"}),  # never a2[1] = 5.011
        ("E = E[1] + E[2] = 2.383 + 8.044 = 10.43", {"E": "10.43"}),  # a chain is one statement
        ("W2_new[1,1] = 1 - 0.1·1.410 = 0.8590", {"W2_new[1,1]": "0.8590"}),
        ("z1[1] = 1/(1 + exp(-0.6)) = 0.6457", {"z1[1]": "0.6457"}),
        ("slope1[2] -> 0.1779", {"slope1[2]": "0.1779"}),
        ("slope1[2] → 0.1779", {"slope1[2]": "0.1779"}),
        ("slope1[2] := 0.1779", {"slope1[2]": "0.1779"}),
        ("slope1[2] ≒ 0.1779", {"slope1[2]": "0.1779"}),
        ("slope1[2] ~ 0.1779", {"slope1[2]": "0.1779"}),
        ("slope1[2] is 0.1779", {"slope1[2]": "0.1779"}),
        ("slope1[2]   0.1779", {"slope1[2]": "0.1779"}),
        ("z1[1]\t0.6457\nslope1[2]   0.1779", {"z1[1]": "0.6457", "slope1[2]": "0.1779"}),
    ],
)
def test_each_number_goes_to_the_name_that_it_stands_beside(line: str, meant: dict[str, str], tmp_path: Path) -> None:
    """Several statements in a line, chains, every sign that people put between a name and its number."""
    assert understood(read(tmp_path, line)) == meant


@pytest.mark.parametrize(
    ("written", "number", "figures"),
    [
        ("≈ 0.6457 (rounded)", "0.6457", 4),
        ("approx. 5.011", "5.011", 4),
        ("ca. 2.183", "2.183", 4),
        ("約0.6457", "0.6457", 4),
        ("2.183 approx.", "2.183", 4),
        ("20.4 units", "20.4", 3),
        ("5.011!", "5.011", 4),
        ("4.011 ✓", "4.011", 4),
        ("7.26 (2 d.p.)", "7.26", 3),
        ("2.741 (4 sig. figs)", "2.741", 4),
        ("10.89 (= 3.631·3)", "10.89", 4),
        ("10.89 [correct]", "10.89", 4),
        ("64.57%", "0.6457", 4),
        ("1,234.5", "1234.5", 5),
        ("9'762.0", "9762.0", 5),
        ("minus 0.5262", "-0.5262", 4),
        ("- 0.5262", "-0.5262", 4),
        ("(-0.1631)", "-0.1631", 4),
        ("4.1×10^-3", "0.0041", 2),
        ("0.7685;", "0.7685", 4),
    ],
)
def test_a_number_is_read_without_what_stands_around_it(written: str, number: str, figures: int) -> None:
    """Its value, and how many figures were written."""
    read_as = read_written(written)
    assert (read_as.exact, read_as.figures) == (Fraction(number), figures)


def test_a_point_that_groups_is_none_where_the_comma_is_stated() -> None:
    """1.234,5 is 1234.5 with `--decimal comma`; without it, it is refused."""
    assert read_written("1.234,5", decimal="comma").exact == Fraction("1234.5")
    with pytest.raises(ValueError, match="not a number"):
        read_written("1.234,5")


@pytest.mark.parametrize("blank", ["", "-", "—", "?", "n/a", "N/A", "...", "未"])
def test_what_people_write_for_nothing_is_blank(blank: str, tmp_path: Path) -> None:
    """Asked for, not answered; a 0 is an answer."""
    sheet = read(tmp_path, f"quantity,value\nz1[1],{blank}\nz1[2],0\n", ".csv")
    assert [(e.value is None, e.fault) for e in sheet.entries] == [(True, ""), (False, "")]


@pytest.mark.parametrize(
    "content",
    [
        "Größe;Wert\nz1[1];0.6457\n",
        "量,値\nz1[1],0.6457\n",
        "grandeur,réponse\nz1[1],0.6457\n",
        "Backpropagation,,\nName: Anna,,\nquantity,value,remark\nz1[1],0.6457,ok\n",
    ],
)
def test_headers_of_other_languages_and_titles_are_no_cells(content: str, tmp_path: Path) -> None:
    """A first row of words names the columns; what stands above the header is a title."""
    sheet = read(tmp_path, content, ".csv")
    assert understood(sheet) == {"z1[1]": "0.6457"}
    assert len(sheet.entries) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("z1[1] = 0.6457 / 0.65", "is not a number"),
        ("z1[1] = 0.6457 (0.65)", "is not a number"),
        ("z1[1] = 2.183 or 2.18", "is not a number"),
        ("z1[1] = 0.8590 (old: 1)", "is not a number"),
        ("z1[1] = (0.6457)", "is not a number"),
        ("z1[1] = 3.6 million", "is not a number"),
        ("z1[1] = 4.1x10-3", "is not a number"),
        ("z1[1] = 1½", "is not a number"),
        ("z1[1] = 1 3/8", "is not a number"),
        ("dE/dw11 = 3.252", "'dE/dw11' is not a quantity"),
        ("δ_2 = 4.011", "is not a quantity"),
        ("a2[1] [V] = 2.183", "is not a quantity"),
        ("0.weight = 2", "write W1_new, b1_new, or dW1, db1 for gradients"),
    ],
)
def test_what_may_mean_two_things_is_refused(content: str, says: str, tmp_path: Path) -> None:
    """Two numbers, parentheses that may mean a minus, a factor in words, a lost exponent, a name without its layer."""
    (entry,) = read(tmp_path, content).entries
    assert (entry.value, entry.where) == (None, "line 1")
    assert says in entry.message


def test_decimal_commas_are_counted_and_the_option_is_named(tmp_path: Path) -> None:
    """Once for the sheet."""
    content = "z1[1];0,6457\nz1[2];0,7685\n"
    assert read(tmp_path, content, ".csv").remarks == ("2 numbers have a decimal comma; --decimal comma reads them",)
    assert understood(read(tmp_path, content, ".csv", "comma")) == {"z1[1]": "0.6457", "z1[2]": "0.7685"}


def test_an_open_bracket_swallows_no_answers() -> None:
    """Only rows of numbers belong to the line above."""
    assert list(joined(["dW1 = [[1, 2", "E = 5", "z1[1 = 3", "0.4"])) == [
        (1, "dW1 = [[1, 2"),
        (2, "E = 5"),
        (3, "z1[1 = 3"),
        (4, "0.4"),
    ]


@pytest.mark.parametrize("form", ["text", "json", "csv", "markdown"])
def test_points_and_figures_stand_on_every_blank_and_change_nothing(form: str, tmp_path: Path) -> None:
    """A blank sheet read back is blank, whatever it says of points."""
    path = tmp_path / "problem.toml"
    own = (Path(__file__).parents[2] / "samples" / "hand-3-2-2" / "problem.toml").read_text(encoding="utf-8")
    path.write_text(f'{own}\n[sheet]\nask = ["delta2", "E"]\npoints = {{delta2 = 2}}\nfigures = 4\n', encoding="utf-8")
    blank = str(blank_sheet(load(path), form))
    assert "points" in blank
    assert "figures" in blank
    sheet = read(tmp_path, blank, {"text": ".txt", "json": ".json", "csv": ".csv", "markdown": ".md"}[form])
    assert [(e.name, e.number, e.fault) for e in sheet.entries] == [
        (n, "", "") for n in ("delta2[1]", "delta2[2]", "E")
    ]


def test_whole_arrays_in_a_notation_are_that_notations(tmp_path: Path) -> None:
    """`Z1` is the pre-activation where the sheet says ng, the activation in our letters."""
    arrays = "Z1 = [0.6, 1.2]\nA1 = [0.6457, 0.7685]\ndZ2 = [2.183, 4.011]\ndW2 = [[1.410, 1.678], [2.590, 3.082]]"
    kinds = ["a1[1]", "a1[2]", "z1[1]", "z1[2]", "delta2[1]", "delta2[2]"]
    assert list(understood(read(tmp_path, f"# notation: ng\n{arrays}")))[:6] == kinds
    assert list(understood(read(tmp_path, arrays)))[:2] == ["z1[1]", "z1[2]"]
    assert check(HAND, [tmp_path / "sheet.txt"]).all_right  # and by itself it is read as what it fits


MAZUR = load("shared-bias-2-2-2")


@pytest.mark.parametrize(
    ("sheet", "read_as"),
    [
        ("w5 = 0.3589", "W2_new[1,1]"),  # the updated number
        ("w5+ = 0.3589", "W2_new[1,1]"),
        ("w5' = 0.3589", "W2_new[1,1]"),
        ("w5 new = 0.3589", "W2_new[1,1]"),
        ("w5 = 0.40\nw5 = 0.4411", "W2_new[1,1]"),  # the given one stands there too
        ("dE/dw5 = 0.0822\nw5 = 0.4411", "W2_new[1,1]"),  # below the gradients
        ("w5 = 0.4411\ndE/dw5 = 0.0822", "W2[1,1]"),  # above them: the given one misread
        ("dE/dw5 = 0.0822\nw5 = 0.40", "W2[1,1]"),
        ("dE/dw5 = 0.0822\nw5_new = 0.3589\nw5 = 0.44", "W2[1,1]"),  # the updated one has its own line
    ],
)
def test_a_weight_again_is_the_updated_one_where_that_is_clear(sheet: str, read_as: str, tmp_path: Path) -> None:
    """By its number or its place on the sheet; said in a remark where the name is the given one's."""
    path = tmp_path / "sheet.txt"
    path.write_text(sheet, encoding="utf-8")
    (found,) = read_sheets(MAZUR, [path])
    last = [e for e in found.entries if e.name.startswith("w5")][-1]
    assert last.quantity is not None
    assert not last.fault
    assert text(MAZUR.network, last.quantity) == read_as
    told = any("read as updated" in remark for remark in found.remarks)
    assert told == (last.name == "w5" and read_as == "W2_new[1,1]")


def test_a_given_number_that_is_neither_is_told_how_to_name_the_update(tmp_path: Path) -> None:
    """Weights and biases only: an input has no updated value."""
    assert "If the updated number is meant, name it w5_new." in " ".join(str(check(MAZUR, {"w5": "0.44"})).split())
    assert "updated" not in str(check(MAZUR, {"i1": "0.5"}))


def all_of(folder: Path, content: str, suffix: str = ".csv", problem: Problem = HAND) -> dict[str, dict[str, str]]:
    """What was read of every sheet in a file, by its label."""
    path = folder / f"sheet{suffix}"
    path.write_text(content, encoding="utf-8")
    return {
        sheet.id: {text(problem.network, e.quantity): e.value.text for e in sheet.entries if e.quantity and e.value}
        for sheet in read_sheets(problem, [path])
    }


def test_a_class_may_stand_in_columns(tmp_path: Path) -> None:
    """One sheet a person; a column of points or of figures is nobody's, nor are numbers beside a value column."""
    table = "quantity,anna,ben\nz1[1],0.6457,0.65\nz1[2],,0.77\n"
    assert all_of(tmp_path, table) == {"anna": {"z1[1]": "0.6457"}, "ben": {"z1[1]": "0.65", "z1[2]": "0.77"}}
    assert all_of(tmp_path, "quantity,value,points\nz1[1],0.6457,2\n") == {"sheet": {"z1[1]": "0.6457"}}
    assert all_of(tmp_path, "item,mine,points\nz1[1],0.6457,2\n") == {"sheet": {"z1[1]": "0.6457"}}
    markdown = "| 量 | 田中 | 鈴木 |\n|---|---|---|\n| z1[1] | 0.6457 | 0.65 |\n"
    assert all_of(tmp_path, markdown, ".md") == {"田中": {"z1[1]": "0.6457"}, "鈴木": {"z1[1]": "0.65"}}


def test_a_table_may_have_a_column_for_each_kind(tmp_path: Path) -> None:
    """Units by net and out, weights by gradient and new value: never one column read and the others lost."""
    table = (
        "| Unit | net | out |\n|---|---|---|\n| h1 | 0.3775 | 0.5933 |\n| o1 | 1.1059 | 0.7514 |\n\n"
        "| Weight | Old | Gradient | New value |\n|---|---|---|---|\n| w5 | 0.40 | 0.0822 | 0.3589 |\n"
    )
    assert all_of(tmp_path, table, ".md", MAZUR) == {
        "sheet": {
            "a1[1]": "0.3775",
            "z1[1]": "0.5933",
            "a2[1]": "1.1059",
            "z2[1]": "0.7514",
            "W2[1,1]": "0.40",
            "dW2[1,1]": "0.0822",
            "W2_new[1,1]": "0.3589",
        }
    }


def test_groups_in_json_are_no_people(tmp_path: Path) -> None:
    """`forward` and `backward` hold one sheet's numbers; names of people hold their own."""
    one = '{"forward": {"z1": [0.6457, 0.7685]}, "backward": {"delta2[1]": 2.183}}'
    assert all_of(tmp_path, one, ".json") == {"sheet": {"z1[1]": "0.6457", "z1[2]": "0.7685", "delta2[1]": "2.183"}}
    mixed = '{"E": 10.43, "forward": {"z1[1]": 0.6457}}'
    assert all_of(tmp_path, mixed, ".json") == {"sheet": {"E": "10.43", "z1[1]": "0.6457"}}
    people = f'{{"anna": {mixed}, "ben": {{"E": 10.4}}}}'
    assert all_of(tmp_path, people, ".json") == {"anna": {"E": "10.43", "z1[1]": "0.6457"}, "ben": {"E": "10.4"}}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("h1", "z1[1]"),
        ("neth2", "a1[2]"),
        ("hidden 1 output", "z1[1]"),
        ("net input of hidden unit 2", "a1[2]"),
        ("output 1", "z2[1]"),
        ("delta_out1", "delta2[1]"),
        ("error signal of h1", "delta1[1]"),
        ("total error", "E"),
        ("Loss", "E"),
        ("grad w5", "dW2[1,1]"),
        ("gradient of w6", "dW2[1,2]"),
        ("∇w8", "dW2[2,2]"),
        ("w5の勾配", "dW2[1,1]"),
        ("w5_neu", "W2_new[1,1]"),
        ("w5^{new}", "W2_new[1,1]"),
        ("w5 after update", "W2_new[1,1]"),
        ("new value of w5", "W2_new[1,1]"),
        ("更新後のw5", "W2_new[1,1]"),
        ("error", ""),  # the loss, a difference, a signal
        ("h3", ""),
        ("net 1", ""),
        ("Δw5", ""),
        ("gradient of h1", ""),
        ("hidden", ""),
    ],
)
def test_names_in_words_say_one_thing_or_are_not_read(name: str, meant: str) -> None:
    """In the problem's own names and in the notation that has them."""
    spellings = Spellings(MAZUR.network, 1, MAZUR.names)
    for profile in ("ours", "mazur"):
        found = spellings.find(name, profile)
        assert (text(MAZUR.network, found.quantity) if found else "") == meant


XOR = loads(
    """
[network]
loss = "half_squared_error"
layers = [{activation = "sigmoid", W = [[0.5, 0.9], [0.4, 1.0]], b = [-0.8, 0.1]},
  {activation = "sigmoid", W = [[-1.2, 1.1]], b = [-0.3]}]
[[samples]]
x = [1, 1]
t = [0]
[training]
learning_rate = 0.1
"""
)


def test_numbered_units_are_not_taken_for_layers(tmp_path: Path) -> None:
    """a1, a2, a3 of three units: a2 is not layer 2, though that has one unit; alone it is."""
    (tmp_path / "sheet.txt").write_text("a1 = 0.6457\na2 = 0.8176\na3 = 0.4562\n", encoding="utf-8")
    marks = check(XOR, [tmp_path / "sheet.txt"]).marks
    assert [mark.verdict for mark in marks] == ["unknown"] * 3
    assert "a2 may be layer 2 or unit 2; write a2[1] or such" in str(marks[1].facts)
    assert check(XOR, {"a2": "-0.1755", "a1[1]": "0.6"}).all_right


def test_bare_units_are_read_by_the_sheet(tmp_path: Path) -> None:
    """h1 is what comes out of it, unless the sheet's bare units are what goes in."""
    assert check(XOR, {"h1": "0.6457", "h2": "0.8176"}).all_right
    assert check(XOR, {"h1": "0.6", "h2": "1.5"}).all_right
    assert check(XOR, {"h1": "0.6457", "h2": "0.8167"}).marks[1].cell == "z1[2]"  # a slip stays one
    assert check(XOR, {"h1": "0.60", "h2": "1.4"}).marks[1].cell == "a1[2]"


def test_an_output_may_have_a_hat_and_a_single_one_no_number(tmp_path: Path) -> None:
    """ŷ, y_hat, o, output; with two outputs each needs its number; p is a probability of a softmax alone."""
    for name in ("ŷ", "y_hat", "ŷ_1", "output", "o", "o1", "y", r"\hat{y}_1"):
        assert check(XOR, {name: "0.4562"}).all_right, name
    for name in ("ŷ", "output", "p_1"):
        assert check(HAND, {name: "2.183"}).marks[0].verdict == "unknown", name
    soft = load("softmax-xor-each")
    assert Spellings(soft.network, soft.samples, soft.names).find("p_1@1") is not None


def test_headings_in_a_text_are_no_cells(tmp_path: Path) -> None:
    """`Forward pass:` asks for nothing; `z1[2]:` is left blank."""
    sheet = read(tmp_path, "Forward pass:\nz1[1] = 0.6457\nz1[2]:\n")
    assert [e.name for e in sheet.entries] == ["z1[1]", "z1[2]"]


def test_of_two_notations_that_fit_the_one_is_read_whose_letters_are_used(tmp_path: Path) -> None:
    """dz is ng's, delta is Nielsen's; where both fit, Nielsen's stands first."""
    (tmp_path / "sheet.txt").write_text("a^[1]_1 = 0.6457\na^[1]_2 = 0.8176\ndz^[2]_1 = 0.1132\n", encoding="utf-8")
    assert "notation `ng`" in check(XOR, [tmp_path / "sheet.txt"]).one.remarks[0]
    (tmp_path / "sheet.txt").write_text("a^2_1 = 0.4562\nz^1_2 = 1.5\nδ^2_1 = 0.1132\n", encoding="utf-8")
    assert "notation `nielsen`" in check(XOR, [tmp_path / "sheet.txt"]).one.remarks[0]


def test_names_that_are_not_understood_are_counted_in_the_headline() -> None:
    """`all right` is no whole answer where some names count for nothing."""
    assert "all 1 right, 2 names not understood" in str(check(HAND, {"z1[1]": "0.6457", "q": "1", "r": "2"}))
    assert "not understood" not in str(check(HAND, {"z1[1]": "0.6457"}))


def test_rows_of_a_spreadsheet(tmp_path: Path) -> None:
    """Signs in cells of their own, a statement in one cell, titles between, kinds below units, blanks in a class."""
    rows = "Step 1,forward\nz1[1] =,0.6457\nz1[2],=,0.7685\ndelta2[1] = 2.183,\nE,,10.43\nGröße,Ergebnis\n"
    assert all_of(tmp_path, rows) == {
        "sheet": {"z1[1]": "0.6457", "z1[2]": "0.7685", "delta2[1]": "2.183", "E": "10.43"}
    }
    turned = ",h1,h2\nnet,0.6,1.2\nout,0.6457,0.7685\n"
    assert all_of(tmp_path, turned) == {"sheet": {"a1[1]": "0.6", "z1[1]": "0.6457", "a1[2]": "1.2", "z1[2]": "0.7685"}}
    some = "id,anna,ben\nz1[1],0.6457,≈ 0.65\nz1[2],0.7685,n/a\nE,10.43,\n"
    assert all_of(tmp_path, some)["ben"] == {"z1[1]": "0.65"}
    people = ",z1[1],z1[2]\nnetta,0.6457,0.7685\n"
    assert all_of(tmp_path, people) == {"netta": {"z1[1]": "0.6457", "z1[2]": "0.7685"}}


def test_a_given_array_with_one_number_is_told(tmp_path: Path) -> None:
    """`x = 3` where x has three: never left out without a word."""
    (mark,) = check(HAND, {"x": "3"}).marks
    assert (mark.verdict, "x is not one number" in mark.facts["message"]) == ("unknown", True)


def test_a_prime_is_no_quotation_mark(tmp_path: Path) -> None:
    """z1[1]' is not z1[1]."""
    assert [mark.verdict for mark in check(HAND, {"z1[1]'": "0.2288", "'z1[2]'": "0.7685"}).marks] == [
        "unknown",
        "rounded",
    ]


def test_printed_numbers_beside_ours_may_be_in_other_letters(tmp_path: Path) -> None:
    """`trace --beside` reads the same names as `check`."""
    sheet = put_beside(HAND, [Cell("∂E/∂w_{11}^{(2)}", "1.409", 1), Cell("δ₁⁽²⁾", "2.183", 2)])
    assert [row.verdict for row in sheet.rows] == ["both", "both"]
    with pytest.raises(SheetError, match="line 1: 'q' is not a quantity"):
        put_beside(HAND, [Cell("q", "1", 1)])


def test_layers_in_square_brackets_are_ng_s_however_few_the_names(tmp_path: Path) -> None:
    """`z^[1]_1` is a pre-activation there; the planted twin: without the brackets the same letters are ours."""
    rows = "quantity,value\nz^[1]_1,0.6\na^[1]_1,0.6457\ndz^[1]_1,3.252\n"
    path = tmp_path / "a.csv"
    path.write_text(rows, encoding="utf-8")
    ng = check("hand-3-2-2", [path])
    assert ng.all_right
    assert [m.quantity for m in ng.one.marks] == ["a1[1]", "z1[1]", "delta1[1]"]
    path.write_text(rows.replace("^[1]_1", "1[1]"), encoding="utf-8")
    assert not check("hand-3-2-2", [path]).all_right
