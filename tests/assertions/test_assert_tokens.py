"""Assertions about calls and their tokens: what passes, and all of what they say of the rest."""

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
    """A call that passed a token and was given another, or none; or that failed."""
    members = {
        name: changes.pop(name)
        for name in ("operation", "attempt", "reason", "sent")
        if name in changes
    }
    params = {**(job or JOB), **changes, **({} if token is None else {"nextToken": token})}
    answer = {
        "response": {"sessions": [], **({} if following is None else {"nextToken": following})}
    }
    if following is BAD:
        answer = {"error": "ThrottlingException", "status": 429, "message": "Rate exceeded."}
    return Call(**{"operation": "ListSessions", **members}, params=params, at=AT, **answer)


def said(assertion, *args):
    """What an assertion says of what does not hold."""
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
    """Chains may stop early, interleave, begin again after their end or a fault, and go on."""
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
def test_calls_that_do_not(calls, rule, line):
    """The last call is the wrong one: the rule, its source, what it passed and what is due."""
    assert_follows_tokens(calls[:-1])
    lines = said(assert_follows_tokens, calls).splitlines()
    assert lines[0].startswith(
        f'calls[{len(calls) - 1}] breaks "{rule}": {COLLECTOR_RULES[rule].reason}'
    )
    assert lines[1:4] == ["  source: API reference", f"  {line}", "  calls:"]
    assert len(lines) == 4 + len(calls)


def test_what_went_before_is_shown():
    """The calls up to the wrong one follow, shortened as in every report."""
    calls = [call(None, A), call(A, B), call(None, None), call(C, None)]
    assert said(assert_follows_tokens, calls) == (
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
    """The place of the wrong call is among all calls, and few of them are shown."""
    chain = [call(None, "0"), *(call(str(n), str(n + 1)) for n in range(98)), call("7", None)]
    text = said(assert_follows_tokens, chain)
    assert text.startswith("calls[99] breaks")
    assert "90 calls left out" in text
    assert len(text.splitlines()) == 15


@pytest.mark.at_length
@settings(deadline=None, max_examples=50)
@given(data=st.data(), listing=ds.listings(max_sessions=50, max_results=3, page_sizes=True))
def test_any_chain_of_the_fake(data, listing):
    """Who follows the tokens passes; who changes anything in one call does not."""
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
    """Whichever of two jobs is called next, each chain is followed by itself."""
    chains = [
        [
            call(one, two, job)
            for one, two in itertools.pairwise([None, *(f"{job['jobId']}{n}" for n in "abc"), None])
        ]
        for job in (JOB, OTHER)
    ]
    iterators = [iter(chain) for chain in chains]
    assert_follows_tokens([next(iterators[which]) for which in order])


@pytest.mark.parametrize("calls", [[], [call(None, None, operation="GetSession")]])
def test_no_calls_at_all(calls):
    """Nobody has shown anything without a call."""
    text = "There are no calls of ListSessions (expected one or more)"
    assert said(assert_follows_tokens, calls) == text


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        (None, "calls=None (expected calls, such as those of a transcript)"),
        (JOB, f"calls={str(JOB)[:79]} (expected calls, such as those of a transcript)"),
        ([JOB], f"calls[0]={str(JOB)[:79]} (expected a Call)"),
    ],
)
def test_what_is_no_call(calls, text):
    """It is refused by its name and place."""
    with pytest.raises(TypeError) as error:
        assert_follows_tokens(calls)
    assert str(error.value) == text


def refused(behavior=None, token=None, *, expire=False):
    """The error and the call of a token that a service refuses."""
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
    """Whatever the reason, an error and a call that speak of expiry are taken."""
    behavior = Behavior(expired_token_reason=reason)
    for given_ in refused(behavior, expire=True):
        assert_token_expired(given_)


@pytest.mark.parametrize("reason", REASONS)
def test_a_bad_token(reason):
    """Whatever the reason, an error and a call that speak of a bad token are not."""
    error, recorded = refused(Behavior(garbled_token_reason=reason), "rubbish")
    field = " (nextToken: The nextToken isn't valid.)" if "FIELD" in reason else ""
    assert said(assert_token_expired, error) == (
        'The error breaks "token-expired": '
        "The error distinguishes an expired token from an invalid one.\n"
        "  source: assumption, the API does not document it\n"
        "  received: ValidationException: An error occurred (ValidationException) when calling the "
        f"ListSessions operation: The nextToken isn't valid. (400) ({reason}){field} "
        "(expected a message about an expired token)"
    )
    assert said(assert_token_expired, recorded) == (
        'The call breaks "token-expired": '
        "The error distinguishes an expired token from an invalid one.\n"
        "  source: assumption, the API does not document it\n"
        f"  received: {recorded} (expected a message about an expired token)"
    )


