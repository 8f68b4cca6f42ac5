"""``ListSessionsStubber``: the pages that it queues and returns."""

from __future__ import annotations

import copy
from typing import Any
from unittest import mock

import botocore.stub
import pytest
from botocore.exceptions import (
    ClientError,
    StubAssertionError,
)
from stubbing import OTHER_JOB, summaries

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing, ListSessionsStubber, Page
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._transport import client_factory

ANY_VALUES = [pytest.param(botocore.stub.ANY, id="botocore"), pytest.param(mock.ANY, id="unittest")]


def test_the_stubber_is_a_botocore_stubber(stubber: Any) -> None:
    """A ListSessionsStubber is an instance of botocore's Stubber."""
    assert isinstance(stubber, botocore.stub.Stubber)


def test_the_default_job(stubber: Any) -> None:
    """``stubber.job`` is a valid request and cannot be changed."""
    assert validation.check_request(dict(stubber.job)) == []
    assert list(stubber.job) == ["farmId", "queueId", "jobId"]
    with pytest.raises(TypeError):
        stubber.job["jobId"] = "job-1"


def test_repr(stubber: Any) -> None:
    """The repr counts the queued and the given responses."""
    stubber.add_pages([[], []])
    stubber.client.list_sessions(**stubber.job)
    assert repr(stubber) == "<ListSessionsStubber: 1 queued, 1 given>"


def test_pages_are_chained_by_tokens(stubber: Any) -> None:
    """A paginator gets every page in order and passes each token on."""
    pages = [summaries(2), [], summaries(1, first=3)]
    stubber.add_pages(pages)
    paginator = stubber.client.get_paginator("list_sessions")
    assert [page["sessions"] for page in paginator.paginate(**stubber.job)] == pages
    passed = [call.token for call in stubber.calls]
    returned = [call.next_token for call in stubber.calls]
    assert passed == [None, returned[0], returned[1]]
    assert returned[2] is None
    stubber.assert_no_pending_responses()


def test_the_page_size_of_a_paginator(stubber: Any) -> None:
    """A paginator's page size must match the queued ``maxResults``."""
    stubber.add_pages([summaries(2), summaries(1, first=3)], maxResults=2)
    paginator = stubber.client.get_paginator("list_sessions")
    pages = list(paginator.paginate(**stubber.job, PaginationConfig={"PageSize": 2}))
    assert [len(page["sessions"]) for page in pages] == [2, 1]


def test_responses_have_no_other_members(stubber: Any) -> None:
    """A response has only the sessions and the token, without metadata."""
    stubber.add_pages([summaries(1), []])
    first = stubber.client.list_sessions(**stubber.job)
    assert list(first) == ["sessions", "nextToken"]
    assert stubber.client.list_sessions(**stubber.job, nextToken=first["nextToken"]) == {
        "sessions": []
    }


@pytest.mark.parametrize("dropped", ["farmId", "maxResults", "nextToken"])
def test_every_call_has_to_repeat_every_argument(stubber: Any, dropped: str) -> None:
    """A second call that leaves out an id, ``maxResults`` or the token is unexpected."""
    stubber.add_pages([[], []], **OTHER_JOB, maxResults=5)
    token = stubber.client.list_sessions(**OTHER_JOB, maxResults=5)["nextToken"]
    second = {**OTHER_JOB, "maxResults": 5, "nextToken": token}
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**{k: v for k, v in second.items() if k != dropped})
    stubber.client.list_sessions(**second)


def test_an_additional_argument(stubber: Any) -> None:
    """A call with an argument that was not queued is unexpected."""
    stubber.add_pages([[]])
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**stubber.job, maxResults=5)


def test_a_single_page_has_no_token(stubber: Any) -> None:
    """A listing of one page ends with that page, even if it is empty."""
    stubber.add_pages([[]])
    assert stubber.client.list_sessions(**stubber.job) == {"sessions": []}
    assert stubber.next_token is None


def test_tokens_are_unique_and_need_escaping(stubber: Any) -> None:
    """Tokens are unique and valid, and contain characters that must be escaped."""
    tokens: list[str] = []
    for job in (stubber.job, OTHER_JOB):
        stubber.add_pages([[], [], []], more=True, **job)
        for _ in range(3):
            sent = {"nextToken": tokens[-1]} if len(tokens) % 3 else {}
            tokens.append(stubber.client.list_sessions(**job, **sent)["nextToken"])
    assert len(set(tokens)) == 6
    for token in tokens:
        assert len(token) <= model.token_bounds()[1]
        assert len(token) == Behavior().token_length
        assert {"+", "/", "%", "&", " ", "=", "?", "#"} <= set(token)


def test_tokens_are_the_same_in_every_run() -> None:
    """Two stubbers with the same pages return the same tokens."""
    tokens = []
    for _ in range(2):
        stubber = ListSessionsStubber(client_factory.client())
        stubber.add_pages([[], []], more=True)
        tokens.append(stubber.next_token)
    assert tokens[0] == tokens[1]


def test_more(stubber: Any) -> None:
    """With ``more=True`` the last page has a token, with which later responses continue."""
    stubber.add_pages([summaries(1)], more=True)
    stubber.add_fault("ThrottlingException", nextToken=stubber.next_token)
    stubber.add_pages([summaries(1, first=2)], nextToken=stubber.next_token)
    token = stubber.client.list_sessions(**stubber.job)["nextToken"]
    with pytest.raises(stubber.client.exceptions.ThrottlingException):
        stubber.client.list_sessions(**stubber.job, nextToken=token)
    last = stubber.client.list_sessions(**stubber.job, nextToken=token)
    assert last == {"sessions": summaries(1, first=2)}


