"""Check the options of strategies when something is drawn, as Hypothesis does with its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
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
    check = _arguments.check_optional_switch if optional else _arguments.check_switch
    with _as_invalid():
        for name, value in switches.items():
            check(name, value)


def deferred(make: Callable[[], st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """A strategy that is made when something is drawn, which is when its options are checked."""
    return st.deferred(make)


def _whole(name: str, value: object) -> int:
    with _as_invalid():
        return _arguments.check_whole(name, value)


@contextlib.contextmanager
def _as_invalid() -> Iterator[None]:
    """Refuse as Hypothesis does."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InvalidArgument(str(error)) from None
