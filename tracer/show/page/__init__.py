"""The step page: one HTML file that shows a traced step number by number; nothing in it is loaded from elsewhere."""

from __future__ import annotations

from tracer.show.page.document import page, run_page

__all__ = ["page", "run_page"]
