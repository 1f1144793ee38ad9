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
    "10-10-10": ((119, 3008), (1985, 33647), (3010, 58792), (708, 170)),
    "64-32-10": ((119, 28004), (2030, 246673), (3055, 4795000), (754, 181)),
    "1": ((74, 486), (1283, 8005), (1697, 7555), (482, 126)),
    "3-2-2": ((119, 285), (1985, 3635), (3010, 3771), (708, 170)),
    "0": ((58, 376), (1042, 4317), (1311, 4853), (398, 108)),
    "3": ((128, 266), (4190, 5866), (4842, 5970), (0, 0)),
    "4": ((150, 2951), (2253, 49504), (3333, 40725), (980, 194)),
    "5": ((116, 1180), (1625, 17263), (2308, 18341), (598, 165)),
    "attention": ((164, 2611), (2076, 64572), (2946, 45341), (811, 170)),
    "batch": ((48, 268), (793, 3212), (935, 3311), (276, 92)),
    "conv2": ((107, 5290), (2038, 69650), (2707, 78799), (0, 0)),
    "rnn2": ((146, 311), (2036, 3843), (2984, 3923), (941, 138)),
    "gru": ((1039, 2415), (10425, 35291), (27556, 31748), (6652, 837)),
    "softmax": ((128, 649), (2234, 10850), (2845, 10028), (1202, 270)),
    "embedding": ((59, 554), (1163, 6623), (1293, 6878), (588, 117)),
    "pointer": ((691, 2974), (7913, 98798), (19397, 70225), (4602, 207)),
    "layernorm": ((118, 701), (1562, 10103), (2020, 8663), (615, 124)),
    "cnn": ((143, 9218), (2323, 122857), (3129, 92413), (0, 0)),
    "heads": ((331, 4765), (3424, 88428), (6236, 59189), (1513, 237)),
    "mixture": ((215, 1484), (6238, 41052), (8964, 34970), (0, 0)),
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
