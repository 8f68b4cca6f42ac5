"""What ``ListSessionsStubber`` refuses to queue, and what ``strict=False`` accepts."""

from __future__ import annotations

import datetime
import types
from typing import Any

import pytest
from stubbing import FARM, OTHER_JOB, summaries, text_of

from pytest_deadline_sessions import ListSessionsStubber, Page
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions._transport import client_factory

NO_PAGE = (
    "(expected a list of session summaries, or a Page; "
    "write a single page as [[summary, …]], and pass a Listing to add_listing)"
)


@pytest.mark.parametrize(
    "client",
    [None, types.SimpleNamespace(meta=None), "deadline"],
)
def test_a_client_of_the_wrong_type(client: Any) -> None:
    """Anything but a client raises a TypeError that names it."""
    with pytest.raises(TypeError) as error:
        ListSessionsStubber(client)
    assert text_of(error) == f"client={client!r} (expected a botocore client of 'deadline')"


def test_a_client_of_another_service() -> None:
    """A client of another service raises a TypeError."""
    other = types.SimpleNamespace(
        meta=types.SimpleNamespace(service_model=types.SimpleNamespace(service_name="s3"))
    )
    with pytest.raises(TypeError, match="expected a botocore client of 'deadline'"):
        ListSessionsStubber(other)


@pytest.mark.parametrize("wrong", ["no", 0, None])
def test_strict_is_true_or_false(wrong: Any) -> None:
    """The constructor refuses a ``strict`` that is not a bool."""
    with pytest.raises(TypeError) as error:
        ListSessionsStubber(client_factory.client(), strict=wrong)
    assert text_of(error) == f"strict={wrong!r} (expected True or False)"


@pytest.mark.parametrize("name", ["strict", "more"])
def test_switches_of_the_methods_are_true_or_false(stubber: Any, name: str) -> None:
    """``add_pages`` refuses switches that are not bools, and queues nothing."""
    with pytest.raises(TypeError) as error:
        stubber.add_pages([[]], **{name: "yes"})
    assert text_of(error) == f"{name}='yes' (expected True or False)"
    assert stubber.pending == []


def test_strict_is_checked_for_faults_too(stubber: Any) -> None:
    """``add_fault`` refuses a ``strict`` that is not a bool, even if no arguments are expected."""
    with pytest.raises(TypeError, match=r"^strict='yes' \(expected True or False\)$"):
        stubber.add_fault("ThrottlingException", strict="yes")
    assert stubber.pending == []


@pytest.mark.parametrize("strict", [True, False])
def test_some_ids_are_refused(stubber: Any, *, strict: bool) -> None:
    """A request with only some of the ids is refused, even with ``strict=False``."""
    with pytest.raises(ValueError, match="missing") as error:
        stubber.add_pages([[]], strict=strict, **FARM)
    assert text_of(error) == (
        "queueId, jobId: missing "
        "(expected farmId, queueId, jobId, or none of them to use those of stubber.job)"
    )
    assert stubber.pending == []


@pytest.mark.parametrize(
    ("pages", "text"),
    [
        (5, "pages=5 (expected a list of pages, each a list of session summaries)"),
        ("ab", "pages='ab' (expected a list of pages, each a list of session summaries)"),
        ({}, "pages={} (expected a list of pages, each a list of session summaries)"),
        (
            [[], 5],
            f"pages[1]=5 {NO_PAGE}",
        ),
        (
            [{"sessionId": "session-1"}],
            f"pages[0]={{'sessionId': 'session-1'}} {NO_PAGE}",
        ),
    ],
)
def test_pages_of_the_wrong_type(stubber: Any, pages: Any, text: str) -> None:
    """Pages of the wrong type raise an error with the index, even with ``strict=False``."""
    with pytest.raises(TypeError) as error:
        stubber.add_pages(pages, strict=False)
    assert text_of(error) == text
    assert stubber.pending == []


