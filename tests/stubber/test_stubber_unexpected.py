"""What ``ListSessionsStubber`` says of a call that it did not expect."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    StubAssertionError,
    StubResponseError,
    UnStubbedResponseError,
)
from stubbing import FARM, JOB_TEXT, LISTED, OTHER_JOB, first_token, summaries, text_of

from pytest_deadline_sessions import Listing
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._text import abbreviate

GET_SESSION = {**OTHER_JOB, "sessionId": model.make_id("SessionId", 1)}


IDS = """\
  farmId     'farm-00000000000000000000000000000001'   'farm-00000000000000000000000000000001'
  queueId    'queue-00000000000000000000000000000001'  'queue-00000000000000000000000000000001'
  jobId      'job-00000000000000000000000000000001'    'job-00000000000000000000000000000001'
"""
HEAD = "             expected                                  received\n"
NOT_THOSE = LISTED + "its arguments differ from those of the next expected call.\n\n"


def _second_call(stubber: Any, **changed: Any) -> tuple[str, str, str]:
    """What is said of a second call with these arguments; and both tokens, abbreviated."""
    stubber.add_listing(Listing(page_sizes=(2, 0, 1)))
    first = stubber.client.list_sessions(**stubber.job)["nextToken"]
    with pytest.raises(StubAssertionError) as error:
        stubber.client.list_sessions(**stubber.job, **changed)
    assert type(error.value) is StubAssertionError
    second = stubber.client.list_sessions(**stubber.job, nextToken=first)["nextToken"]
    return text_of(error), abbreviate(first), abbreviate(second)


def _queue(first: str, second: str) -> str:
    return (
        "Still queued:\n"
        f"  1. ListSessions({JOB_TEXT}, nextToken={first}) → "
        f"page 2 of 3: no sessions, token {second}\n"
        f"  2. ListSessions(nextToken={second}) → page 3 of 3: 1 session, no token"
    )


def test_a_token_that_was_not_passed_on_is_shown(stubber: Any) -> None:
    """Expected and received stand side by side, the difference is marked, the queue is listed."""
    text, first, second = _second_call(stubber)
    assert text == (
        f"{NOT_THOSE}{HEAD}{IDS}"
        f"≠ nextToken  {first:40}  not given\n"
        "\n"
        "Pass on the nextToken, with all other arguments unchanged.\n"
        "\n"
        f"{_queue(first, second)}"
    )


def test_a_token_of_something_else_is_shown(stubber: Any) -> None:
    """A token that is not the one of the page before is marked."""
    text, first, second = _second_call(stubber, nextToken="mine")
    assert text == (
        f"{NOT_THOSE}{HEAD}{IDS}"
        f"≠ nextToken  {first:40}  'mine'\n"
        "\n"
        "A nextToken is opaque: pass it on exactly as you received it.\n"
        "\n"
        f"{_queue(first, second)}"
    )


def test_a_token_that_was_escaped_carelessly_is_shown_where_it_breaks(stubber: Any) -> None:
    """Two tokens that look alike when abbreviated are shown from where they part."""
    token = first_token()
    broken = token.replace("%2B", "+")
    text, first, second = _second_call(stubber, nextToken=broken)
    at = token.index("%2B")
    assert text == (
        f"{NOT_THOSE}{HEAD}{IDS}"
        f"≠ nextToken  {first:40}  {abbreviate(broken)}\n"
        "\n"
        f"nextToken differs from character {at + 1}: "
        f"expected {token[at : at + 12]!r}, received {broken[at : at + 12]!r}\n"
        "\n"
        "A nextToken is opaque: pass it on exactly as you received it.\n"
        "\n"
        f"{_queue(first, second)}"
    )


def test_a_token_that_was_cut_short_is_shown_where_it_ends(stubber: Any) -> None:
    """A token that lacks its end parts from the expected one where it stops."""
    token = first_token()
    text, _, _ = _second_call(stubber, nextToken=token.rstrip("="))
    assert f"\nnextToken differs from character {len(token)}: expected '=', received ''\n" in text


@pytest.mark.parametrize("alike", [11, 12])
def test_only_tokens_that_look_alike_are_taken_apart(stubber: Any, alike: int) -> None:
    """Where the abbreviations tell tokens apart already, nothing is added."""
    text, _, _ = _second_call(stubber, nextToken=first_token()[:alike] + "!" * 68)
    assert ("differs from character" in text) == (alike == 12)


def test_arguments_that_changed_beside_a_token_are_shown(stubber: Any) -> None:
    """An argument too many is marked, and the token's bond to the arguments explained."""
    token = first_token()
    text, first, second = _second_call(stubber, nextToken=token, maxResults=3)
    assert text == (
        f"{NOT_THOSE}"
        "              expected                                  received\n"
        "  farmId      'farm-00000000000000000000000000000001'   "
        "'farm-00000000000000000000000000000001'\n"
        "  queueId     'queue-00000000000000000000000000000001'  "
        "'queue-00000000000000000000000000000001'\n"
        "  jobId       'job-00000000000000000000000000000001'    "
        "'job-00000000000000000000000000000001'\n"
        f"  nextToken   {first:40}  {first}\n"
        f"≠ maxResults  {'not given':40}  3\n"
        "\n"
        "A nextToken is valid only with the arguments it was issued for: repeat them all.\n"
        "\n"
        f"{_queue(first, second)}"
    )


