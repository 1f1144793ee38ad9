"""The page for those who type the language: every file on it runs, every line and message on it is the real one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from steps import Example, example
from test_derivations.test_core_examples import CHECKS

from derivations.function import LISTED
from derivations.general import GeneralText
from derivations.language import LanguageError

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
SHOWN, MESSAGES = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("number", range(7))
def test_each_file_of_the_page_runs(number: int, check: Callable[[Example], None]) -> None:
    """Seven files, and their gradients are right."""
    own = example(FILES[number])
    assert np.isfinite(own.run()[own.objective])
    check(own)


def test_there_are_seven_files() -> None:
    """The first one and six more."""
    assert len(FILES) == 7


def test_the_step_that_is_shown_follows() -> None:
    """The lines of the first file, as they are printed."""
    text = GeneralText()
    assert SHOWN.splitlines() == [text.equation(e) for e in example(FILES[0]).step.equations]


@pytest.mark.parametrize("line", MESSAGES.splitlines())
def test_each_message_of_the_page_is_the_real_one(line: str) -> None:
    """What is typed, and what is answered."""
    typed, _, message = line.partition("  ")
    numbers = {"W": [[1, 2]], "x": [1, 2], "a": 1, "b": 2}
    used = {name: value for name, value in numbers.items() if re.search(rf"\b{name}\b", typed)}
    with pytest.raises(LanguageError) as error:
        example({"equations": typed, "parameters": used})
    assert str(error.value) == message.strip()


def test_the_page_lists_every_function() -> None:
    """Those that people type, no more and no fewer."""
    listed = PAGE.split("**Functions**:")[1].split("Small or capital")[0]
    names = (name.strip(" .\n") for name in re.sub(r"\([^)]*\)", "", listed).split(","))
    assert {*names} == {*LISTED}
