"""Show values in messages: shortened, or as code that can be pasted back."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

_BRACKETS: dict[Any, tuple[str, str]] = {
    dict: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    list: ("[", "]"),
    set: ("{", "}"),
    tuple: ("(", ")"),
}
_DEEPEST = 30
# What a repr may raise. Timeouts and interrupts are not caught.
_RAISED = (Exception, SystemExit, GeneratorExit)


def concise(value: Any, positional: int = 0) -> str:
    """Show a dataclass instance as the call that makes it, without default arguments.

    Args:
        value: An instance of a dataclass.
        positional: The number of leading fields to show always, and without their names.

    Example:
        >>> @dataclasses.dataclass
        ... class Place:
        ...     name: str
        ...     depth: int = 0
        >>> concise(Place("cellar", 2), positional=1)
        "Place('cellar', depth=2)"
    """
    fields = [field for field in dataclasses.fields(value) if field.init]
    shown = [repr(getattr(value, field.name)) for field in fields[:positional]]
    shown += [
        f"{field.name}={getattr(value, field.name)!r}"
        for field in fields[positional:]
        if getattr(value, field.name) != field.default
    ]
    return f"{type(value).__name__}({', '.join(shown)})"


def shown(value: Any, width: int = 80) -> str:
    """The ``repr`` of a user's value, cut to ``width`` characters.

    Never raises. Large, deep and recursive collections take no longer than small ones, but a
    ``repr`` written by the user may.

    Example:
        >>> shown(list(range(10**6)), width=20)
        '[0, 1, 2, 3, 4, 5, …'
    """
    return shorten(_text(value, width, ()), width)


def worded(error: BaseException, width: int = 1000) -> str:
    """The type and the text of an error, even if its ``__str__`` raises.

    Example:
        >>> worded(ValueError("no such page"))
        'ValueError: no such page'
    """
    kind = type(error).__name__
    try:
        text = str(error)
    except _RAISED as another:
        return f"{kind}, whose text raised {type(another).__name__}"
    return f"{kind}: {shorten(text, width)}" if text else kind


def plain(value: Any, width: int = 80) -> str:
    """The ``str`` of a user's value, cut to ``width`` characters. Never raises.

    Example:
        >>> plain("as it is")
        'as it is'
    """
    try:
        return shorten(str(value), width)
    except _RAISED:
        return shown(value, width)


def same(value: Any, other: Any) -> bool:
    """Whether two values are equal. A value whose ``__eq__`` raises equals only itself."""
    try:
        return value is other or bool(value == other)
    except _RAISED:
        return False


def shorten(text: str, width: int = 80) -> str:
    """Cut a text to ``width`` characters; the last one is ``…`` if anything is cut.

    Example:
        >>> shorten("as long as it is", width=8)
        'as long…'
    """
    return text if len(text) <= width else f"{text[: width - 1]}…"


def abbreviate(token: str, width: int = 12) -> str:
    """Show the beginning and the length of a token, or the whole token if it is short.

    Example:
        >>> abbreviate("+/%2B&  =?" * 8)
        "'+/%2B&  =?+/'…(80)"
    """
    return repr(token) if len(token) <= width else f"{token[:width]!r}…({len(token)})"


def first_of(texts: Iterable[str], most: int) -> list[str]:
    """The first ``most`` texts, then the number of those left out.

    Example:
        >>> ", ".join(first_of(["#0", "#1", "#2", "#3"], most=2))
        '#0, #1, … and 2 more'
    """
    every = list(texts)
    left = len(every) - most
    return every if left <= 0 else [*every[:most], f"… and {left} more"]


def plural(count: int, noun: str) -> str:
    """A count with its noun, in the plural unless the count is 1.

    Example:
        >>> plural(1, "session"), plural(0, "page")
        ('1 session', '0 pages')
    """
    return f"{count} {noun if count == 1 else f'{noun}s'}"


def _text(value: Any, room: int, around: tuple[int, ...]) -> str:
    """The ``repr`` of a value, or at least the first ``room`` characters of it."""
    kind = type(value)
    if kind is str or kind is bytes:
        return repr(value[: room + 1])
    if kind in _BRACKETS and (value or kind in {dict, list, tuple}):
        return _of_many(value, room, around)
    try:
        return repr(value)
    except _RAISED as error:
        return f"<{kind.__name__} whose repr raised {type(error).__name__}>"


def _of_many(value: Any, room: int, around: tuple[int, ...]) -> str:
    opened, closed = _BRACKETS[type(value)]
    if id(value) in around or len(around) == _DEEPEST:
        return f"{opened}...{closed}"
    within = (*around, id(value))
    text, comma = opened, ""
    for item in itertools.islice(value.items() if type(value) is dict else value, room):
        if type(value) is dict:
            text += f"{comma}{_text(item[0], room, within)}: {_text(item[1], room, within)}"
        else:
            text += comma + _text(item, room, within)
        comma = ", "
        if len(text) > room:
            break
    if type(value) is tuple and len(value) == 1:
        text += ","
    return text + closed
