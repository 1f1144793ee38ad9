"""A browser for the tests of the step page: Debian's chromium, driven by playwright; both may be absent.

`python -m rendering.browser` (in tests/) writes the README's pictures anew.
"""

from __future__ import annotations

import base64
import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["AXE", "CONTRAST", "OVERLAPS", "browser", "have_browser", "opened", "small_png"]

HERE = Path(__file__).parent
AXE = Path(os.environ.get("BPTRACE_NODE_MODULES", HERE / "node_modules")) / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = HERE / "pictures"


def have_browser() -> bool:
    """Whether chromium and playwright are here."""
    from importlib.util import find_spec

    return CHROMIUM is not None and find_spec("playwright") is not None


@contextmanager
def browser() -> Iterator[Any]:
    """A chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(chromium: Any, html: str, folder: Path, *, anchor: str = "", **options: Any) -> Iterator[Any]:
    """A page from a file, with what it asks for (`requests`) and what it says (`messages`)."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    page = context.new_page()
    page.requests, page.messages = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.messages.append(message.text))
    page.on("pageerror", lambda error: page.messages.append(str(error)))
    page.goto(f"file://{file}{'#' + anchor if anchor else ''}")
    yield page
    context.close()


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('#fig text')].filter(t => t.textContent.trim()).map(t => {
    const r = t.getBBox(), k = r.height * 0.12;  // without the halo, which firefox counts into the other boxes
    return [r.x + 0.5, r.y + k, r.x + r.width - 0.5, r.y + r.height - k, t.textContent];
  });
  const out = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
    if (a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]) out.push(a[4] + ' | ' + b[4]);
  }));
  return out;
}"""
"""The texts of the drawing that lie over each other (a line of text is lower than its box)."""

CONTRAST = """() => {
  const rgb = s => s.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(v => linear(v / 255)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const page = rgb(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll('svg text')].map(t => {
    const circle = !t.classList.contains('n') && t.parentNode.querySelector('circle,:scope>rect');
    const back = circle ? rgb(getComputedStyle(circle).fill) : page;
    const [a, b] = [light(rgb(getComputedStyle(t).fill)), light(back)].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), t.textContent];
  });
}"""
"""(contrast, text) of every text of the drawing, against its circle, its cell or the page."""


PIXELS = """async data => {
  const image = new Image(), canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
  image.src = data; await image.decode();
  canvas.width = image.width; canvas.height = image.height; pen.drawImage(image, 0, 0);
  return [image.width, image.height, Array.from(pen.getImageData(0, 0, image.width, image.height).data)];
}"""


def small_png(chromium: Any, png: bytes) -> bytes:
    """The same picture in its 256 commonest colours, every other made the nearest of them: a third of the size."""
    blank = chromium.new_page()
    width, height, data = blank.evaluate(PIXELS, "data:image/png;base64," + base64.b64encode(png).decode())
    blank.close()
    pixels = np.array(data, np.uint8).reshape(-1, 4)[:, :3].astype(int)
    colours, inverse, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(-counts)[:256]]
    nearest = ((colours[:, None] - kept[None]) ** 2).sum(axis=2).argmin(axis=1).astype(np.uint8)
    rows = nearest[inverse.ravel()].reshape(height, width)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", kept.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    )
    body = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def main() -> None:
    """Write the two pictures that the README shows."""
    import tempfile

    from tracer import trace
    from tracer.show.page import page

    html = page(trace("hand-3-2-2", digits=4))
    PICTURES.mkdir(exist_ok=True)
    shots = (("page", "dW-1-2-3", {}), ("page-dark", "delta-1-2", {"color_scheme": "dark"}))
    with browser() as chromium, tempfile.TemporaryDirectory() as folder:
        for name, anchor, options in shots:
            view = {"width": 1060, "height": 680}
            with opened(chromium, html, Path(folder), anchor=anchor, viewport=view, **options) as shown:
                (PICTURES / f"{name}.png").write_bytes(small_png(chromium, shown.screenshot()))


if __name__ == "__main__":
    main()
