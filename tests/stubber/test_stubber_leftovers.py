"""What ``ListSessionsStubber`` reports at the end of a test."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    StubAssertionError,
    StubResponseError,
    UnStubbedResponseError,
)
from stubbing import (
    EVERY,
    FARM,
    JOB_TEXT,
    LISTED,
    NO_CALL,
    OTHER_JOB,
    first_token,
    summaries,
    text_of,
)

from pytest_deadline_sessions import Listing, ListSessionsStubber
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._text import abbreviate
from pytest_deadline_sessions._transport import client_factory

OTHER = "farmId=farm-0000…0007, queueId=queue-0000…0008, jobId=job-0000…0009"


def test_an_unexpected_call_whose_error_was_swallowed(stubber: Any) -> None:
    """An unexpected call is reported although the code has swallowed its error."""
    with contextlib.suppress(Exception):
        stubber.client.list_sessions(**stubber.job)
    with pytest.raises(AssertionError) as failure:
        stubber.assert_no_unexpected_calls()
    assert text_of(failure) == (
        "1 call was not expected:\n"
        "\n"
        f"{LISTED}no response is queued for it (none was ever added).\n"
        "\n"
        f"{NO_CALL}{EVERY}\n"
        "\n"
        "If this is intended, call stubber.unexpected.clear(). "
        'See "list_sessions_stubber" in the README.'
    )
    stubber.unexpected.clear()
    stubber.assert_no_unexpected_calls()


@pytest.mark.parametrize(("count", "more"), [(3, ""), (5, "… and 2 more\n\n")])
def test_many_unexpected_calls_are_shortened(stubber: Any, count: int, more: str) -> None:
    """Three unexpected calls are shown, and the number of others."""
    for number in range(count):
        with pytest.raises(UnStubbedResponseError):
            stubber.client.list_sessions(**stubber.job, maxResults=number)
    with pytest.raises(AssertionError) as failure:
        stubber.assert_no_unexpected_calls()
    text = text_of(failure)
    assert text.startswith(f"{count} calls were not expected:\n\n{stubber.unexpected[0]}\n\n")
    assert text.endswith(f"{stubber.unexpected[2]}\n\n{more}{text[text.index('If this is') :]}")
    assert text.count(LISTED) == 3


def test_unused_responses(stubber: Any) -> None:
    """Unused responses are listed, with the reason why the code should have requested them."""
    stubber.add_listing(Listing(page_sizes=(2, 0, 1)), maxResults=2)
    first = stubber.client.list_sessions(**stubber.job, maxResults=2)["nextToken"]
    with pytest.raises(AssertionError) as failure:
        stubber.assert_no_pending_responses()
    second = stubber.client.list_sessions(**stubber.job, maxResults=2, nextToken=first)
    first, second = abbreviate(first), abbreviate(second["nextToken"])
    assert text_of(failure) == (
        "2 of 3 queued responses were never requested:\n"
        f"  1. ListSessions({JOB_TEXT}, maxResults=2, nextToken={first}) → "
        f"page 2 of 3: no sessions, token {second}\n"
        f"  2. ListSessions(nextToken={second}) → page 3 of 3: 1 session, no token\n"
        "\n"
        "The previous page had a nextToken: the code under test must follow it, even if the page "
        "was empty.\n"
        "\n"
        "If the code may stop early, use "
        "@pytest.mark.deadline_sessions(assert_all_responses_requested=False). "
        'See "list_sessions_stubber" in the README.'
    )


@pytest.mark.parametrize(
    ("request_", "shown"), [({}, "any arguments"), ({"maxResults": 3}, f"{JOB_TEXT}, maxResults=3")]
)
def test_an_unused_response_that_follows_no_page(
    stubber: Any, request_: dict[str, Any], shown: str
) -> None:
    """If the unused response follows no page, tokens are not mentioned."""
    stubber.add_fault("ThrottlingException", **request_)
    with pytest.raises(AssertionError) as failure:
        stubber.assert_no_pending_responses()
    assert text_of(failure) == (
        "1 of 1 queued responses were never requested:\n"
        f"  1. ListSessions({shown}) → 429 ThrottlingException: Rate exceeded.\n"
        "\n"
        "If the code may stop early, use "
        "@pytest.mark.deadline_sessions(assert_all_responses_requested=False). "
        'See "list_sessions_stubber" in the README.'
    )


def test_pending_shows_changed_arguments(stubber: Any) -> None:
    """Each line of ``pending`` shows new, changed and removed arguments, and the token."""
    stubber.add_pages([[]], maxResults=3, nextToken="t")
    stubber.add_pages([[]], nextToken="t")
    stubber.add_fault("ThrottlingException")
    stubber.add_pages([[]])
    stubber.add_pages([[], []], **OTHER_JOB)
    stubber.add_client_error("delete_farm", "Oops", "No.", 418, expected_params=FARM)
    token = abbreviate(first_token())
    assert stubber.pending == [
        f"ListSessions({JOB_TEXT}, maxResults=3, nextToken='t') → no sessions, no token",
        "ListSessions(nextToken='t', no maxResults) → no sessions, no token",
        "ListSessions(any arguments) → 429 ThrottlingException: Rate exceeded.",
        f"ListSessions({JOB_TEXT}) → no sessions, no token",
        f"ListSessions({OTHER}) → page 1 of 2: no sessions, token {token}",
        f"ListSessions(nextToken={token}) → page 2 of 2: no sessions, no token",
        "DeleteFarm(farmId=farm-0000…0007) → 418 Oops: No.",
    ]


def test_every_call_is_recorded() -> None:
    """Pages, faults and unexpected calls are recorded in order, with outcome and time."""
    with (
        Clock().freeze("2030-01-01 12:00") as frozen,
        ListSessionsStubber(client_factory.client()) as stubber,
    ):
        client = stubber.client
        stubber.add_pages([summaries(2)], more=True)
        token = client.list_sessions(**stubber.job)["nextToken"]
        frozen.tick(hours=25)
        stubber.add_expired_token()
        with pytest.raises(StubAssertionError):
            client.list_sessions(**stubber.job)
        with pytest.raises(StubResponseError):
            client.delete_farm(**FARM)
        with pytest.raises(ClientError):
            client.list_sessions(**stubber.job, nextToken=token)
        with pytest.raises(UnStubbedResponseError):
            client.list_sessions(**stubber.job, maxResults=2)
    shown = abbreviate(token)
    assert str(stubber.calls) == (
        f"ListSessions({JOB_TEXT}) → 200, 2 sessions, token {shown}  at 2030-01-01 12:00:00\n"
        f"ListSessions() → StubAssertionError: nextToken is not given (expected {shown})"
        "  at 2030-01-02 13:00:00\n"
        "DeleteFarm(farmId=farm-0000…0007) → StubResponseError: ListSessions is expected next"
        "  at 2030-01-02 13:00:00\n"
        f"ListSessions({JOB_TEXT}, nextToken={shown}) → "
        "400 ValidationException (OTHER): The nextToken has expired.  at 2030-01-02 13:00:00\n"
        "ListSessions(maxResults=2) → UnStubbedResponseError: no response is queued for it"
        "  at 2030-01-02 13:00:00"
    )
    assert [call.response is None for call in stubber.calls] == [False, True, True, True, True]
    assert [call.status for call in stubber.calls] == [200, None, None, 400, None]


def test_every_difference_is_recorded(stubber: Any) -> None:
    """The recorded message of an unexpected call names all arguments that differ."""
    stubber.add_pages([[]], maxResults=2)
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**stubber.job, maxResults=3, nextToken="t")
    assert stubber.calls[0].message == (
        "maxResults is 3 (expected 2), nextToken is 't' (expected not given)"
    )
