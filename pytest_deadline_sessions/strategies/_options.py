"""Check the options of strategies when something is drawn, as Hypothesis does with its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from pytest_deadline_sessions import _arguments

T = TypeVar("T")


def refuse(what: str, expected: str) -> InvalidArgument:
    """The error for an impossible option.

    Args:
        what: The option with its value, such as ``max_size=0``.
        expected: The possible values.
    """
    return InvalidArgument(f"{what} (expected {expected})")


def refuse_value(name: str, value: object, expected: str) -> InvalidArgument:
    """The error for one impossible option, in the common wording."""
    return InvalidArgument(_arguments.refusal(name, value, expected))


def check_sizes(low_name: str, low: object, high_name: str, high: object) -> None:
    """Refuse bounds that are not whole numbers, or a lower one above the upper one."""
    least, most = _whole(low_name, low), _whole(high_name, high)
    if least > most:
        raise refuse(f"{low_name}={least}, {high_name}={most}", f"{low_name} <= {high_name}")


def check_switches(*, optional: bool = False, **switches: object) -> None:
    """Refuse anything but a bool, or ``None`` if ``optional``."""
    for name, value in switches.items():
        if not isinstance(value, bool) and not (optional and value is None):
            raise refuse_value(name, value, f"True or False{' or None' if optional else ''}")


def deferred(make: Callable[[], st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """A strategy that is made when something is drawn, which is when its options are checked."""
    return st.deferred(make)


def _whole(name: str, value: object) -> int:
    try:
        return _arguments.check_whole(name, value)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(str(error)) from None
