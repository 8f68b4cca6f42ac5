"""The typed dicts of the API with tools that read types."""

from __future__ import annotations

import datetime

import pydantic
import pytest
from hypothesis import find
from hypothesis import strategies as st

from pytest_deadline_sessions import (
    Listing,
    ListSessionsRequest,
    ListSessionsResponse,
    SessionSummary,
    assert_session_summary,
)

SUMMARIES = pydantic.TypeAdapter(list[SessionSummary])


def test_pydantic_takes_valid_summaries():
    """Valid summaries pass through pydantic unchanged."""
    summaries = list(Listing(runs=(("STARTED", 1), ("ENDED", 1))))
    assert SUMMARIES.validate_python(summaries) == summaries
    (read,) = SUMMARIES.validate_json(SUMMARIES.dump_json(summaries[:1]))
    assert read == summaries[0]


@pytest.mark.parametrize(
    ("change", "member", "kind"),
    [
        ({"lifecycleStatus": "RUNNING"}, "lifecycleStatus", "literal_error"),
        ({"targetLifecycleStatus": "STARTED"}, "targetLifecycleStatus", "literal_error"),
        ({"startedAt": "yesterday"}, "startedAt", "datetime_from_date_parsing"),
        ({"workerId": None}, "workerId", "string_type"),
    ],
)
def test_pydantic_refuses_invalid_members(change, member, kind):
    """Pydantic names the member whose value has the wrong type."""
    (summary,) = Listing(page_sizes=(1,))
    with pytest.raises(pydantic.ValidationError) as caught:
        SUMMARIES.validate_python([{**summary, **change}])
    assert [(error["loc"], error["type"]) for error in caught.value.errors()] == [
        ((0, member), kind)
    ]


def test_pydantic_knows_which_members_are_required():
    """Pydantic requires the five members that every summary has, and no others."""
    with pytest.raises(pydantic.ValidationError) as caught:
        SUMMARIES.validate_python([{}])
    assert {(error["loc"][1], error["type"]) for error in caught.value.errors()} == {
        (name, "missing")
        for name in ("sessionId", "fleetId", "workerId", "startedAt", "lifecycleStatus")
    }


def test_pydantic_models_hold_requests_and_responses():
    """The types can be fields of a pydantic model."""

    class Exchange(pydantic.BaseModel):
        request: ListSessionsRequest
        response: ListSessionsResponse

    request = {"farmId": "f", "queueId": "q", "jobId": "j", "maxResults": 7}
    response = {"sessions": list(Listing(page_sizes=(1,))), "nextToken": "t"}
    exchange = Exchange(request=request, response=response)
    assert exchange.model_dump() == {"request": request, "response": response}


def test_from_type():
    """``st.from_type`` draws valid summaries, also inside another type."""
    (summary,) = find(st.from_type(list[SessionSummary]), lambda drawn: len(drawn) == 1)
    assert_session_summary(summary)
    assert isinstance(summary["startedAt"], datetime.datetime)