@pytest.mark.parametrize(("token", "shown"), [(None, "None"), ("saved", "'saved'")])
def test_a_token_where_a_listing_begins_is_shown(stubber: Any, token: Any, shown: str) -> None:
    """A first call with a token, be it None, is not the expected one."""
    stubber.add_pages([[]])
    with pytest.raises(StubAssertionError) as error:
        stubber.client.list_sessions(**stubber.job, nextToken=token)
    assert text_of(error) == (
        f"{NOT_THOSE}{HEAD}{IDS}"
        f"≠ nextToken  {'not given':40}  {shown}\n"
        "\n"
        "The next expected call starts a listing, so it has no nextToken.\n"
        "\n"
        "Still queued:\n"
        f"  1. ListSessions({JOB_TEXT}) → no sessions, no token"
    )


def test_another_job_is_shown(stubber: Any) -> None:
    """Ids are shown whole where they differ, and no advice is given where there is none."""
    stubber.add_fault("ThrottlingException", **OTHER_JOB)
    stubber.add_fault("ThrottlingException")
    with pytest.raises(StubAssertionError) as error:
        stubber.client.list_sessions(**{**OTHER_JOB, "jobId": stubber.job["jobId"]})
    assert text_of(error) == (
        f"{NOT_THOSE}"
        "           expected                                  received\n"
        "  farmId   'farm-00000000000000000000000000000007'   "
        "'farm-00000000000000000000000000000007'\n"
        "  queueId  'queue-00000000000000000000000000000008'  "
        "'queue-00000000000000000000000000000008'\n"
        "≠ jobId    'job-00000000000000000000000000000009'    "
        "'job-00000000000000000000000000000001'\n"
        "\n"
        "Still queued:\n"
        "  1. ListSessions(farmId=farm-0000…0007, queueId=queue-0000…0008, jobId=job-0000…0009) → "
        "429 ThrottlingException: Rate exceeded.\n"
        "  2. ListSessions(any arguments) → 429 ThrottlingException: Rate exceeded."
    )


def test_another_operation_is_shown(stubber: Any) -> None:
    """A call of another operation is no StubAssertionError, as in botocore, but shown like one."""
    stubber.add_pages([[]])
    stubber.add_response("delete_farm", {}, FARM)
    with pytest.raises(StubResponseError) as error:
        stubber.client.delete_farm(**FARM)
    assert type(error.value) is StubResponseError
    assert text_of(error) == (
        "Error getting response stub for operation DeleteFarm: "
        "the next expected call is ListSessions.\n"
        "\n"
        "             expected                                  received\n"
        "≠ operation  ListSessions                              DeleteFarm\n"
        "≠ farmId     'farm-00000000000000000000000000000001'   "
        "'farm-00000000000000000000000000000007'\n"
        "≠ queueId    'queue-00000000000000000000000000000001'  not given\n"
        "≠ jobId      'job-00000000000000000000000000000001'    not given\n"
        "\n"
        "Still queued:\n"
        f"  1. ListSessions({JOB_TEXT}) → no sessions, no token\n"
        "  2. DeleteFarm(farmId=farm-0000…0007) → a response"
    )


