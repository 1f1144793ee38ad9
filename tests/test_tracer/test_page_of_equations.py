"""The page of somebody's own equations as text: every number a step, every place one place, every link leads on."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from page_reader import HTML, SVG, read
from rendering.gates import CORE
from steps import NAMES, problem_text

import tracer.show.page
from derivations.notation import NotationError
from tracer import load, loads, trace, train
from tracer.cli import main
from tracer.show.page import page, run_page
from tracer.show.page.card_layout import CardDrawing, DrawnCard, card_drawing
from tracer.show.page.cards import MOST_CELLS, Deck
from tracer.show.page.computed_steps import MOST_OF_ONE, MOST_STEPS, kept_samples, written_lines
from tracer.show.page.places import Places
from tracer.show.page.training import MOST_COLUMNS
from tracer.template_equations import new_equations

FOLDER = Path(tracer.show.page.__file__).parent


def template(*words: str) -> str:
    """What `bptrace new` writes."""
    return new_equations(*words)


@cache
def example(name: str) -> str:
    """The page of an example."""
    return page(trace(loads(problem_text(name)), digits=4))


# --- what every page keeps, each with its planted twin ---


def places_twice(html: str) -> list[str]:
    """Places of the page's address that two elements have, or that an address would have to escape."""
    found = Counter(re.findall(r' id="([^"]*)"', without_script(html)))
    return [place for place, count in found.items() if count > 1 or not re.fullmatch(r"[A-Za-z0-9_.-]+", place)]


def leads_nowhere(html: str) -> list[str]:
    """What a step reads that is neither a step nor stated; lines of the drawing without a card at an end."""
    steps = read(html).steps
    known = {step["id"] for step in steps} | set(re.findall(r'<math data-q="([^"]*)"', html))
    out = [q for step in steps for q in step["data-r"].split() if q not in known]
    cards = set(re.findall(r'data-k="(\d+)"', html))
    return out + [end for ends in re.findall(r'data-r="(\d+ \d+)"', html) for end in ends.split() if end not in cards]


def not_in_the_drawing(html: str) -> list[str]:
    """Steps that no cell shows, where the page says of no array that it is shown in part."""
    cells = set(re.findall(r'data-c="([^"]*)"', re.search(r"<svg.*?</svg>", html, re.S)[0]))  # type: ignore[index]
    if "The drawing shows a part of" in html:
        return []
    places = (step.get("data-c") or re.sub(r"-[su]\d+", "", step["id"]) for step in read(html).steps)
    return [place for place in places if place not in cells]


def from_elsewhere(html: str) -> list[str]:
    """Addresses, unknown elements, what does not close, a style or a script that the policy does not know."""
    reader = read(html)
    bare = html.replace("http://www.w3.org/1998/Math/MathML", "")
    out = [*reader.faults, *reader.open, *(reader.elements - HTML - SVG - CORE - {"rect"})]
    out += re.findall(r"https?:|//\w|src=|url\(|@import|unsafe", bare)
    for tag in ("style", "script"):
        for text in re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S):
            known = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            out += [] if f"'sha256-{known}'" in html else [tag]
    return out


def too_much(html: str) -> list[str]:
    """More than 30 KB and 2.3 KB for each step; a script above 12 KB; more steps than a page or equation has."""
    steps = [len(re.findall("<li ", section)) for section in re.findall(r"<section.*?</section>", html, re.S)]
    out = [f"{count} steps" for count in steps if count > MOST_OF_ONE]
    out += [f"{sum(steps)} steps"] if sum(steps) > MOST_STEPS else []
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert script
    out += [f"{len(script[1])} of script"] if len(script[1].encode()) > 12_000 else []
    out += ["eval"] if re.search(r"\beval\b|Function\(|innerHTML|document\.write", script[1]) else []
    size = len(html.encode())
    return out + ([f"{size} bytes"] if size > 30_000 + 2_300 * sum(steps) else [])


def without_script(html: str) -> str:
    return re.sub(r"<script>.*?</script>", "", html, flags=re.S)


