"""``ListSessionsStubber``: the pages that it queues and answers."""

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


def test_it_is_a_stubber_of_botocore(stubber: Any) -> None:
    """Code that asks for a botocore Stubber can be given ours."""
    assert isinstance(stubber, botocore.stub.Stubber)


def test_the_default_job_is_a_valid_request_that_nobody_can_change(stubber: Any) -> None:
    """The default ids are such that the service could have given them, and stay as they are."""
    assert validation.check_request(dict(stubber.job)) == []
    assert list(stubber.job) == ["farmId", "queueId", "jobId"]
    with pytest.raises(TypeError):
        stubber.job["jobId"] = "job-1"


def test_the_repr_counts_what_is_queued_and_what_was_given(stubber: Any) -> None:
    """One sees at once how far a stubber has come."""
    stubber.add_pages([[], []])
    stubber.client.list_sessions(**stubber.job)
    assert repr(stubber) == "<ListSessionsStubber: 1 queued, 1 given>"


def test_pages_are_chained_for_a_paginator(stubber: Any) -> None:
    """A paginator gets every page in order and passes every token on."""
    pages = [summaries(2), [], summaries(1, first=3)]
    stubber.add_pages(pages)
    paginator = stubber.client.get_paginator("list_sessions")
    assert [page["sessions"] for page in paginator.paginate(**stubber.job)] == pages
    sent = [call.token for call in stubber.calls]
    given = [call.next_token for call in stubber.calls]
    assert sent == [None, given[0], given[1]]
    assert given[2] is None
    stubber.assert_no_pending_responses()


def test_a_paginator_may_ask_for_a_page_size(stubber: Any) -> None:
    """The page size of a paginator is a maxResults like any other."""
    stubber.add_pages([summaries(2), summaries(1, first=3)], maxResults=2)
    paginator = stubber.client.get_paginator("list_sessions")
    pages = list(paginator.paginate(**stubber.job, PaginationConfig={"PageSize": 2}))
    assert [len(page["sessions"]) for page in pages] == [2, 1]


def test_pages_come_without_anything_added(stubber: Any) -> None:
    """A response has the summaries and the token, and nothing that was not queued."""
    stubber.add_pages([summaries(1), []])
    first = stubber.client.list_sessions(**stubber.job)
    assert list(first) == ["sessions", "nextToken"]
    assert stubber.client.list_sessions(**stubber.job, nextToken=first["nextToken"]) == {
        "sessions": []
    }


@pytest.mark.parametrize("dropped", ["farmId", "maxResults", "nextToken"])
def test_every_call_has_to_repeat_every_argument(stubber: Any, dropped: str) -> None:
    """A second call that leaves an argument out, or the token, is not the expected one."""
    stubber.add_pages([[], []], **OTHER_JOB, maxResults=5)
    token = stubber.client.list_sessions(**OTHER_JOB, maxResults=5)["nextToken"]
    second = {**OTHER_JOB, "maxResults": 5, "nextToken": token}
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**{k: v for k, v in second.items() if k != dropped})
    stubber.client.list_sessions(**second)


def test_a_call_may_have_no_argument_that_is_not_expected(stubber: Any) -> None:
    """An argument too many is not the expected call either."""
    stubber.add_pages([[]])
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**stubber.job, maxResults=5)


def test_one_page_has_no_token(stubber: Any) -> None:
    """A listing of one page, also an empty one, ends with it."""
    stubber.add_pages([[]])
    assert stubber.client.list_sessions(**stubber.job) == {"sessions": []}
    assert stubber.next_token is None


def test_tokens_are_unique_valid_and_awkward(stubber: Any) -> None:
    """No token comes twice, each is as the service may send it, and careless escaping breaks it."""
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
    """Two stubbers that queue the same give the same tokens, so failures can be compared."""
    tokens = []
    for _ in range(2):
        stubber = ListSessionsStubber(client_factory.client())
        stubber.add_pages([[], []], more=True)
        tokens.append(stubber.next_token)
    assert tokens[0] == tokens[1]


