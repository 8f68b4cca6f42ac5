"""Every refusal of a bad argument, in one wording: ``name=value (expected …)``.

A value of the wrong kind is a ``TypeError``, one out of range a ``ValueError``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pytest_deadline_sessions._text import shown

T = TypeVar("T")


def refusal(name: str, value: object, expected: str) -> str:
    """What every refusal says.

    Example:
        >>> refusal("max_results", 101, span(1, 100))
        'max_results=101 (expected 1..100)'
    """
    return f"{name}={shown(value)} (expected {expected})"


def wrong_type(name: str, value: object, expected: str) -> TypeError:
    """The error for a value of the wrong kind."""
    return TypeError(refusal(name, value, expected))


def wrong_value(name: str, value: object, expected: str) -> ValueError:
    """The error for a value of the right kind that is not allowed."""
    return ValueError(refusal(name, value, expected))


def span(low: int, high: int | None = None) -> str:
    """The whole numbers that are allowed, in words."""
    return f"{low} or more" if high is None else f"{low}..{high}"


def check_switch(name: str, value: object) -> bool:
    """Refuse what is no bool.

    Raises:
        TypeError: It is none.
    """
    return check_kind(name, value, bool, "True or False")


def check_whole(name: str, value: object, low: int = 0, high: int | None = None) -> int:
    """Refuse what is no whole number in that span; a bool is none.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, value, f"a whole number, {span(low, high)}")
    if value < low or (high is not None and value > high):
        raise wrong_value(name, value, span(low, high))
    return value


def check_kind(name: str, value: object, kind: type[T] | tuple[type[T], ...], expected: str) -> T:
    """Refuse what is not of that type.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, kind):
        raise wrong_type(name, value, expected)
    return value


def check_aware(name: str, value: object) -> datetime.datetime:
    """Refuse what is no timezone-aware datetime.

    Raises:
        TypeError: It is no datetime.
        ValueError: It is naive.
    """
    moment = check_kind(name, value, datetime.datetime, "a timezone-aware datetime")
    if moment.utcoffset() is None:
        raise wrong_value(name, value, "a timezone-aware datetime")
    return moment


def check_callable(name: str, value: T, expected: str) -> T:
    """Refuse what cannot be called.

    Raises:
        TypeError: It cannot.
    """
    if not callable(value):
        raise wrong_type(name, value, expected)
    return value


def check_items(name: str, value: object, expected: str) -> list[Any]:
    """The items of an argument; a text or a dict is no list of items.

    Raises:
        TypeError: It has none.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong_type(name, value, expected)
    return list(value)


def check_choice(name: str, value: T, choices: Iterable[object]) -> T:
    """Refuse what is none of these.

    Raises:
        ValueError: It is none.
    """
    allowed = list(choices)
    if value not in allowed:
        raise wrong_value(name, value, f"one of {', '.join(map(str, allowed))}")
    return value