CHECKS: dict[Callable[[str], list[str]], Callable[[str], str]] = {
    places_twice: lambda html: html.replace('id="E"', 'id="fig"'),
    leads_nowhere: lambda html: html.replace('<li id="a1-1"', '<li id="b1-1"'),
    not_in_the_drawing: lambda html: html.replace('<g class="c" data-c="E"', '<g class="c" data-c="F"'),
    from_elsewhere: lambda html: html.replace("all('#steps li')", "all('#steps  li')"),
    too_much: lambda html: html.replace("</script>", "/" * 12_000 + "</script>"),
}
"""Each check with what it must see."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_example_has_a_page_that_keeps_the_rules(name: str, check: Callable[[str], list[str]]) -> None:
    """Places are unique, links lead on, the drawing shows each number, nothing comes from elsewhere, it is small."""
    assert check(example(name)) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
def test_each_check_sees_a_planted_fault(check: Callable[[str], list[str]]) -> None:
    """The planted twins."""
    html = example("dense")
    assert CHECKS[check](html) != html
    assert check(CHECKS[check](html))


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_the_trace_s_own_string(name: str) -> None:
    """Each number of the trace is a step with its finished text, and the drawing shows the same."""
    traced = trace(loads(problem_text(name)), digits=4)
    places, html = Places(traced), example(name)
    steps = {step["id"]: step["data-v"] for step in read(html).steps}
    assert steps == {places.anchor(q): traced.shown[q] for step in traced.steps for q, _ in step.items()}
    drawn = dict(re.findall(r'data-q="([^"]*)"[^>]*>(?:\u2202 |\u2192 )?([^<]*)</text>', html))
    assert len(drawn) > 2
    assert {q: text for q, text in drawn.items() if steps.get(q, text) != text} == {}


# --- the drawing ---


def drawn(text: str) -> CardDrawing:
    """The cards of a problem."""
    traced = trace(loads(text), digits=4)
    return card_drawing(Deck(traced, written_lines(traced), kept_samples(traced)))


def over_each_other(cards: tuple[DrawnCard, ...]) -> Iterator[tuple[str, str]]:
    """Pairs of cards that lie over each other."""
    for k, a in enumerate(cards):
        for b in cards[k + 1 :]:
            if a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height:
                yield a.name, b.name


@pytest.mark.parametrize("name", NAMES)
def test_cards_stand_apart_and_right_of_what_they_read(name: str) -> None:
    """No card over another, each cell inside its card, every line from left to right; the twin: one card moved."""
    picture = drawn(problem_text(name))
    assert list(over_each_other(picture.cards)) == []
    first, second, *others = picture.cards
    moved = DrawnCard(0, first.name, first.role, second.x, second.y, first.width, first.height, (), ())
    assert list(over_each_other((moved, second, *others)))
    for link in picture.links:
        source, target = picture.cards[link.source], picture.cards[link.target]
        assert source.x + source.width < target.x, (source.name, target.name)
    for card in picture.cards:
        for cell in card.cells:
            assert card.x < cell.x < cell.x + cell.width < card.x + card.width
            assert card.y < cell.y < cell.y + cell.height < card.y + card.height
        assert card.x + card.width < picture.width
        assert card.y + card.height < picture.height


def test_time_is_unrolled() -> None:
    """A card for each time, later ones further right; parameters once, just left of their first reader."""
    cards = {card.name: card for card in drawn(template("rnn", "2-3-1")).cards}
    times = [cards[f"h[{t},\u00b7]"].x for t in range(4)]
    assert times == sorted(times)
    assert len(set(times)) == 4
    assert [name for name in cards if name.startswith("x")] == [f"x[{t},\u00b7]" for t in (1, 2, 3)]
    assert [name for name in cards if name.startswith("W")] == ["Wx", "Wh", "Wy"]
    assert cards["Wy"].x < cards["y[1,\u00b7]"].x
    assert cards["Wy"].x > cards["a[1,\u00b7]"].x


def test_what_comes_before_the_first_time_has_no_signal() -> None:
    """h[0] shows its value alone; h[1] its derivative too."""
    cards = {card.name: card for card in drawn(template("rnn", "2-3-1")).cards}
    assert [[text.q for text in cell.texts] for cell in cards["h[0,\u00b7]"].cells[:1]] == [["h-0-1"]]
    assert [[text.q for text in cell.texts] for cell in cards["h[1,\u00b7]"].cells[:1]] == [["h-1-1", "dh-1-1"]]


def test_a_number_of_a_convolution_reads_its_window() -> None:
    """a[2,3] reads the nine entries of K and those of the image from x[2,3] to x[4,5], b, and nothing else."""
    steps = {step["id"]: step for step in read(page(trace(loads(template("conv", "4x6"))))).steps}
    window = {f"K-{u}-{v}" for u in (1, 2, 3) for v in (1, 2, 3)}
    window |= {f"x-{p}-{q}" for p in (2, 3, 4) for q in (3, 4, 5)}
    assert set(steps["a-2-3"]["data-r"].split()) == window | {"b"}
    assert set(steps["dK-1-1"]["data-r"].split()) == {
        f"{name}-{p}-{q}" for name in ("da", "x") for p in (1, 2) for q in (1, 2, 3, 4)
    }


def test_axes_past_the_second_are_grids_of_their_own() -> None:
    """W1[o,c,u,v] of two filters: two grids with their names."""
    cards = {card.name: card for card in drawn(problem_text("cnn")).cards}
    assert [name for _, _, name in cards["W1"].subtitles] == ["W1[1,1,\u00b7,\u00b7]", "W1[2,1,\u00b7,\u00b7]"]
    assert len(cards["W1"].cells) == 18


# --- steps ---


def test_the_general_line_stands_above_its_entries() -> None:
    """Once for each equation; of a recurrence once for each value, which the heading says."""
    html = page(trace(loads(template("rnn", "2-3-1"))))
    sections = re.findall(r"<section.*?</section>", html, re.S)
    assert all(section.count('<div class="m general">') == 1 for section in sections)
    headings = [re.sub(r"<[^>]*>", "", h) for h in re.findall(r"<h2>(.*?)</h2>", html)]
    assert [h for h in headings if h.startswith("Forward h")] == [
        "Forward h[0,k]",
        *(f"Forward h[t,j], t = {t}" for t in (1, 2, 3)),
    ]
    sums = [section for section in sections if "<h2><small>Forward</small> E<" in section]
    assert "\u2211" in sums[0].partition("<ol>")[0]


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        ("h[0,k]", "Where h starts: nothing is read."),
        ("a[t,j], t = 1", "Worked out from Wx, x, Wh, h, b."),
        ("E", "The objective: the one number that is differentiated, worked out from y, target."),
        ("dy[t,m]", "Chain rule: how E changes when y does. The sum over everything that reads y."),
        ("slope_h[t,j]", "Slope: the derivative of the function that gives h, where it stands."),
        ("dWx[j,i]", "Gradient: how E changes when Wx does. The sum over everything that reads Wx."),
        ("Wx_new[j,i]", "A step against the gradient: Wx less the learning rate times its gradient."),
    ],
)
def test_the_role_of_an_array_says_what_its_numbers_are(heading: str, why: str) -> None:
    """A sentence for each role."""
    html = page(trace(loads(template("rnn", "2-3-1"))))
    said = dict(re.findall(r"<h2><small>\w+</small> ([^<]*)</h2><p>([^<]*)</p>", html))
    assert unescape(said[heading]) == why


def test_another_optimizer_s_state_has_its_sentence() -> None:
    """Adam's moments live with the parameter in the drawing."""
    text = template("conv", "4x6").replace('# optimizer = "sgd"', 'optimizer = "adam"')
    html = page(trace(loads(text)))
    assert "What the optimizer remembers of the gradients so far." in html
    assert 'id="mK-1-1"' in html
    assert not_in_the_drawing(html) == []


