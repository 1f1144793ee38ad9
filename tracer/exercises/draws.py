"""Draws that are the same on every machine, and of which no two are alike: all of them, numbered and shuffled once.

A draw is a whole number; its digits, to a base that changes from choice to choice, are what is chosen.  The numbers
are shuffled by a Feistel network (Luby & Rackoff 1988) whose round function is SHA-256, walked round until it comes
out in range (Black & Rogaway 2002): a permutation of 0..size-1.  Series `s` of `series` takes the numbers s,
s + series, s + 2 series, ..., so series have nothing in common.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

__all__ = ["Choices", "Counted", "Drawn", "shuffled"]

ROUNDS = 8


class Choices(Protocol):
    """What a draw is made with."""

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""


class Counted:
    """Choices that are only counted: `size` is how many draws there are."""

    def __init__(self) -> None:
        self.size = 1

    def below(self, n: int) -> int:
        """The first of n."""
        self.size *= n
        return 0


class Drawn:
    """The choices that a number stands for."""

    def __init__(self, number: int) -> None:
        self.number = number

    def below(self, n: int) -> int:
        """The next digit, to the base n."""
        self.number, digit = divmod(self.number, n)
        return digit


def shuffled(number: int, size: int) -> int:
    """Where a number of 0..size-1 goes; no two go to one place."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    while True:
        left, right = number >> half, number & ((1 << half) - 1)
        for turn in range(ROUNDS):
            left, right = right, left ^ _mixed(turn, right, half)
        number = left << half | right
        if number < size:
            return number


def _mixed(turn: int, number: int, bits: int) -> int:
    """So many bits of SHA-256 of a round and a number."""
    out, count = b"", 0
    while 8 * len(out) < bits:
        out += sha256(f"bptrace {turn} {count} {number}".encode()).digest()
        count += 1
    return int.from_bytes(out, "big") & ((1 << bits) - 1)
