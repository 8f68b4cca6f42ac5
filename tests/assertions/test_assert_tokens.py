"""``assert_follows_tokens`` and ``assert_token_expired``: what passes, and the messages."""

from __future__ import annotations

import datetime
import itertools
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import (
    Behavior,
    Call,
    FakeDeadline,
    Fault,
    Listing,
    assert_follows_tokens,
    assert_token_expired,
)
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._contract.rules import COLLECTOR_RULES

AT = datetime.datetime(2025, 1, 1, 9, tzinfo=datetime.timezone.utc)
JOB = {"farmId": "farm-1", "queueId": "queue-1", "jobId": "job-1"}
OTHER = {**JOB, "jobId": "job-2"}
A, B, C = (f"token-{letter}-of-some-length" for letter in "abc")
BAD = "error"


def call(token, following, job=None, **changes):
    """Make a call with a token and the next token, or a failed call."""
    members = {
        name: changes.pop(name)
        for name in ("operation", "attempt", "reason", "sent")
        if name in changes
    }
    params = {**(job or JOB), **changes, **({} if token is None else {"nextToken": token})}
    outcome = {
        "response": {"sessions": [], **({} if following is None else {"nextToken": following})}
    }
    if following is BAD:
        outcome = {"error": "ThrottlingException", "status": 429, "message": "Rate exceeded."}
    return Call(**{"operation": "ListSessions", **members}, params=params, at=AT, **outcome)


def message_of(assertion, *args):
    """Return the message of an assertion that fails."""
    with pytest.raises(AssertionError) as error:
        assertion(*args)
    return str(error.value)


@pytest.mark.parametrize(
    "calls",
    [
        [call(None, None)],
        [call(None, A), call(A, B), call(B, None)],
        [call(None, A)],
        [call(None, None), call(None, A), call(A, None), call(None, None)],
        [call(None, A), call(None, A, OTHER), call(A, None, OTHER), call(A, None)],
        [call(None, A), call(None, B, OTHER), call(A, C), call(B, None, OTHER), call(C, None)],
        [call(None, A), call(None, B, maxResults=5), call(A, None), call(B, None, maxResults=5)],
        [call(None, A), call(A, BAD), call(A, BAD), call(A, None)],
        [call(None, A), call(A, BAD), call(None, B), call(B, None)],
        [call(None, BAD), call(None, A), call(A, None)],
        [call(None, A), call(A, BAD), call(A, B, attempt=2), call(B, None)],
        [call(None, BAD), call(None, BAD, attempt=2), call(None, A, attempt=3), call(A, None)],
        [call(A, B), call(B, None)],
        [call(A, BAD), call(A, None)],
        [call(A, BAD, attempt=2), call(A, B, attempt=3), call(B, None)],
        [call(None, A), call(None, C, operation="ListJobs"), call(A, None)],
        [call(None, ""), call(None, None)],
    ],
)
def test_calls_that_follow_their_tokens(calls):
    """Passes may stop early, interleave, and restart after their end or a fault."""
    assert_follows_tokens(calls)
    assert_follows_tokens(iter(calls))


