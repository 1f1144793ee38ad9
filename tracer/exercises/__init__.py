"""Drawn problems, their sheets and keys, and what comes back."""
