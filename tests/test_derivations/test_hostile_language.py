"""Hostile text is refused in bounded work and one line, whatever it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from derivations.language import LanguageError, read

HOSTILE: dict[str, str] = {
    "deep brackets": "E = " + "(" * 900 + "x" + ")" * 900,
    "deep functions": "E = " + "tanh(" * 300 + "x" + ")" * 300,
    "deep choices": "E = " + "x if x > 0 else " * 110 + "x",
    "many signs": "E = " + "-" * 900 + "x",
    "a long line": "E = " + "+".join(["x"] * 5000),
    "many lines": "\n".join(f"a{k} = x" for k in range(2000)),
    "a line that never ends": "E = x +\n" * 900,
    "open brackets": "(" * 1900,
    "deep exponents": "E = x" + "^(2" * 300 + ")" * 300,
    "a NUL": "E = x\0",
    "text that runs the other way": "E = \u202ex",
    "a joiner": "E = x\u200d",
    "half a character": "E = \ud800",
    "only combining marks": "E = " + "\u0302" * 500,
    "nothing": "",
    "a comment": "# nothing",
    "a huge index": "E = y[" + "9" * 300 + "]",
    "a file's end": "E = x\x1a",
    "evaluated": "E = __import__('os').system('true')",
    "an attribute": "E = x.__class__",
    "a lambda": "E = (lambda: 0)()",
    "a name of 1,900 letters": "E = " + "y" * 1900,
    "digits of other scripts": "E = \u0e53*x",
    "a range of 10^9": "for t = 1..1000000000\ny[t] = x\nE = Σ_t y[t]",
    "two ranges of 10^5": "for t,s = 1..100000\ny[t,s] = x\nE = Σ_{t,s} y[t,s]",
    "an inline range of 10^9": "y[t] = x\nE = Σ_{t=1..1000000000} y[t]",
    "a recurrence of 10^6": "h[0] = x\nfor t = 1..1000000\nh[t] = x*h[t-1]\nE = h[3]",
    "a number of 1,900 digits": "E = x*" + "9" * 1900,
    "a huge exponent of ten": "E = x*1e999999999",
    "a tiny number": "E = x*1e-999999999",
    "deep sums": "E = " + "Σ_i " * 300 + "x",
    "deep indices": "E = x[" + "x[" * 300 + "1" + "]" * 300 + "]",
    "an astronomic power": "E = x^99999999999999999999",
}

CHILD = """
import json, resource, signal, sys
from steps import example
from derivations.language import LanguageError

class TooLong(BaseException):
    pass

def stop(*_):
    raise TooLong

signal.signal(signal.SIGPROF, stop)
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
out = {}
for name, text in json.load(sys.stdin).items():
    signal.setitimer(signal.ITIMER_PROF, 0.4)
    try:
        made = example({"equations": text, "parameters": {"x": 1}})
        made.run()
        out[name] = "accepted"
    except LanguageError as error:
        out[name] = "refused" if len(str(error)) < 1000 and "\\n" not in str(error) else f"a long message: {error}"
    except BaseException as error:
        out[name] = type(error).__name__
    signal.setitimer(signal.ITIMER_PROF, 0)
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def outcomes() -> Mapping[str, str]:
    """What becomes of every hostile text, in a process with limits of memory and of processor time."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(HOSTILE),
        env={"PYTHONPATH": f"{tests}:{tests.parent}", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: Mapping[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_is_refused_in_bounded_work(what: str, outcomes: Mapping[str, str]) -> None:
    """A LanguageError of one line, within 0.4 s of processor time and 3 GB, never another exception."""
    assert outcomes[what] == "refused"


@pytest.mark.parametrize("character", ["\0", "\u202e", "\x1b", "\u200b"], ids=ascii)
def test_a_message_quotes_no_control_characters(character: str) -> None:
    """What would turn a terminal's text round, or colour it, is escaped in the message."""
    with pytest.raises(LanguageError) as error:
        read(f"E = x{character}y")
    assert character not in str(error.value)


def test_long_names_and_lines_of_the_longest_length_are_read_in_linear_work() -> None:
    """900 terms on a line, 900 equations: read at once."""
    assert len(read("E = " + "+".join(["x"] * 900)).equations[0].right.terms) == 900
    assert len(read("\n".join(f"a{k} = x" for k in range(900))).equations) == 900
