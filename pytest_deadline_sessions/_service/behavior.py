"""Named decisions on what the API leaves open."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import (
    check_choice,
    check_kind,
    check_switch,
    check_whole,
    wrong_value,
)
from pytest_deadline_sessions._domain import token_shapes
from pytest_deadline_sessions._domain.token_shapes import TokenShape
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import concise

Order = Literal["startedAt", "given"]
Reason = Literal["UNKNOWN_OPERATION", "CANNOT_PARSE", "FIELD_VALIDATION_FAILED", "OTHER"]


def _decision(default: Any, reason: str, *, of_looks: bool = False) -> Any:
    return dataclasses.field(default=default, metadata={"reason": reason, "of_looks": of_looks})


@public
@dataclass(frozen=True, repr=False)
class Behavior:
    """How the in-memory service behaves where the API documents nothing.

    Every member is an assumption with a default; ``Behavior.reasons()`` gives the reason for each.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is not allowed.

    Example:
        >>> Behavior(page_size=2).page_size
        2
        >>> Behavior(page_size=101)
        Traceback (most recent call last):
            ...
        ValueError: page_size=101 (expected 1..100)
    """

    page_size: int = _decision(
        100,
        "The API documents no default page size. This is the most sessions per page, even if "
        "maxResults asks for more. A Listing with page_sizes keeps its own.",
    )
    order: Order = _decision(
        "startedAt",
        "The API promises no order. Summaries passed to add_job are listed by startedAt, or in "
        "the order given; sessions that start later come last.",
    )
    token_lifetime: datetime.timedelta = _decision(
        datetime.timedelta(hours=24),
        "Documented as 24 hours. A token of exactly that age is still accepted.",
    )
    token_shape: TokenShape = _decision(
        "special-characters",
        "Tokens are opaque, and what they look like is not documented. By default they contain "
        "characters that careless handling breaks.",
        of_looks=True,
    )
    token_length: int = _decision(
        80,
        "Tokens have up to 4096 characters; how long they really are is not documented. Those of "
        "the shape counter are shorter, and those of the shape growing longer.",
        of_looks=True,
    )
    spaces_around_tokens: bool = _decision(
        False,
        "Nothing rules out a token that begins or ends with a space.",
        of_looks=True,
    )
    tokens_shared_by_jobs: bool = _decision(
        False,
        "Nothing rules out the same token text for two jobs.",
        of_looks=True,
    )
    single_use_tokens: bool = _decision(
        False,
        "Nothing says that a token works only once, and a retry may need it again.",
    )
    tokens_bound_to_arguments: bool = _decision(
        True,
        "All other arguments must stay unchanged. What happens otherwise is not documented; we "
        "refuse the call.",
    )
    expired_token_reason: Reason = _decision(
        "OTHER",
        "An expired token gets a ValidationException; its reason is not documented.",
    )
    garbled_token_reason: Reason = _decision(
        "FIELD_VALIDATION_FAILED",
        "An invalid token gets a ValidationException; its reason is not documented.",
    )
    empty_token_is_start: bool = _decision(
        False,
        "The model allows an empty token in a request. What it means is not documented; we refuse"
        " it as invalid.",
    )
    null_final_token: bool = _decision(
        False,
        "On the last page nextToken is null, says the reference. We leave it out of the JSON, or "
        "(if True) send null, which botocore drops.",
        of_looks=True,
    )
    empty_final_token: bool = _decision(
        False,
        "The model allows an empty token in a response. Whether the last page ever has one is not"
        " documented.",
    )
    unknown_job_is_not_found: bool = _decision(
        True,
        "ListSessions for an unknown job gives ResourceNotFoundException, or (if False) an empty "
        "list.",
    )
    update_of_ended_conflicts: bool = _decision(
        True,
        "UpdateSession can give ConflictException; when is not documented. We give it for a "
        "session that has ended; if False, the call changes nothing.",
    )
    update_of_asked_conflicts: bool = _decision(
        False,
        "What UpdateSession does for a session already asked to end (UPDATE_IN_PROGRESS or "
        "UPDATE_SUCCEEDED) is not documented. The call changes nothing, or (if True) conflicts.",
    )
    retry_after_seconds: int | None = _decision(
        None,
        "Whether a throttled or failed call carries Retry-After is not documented.",
    )

    def __post_init__(self) -> None:
        """Check every member now, so that an invalid behavior never exists."""
        kind: Any = type(self)
        hints = _hints(kind)
        for member in dataclasses.fields(self):
            _check(member.name, getattr(self, member.name), hints[member.name])

    def __repr__(self) -> str:
        return concise(self)

    @classmethod
    def reasons(cls) -> dict[str, str]:
        """The reason for each member, by name."""
        return {member.name: member.metadata["reason"] for member in dataclasses.fields(cls)}


def token_looks() -> dict[str, tuple[Any, ...]]:
    """Values of each member that says how tokens look, by name; the default first.

    Example:
        >>> token_looks()["null_final_token"]
        (False, True)
    """
    looks = [each for each in dataclasses.fields(Behavior) if each.metadata["of_looks"]]
    hints = _hints(Behavior)
    values = {each.name: [each.default, *_others(each.name, hints[each.name])] for each in looks}
    return {name: tuple(dict.fromkeys(each)) for name, each in values.items()}


def _others(name: str, hint: Any) -> tuple[Any, ...]:
    """All values of a member with few, and the extremes of one with many."""
    return (False, True) if hint is bool else _spans().get(name) or get_args(hint)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of the members; cached, because resolving them takes longer than checking."""
    return get_type_hints(kind)


def _spans() -> dict[str, tuple[int, int | None]]:
    return {
        "page_size": model.bounds("MaxResults"),
        "token_length": (token_shapes.SHORTEST, model.token_bounds()[1]),
        "retry_after_seconds": (0, None),
    }


def _check(name: str, value: Any, hint: Any) -> None:
    choices = get_args(hint)
    if hint is bool:
        check_switch(name, value)
    elif hint is datetime.timedelta:
        if check_kind(name, value, datetime.timedelta, "a timedelta") < datetime.timedelta(0):
            raise wrong_value(name, value, "0 or more")
    elif name in _spans():
        if value is not None or type(None) not in choices:
            check_whole(name, value, *_spans()[name])
    else:
        check_choice(name, value, choices)
