"""Check each function against every kind of listing that the service may serve."""

from __future__ import annotations

import collections

import pytest
import session_tools

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination


@pytest.mark.parametrize(
    "collect",
    [
        session_tools.all_sessions,
        session_tools.sessions_one_by_one,
        session_tools.patient_sessions,
        session_tools.sessions_beside_other_work,
    ],
)
def test_everything_is_listed(collect):
    """Plain functions, generators and coroutines are called as they are."""
    check_pagination(collect)


def test_running_sessions():
    """For a filter, ``expected`` computes the right result from the complete list."""

    def not_ended(sessions):
        return [session for session in sessions if "endedAt" not in session]

    check_pagination(session_tools.running_sessions, expected=not_ended)


def test_workers():
    """``expected`` also computes the right report."""

    def counted(sessions):
        return collections.Counter(session["workerId"] for session in sessions)

    check_pagination(session_tools.workers, expected=counted)


def test_first_sessions():
    """``expected`` also computes the right result for a limit."""
    check_pagination(session_tools.first_sessions, expected=lambda sessions: sessions[:20])


def test_a_mistake_is_found():
    """The violation names the rule and the smallest listing that breaks the function."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(session_tools.recent_sessions)
    assert caught.value.rule == "complete"
    assert caught.value.listing == Listing(page_sizes=(1, 1))
    assert "It stopped at a page that was not full but had a token." in str(caught.value)


def test_a_listing_of_ones_own():
    """A listing that caused trouble before is tried before all others."""
    listing = Listing(page_sizes=(100, 0, 50), runs=(("STARTED", 120), ("ENDED", 30)))
    check_pagination(session_tools.all_sessions, examples=[listing], max_examples=10)
