"""The marker and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.behavior import Behavior

MARKER = "deadline_sessions"
SWITCHES = {"assert_all_responses_requested": True, "strict": True}


def declare(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(**options): members of Behavior for the service of this test, and the switches "
        f"{', '.join(SWITCHES)}; the closest marker wins.",
    )


def check(items: list[pytest.Item]) -> None:
    """Refuse wrong markers.

    Raises:
        pytest.UsageError: A marker has a wrong option.
    """
    for item in items:
        if item.get_closest_marker(MARKER) is not None:
            options(item)


def options(item: pytest.Item) -> tuple[dict[str, bool], Behavior]:
    """The switches and the behavior that the markers of a test select.

    Raises:
        pytest.UsageError: A marker has a wrong option.
    """
    from pytest_deadline_sessions._arguments import check_switch, refusal
    from pytest_deadline_sessions._service.behavior import Behavior
    from pytest_deadline_sessions._text import shown

    merged: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise _wrong(item, f"{shown(marker.args)} (expected keyword arguments only)")
        merged = {**marker.kwargs, **merged}
    allowed = [*SWITCHES, *Behavior.reasons()]
    for name, value in merged.items():
        if name not in allowed:
            raise _wrong(item, refusal(name, value, f"one of {', '.join(allowed)}"))
    try:
        given = {name: merged.pop(name, default) for name, default in SWITCHES.items()}
        switches = {name: check_switch(name, value) for name, value in given.items()}
        return switches, Behavior(**merged)
    except (TypeError, ValueError) as error:
        raise _wrong(item, str(error)) from None


def _wrong(item: pytest.Item, problem: str) -> pytest.UsageError:
    return pytest.UsageError(f"{item.nodeid}: @pytest.mark.{MARKER}: {problem}")
