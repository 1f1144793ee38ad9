"""The command line: `bptrace trace PROBLEM` and its sisters.

Exit 0: all good; 1: something checked is wrong; 2: usage or input error; 3: nothing could be decided.
The commands themselves (`tracer.commands`) are imported only to be run.
"""

from __future__ import annotations

import argparse
import os
import sys

from tracer.terminal import aside, harmless, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["main"]

FORMATS = ("table", "markdown", "latex", "html", "csv", "json")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small arrays: threads cost more than they give
    _open_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(arguments).parse_args(arguments)
    try:
        from tracer import commands
        from tracer.saving import spare

        spare(options)
        return int(getattr(commands, options.command)(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone: nothing more to say
        return 0
    except (ValueError, OSError, ImportError) as e:
        return _refused(_one_line(e))
    except KeyboardInterrupt:
        return _refused("interrupted")
    except MemoryError:
        return _refused("out of memory; the problem is too large for this machine")
    except Exception as e:
        from tracer.unexpected import reported

        return _refused(reported(e))


def _open_streams() -> None:
    """Closed streams of input and of words are as good as empty ones; a closed output is told when it is needed."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _refused(message: str) -> int:
    aside(f"bptrace: {harmless(message)}")
    return 2


def _one_line(e: Exception) -> str:
    message = str(e)
    if isinstance(e, OSError) and e.strerror:
        message = f"{e.filename}: {e.strerror}" if isinstance(e.filename, str) else e.strerror
    return " ".join(message.split())


# --- the parser ---


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bptrace",
        description="Every number of a backpropagation step, explained.",
        epilog="examples:\n"
        "  bptrace trace hand-3-2-2 --digits 4        the hand-calculation table\n"
        "  bptrace derive hand-3-2-2 -o proof.tex     the derivation of every partial derivative\n"
        "  bptrace verify my.toml --gradients my.npz  is my program's gradient right, and which weight is wrong\n"
        "  bptrace check hand-3-2-2 answers.csv       mark a worked sheet, or a whole class\n"
        "  bptrace new 2-2-1 --activation tanh        a problem file to fill in\n"
        "  bptrace trace my.toml --work -o my.md      every step with its numbers, as Markdown",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    for name, (text, add_options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(command=name)
        if name in arguments:  # the others' options are not asked for
            add_options(command)
    return parser


def _trace(parser: argparse.ArgumentParser) -> None:
    _add_problem(parser)
    _add_numbers(parser)
    parser.add_argument("--carry", choices=("shown", "full"), help="carry what is shown (default) or every digit")
    parser.add_argument("--precision", type=_whole, metavar="BITS", help="bits of a ball (default 53)")
    parser.add_argument("--work", action="store_true", help="formula, numbers put in and value, line by line")
    parser.add_argument("--notation", metavar="NAME", help="letters: bishop, nielsen, ng, mazur, uy, names")
    parser.add_argument("--beside", metavar="SHEET", help="put somebody's printed numbers beside the exact ones")
    _add_output(parser, FORMATS)


def _derive(parser: argparse.ArgumentParser) -> None:
    _add_problem(parser)
    parser.add_argument(
        "--level",
        choices=("standard", "general", "full", "matrix", "answers", "worksheet"),
        default="standard",
        help="general: lines with indices; full: the whole path for each weight; matrix; answers; worksheet: blanks",
    )
    parser.add_argument("--wrt", action="append", metavar="NAME", help="only this, such as dW1_12, delta1, dW2; repeat")
    parser.add_argument("--sample", type=_whole, default=1, metavar="K", help="which sample of a batch (default 1)")
    parser.add_argument("--numbers", action="store_true", help="put the problem's numbers in")
    parser.add_argument("--digits", type=_whole, metavar="N", help="numbers to N significant figures")
    parser.add_argument("--places", type=_whole, metavar="N", help="numbers to N decimals")
    parser.add_argument("--carry", choices=("shown", "full"), help="carry what is shown (default) or every digit")
    parser.add_argument("--notation", metavar="NAME", help="bishop (default), nielsen, ng, mazur, uy, names")
    parser.add_argument("--document", choices=("article", "beamer", "fragment"), default="article", help="of LaTeX")
    parser.add_argument("--label-prefix", metavar="TEXT", help="label the equations, as TEXT:dW1-1-2")
    parser.add_argument("--decimal", choices=("point", "comma"), default="point", help="the decimal sign")
    parser.add_argument("--lang", choices=("en", "ja"), default="en", help="the language (default en)")
    parser.add_argument("--prove", action="store_true", help="add a line that says what sympy proves")
    parser.add_argument("--key", metavar="FILE", help="with --level worksheet: where the key goes")
    _add_output(parser, ("text", "latex", "markdown", "html", "json"))


def _equations(parser: argparse.ArgumentParser) -> None:
    _add_problem(parser)
    _add_output(parser, ("text", "markdown", "latex", "json"))


def _train(parser: argparse.ArgumentParser) -> None:
    _add_problem(parser)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=_whole, metavar="N", help="how many updates")
    length.add_argument("--epochs", type=_whole, metavar="N", help="how many passes over all samples")
    parser.add_argument("--every", type=_whole, metavar="M", help="show the loss of every M-th step")
    parser.add_argument("--trace-step", type=_whole, metavar="K", help="the full trace of step K")
    parser.add_argument(
        "--notation", metavar="NAME", help="letters of --format page: bishop (default), nielsen, ng ..."
    )
    parser.add_argument("--lang", choices=("en", "ja"), help="the language of --format page (default en)")
    _add_numbers(parser, ("float64", "float32"), "print with")
    _add_output(parser, (*FORMATS, "page"))


def _page(parser: argparse.ArgumentParser) -> None:
    _add_problem(parser)
    parser.add_argument("--digits", type=_whole, metavar="N", help="work by hand to N significant figures")
    parser.add_argument("--places", type=_whole, metavar="N", help="work by hand to N decimals")
    parser.add_argument("--carry", choices=("shown", "full"), help="carry what is shown (default) or every digit")
    parser.add_argument("--notation", default="bishop", metavar="NAME", help="bishop, nielsen, ng, mazur, uy, names")
    parser.add_argument("--lang", choices=("en", "ja"), default="en", help="the language (default en)")
    _add_output(parser)


def _new(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "examples:\n"
        "  bptrace new 2-2-1 --activation tanh            a network of layers\n"
        '  bptrace new circuit "f = (x+y)*z"               a circuit, from its equation\n'
        "  bptrace new rnn 2-3-1 --times 3                a recurrent network through time\n"
        "  bptrace new conv 4x6                           a convolution with pooling\n"
        "  bptrace new attention 3-2                      single-head attention, 3 tokens of width 2\n"
        "  bptrace new recurrent                          the first sample of a kind, copied\n"
        "  bptrace new lstm                               a sample, copied; `bptrace samples` lists all\n"
    )
    parser.add_argument(
        "sizes",
        metavar="SIZES",
        help="inputs-hidden-outputs, such as 2-2-1; or circuit, rnn, conv, attention; or a kind or name of a sample",
    )
    parser.add_argument(
        "what", metavar="WHAT", nargs="?", help="the equations of a circuit; sizes of rnn, conv, attention"
    )
    parser.add_argument("--times", type=_whole, metavar="T", help="time steps of an rnn (default 3)")
    parser.add_argument("--activation", metavar="NAME", help="of the hidden layers (default sigmoid)")
    parser.add_argument("--output-activation", metavar="NAME", help="of the last layer (default the same)")
    parser.add_argument("--loss", metavar="NAME", help="the loss (default: what fits the last layer)")
    parser.add_argument("--learning-rate", metavar="ETA", help="default 0.1")
    _add_output(parser)


def _read(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "solution", metavar="SOLUTION", help="Markdown, LaTeX, text or a notebook; - for standard input"
    )
    _add_output(parser)


def _samples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", metavar="KIND", help="one kind, such as recurrent, with its titles")
    _add_output(parser)


def _functions(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)


def _verify(parser: argparse.ArgumentParser) -> None:
    _add_problem(parser)
    parser.add_argument("--gradients", metavar="FILE", help="somebody else's numbers: JSON, CSV, name = value, .npz")
    parser.add_argument("--assume-nothing", action="store_true", help="move every weight on its own")
    parser.add_argument("--certify", action="store_true", help="prove or refute each gradient by a ball that holds it")
    parser.add_argument("--accuracy", type=_small, metavar="R", help="of --certify: relative radius (default 1e-20)")
    parser.add_argument("--textbook", type=_small, metavar="H", help="plain central differences of step H beside")
    _add_output(parser, ("table", "markdown", "csv", "json"))


def _check(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "exit codes:\n"
        "  0  every cell is right, or a class of sheets is marked\n"
        "  1  something on the one sheet is wrong\n"
        "  2  the problem or the sheet cannot be read, or a wrong option\n"
        "  3  nothing could be judged\n"
        "\n"
        "examples:\n"
        "  bptrace check hand-3-2-2 answers.csv            one sheet\n"
        "  bptrace check my.toml class/ -o class.html      a folder, as a page\n"
        "  bptrace check my.toml class.zip -o grades.csv   a class, as a gradebook\n"
    )
    _add_problem(parser)
    parser.add_argument(
        "sheets", metavar="SHEET", nargs="+", help="a sheet, a class table, a folder or zip of sheets, -"
    )
    parser.add_argument(
        "--feedback",
        choices=("verdict", "hint", "equation", "numbers", "full"),
        default="full",
        help="right or wrong; a hint; also the equation; also with the sheet's numbers put in; or all",
    )
    parser.add_argument("--notation", metavar="NAME", help="the letters of the sheets (default: those that fit)")
    parser.add_argument(
        "--decimal", choices=("point", "comma"), default="point", help="the decimal sign (default point)"
    )
    parser.add_argument("--overrides", metavar="FILE", help="a marker's own verdicts: CSV or JSON")
    parser.add_argument("--against", metavar="OLD.json", help="only what changed since that marking, and why")
    parser.add_argument("--jobs", type=_whole, default=1, metavar="N", help="processes that share a class (default 1)")
    parser.add_argument("--lang", choices=("en", "ja"), default="en", help="the language (default en)")
    _add_output(parser, ("table", "markdown", "html", "page", "latex", "csv", "json", "gradescope"))


def _sheet(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "What is asked, points and figures are set under [sheet] of the problem file.\n"
        "\n"
        "examples:\n"
        "  bptrace sheet hand-3-2-2                      quantity,value, to fill in\n"
        "  bptrace sheet hand-3-2-2 -o sheet.xlsx        a workbook\n"
        "  bptrace sheet hand-3-2-2 --notation ng        in the letters of the course\n"
    )
    _add_problem(parser)
    parser.add_argument("--notation", metavar="NAME", help="the letters of the sheet")
    _add_output(parser, ("csv", "markdown", "text", "json", "xlsx", "latex"))


def _exercise(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "What varies is set under [exercise] of the problem file: W1 = {low = -0.9, high = 0.9, decimals = 1},\n"
        'x = {choose = [1, 2, 3]}, t = "fixed" or "one_hot".\n'
        "\n"
        "examples:\n"
        "  bptrace exercise hand-3-2-2 --count 60 --seed 7 -o exam/\n"
        "  bptrace exercise my.toml --students list.csv --seed 8 -o resit/\n"
    )
    _add_problem(parser)
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--students", metavar="LIST", help="CSV: id, name, email, group, language, large print")
    whose.add_argument("--count", type=_whole, metavar="N", help="so many variants")
    parser.add_argument("--seed", type=_whole, default=1, metavar="S", help="no two seeds share a variant (default 1)")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="a new folder")


COMMANDS = {
    "trace": ("every number of one training step", _trace),
    "derive": ("derive every partial derivative, line by line", _derive),
    "verify": ("check every number, or somebody's gradients, by three routes (for worked answers: check)", _verify),
    "check": ("mark worked answers and name the slips (for gradients of a program: verify)", _check),
    "sheet": ("write a blank answer sheet", _sheet),
    "exercise": ("draw a problem's own variant for each student", _exercise),
    "equations": ("list the equations that a problem stands for", _equations),
    "train": ("repeat the step and watch the loss", _train),
    "page": ("write the step page, an HTML file to step through", _page),
    "new": ("write a problem file to fill in", _new),
    "read": ("propose a problem file from a written solution", _read),
    "samples": ("list the worked problems that come along", _samples),
    "functions": ("list the activations and losses", _functions),
}
"""Every command: what its line of help says, and its options."""


def _add_problem(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", metavar="PROBLEM", help="a problem file, - for standard input, or a sample's name")


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


def _small(text: str) -> float:
    try:
        number = float(text) if len(text) < 30 else 0.0
    except ValueError:
        number = 0.0
    if not 1e-300 <= number < 1:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number between 1e-300 and 1, such as 1e-5")
    return number


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from tracer import __version__

        say(f"bptrace {__version__}")
        parser.exit(0)


class _Parser(argparse.ArgumentParser):
    """One line for an error, and where help is."""

    def error(self, message: str) -> Any:
        aside(harmless(f"{self.prog}: {' '.join(message.split())}; see `{self.prog} --help`"))
        self.exit(2)
