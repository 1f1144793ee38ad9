"""The command line: `bptrace trace PROBLEM` and its sisters.

Data goes to standard output, words to standard error.  Exit 0: all good; 2: usage or input error.  Nothing heavy is
imported before a command needs it.
"""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from derivations.network import Problem

__all__ = ["main"]

FORMATS = ("table", "markdown", "latex", "html", "csv", "json")
_SUFFIXES = {
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".json": "json",
    ".txt": "table",
}
_DERIVED = {suffix: form for suffix, form in _SUFFIXES.items() if suffix != ".csv"} | {".txt": "text"}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small arrays: threads cost more than they give
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone: nothing more to say
        return 0
    except (ValueError, OSError) as e:
        return _refused(_one_line(e))
    except KeyboardInterrupt:
        return _refused("interrupted")
    except MemoryError:
        return _refused("out of memory; the problem is too large for this machine")


def _refused(message: str) -> int:
    print(_printable(f"bptrace: {_harmless(message)}", sys.stderr), file=sys.stderr)
    return 2


def _harmless(message: str) -> str:
    """Without what would do something to a terminal: control and bidi characters are shown as codes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)


def _one_line(e: Exception) -> str:
    message = f"{e.filename}: {e.strerror}" if isinstance(e, OSError) and e.strerror else str(e)
    return " ".join(message.split())


# --- the commands ---


def _trace(options: argparse.Namespace) -> int:
    problem = _load(options.problem)
    form = _format(options)
    if options.beside:
        for other in ("digits", "places", "carry", "arithmetic", "precision", "work"):
            if getattr(options, other):
                raise ValueError(f"--{other} does not go with --beside, which works both by hand and exactly")
        from tracer.answers.beside import put_beside
        from tracer.answers.sheets import SheetError, read_sheet

        cells = read_sheet(options.beside, sys.stdin.buffer)
        try:
            beside = put_beside(problem, cells)
        except SheetError as e:
            raise SheetError(f"{options.beside}: {e}") from None
        return _write(beside.render(form), options)
    from tracer.tracing import trace

    traced = trace(
        problem,
        arithmetic=options.arithmetic,
        precision=options.precision,
        digits=options.digits,
        places=options.places,
        carry=options.carry,
    )
    _tell(traced.notes)
    if options.work:
        from tracer.show.work import Work

        return _write(Work.of(traced).render(form), options)
    return _write(traced.table().render(form), options)


def _derive(options: argparse.Namespace) -> int:
    from derivations.derivation import derive
    from tracer.tracing import trace

    problem = _load(options.problem)
    rounds = {"digits": options.digits, "places": options.places, "carry": options.carry}
    numbers = options.numbers or any(value is not None for value in rounds.values())
    if options.key and options.level != "worksheet":
        raise ValueError("--key goes with --level worksheet")
    level = "standard" if options.level == "worksheet" else options.level
    form = _format(options, _DERIVED, "text")
    rendering = {
        "notation": options.notation,
        "document": options.document,
        "label_prefix": options.label_prefix,
        "decimal": options.decimal,
        "lang": options.lang,
        "proved": options.prove,
    }
    common = {"wrt": options.wrt or (), "sample": options.sample}
    traced = trace(problem, **rounds) if numbers else None
    solved = derive(problem, level=level, numbers=traced, **common)
    if options.level != "worksheet":
        return _write(solved.render(form, **rendering), options)
    blank = derive(problem, level="worksheet", numbers=traced, **common)
    text = blank.render(form, **rendering)
    if options.key:
        options.output, output = options.key, options.output
        _write(solved.render(form, **rendering), options)
        options.output = output
    return _write(text, options)


def _train(options: argparse.Namespace) -> int:
    from tracer.training import train

    problem = _load(options.problem)
    steps = options.steps
    if options.epochs is not None:
        in_turn = problem.training.samples == "in_turn"
        steps = options.epochs * (problem.samples if in_turn else 1)
    run = train(
        problem,
        steps,
        every=options.every,
        trace_step=options.trace_step,
        arithmetic=options.arithmetic or "float64",
        digits=options.digits,
        places=options.places,
        progress=True,
    )
    _tell(run.last.notes)
    form = _format(options)
    if run.traced and form != "json":
        return _write(run.traced.table().render(form), options)
    return _write(run.table().render(form), options)


def _new(options: argparse.Namespace) -> int:
    from tracer.template import new_problem

    text = new_problem(
        options.sizes,
        activation=options.activation,
        output=options.output_activation,
        loss=options.loss,
        rate=options.learning_rate,
    )
    if options.output and os.path.exists(options.output):
        raise ValueError(f"{options.output}: is there already; give another name, so that nobody's numbers are lost")
    return _write(text.rstrip("\n"), options)


def _samples(options: argparse.Namespace) -> int:
    from tracer.api import list_samples
    from tracer.show.grid import grid

    return _write(grid(("sample", "network", "title"), list_samples(), "table"), options)


def _functions(options: argparse.Namespace) -> int:
    import textwrap

    from derivations.activations import ACTIVATIONS
    from derivations.losses import LOSSES

    def entry(name: str, *notes: str) -> list[str]:
        lines = [line for note in notes if note for line in textwrap.wrap(note, 56)]
        return [f"  {name if k == 0 else '':<20} {line}" for k, line in enumerate(lines)]

    lines = ["Activations"]
    for f in ACTIVATIONS.values():
        lines += entry(f.name, f.text, f.at_kink, f.source)
    lines += ["", "Losses"]
    for g in LOSSES.values():
        lines += entry(g.name, g.text, "" if g.domain == "all real y" else g.domain, g.source)
    return _write("\n".join(lines), options)


# --- reading and writing ---


def _load(source: str) -> Problem:
    from tracer.problem import LARGEST_FILE, ProblemError, load, loads

    try:
        if source == "-":
            return loads(sys.stdin.buffer.read(LARGEST_FILE + 1))
        return load(source)
    except ProblemError as e:
        raise ProblemError(f"{'standard input' if source == '-' else source}: {e}") from None


def _format(options: argparse.Namespace, suffixes: dict[str, str] | None = None, default: str = "table") -> str:
    suffixes = suffixes or _SUFFIXES
    if options.format:
        return str(options.format)
    if options.output:
        suffix = os.path.splitext(options.output)[1].lower()
        if suffix not in suffixes:
            known = ", ".join(sorted(suffixes))
            raise ValueError(f"{options.output}: the ending says no format; use one of {known}, or give --format")
        return suffixes[suffix]
    return default


def _write(text: str, options: argparse.Namespace) -> int:
    """To standard output, or to a file: written aside and moved into place, so that nothing is ever half written."""
    if not options.output:
        print(_printable(text, sys.stdout))
        return 0
    import tempfile

    folder, name = os.path.split(os.path.abspath(options.output))
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{name[:20]}.", dir=folder)
    except OSError as e:
        raise OSError(e.errno, e.strerror, options.output) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text + "\n")
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(aside, 0o666 & ~umask)
        os.replace(aside, options.output)
    except BaseException:
        os.unlink(aside)
        raise
    return 0


def _tell(notes: tuple[str, ...]) -> None:
    for note in notes:
        print(_printable(f"note: {note}", sys.stderr), file=sys.stderr)


_PLAIN = str.maketrans({"\u00b7": "*", "\u2248": "~", "\u00b2": "^2", "\u00b1": "+/-", "\u2264": "<=", "\u03a6": "Phi"})


def _printable(text: str, stream: Any) -> str:
    """The text as the stream can take it: where it knows no Unicode, plain signs."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


