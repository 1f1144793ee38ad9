"""Hooks on a torch module or parameter: what they change no attribute shows."""

from __future__ import annotations

import sys
from typing import Any

from tracer.problem import ProblemError

__all__ = ["hooked", "refuse_hooks"]

_OF_MODULES = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
_OF_PARAMETERS = {
    "_backward_hooks": "register_hook",
    "_post_accumulate_grad_hooks": "register_post_accumulate_grad_hook",
}
_NOW = "remove it and call backward() again"


def refuse_hooks(module: Any, where: str) -> None:
    """Raises ProblemError for a module through which numbers may pass changed."""
    for hooks in _OF_MODULES:
        if getattr(module, hooks, None):
            raise ProblemError(f"{where}.{hooks} is not empty: a hook may change the numbers; {_NOW}")
    if "forward" in vars(module):
        raise ProblemError(f"{where}: has a forward of its own; use torch's, and call backward() again")
    everywhere = sys.modules.get("torch.nn.modules.module")
    for hooks in _OF_MODULES:
        name = f"_global{hooks}"
        if getattr(everywhere, name, None):
            raise ProblemError(f"torch.nn.modules.module.{name} is not empty: a hook may change the numbers; {_NOW}")


def hooked(parameter: Any, where: str) -> list[str]:
    """A note on each hook of a parameter: its gradient may not be what backward() worked out."""
    return [
        f"{where} has a hook ({how}), which may have changed its gradient; it is judged as it stands"
        for hooks, how in _OF_PARAMETERS.items()
        if getattr(parameter, hooks, None)
    ]
