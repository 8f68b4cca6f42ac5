"""Stub, fake and property-test AWS Deadline Cloud ``ListSessions`` in pytest.

Each public name is loaded on first use, so that loading the plugin costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deadline_sessions._api.types import ListSessionsRequest as ListSessionsRequest
    from pytest_deadline_sessions._api.types import ListSessionsResponse as ListSessionsResponse
    from pytest_deadline_sessions._api.types import SessionSummary as SessionSummary
    from pytest_deadline_sessions._assertions.completeness import (
        assert_complete_listing as assert_complete_listing,
    )
    from pytest_deadline_sessions._assertions.expired_tokens import (
        assert_token_expired as assert_token_expired,
    )
    from pytest_deadline_sessions._assertions.summaries import assert_lifecycle as assert_lifecycle
    from pytest_deadline_sessions._assertions.summaries import (
        assert_session_summary as assert_session_summary,
    )
    from pytest_deadline_sessions._assertions.summaries import (
        assert_transition as assert_transition,
    )
    from pytest_deadline_sessions._assertions.tokens import (
        assert_follows_tokens as assert_follows_tokens,
    )
    from pytest_deadline_sessions._domain.clock import Clock as Clock
    from pytest_deadline_sessions._domain.faults import Fault as Fault
    from pytest_deadline_sessions._domain.faults import FaultError as FaultError
    from pytest_deadline_sessions._domain.listing import Listing as Listing
    from pytest_deadline_sessions._domain.listing import Page as Page
    from pytest_deadline_sessions._domain.transcript import Call as Call
    from pytest_deadline_sessions._domain.transcript import Transcript as Transcript
    from pytest_deadline_sessions._fake import FakeDeadline as FakeDeadline
    from pytest_deadline_sessions._service.behavior import Behavior as Behavior
    from pytest_deadline_sessions._service.jobs import Job as Job
    from pytest_deadline_sessions._service.jobs import Session as Session
    from pytest_deadline_sessions._service.service import Service as Service
    from pytest_deadline_sessions._stubber.stubber import ListSessionsStubber as ListSessionsStubber
    from pytest_deadline_sessions._transport.http_server import Endpoint as Endpoint
    from pytest_deadline_sessions.checking import Checked as Checked
    from pytest_deadline_sessions.checking import PaginationViolation as PaginationViolation
    from pytest_deadline_sessions.checking import check_pagination as check_pagination
else:
    _ROOMS = {
        "Behavior": "_service.behavior",
        "Call": "_domain.transcript",
        "Checked": "checking",
        "Clock": "_domain.clock",
        "Endpoint": "_transport.http_server",
        "FakeDeadline": "_fake",
        "Fault": "_domain.faults",
        "FaultError": "_domain.faults",
        "Job": "_service.jobs",
        "ListSessionsRequest": "_api.types",
        "ListSessionsResponse": "_api.types",
        "ListSessionsStubber": "_stubber.stubber",
        "Listing": "_domain.listing",
        "Page": "_domain.listing",
        "PaginationViolation": "checking",
        "Service": "_service.service",
        "Session": "_service.jobs",
        "SessionSummary": "_api.types",
        "Transcript": "_domain.transcript",
        "assert_complete_listing": "_assertions.completeness",
        "assert_follows_tokens": "_assertions.tokens",
        "assert_lifecycle": "_assertions.summaries",
        "assert_session_summary": "_assertions.summaries",
        "assert_token_expired": "_assertions.expired_tokens",
        "assert_transition": "_assertions.summaries",
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
