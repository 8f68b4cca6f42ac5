"""Stub, fake and property-test AWS Deadline Cloud ``ListSessions`` in pytest.

The public names are loaded when first used, so that loading the plugin costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deadline_sessions.assertions import (
        assert_complete_listing as assert_complete_listing,
    )
    from pytest_deadline_sessions.assertions import assert_follows_tokens as assert_follows_tokens
    from pytest_deadline_sessions.assertions import assert_lifecycle as assert_lifecycle
    from pytest_deadline_sessions.assertions import assert_session_summary as assert_session_summary
    from pytest_deadline_sessions.assertions import assert_token_expired as assert_token_expired
    from pytest_deadline_sessions.assertions import assert_transition as assert_transition
    from pytest_deadline_sessions.checking import PaginationViolation as PaginationViolation
    from pytest_deadline_sessions.checking import check_pagination as check_pagination
    from pytest_deadline_sessions.clock import Clock as Clock
    from pytest_deadline_sessions.fake import FakeDeadline as FakeDeadline
    from pytest_deadline_sessions.faults import Fault as Fault
    from pytest_deadline_sessions.model import ListSessionsRequest as ListSessionsRequest
    from pytest_deadline_sessions.model import ListSessionsResponse as ListSessionsResponse
    from pytest_deadline_sessions.model import SessionSummary as SessionSummary
    from pytest_deadline_sessions.paging import Listing as Listing
    from pytest_deadline_sessions.paging import Page as Page
    from pytest_deadline_sessions.service import Behavior as Behavior
    from pytest_deadline_sessions.service import Job as Job
    from pytest_deadline_sessions.service import Session as Session
    from pytest_deadline_sessions.stubber import ListSessionsStubber as ListSessionsStubber
    from pytest_deadline_sessions.transcript import Call as Call
else:
    _ROOMS = {
        "Behavior": "service",
        "Call": "transcript",
        "Clock": "clock",
        "FakeDeadline": "fake",
        "Fault": "faults",
        "Job": "service",
        "ListSessionsRequest": "model",
        "ListSessionsResponse": "model",
        "ListSessionsStubber": "stubber",
        "Listing": "paging",
        "Page": "paging",
        "PaginationViolation": "checking",
        "Session": "service",
        "SessionSummary": "model",
        "assert_complete_listing": "assertions",
        "assert_follows_tokens": "assertions",
        "assert_lifecycle": "assertions",
        "assert_session_summary": "assertions",
        "assert_token_expired": "assertions",
        "assert_transition": "assertions",
        "check_pagination": "checking",
    }

    __all__ = sorted(_ROOMS)  # noqa: PLE0605 (sorted gives a list)

    def __getattr__(name: str) -> object:
        if name not in _ROOMS:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ROOMS})