BATCH = """equations = '''
a[k,n] = Σ_i W[k,i]*x[i,n]
E = mean_n(Σ_k (a[k,n] - t[k,n])^2)
'''
parameters = {W = [[0.1, 0.2], [0.3, -0.1]]}
given = {x = [[1, 0, 2], [0, 1, 1]], t = [[1, 0, 1], [0, 1, 0]]}
[training]
learning_rate = 0.1
sample = "n"
"""


@pytest.mark.parametrize(
    ("way", "suffixes", "shared"),
    [
        ("", ["-s1", "-s2", "-s3"], {"E", "dW-1-1"}),
        ('samples = "apart"', ["-s1", "-s2", "-s3"], set()),
        ('samples = "in_turn"', ["", "-u2", "-u3"], set()),
    ],
)
def test_samples_are_chosen_from(way: str, suffixes: list[str], shared: set[str]) -> None:
    """Together, apart and in turn: each has its numbers; what all of them share belongs to none."""
    html = page(trace(loads(BATCH + way)))
    assert re.findall(r'<option value="\d" data-x="([^"]*)"', html) == suffixes
    assert "x-1=2 x-2=1" in re.findall(r'data-g="([^"]*)"', html)[2]
    steps = {step["id"]: step.get("data-s", "") for step in read(html).steps}
    assert [steps[f"a-1{suffix}"] for suffix in suffixes] == ["1", "2", "3"]
    assert {place for place, part in steps.items() if not part} >= shared
    assert places_twice(html) == []
    assert leads_nowhere(html) == []


# --- limits ---

