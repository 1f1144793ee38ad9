"""The step page in a real browser: what a teacher, a student and a screen reader meet.  Skipped without chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gallery.lists import LAYERED
from rendering.browser import AXE, CONTRAST, OVERLAPS, browser, have_browser, opened

from tracer import trace, train
from tracer.answers.result import Cause, Mark, Marked
from tracer.problem import loads
from tracer.show.page import page, run_page, training
from tracer.template import new_problem

pytestmark = [
    pytest.mark.skipif(not have_browser(), reason="needs chromium and playwright"),
    pytest.mark.filterwarnings("ignore"),
]
HAND = page(trace("hand-3-2-2", digits=4))
PHONE = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as chromium:
        yield chromium


def current(shown: Any) -> str:
    return str(shown.evaluate("document.querySelector('li.cur').id"))


@pytest.mark.parametrize("sample", LAYERED)
def test_every_sample_asks_for_nothing_and_says_nothing(chromium: Any, sample: str, tmp_path: Path) -> None:
    """One request, no console message; on a phone no sideways scrolling, at any step that it walks through."""
    with opened(chromium, page(trace(sample)), tmp_path, **PHONE) as shown:
        for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
            shown.keyboard.press(key)
            assert shown.evaluate("document.documentElement.scrollWidth") <= 360
        assert len(shown.requests) == 1
        assert shown.messages == []


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_on_a_phone_formula_and_buttons_are_in_view(chromium: Any, lang: str, tmp_path: Path) -> None:
    """Once one has walked on, the drawing, the step's formula to its value and the buttons share the screen."""
    view = "s => { const r = document.querySelector(s).getBoundingClientRect(); return [r.top, r.bottom]; }"
    with opened(chromium, page(trace("hand-3-2-2", digits=4), lang=lang), tmp_path, anchor="a-1-2", **PHONE) as shown:
        for key in ("ArrowRight", "ArrowRight", "End"):
            shown.keyboard.press(key)
            bar = shown.evaluate(view, "nav")
            assert bar[1] <= 740
            assert shown.evaluate(view, "#fig")[0] >= 0
            assert shown.evaluate(view, "li.cur .m")[1] <= bar[0]


@pytest.mark.parametrize("sample", LAYERED)
def test_on_a_phone_a_deep_link_shows_the_formula(chromium: Any, sample: str, tmp_path: Path) -> None:
    """However many units stand in a column; the planted twin: a drawing as high as it likes pushes a formula out."""
    box = "document.querySelector('{}').getBoundingClientRect()"
    low = f"{box.format('li.cur .m')}.bottom - {box.format('nav')}.top"
    html = page(trace(sample))
    place = re.findall(r'<li id="(delta-1-1[^"]*)"', html)[0]
    with opened(chromium, html, tmp_path, anchor=place, **PHONE) as shown:
        assert current(shown) == place
        assert shown.evaluate(low) <= 0
        shown.evaluate("document.querySelector('#fig svg').style.height = '70vh'")
        shown.evaluate("document.querySelector('#fig svg').style.maxHeight = 'none'")
        assert shown.evaluate(low) > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sample", LAYERED)
def test_every_text_of_the_drawing_can_be_read(chromium: Any, sample: str, scheme: str, tmp_path: Path) -> None:
    """No label over another, in any sample of a batch; contrast at least 4.5, lit or not."""
    with opened(chromium, page(trace(sample)), tmp_path, color_scheme=scheme) as shown:
        choices = shown.evaluate("[...document.querySelectorAll('#pick option')].map(o => o.value)") or [""]
        for choice in choices:
            if choice:
                shown.select_option("#pick", choice)
            for key in ("Home", "End"):
                shown.keyboard.press(key)
                assert shown.evaluate(OVERLAPS) == []
                assert min(shown.evaluate(CONTRAST))[0] >= 4.5


@pytest.mark.parametrize("sizes", ["1-1", "10-10-10", "2-3-3-3-3-2", "12-3-14", "5-5-5"])
def test_drawings_of_every_size_have_no_label_over_another(chromium: Any, sizes: str, tmp_path: Path) -> None:
    """Up to ten units a layer and five layers; beyond, the page says what it leaves out."""
    text = new_problem(sizes, activation="tanh", output=None, loss=None, rate="0.1")
    html = page(trace(loads(text)))
    with opened(chromium, html, tmp_path) as shown:
        shown.keyboard.press("End")
        assert shown.evaluate(OVERLAPS) == []
        assert ("the drawing shows 10 of them" in html) == (sizes == "12-3-14")