# --- the parser ---


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bptrace",
        description="Every number of a backpropagation step, explained.",
        epilog="examples:\n"
        "  bptrace trace hand-3-2-2 --digits 4        the hand-calculation table\n"
        "  bptrace new 2-2-1 --activation tanh        a problem file to fill in\n"
        "  bptrace trace my.toml --work -o my.md      every step with its numbers, as Markdown",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    trace = _command(commands, "trace", _trace, "every number of one training step", problem=True)
    _add_numbers(trace)
    trace.add_argument("--carry", choices=("shown", "full"), help="carry what is shown (default) or every digit")
    trace.add_argument("--precision", type=_whole, metavar="BITS", help="bits of a ball (default 53)")
    trace.add_argument("--work", action="store_true", help="formula, numbers put in and value, line by line")
    trace.add_argument("--beside", metavar="SHEET", help="put somebody's printed numbers beside the exact ones")
    _add_output(trace, FORMATS)

    derive = _command(commands, "derive", _derive, "derive every partial derivative, line by line", problem=True)
    derive.add_argument(
        "--level",
        choices=("standard", "full", "matrix", "answers", "worksheet"),
        default="standard",
        help="full: the whole path for each weight; matrix: vectors and shapes; answers; worksheet: blanks",
    )
    derive.add_argument("--wrt", action="append", metavar="NAME", help="only this, such as dW1_12, delta1, dW2; repeat")
    derive.add_argument("--sample", type=_whole, default=1, metavar="K", help="which sample of a batch (default 1)")
    derive.add_argument("--numbers", action="store_true", help="put the problem's numbers in")
    derive.add_argument("--digits", type=_whole, metavar="N", help="numbers to N significant figures")
    derive.add_argument("--places", type=_whole, metavar="N", help="numbers to N decimals")
    derive.add_argument("--carry", choices=("shown", "full"), help="carry what is shown (default) or every digit")
    derive.add_argument("--notation", default="bishop", metavar="NAME", help="bishop, nielsen, ng, mazur, uy, names")
    derive.add_argument("--document", choices=("article", "beamer", "fragment"), default="article", help="of LaTeX")
    derive.add_argument("--label-prefix", default="eq", metavar="TEXT", help="what labels begin with (default eq)")
    derive.add_argument("--decimal", choices=("point", "comma"), default="point", help="the decimal sign")
    derive.add_argument("--lang", choices=("en", "ja"), default="en", help="the language (default en)")
    derive.add_argument("--prove", action="store_true", help="add a line that says what sympy proves")
    derive.add_argument("--key", metavar="FILE", help="with --level worksheet: where the key goes")
    _add_output(derive, ("text", "latex", "markdown", "html", "json"))

    train = _command(commands, "train", _train, "repeat the step and watch the loss", problem=True)
    length = train.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=_whole, metavar="N", help="how many updates")
    length.add_argument("--epochs", type=_whole, metavar="N", help="how many passes over all samples")
    train.add_argument("--every", type=_whole, metavar="M", help="show the loss of every M-th step")
    train.add_argument("--trace-step", type=_whole, metavar="K", help="the full trace of step K")
    _add_numbers(train, ("float64", "float32"), "print with")
    _add_output(train, FORMATS)

    new = _command(commands, "new", _new, "write a problem file to fill in")
    new.add_argument("sizes", metavar="SIZES", help="inputs-hidden-outputs, such as 2-2-1")
    new.add_argument("--activation", default="sigmoid", metavar="NAME", help="of the hidden layers (default sigmoid)")
    new.add_argument("--output-activation", metavar="NAME", help="of the last layer (default the same)")
    new.add_argument("--loss", metavar="NAME", help="the loss (default: what fits the last layer)")
    new.add_argument("--learning-rate", default="0.1", metavar="ETA", help="default 0.1")
    _add_output(new)

    _add_output(_command(commands, "samples", _samples, "list the worked problems that come along"))
    _add_output(_command(commands, "functions", _functions, "list the activations and losses"))
    return parser


