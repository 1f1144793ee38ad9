"""What each command does: reads, works, writes.  Nothing heavy is imported before it is needed.

Data goes to standard output or to the file that `-o` names, words to standard error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tracer.command_files import SUFFIXES, format_of, keep, load_problem, tell, write
from tracer.terminal import aside

if TYPE_CHECKING:
    import argparse

    from derivations.computation import Computation
    from derivations.derived import Derivation
    from derivations.network import Problem
    from tracer.answers.result import Checked

__all__ = [
    "check",
    "derive",
    "equations",
    "exercise",
    "functions",
    "new",
    "page",
    "read",
    "samples",
    "sheet",
    "trace",
    "train",
    "verify",
]

_UNDECIDED = {"not_assessable", "coarse", "unknown", "duplicate", "not_counted"}
_DERIVED = {suffix: form for suffix, form in SUFFIXES.items() if suffix != ".csv"} | {".txt": "text"}


def trace(options: argparse.Namespace) -> int:
    """`bptrace trace`."""
    problem = load_problem(options.problem)
    form = format_of(options)
    if options.beside:
        for other in ("digits", "places", "carry", "arithmetic", "precision", "work", "notation"):
            if getattr(options, other):
                raise ValueError(f"--{other} does not go with --beside, which works both by hand and exactly")
        from tracer.answers.beside import put_beside
        from tracer.answers.reading.sheets import SheetError, read_sheet

        cells = read_sheet(options.beside, sys.stdin.buffer)
        try:
            beside = put_beside(problem, cells)
        except SheetError as e:
            raise SheetError(f"{options.beside}: {e}") from None
        return write(beside.render(form), options)
    from tracer.tracing import trace as trace_problem

    traced = trace_problem(
        problem,
        arithmetic=options.arithmetic,
        precision=options.precision,
        digits=options.digits,
        places=options.places,
        carry=options.carry,
    )
    tell(traced.notes)
    if options.work:
        from tracer.show.work import Work

        return write(Work.of(traced, options.notation or "").render(form), options)
    return write(traced.table(options.notation or "").render(form), options)


def derive(options: argparse.Namespace) -> int:
    """`bptrace derive`."""
    from derivations.derivation import derive as derive_problem
    from derivations.worksheet import precision
    from tracer.tracing import trace as trace_problem

    problem = load_problem(options.problem)
    rounds = {"digits": options.digits, "places": options.places, "carry": options.carry}
    worksheet = options.level == "worksheet"
    if options.key and not worksheet:
        raise ValueError("--key goes with --level worksheet")
    if worksheet and not any(value is not None for value in rounds.values()):
        rounds |= precision(problem)  # as [sheet] sets it
    numbers = options.numbers or any(value is not None for value in rounds.values())
    notation = options.notation or (str(dict(problem.sheet).get("notation", "")) if worksheet else "") or "bishop"
    form = format_of(options, _DERIVED, "text")
    rendering = {
        "notation": notation,
        "document": options.document,
        "label_prefix": options.label_prefix,
        "decimal": options.decimal,
        "lang": options.lang,
        "proved": options.prove,
    }
    common = {"level": options.level, "wrt": options.wrt or (), "sample": options.sample, "notation": notation}
    traced = trace_problem(problem, **rounds) if numbers else None
    derived = derive_problem(problem, numbers=traced, **common)
    text = derived.render(form, **rendering)
    if options.key:
        options.output, output = options.key, options.output
        write(derive_problem(problem, numbers=traced, solved=True, **common).render(form, **rendering), options)
        options.output = output
    write(text, options)
    return _proof_code(derived) if options.prove else 0


def _proof_code(derivation: Derivation) -> int:
    """0 where nothing was refuted, 1 where something was, 3 where nothing could be compared."""
    proof = derivation.proof
    return 1 if proof.refuted else 0 if proof.holds else 3


def verify(options: argparse.Namespace) -> int:
    """`bptrace verify`."""
    from tracer.api import verify as verify_problem

    if options.problem == "-" == options.gradients:
        raise ValueError("the problem and the gradients cannot both be standard input; put one of them in a file")
    if options.accuracy and not options.certify:
        raise ValueError("--accuracy goes with --certify; give both")
    problem = load_problem(options.problem)
    suffixes = {ending: form for ending, form in SUFFIXES.items() if form not in ("latex", "html")}
    form = format_of(options, suffixes)
    result = verify_problem(
        problem,
        options.gradients,
        assume_nothing=options.assume_nothing,
        certify=options.certify,
        accuracy=options.accuracy or 1e-20,
        textbook=options.textbook,
        standard_input=sys.stdin.buffer,
    )
    write(result.render(form), options)
    if form in ("csv", "json") or options.output:
        aside(str(result))
    return {"agree": 0, "disagree": 1, "undecided": 3}[result.verdict]


def check(options: argparse.Namespace) -> int:
    """`bptrace check`: 0 all right or a class marked, 1 something is wrong, 3 no cell could be judged."""
    from derivations.computation import Computation
    from tracer.answers.solutions.marked import FORMATS as WRITTEN_FORMATS

    if options.problem == "-" and "-" in options.sheets:
        raise ValueError("the problem and the sheet cannot both be standard input; put one of them in a file")
    problem = load_problem(options.problem)
    if isinstance(problem, Computation):
        return _sheets(options, problem)
    solutions = [] if options.overrides else _solutions(options.sheets)  # these name the cells of sheets
    if solutions and len(options.sheets) == 1:
        return _written_solution(options, problem, solutions[0])
    if solutions and format_of(options) in WRITTEN_FORMATS:
        return _files(options, problem)
    return _sheets(options, problem)


def _sheets(options: argparse.Namespace, problem: Problem | Computation) -> int:
    """Answer sheets, and solutions among them by their numbers: one, or a class."""
    from tracer.answers.reporting.remarks import translated
    from tracer.answers.reporting.render import summary
    from tracer.api import check as check_sheets

    checked = check_sheets(
        problem,
        options.sheets,
        notation=options.notation,
        decimal=options.decimal,
        overrides=options.overrides,
        standard_input=sys.stdin.buffer,
        progress=True,
        but=options.output,
        jobs=options.jobs,
    )
    if not len(checked):
        raise ValueError(f"{options.sheets[0]}: no sheets in it; put files of answers there, .csv, .md, .txt or .xlsx")
    if len(checked) == 1 and checked.one.error:
        raise ValueError(f"{options.sheets[0]}: {translated(checked.one.error, options.lang)}")
    if options.against:
        return _regraded(options, checked)
    form = format_of(options)
    text = _marked_page(options, problem, checked) if form == "page" else _report(options, checked, form)
    write(text, options)
    if options.output:
        aside(summary(checked, options.lang))
    return _exit_code(checked)


def _regraded(options: argparse.Namespace, checked: Checked) -> int:
    """What changed since an earlier marking: 0 once it is told."""
    from tracer.answers.overrides import read_overrides
    from tracer.answers.regrading import changes, read_marking
    from tracer.answers.reporting.changed import render_changes

    decisions = read_overrides(options.overrides) if options.overrides else ()
    decided = frozenset((o.sheet, o.cell) for o in decisions)
    found = list(changes(read_marking(options.against), checked, decided))
    write(render_changes(found, len(checked), format_of(options)), options)
    return 0


def _exit_code(checked: Checked) -> int:
    if len(checked) > 1:
        return 3 if all(sheet.unread for sheet in checked) else 0
    if checked.all_right:
        return 0
    return 3 if {mark.verdict for mark in checked.marks} <= _UNDECIDED else 1


def _solutions(sheets: list[str]) -> list[str]:
    """The texts of those that are written solutions; what cannot be opened is none."""
    from tracer.answers.solutions.marked import written_text

    texts = []
    for sheet in sheets:
        try:
            texts.append(written_text(sheet))
        except OSError:  # told when it is read as a sheet
            texts.append(None)
    return [text for text in texts if text is not None]


def _written_solution(options: argparse.Namespace, problem: Problem, text: str) -> int:
    """A solution in prose and formulas, row by row: 0 where all holds, 1 where not, 3 where nothing was understood."""
    from tracer.answers.reporting.remarks import translated
    from tracer.answers.solutions.marked import check_written
    from tracer.unexpected import reported

    try:
        marked = check_written(problem, text, notation=options.notation)
        report = marked.render(format_of(options), feedback=options.feedback, lang=options.lang)
    except ValueError:
        raise
    except Exception as e:
        raise ValueError(f"{options.sheets[0]}: {translated(reported(e), options.lang)}") from None
    write(report, options)
    if not marked.solution.relations:
        return 3
    return 0 if marked.all_right else 1


def _files(options: argparse.Namespace, problem: Problem) -> int:
    """Several solutions, and sheets among them, each as what it is: 0 once marked, 3 where none could be."""
    from functools import partial

    from tracer.answers.solutions.marked import check_files, render_files
    from tracer.api import check as check_sheets

    how = {"notation": options.notation, "decimal": options.decimal, "but": options.output, "people": False}
    sheet = partial(check_sheets, problem, standard_input=sys.stdin.buffer, **how)
    files = check_files(problem, options.sheets, sheet, notation=options.notation)
    write(render_files(files, format_of(options), feedback=options.feedback, lang=options.lang), options)
    return 0 if any(file.marked for file in files) else 3


def _report(options: argparse.Namespace, checked: Checked, form: str) -> str:
    text = checked.render(form, feedback=options.feedback, lang=options.lang)
    if form == "csv" and options.output and not text.isascii():
        text = f"\ufeff{text}"  # without it a spreadsheet program takes UTF-8 for something else
    return text


def _marked_page(options: argparse.Namespace, problem: Problem | Computation, checked: Checked) -> str:
    """The step page with the marks of one sheet beside the steps, in as many figures as the sheet has."""
    from tracer.show.page import page as step_page
    from tracer.tracing import trace as trace_problem

    if options.feedback != "full":
        raise ValueError("a page shows every right number; leave out --feedback, or choose another --format")
    if len(checked) != 1:
        raise ValueError(f"a page is for one sheet, and these are {len(checked)}; name one of them")
    traced = trace_problem(problem, digits=checked.one.figures, carry="full")
    return step_page(traced, checked.one, notation=options.notation or "bishop", lang=options.lang)


def sheet(options: argparse.Namespace) -> int:
    """`bptrace sheet`."""
    from derivations.computation import Computation
    from tracer.answers.blank import blank_sheet
    from tracer.answers.reporting.unseen import unseen
    from tracer.marking.slips.catalogue import slips_of, visible

    problem = load_problem(options.problem)
    endings = {".csv": "csv", ".md": "markdown", ".txt": "text", ".json": "json", ".xlsx": "xlsx", ".tex": "latex"}
    written = blank_sheet(problem, format_of(options, endings, "csv"), options.notation)
    keep(options)
    write(written if isinstance(written, bytes) else written.rstrip("\n"), options)
    if isinstance(problem, Computation):
        return 0
    seen = {slip.base for slip in visible(problem)}
    for line in unseen([slip.name for slip in slips_of(problem) if slip.base not in seen]):
        aside(line)
    return 0


def exercise(options: argparse.Namespace) -> int:
    """`bptrace exercise`."""
    from tracer.exercises.command import exercise as written

    aside(written(options.problem, options.students, options.count, options.seed, options.output))
    return 0


def train(options: argparse.Namespace) -> int:
    """`bptrace train`."""
    from tracer.training import train as train_problem

    paged = options.format == "page"
    for option in ("notation", "lang"):
        if getattr(options, option) and not paged:
            raise ValueError(f"--{option} goes with --format page")
    problem = load_problem(options.problem)
    if paged:  # a notation that cannot write this network is refused before the training, not after it
        from derivations.network import Problem as Layers
        from derivations.notation import notation_of
        from tracer.tracing import trace as trace_problem

        if isinstance(problem, Layers):
            notation_of(problem, options.notation or "bishop")
        elif options.notation:
            trace_problem(problem).letters(options.notation, latex=True)
    steps = options.steps
    if options.epochs is not None:
        in_turn = problem.training is not None and problem.training.samples == "in_turn"
        steps = options.epochs * (problem.samples if in_turn else 1)
    run = train_problem(
        problem,
        steps,
        every=max(1, steps // 200) if options.every is None and paged else options.every,
        trace_step=options.trace_step,
        record=60 if paged else 0,
        arithmetic=options.arithmetic or "float64",
        digits=options.digits,
        places=options.places,
        progress=True,
    )
    tell(run.last.notes)
    if paged:
        from tracer.show.page import run_page

        return write(run_page(run, notation=options.notation or "bishop", lang=options.lang or "en"), options)
    form = format_of(options)
    if run.traced and form != "json":
        return write(run.traced.table().render(form), options)
    return write(run.table().render(form), options)


def page(options: argparse.Namespace) -> int:
    """`bptrace page`."""
    from tracer.show.page import page as step_page
    from tracer.tracing import trace as trace_problem

    traced = trace_problem(
        load_problem(options.problem), digits=options.digits, places=options.places, carry=options.carry
    )
    tell(traced.notes)
    return write(step_page(traced, notation=options.notation, lang=options.lang), options)


def new(options: argparse.Namespace) -> int:
    """`bptrace new`."""
    from tracer.new_file import new_file

    of_layers = ("activation", "output_activation", "loss", "learning_rate")
    layers = {option: getattr(options, option) for option in of_layers}
    text = new_file(options.sizes, options.what or "", options.times, layers)
    keep(options)
    return write(text.rstrip("\n"), options)


def read(options: argparse.Namespace) -> int:
    """`bptrace read`."""
    from tracer.answers.solutions.marked import LARGEST
    from tracer.answers.solutions.proposing import propose
    from tracer.files import read_input

    given = sys.stdin.buffer if options.solution == "-" else None
    where = "standard input" if given else options.solution
    try:
        content = read_input(options.solution, given, LARGEST, "a solution is smaller")
        proposal = propose(content.decode("utf-8-sig"))
    except UnicodeDecodeError as e:
        raise ValueError(f"{where}: byte {e.start + 1}: not UTF-8 text; save the file as UTF-8") from None
    except ValueError as e:
        raise ValueError(f"{where}: {e}") from None
    tell(proposal.notes)
    if proposal.missing:
        tell((f"not found in it: {', '.join(proposal.missing)}",))
    return write(proposal.text, options)


def samples(options: argparse.Namespace) -> int:
    """`bptrace samples`."""
    from tracer.samples import gallery, known_kind
    from tracer.show.sample_list import every_kind, one_kind

    kinds = gallery()
    if options.kind is None:
        return write(every_kind(kinds), options)
    return write(one_kind(kinds[known_kind(options.kind, kinds)]), options)


def equations(options: argparse.Namespace) -> int:
    """`bptrace equations`."""
    from tracer.show.equation_list import EquationList

    form = format_of(options, {".md": "markdown", ".tex": "latex", ".json": "json", ".txt": "text"}, "text")
    return write(EquationList(load_problem(options.problem)).render(form), options)


def functions(options: argparse.Namespace) -> int:
    """`bptrace functions`."""
    import textwrap

    from derivations.activations import ACTIVATIONS
    from derivations.losses import LOSSES

    def entry(name: str, *notes: str) -> list[str]:
        lines = [line for note in notes if note for line in textwrap.wrap(note, 54)]
        return [f"  {name if k == 0 else '':<23} {line}" for k, line in enumerate(lines)]

    lines = ["Activations"]
    for f in ACTIVATIONS.values():
        lines += entry(f.name, f.text, f.at_kink, f.source)
    lines += ["", "Losses"]
    for g in LOSSES.values():
        lines += entry(g.name, g.text, "" if g.domain == "all real y" else g.domain, g.source)
    return write("\n".join(lines), options)