def error_of(fault, token=A):
    """The error and the call of a fault that was planned."""
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
def test_wordings_that_the_service_might_have(message, members, expired):
    """Expiry is taken from words; without them a token with no other fault is taken for expired."""
    fault = Fault("ValidationException", message, **{"reason": "OTHER", **members})
    for given_ in error_of(fault):
        if expired:
            assert_token_expired(given_)
        else:
            assert 'breaks "token-expired"' in said(assert_token_expired, given_)


def test_a_field_may_tell():
    """What is said of a field counts as much as the message."""
    fields = [{"name": "nextToken", "message": "Expired."}]
    fault = Fault("ValidationException", "Bad.", reason="FIELD_VALIDATION_FAILED", fieldList=fields)
    assert_token_expired(error_of(fault)[0])
    fields = [{"name": "nextToken", "message": "Too old."}]
    fault = Fault("ValidationException", "No.", reason="OTHER", fieldList=fields)
    assert_token_expired(error_of(fault)[0])


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_another_error(code):
    """Only ValidationException is documented for tokens, whatever the wording."""
    error, recorded = error_of(Fault(code, "The token has expired."))
    assert said(assert_token_expired, error) == (
        'The error breaks "token-refused": '
        "The service refuses an expired token: HTTP 400, ValidationException.\n"
        "  source: API reference\n"
        f"  received: {code}: {error} ({Fault(code).status}) "
        "(expected HTTP 400, ValidationException)"
    )
    assert said(assert_token_expired, recorded).endswith(
        f"  received: {recorded} (expected HTTP 400, ValidationException)"
    )


def test_a_call_without_a_token():
    """A call that passed no token was not refused because of one."""
    fault = Fault("ValidationException", "The token has expired.")
    _, recorded = error_of(fault, token=None)
    assert said(assert_token_expired, recorded).endswith(
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
    """What is no refusal of the service is no refusal of a token."""
    text = said(assert_token_expired, error)
    assert text.endswith(f"  received: {came} (expected HTTP 400, ValidationException)")


def test_errors_made_by_hand():
    """An error without status or reason is judged by its code and its message."""
    details = {"Error": {"Code": "ValidationException", "Message": "The token has expired."}}
    assert_token_expired(ClientError(details, "ListSessions"))
    unwell = {**details, "ResponseMetadata": {"HTTPStatusCode": 500}}
    assert '"token-refused"' in said(assert_token_expired, ClientError(unwell, "ListSessions"))
    assert '"token-refused"' in said(assert_token_expired, ClientError({}, "ListSessions"))
    wordless = {"Error": {"Code": "ValidationException"}}
    assert '"token-expired"' in said(assert_token_expired, ClientError(wordless, "ListSessions"))


def test_the_block_catches_what_it_asserts():
    """The error of an expired token does not leave the block, and can be looked at."""
    error, _ = refused(expire=True)
    with assert_token_expired() as caught:
        raise error
    assert caught.value is error


def test_the_block_needs_an_error():
    """A block that raises nothing has not shown anything."""
    with pytest.raises(AssertionError) as failure, assert_token_expired():
        pass
    assert str(failure.value) == (
        'The with block breaks "token-refused": '
        "The service refuses an expired token: HTTP 400, ValidationException.\n"
        "  source: API reference\n"
        "  raised: nothing (expected HTTP 400, ValidationException)"
    )


def test_the_block_judges_what_the_service_refuses():
    """Another refusal is a failed assertion, whose cause is kept."""
    error, _ = refused(token="rubbish")
    with pytest.raises(AssertionError, match='"token-expired"') as failure, assert_token_expired():
        raise error
    assert failure.value.__context__ is error


@pytest.mark.parametrize("error", [AssertionError("other"), ParamValidationError(report="x")])
def test_the_block_lets_the_rest_through(error):
    """Errors of other kinds are none of its business."""
    with pytest.raises(type(error)) as passed, assert_token_expired():
        raise error
    assert passed.value is error


@pytest.mark.parametrize("value", [None, {}, "ValidationException", ClientError])
def test_what_cannot_have_expired(value):
    """What is neither error nor call is refused, above all None, which a test may hold by slip."""
    with pytest.raises(TypeError) as error:
        assert_token_expired(value)
    assert str(error.value) == (
        f"error_or_call={value!r} "
        "(expected a botocore ClientError, a Call, or no argument in a with statement)"
    )
