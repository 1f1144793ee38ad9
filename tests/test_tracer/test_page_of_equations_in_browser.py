"""The page of somebody's own equations in a real browser: what is lit, read, walked and printed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rendering.browser import AXE, CONTRAST, OVERLAPS, browser, have_browser, opened
from steps import problem_text

from tracer import check, loads, trace
from tracer.show.page import page
from tracer.template_equations import new_equations

pytestmark = [
    pytest.mark.skipif(not have_browser(), reason="needs chromium and playwright"),
    pytest.mark.filterwarnings("ignore"),
]
PHONE = {"viewport": {"width": 360, "height": 740}}
TEXTS = {
    "circuit": new_equations("circuit", "f = (x+y)*z"),
    "rnn": new_equations("rnn", "2-3-1"),
    "conv": new_equations("conv", "4x6"),
    "attention": new_equations("attention", "3-2"),
    **{name: problem_text(name) for name in ("lstm", "cnn", "word2vec", "batchnorm")},
}
LIT = "[...document.querySelectorAll('svg .c.on')].map(g => g.dataset.c).sort()"
CURRENT = "document.querySelector('li.cur').id"


@cache
def html_of(name: str, lang: str = "en") -> str:
    """The page of one of the problems, four figures."""
    return page(trace(loads(TEXTS[name]), digits=4), lang=lang)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as chromium:
        yield chromium


@pytest.mark.parametrize("name", TEXTS)
def test_it_asks_for_nothing_and_fits_a_phone(chromium: Any, name: str, tmp_path: Path) -> None:
    """One request, no console message, no sideways scrolling of the page at any step that it walks through."""
    with opened(chromium, html_of(name), tmp_path, **PHONE) as shown:
        for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
            shown.keyboard.press(key)
            assert shown.evaluate("document.documentElement.scrollWidth") <= 360
        assert len(shown.requests) == 1
        assert shown.messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", TEXTS)
def test_every_text_of_the_drawing_can_be_read(chromium: Any, name: str, scheme: str, tmp_path: Path) -> None:
    """No label over another or out of its cell; contrast at least 4.5, lit or not, at the first and the last step."""
    with opened(chromium, html_of(name), tmp_path, color_scheme=scheme) as shown:
        for key in ("Home", "End"):
            shown.keyboard.press(key)
            assert shown.evaluate(OVERLAPS) == []
            assert shown.evaluate(OUT_OF_CELL) == []
            assert min(shown.evaluate(CONTRAST))[0] >= 4.5


OUT_OF_CELL = """[...document.querySelectorAll('.c text')].filter(t => {
  const a = t.getBBox(), b = t.parentNode.firstElementChild.getBBox();
  return a.x < b.x || a.x + a.width > b.x + b.width || a.y + a.height > b.y + b.height + 3;
}).map(t => t.textContent)"""
"""The numbers that do not fit into their cell (a line of digits is lower than its box)."""


@pytest.mark.parametrize("view", [(360, 740), (740, 360), (640, 400), (1280, 800)])
@pytest.mark.parametrize("name", ["circuit", "rnn", "conv", "attention"])
def test_numbers_are_large_enough_everywhere(chromium: Any, name: str, view: tuple[int, int], tmp_path: Path) -> None:
    """At least 10 pixels high; the drawing and the start of the formula share the screen, a low one side by side."""
    width, height = view
    with opened(chromium, html_of(name), tmp_path, viewport={"width": width, "height": height}) as shown:
        shown.keyboard.press("End")
        svg = "document.querySelector('#fig svg')"
        scale = shown.evaluate(f"{svg}.clientWidth / {svg}.viewBox.baseVal.width")
        assert 12 * scale >= 10
        tops = [
            shown.evaluate(f"document.querySelector('{s}').getBoundingClientRect().top") for s in ("#fig", "li.cur")
        ]
        assert all(-20 <= top < height for top in tops), tops


def test_the_checks_of_the_drawing_see_a_planted_fault(chromium: Any, tmp_path: Path) -> None:
    """The planted twins."""
    with opened(chromium, html_of("conv"), tmp_path) as shown:
        shown.evaluate("document.querySelector('.c text').textContent = '12345678901234567890'")
        assert shown.evaluate(OUT_OF_CELL)
        assert shown.evaluate(OVERLAPS)
        shown.evaluate("document.querySelector('.c text').style.fill = '#999'")
        assert min(shown.evaluate(CONTRAST))[0] < 4.5


def test_the_window_of_a_convolution_is_lit(chromium: Any, tmp_path: Path) -> None:
    """At a[2,3]: its own cell, nine of the image, nine of the kernel, the bias; at the next number the next window."""
    with opened(chromium, html_of("conv"), tmp_path, anchor="a-2-3") as shown:
        lit = shown.evaluate(LIT)
        assert [c for c in lit if c[0] == "x"] == [f"x-{p}-{q}" for p in (2, 3, 4) for q in (3, 4, 5)]
        assert [c for c in lit if c[0] == "K"] == [f"K-{u}-{v}" for u in (1, 2, 3) for v in (1, 2, 3)]
        assert [c for c in lit if c[0] not in "xK"] == ["a-2-3", "b"]
        assert shown.evaluate("[...document.querySelectorAll('.c.now')].map(g => g.dataset.c)") == ["a-2-3"]
        shown.keyboard.press("ArrowRight")
        assert [c for c in shown.evaluate(LIT) if c[0] == "x"] == [f"x-{p}-{q}" for p in (2, 3, 4) for q in (4, 5, 6)]


def test_a_gradient_lights_the_signal_and_what_it_meets(chromium: Any, tmp_path: Path) -> None:
    """dWh[1,2] of the recurrence: a[t,1] at every time, h[t-1,2] before it, and the lines between their cards."""
    with opened(chromium, html_of("rnn"), tmp_path, anchor="dWh-1-2") as shown:
        assert shown.evaluate(LIT) == ["Wh-1-2", "a-1-1", "a-2-1", "a-3-1", "h-0-2", "h-1-2", "h-2-2"]
        assert shown.evaluate("document.querySelectorAll('.r.on').length") == 3


RED = """[...document.querySelectorAll('svg .c')].filter(g => getComputedStyle(g.firstElementChild).stroke ==
  getComputedStyle(document.querySelector('.mark.wrong b')).color).map(g => g.dataset.c).sort()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wrong_cells_are_framed_in_red(chromium: Any, scheme: str, tmp_path: Path) -> None:
    """Where their value is drawn, lit or not; the cross walks from one to the next."""
    problem = loads(TEXTS["rnn"])
    one = check(problem, {"y[1,1]": "-0.5902", "dh[2,1]": "7", "dWh[1,2]": "9", "h[3,3]": "-0.3018"}).one
    html = page(trace(problem, digits=4, carry="full"), one)
    with opened(chromium, html, tmp_path, color_scheme=scheme) as shown:
        assert shown.evaluate(RED) == ["Wh-1-2", "h-2-1"]
        for place in ("dh-2-1", "dWh-1-2", "dh-2-1"):
            shown.click("#wrong")
            assert shown.evaluate(CURRENT) == place
            assert shown.evaluate(RED) == ["Wh-1-2", "h-2-1"]
    bare = html.replace(".bad rect{stroke:var(--neg)", ".bad rect{stroke:var(--line)")
    with opened(chromium, bare, tmp_path, bypass_csp=True) as shown:
        assert shown.evaluate(RED) == []