def test_the_overlap_and_contrast_checks_see_a_planted_fault(chromium: Any, tmp_path: Path) -> None:
    """The planted twins."""
    with opened(chromium, HAND, tmp_path) as shown:
        onto = "t => t.setAttribute('y', t.parentNode.querySelector('text').getAttribute('y'))"
        shown.eval_on_selector("svg .u .n", onto)
        assert shown.evaluate(OVERLAPS)
        shown.evaluate("document.querySelector('svg .u .n').style.fill = '#999'")
        assert min(shown.evaluate(CONTRAST))[0] < 4.5


def test_the_keyboard_reaches_every_step(chromium: Any, tmp_path: Path) -> None:
    """From Home by the right arrow to the last step, each once, in the order of calculation."""
    with opened(chromium, HAND, tmp_path) as shown:
        steps = shown.evaluate("[...document.querySelectorAll('#steps li')].map(li => li.id)")
        shown.keyboard.press("End")
        assert current(shown) == steps[-1]
        shown.keyboard.press("Home")
        seen = [current(shown)]
        for _ in steps[1:]:
            shown.keyboard.press("ArrowRight")
            seen.append(current(shown))
        assert seen == steps
        visible = "[...document.querySelectorAll('#steps li')].filter(li => li.offsetParent).length"
        assert shown.evaluate(visible) == 1


def test_deep_links_and_the_back_button_restore(chromium: Any, tmp_path: Path) -> None:
    """#delta-1-2 opens there; back returns to the step before; a link of the step leads on."""
    with opened(chromium, HAND, tmp_path, anchor="delta-1-2") as shown:
        assert current(shown) == "delta-1-2"
        assert shown.evaluate("scrollY") == 0
        shown.keyboard.press("ArrowRight")
        assert shown.url.endswith("#" + current(shown))
        shown.go_back()
        assert current(shown) == "delta-1-2"
        shown.click("li.cur .links a")
        assert current(shown) == "slope-1-2"
        shown.fill("#slide", "0")
        assert current(shown) == "a-1-1"


def test_a_click_on_a_unit_or_an_edge_shows_its_numbers(chromium: Any, tmp_path: Path) -> None:
    """From one number of it to the next; what the step reads is lit."""
    with opened(chromium, HAND, tmp_path) as shown:
        shown.click("#u1-2 circle", force=True)
        assert current(shown) == "a-1-2"
        shown.click("#u1-2 circle", force=True)
        assert current(shown) == "z-1-2"
        shown.click("#e2-1-1 .hit", force=True)
        assert current(shown) == "dW-2-1-1"
        lit = shown.evaluate("[...document.querySelectorAll('svg .on')].map(e => e.id).sort()")
        assert lit == ["e2-1-1", "u1-1", "u2-1"]
        assert shown.evaluate("[...document.querySelectorAll('svg .path')].length") == 0
        shown.dispatch_event("#e1-1-2", "click")
        paths = shown.evaluate("[...document.querySelectorAll('svg .path')].map(e => e.id).sort()")
        assert paths == ["e2-1-1", "e2-2-1"]


def test_a_swipe_walks_on(chromium: Any, tmp_path: Path) -> None:
    """To the left the next step, to the right the one before; a swipe over a formula scrolls it instead."""
    swipe = """([on, from, to]) => {
      const target = document.querySelector(on);
      const touch = x => new Touch({identifier: 1, target, clientX: x, clientY: 9});
      const event = (name, x) => new TouchEvent(name, {bubbles: true, touches: [touch(x)], changedTouches: [touch(x)]});
      target.dispatchEvent(event('touchstart', from)); target.dispatchEvent(event('touchend', to));
    }"""
    with opened(chromium, HAND, tmp_path, anchor="z-1-1", has_touch=True, **PHONE) as shown:
        shown.evaluate(swipe, ["li.cur h3", 250, 100])
        assert current(shown) == "z-1-2"
        shown.evaluate(swipe, ["li.cur h3", 100, 250])
        assert current(shown) == "z-1-1"
        shown.evaluate(swipe, ["li.cur .m", 250, 100])
        assert current(shown) == "z-1-1"


def test_choosing_a_sample_changes_the_numbers(chromium: Any, tmp_path: Path) -> None:
    """The drawing shows the sample's input; only its steps and the shared ones are walked."""
    with opened(chromium, page(trace("tanh-xor")), tmp_path) as shown:
        inputs = "[...document.querySelectorAll('#u0-1 .n, #u0-2 .n')].map(t => t.textContent)"
        before = shown.evaluate(inputs)
        shown.select_option("#pick", "3")
        assert shown.evaluate(inputs) != before
        assert current(shown).endswith("-s3")


