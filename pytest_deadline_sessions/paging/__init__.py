"""Pages, listings, and the tokens that lead from one page to the next."""

from pytest_deadline_sessions.paging.listing import (
    GAP,
    REQUESTER,
    Cut,
    Listing,
    Page,
    check_summaries,
)
from pytest_deadline_sessions.paging.tokens import TokenError, Tokens

__all__ = [
    "GAP",
    "REQUESTER",
    "Cut",
    "Listing",
    "Page",
    "TokenError",
    "Tokens",
    "check_summaries",
]
