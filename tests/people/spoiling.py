"""Numbers as they stand on paper: read back, and spoilt by a slip of the pen."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

from .writing import MINUS

LOOKALIKES = {"1": "7", "7": "1", "3": "8", "8": "3", "6": "0", "0": "6", "5": "6", "4": "9", "9": "4", "2": "5"}


def plain_text(text: str) -> str:
    """What was written, with signs and powers as computers have them; of a percentage the figures alone."""
    return text.replace(MINUS, "-").replace("×10^", "e").lower().rstrip("% ")


def number_on_paper(text: str) -> float:
    """The number that was written."""
    return float(Fraction(plain_text(text))) * (0.01 if "%" in text else 1)


def unit_of(text: str) -> float:
    """One unit of the last digit that was written."""
    if "/" in text:
        return 1e-12
    digits, _, power = plain_text(text).partition("e")
    _, _, decimals = digits.partition(".")
    return 10.0 ** (int(power or 0) - len(decimals)) * (0.01 if "%" in text else 1)


def digits_swapped(text: str, rng: Random) -> str | None:
    """Two neighbouring digits changed places."""
    places = [i for i in range(len(text) - 1) if text[i : i + 2].isdigit() and text[i] != text[i + 1]]
    if not places:
        return None
    i = rng.choice(places)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def sign_lost(text: str, rng: Random) -> str | None:
    """A minus sign lost, or now and then one too many."""
    if text.startswith("-"):
        return text[1:]
    return "-" + text if rng.random() < 0.3 else None


def point_moved(text: str, rng: Random) -> str | None:
    """Ten times too large or too small."""
    if float(text) == 0:
        return None
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, decimals = digits.partition(".")
    if rng.random() < 0.5 and len(decimals) > 1:
        whole, decimals = whole + decimals[0], decimals[1:]
    else:
        whole = whole or "0"
        whole, decimals = whole[:-1] or "0", whole[-1] + decimals
    return f"{sign}{whole.lstrip('0') or '0'}.{decimals}" if decimals else sign + whole


def digit_misread(text: str, rng: Random) -> str | None:
    """One digit, not the last, taken for one that looks like it."""
    places = [i for i, sign in enumerate(text[:-1]) if sign.isdigit() and text[: i + 1].strip("-0.")]
    if not places:
        return None
    i = rng.choice(places)
    return text[:i] + LOOKALIKES[text[i]] + text[i + 1 :]


def digit_left_out(text: str, rng: Random) -> str | None:
    """One decimal is missing."""
    point = text.find(".")
    if point < 0 or len(text) - point < 4:
        return None
    i = rng.randrange(point + 1, len(text) - 1)
    return text[:i] + text[i + 1 :]


SPOILING: dict[str, Callable[[str, Random], str | None]] = {
    "digits_swapped": digits_swapped,
    "sign_lost": sign_lost,
    "point_moved": point_moved,
    "digit_misread": digit_misread,
    "digit_left_out": digit_left_out,
}