def test_a_page_with_its_own_token(stubber: Any) -> None:
    """The token of a Page is used, also on the last page and also if it is empty."""
    stubber.add_pages([Page(summaries(1), "mine"), Page(), Page([], "")])
    assert stubber.client.list_sessions(**stubber.job)["nextToken"] == "mine"
    second = stubber.client.list_sessions(**stubber.job, nextToken="mine")
    last = stubber.client.list_sessions(**stubber.job, nextToken=second["nextToken"])
    assert last == {"sessions": [], "nextToken": ""}
    assert stubber.next_token == ""


def test_pages_may_be_any_iterables(stubber: Any) -> None:
    """Generators, tuples and listings are accepted as pages."""
    stubber.add_pages(
        page for page in (tuple(summaries(1)), iter(summaries(1, first=2)), Listing(first=3))
    )
    assert [line.partition(" → ")[2].partition(",")[0] for line in stubber.pending] == [
        "page 1 of 3: 1 session",
        "page 2 of 3: 1 session",
        "page 3 of 3: no sessions",
    ]


@pytest.mark.parametrize("anything", ANY_VALUES)
def test_any_stands_for_every_value(stubber: Any, anything: Any) -> None:
    """``ANY`` as an expected argument matches any value, on every page."""
    stubber.add_pages([[], []], maxResults=anything, **{**OTHER_JOB, "jobId": anything})
    token = stubber.client.list_sessions(**OTHER_JOB, maxResults=1)["nextToken"]
    stubber.client.list_sessions(**OTHER_JOB, maxResults=9, nextToken=token)
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("anything", ANY_VALUES)
def test_any_as_a_token(stubber: Any, anything: Any) -> None:
    """``ANY`` as the expected token matches any token."""
    stubber.add_pages([[]], nextToken=anything)
    assert stubber.client.list_sessions(**stubber.job, nextToken="saved") == {"sessions": []}


@pytest.mark.parametrize("request_", [{}, {"maxResults": 2}])
@pytest.mark.parametrize(
    "listing",
    [
        Listing(page_sizes=(2, 0, 1)),
        Listing(page_sizes=(3, 0, 5, 0)),
        Listing(runs=(("ENDED", 7),)),
        Listing(),
        Listing(runs=(("UPDATE_FAILED", 101),)),
    ],
)
def test_a_listing_is_cut_as_the_service_cuts_it(
    stubber: Any, listing: Listing, request_: dict[str, Any]
) -> None:
    """The stubber serves a Listing in the same pages as the fake."""
    fake = FakeDeadline()
    config = {"PageSize": request_.get("maxResults")}
    job = fake.add_job(listing)
    real = fake.client().get_paginator("list_sessions")
    wanted = [page["sessions"] for page in real.paginate(**job, PaginationConfig=config)]
    stubber.add_listing(listing, **request_)
    paginator = stubber.client.get_paginator("list_sessions")
    served = paginator.paginate(**stubber.job, PaginationConfig=config)
    assert [page["sessions"] for page in served] == wanted
    stubber.assert_no_pending_responses()


def test_options_of_add_listing(stubber: Any) -> None:
    """``add_listing`` takes ``more`` and ``strict`` as ``add_pages`` does."""
    bad = Listing.of([{"sessionId": "session-1"}], strict=False)
    with pytest.raises(ValueError, match="the real service"):
        stubber.add_listing(bad)
    stubber.add_listing(bad, more=True, strict=False)
    assert stubber.client.list_sessions(**stubber.job) == {
        "sessions": [{"sessionId": "session-1"}],
        "nextToken": stubber.next_token,
    }


@pytest.mark.parametrize("most", [0, 101, "7", None])
def test_an_invalid_max_results_is_ignored(stubber: Any, most: Any) -> None:
    """With ``strict=False`` an invalid ``maxResults`` leaves pages of 100 sessions."""
    stubber.add_listing(Listing(runs=(("ENDED", 101),)), strict=False, maxResults=most)
    assert len(stubber.pending) == 2


def test_queued_responses_are_copied(stubber: Any) -> None:
    """Changing the given lists and dicts afterwards does not change the queue."""
    pages = [summaries(1), []]
    wanted = copy.deepcopy(pages)
    response = {"sessions": summaries(1)}
    expected = dict(OTHER_JOB)
    stubber.add_pages(pages)
    stubber.add_response("list_sessions", response, expected)
    pages[0][0]["lifecycleStatus"] = "ENDED"
    pages[0].clear()
    response["sessions"][0].clear()
    expected.clear()
    served = list(stubber.client.get_paginator("list_sessions").paginate(**stubber.job))
    assert [page["sessions"] for page in served] == wanted
    assert stubber.client.list_sessions(**OTHER_JOB) == {"sessions": summaries(1)}


def test_returned_responses_are_copied(stubber: Any) -> None:
    """Changing a returned page changes neither later pages nor the transcript."""
    shared = summaries(1)
    stubber.add_pages([shared])
    stubber.add_pages([shared])
    page = stubber.client.list_sessions(**stubber.job)
    page["sessions"][0].clear()
    page["sessions"].append("more")
    assert stubber.calls[0].sessions == shared
    assert stubber.client.list_sessions(**stubber.job)["sessions"] == shared


def test_recorded_arguments_are_copied(stubber: Any) -> None:
    """Changing an argument after the call does not change the transcript."""
    tags = {"a": "1"}
    stubber.add_client_error("tag_resource", "ValidationException")
    with pytest.raises(ClientError):
        stubber.client.tag_resource(resourceArn="arn:aws:deadline:x", tags=tags)
    tags.clear()
    assert stubber.calls[0].params["tags"] == {"a": "1"}
