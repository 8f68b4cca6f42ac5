"""Pagination, as all operations with a ``nextToken`` do it."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._domain.faults import Fault, FaultError
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._domain.tokens import TokenError, TokenPolicy

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.behavior import Behavior
    from pytest_deadline_sessions._service.service import Service

Item = TypeVar("Item")

_WORDING = {
    "unknown": "The nextToken isn't valid.",
    "used": "The nextToken was used before.",
    "changed-arguments": "The nextToken was issued for other arguments.",
    "expired": "The nextToken has expired.",
}


def begin(service: Service, scope: Hashable, params: Mapping[str, Any]) -> Cut:
    """Where the requested page begins.

    Args:
        service: The service that issued the token.
        scope: What the token is bound to: the operation and its resource.
        params: The arguments of the call.

    Raises:
        FaultError: The service refuses the token: ``ValidationException``.
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
            token_policy(behavior),
        )
    except TokenError as error:
        raise FaultError(_fault(error.kind, service)) from None


def cut(
    service: Service, params: Mapping[str, Any], items: Iterable[tuple[Cut, Item]]
) -> tuple[list[Item], Cut | None]:
    """The items of one page, and where the next page begins; ``None`` after the last page.

    Args:
        service: The service that cuts the page.
        params: The arguments of the call.
        items: All items from the beginning of this page on, each with its place.
    """
    size = min(page_limit(params), service.behavior.page_size)
    placed = list(itertools.islice(items, size + 1))
    following = placed[size][0] if len(placed) > size else None
    return [item for _, item in placed[:size]], following


def finish(
    service: Service,
    scope: Hashable,
    params: Mapping[str, Any],
    result: Mapping[str, Any],
    following: Cut | None,
) -> Mapping[str, Any]:
    """The result of a call, with a token if there is a next page.

    Args:
        service: The service that issues the token.
        scope: What the token is bound to, as in ``begin``.
        params: The arguments of the call.
        result: The page without its token.
        following: Where the next page begins; ``None`` after the last page.
    """
    behavior = service.behavior
    if following is not None:
        token = service.state.tokens.issue(
            scope,
            _arguments(params),
            following,
            service.clock.now(),
            token_policy(behavior),
        )
        return {**result, "nextToken": token}
    if behavior.empty_final_token:
        return {**result, "nextToken": ""}
    if behavior.null_final_token:
        return {**result, "nextToken": None}
    return result


def token_policy(behavior: Behavior) -> TokenPolicy:
    """How the tokens of a service look, and which tokens it refuses."""
    return TokenPolicy(
        lifetime=behavior.token_lifetime,
        shape=behavior.token_shape,
        length=behavior.token_length,
        spaced=behavior.spaces_around_tokens,
        shared=behavior.tokens_shared_by_jobs,
        bound=behavior.tokens_bound_to_arguments,
        single_use=behavior.single_use_tokens,
    )


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
