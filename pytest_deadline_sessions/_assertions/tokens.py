"""The assertion that calls follow the tokens of their pages."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import check_items, check_kind
from pytest_deadline_sessions._assertions.messages import MOST_SHOWN, failure
from pytest_deadline_sessions._contract.tokens import Chains
from pytest_deadline_sessions._domain.transcript import Call, render
from pytest_deadline_sessions._public import public


@public
def assert_follows_tokens(calls: Iterable[Call]) -> None:
    """Assert that each follow-up call passes the last token and repeats the other arguments.

    Calls for several jobs may alternate. The code may stop before the last page, and its first call
    may pass a token from elsewhere. After a fault, the code may repeat the call or start the
    listing over. botocore's own retries don't count as follow-up calls. Operations other than
    ``ListSessions`` are ignored.

    Starting a listing over before its last page, without a fault, counts as a follow-up call that
    lost its token. If your code polls the first page, call ``fake.calls.clear()`` in between.

    Args:
        calls: The calls, such as ``fake.calls``.

    Raises:
        AssertionError: A call breaks a rule, or there are no calls.
        TypeError: An argument has the wrong type.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> fake = FakeDeadline()
        >>> job, client = fake.add_job(sessions=5), fake.client()
        >>> page = client.list_sessions(**job, maxResults=3)
        >>> page = client.list_sessions(**job, maxResults=3, nextToken=page["nextToken"])
        >>> assert_follows_tokens(fake.calls)
        >>> page = client.list_sessions(**job, maxResults=3)
        >>> page = client.list_sessions(**job, maxResults=2, nextToken=page["nextToken"])
        Traceback (most recent call last):
            ...
        botocore.errorfactory.ValidationException: An error occurred ...
        >>> assert_follows_tokens(fake.calls)
        Traceback (most recent call last):
            ...
        AssertionError: calls[3] breaks "keeps-arguments": It sends the same ids and ...
          source: API reference
          maxResults: 2 (expected 3, as in the call that returned the token)
          ...
    """
    __tracebackhide__ = True
    listed: list[Call] = check_items("calls", calls, "calls, such as those of a transcript")
    for index, call in enumerate(listed):
        check_kind(f"calls[{index}]", call, Call, "a Call")
    if not any(call.operation == model.OPERATION for call in listed):
        msg = f"There are no calls of {model.OPERATION} (expected one or more)"
        raise AssertionError(msg)
    chains = Chains()
    for index, call in enumerate(listed):
        broken = chains.add(call) if call.operation == model.OPERATION else None
        if broken is not None:
            transcript = render(listed[: index + 1], longest=MOST_SHOWN).splitlines()
            lines = [broken.what, "calls:", *(f"  {line}" for line in transcript)]
            raise failure(f"calls[{index}]", broken.rule, lines)
