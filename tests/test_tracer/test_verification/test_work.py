"""A step is verified with no more work than now: calls of ours, and the entries of the arrays that they give.

What makes a route quicker changes none of its numbers, so that nothing else would notice where it is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pytest
from worked import first_step, subject_of

from derivations.arithmetic import FLOAT64
from tracer.verification import bounded, contraction
from tracer.verification.judging import Claim, judge
from tracer.verification.repeated import judged_again
from tracer.verification.routes import routes_of
from tracer.verification.subject import Subject

COUNTED, UNCOUNTED = ("/tracer/verification/", "/derivations/"), ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
Work = tuple[tuple[int, int], ...]
MOST: dict[str, Work] = {
    "10-10-10": ((119, 3008), (1961, 33207), (2986, 58352), (708, 170)),
    "64-32-10": ((119, 28004), (2006, 241853), (3031, 4790180), (754, 181)),
    "1": ((74, 486), (1269, 7981), (1683, 7531), (482, 126)),
    "3-2-2": ((119, 285), (1961, 3607), (2986, 3743), (708, 170)),
    "0": ((58, 376), (1033, 4277), (1302, 4813), (398, 108)),
    "3": ((128, 266), (4144, 5848), (4796, 5952), (0, 0)),
    "4": ((150, 2951), (2239, 49414), (3319, 40635), (980, 194)),
    "5": ((116, 1180), (1606, 17203), (2289, 18281), (598, 165)),
    "attention": ((164, 2611), (2057, 64492), (2927, 45261), (811, 170)),
    "batch": ((48, 268), (779, 3196), (921, 3295), (276, 92)),
    "conv2": ((107, 5290), (2038, 69650), (2707, 78799), (0, 0)),
    "rnn2": ((146, 311), (2012, 3823), (2960, 3903), (941, 138)),
    "gru": ((1039, 2415), (10351, 35195), (27482, 31652), (6652, 837)),
    "softmax": ((128, 649), (2210, 10820), (2821, 9998), (1202, 270)),
    "embedding": ((59, 554), (1149, 6551), (1279, 6806), (588, 117)),
    "pointer": ((691, 2974), (7913, 98798), (19397, 70225), (4602, 207)),
    "layernorm": ((118, 701), (1562, 10103), (2020, 8663), (615, 124)),
    "cnn": ((143, 9218), (2299, 122781), (3105, 92337), (0, 0)),
    "heads": ((329, 4413), (3395, 88326), (6207, 59087), (1513, 237)),
    "mixture": ((215, 1484), (6236, 41052), (8962, 34970), (0, 0)),
    "tagging": ((202, 1268), (2545, 12960), (3503, 13403), (1219, 121)),
    "dilated": ((102, 663), (1319, 6004), (1658, 5522), (577, 124)),
    "fanout": ((95, 86), (1011, 673), (1165, 671), (574, 94)),
    "transposed": ((53, 1186), (1014, 11838), (1213, 12399), (405, 103)),
}
"""By name, calls and entries: of the trace, of the judgement, of the judgement with all moved by itself; operations and
questions of its tape."""


def work(run: Callable[[], Any]) -> tuple[int, int]:
    """The calls of the verification's functions, and how many entries the arrays have that they return."""
    calls = entries = 0

    def seen(frame: FrameType, event: str, given: Any) -> None:
        nonlocal calls, entries
        code = frame.f_code
        if not any(part in code.co_filename for part in COUNTED) or code.co_name in UNCOUNTED:
            return
        if event == "call":
            calls += 1
        elif event == "return":
            entries += sum(x.size for x in (given if isinstance(given, tuple) else (given,)) if hasattr(x, "size"))

    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls, entries


def found(name: str) -> Work:
    """The work of an example whose plans are made."""
    step = first_step(name)
    subject = subject_of(step)
    runs: tuple[Callable[[], Any], ...] = (
        lambda: subject.planned.digits.run(FLOAT64, step.given),
        lambda: judge(routes_of(subject), Claim()),
        lambda: judge(routes_of(subject, assume_nothing=True), Claim()),
    )
    with np.errstate(all="ignore"):
        for run in runs:
            run()
        return *(work(run) for run in runs), taped(subject)


def taped(subject: Subject) -> tuple[int, int]:
    """How long the tape is, if there is one."""
    subject.plans.tapes.clear()
    for _ in range(4):
        judged_again(subject, assume_nothing=False)
    for kept in subject.plans.tapes.values():
        if kept.tape is not None and kept.tape._again is not None:
            return len(kept.tape._again.operations), len(kept.tape._again.holds)
    return 0, 0


@pytest.mark.parametrize("name", MOST)
def test_no_more_work_than_now(name: str) -> None:
    """More needs a reason, and a new number here."""
    now, most = found(name), MOST[name]
    assert all(n <= m for pair, limits in zip(now, most, strict=True) for n, m in zip(pair, limits, strict=True)), now


def test_work_done_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin."""
    plain = contraction.contracted
    monkeypatch.setattr(bounded, "contracted", lambda *given: (plain(*given), plain(*given))[1])
    assert found("10-10-10")[1] > MOST["10-10-10"][1]