def test_no_pages(stubber: Any) -> None:
    """``add_pages`` needs at least one page, which may be empty."""
    with pytest.raises(ValueError, match="at least one") as error:
        stubber.add_pages([])
    assert text_of(error) == "pages=[] (expected at least one page; an empty listing is [[]])"


@pytest.mark.parametrize("listing", [[summaries(1)], 5])
def test_a_listing_of_the_wrong_type(stubber: Any, listing: Any) -> None:
    """``add_listing`` refuses anything but a Listing, and points to ``add_pages``."""
    with pytest.raises(TypeError) as error:
        stubber.add_listing(listing)
    assert text_of(error) == (
        f"listing={shown(listing)} (expected a Listing; add_pages takes lists of summaries)"
    )


def test_all_violations_are_reported(stubber: Any) -> None:
    """All violations of request and pages are in one error, and no page is queued."""
    malformed, ended, naive, running, fine = summaries(5)
    malformed["sessionId"] = "session-1"
    ended["lifecycleStatus"] = "ENDED"
    naive["startedAt"] = datetime.datetime(2030, 1, 1)  # noqa: DTZ001 (what is refused)
    running["lifecycleStatus"] = "RUNNING"
    lacking = {name: value for name, value in fine.items() if name != "fleetId"}
    lacking["sessionId"] = model.make_id("SessionId", 6)
    with pytest.raises(ValueError, match="the real service") as error:
        stubber.add_pages(
            [[fine], [malformed, ended], [naive, running], [lacking, "session-2"]],
            **{**stubber.job, "farmId": "farm-1"},
            pageSize=3,
        )
    members = ", ".join(model.members("ListSessionsRequest"))
    assert text_of(error) == (
        "the real service could not send this (strict=False queues it anyway):\n"
        "  farmId: 'farm-1' (expected to match farm-[0-9a-f]{32})\n"
        f"  pageSize: 3 (expected no such member; {members})\n"
        "  pages[1].sessions[0] breaks schema: "
        "sessionId: 'session-1' (expected to match session-[0-9a-f]{32})\n"
        "  pages[1].sessions[1] breaks ended-at: "
        "endedAt: missing (expected a datetime, since lifecycleStatus is ENDED)\n"
        "  pages[2].sessions[0] breaks schema: "
        "startedAt: datetime.datetime(2030, 1, 1, 0, 0), which is naive "
        "(expected a timezone-aware datetime)\n"
        "  pages[2].sessions[1] breaks schema: lifecycleStatus: 'RUNNING' (expected one of "
        "'STARTED', 'UPDATE_IN_PROGRESS', 'UPDATE_SUCCEEDED', 'UPDATE_FAILED', 'ENDED')\n"
        "  pages[3].sessions[0] breaks schema: "
        "fleetId: missing (expected a value, it is required)\n"
        "  pages[3].sessions[1] breaks schema: "
        "summary: 'session-2' (expected a dict of SessionSummary)"
    )
    assert stubber.pending == []


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({"maxResults": 101}, "maxResults: 101 (expected 1..100)"),
        ({"maxResults": "7"}, "maxResults: '7' (expected an integer)"),
        ({"nextToken": None}, "nextToken: None (expected a string)"),
    ],
)
def test_an_invalid_request(stubber: Any, request_: dict[str, Any], line: str) -> None:
    """An expected request that the service would refuse is refused."""
    with pytest.raises(ValueError, match="the real service") as error:
        stubber.add_pages([[]], **request_)
    assert text_of(error).splitlines()[1:] == [f"  {line}"]
    assert stubber.pending == []


def test_a_repeated_session(stubber: Any) -> None:
    """A session that is on two pages is refused with both places."""
    first, second = summaries(2)
    with pytest.raises(ValueError, match="unique ids") as error:
        stubber.add_pages([[first], [second, first]])
    assert text_of(error) == (
        "the real service could not send this (strict=False queues it anyway):\n"
        f"  pages[1].sessions[1].sessionId: {first['sessionId']!r} "
        "(expected unique ids; pages[0].sessions[0] has this one)"
    )


