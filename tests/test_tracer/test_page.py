"""The step page as text: its numbers are the trace's, it loads nothing, it is small, and nobody's text is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from gallery.lists import LAYERED
from networks import random_problem
from page_reader import HTML, SVG, read
from rendering.gates import CORE

from tracer import load, trace, train
from tracer.answers.result import Cause, Mark, Marked
from tracer.cli import main
from tracer.problem import loads
from tracer.show.page import page, run_page
from tracer.show.page.steps import anchor
from tracer.show.page.training import ABREAST
from tracer.template import new_problem

HAND = page(trace("hand-3-2-2", digits=4))


@pytest.mark.parametrize("options", [{}, {"digits": 4}, {"places": 3}, {"digits": 5, "carry": "full"}])
@pytest.mark.parametrize("sample", LAYERED)
def test_every_number_is_the_trace_s_own_string(sample: str, options: dict[str, Any]) -> None:
    """Each quantity of the trace is a step, in the order of calculation, with the value of the trace's JSON."""
    traced = trace(sample, **options)
    rows = json.loads(traced.table().render("json"))["rows"]
    steps = read(page(traced)).steps
    assert sorted(step["data-v"] for step in steps) == sorted(row["value"] for row in rows)
    assert len({step["id"] for step in steps}) == len(rows)
    ids = {step["id"]: step["data-v"] for step in steps}
    for row in rows:
        assert ids[place(row["name"])] == row["value"]


def place(name: str) -> str:
    """The place of a name in the page's address, written a second time."""
    found = re.fullmatch(r"([A-Za-z]+)(\d*)(_new|_hat|)(?:\[([\d,]+)\])?(?:@(\d+))?(?:#(\d+))?", name)
    assert found
    stem, layer, suffix, index, sample, step = found.groups()
    parts = [stem + suffix, *([layer] if layer else []), *(index.split(",") if index else [])]
    return "-".join(parts) + (f"-s{sample}" if sample else "") + (f"-u{step}" if step else "")


@pytest.mark.parametrize("sample", LAYERED)
def test_the_value_stands_in_the_formula_and_in_the_drawing(sample: str) -> None:
    """The last number of each step's mathematics is its value; the drawing's numbers are those of its quantities."""
    traced = trace(sample, digits=4)
    html = page(traced)
    values = {place(n): t for n, t in zip(traced.values, map(str, traced.table().rows), strict=True)}
    assert values
    for step, markup in re.findall(r'<li id="[^"]*"[^>]*data-v="([^"]*)"[^>]*>(.*?)</li>', html, re.S):
        last = re.findall(r"<mtr>(.*?)</mtr>", markup)[-1].split("<mtd>")[-1]
        written = unescape(re.sub(r"<[^>]*>", "", last)).replace("\u2212", "-").replace("\u00b7", "*")
        head, _, power = step.partition("e")
        assert written.lstrip("=\u2248 ") == (f"{head}*10{int(power)}" if power else head)
    shown = {m[1]: m[3] for m in re.finditer(r'data-q="([^"]*)"(?: data-p="([^"]*)")?[^>]*>([^<]*)<', html)}
    steps = {step["id"]: step["data-v"] for step in read(html).steps}
    drawn = {q: text.split()[-1] for q, text in shown.items() if q in steps}
    assert drawn == {q: steps[q] for q in drawn}


@pytest.mark.parametrize("sample", LAYERED)
def test_it_is_one_file_of_known_elements(sample: str) -> None:
    """No address, no inline style or handler, MathML Core only, everything closed, hashes of the policy right."""
    html = page(trace(sample))
    reader = read(html)
    assert reader.faults == []
    assert reader.open == []
    assert reader.elements <= HTML | SVG | CORE
    outside = html.replace("http://www.w3.org/1998/Math/MathML", "")
    assert not re.search(r"https?:|//\w|src=|url\(|@import", outside)
    for tag in ("style", "script"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert text
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()}'" in html
    assert "default-src 'none'" in html
    assert "unsafe" not in html


def test_it_is_small() -> None:
    """3-2-2 at most 60 KB, at most 2 KB a step beyond; the script at most 8 KB, without eval."""
    assert len(HAND.encode()) <= 60_000
    for sample in LAYERED:
        traced = trace(sample)
        assert len(page(traced).encode()) <= 60_000 + 2_000 * max(0, len(traced) - 46)
    script = re.search(r"<script>(.*?)</script>", HAND, re.S)
    assert script
    assert len(script[1].encode()) <= 8_192
    assert not re.search(r"\beval\b|Function\(|innerHTML|document\.write", script[1])


def test_hostile_titles_and_names_are_text() -> None:
    """Markup, scripts and the template's own signs are escaped, bidi controls taken out."""
    text = new_problem("2-2-1", activation="sigmoid", output=None, loss=None, rate="0.1")
    evil = "</title><script>alert(1)</script>\\u202e{{ 7*7 }}{% raw %}"
    text = re.sub("^title = .*$", lambda _: f'title = "{evil}"', text, flags=re.M)
    html = page(trace(loads(text)))
    assert html.count("<script>") == 1
    assert "&lt;script&gt;" in html
    assert "\u202e" not in html
    assert "{{ 7*7 }}" in html


def test_somebody_s_names_are_text() -> None:
    """Names of the problem's own with markup are escaped; LaTeX that the page cannot write is refused in a sentence."""
    text = new_problem("2-2-1", activation="sigmoid", output=None, loss=None, rate="0.1") + "\n[names]\n"
    html = page(trace(loads(text + '"<img src=x>" = "W1[1,1]"\n')), notation="names")
    assert "<img" not in html
    assert "<mi>imgsrcx</mi>" in html
    named = loads(text + 'w5 = {quantity = "W1[1,1]", latex = "\\\\breve{w}"}\n')
    with pytest.raises(ValueError, match=r"the page cannot write .*: LaTeX command not known here: .*change it in"):
        page(trace(named), notation="names")


@pytest.mark.parametrize("notation", ["bishop", "nielsen", "ng", "mazur"])
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_notations_and_languages(notation: str, lang: str) -> None:
    """Every step has words; the letters are those of the notation."""
    html = page(trace("hand-3-2-2", digits=4), notation=notation, lang=lang)
    assert f'<html lang="{lang}">' in html
    assert ("Weighted sum" in html) == (lang == "en")
    assert ("重み付き和" in html) == (lang == "ja")
    assert ("<mi>net</mi>" in html) == (notation == "mazur")
    assert read(html).faults == []


@pytest.mark.parametrize("seed", range(6))
def test_any_network_has_a_page(seed: int) -> None:
    """Of every activation, loss, optimizer and way with samples: each number a step, all elements known."""
    problem = random_problem(seed)
    traced = trace(problem)
    reader = read(page(traced))
    assert len(reader.steps) == len(traced)
    assert reader.faults == []


def test_what_is_left_out_is_said() -> None:
    """Units beyond ten, samples beyond what a page holds."""
    text = new_problem("12-2-1", activation="tanh", output=None, loss=None, rate="0.1")
    assert "Layer 0 has 12 units; the drawing shows 10 of them." in page(trace(loads(text)))
    many = text + "".join("\n[[samples]]\nx = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]\nt = [1]\n" for _ in range(99))
    html = page(trace(loads(many)))
    assert "There are 100 samples; the page writes out the first" in html
    assert len(html) < 2_500_000


def test_a_trace_of_balls_and_an_unknown_language_are_refused() -> None:
    """In a sentence."""
    with pytest.raises(ValueError, match="balls"):
        page(trace("hand-3-2-2", arithmetic="ball"))
    with pytest.raises(ValueError, match="language 'de' is not known; known are en, ja"):
        page(trace("hand-3-2-2"), lang="de")