@pytest.mark.parametrize(
    ("calls", "rule", "line"),
    [
        (
            [call(None, A), call(None, A)],
            "follows-tokens",
            "nextToken: missing (expected 'token-a-of-s'…(22))",
        ),
        (
            [call(None, A), call(A, B), call(A, B)],
            "follows-tokens",
            (
                "nextToken: 'token-a-of-s'…(22), which was already passed "
                "(expected 'token-b-of-s'…(22))"
            ),
        ),
        (
            [call(None, A), call(C, None)],
            "follows-tokens",
            (
                "nextToken: 'token-c-of-s'…(22), which no page of this listing returned "
                "(expected 'token-a-of-s'…(22))"
            ),
        ),
        (
            [call(None, A), call(A[:-1] + "x", None)],
            "follows-tokens",
            f"nextToken: '{A[:-1]}x', which no page of this listing returned (expected '{A}')",
        ),
        (
            [call(None, A), call("", None)],
            "follows-tokens",
            "nextToken: '' (expected 'token-a-of-s'…(22))",
        ),
        (
            [call(None, A), call(5, BAD, sent=False)],
            "follows-tokens",
            "nextToken: 5, which no page of this listing returned (expected 'token-a-of-s'…(22))",
        ),
        (
            [call(None, A), call(A, None), call(A, None)],
            "follows-tokens",
            (
                "nextToken: 'token-a-of-s'…(22), which was already passed "
                "(expected none: the last page returned none)"
            ),
        ),
        (
            [call(None, ""), call("", None)],
            "follows-tokens",
            "nextToken: '' (expected none: the last page returned none)",
        ),
        (
            [call(None, A), call(A, None), call(A, None, OTHER)],
            "follows-tokens",
            (
                "nextToken: 'token-a-of-s'…(22), which was already passed "
                "(expected none: this job was not listed before)"
            ),
        ),
        (
            [call(None, A), call(A, None, OTHER)],
            "keeps-arguments",
            "jobId: 'job-2' (expected 'job-1', as in the call that returned the token)",
        ),
        (
            [call(None, A, maxResults=5), call(A, None)],
            "keeps-arguments",
            "maxResults: missing (expected 5, as in the call that returned the token)",
        ),
        (
            [call(None, A), call(A, None, maxResults=5)],
            "keeps-arguments",
            "maxResults: 5 (expected none, as in the call that returned the token)",
        ),
        (
            [call(None, A, maxResults=5), call(A, None, OTHER, maxResults=4)],
            "keeps-arguments",
            (
                "jobId: 'job-2' (expected 'job-1', as in the call that returned the token); "
                "maxResults: 4 (expected 5, as in the call that returned the token)"
            ),
        ),
        (
            [call(None, A), call(None, A, OTHER, maxResults=3), call(A, None, OTHER)],
            "keeps-arguments",
            "maxResults: missing (expected 3, as in the call that returned the token)",
        ),
        (
            [call(None, A), call(A, BAD), call(A, B, attempt=2), call(A, None)],
            "follows-tokens",
            (
                "nextToken: 'token-a-of-s'…(22), which was already passed "
                "(expected 'token-b-of-s'…(22))"
            ),
        ),
        (
            [call(None, A), call(A, BAD), call(B, None)],
            "follows-tokens",
            (
                "nextToken: 'token-b-of-s'…(22), which no page of this listing returned "
                "(expected 'token-a-of-s'…(22))"
            ),
        ),
        (
            [call(None, A), call(A, BAD), call(None, B), call(A, None)],
            "follows-tokens",
            (
                "nextToken: 'token-a-of-s'…(22), which belongs to an abandoned pass over the "
                "listing (expected 'token-b-of-s'…(22))"
            ),
        ),
        (
            [call(None, A), call(A, BAD), call(A, B), call(None, B)],
            "follows-tokens",
            "nextToken: missing (expected 'token-b-of-s'…(22))",
        ),
    ],
)
def test_calls_that_do_not_follow_their_tokens(calls, rule, line):
    """The message names the wrong call, rule, source, actual and expected value, and the calls."""
    assert_follows_tokens(calls[:-1])
    lines = message_of(assert_follows_tokens, calls).splitlines()
    assert lines[0].startswith(
        f'calls[{len(calls) - 1}] breaks "{rule}": {COLLECTOR_RULES[rule].reason}'
    )
    assert lines[1:4] == ["  source: API reference", f"  {line}", "  calls:"]
    assert len(lines) == 4 + len(calls)


