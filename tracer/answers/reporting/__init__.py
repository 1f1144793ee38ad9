"""Marked sheets for people and for other programs: reports, gradebooks, JSON."""
