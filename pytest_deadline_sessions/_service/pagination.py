"""Turning pages: what every operation with a ``nextToken`` does with it."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import Fault, FaultError
from pytest_deadline_sessions._domain.listing import Cut
from pytest_deadline_sessions._domain.tokens import TokenError

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service

Item = TypeVar("Item")

_WORDING = {
    "unknown": "The nextToken isn't valid.",
    "used": "The nextToken was used before.",
    "changed-arguments": "The nextToken was issued for other arguments.",
    "expired": "The nextToken has expired.",
}


def limit(params: Mapping[str, Any]) -> int:
    """The most items that the caller takes."""
    most: int = params.get("maxResults", model.bounds("MaxResults")[1])
    return most


def begin(service: Service, scope: Hashable, params: Mapping[str, Any]) -> Cut:
    """Where the page that was asked for begins.

    Args:
        service: Whose tokens.
        scope: What a token is bound to: the operation and its resource.
        params: The arguments of the call.

    Raises:
        FaultError: The service does not take the token: ``ValidationException``.
    """
    behavior = service.behavior
    token = params.get("nextToken")
    if token is None or (token == "" and behavior.empty_token_is_start):
        return Cut(0, 0)
    try:
        return service.state.tokens.redeem(
            token,
            scope,
            _arguments(params),
            service.clock.now(),
            lifetime=behavior.token_lifetime,
            bound=behavior.tokens_bound_to_arguments,
            single_use=behavior.single_use_tokens,
        )
    except TokenError as error:
        raise FaultError(_fault(error.kind, service)) from None


def cut(
    service: Service, params: Mapping[str, Any], found: Iterable[tuple[Cut, Item]]
) -> tuple[list[Item], Cut | None]:
    """One page of what was found, and where the next one begins.

    Args:
        service: Whose pages.
        params: The arguments of the call.
        found: Everything from the beginning of this page on, each with its place.
    """
    size = min(limit(params), service.behavior.page_size)
    some = list(itertools.islice(found, size + 1))
    following = some[size][0] if len(some) > size else None
    return [one for _, one in some[:size]], following


def finish(
    service: Service,
    scope: Hashable,
    params: Mapping[str, Any],
    result: Mapping[str, Any],
    following: Cut | None,
) -> Mapping[str, Any]:
    """The result, with the token of the following page if there is one.

    Args:
        service: Whose tokens.
        scope: As in ``begin``.
        params: The arguments of the call.
        result: The page without its token.
        following: Where the next page begins; ``None`` after the last one.
    """
    behavior = service.behavior
    if following is not None:
        token = service.state.tokens.issue(
            scope,
            _arguments(params),
            following,
            service.clock.now(),
            length=behavior.token_length,
            shared=behavior.tokens_shared_by_jobs,
            spaced=behavior.spaces_around_tokens,
        )
        return {**result, "nextToken": token}
    if behavior.empty_final_token:
        return {**result, "nextToken": ""}
    if behavior.null_final_token:
        return {**result, "nextToken": None}
    return result


def _arguments(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((key, value) for key, value in params.items() if key != "nextToken"))


def _fault(kind: str, service: Service) -> Fault:
    wording = _WORDING[kind]
    if kind == "expired":
        reason = service.behavior.expired_token_reason
    else:
        reason = service.behavior.garbled_token_reason
    if reason == "FIELD_VALIDATION_FAILED":
        fields = [{"name": "nextToken", "message": wording}]
        return Fault("ValidationException", wording, reason=reason, fieldList=fields)
    return Fault("ValidationException", wording, reason=reason)
