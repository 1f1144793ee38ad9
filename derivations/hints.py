"""What somebody may have meant by what the language does not have: the end of a message, what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from derivations.function import LISTED, SPELLINGS

__all__ = ["for_call", "for_condition", "for_letters", "for_name", "for_number_of_indices", "for_whole"]

_OVER_LETTERS = {
    "sum": "write Σ_i or sum_i before what is added up",
    "mean": "write mean_i(..) with the letter it runs over",
    "softmax": "write softmax_i(..) with the letter it runs over",
    "prod": "there is no product over a letter: write its factors, w[1]*w[2]",
    "sigma": "write sigmoid(..) or σ(..)",
}


def for_call(name: str, own: Iterable[str]) -> str:
    """For z(..), where z is no function."""
    if known := _OVER_LETTERS.get(name.lower()):
        return known
    return f"to multiply write {name}*(..); functions are {', '.join((*own, *LISTED))}"


def for_name(name: str, known: Iterable[str]) -> str:
    """For a name that has no numbers and no equation."""
    arrays = set(known)
    base, _, index = name.partition("_")
    if name == "e":
        return "write exp(x) for e^x, or give e numbers"
    if SPELLINGS.get(name) or SPELLINGS.get(name.lower()):
        return f"as a function it has a bracket, {name}(..)"
    if index and base in arrays and len(index) <= 4:
        return f"an index stands in brackets: write {base}[{','.join(index.replace('_', ''))}]"
    if len(name) > 1 and set(name) <= arrays:
        return f"write a product with its sign, {'*'.join(name)}"
    return f"give it numbers, or an equation '{name} = ...'"


def for_number_of_indices(name: str, has: int, letters: Iterable[str]) -> str:
    """For an array that is read at fewer or more indices than it has."""
    free = (*letters, *"ijkpq")[:has]
    return f"write {name}[{','.join(free)}]" if has else f"write {name} alone"


def for_letters(written: str) -> str:
    """For Σ_ij: letters that stand together below a sign."""
    return f"letters stand in braces, with commas: write Σ_{{{','.join(written)}}}"


def for_whole(following: str) -> str:
    """For Σ_{i=1}^n, Σ_{k=t}^3, Σ_{i<j}: what stands below a sum and is no range of numbers."""
    if following in ("<", ">", "<=", ">="):
        return ": write Σ_{i,j} and, for the others, .. if j > i else 0"
    if re.fullmatch(r"[^\W\d]\w*", following):
        return ": a range has numbers, Σ_{i=1..3}; without one a letter runs as far as its arrays do, Σ_i"
    return ""


def for_condition(sign: str) -> str:
    """For `if y = 1`."""
    equal = "; equal indices are [i = j], which is 1 or 0" if sign in ("=", "==") else ""
    return f"a comparison with >, <, >= or <=, such as 'a > 0'{equal},"