def test_a_click_on_a_cell_walks_through_its_numbers(chromium: Any, tmp_path: Path) -> None:
    """Value, slope, derivative one after the other; a given number leads to who reads it."""
    click = "c => document.querySelector(`.c[data-c='${c}']`).dispatchEvent(new MouseEvent('click'))"
    with opened(chromium, html_of("rnn"), tmp_path) as shown:
        seen = []
        for _ in range(4):
            shown.evaluate(click, "h-2-1")
            seen.append(shown.evaluate(CURRENT))
        assert seen == ["h-2-1", "slope_h-2-1", "dh-2-1", "h-2-1"]
        shown.evaluate(click, "target-1-1")
        assert shown.evaluate(CURRENT) == "E"


def test_the_keyboard_reaches_every_step(chromium: Any, tmp_path: Path) -> None:
    """From Home by the right arrow to the last step, each once, each with its cell in view."""
    view = """() => { const f = document.querySelector('#fig').getBoundingClientRect(),
      c = document.querySelector('.c.now').getBoundingClientRect();
      return c.left >= f.left - 1 && c.right <= f.right + 1 && c.top >= f.top - 1 && c.bottom <= f.bottom + 1; }"""
    with opened(chromium, html_of("rnn"), tmp_path, **PHONE) as shown:
        steps = shown.evaluate("[...document.querySelectorAll('#steps li')].map(li => li.id)")
        seen = [shown.evaluate(CURRENT)]
        for _ in steps[1:]:
            assert shown.evaluate(view)
            shown.keyboard.press("ArrowRight")
            seen.append(shown.evaluate(CURRENT))
        assert seen == steps