def test_another_operation_than_one_with_any_arguments_is_shown(stubber: Any) -> None:
    """Where any arguments are expected, none of those received is marked."""
    stubber.add_fault("ThrottlingException")
    with pytest.raises(StubResponseError) as error:
        stubber.client.delete_farm(**FARM)
    assert text_of(error) == (
        "Error getting response stub for operation DeleteFarm: "
        "the next expected call is ListSessions.\n"
        "\n"
        "             expected      received\n"
        "≠ operation  ListSessions  DeleteFarm\n"
        "  farmId     anything      'farm-00000000000000000000000000000007'\n"
        "\n"
        "Still queued:\n"
        "  1. ListSessions(any arguments) → 429 ThrottlingException: Rate exceeded."
    )


NO_CALL = """\
           expected  received
≠ farmId   no call   'farm-00000000000000000000000000000001'
≠ queueId  no call   'queue-00000000000000000000000000000001'
≠ jobId    no call   'job-00000000000000000000000000000001'

"""
EVERY = (
    "Every call needs its own response: "
    "add_pages, add_listing, add_fault, add_expired_token or add_response."
)


def test_a_call_to_an_empty_stubber_is_shown(stubber: Any) -> None:
    """Where nothing was ever queued, it is said what queues something."""
    with pytest.raises(UnStubbedResponseError) as error:
        stubber.client.list_sessions(**stubber.job)
    assert type(error.value) is UnStubbedResponseError
    assert text_of(error) == (
        f"{LISTED}no response is queued for it (none was ever added).\n\n{NO_CALL}{EVERY}"
    )


def test_a_call_after_the_last_page_is_shown(stubber: Any) -> None:
    """Code that asks on after the end of a listing is told that it had ended, every time."""
    stubber.add_pages([[]])
    stubber.client.list_sessions(**stubber.job)
    for _ in range(2):
        with pytest.raises(UnStubbedResponseError) as error:
            stubber.client.list_sessions(**stubber.job)
        assert text_of(error) == (
            f"{LISTED}no response is queued for it (1 given so far).\n"
            "\n"
            f"{NO_CALL}"
            "The previous page had no nextToken: it was the last page.\n"
            "\n"
            f"{EVERY}"
        )


def _page_with_token(stubber: Any) -> None:
    stubber.add_pages([[]], more=True)
    stubber.client.list_sessions(**stubber.job)


def _fault(stubber: Any) -> None:
    stubber.add_pages([[]])
    stubber.client.list_sessions(**stubber.job)
    stubber.add_fault("ThrottlingException")
    with pytest.raises(ClientError):
        stubber.client.list_sessions(**stubber.job)


def _other_operation(stubber: Any) -> None:
    stubber.add_pages([[]])
    stubber.client.list_sessions(**stubber.job)
    stubber.add_response("delete_farm", {})
    stubber.client.delete_farm(**FARM)


@pytest.mark.parametrize("before", [_page_with_token, _fault, _other_operation])
def test_a_listing_is_not_said_to_have_ended_where_it_had_not(stubber: Any, before: Any) -> None:
    """Only a page without a token ends a listing."""
    before(stubber)
    with pytest.raises(UnStubbedResponseError) as error:
        stubber.client.list_sessions(**stubber.job)
    assert "it was the last one" not in text_of(error)


def test_the_end_of_a_listing_is_nothing_to_another_operation(stubber: Any) -> None:
    """A call of another operation after the last page is not told about the page."""
    stubber.add_pages([[]])
    stubber.client.list_sessions(**stubber.job)
    with pytest.raises(UnStubbedResponseError) as error:
        stubber.client.get_session(**GET_SESSION)
    assert "it was the last one" not in text_of(error)


def test_a_long_queue_is_cut(stubber: Any) -> None:
    """Twenty queued responses are listed, and how many there are more."""
    stubber.add_pages([[] for _ in range(20)])
    with pytest.raises(StubAssertionError) as error:
        stubber.client.list_sessions(**OTHER_JOB)
    assert "more" not in text_of(error)
    stubber.add_pages([[]])
    with pytest.raises(StubAssertionError) as error:
        stubber.client.list_sessions(**OTHER_JOB)
    assert text_of(error).splitlines()[-1] == "  … and 1 more"
    assert text_of(error).splitlines()[-2].startswith("  20. ListSessions(nextToken=")


def test_an_unexpected_call_takes_nothing_from_the_queue(stubber: Any) -> None:
    """After a wrong call the right one still gets its response."""
    stubber.add_pages([summaries(1)])
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**OTHER_JOB)
    with pytest.raises(StubResponseError):
        stubber.client.delete_farm(**FARM)
    assert stubber.client.list_sessions(**stubber.job) == {"sessions": summaries(1)}
