"""Hypothesis strategies for requests and responses of Deadline Cloud ``ListSessions``.

Import it as ``from pytest_deadline_sessions import strategies as ds``.

Example:
    >>> from hypothesis import given
    >>> from pytest_deadline_sessions import strategies as ds
    >>> @given(ds.session_lists())
    ... def test_ids_are_unique(sessions):
    ...     assert len({session["sessionId"] for session in sessions}) == len(sessions)
    >>> test_ids_are_unique()
"""

import importlib
from typing import TYPE_CHECKING

from pytest_deadline_sessions._public import public
from pytest_deadline_sessions.strategies._histories import (
    invalid_session_summaries,
    session_histories,
)
from pytest_deadline_sessions.strategies._jobs import job_contents
from pytest_deadline_sessions.strategies._listings import (
    faults,
    list_sessions_requests,
    list_sessions_responses,
    listings,
)
from pytest_deadline_sessions.strategies._summaries import (
    farm_ids,
    fleet_ids,
    job_ids,
    lifecycle_statuses,
    queue_ids,
    session_ids,
    session_lists,
    session_summaries,
    worker_ids,
)
from pytest_deadline_sessions.strategies._types import register_boto3_types

if TYPE_CHECKING:
    from pytest_deadline_sessions.strategies._machine import SessionsMachine

__all__ = [
    "SessionsMachine",
    "farm_ids",
    "faults",
    "fleet_ids",
    "invalid_session_summaries",
    "job_contents",
    "job_ids",
    "lifecycle_statuses",
    "list_sessions_requests",
    "list_sessions_responses",
    "listings",
    "queue_ids",
    "register_boto3_types",
    "session_histories",
    "session_ids",
    "session_lists",
    "session_summaries",
    "worker_ids",
]


for _strategies in __all__:
    if _strategies != "SessionsMachine":
        public(globals()[_strategies], __name__)


def __getattr__(name: str) -> object:
    # Only the machine needs the fake, so it is loaded on first use.
    if name != "SessionsMachine":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    machine = importlib.import_module(f"{__name__}._machine").SessionsMachine
    globals()[name] = public(machine, __name__)
    return machine


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