@pytest.mark.parametrize(
    ("pages", "request_", "line"),
    [
        (
            [Page([], "again"), Page([], "again")],
            {},
            "pages[1].nextToken: 'again' (expected a new token; pages[0] has this one)",
        ),
        (
            [Page([], "again")],
            {"nextToken": "again"},
            "pages[0].nextToken: 'again' (expected a new token; the request has this one)",
        ),
    ],
)
def test_a_repeated_token(stubber: Any, pages: Any, request_: Any, line: str) -> None:
    """A token that an earlier page or the request already has is refused."""
    with pytest.raises(ValueError, match="new token") as error:
        stubber.add_pages(pages, **request_)
    assert text_of(error).splitlines()[1:] == [f"  {line}"]


@pytest.mark.skipif(
    "NextToken" not in model.service_model().shape_names,
    reason="the service model of this botocore has no limit for tokens",
)
def test_a_token_that_is_too_long(stubber: Any) -> None:
    """A token longer than the service model allows is refused."""
    stubber.add_pages([Page([], "x" * 4096)])
    with pytest.raises(ValueError, match=r"pages\[0\].nextToken: 4097 characters"):
        stubber.add_pages([Page([], "x" * 4097)])


@pytest.mark.parametrize(("request_", "most"), [({}, 100), ({"maxResults": 2}, 2)])
def test_a_page_with_too_many_sessions(stubber: Any, request_: Any, most: int) -> None:
    """A page with more sessions than ``maxResults``, or than 100, is refused."""
    sessions = [*summaries(100), *summaries(1, first=101)]
    stubber.add_pages([sessions[:most]], **request_)
    with pytest.raises(ValueError, match="items") as error:
        stubber.add_pages([[], sessions[: most + 1]], **request_)
    assert text_of(error).splitlines()[1:] == [
        f"  pages[1].sessions: {most + 1} items (expected at most {most} in a page)"
    ]


def test_a_long_refusal_is_shortened(stubber: Any) -> None:
    """The error lists twenty violations, and the number of others."""
    with pytest.raises(ValueError, match="the real service") as error:
        stubber.add_pages([[{"sessionId": "x"}] * 7])
    lines = text_of(error).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  … and 21 more"


def test_strict_false_lets_everything_through() -> None:
    """With ``strict=False`` invalid requests and pages are accepted and served unchanged."""
    odd = [{"sessionId": 5, "startedAt": None}, "no summary", [1, ("a",)]]
    with ListSessionsStubber(client_factory.client(parameter_validation=False)) as stubber:
        stubber.add_pages([odd, odd], strict=False, **OTHER_JOB, maxResults=0)
        first = stubber.client.list_sessions(**OTHER_JOB, maxResults=0)
        token = first["nextToken"]
        second = stubber.client.list_sessions(**OTHER_JOB, maxResults=0, nextToken=token)
    served = [{"sessionId": 5, "startedAt": None}, "no summary", [1, ["a"]]]
    assert first["sessions"] == served
    assert second == {"sessions": served}


def test_strict_of_the_stubber_is_a_default() -> None:
    """``strict`` of each method overrides that of the stubber."""
    bad = [[{"sessionId": "session-1"}]]
    lenient = ListSessionsStubber(client_factory.client(), strict=False)
    assert lenient.strict is False
    lenient.add_pages(bad)
    lenient.add_fault("ThrottlingException", maxResults=0)
    lenient.add_expired_token(nextToken="", maxResults=0)
    lenient.add_response("list_sessions", {"sessions": None})
    assert len(lenient.pending) == 4
    with pytest.raises(ValueError, match="the real service"):
        lenient.add_pages(bad, strict=True)
    with pytest.raises(ValueError, match="the real service"):
        lenient.add_fault("ThrottlingException", maxResults=0, strict=True)
    with pytest.raises(ValueError, match="the real service"):
        lenient.add_expired_token(nextToken="", maxResults=0, strict=True)
    with pytest.raises(ValueError, match="the real service"):
        lenient.add_response("list_sessions", {"sessions": None}, strict=True)
    assert len(lenient.pending) == 4
