"""What becomes of any content: bytes, words, numbers and names changed, repeated, nested and put together anew."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from tests.campaigns.hostile.words import CLOSERS, NASTY, NUMBERS, TOKENS, VALUES

__all__ = ["LARGEST", "TEXT", "Mutation", "decoded", "hammered", "mutated", "name", "spliced", "token", "tokens"]

LARGEST = 950_000
MOST_TIMES = (10, 30, 100, 300, 1000, 3000, 10_000)
CODECS = ("utf-16", "utf-8-sig", "utf-32", "shift_jis", "cp932", "cp1252", "latin-1", "utf-7")
PAIRS = (
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("\\frac{", "}{1}"),
    ("\\text{", "}"),
    ("<td>", "</td>"),
    ("\\left(", "\\right)"),
)
WORD = re.compile(r"\\[A-Za-z]{1,30}|[A-Za-z]{1,30}|\d{1,30}|\s|.", re.DOTALL)
NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
NAME = re.compile(r"[A-Za-z]{1,12}\d{0,3}(?:_new)?(?:\[[\d,]{1,9}\]|_\d{1,3})?")
Mutation = Callable[[bytes, random.Random], bytes]


def decoded(content: bytes) -> str:
    """As text, whatever it is."""
    return content.decode("utf-8", "surrogateescape")


def encoded(own: str) -> bytes:
    """Back again."""
    return own.encode("utf-8", "surrogateescape")


def tokens(own: str) -> list[str]:
    """Words, numbers, commands and single characters."""
    return WORD.findall(own[:LARGEST])


def token(own: str, rng: random.Random) -> str:
    """One to three neighbours of the text itself, or a word of the grammar."""
    if not own or rng.random() < 0.4:
        return "".join(rng.choices(TOKENS, k=rng.choice((1, 1, 1, 2, 3))))
    start = rng.randrange(len(own))
    near = tokens(own[start : start + 120])
    return "".join(near[: rng.choice((1, 1, 2, 3, 8))])


def name(rng: random.Random) -> str:
    """A name as nobody writes it, of the pieces that names are made of."""
    letter = rng.choice(
        ("z", "a", "E", "dW1", "W", "w", "b", "delta", "\\delta", "δ", "h'", "σ'", "∂E", "x", "net", "out", "L", "dE")
    )
    for _ in range(rng.choice((0, 1, 1, 2, 4, 12))):
        script = rng.choice(
            (
                "1",
                "{12}",
                "[1,2]",
                "(1)",
                "^{(2)}",
                "_{1}",
                "^[1]",
                "'",
                "_new",
                "\u2081",
                "²",
                "{{1}}",
                "_1_2",
                "^",
                "[",
                ",1]",
            )
        )
        letter = rng.choice(
            (f"{letter}{script}", f"{letter}_{script}", f"{letter}^{script}", f"\\hat{{{letter}}}", f"{script}{letter}")
        )
    shapes = (
        letter,
        f"d{letter}/d{letter}",
        f"\\frac{{\\partial E}}{{\\partial {letter}}}",
        f"{letter}*{letter}",
        f"h'({letter})",
        f"${letter}$",
    )
    return rng.choice(
        (*shapes, f"`{letter}`", f"{letter} of hidden unit {letter}", f"{letter}+++", f"({letter}", letter.upper())
    )


# --- bytes ---


def flipped(content: bytes, rng: random.Random) -> bytes:
    """A few bytes are others."""
    changed = bytearray(content or b"E")
    for _ in range(rng.randint(1, 20)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    """The file ends too early, or a piece is gone."""
    a, b = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:a] if rng.random() < 0.5 else content[:a] + content[b:]


def recoded(content: bytes, rng: random.Random) -> bytes:
    """In another encoding."""
    return content.decode("utf-8", "replace").encode(rng.choice(CODECS), "replace")


def numbered(content: bytes, rng: random.Random) -> bytes:
    """Other digits: a sheet that can be read, with numbers that explain nothing."""
    return bytes(rng.choice(b"0123456789") if 48 <= c < 58 and rng.random() < 0.1 else c for c in content)


# --- text ---


def _put(own: str, piece: str, rng: random.Random, *, gone: int = 0) -> str:
    """A piece at a place where a word ends, or anywhere."""
    place = rng.randrange(len(own) + 1)
    if rng.random() < 0.5:
        place = max(own.rfind(c, 0, place) for c in "\n,|=&") + 1
    return own[:place] + piece + own[place + gone :]


def hammered(own: str, rng: random.Random) -> str:
    """A word stands there thousands of times, and something that spoils the match after it."""
    piece = token(own, rng)
    times = min(rng.choice(MOST_TIMES), (LARGEST - len(own)) // max(1, len(piece)))
    return _put(own, rng.choice(CLOSERS) + piece * max(1, times) + rng.choice(CLOSERS), rng)


def nested(own: str, rng: random.Random) -> str:
    """Brackets in brackets, closed, half closed or left open."""
    opening, closing = rng.choice(PAIRS)
    times = rng.choice(MOST_TIMES)
    closed = rng.choice((0, times, times - 1, times // 2))
    return _put(own, opening * times + token(own, rng) + closing * closed, rng)


def salted(own: str, rng: random.Random) -> str:
    """Nasty words among the others."""
    for _ in range(rng.randint(1, 5)):
        own = _put(own, rng.choice((*NASTY, *TOKENS)), rng, gone=rng.choice((0, 0, 1, 6)))
    return own


def shuffled(own: str, rng: random.Random) -> str:
    """The lines in another order, some of them twice, or all of them many times."""
    lines = own.split("\n")
    most = max(1, 200_000 // (len(own) + 1))
    return "\n".join(rng.choice(lines) for _ in range(len(lines) * min(most, rng.choice((1, 1, 3, 30, 300)))))


def renumbered(own: str, rng: random.Random) -> str:
    """Numbers that are none, or too much of one."""
    rare = rng.choice((0.02, 0.2, 1.0))
    value = rng.choice(NUMBERS)
    return NUMBER.sub(lambda found: value if rng.random() < rare else found[0], own)


def renamed(own: str, rng: random.Random) -> str:
    """Names of another grammar."""
    rare = rng.choice((0.02, 0.2, 1.0))
    return NAME.sub(lambda found: name(rng) if rng.random() < rare else found[0], own)


def swapped(own: str, rng: random.Random) -> str:
    """One word of it for another everywhere: a separator, a name, a blank."""
    return own.replace(token(own, rng) or " ", token(own, rng) if rng.random() < 0.7 else rng.choice(VALUES))


def rowed(own: str, rng: random.Random) -> str:
    """More rows, one like the other but for a name or a number of their own."""
    signs = rng.choice(
        (
            (",", "\n"),
            (" = ", "\n"),
            (" & ", " \\\\\n"),
            ("|", "|\n"),
            (" ", "\n"),
            ("</td><td>", "</td></tr>\n<tr><td>"),
        )
    )
    rows = rng.choice((3, 30, 300, 3000))
    made = "".join(f"{name(rng)}{signs[0]}{rng.choice(NUMBERS[:12])[:40]}{signs[1]}" for _ in range(rows))
    return _put(own, made, rng)


TEXT: tuple[Callable[[str, random.Random], str], ...] = (
    *(hammered, hammered, hammered, nested, salted, salted, shuffled, renumbered, renamed, renamed, swapped, rowed),
)
BYTES: tuple[Mutation, ...] = (flipped, cut, recoded, numbered, numbered)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """One to three changes, whatever the file is."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.25:
            content = rng.choice(BYTES)(content or b"E", rng)
        else:
            content = encoded(rng.choice(TEXT)(decoded(content), rng))
        content = content[:LARGEST]
    return content or b"E"


def spliced(one: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one and the end of another."""
    a, b = one.split(b"\n"), other.split(b"\n")
    return b"\n".join(a[: rng.randrange(len(a) + 1)] + b[rng.randrange(len(b)) :]) or b"E"