def test_more_gives_the_last_page_a_token_to_go_on_from(stubber: Any) -> None:
    """A listing can be left open and continued by what is queued next."""
    stubber.add_pages([summaries(1)], more=True)
    stubber.add_fault("ThrottlingException", nextToken=stubber.next_token)
    stubber.add_pages([summaries(1, first=2)], nextToken=stubber.next_token)
    token = stubber.client.list_sessions(**stubber.job)["nextToken"]
    with pytest.raises(stubber.client.exceptions.ThrottlingException):
        stubber.client.list_sessions(**stubber.job, nextToken=token)
    last = stubber.client.list_sessions(**stubber.job, nextToken=token)
    assert last == {"sessions": summaries(1, first=2)}


def test_a_page_may_bring_its_own_token(stubber: Any) -> None:
    """The token of a Page is used as it is, also at the end, also when it is empty."""
    stubber.add_pages([Page(summaries(1), "mine"), Page(), Page([], "")])
    assert stubber.client.list_sessions(**stubber.job)["nextToken"] == "mine"
    second = stubber.client.list_sessions(**stubber.job, nextToken="mine")
    last = stubber.client.list_sessions(**stubber.job, nextToken=second["nextToken"])
    assert last == {"sessions": [], "nextToken": ""}
    assert stubber.next_token == ""


def test_pages_may_be_any_iterables(stubber: Any) -> None:
    """Generators, tuples and listings are pages too."""
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
    """An argument that the test does not care about can have any value, on every page."""
    stubber.add_pages([[], []], maxResults=anything, **{**OTHER_JOB, "jobId": anything})
    token = stubber.client.list_sessions(**OTHER_JOB, maxResults=1)["nextToken"]
    stubber.client.list_sessions(**OTHER_JOB, maxResults=9, nextToken=token)
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("anything", ANY_VALUES)
def test_any_may_stand_for_a_token(stubber: Any, anything: Any) -> None:
    """A listing can be resumed with whatever token the code under test has saved."""
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
    """A collector sees the same pages from the stubber as from the in-memory service."""
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


def test_a_listing_may_be_left_open(stubber: Any) -> None:
    """What may be left open, or let through, as pages may be so as a listing."""
    bad = Listing.of([{"sessionId": "session-1"}], strict=False)
    with pytest.raises(ValueError, match="the real service"):
        stubber.add_listing(bad)
    stubber.add_listing(bad, more=True, strict=False)
    assert stubber.client.list_sessions(**stubber.job) == {
        "sessions": [{"sessionId": "session-1"}],
        "nextToken": stubber.next_token,
    }


@pytest.mark.parametrize("most", [0, 101, "7", None])
def test_an_impossible_limit_cuts_as_if_there_were_none(stubber: Any, most: Any) -> None:
    """A maxResults that the service would refuse, let through, leaves pages of 100."""
    stubber.add_listing(Listing(runs=(("ENDED", 101),)), strict=False, maxResults=most)
    assert len(stubber.pending) == 2


def test_what_was_queued_does_not_change_with_what_it_was_made_of(stubber: Any) -> None:
    """A caller that changes its lists and dicts later changes nothing in the queue."""
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


def test_what_was_served_is_the_collectors_own(stubber: Any) -> None:
    """A collector that changes what it got changes neither later pages nor the transcript."""
    shared = summaries(1)
    stubber.add_pages([shared])
    stubber.add_pages([shared])
    page = stubber.client.list_sessions(**stubber.job)
    page["sessions"][0].clear()
    page["sessions"].append("more")
    assert stubber.calls[0].sessions == shared
    assert stubber.client.list_sessions(**stubber.job)["sessions"] == shared


def test_the_transcript_keeps_the_arguments_as_they_were_sent(stubber: Any) -> None:
    """Arguments that the code under test changes afterwards stay as sent in the transcript."""
    tags = {"a": "1"}
    stubber.add_client_error("tag_resource", "ValidationException")
    with pytest.raises(ClientError):
        stubber.client.tag_resource(resourceArn="arn:aws:deadline:x", tags=tags)
    tags.clear()
    assert stubber.calls[0].params["tags"] == {"a": "1"}
