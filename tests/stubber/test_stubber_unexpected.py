"""The errors of ``ListSessionsStubber`` for unexpected calls."""

from __future__ import annotations

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
    """Return the error of a second call with these arguments, and both tokens, abbreviated."""
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


def test_a_missing_token(stubber: Any) -> None:
    """The error shows expected and received arguments, marks the token and lists the queue."""
    text, first, second = _second_call(stubber)
    assert text == (
        f"{NOT_THOSE}{HEAD}{IDS}"
        f"≠ nextToken  {first:40}  not given\n"
        "\n"
        "Pass on the nextToken, with all other arguments unchanged.\n"
        "\n"
        f"{_queue(first, second)}"
    )


def test_a_wrong_token(stubber: Any) -> None:
    """The error marks a token that is not that of the previous page."""
    text, first, second = _second_call(stubber, nextToken="mine")
    assert text == (
        f"{NOT_THOSE}{HEAD}{IDS}"
        f"≠ nextToken  {first:40}  'mine'\n"
        "\n"
        "A nextToken is opaque: pass it on exactly as you received it.\n"
        "\n"
        f"{_queue(first, second)}"
    )


def test_a_wrongly_unescaped_token(stubber: Any) -> None:
    """If the abbreviated tokens look the same, the error shows where they differ."""
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


def test_a_truncated_token(stubber: Any) -> None:
    """For a token without its end, the error shows where it stops."""
    token = first_token()
    text, _, _ = _second_call(stubber, nextToken=token.rstrip("="))
    assert f"\nnextToken differs from character {len(token)}: expected '=', received ''\n" in text


@pytest.mark.parametrize("alike", [11, 12])
def test_tokens_that_look_different(stubber: Any, alike: int) -> None:
    """If the abbreviated tokens differ, the error does not say where."""
    text, _, _ = _second_call(stubber, nextToken=first_token()[:alike] + "!" * 68)
    assert ("differs from character" in text) == (alike == 12)


def test_an_argument_added_to_a_token(stubber: Any) -> None:
    """The error marks an added argument, and explains that tokens are bound to arguments."""
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
def test_a_token_in_a_first_call(stubber: Any, token: Any, shown: str) -> None:
    """A first call with a token, even None, is unexpected, and the error explains why."""
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


def test_a_different_job(stubber: Any) -> None:
    """Ids are shown in full, with the different one marked."""
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


def test_a_different_operation(stubber: Any) -> None:
    """A call of another operation gives a StubResponseError with the same kind of table."""
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


def test_a_different_operation_than_one_for_any_request(stubber: Any) -> None:
    """If the expected call takes any arguments, none of those received is marked."""
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


def test_a_call_to_an_empty_stubber(stubber: Any) -> None:
    """If no response was ever queued, the error names the methods that queue one."""
    with pytest.raises(UnStubbedResponseError) as error:
        stubber.client.list_sessions(**stubber.job)
    assert type(error.value) is UnStubbedResponseError
    assert text_of(error) == (
        f"{LISTED}no response is queued for it (none was ever added).\n\n{NO_CALL}{EVERY}"
    )


def test_a_call_after_the_last_page(stubber: Any) -> None:
    """Each call after the last page gets an error which says that the listing had ended."""
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
def test_a_call_after_a_response_that_is_no_last_page(stubber: Any, before: Any) -> None:
    """After anything but a page without a token, the error does not mention a last page."""
    before(stubber)
    with pytest.raises(UnStubbedResponseError) as error:
        stubber.client.list_sessions(**stubber.job)
    assert "it was the last page" not in text_of(error)


def test_another_operation_after_the_last_page(stubber: Any) -> None:
    """For a call of another operation, the error does not mention a last page."""
    stubber.add_pages([[]])
    stubber.client.list_sessions(**stubber.job)
    with pytest.raises(UnStubbedResponseError) as error:
        stubber.client.get_session(**GET_SESSION)
    assert "it was the last page" not in text_of(error)


def test_a_long_queue_is_shortened(stubber: Any) -> None:
    """The error lists twenty queued responses, and the number of others."""
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
    """After an unexpected call the expected one still gets its response."""
    stubber.add_pages([summaries(1)])
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**OTHER_JOB)
    with pytest.raises(StubResponseError):
        stubber.client.delete_farm(**FARM)
    assert stubber.client.list_sessions(**stubber.job) == {"sessions": summaries(1)}