def test_the_calls_in_the_message():
    """The message shows the calls up to the wrong one."""
    calls = [call(None, A), call(A, B), call(None, None), call(C, None)]
    assert message_of(assert_follows_tokens, calls) == (
        'calls[2] breaks "follows-tokens": '
        "It passes exactly the token that the previous page returned.\n"
        "  source: API reference\n"
        "  nextToken: missing (expected 'token-b-of-s'…(22))\n"
        "  calls:\n"
        "    ListSessions(farmId='farm-1', queueId='queue-1', jobId='job-1') → answered, "
        "0 sessions, token 'token-a-of-s'…(22)  at 2025-01-01 09:00:00\n"
        "    ListSessions(nextToken='token-a-of-s'…(22)) → answered, "
        "0 sessions, token 'token-b-of-s'…(22)  at 2025-01-01 09:00:00\n"
        "    ListSessions() → answered, 0 sessions, no token  at 2025-01-01 09:00:00"
    )


def test_a_long_chain_is_shortened():
    """The message has the index among all calls, but shows only some of them."""
    chain = [call(None, "0"), *(call(str(n), str(n + 1)) for n in range(98)), call("7", None)]
    text = message_of(assert_follows_tokens, chain)
    assert text.startswith("calls[99] breaks")
    assert "90 calls left out" in text
    assert len(text.splitlines()) == 15


@pytest.mark.at_length
@settings(deadline=None, max_examples=50)
@given(data=st.data(), listing=ds.listings(max_sessions=50, max_results=3, page_sizes=True))
def test_any_chain_of_the_fake(data, listing):
    """The calls of a correct collector pass; a changed argument in any later call fails."""
    fake = FakeDeadline()
    job, client = fake.add_job(listing), fake.client()
    arguments = {**job, "maxResults": 3}
    page = client.list_sessions(**arguments)
    while "nextToken" in page:
        page = client.list_sessions(**arguments, nextToken=page["nextToken"])
    calls = list(fake.calls)
    assert_follows_tokens(fake.calls)
    if len(calls) > 1:
        at = data.draw(st.integers(1, len(calls) - 1))
        token = calls[at].params["nextToken"]
        changes = [{"maxResults": 4}, {"jobId": "job-" + "f" * 32}, {"nextToken": quote(token)}]
        params = {**calls[at].params, **data.draw(st.sampled_from(changes))}
        changed = Call("ListSessions", params, AT, response=calls[at].response)
        with pytest.raises(AssertionError, match=rf"^calls\[{at}\] breaks"):
            assert_follows_tokens([*calls[:at], changed, *calls[at + 1 :]])


@given(order=st.permutations([0] * 4 + [1] * 4))
def test_chains_may_interleave(order):
    """Calls for two jobs may interleave in any order."""
    chains = [
        [
            call(token, next_token, job)
            for token, next_token in itertools.pairwise(
                [None, *(f"{job['jobId']}{n}" for n in "abc"), None]
            )
        ]
        for job in (JOB, OTHER)
    ]
    iterators = [iter(chain) for chain in chains]
    assert_follows_tokens([next(iterators[number]) for number in order])


@pytest.mark.parametrize("calls", [[], [call(None, None, operation="GetSession")]])
def test_no_calls_at_all(calls):
    """Without a call of ListSessions the assertion fails."""
    text = "There are no calls of ListSessions (expected one or more)"
    assert message_of(assert_follows_tokens, calls) == text


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        (None, "calls=None (expected calls, such as those of a transcript)"),
        (JOB, f"calls={str(JOB)[:79]} (expected calls, such as those of a transcript)"),
        ([JOB], f"calls[0]={str(JOB)[:79]} (expected a Call)"),
    ],
)
def test_calls_of_the_wrong_type(calls, text):
    """A value that is not a call raises a TypeError that names it."""
    with pytest.raises(TypeError) as error:
        assert_follows_tokens(calls)
    assert str(error.value) == text


