"""The assertion that a token had expired."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, overload

from pytest_deadline_sessions._assertions.messages import failure, wrong
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import plain, same, worded
from pytest_deadline_sessions.lifecycle import ASSUMPTION, REFERENCE, Rule

_REFUSED = Rule(
    "token-refused", "A token that expired is refused: HTTP 400, ValidationException.", REFERENCE
)
_EXPIRED = Rule("token-expired", "A refusal tells an expired token from a bad one.", ASSUMPTION)

_REFUSAL = ("ValidationException", 400)
_WIDTH = 1000
_BLOCK: Any = object()
_OF_EXPIRY = re.compile("expir", re.IGNORECASE)
_OF_TOKENS = re.compile("token", re.IGNORECASE)
_OF_BAD = re.compile(
    "invalid|not valid|isn't valid|malformed|parse|used before|other arguments", re.IGNORECASE
)


class CaughtToken:
    """What the block of ``with assert_token_expired() as caught:`` raised.

    Attributes:
        value: The ``ClientError``; there once the block has ended.
    """

    value: Any


@overload
def assert_token_expired() -> contextlib.AbstractContextManager[CaughtToken]: ...
@overload
def assert_token_expired(error_or_call: BaseException | Call) -> None: ...
@public
def assert_token_expired(error_or_call: Any = _BLOCK) -> Any:
    """Assert that a call was refused because its token had expired.

    For an invalid token the API documents HTTP 400 ``ValidationException``, but neither reason nor
    wording for one that has expired. So a refusal that speaks of expiry is taken, whatever its
    reason. So is one that speaks of a token and has the reason ``OTHER`` or none, unless it calls
    the token invalid, malformed, used before, or issued for other arguments. Any other is about a
    bad token (or none): one that was good once can be parsed.

    Args:
        error_or_call: A botocore ``ClientError``, or a recorded ``Call``. Without it this is a
            context manager, whose block has to raise such a ``ClientError``; exceptions of other
            kinds pass through.

    Raises:
        AssertionError: It was not, or nothing was raised.
        TypeError: An argument of the wrong type.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> fake = FakeDeadline()
        >>> job, client = fake.add_job(sessions=200), fake.client()
        >>> token = client.list_sessions(**job)["nextToken"]
        >>> fake.expire_tokens()
        >>> with assert_token_expired() as caught:
        ...     client.list_sessions(**job, nextToken=token)
        >>> caught.value.response["Error"]["Message"]
        'The nextToken has expired.'
        >>> assert_token_expired(fake.calls[-1])
    """
    __tracebackhide__ = True
    if error_or_call is _BLOCK:
        return _block()
    if isinstance(error_or_call, Call):
        _judge(_of_call(error_or_call))
    elif isinstance(error_or_call, BaseException):
        _judge(_of_error(error_or_call))
    else:
        expected = "a botocore ClientError, a Call, or no argument in a with statement"
        raise wrong("error_or_call", error_or_call, expected)
    return None


@contextlib.contextmanager
def _block() -> Iterator[CaughtToken]:
    from botocore.exceptions import ClientError

    __tracebackhide__ = True
    caught = CaughtToken()
    try:
        yield caught
    except ClientError as error:
        caught.value = error
        _judge(_of_error(error))
    else:
        line = "came: nothing was raised (expected HTTP 400, ValidationException)"
        raise failure("The block", _REFUSED, [line])


@dataclass(frozen=True)
class _Refusal:
    """How a call was refused.

    Attributes:
        subject: What tells of it.
        came: All that is known, for people.
        right: Whether it is what the API documents for tokens.
        reason: The modelled reason.
        words: All of its wording.
    """

    subject: str
    came: str
    right: bool = False
    reason: str | None = None
    words: str = ""


def _of_call(call: Call) -> _Refusal:
    passed = call.token is not None
    right = passed and (call.error, call.status) == _REFUSAL
    came = f"{call}" if passed else f"{call}, no nextToken was passed"
    return _Refusal("The call", came, right, call.reason, call.message)


def _of_error(error: BaseException) -> _Refusal:
    came = worded(error)
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return _Refusal("The error", came)
    told = _mapping(response.get("Error"))
    status = _mapping(response.get("ResponseMetadata")).get("HTTPStatusCode")
    reason = response.get("reason")
    listed = response.get("fieldList")
    fields = [
        f"{plain(_mapping(one).get('name'))}: {plain(_mapping(one).get('message'), _WIDTH)}"
        for one in (listed if isinstance(listed, list) else ())
    ]
    came += "".join(f" ({plain(part)})" for part in (status, reason, *fields) if part is not None)
    # Errors made by hand often have no status.
    right = same((told.get("Code"), status or _REFUSAL[1]), _REFUSAL)
    return _Refusal(
        "The error",
        came,
        right,
        reason,
        " ".join([plain(told.get("Message", ""), _WIDTH), *fields]),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _judge(refusal: _Refusal) -> None:
    __tracebackhide__ = True
    if not refusal.right:
        line = f"came: {refusal.came} (expected HTTP 400, ValidationException)"
        raise failure(refusal.subject, _REFUSED, [line])
    if not _speaks_of_expiry(refusal):
        line = f"came: {refusal.came} (expected a word of expiry, or of no other fault)"
        raise failure(refusal.subject, _EXPIRED, [line])


def _speaks_of_expiry(refusal: _Refusal) -> bool:
    if _OF_EXPIRY.search(refusal.words):
        return True
    about_a_token = _OF_TOKENS.search(refusal.words) and not _OF_BAD.search(refusal.words)
    return bool(about_a_token) and (refusal.reason is None or same(refusal.reason, "OTHER"))
