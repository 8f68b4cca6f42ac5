"""Strategies for typed dicts, used by ``st.from_type`` and by annotations."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

from hypothesis import strategies as st

from pytest_deadline_sessions._api.types import ListSessionsRequest, ListSessionsResponse
from pytest_deadline_sessions.strategies._listings import (
    list_sessions_requests,
    list_sessions_responses,
)
from pytest_deadline_sessions.strategies._options import deferred
from pytest_deadline_sessions.strategies._summaries import session_summaries

_STUBS = ("mypy_boto3_deadline", "types_boto3_deadline")


def one_response() -> st.SearchStrategy[ListSessionsResponse]:
    """Any page of any listing."""
    return deferred(lambda: list_sessions_responses().flatmap(st.sampled_from))


def register_boto3_types() -> None:
    """Let ``st.from_type`` and annotations give valid data for the types of ``boto3-stubs``.

    The types are ``SessionSummaryTypeDef``, ``ListSessionsResponseTypeDef`` and the request types,
    in ``mypy_boto3_deadline`` and ``types_boto3_deadline``, under their current names and those of
    older releases.

    Raises:
        ModuleNotFoundError: Neither package is installed.

    Example:
        >>> from hypothesis import find
        >>> from hypothesis import strategies as st
        >>> from types_boto3_deadline.type_defs import SessionSummaryTypeDef
        >>> register_boto3_types()
        >>> find(st.from_type(SessionSummaryTypeDef), lambda _: True)["lifecycleStatus"]
        'STARTED'
    """
    modules = [module for module in map(_type_definitions, _STUBS) if module is not None]
    if not modules:
        msg = f"no types to register (expected {' or '.join(_STUBS)} to be installed)"
        raise ModuleNotFoundError(msg, name=_STUBS[0])
    for module in modules:
        for name, make in _MAKERS.items():
            if hasattr(module, name):
                st.register_type_strategy(getattr(module, name), make())


def _type_definitions(package: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"{package}.type_defs")
    except ModuleNotFoundError:
        return None


def _with_metadata() -> st.SearchStrategy[dict[str, object]]:
    metadata = st.fixed_dictionaries(
        {
            "RequestId": st.uuids().map(str),
            "HTTPStatusCode": st.just(200),
            "HTTPHeaders": st.just({"content-type": "application/json"}).map(dict),
            "RetryAttempts": st.integers(0, 4),
        }
    )
    return st.builds(lambda page, of: {**page, "ResponseMetadata": of}, one_response(), metadata)


def _for_paginators() -> st.SearchStrategy[ListSessionsRequest]:
    return list_sessions_requests(tokens=False, max_results=False)


_MAKERS: dict[str, Callable[[], st.SearchStrategy[object]]] = {
    "SessionSummaryTypeDef": session_summaries,
    "ListSessionsResponseTypeDef": _with_metadata,
    "ListSessionsRequestTypeDef": list_sessions_requests,
    "ListSessionsRequestRequestTypeDef": list_sessions_requests,
    "ListSessionsRequestPaginateTypeDef": _for_paginators,
    "ListSessionsRequestListSessionsPaginateTypeDef": _for_paginators,
}