def refused(behavior=None, token=None, *, expire=False):
    """Return the error and the call of a token that the service refuses."""
    fake = FakeDeadline(behavior or Behavior())
    job, client = fake.add_job(Listing(page_sizes=(1, 1))), fake.client()
    token = token or client.list_sessions(**job)["nextToken"]
    if expire:
        fake.expire_tokens()
    with pytest.raises(ClientError) as error:
        client.list_sessions(**job, nextToken=token)
    return error.value, fake.calls[-1]


REASONS = ["UNKNOWN_OPERATION", "CANNOT_PARSE", "FIELD_VALIDATION_FAILED", "OTHER"]


@pytest.mark.parametrize("reason", REASONS)
def test_an_expired_token(reason):
    """The error and the call of an expired token pass, whatever the reason."""
    behavior = Behavior(expired_token_reason=reason)
    for error_or_call in refused(behavior, expire=True):
        assert_token_expired(error_or_call)


@pytest.mark.parametrize("reason", REASONS)
def test_a_bad_token(reason):
    """The error and the call of an invalid token fail, whatever the reason."""
    error, recorded = refused(Behavior(garbled_token_reason=reason), "rubbish")
    field = " (nextToken: The nextToken isn't valid.)" if "FIELD" in reason else ""
    assert message_of(assert_token_expired, error) == (
        'The error breaks "token-expired": '
        "The error distinguishes an expired token from an invalid one.\n"
        "  source: assumption: the API does not document it\n"
        "  received: ValidationException: An error occurred (ValidationException) when calling the "
        f"ListSessions operation: The nextToken isn't valid. (400) ({reason}){field} "
        "(expected a message about an expired token)"
    )
    assert message_of(assert_token_expired, recorded) == (
        'The call breaks "token-expired": '
        "The error distinguishes an expired token from an invalid one.\n"
        "  source: assumption: the API does not document it\n"
        f"  received: {recorded} (expected a message about an expired token)"
    )


def error_of(fault, token=A):
    """Return the error and the call of a fault."""
    fake = FakeDeadline()
    job = fake.add_job(sessions=1)
    fake.fail_next(fault, times=9)
    with pytest.raises(ClientError) as error:
        fake.client(retries={"total_max_attempts": 1}).list_sessions(
            **job, **({} if token is None else {"nextToken": token})
        )
    return error.value, fake.calls[-1]


@pytest.mark.parametrize(
    ("message", "members", "expired"),
    [
        ("Pagination token too old.", {}, True),
        ("The NextToken can no longer be used.", {}, True),
        ("EXPIRED", {"reason": "CANNOT_PARSE"}, True),
        ("Pagination token too old.", {"reason": "CANNOT_PARSE"}, False),
        ("Pagination token too old.", {"reason": "FIELD_VALIDATION_FAILED"}, False),
        ("The request isn't valid.", {}, False),
        ("Too old.", {}, False),
        ("Invalid token.", {}, False),
        ("Malformed nextToken.", {}, False),
        ("The nextToken was used before.", {}, False),
        ("The nextToken was issued for other arguments.", {}, False),
        ("The token is not valid.", {}, False),
        ("Cannot parse the token.", {}, False),
    ],
)
def test_possible_messages(message, members, expired):
    """A message about expiry passes, and so does a token problem that nothing else explains."""
    fault = Fault("ValidationException", message, **{"reason": "OTHER", **members})
    for error_or_call in error_of(fault):
        if expired:
            assert_token_expired(error_or_call)
        else:
            assert 'breaks "token-expired"' in message_of(assert_token_expired, error_or_call)