def test_deep_links_names_and_the_back_button(chromium: Any, tmp_path: Path) -> None:
    """A place opens there, a link leads on, back returns; given numbers have their names as mathematics."""
    with opened(chromium, html_of("attention"), tmp_path, anchor="s-2-1") as shown:
        assert shown.evaluate(CURRENT) == "s-2-1"
        made_of = "[...document.querySelector('li.cur .links').querySelectorAll('math')].map(m => m.textContent)"
        assert shown.evaluate(made_of) == ["Q2,1", "K1,1", "Q2,2", "K1,2"]
        shown.click("li.cur .links a")
        assert shown.evaluate(CURRENT) == "Q-2-1"
        assert shown.evaluate(made_of) == ["Wq1,1", "x2,1", "Wq1,2", "x2,2"]
        shown.go_back()
        assert shown.evaluate(CURRENT) == "s-2-1"


def test_numbers_appear_as_they_are_worked(chromium: Any, tmp_path: Path) -> None:
    """At the first step what is given and the first value, at the last everything."""
    hidden = "[...document.querySelectorAll('svg text')].filter(t => getComputedStyle(t).visibility == 'hidden').length"
    with opened(chromium, html_of("rnn"), tmp_path) as shown:
        assert shown.evaluate(hidden) > 50
        shown.keyboard.press("End")
        assert shown.evaluate(hidden) == 0


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


@pytest.mark.parametrize("way", ["", 'samples = "apart"', 'samples = "in_turn"'])
def test_choosing_a_sample_changes_the_numbers(chromium: Any, way: str, tmp_path: Path) -> None:
    """The drawing shows what is given to the sample; its steps and the shared ones are walked."""
    given = "[...document.querySelectorAll('.c[data-c^=\"x-\"] text')].map(t => t.textContent)"
    with opened(chromium, page(trace(loads(BATCH + way))), tmp_path) as shown:
        assert shown.evaluate(given) == ["1", "0"]
        shown.select_option("#pick", "3")
        assert shown.evaluate(given) == ["2", "1"]
        assert shown.evaluate("document.querySelector('li.cur').dataset.s") == "3"
        for _ in range(30):
            shown.keyboard.press("ArrowRight")
            assert shown.evaluate("document.querySelector('li.cur').dataset.s || '3'") == "3"
        assert shown.messages == []


def test_without_a_script_the_page_is_the_whole_derivation(chromium: Any, tmp_path: Path) -> None:
    """Every step is seen, no button that does nothing; the same where a script fails."""
    with opened(chromium, html_of("rnn"), tmp_path, java_script_enabled=False) as shown:
        assert shown.locator("#steps li:visible").count() == 99
        assert shown.locator("button:visible").count() == 0
        assert shown.messages == []
    with opened(chromium, html_of("rnn"), tmp_path) as shown:
        shown.add_init_script("Object.defineProperty(Element.prototype, 'closest', {value: undefined})")
        shown.reload()
        assert shown.locator("#steps li:visible").count() == 99


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext, of poppler-utils")
@pytest.mark.parametrize("name", ["circuit", "rnn", "conv", "attention"])
def test_the_printed_pdf_holds_every_step(chromium: Any, name: str, tmp_path: Path) -> None:
    """Each step's name and value, in the order of calculation, whichever one was open."""
    paper = tmp_path / "page.pdf"
    with opened(chromium, html_of(name), tmp_path) as shown:
        shown.keyboard.press("End")
        steps = shown.evaluate("[...document.querySelectorAll('#steps li h3')].map(h => h.textContent)")
        shown.pdf(path=paper, format="A4")
    read = subprocess.run(["pdftotext", "-raw", paper, "-"], capture_output=True, text=True, check=True)
    text, at = "".join(read.stdout.split()), 0
    for step in steps:
        at = text.find(step, at)
        assert at >= 0, step


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["circuit", "rnn", "conv"])
@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm install --prefix tests/rendering")
def test_axe_finds_nothing(chromium: Any, name: str, scheme: str, tmp_path: Path) -> None:
    """No violation of any rule of axe-core, on a desk and on a phone."""
    for size in ({}, PHONE):
        with opened(chromium, html_of(name), tmp_path, color_scheme=scheme, bypass_csp=True, **size) as shown:
            shown.keyboard.press("End")
            shown.add_script_tag(content=AXE.read_text(encoding="utf-8"))
            assert shown.evaluate("axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html))") == []
