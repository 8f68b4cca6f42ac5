"""Assertions about summaries, listings, calls and expired tokens.

Each says which rule does not hold, where that rule comes from, what came and what is allowed.

Example:
    >>> from pytest_deadline_sessions import FakeDeadline
    >>> fake = FakeDeadline()
    >>> job = fake.add_job(sessions=250)
    >>> pages = fake.client().get_paginator("list_sessions").paginate(**job)
    >>> assert_complete_listing(pages, job)
    >>> assert_follows_tokens(fake.calls)
"""

from pytest_deadline_sessions.assertions.chains import assert_follows_tokens
from pytest_deadline_sessions.assertions.data import (
    assert_lifecycle,
    assert_session_summary,
    assert_transition,
)
from pytest_deadline_sessions.assertions.expiry import CaughtToken, assert_token_expired
from pytest_deadline_sessions.assertions.listings import assert_complete_listing

__all__ = [
    "CaughtToken",
    "assert_complete_listing",
    "assert_follows_tokens",
    "assert_lifecycle",
    "assert_session_summary",
    "assert_token_expired",
    "assert_transition",
]
