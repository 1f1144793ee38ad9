"""A derivation as text, LaTeX, Markdown, HTML with MathML, or JSON."""

from __future__ import annotations

from derivations.writing.render import FORMATS, render

__all__ = ["FORMATS", "render"]