def test_the_command_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`bptrace page`, to a file and to standard output."""
    out = tmp_path / "step.html"
    assert main(["page", "hand-3-2-2", "--digits", "4", "-o", str(out)]) == 0
    assert out.read_text(encoding="utf-8").strip() == HAND.strip()
    assert main(["page", "hand-3-2-2", "--lang", "ja"]) == 0
    assert '<html lang="ja">' in capsys.readouterr().out
    assert main(["page", "softmax-xor", "--notation", "uy"]) == 2
    assert "use --notation bishop" in capsys.readouterr().err


MARKED = Marked(
    "ada <b>\u202e",
    (
        Mark("a1[1]", "0.6", "exact", "0.6"),
        Mark("z1[2]", "1.2", "slip", "0.7685", slips=("z.missing",), facts={"message": "<i>no activation</i>"}),
        Mark("a2[1]", "3.046", "follows", "2.183", "3.046"),
        Mark("delta2_2", "9", "wrong", "4.011"),
        Mark("<script>q9", "17", "unknown"),
    ),
    (Cause(("z.missing",), ("z1[2]",), ("a2[1]",)),),
    ("read as <b>nielsen</b> writes it",),
)


def test_a_marked_sheet_stands_beside_its_steps() -> None:
    """Each cell's verdict at its step, the cause with a link to it, what belongs nowhere above, nothing as markup."""
    html = page(trace("hand-3-2-2", digits=4), MARKED)
    reader = read(html)
    assert reader.faults == []
    tones = {step["id"]: step["data-m"] for step in reader.steps if "data-m" in step}
    assert tones == {"a-1-1": "right", "z-1-2": "wrong", "a-2-1": "right", "delta-2-2": "wrong"}
    at = {m[1]: m[2] for m in re.finditer(r'<li id="([^"]*)"(.*?)</li>', html, re.S)}
    assert "1.2" in at["z-1-2"]
    assert "expected: <span>0.7685" in at["z-1-2"]
    assert "cause 1" in at["a-2-1"]
    assert '<a class="to" href="#z-1-2">' in html
    assert "2 of 4 right, 1 cause" in html
    assert "&lt;script&gt;q9" in html
    assert html.count("<script>") == 1
    assert "<b>nielsen" not in html
    assert "\u202e" not in html
    assert "data-m" not in re.sub(r"<script>.*?</script>", "", HAND, flags=re.S)


@pytest.mark.parametrize("sample", LAYERED)
def test_a_training_run_has_a_page(sample: str) -> None:
    """Recorded steps with the numbers of the traces, the first and the last among them; nothing from elsewhere."""
    run = train(sample, 29, every=1, record=5)
    assert [traced.steps[0].step for traced in run.recorded] == [1, 8, 15, 22, 29]
    html = run_page(run)
    reader = read(html)
    assert reader.faults == []
    assert reader.elements <= HTML | SVG | CORE | {"table", "thead", "tbody", "tr", "th", "td", "polyline"}
    heads = re.findall(r'data-c="([^"]*)"', html)
    tables = [re.findall(r"<tr(?: id=[^>]*)?>.*?</tr>", body) for body in re.findall(r"<tbody>.*?</tbody>", html, re.S)]
    assert max(table[0].count("<td>") for table in tables) <= ABREAST
    for traced, parts in zip(run.recorded, zip(*tables, strict=True), strict=True):
        cells = dict(zip(heads, re.findall(r"<td>(.*?)</td>", "".join(parts)), strict=True))
        texts = {anchor(run.problem.network, q._replace(step=1)): text for q, text in traced.shown.items()}
        assert cells == {head: texts[head] for head in heads}


