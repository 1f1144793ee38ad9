"""One case run through the command's own door, in a child of its own: what it said, cost, opened and changed."""

from __future__ import annotations

import faulthandler
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.campaigns.hostile.case import FIFO, Case
from tracer import cli

__all__ = ["MEGABYTES", "Outcome", "run"]

MEGABYTES = 256  # above what the process had before
GRACE = 2  # times what a file is allowed, past what all are, before it is killed
MOST_MEMORY = 1 << 30  # above what the process had: more is refused by the system
MOST_WRITTEN = 200_000_000
MOST_ASLEEP = 150  # looks at a process that sleeps before it is said to hang
LONGEST_LOOK = 0.02
ROOT = Path(__file__).resolve().parents[3]
FORBIDDEN = ("pickle.find_class", "os.system", "code.__new__")  # marshal.loads: every late import does that
FORBIDDEN_STARTS = ("socket.", "subprocess.", "os.exec", "os.spawn", "os.fork", "ctypes.dlopen", "http.", "urllib.")
CHANGING = ("os.remove", "os.rename", "os.rmdir", "os.chmod", "os.chown", "os.truncate", "os.link", "os.symlink")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Outcome:
    """What became of a case; where it failed is a list of frames, the innermost first."""

    code: object
    raised: str
    frames: tuple[str, ...]
    out: str
    err: str
    written: Mapping[str, bytes]
    seconds: float
    megabytes: float
    asleep: bool
    stopped: bool
    killed: int
    events: tuple[str, ...]
    changed: tuple[str, ...]


def run(case: Case, *, debug: bool = False, allowed: float = 0.0) -> Outcome:
    """Run it in a fork of this process, so that nothing is imported twice and nothing is left behind.

    allowed: after so many processor seconds it is asked for its frames, and ended a little later (what the case may
    cost).
    """
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    inside, beside = folder / "in", folder / "beside"
    try:
        inside.mkdir()
        beside.mkdir()
        case.write(inside)
        base = _resident("self")
        child = os.fork()
        if not child:
            _child(case, inside, beside, debug=debug)
        return _told(case, inside, beside, _watched(child, base, allowed or case.seconds, case.each), base)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- in the child ---


def _child(case: Case, inside: Path, beside: Path, *, debug: bool) -> None:
    """Run the command and leave word of it beside; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        faulthandler.register(signal.SIGUSR1, file=(beside / "frames").open("w"), all_threads=False)
        _limited()
        os.chdir(inside)
        if debug:
            os.environ["BPTRACE_DEBUG"] = "1"
        _redirected(case, beside)
        seen: list[str] = []
        _listen(seen, str(inside))
        told = _called(case)
        told["events"] = list(dict.fromkeys(seen))[:20]
        seen.clear()
        (beside / "told").write_text(json.dumps(told), encoding="utf-8")
        os._exit(0)
    finally:
        os._exit(70)


def _called(case: Case) -> dict[str, object]:
    code: object = None
    raised, frames = "", list[str]()
    try:
        code = cli.main(list(case.arguments))
    except SystemExit as e:
        code = 0 if e.code is None else e.code
    except BaseException as e:  # whatever comes out is what is looked for
        raised = f"{type(e).__name__}: {str(e)[:200]}"
        steps = traceback.extract_tb(e.__traceback__)
        frames = [f"{step.filename}:{step.lineno} {step.name}" for step in reversed(steps[-200:])]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return {"code": code if isinstance(code, int) else repr(code), "raised": raised, "frames": frames}


def _limited() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, used + MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _redirected(case: Case, beside: Path) -> None:
    """Streams as a pipe in a shell would be."""
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(beside / name, os.O_CREAT | os.O_WRONLY), number)
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8")  # noqa: SIM115 -- as long as the process
    sys.stderr = io.TextIOWrapper(open(2, "wb", closefd=False), "utf-8", "backslashreplace", line_buffering=True)  # noqa: SIM115
    if case.given and case.given not in case.files:
        os.close(0)
        sys.stdin = None  # as Python has it where standard input is closed
        return
    os.dup2(os.open(case.given or os.devnull, os.O_RDONLY), 0)
    sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), "utf-8")  # noqa: SIM115


def _listen(seen: list[str], folder: str) -> None:
    """Note whatever is run, sent, opened or changed outside the folder, but what is installed and opened to be read."""
    installed = (str(ROOT), sys.prefix, sys.base_prefix)
    made = (*installed, "<frozen", "<string>", "<template>")  # code that libraries write: records, templates
    home = os.path.realpath(folder)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            given, flags = os.fsdecode(arguments[0]), arguments[2]
            writes = isinstance(flags, int) and flags & WRITES
            path = os.path.realpath(given) if writes else os.path.abspath(given)
            if not path.startswith((home, os.devnull) if writes else (home, os.devnull, *installed)):
                seen.append(f"open {path} to {'write' if writes else 'read'}")
        elif event == "exec":
            if not (name := str(getattr(arguments[0], "co_filename", "?"))).startswith(made):
                seen.append(f"exec {name[:80]}")
        elif event.startswith(CHANGING):
            if not os.path.realpath(str(arguments[0])).startswith(home):
                seen.append(f"{event} {str(arguments)[:80]}")
        elif event == "code.__new__" and str(arguments[1]).endswith((".pyx", ".pxd")):
            return  # the traceback of a compiled module: flint divides by zero
        elif event in FORBIDDEN or event.startswith(FORBIDDEN_STARTS):
            seen.append(f"{event} {str(arguments)[:80]}")

    sys.addaudithook(hook)


# --- in the parent ---


@dataclass(frozen=True)
class _Watched:
    status: int
    usage: resource.struct_rusage
    asleep: bool
    killed: bool


def _watched(child: int, base: int, allowed: float, each: float) -> _Watched:
    """Wait for it; ask it for its frames where it costs too much, and end it where it goes on."""
    asked = asleep = killed = False
    sleeping, look = 0, 0.001
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return _Watched(status, usage, asleep, killed)
        time.sleep(look)
        look = min(LONGEST_LOOK, look * 1.3)
        state, seconds = _state(child)
        sleeping = sleeping + 1 if state == "S" else 0
        asleep = asleep or sleeping > MOST_ASLEEP
        if not asked and (seconds > allowed or asleep or _resident(str(child)) - base > MEGABYTES << 20):
            asked = True
            os.kill(child, signal.SIGUSR1)
        elif asked and (seconds > allowed + GRACE * each or asleep):
            killed = True
            os.kill(child, signal.SIGKILL)


def _state(child: int) -> tuple[str, float]:
    """Whether it runs or sleeps, and its processor seconds."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: str) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()


