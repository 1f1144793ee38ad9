"""The step page in Firefox: what the tests of `test_page_in_browser` see in chromium, seen in the other engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gallery.lists import LAYERED
from rendering.browser import CONTRAST, OVERLAPS
from rendering.firefox import FIREFOX, Firefox, firefox, served
from test_tracer.test_page import place

from tracer import trace, train
from tracer.show.page import page, run_page

pytestmark = pytest.mark.skipif(FIREFOX is None, reason="needs firefox")
HAND = page(trace("hand-3-2-2", digits=4))
CURRENT = "document.querySelector('li.cur').id"


@pytest.fixture(scope="module")
def fox() -> Iterator[Firefox]:
    with firefox() as fox:
        yield fox


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[tuple[str, list[str]]]:
    with served(folder) as site:
        yield site


@pytest.mark.parametrize("sample", LAYERED)
def test_one_request_no_message_and_the_trace_s_numbers(
    fox: Firefox, folder: Path, site: tuple[str, list[str]], sample: str
) -> None:
    """The page asks for itself alone, the console stays silent, every step holds the number of the trace's JSON."""
    traced = trace(sample, digits=4)
    (folder / f"{sample}.html").write_text(page(traced), encoding="utf-8")
    address, asked = site
    asked.clear()
    fox.open(f"{address}/{sample}.html")
    fox.press("End")
    assert asked == [f"/{sample}.html"]
    assert fox.messages() == []
    values = fox.evaluate("[...document.querySelectorAll('#steps li')].map(li => [li.id, li.dataset.v])")
    rows = json.loads(traced.table().render("json"))["rows"]
    assert dict(values) == {place(row["name"]): row["value"] for row in rows}
    seen = "Object.fromEntries([...document.querySelectorAll('svg [data-q]')].map(t => [t.dataset.q, t.textContent]))"
    shown = {q: text.split()[-1] for q, text in fox.evaluate(seen).items()}
    first = {q: dict(values).get(q) or dict(values).get(f"{q}-s1") for q in shown}
    assert {q: v for q, v in first.items() if v} == {q: shown[q] for q, v in first.items() if v}


@pytest.mark.parametrize("sample", LAYERED)
def test_no_sideways_scrolling_on_a_phone(fox: Firefox, folder: Path, site: tuple[str, list[str]], sample: str) -> None:
    """In a frame of 360 pixels, at several steps; no label over another, and each can be read."""
    (folder / f"{sample}-full.html").write_text(page(trace(sample)), encoding="utf-8")
    frame = f'<!DOCTYPE html><iframe width="360" height="740" src="{sample}-full.html"></iframe>'
    (folder / f"{sample}-phone.html").write_text(frame, encoding="utf-8")
    fox.open(f"{site[0]}/{sample}-phone.html")
    fox.command("WebDriver:SwitchToFrame", {"id": 0})
    try:
        assert fox.evaluate("innerWidth") == 360
        for key in ("Home", "ArrowRight", "End"):
            fox.press(key)
            assert fox.evaluate("document.documentElement.scrollWidth") <= 360
        assert fox.evaluate(f"({OVERLAPS})()") == []
        assert min(fox.evaluate(f"({CONTRAST})()"))[0] >= 4.5
    finally:
        fox.command("WebDriver:SwitchToParentFrame", {})


def test_the_keyboard_reaches_every_step(fox: Firefox, folder: Path, site: tuple[str, list[str]]) -> None:
    """From Home by the right arrow to the last step, each once, in the order of calculation, and alone."""
    (folder / "hand.html").write_text(HAND, encoding="utf-8")
    fox.open(f"{site[0]}/hand.html")
    steps = fox.evaluate("[...document.querySelectorAll('#steps li')].map(li => li.id)")
    fox.press("End")
    assert fox.evaluate(CURRENT) == steps[-1]
    fox.press("Home")
    seen = [fox.evaluate(CURRENT)]
    for _ in steps[1:]:
        fox.press("ArrowRight")
        seen.append(fox.evaluate(CURRENT))
    assert seen == steps
    assert fox.evaluate("[...document.querySelectorAll('#steps li')].filter(li => li.offsetParent).length") == 1


def test_deep_links_and_the_back_button_restore(fox: Firefox, folder: Path, site: tuple[str, list[str]]) -> None:
    """#delta-1-2 opens there; back returns to the step before; a click on an edge shows its gradient."""
    (folder / "link.html").write_text(HAND, encoding="utf-8")
    fox.open(f"{site[0]}/link.html#delta-1-2")
    assert fox.evaluate(CURRENT) == "delta-1-2"
    fox.press("ArrowRight")
    after = fox.evaluate(CURRENT)
    assert after != "delta-1-2"
    assert fox.evaluate("location.hash") == f"#{after}"
    fox.command("WebDriver:Back", {})
    assert fox.evaluate(CURRENT) == "delta-1-2"
    fox.evaluate("document.querySelector('#e1-1-2').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert fox.evaluate(CURRENT) == "dW-1-1-2"


def test_a_training_page_steps_through_the_run(fox: Firefox, folder: Path, site: tuple[str, list[str]]) -> None:
    """A deep link opens the recorded step, Home the first; nothing else is asked for, nothing said."""
    run = run_page(train("hand-3-2-2", 100, every=1, record=11), notation="ng", lang="ja")
    (folder / "run.html").write_text(run, encoding="utf-8")
    address, asked = site
    asked.clear()
    fox.open(f"{address}/run.html#step-100")
    assert fox.evaluate("document.getElementById('count').textContent") == "100"
    fox.press("Home")
    assert fox.evaluate("document.getElementById('count').textContent") == "1"
    assert asked == ["/run.html"]
    assert fox.messages() == []


def test_the_checks_see_planted_faults(fox: Firefox, folder: Path, site: tuple[str, list[str]]) -> None:
    """The planted twin: a picture from elsewhere in the page is a request or a message, a wide line scrolls."""
    address, asked = site
    asked.clear()
    wide = '<img src="other.png"><script>1</script><pre>' + "x" * 999 + "</pre></body>"
    (folder / "bad.html").write_text(HAND.replace("</body>", wide), encoding="utf-8")
    fox.open(f"{address}/bad.html")
    assert fox.messages()
    assert fox.evaluate("document.documentElement.scrollWidth > innerWidth")
    (folder / "open.html").write_text('<img src="other.png">', encoding="utf-8")
    fox.open(f"{address}/open.html")
    assert "/other.png" in asked