def test_numbers_appear_as_they_are_worked(chromium: Any, tmp_path: Path) -> None:
    """At the first step the drawing shows what is given, at the last everything."""
    hidden = "[...document.querySelectorAll('svg text')].filter(t => getComputedStyle(t).visibility == 'hidden').length"
    with opened(chromium, HAND, tmp_path) as shown:
        assert shown.evaluate(hidden) > 10
        shown.keyboard.press("End")
        assert shown.evaluate(hidden) == 0


def test_without_a_script_the_page_is_the_whole_derivation(chromium: Any, tmp_path: Path) -> None:
    """Every step is seen, no button that does nothing."""
    with opened(chromium, HAND, tmp_path, java_script_enabled=False) as shown:
        assert shown.locator("#steps li:visible").count() == 46
        assert shown.locator("button:visible").count() == 0
        assert shown.messages == []


def test_a_script_that_fails_leaves_the_whole_derivation(chromium: Any, tmp_path: Path) -> None:
    """An old browser without something that the script uses shows what a browser without scripts shows."""
    with opened(chromium, HAND, tmp_path) as shown:
        shown.add_init_script("Object.defineProperty(Element.prototype, 'closest', {value: undefined})")
        shown.reload()
        assert shown.locator("#steps li:visible").count() == 46


