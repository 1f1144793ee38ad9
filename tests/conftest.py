"""Lets the tests import their helpers (`from networks import random_problem`) in pytest's importlib mode."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _plans_of_its_own(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that changes the code has no plans, nor tapes of them, in common with another one."""
    if "monkeypatch" not in request.fixturenames:
        yield
        return
    from tracer.verification.plans import plans_of

    plans_of.cache_clear()
    yield
    plans_of.cache_clear()