LARGE = """equations = '''
a[j] = Σ_i W[j,i]*x[i]
z[j] = tanh(a[j])
E = Σ_j z[j]^2
'''
parameters = {W = {random = "normal", shape = [40, 20], seed = 1}}
given = {x = {random = "normal", shape = [20], seed = 3}}
training = {learning_rate = 0.1}
"""


def test_what_is_left_out_is_said() -> None:
    """Large arrays, long recurrences, more numbers than a page writes out."""
    html = page(trace(loads(LARGE)))
    assert "The drawing shows a part of W (64 of 800), x (8 of 20), a (8 of 40), z (8 of 40)." in html
    assert "The step has 1801 numbers; the page writes out 493 of them, the first of each equation." in html
    assert too_much(html) == []
    long = "equations = '''\nh[0] = 1\nh[t] = w*h[t-1] + x[t]\nE = h[|t|]^2\n'''\nparameters = {w = 0.5}\n"
    html = page(trace(loads(f"{long}given = {{x = {[0.1] * 30}}}")))
    assert "The drawing shows a part of x (8 of 30), h (8 of 31)." in html
    assert leads_nowhere(html) == []


def test_a_derivative_that_is_no_step_is_not_drawn() -> None:
    """The drawing never shows before its time what the page does not work out."""
    html = page(trace(loads(LARGE)))
    steps = {step["id"] for step in read(html).steps}
    shown = re.findall(r'data-q="(dW[^"]*|W_new[^"]*)"', html)
    assert shown
    assert set(shown) <= steps


def test_many_equations_share_the_page() -> None:
    """No more than 1,500 steps, the first of each equation."""
    lines = "".join(f"c{k}[i] = tanh(c{k - 1}[i])\n" for k in range(1, 9))
    text = f"equations = '''\nc0[i] = p[i]*x[i]\n{lines}E = Σ_i c8[i]\n'''\n"
    text += f"parameters = {{p = {[0.5] * 120}}}\ngiven = {{x = {[0.1] * 120}}}\n"
    html = page(trace(loads(text)))
    assert 1400 < len(read(html).steps) <= MOST_STEPS
    assert too_much(html) == []


def test_many_cards_are_smaller() -> None:
    """A chain of 200 arrays of 60, listed from its end: a drawing of 1,200 cells at most, each right of the last."""
    chain = [f"c{k}[i] = tanh(c{k - 1}[i])\n" for k in range(200, 0, -1)]
    text = f"equations = '''\n{''.join(chain)}c0[i] = p[i]*x[i]\nE = Σ_i c200[i]\n'''\n"
    text += f"parameters = {{p = {[0.9] * 60}}}\ngiven = {{x = {[1.1] * 60}}}\n"
    traced = trace(loads(text), digits=4)
    picture = card_drawing(Deck(traced, written_lines(traced), kept_samples(traced)))
    assert 800 < sum(len(card.cells) for card in picture.cards) <= MOST_CELLS
    left = {card.name: card.x for card in picture.cards}
    assert all(left[f"c{k}"] < left[f"c{k + 1}"] for k in range(200))
    note = re.findall(r'<p class="note">(The drawing[^<]*)', page(traced))[0]
    assert note.count("(5 of 60)") == 8


# --- strangers ---


def test_hostile_titles_and_names_are_text() -> None:
    """Markup in a title or a name is escaped; the template's own signs stand as they are."""
    text = BATCH.replace("equations", 'title = "</title><script>alert(1)</script>{{ 7*7 }}"\nequations', 1)
    html = page(trace(loads(text + '[names]\n"<img src=x>" = "W[1,1]"\n')))
    assert html.count("<script>") == 1
    assert "&lt;script&gt;" in html
    assert "{{ 7*7 }}" in html
    assert "<img" not in html


NAMED = """equations = '''
ŷ_vor[j] = Σ_i W'[j,i]*x_in[i] + β[j]
steps = Σ_j (ŷ_vor[j] - fig[j])^2
E = steps + σ2*λ^2
'''
[parameters]
"W'" = [[0.1, 0.2], [0.3, -0.1]]
"β" = [0, 0.1]
"λ" = 0.5
[given]
x_in = [1, 2]
fig = [1, 0]
"σ2" = 0.3
[names]
"delta[j]" = "dŷ_vor[j]"
w5 = "W'[2,1]"
"""


def test_any_name_has_a_safe_place() -> None:
    """Letters of other alphabets, primes, underscores, the page's own places; names of theirs are printed."""
    html = page(trace(loads(NAMED)))
    assert [check(html) for check in CHECKS] == [[]] * len(CHECKS)
    assert "delta[1]" in html
    assert "<mi>\u03b4</mi>" in html
    assert "steps." in {step["id"] for step in read(html).steps}