PAGES = {
    "hand-3-2-2": lambda: HAND,
    "middle-layer": lambda: page(trace("middle-layer"), lang="ja"),
    "marked": lambda: page(
        trace("hand-3-2-2", digits=4),
        Marked("ada", (Mark("z1[2]", "1.2", "slip", "0.7685"),), (Cause((), ("z1[2]",)),)),
    ),
    "run": lambda: run_page(train("hand-3-2-2", 100, every=1, record=11)),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", list(PAGES))
@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm install --prefix tests/rendering")
def test_axe_finds_nothing(chromium: Any, which: str, scheme: str, tmp_path: Path) -> None:
    """No violation of any rule of axe-core, on a desk and on a phone."""
    html = PAGES[which]()
    for size in ({}, PHONE):
        with opened(chromium, html, tmp_path, color_scheme=scheme, bypass_csp=True, **size) as shown:
            shown.keyboard.press("End")
            shown.add_script_tag(content=AXE.read_text(encoding="utf-8"))
            found = shown.evaluate("axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html))")
            assert found == []


STEPS = """[...document.querySelectorAll('#steps li')].map(li =>
  [li.id, ...[...li.querySelectorAll('h3, .m')].map(part => part.textContent)])
"""
"""The place of each step, its heading, and its formula with names, with numbers, and its value."""


def bare(text: str) -> str:
    """What is written, without spaces; an italic of mathematics is its letter."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def unprinted(chromium: Any, html: str, folder: Path, css: str = "") -> list[str]:
    """The steps whose heading, formula, numbers put in or value the printed PDF, read back, does not hold in order."""
    paper = folder / "page.pdf"
    with opened(chromium, html, folder, anchor="delta-1-2", bypass_csp=bool(css)) as shown:
        if css:
            shown.add_style_tag(content=css)
        steps = shown.evaluate(STEPS)
        shown.pdf(path=paper, format="A4")
    read = subprocess.run(["pdftotext", "-raw", paper, "-"], capture_output=True, text=True, check=True)
    text, at, out = bare(read.stdout), 0, []
    for place, *parts in steps:
        for part in map(bare, parts):
            found = text.find(part, at)
            if found < 0:
                out.append(place)
                break
            at = found + len(part)
    return out


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext, of poppler-utils")
@pytest.mark.parametrize(("sample", "lang"), [*((sample, "en") for sample in LAYERED), ("hand-3-2-2", "ja")])
def test_the_printed_pdf_holds_every_step(chromium: Any, sample: str, lang: str, tmp_path: Path) -> None:
    """Read back, it holds each step's words, formula, numbers put in and value, in the order of calculation."""
    assert unprinted(chromium, page(trace(sample, digits=4), lang=lang), tmp_path) == []


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext, of poppler-utils")
@pytest.mark.parametrize("css", ["#z-1-2{display:none}", "#z-1-2 mtr:last-child{display:none}", "#z-1-2 h3{opacity:0}"])
def test_a_step_that_is_not_printed_is_missed(chromium: Any, css: str, tmp_path: Path) -> None:
    """The planted twins: a step, its value or its words hidden on paper."""
    assert "z-1-2" in unprinted(chromium, HAND, tmp_path, css)


@pytest.mark.parametrize("sample", ["hand-3-2-2", "sigmoid-xor"])
def test_the_printed_page_has_no_button(chromium: Any, sample: str, tmp_path: Path) -> None:
    """All steps are laid out on paper, and nothing that only works on a screen."""
    with opened(chromium, page(trace(sample)), tmp_path, anchor="delta-1-2") as shown:
        shown.emulate_media(media="print")
        assert shown.locator("#steps li:visible").count() == shown.locator("#steps li").count()
        assert shown.locator("button:visible").count() == 0
        assert shown.locator(".links:visible").count() == 0


def test_a_training_page_steps_through_the_run(chromium: Any, tmp_path: Path) -> None:
    """The slider changes the weights in the drawing; keys and deep links work; nothing is asked for."""
    html = run_page(train("hand-3-2-2", 100, every=1, record=11))
    first = "document.querySelector('svg .w text').textContent"
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    with opened(chromium, html, tmp_path, anchor="step-100", **PHONE) as shown:
        assert shown.locator("#count").inner_text() == "100"
        assert shown.evaluate("document.getElementById('record').scrollTop") > 0
        assert shown.evaluate(bottom.format("tr.cur")) <= shown.evaluate(bottom.format("#record"))
        late = shown.evaluate(first)
        shown.keyboard.press("Home")
        assert shown.locator("#count").inner_text() == "1"
        assert shown.evaluate(first) != late
        assert shown.evaluate(OVERLAPS) == []
        assert shown.evaluate("document.documentElement.scrollWidth") <= 360
        assert len(shown.requests) == 1
        assert shown.messages == []


def test_a_training_run_on_paper(chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables fit an upright A4 sheet with its margins; the planted twin: twice the columns do not."""
    run = train("sigmoid-xor", 100, every=1, record=11)
    widest = "Math.max(...[...document.querySelectorAll('#record table')].map(t => t.scrollWidth))"
    for abreast, fits in ((training.ABREAST, True), (2 * training.ABREAST, False)):
        monkeypatch.setattr(training, "ABREAST", abreast)
        with opened(chromium, run_page(run), tmp_path, viewport={"width": 718, "height": 1047}) as shown:
            shown.emulate_media(media="print")
            assert (shown.evaluate(widest) <= 718) == fits
            assert shown.evaluate("getComputedStyle(document.querySelector('td')).fontSize") == "9.33333px"


def test_a_marked_sheet_in_the_browser(chromium: Any, tmp_path: Path) -> None:
    """The button goes from one cell that is not right to the next; a cause leads to its step."""
    marks = (Mark("z1[2]", "1.2", "slip", "0.7685"), Mark("dW1[1,1]", "", "missing", "3.254"))
    marked = Marked("ada", marks, (Cause((), ("z1[2]",)),))
    with opened(chromium, page(trace("hand-3-2-2", digits=4), marked), tmp_path) as shown:
        shown.click("#wrong")
        assert current(shown) == "z-1-2"
        shown.click("#wrong")
        assert current(shown) == "dW-1-1-1"
        shown.click("#sheet a")
        assert current(shown) == "z-1-2"
        assert shown.locator("li.cur .mark").inner_text().startswith("slip")
        assert shown.messages == []


def test_a_hostile_title_is_text(chromium: Any, tmp_path: Path) -> None:
    """Markup, scripts and bidi controls in the title and in names do nothing."""
    text = new_problem("2-2-1", activation="sigmoid", output=None, loss=None, rate="0.1")
    evil = "<img src=x onerror=alert(1)></title></style><script>document.title='owned'</script>\\u202e{{ 7*7 }}"
    html = page(trace(loads(re.sub(r"^title = .*$", lambda _: f'title = "{evil}"', text, flags=re.M))))
    with opened(chromium, html, tmp_path) as shown:
        assert "owned" in shown.title()
        assert shown.title().startswith("<img")
        assert "\u202e" not in shown.content()
        assert "{{ 7*7 }}" in shown.locator("h1").inner_text()
        assert shown.locator("img").count() == 0
        assert shown.messages == []


def test_the_policy_holds(chromium: Any, tmp_path: Path) -> None:
    """The planted twin: a script and a style of somebody else do not run."""
    html = HAND.replace("</body>", "<script>document.title='owned'</script><p id=p style='color:red'>x</p></body>")
    with opened(chromium, html, tmp_path) as shown:
        assert shown.title() != "owned"
        assert shown.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
        assert any("Content Security Policy" in message for message in shown.messages)


def test_the_pictures_are_small() -> None:
    """The README's pictures are in the repository and light."""
    from rendering.browser import PICTURES

    pictures = list(PICTURES.glob("*.png"))
    assert len(pictures) == 2
    assert all(picture.stat().st_size < 60_000 for picture in pictures)
