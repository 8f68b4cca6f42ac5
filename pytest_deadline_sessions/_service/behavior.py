"""What the API leaves open, decided by name."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain import tokens
from pytest_deadline_sessions._text import concise

Order = Literal["startedAt", "given"]
Reason = Literal["UNKNOWN_OPERATION", "CANNOT_PARSE", "FIELD_VALIDATION_FAILED", "OTHER"]


def _open(default: Any, reason: str) -> Any:
    return dataclasses.field(default=default, metadata={"reason": reason})


@dataclass(frozen=True, repr=False)
class Behavior:
    """How the in-memory service behaves where the API documents nothing.

    Every member is an assumption with a default; ``Behavior.reasons()`` says why each is as it is.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value outside what is allowed.

    Example:
        >>> Behavior(page_size=2).page_size
        2
        >>> Behavior(page_size=101)
        Traceback (most recent call last):
            ...
        ValueError: page_size=101 (expected 1..100)
    """

    page_size: int = _open(
        100,
        "The API gives no default page size; a page that the service cuts never holds more than "
        "this, also when maxResults asks for more. The page_sizes of a Listing are kept.",
    )
    order: Order = _open(
        "startedAt",
        "The API promises no order; summaries given to add_job are listed in the order of "
        "startedAt, or as given. Sessions that start later come last.",
    )
    token_lifetime: datetime.timedelta = _open(
        datetime.timedelta(hours=24),
        "Documented as 24 hours; a token that is exactly as old is still taken.",
    )
    token_length: int = _open(
        80, "A token may have up to 4096 characters; its real length is not documented."
    )
    spaces_around_tokens: bool = _open(
        False, "Nothing says that a token cannot begin and end with a space."
    )
    tokens_shared_by_jobs: bool = _open(
        False, "Nothing says that two jobs cannot be given the same text as a token."
    )
    single_use_tokens: bool = _open(
        False, "Nothing says that a token can be used only once, and a retry may need it again."
    )
    tokens_bound_to_arguments: bool = _open(
        True,
        "All other arguments must be kept unchanged; what happens otherwise is not documented, so "
        "it is refused.",
    )
    expired_token_reason: Reason = _open(
        "OTHER", "A ValidationException is documented for an expired token, its reason is not."
    )
    garbled_token_reason: Reason = _open(
        "FIELD_VALIDATION_FAILED",
        "A ValidationException is documented for an invalid token, its reason is not.",
    )
    empty_token_is_start: bool = _open(
        False,
        "The model allows a token of no characters in a request; what it means is not documented, "
        "so it is refused as invalid.",
    )
    null_final_token: bool = _open(
        False,
        "The last page has nextToken null according to the reference; on the wire the member is "
        "left out, or (if True) there as null, which botocore drops.",
    )
    empty_final_token: bool = _open(
        False,
        "The model allows a token of no characters in a response too; whether the last page ever "
        "has one is not documented.",
    )
    unknown_job_is_not_found: bool = _open(
        True,
        "ListSessions of a job that does not exist gives ResourceNotFoundException; if False, an "
        "empty list.",
    )
    update_of_ended_conflicts: bool = _open(
        True,
        "UpdateSession is modelled to give ConflictException; we give it for a session that has "
        "ended, or (if False) nothing happens.",
    )
    update_of_asked_conflicts: bool = _open(
        False,
        "What UpdateSession does for a session that was asked to end already (UPDATE_IN_PROGRESS "
        "or UPDATE_SUCCEEDED) is not documented; nothing happens, or (if True) it conflicts.",
    )
    retry_after_seconds: int | None = _open(
        None, "Whether a throttled or failed call comes with Retry-After is not documented."
    )

    def __post_init__(self) -> None:
        """Check every member at once."""
        kind: Any = type(self)
        hints = _hints(kind)
        for member in dataclasses.fields(self):
            _check(member.name, getattr(self, member.name), hints[member.name])

    def __repr__(self) -> str:
        return concise(self)

    @classmethod
    def reasons(cls) -> dict[str, str]:
        """Why each member is as it is, by its name."""
        return {member.name: member.metadata["reason"] for member in dataclasses.fields(cls)}


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of the members, which take longer to read than to check."""
    return get_type_hints(kind)


def _spans() -> dict[str, tuple[int, int | None]]:
    return {
        "page_size": model.bounds("MaxResults"),
        "token_length": (tokens.SHORTEST, model.token_bounds()[1]),
        "retry_after_seconds": (0, None),
    }


def _check(name: str, value: Any, hint: Any) -> None:
    choices = get_args(hint)
    if hint is bool:
        _expect(name, value, "True or False", right=isinstance(value, bool))
    elif hint is datetime.timedelta:
        _expect(name, value, "a timedelta", right=isinstance(value, datetime.timedelta))
        if value < datetime.timedelta(0):
            msg = f"{name}={value!r} (expected 0 or more)"
            raise ValueError(msg)
    elif name in _spans():
        if value is not None or type(None) not in choices:
            _check_number(name, value)
    elif value not in choices:
        msg = f"{name}={value!r} (expected one of {', '.join(map(repr, choices))})"
        raise ValueError(msg)


def _check_number(name: str, value: Any) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    _expect(name, value, "a whole number", right=whole)
    low, high = _spans()[name]
    if value < low or (high is not None and value > high):
        span = f"{low}..{high}" if high is not None else f"{low} or more"
        msg = f"{name}={value!r} (expected {span})"
        raise ValueError(msg)


def _expect(name: str, value: Any, what: str, *, right: bool) -> None:
    if not right:
        msg = f"{name}={value!r} (expected {what})"
        raise TypeError(msg)
