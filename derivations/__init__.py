"""What is true of a network: its functions, its rules, its equations, its letters."""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Derivation", "derive", "functions"]


def __getattr__(name: str) -> Any:
    if name == "functions":
        from derivations.activations import ACTIVATIONS
        from derivations.losses import LOSSES

        return MappingProxyType({**ACTIVATIONS, **LOSSES})  # every activation and loss by name
    if name in ("Derivation", "derive"):
        import derivations.derivation

        return getattr(derivations.derivation, name)
    raise AttributeError(f"module 'derivations' has no attribute '{name}'")
