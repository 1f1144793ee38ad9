"""The folder of an exercise: a problem file for each variant, and the manifest that says whose is which."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from tracer.exercises.drawing import Drawing, Variant
from tracer.exercises.students import Student
from tracer.exercises.toml_writing import toml_of
from tracer.marking.rewrites import Rewrite
from tracer.saving import save

__all__ = ["SCHEMA", "write_folder"]

SCHEMA = "bptrace/exercise/1"
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of codes: none that looks like another one."""


def write_folder(
    folder: str, drawing: Drawing, variants: Sequence[Variant], groups: Sequence[Sequence[Student]], seed: int
) -> None:
    """Write it.  Raises ValueError where something is there already, so that nobody's numbers are lost."""
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(
            f"{folder}: is there already and not empty; give another name, so that nobody's numbers are lost"
        )
    os.makedirs(root / "problems", exist_ok=True)
    listed = []
    for k, (variant, code) in enumerate(zip(variants, _codes(variants), strict=True), 1):
        name = f"problems/{k:03}-{code}.toml"
        save(f"# Variant {code}\n{toml_of(variant.tables)}", str(root / name))
        listed.append(_entry(drawing, variant, code, name, groups[k - 1] if groups else ()))
    save(
        json.dumps(_head(drawing, seed) | {"variants": listed}, indent=1, ensure_ascii=False),
        str(root / "manifest.json"),
    )


def _head(drawing: Drawing, seed: int) -> dict[str, Any]:
    standard, slips = drawing.standard, drawing.shape.slips
    hidden, alike = standard.structural.hidden, np.argwhere(np.triu(standard.structural.alike, 1))
    shown = ~hidden
    return {
        "schema": SCHEMA,
        "title": drawing.varying.base.title,
        "seed": seed,
        "seeds": drawing.seeds,
        "fixed": drawing.varying.fixed,
        "effort": standard.effort,
        "allowed": {"numbers": standard.numbers, "slips": standard.slips},
        "structural": {
            "hidden": [_told(slips[k]) for k in np.flatnonzero(hidden)],
            "alike": [[_told(slips[i]), _told(slips[j])] for i, j in alike.tolist() if shown[i] and shown[j]],
        },
    }


def _entry(drawing: Drawing, variant: Variant, code: str, name: str, students: Sequence[Student]) -> dict[str, Any]:
    slips = {slip.name: slip for slip in drawing.shape.slips}
    told = {"code": code, "file": name, "effort": variant.effort}
    own = [
        {
            "id": s.id,
            "name": s.name,
            "email": s.email,
            "group": s.group,
            "language": s.language,
            "large print": s.large_print,
        }
        for s in students
    ]
    pairs = [[_told(slips[a]), _told(slips[b])] for a, b in variant.alike]
    return told | {"students": own, "hidden": [_told(slips[name]) for name in variant.hidden], "alike": pairs}


def _told(slip: Rewrite) -> str:
    """A slip by its name, one of equations by its wrong line."""
    return slip.name if slip.is_named else f"{slip.name.partition('[')[0]}: {slip.facts['used']}"


def _codes(variants: Sequence[Variant]) -> Iterator[str]:
    """A code of four letters for each, no two alike."""
    taken = set[str]()
    for variant in variants:
        turn = 0
        while (code := _code(f"{variant.number} {turn}")) in taken:
            turn += 1
        taken.add(code)
        yield code


def _code(text: str) -> str:
    return "".join(LETTERS[byte % len(LETTERS)] for byte in sha256(text.encode()).digest()[:4])