def test_messages_of_fields():
    """The messages in ``fieldList`` count like the message of the error."""
    fields = [{"name": "nextToken", "message": "Expired."}]
    fault = Fault("ValidationException", "Bad.", reason="FIELD_VALIDATION_FAILED", fieldList=fields)
    assert_token_expired(error_of(fault)[0])
    fields = [{"name": "nextToken", "message": "Too old."}]
    fault = Fault("ValidationException", "No.", reason="OTHER", fieldList=fields)
    assert_token_expired(error_of(fault)[0])


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_another_error(code):
    """Any error but ValidationException fails, whatever its message."""
    error, recorded = error_of(Fault(code, "The token has expired."))
    assert message_of(assert_token_expired, error) == (
        'The error breaks "token-refused": '
        "The service refuses an expired token: HTTP 400, ValidationException.\n"
        "  source: API reference\n"
        f"  received: {code}: {error} ({Fault(code).status}) "
        "(expected HTTP 400, ValidationException)"
    )
    assert message_of(assert_token_expired, recorded).endswith(
        f"  received: {recorded} (expected HTTP 400, ValidationException)"
    )


def test_a_call_without_a_token():
    """A refused call that passed no token fails."""
    fault = Fault("ValidationException", "The token has expired.")
    _, recorded = error_of(fault, token=None)
    assert message_of(assert_token_expired, recorded).endswith(
        f"  received: {recorded}, no nextToken was passed (expected HTTP 400, ValidationException)"
    )


@pytest.mark.parametrize(
    ("error", "came"),
    [
        (ValueError("expired"), "ValueError: expired"),
        (
            ReadTimeoutError(endpoint_url="x"),
            'ReadTimeoutError: Read timeout on endpoint URL: "x"',
        ),
    ],
)
def test_an_exception_without_a_response(error, came):
    """An exception that is no response of the service fails."""
    text = message_of(assert_token_expired, error)
    assert text.endswith(f"  received: {came} (expected HTTP 400, ValidationException)")


def test_errors_made_by_hand():
    """Without status and reason, the code and the message of an error decide."""
    details = {"Error": {"Code": "ValidationException", "Message": "The token has expired."}}
    assert_token_expired(ClientError(details, "ListSessions"))
    other_status = {**details, "ResponseMetadata": {"HTTPStatusCode": 500}}
    assert '"token-refused"' in message_of(
        assert_token_expired, ClientError(other_status, "ListSessions")
    )
    assert '"token-refused"' in message_of(assert_token_expired, ClientError({}, "ListSessions"))
    without_message = {"Error": {"Code": "ValidationException"}}
    assert '"token-expired"' in message_of(
        assert_token_expired, ClientError(without_message, "ListSessions")
    )


def test_the_block_catches_what_it_asserts():
    """The with block catches the error of an expired token, and gives access to it."""
    error, _ = refused(expire=True)
    with assert_token_expired() as caught:
        raise error
    assert caught.value is error


def test_the_block_needs_an_error():
    """A with block that raises nothing fails."""
    with pytest.raises(AssertionError) as failure, assert_token_expired():
        pass
    assert str(failure.value) == (
        'The with block breaks "token-refused": '
        "The service refuses an expired token: HTTP 400, ValidationException.\n"
        "  source: API reference\n"
        "  raised: nothing (expected HTTP 400, ValidationException)"
    )


def test_the_block_with_another_refusal():
    """A with block that raises another refusal fails, with that error as context."""
    error, _ = refused(token="rubbish")
    with pytest.raises(AssertionError, match='"token-expired"') as failure, assert_token_expired():
        raise error
    assert failure.value.__context__ is error


@pytest.mark.parametrize("error", [AssertionError("other"), ParamValidationError(report="x")])
def test_the_block_lets_the_rest_through(error):
    """The with block does not catch other exceptions."""
    with pytest.raises(type(error)) as passed, assert_token_expired():
        raise error
    assert passed.value is error


@pytest.mark.parametrize("value", [None, {}, "ValidationException", ClientError])
def test_expired_token_of_the_wrong_type(value):
    """An argument that is neither an error nor a call raises a TypeError, None included."""
    with pytest.raises(TypeError) as error:
        assert_token_expired(value)
    assert str(error.value) == (
        f"error_or_call={value!r} "
        "(expected a botocore ClientError, a Call, or no argument in a with statement)"
    )
