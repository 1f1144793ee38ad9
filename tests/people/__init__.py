"""People who work training steps by hand, simulated: an independent judge of marking.

Nothing here comes from ``tracer`` or ``derivations``. ``drawn_sheet(problem, seed)`` is a correct sheet,
``slipped_sheet(problem, seed)`` one with a slip and the truth about it, ``in_full(problem, seed)`` its numbers to every
digit.
"""

from .problems import PROBLEMS
from .sheets import Sheet, drawn_sheet
from .slips import in_full, slipped_sheet

__all__ = ["PROBLEMS", "Sheet", "drawn_sheet", "in_full", "slipped_sheet"]