def _command(commands: Any, name: str, run: Any, text: str, *, problem: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=run)
    if problem:
        parser.add_argument(
            "problem", metavar="PROBLEM", help="a problem file, - for standard input, or a sample's name"
        )
    return parser


def _add_numbers(
    parser: argparse.ArgumentParser,
    arithmetics: tuple[str, ...] = ("float64", "float32", "ball"),
    doing: str = "work by hand to",
) -> None:
    parser.add_argument("--arithmetic", choices=arithmetics, help="default float64")
    parser.add_argument("--digits", type=_whole, metavar="N", help=f"{doing} N significant figures")
    parser.add_argument("--places", type=_whole, metavar="N", help=f"{doing} N decimals")


def _add_output(parser: argparse.ArgumentParser, formats: tuple[str, ...] = ()) -> None:
    if formats:
        parser.add_argument("--format", choices=formats, help=f"default {formats[0]}, or what the ending of -o says")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def _whole(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a whole number")
    return int(text)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from tracer import __version__

        print(f"bptrace {__version__}")
        parser.exit(0)


class _Parser(argparse.ArgumentParser):
    """One line for an error, and where help is."""

    def error(self, message: str) -> Any:
        text = _harmless(f"{self.prog}: {' '.join(message.split())}; see `{self.prog} --help`")
        self.exit(2, _printable(f"{text}\n", sys.stderr))