def test_the_page_s_own_places_are_nobody_s() -> None:
    """Every place that a template has is known where places are given out."""
    own = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("page.html", "cards.html"))
    places = Places(trace(loads(NAMED)))
    for place in set(re.findall(r' id="(\w+)"', own)):
        q = next(q for q in trace(loads(NAMED)).shown if q.kind == "E")
        assert places.base(q._replace(kind=place)) == f"{place}."


def test_no_two_names_have_one_place() -> None:
    """What is escaped cannot be typed."""
    places = Places(trace(loads(NAMED)))
    q = next(q for q in trace(loads(NAMED)).shown if q.kind == "E")
    names = ["a", "a'", "a''", "a_", "a_27", "a27", "\u03b1", "\u03b1'", "'", "3b1"]
    assert len({places.base(q._replace(kind=name)) for name in names}) == len(names)


def test_in_japanese() -> None:
    """Every sentence of the page."""
    html = page(trace(loads(template("rnn", "2-3-1"))), lang="ja")
    assert '<html lang="ja">' in html
    assert "連鎖律: yが変わるとEがどう変わるか。" in html
    assert "Worked out" not in html
    assert "equations" not in without_script(html)


def test_an_untitled_step_is_called_by_its_objective() -> None:
    """The tab of a browser tells one from another."""
    assert "<title>E = mean_n(Σ_k (a[k,n] - t[k,n])²)</title>" in page(trace(loads(BATCH)))


def test_what_cannot_be_shown_is_refused() -> None:
    """Balls, a notation of layers, an unknown language: in a sentence."""
    problem = loads(BATCH)
    with pytest.raises(ValueError, match="balls"):
        page(trace(problem, arithmetic="ball"))
    with pytest.raises(NotationError, match="leave out --notation"):
        page(trace(problem), notation="ng")
    with pytest.raises(ValueError, match="language 'de' is not known"):
        page(trace(problem), lang="de")


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    """`bptrace page` of an equation file."""
    file, out = tmp_path / "circuit.toml", tmp_path / "page.html"
    file.write_text(template("circuit", "f = (x+y)*z"), encoding="utf-8")
    assert main(["page", str(file), "-o", str(out)]) == 0
    assert "<title>f = (x+y)*z</title>" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["rnn-tiny", "line-fit", "conv-1d", "momentum-parabola", "softmax-regression"])
def test_a_training_run_has_a_page(name: str) -> None:
    """The loss, every parameter before its update and its gradient, as the traces of the recorded steps have them."""
    run = train(load(name), 9, every=1, record=3)
    html = run_page(run)
    reader = read(html)
    assert reader.faults == []
    assert reader.elements <= HTML | SVG | CORE | {"table", "thead", "tbody", "tr", "th", "td", "polyline"}
    heads = [unescape(head) for head in re.findall(r'<span class="heard">(.*?)</span>', html)]
    parameters = sum(given.floats.size for given in run.problem.parameters.values())  # type: ignore[union-attr]
    assert len(heads) == min(1 + 2 * parameters, MOST_COLUMNS)
    tables = [re.findall(r"<tr(?: id=[^>]*)?>.*?</tr>", body) for body in re.findall(r"<tbody>.*?</tbody>", html, re.S)]
    for traced, parts in zip(run.recorded, zip(*tables, strict=True), strict=True):
        step = traced.steps[0].step
        cells = dict(zip(heads, re.findall(r"<td>(.*?)</td>", "".join(parts)), strict=True))
        assert cells == {head: traced.shown[traced.read(head)._replace(step=step)] for head in heads}
    assert len({row for table in tables for row in table}) > 1


def test_the_page_of_a_run_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In both languages; a notation of layers is refused before the training, not after it."""
    out = tmp_path / "run.html"
    assert main(["train", "rnn-tiny", "--steps", "30", "--format", "page", "--lang", "ja", "-o", str(out)]) == 0
    html = out.read_text(encoding="utf-8")
    assert "各更新前の損失" in html
    assert 'id="left"' not in html
    assert main(["train", "rnn-tiny", "--steps", "90000000", "--format", "page", "--notation", "ng"]) == 2
    assert "has letters for layers" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["rnn-tiny", "momentum-parabola", "adam-first-step"])
def test_a_later_step_of_a_run_is_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what the step before it left, parameters and the optimizer's state."""
    assert main(["train", name, "--steps", "5", "--trace-step", "3"]) == 0
    assert "#3" in capsys.readouterr().out
