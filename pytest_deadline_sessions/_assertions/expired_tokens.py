"""The assertion that a token had expired."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, overload

from pytest_deadline_sessions._arguments import wrong_type
from pytest_deadline_sessions._assertions.messages import failure
from pytest_deadline_sessions._contract.rules import TOKEN_EXPIRED, TOKEN_REFUSED
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import plain, same, worded

_REFUSAL = ("ValidationException", 400)
_WIDTH = 1000
_BLOCK: Any = object()
_EXPIRY = re.compile("expir", re.IGNORECASE)
_TOKEN = re.compile("token", re.IGNORECASE)
_BAD_TOKEN = re.compile(
    "invalid|not valid|isn't valid|malformed|parse|used before|other arguments", re.IGNORECASE
)


class CaughtToken:
    """The error that the block of ``with assert_token_expired() as caught:`` raised.

    Attributes:
        value: The ``ClientError``; set when the block has ended.
    """

    value: Any


@overload
def assert_token_expired() -> contextlib.AbstractContextManager[CaughtToken]: ...
@overload
def assert_token_expired(error_or_call: BaseException | Call) -> None: ...
@public
def assert_token_expired(error_or_call: Any = _BLOCK) -> Any:
    """Assert that a call was refused because its token had expired.

    The API documents HTTP 400 ``ValidationException`` for an invalid token. It documents neither
    reason nor wording for an expired one. So the assertion accepts a refusal that mentions expiry,
    whatever its reason. It also accepts one that mentions a token and has the reason ``OTHER`` or
    none, unless the message calls the token invalid, malformed, used before, or issued for other
    arguments. Any other refusal is about a bad token, or about none.

    Args:
        error_or_call: A botocore ``ClientError``, or a recorded ``Call``. Without it, the function
            returns a context manager, whose block has to raise such a ``ClientError``. Exceptions
            of other kinds pass through.

    Raises:
        AssertionError: The call was refused for another reason, or nothing was raised.
        TypeError: An argument has the wrong type.

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
        raise wrong_type("error_or_call", error_or_call, expected)
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
        line = "raised: nothing (expected HTTP 400, ValidationException)"
        raise failure("The with block", TOKEN_REFUSED, [line])


@dataclass(frozen=True)
class _Refusal:
    """A call's refusal, as an error or a recorded call shows it.

    Attributes:
        subject: The error or the call that shows the refusal.
        received: All known details, as text.
        is_documented: Whether it has the code and the status that the API documents for tokens.
        reason: The modelled reason.
        text: The messages of the error and of its fields.
    """

    subject: str
    received: str
    is_documented: bool = False
    reason: str | None = None
    text: str = ""


def _of_call(call: Call) -> _Refusal:
    passed = call.token is not None
    is_documented = passed and (call.error, call.status) == _REFUSAL
    received = f"{call}" if passed else f"{call}, no nextToken was passed"
    return _Refusal("The call", received, is_documented, call.reason, call.message)


def _of_error(error: BaseException) -> _Refusal:
    received = worded(error)
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return _Refusal("The error", received)
    details = _mapping(response.get("Error"))
    status = _mapping(response.get("ResponseMetadata")).get("HTTPStatusCode")
    reason = response.get("reason")
    listed = response.get("fieldList")
    fields = [
        f"{plain(_mapping(field).get('name'))}: {plain(_mapping(field).get('message'), _WIDTH)}"
        for field in (listed if isinstance(listed, list) else ())
    ]
    received += "".join(
        f" ({plain(part)})" for part in (status, reason, *fields) if part is not None
    )
    # Errors made by hand often have no status.
    is_documented = same((details.get("Code"), status or _REFUSAL[1]), _REFUSAL)
    return _Refusal(
        "The error",
        received,
        is_documented,
        reason,
        " ".join([plain(details.get("Message", ""), _WIDTH), *fields]),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _judge(refusal: _Refusal) -> None:
    __tracebackhide__ = True
    if not refusal.is_documented:
        line = f"received: {refusal.received} (expected HTTP 400, ValidationException)"
        raise failure(refusal.subject, TOKEN_REFUSED, [line])
    if not _mentions_expiry(refusal):
        line = f"received: {refusal.received} (expected a message about an expired token)"
        raise failure(refusal.subject, TOKEN_EXPIRED, [line])


def _mentions_expiry(refusal: _Refusal) -> bool:
    if _EXPIRY.search(refusal.text):
        return True
    about_a_token = _TOKEN.search(refusal.text) and not _BAD_TOKEN.search(refusal.text)
    return bool(about_a_token) and (refusal.reason is None or same(refusal.reason, "OTHER"))
