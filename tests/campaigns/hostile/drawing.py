"""Cases drawn: a command, its options, and files made of right ones."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.campaigns.hostile.case import FIFO, Case
from tests.campaigns.hostile.mutating import spliced
from tests.campaigns.hostile.sources import SUFFIXES, Sheet, Sources, packed
from tests.campaigns.hostile.structures import changed
from tests.campaigns.hostile.words import NASTY

__all__ = ["drawn"]

NOTATIONS = ("bishop", "nielsen", "ng", "mazur", "uy", "names")
REPORTS = ("table", "markdown", "html", "page", "latex", "csv", "json", "gradescope")
TABLES = ("table", "markdown", "latex", "html", "csv", "json")
ENDINGS = (".md", ".tex", ".html", ".csv", ".json", ".txt")
A_CLASS = 40


def drawn(sources: Sources, rng: random.Random) -> Case:
    """A hostile input of any kind."""
    kinds = (_one, _several, _class, _problem, _overridden, _compared, _proposed, _special)
    return rng.choices(kinds, (40, 5, 8, 25, 6, 6, 5, 5))[0](sources, rng)


# --- hand-ins ---


def _hostile(sources: Sources, rng: random.Random) -> Sheet:
    sheet = rng.choice(sources.sheets)
    content = sheet.content
    if rng.random() < 0.15:
        content = spliced(content, rng.choice(sources.sheets).content, rng)
    if rng.random() < 0.97:
        content = changed(content, sheet.suffix, rng)
    suffix = rng.choice((*SUFFIXES, "", ".docx")) if rng.random() < 0.05 else sheet.suffix
    return replace(sheet, content=content, suffix=suffix)


def _posed(problem: str | bytes, files: dict[str, bytes], rng: random.Random) -> str:
    """The problem's name: a sample's, or that of its file, which now and then is hostile too."""
    if isinstance(problem, str):
        return problem
    files["problem.toml"] = changed(problem, ".toml", rng) if rng.random() < 0.15 else problem
    return "problem.toml"


def _marked(problem: str, sheets: dict[str, Sheet], files: dict[str, bytes], rng: random.Random) -> Case:
    """Of these files, each named."""
    files |= {name: sheet.content for name, sheet in sheets.items()}
    people = sum(sheet.content.count(b"\n") + 1 for sheet in sheets.values() if sheet.people)
    return Case(("check", problem, *sheets, *_asked(rng)), files, sheets=tuple(sheets), people=people)


def _one(sources: Sources, rng: random.Random) -> Case:
    sheet, files = _hostile(sources, rng), dict[str, bytes]()
    case = _marked(_posed(sheet.problem, files, rng), {f"sheet{sheet.suffix}": sheet}, files, rng)
    if rng.random() < 0.1:
        return replace(
            case,
            given=f"sheet{sheet.suffix}",
            arguments=tuple("-" if a == f"sheet{sheet.suffix}" else a for a in case.arguments),
        )
    return case


def _several(sources: Sources, rng: random.Random) -> Case:
    files = dict[str, bytes]()
    sheets = [_hostile(sources, rng) for _ in range(rng.randint(2, 6))]
    named = {f"sheet{k}{sheet.suffix}": sheet for k, sheet in enumerate(sheets)}
    return _marked(_posed(sheets[0].problem, files, rng), named, files, rng)


def _class(sources: Sources, rng: random.Random) -> Case:
    """A folder or an archive of hand-ins."""
    problem = rng.choice(sources.sheets).problem
    own = replace(sources, sheets=tuple(sheet for sheet in sources.sheets if sheet.problem == problem))
    sheets = [_hostile(own, rng) for _ in range(rng.randint(2, A_CLASS))]
    names = [f"class/{rng.choice(('', '', 'x/', 'y/'))}s{k}{sheet.suffix}" for k, sheet in enumerate(sheets)]
    inside = {name: sheet.content for name, sheet in zip(names, sheets, strict=True)}
    files = dict[str, bytes]()
    where = _posed(problem, files, rng)
    people = sum(sheet.content.count(b"\n") + 1 for sheet in sheets if sheet.people)
    if rng.random() < 0.3:
        files["class.zip"] = packed(inside)
        return Case(("check", where, "class.zip", *_asked(rng)), files, sheets=tuple(names), people=people)
    return Case(("check", where, "class", *_asked(rng)), {**files, **inside}, sheets=tuple(names), people=people)


def _asked(rng: random.Random) -> list[str]:
    """Options of `check`."""
    asked = _written(rng, REPORTS) if rng.random() < 0.6 else []
    return [
        *asked,
        *_option(rng, 0.15, "--lang", ("ja", "en")),
        *_option(rng, 0.15, "--notation", NOTATIONS),
        *_option(rng, 0.15, "--feedback", ("verdict", "hint", "full")),
        *_option(rng, 0.1, "--decimal", ("comma", "point")),
    ]


def _option(rng: random.Random, share: float, name: str, values: tuple[str, ...]) -> list[str]:
    return [name, rng.choice(values)] if rng.random() < share else []


def _written(rng: random.Random, formats: tuple[str, ...]) -> list[str]:
    """A format, or a file whose ending says it."""
    if rng.random() < 0.6:
        return ["--format", rng.choice(formats)]
    return ["-o", f"out{rng.choice(ENDINGS)}"]


def _overridden(sources: Sources, rng: random.Random) -> Case:
    case = _one(sources, rng) if rng.random() < 0.5 else _class(sources, rng)
    content = rng.choice(sources.overrides)
    suffix = ".json" if content[:1] in b"[{" else ".csv"
    files = {**case.files, f"overrides{suffix}": changed(content, suffix, rng)}
    return replace(case, files=files, arguments=(*case.arguments, "--overrides", f"overrides{suffix}"))


# --- other commands ---


def _problem(sources: Sources, rng: random.Random) -> Case:
    """A hostile problem file, and every command that takes one."""
    content = rng.choice(sources.problems)
    content = spliced(content, rng.choice(sources.problems), rng) if rng.random() < 0.1 else content
    files = {"problem.toml": changed(content, ".toml", rng)}
    command = rng.choice(("trace", "trace", "derive", "verify", "page", "sheet", "train", "check", "equations"))
    if command == "check":
        sheet = rng.choice([sheet for sheet in sources.sheets if sheet.problem in (content, "hand-3-2-2")])
        return _marked("problem.toml", {f"sheet{sheet.suffix}": sheet}, files, rng)
    options = {
        "trace": [
            *_written(rng, TABLES),
            *_option(rng, 0.3, "--notation", NOTATIONS),
            *rng.choice(([], ["--work"], ["--arithmetic", "ball"])),
        ],
        "derive": [
            *_written(rng, ("text", "latex", "markdown", "html", "json")),
            *_option(rng, 0.3, "--notation", NOTATIONS),
            *_option(rng, 0.3, "--level", ("full", "matrix", "answers", "worksheet")),
            *rng.choice(([], ["--numbers"], ["--lang", "ja"], ["--document", "beamer"])),
        ],
        "verify": [
            *_written(rng, ("table", "markdown", "csv", "json")),
            *rng.choice(([], ["--certify"], ["--assume-nothing"])),
        ],
        "equations": _written(rng, ("text", "markdown", "latex", "json")),
        "page": [*_option(rng, 0.3, "--notation", NOTATIONS), *_option(rng, 0.2, "--lang", ("ja",))],
        "sheet": [
            *_written(rng, ("csv", "markdown", "text", "json", "latex")),
            *_option(rng, 0.3, "--notation", NOTATIONS),
        ],
        "train": [
            "--steps",
            rng.choice(("0", "1", "3")),
            *_written(rng, (*TABLES, "page")),
            *rng.choice(([], ["--trace-step", "1"])),
        ],
    }[command]
    figures = _option(rng, 0.3, "--digits", ("1", "4", "15")) if command in ("trace", "page", "derive") else []
    case = Case((command, "problem.toml", *options, *figures), files)
    return replace(case, given="problem.toml", arguments=(command, "-", *options)) if rng.random() < 0.05 else case


def _compared(sources: Sources, rng: random.Random) -> Case:
    """Somebody's gradients or printed numbers beside a problem."""
    sheet, files = _hostile(sources, rng), dict[str, bytes]()
    where, name = _posed(sheet.problem, files, rng), f"sheet{sheet.suffix}"
    files[name] = sheet.content
    option = rng.choice((("verify", "--gradients"), ("trace", "--beside")))
    return Case((option[0], where, option[1], name), files, sheets=(name,))


