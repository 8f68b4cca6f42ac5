"""What every strategy does with its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

T = TypeVar("T")


def refuse(what: str, expected: str) -> InvalidArgument:
    """The error for an option that cannot be."""
    return InvalidArgument(f"{what} (expected {expected})")


def check_sizes(low_name: str, low: Any, high_name: str, high: Any) -> None:
    """Refuse a pair of bounds that leaves nothing between them."""
    for name, value in ((low_name, low), (high_name, high)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse(f"{name}={value!r}", "a whole number")
        if value < 0:
            raise refuse(f"{name}={value!r}", "0 or more")
    if low > high:
        raise refuse(f"{low_name}={low!r}, {high_name}={high!r}", f"{low_name} <= {high_name}")


def check_switches(*, optional: bool = False, **switches: Any) -> None:
    """Refuse what is no bool, nor ``None`` where that is a choice too."""
    for name, value in switches.items():
        if not isinstance(value, bool) and not (optional and value is None):
            raise refuse(f"{name}={value!r}", f"True or False{' or None' if optional else ''}")


def deferred(make: Callable[[], st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """A strategy that is made, and whose options are checked, when something is drawn."""
    return st.deferred(make)