def _told(case: Case, inside: Path, beside: Path, watched: _Watched, base: int) -> Outcome:
    told = json.loads((beside / "told").read_text()) if (beside / "told").exists() else {}
    frames = told.get("frames") or _dumped(beside / "frames")
    changed, written = _left(case, inside)
    killed = 0 if told or watched.asleep else os.WTERMSIG(watched.status) or os.WEXITSTATUS(watched.status)
    return Outcome(
        code=told.get("code"),
        raised=told.get("raised", ""),
        frames=tuple(frames),
        out=_text(beside / "out"),
        err=_text(beside / "err"),
        written=written,
        seconds=watched.usage.ru_utime + watched.usage.ru_stime,
        megabytes=(watched.usage.ru_maxrss * 1024 - base) / (1 << 20),
        asleep=watched.asleep,
        stopped=watched.killed and not watched.asleep,
        killed=0 if watched.killed else killed,
        events=tuple(told.get("events", ())),
        changed=changed,
    )


def _left(case: Case, inside: Path) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """Which inputs are not what they were, or files that nobody asked for; and the files that were asked for."""
    asked = {b for a, b in zip(case.arguments, case.arguments[1:], strict=False) if a in ("-o", "--output", "--key")}
    changed, written = [], {}
    for name, content in case.files.items():
        if not (inside / name).is_file() or (inside / name).read_bytes() != content:
            changed.append(f"{name} is not what it was")
    for name, target in case.links.items():
        if not ((inside / name).is_fifo() if target == FIFO else (inside / name).is_symlink()):
            changed.append(f"{name} is no longer the link that it was")
    for path in sorted(inside.rglob("*")):
        name = str(path.relative_to(inside))
        if path.is_symlink() or not path.is_file() or name in case.files:
            continue
        if name in asked:
            written[name] = path.read_bytes()[:MOST_WRITTEN]
        else:
            changed.append(f"{name} is left behind")
    return tuple(changed), written


def _text(path: Path) -> str:
    return path.read_bytes()[:20_000_000].decode("utf-8", "replace") if path.exists() else ""


def _dumped(path: Path) -> Iterable[str]:
    """The frames that faulthandler wrote, innermost first."""
    return [
        f"{file}:{line} {name}" for file, line, name in re.findall(r'File "(.*?)", line (\d+) in (.*)', _text(path))
    ]