def _proposed(sources: Sources, rng: random.Random) -> Case:
    sheet = _hostile(sources, rng)
    return Case(
        ("read", f"sheet{sheet.suffix}"), {f"sheet{sheet.suffix}": sheet.content}, sheets=(f"sheet{sheet.suffix}",)
    )


def _special(sources: Sources, rng: random.Random) -> Case:
    """What is no file, names that are none, streams that are shut, and output onto what is there."""
    case = rng.choice((_one, _class, _problem))(sources, rng)
    kind = rng.randrange(5)
    place = rng.choice(("class/", "")) + rng.choice(
        ("link.csv", "link.md", "link.toml", "loop", "link.json", "link.zip")
    )
    if kind == 0:
        target = rng.choice(
            (
                FIFO,
                "/dev/zero",
                "/dev/null",
                place.rpartition("/")[2],
                "nowhere",
                "/dev/full",
                ".",
                "/proc/self/environ",
            )
        )
        whole = rng.choice(
            (
                ("check", "hand-3-2-2", place),
                ("check", place, "x"),
                ("trace", place),
                ("read", place),
                ("check", "hand-3-2-2", "class"),
            )
        )
        return replace(case, arguments=whole, links={place: target}, files={"class/a.csv": b"E,1\n", **case.files})
    if kind == 1:
        return replace(case, given="closed")
    if kind == 2:
        onto = rng.choice([name for name in case.files if name])
        return replace(case, arguments=(*_without_output(case.arguments), "-o", onto))
    if kind == 3:
        return _renamed(case, rng)
    return replace(
        case,
        arguments=(
            *_without_output(case.arguments),
            "-o",
            rng.choice(("/dev/null", "nowhere/x.md", ".", "x" * 300 + ".md")),
        ),
    )


def _without_output(arguments: tuple[str, ...]) -> tuple[str, ...]:
    kept = list(arguments)
    if "-o" in kept:
        del kept[kept.index("-o") : kept.index("-o") + 2]
    return tuple(kept)


def _renamed(case: Case, rng: random.Random) -> Case:
    """A file with a name that nobody would give it."""
    old = rng.choice(list(case.files))
    folder, slash, own = old.rpartition("/")
    strange = rng.choice(
        [word for word in (*NASTY, "\udcff\udc80", "-x", "--help", "\n") if word and not set(word) & set("/\0")]
    )
    try:
        strange.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return case
    new = f"{folder}{slash}{strange[:60]}.{own.rpartition('.')[2]}"
    files = {new if name == old else name: content for name, content in case.files.items()}
    arguments = tuple(new if argument == old else argument for argument in case.arguments)
    return replace(case, files=files, arguments=arguments, sheets=tuple(new if s == old else s for s in case.sheets))
