"""What is true of a network: its functions, its rules, its equations, its letters."""

from __future__ import annotations

from typing import Any

__all__ = ["functions"]


def __getattr__(name: str) -> Any:
    if name == "functions":
        import derivations.functions

        return derivations.functions.functions
    raise AttributeError(f"module 'derivations' has no attribute '{name}'")
