"""What the text of a token looks like."""

from __future__ import annotations

import base64
import functools
import hashlib
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

TokenShape = Literal[
    "special-characters",
    "alphanumeric",
    "alike",
    "growing",
    "leading-dash",
    "counter",
    "digits",
    "number",
    "date",
    "json",
    "quoted",
    "path",
    "base64",
    "base64url",
    "case-twins",
]

SHORTEST = 48
LONGEST = 4096

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
# Characters that careless handling breaks: those reserved in a query string, escape sequences that
# must not be decoded, two spaces, and characters that quote, separate, format and expand.
_AWKWARD = "+/%2B&amp;  =?#\"',;{}$HOME\\n"
_GROWTH = 3


@dataclass(frozen=True)
class Seed:
    """What a token is computed from.

    Attributes:
        scope: What its number is unique in.
        number: How many tokens were issued in that scope before it.
        salt: Makes the tokens of one service differ from those of every other one.
    """

    scope: object
    number: int
    salt: str

    def characters(self, alphabet: str, length: int, *, unique: bool = True) -> str:
        """``length`` characters that look random, the same for the same seed.

        Args:
            alphabet: The characters to choose from.
            length: How many characters.
            unique: Whether they depend on the number too.
        """
        number = self.number if unique else ""
        random = _bytes(f"{self.salt} {self.scope} {number}", length)
        return random.translate(_table(alphabet)).decode()


def text(shape: TokenShape, seed: Seed, length: int, *, spaced: bool = False) -> str:
    """The text of a token.

    Args:
        shape: What it looks like.
        seed: What it is computed from; other seeds give other tokens.
        length: How many characters it has. With ``"growing"``, the first token of its scope has
            that many; a ``"counter"`` is as short as it can be.
        spaced: Whether the first and the last character are spaces.

    Example:
        >>> seed = Seed("a job", 0, "")
        >>> text("digits", seed, 48).isdigit(), len(text("json", seed, 80))
        (True, 80)
    """
    if shape == "growing":
        length = min(length + _GROWTH * seed.number, LONGEST)
    return f" {_MAKERS[shape](seed, length - 2)} " if spaced else _MAKERS[shape](seed, length)


def _special(seed: Seed, length: int) -> str:
    # It begins like those that are shared by jobs, so that it looks the same in each report.
    start = base64.b64encode(_bytes(f"{seed.scope} {seed.number}", 12)).decode()
    own = base64.b64encode(_bytes(f"{seed.salt} {seed.scope} {seed.number}", length)).decode()
    return f"{start}{own[:4]}{_AWKWARD}{own[4:]}"[: length - 1] + "="


def _alphanumeric(seed: Seed, length: int) -> str:
    return seed.characters(_LETTERS_AND_DIGITS, length)


def _alike(seed: Seed, length: int) -> str:
    same = seed.characters(_LETTERS_AND_DIGITS, length - 12, unique=False)
    return same + seed.characters(_LETTERS_AND_DIGITS, 12)


def _counter(seed: Seed, _length: int) -> str:
    return str(seed.number)


def _between(start: str, alphabet: str, end: str = "") -> Callable[[Seed, int], str]:
    def make(seed: Seed, length: int) -> str:
        return start + seed.characters(alphabet, length - len(start) - len(end)) + end

    return make


def _base64(encode: Callable[[bytes], bytes]) -> Callable[[Seed, int], str]:
    def make(seed: Seed, length: int) -> str:
        # Four characters hold three bytes; one byte fewer makes the text end with padding.
        content = _json_with_all_of_base64(seed, length // 4 * 3 - 1)
        return encode(content.encode()).decode().ljust(length, "=")

    return make


def _twin(seed: Seed, length: int) -> str:
    """Two tokens in a row differ only in the case of their letters."""
    pair = Seed(seed.scope, seed.number // 2, seed.salt)
    letters = pair.characters(string.ascii_letters, length)
    return letters.swapcase() if seed.number % 2 else letters


_json = _between('{"offset":1,"after":"', _LETTERS_AND_DIGITS, '"}')
# Five equal bytes hold three that are encoded together: as Pj4+ and as Pz8/.
_json_with_all_of_base64 = _between('{"after":">>>>>?????', _LETTERS_AND_DIGITS, '"}')

_MAKERS: dict[str, Callable[[Seed, int], str]] = {
    "special-characters": _special,
    "alphanumeric": _alphanumeric,
    "alike": _alike,
    "growing": _alphanumeric,
    "leading-dash": _between("-", _LETTERS_AND_DIGITS),
    "counter": _counter,
    # Leading and trailing zeros, because a conversion to a number and back loses them.
    "digits": _between("00", string.digits),
    "number": _between("1.", string.digits, "0"),
    "date": _between("2030-01-01T00:00:00.", string.digits, "Z"),
    "json": _json,
    "quoted": _between('"', _LETTERS_AND_DIGITS, '"'),
    "path": _between("/jobs//./", _LETTERS_AND_DIGITS, "/../"),
    "base64": _base64(base64.b64encode),
    "base64url": _base64(base64.urlsafe_b64encode),
    "case-twins": _twin,
}


@functools.cache
def _table(alphabet: str) -> bytes:
    """The character for each byte."""
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256))


def _bytes(seed: str, length: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(length)
