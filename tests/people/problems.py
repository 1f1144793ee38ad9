"""The twenty problems by name."""

from __future__ import annotations

from .chain_problems import CHAINS
from .loss_problems import LOSSES
from .problem import Problem
from .recurrent_problems import RECURRENT
from .structured_problems import STRUCTURED

PROBLEMS: dict[str, Problem] = {problem.name: problem for problem in (*CHAINS, *RECURRENT, *STRUCTURED, *LOSSES)}
