"""A step page read back: its steps, the elements it uses, what does not close."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

__all__ = ["HTML", "SVG", "Reader", "read"]

VOID = {"meta", "input", "br"}
HTML = {"html", "head", "meta", "title", "style", "script", "body", "header", "main", "section", "nav", "div"}
HTML |= {"h1", "h2", "h3", "p", "b", "span", "small", "a", "ol", "li", "button", "label", "select", "option"}
HTML |= {"input", "output"}
SVG = {"svg", "g", "path", "circle", "text", "tspan"}


class Reader(HTMLParser):
    """The steps of a page, the elements it uses, and what does not close."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, str]] = []
        self.elements: set[str] = set()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)
        if tag == "li":
            self.steps.append(dict(attrs))
        if any(name == "style" or name.startswith("on") for name, _ in attrs):
            self.faults.append(f"{tag} with {attrs}")
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in ("path", "circle", "polyline", "rect"):
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("mn", "text"):
            self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader
