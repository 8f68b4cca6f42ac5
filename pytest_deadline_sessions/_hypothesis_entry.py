"""Hypothesis calls this when it is imported, to learn our types.

The strategies are imported only when Hypothesis first resolves one of the types.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def register() -> None:
    """Register a strategy for each of our types."""
    from hypothesis import strategies as st

    from pytest_deadline_sessions._api.types import (
        ListSessionsRequest,
        ListSessionsResponse,
        SessionSummary,
    )
    from pytest_deadline_sessions._domain.faults import Fault
    from pytest_deadline_sessions._domain.listing import Listing

    st.register_type_strategy(SessionSummary, _later("_summaries", "session_summaries"))
    st.register_type_strategy(ListSessionsRequest, _later("_listings", "list_sessions_requests"))
    st.register_type_strategy(ListSessionsResponse, _later("_types", "one_response"))
    st.register_type_strategy(Listing, _later("_listings", "listings"))
    st.register_type_strategy(Fault, _later("_listings", "faults"))


def _later(module: str, name: str) -> Callable[[object], SearchStrategy[Any]]:
    def make(_type: object) -> SearchStrategy[Any]:
        strategies = importlib.import_module(f"pytest_deadline_sessions.strategies.{module}")
        strategy: SearchStrategy[Any] = getattr(strategies, name)()
        return strategy

    return make
