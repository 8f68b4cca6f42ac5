"""Argument checks, whose messages all read ``name=value (expected …)``.

A value of the wrong type raises ``TypeError``, and a value that is not allowed ``ValueError``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pytest_deadline_sessions._text import plain, shown

T = TypeVar("T")


def refusal(name: str, value: object, expected: str) -> str:
    """The message for a bad argument.

    Example:
        >>> refusal("max_results", 101, span(1, 100))
        'max_results=101 (expected 1..100)'
    """
    return f"{plain(name)}={shown(value)} (expected {expected})"


def wrong_type(name: str, value: object, expected: str) -> TypeError:
    """The error for a value of the wrong type."""
    return TypeError(refusal(name, value, expected))


def wrong_value(name: str, value: object, expected: str) -> ValueError:
    """The error for a value of the right type that is not allowed."""
    return ValueError(refusal(name, value, expected))


def span(low: int, high: int | None = None) -> str:
    """Describe a range of whole numbers, as in ``1..100`` or ``0 or more``."""
    return f"{low} or more" if high is None else f"{low}..{high}"


def check_switch(name: str, value: object) -> bool:
    """Refuse anything but a bool.

    Raises:
        TypeError: The value is not a bool.
    """
    return check_kind(name, value, bool, "True or False")


def check_optional_switch(name: str, value: object) -> bool | None:
    """Refuse anything but a bool or ``None``.

    Raises:
        TypeError: The value is neither.
    """
    return None if value is None else check_kind(name, value, bool, "True or False or None")


def check_whole(name: str, value: object, low: int = 0, high: int | None = None) -> int:
    """Refuse anything but an int within the bounds; a bool does not count as an int.

    Raises:
        TypeError: The value is not an int.
        ValueError: The value is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, value, f"a whole number, {span(low, high)}")
    if value < low or (high is not None and value > high):
        raise wrong_value(name, value, span(low, high))
    return value


def check_kind(name: str, value: object, kind: type[T] | tuple[type[T], ...], expected: str) -> T:
    """Refuse a value that is not an instance of ``kind``.

    Raises:
        TypeError: The value is not an instance.
    """
    if not isinstance(value, kind):
        raise wrong_type(name, value, expected)
    return value


def check_aware(name: str, value: object) -> datetime.datetime:
    """Refuse anything but a timezone-aware datetime.

    Raises:
        TypeError: The value is not a datetime.
        ValueError: The datetime is naive.
    """
    moment = check_kind(name, value, datetime.datetime, "a timezone-aware datetime")
    if moment.utcoffset() is None:
        raise wrong_value(name, value, "a timezone-aware datetime")
    return moment


def check_callable(name: str, value: T, expected: str) -> T:
    """Refuse a value that is not callable.

    Raises:
        TypeError: The value is not callable.
    """
    if not callable(value):
        raise wrong_type(name, value, expected)
    return value


def check_items(name: str, value: object, expected: str) -> list[Any]:
    """The items of an iterable; strings, bytes and mappings are refused.

    Raises:
        TypeError: The value is not such an iterable.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong_type(name, value, expected)
    return list(value)


def check_names(name: str, value: object, expected: str) -> list[str]:
    """The strings of an iterable, or of one string alone.

    Raises:
        TypeError: The value is neither.
    """
    names = [value] if isinstance(value, str) else check_items(name, value, expected)
    if not all(isinstance(each, str) for each in names):
        raise wrong_type(name, value, expected)
    return names


def check_choice(name: str, value: T, choices: Iterable[object]) -> T:
    """Refuse a value that is not one of the choices.

    Raises:
        TypeError: No choice has the type of the value.
        ValueError: The value is not among them.
    """
    allowed = list(choices)
    expected = f"one of {', '.join(map(str, allowed))}"
    check_kind(name, value, tuple(map(type, allowed)), expected)
    if value not in allowed:
        raise wrong_value(name, value, expected)
    return value