def test_the_page_of_a_run_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`bptrace train --format page`; a run that recorded nothing is refused."""
    out = tmp_path / "run.html"
    assert main(["train", "tanh-xor", "--steps", "300", "--format", "page", "-o", str(out)]) == 0
    html = out.read_text(encoding="utf-8")
    assert html.count("<tr id=") == 60
    assert len(html.encode()) < 150_000
    with pytest.raises(ValueError, match="train with record=60"):
        run_page(train("tanh-xor", 3))


def test_a_run_s_page_in_a_notation_and_a_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`train --format page` takes --notation and --lang; elsewhere they are refused, a wrong one at once."""
    out = tmp_path / "run.html"
    command = ["train", "hand-3-2-2", "--steps", "30", "--format", "page", "-o", str(out)]
    assert main([*command, "--notation", "ng", "--lang", "ja"]) == 0
    html = out.read_text(encoding="utf-8")
    assert '<html lang="ja">' in html
    assert "各更新前の損失" in html
    assert "学習率 0.1、勾配降下法" in html
    assert "<mi>d</mi><msubsup><mi>w</mi>" in html or "<mi>dw</mi>" in html
    assert main(["train", "hand-3-2-2", "--steps", "3", "--lang", "ja"]) == 2
    assert "--lang goes with --format page" in capsys.readouterr().err
    assert main(["train", "softmax-xor", "--steps", "90000000", "--format", "page", "--notation", "uy"]) == 2
    assert "use --notation bishop" in capsys.readouterr().err


def test_words_fit_what_they_name() -> None:
    """A threshold is no bias, a layer alone has no output units, an input has no activation; samples are said once."""
    html = page(trace("threshold-xor"))
    assert "New threshold" in html
    assert "threshold of hidden unit 1" in html
    assert "with the other sign" in html
    assert "bias" not in html.split("<body>")[1]
    html = page(trace("middle-layer"))
    assert "output unit" not in html
    assert "Derivative by the input" in html
    assert "leaves its biases as they are" in page(trace("shared-bias-2-2-2"))
    assert ", sample 1</h3>" not in page(trace("tanh-xor"))
    assert ", sample 1</h3>" in page(trace("softmax-xor"))


def test_a_notebook_that_is_not_trusted_shows_no_formula_in_pieces() -> None:
    """JupyterLab drops styles and the tags of MathML: what is left of it is hidden, text stands there instead."""
    from derivations import derive

    html = derive(load("hand-3-2-2"))._repr_mimebundle_()["text/html"]
    left = re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    seen = re.sub(r'<div[^>]*style="display:none">.*?</div>', "", left, flags=re.S)
    assert "<math" not in seen
    assert "z_1^(1) = 1/(1 + exp(-a_1^(1)))" in seen
    assert left.count("<pre>") == left.count("<math")
    assert ".formula { display: block !important; }" in html
    assert not re.search(r"<h[12]", html)


def test_tables_in_a_notebook_set_words_to_the_left() -> None:
    """Notebooks set every cell to the right; an inline style passes their sanitizer, and verdicts come first."""
    from tracer import verify

    html = trace("hand-3-2-2")._repr_mimebundle_()["text/html"]
    assert '<th scope="row" style="text-align:left">a1[1]</th><td style="text-align:left">W1[1,1]' in html
    html = verify("hand-3-2-2")._repr_mimebundle_()["text/html"]
    assert html.index("agree: 46 traced numbers") < html.index("<table>")
    assert '<td style="text-align:left">agrees</td>' in html
    assert "<td>2.1827059</td>" in html


def test_results_show_themselves_where_scripts_are_stripped() -> None:
    """Each result's HTML for a notebook is a fragment: no script, no address, no style for the page around it."""
    from derivations import derive
    from tracer import verify

    problem = load("hand-3-2-2")
    for result in (trace(problem), verify(problem), train(problem, 3), derive(problem)):
        bundle = result._repr_mimebundle_()
        html = bundle["text/html"]
        assert bundle["text/plain"]
        assert bundle["text/markdown"]
        assert not re.search(r"<script|<html|<body|https?:|(^|[},\s])(body|:root|\*)\s*\{", html, re.M)
