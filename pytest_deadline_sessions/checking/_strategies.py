"""The cases that Hypothesis draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, get_args

from hypothesis import strategies as st

from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior, Reason, token_looks
from pytest_deadline_sessions.checking._case import (
    Case,
    Change,
    Drift,
    Lapse,
    Seen,
    Sequence,
    without_empty_pages,
)
from pytest_deadline_sessions.checking._variations import MANY_PAGES
from pytest_deadline_sessions.lifecycle import STARTED
from pytest_deadline_sessions.strategies import listings

_MOST_SESSIONS = 200
_MOST_CALLS = 40


def cases(
    without: Collection[str] = (),
    *,
    empty_final_token: bool = False,
    seen: Seen | None = None,
) -> st.SearchStrategy[Case]:
    """Any case that the service could produce.

    Args:
        without: The variations to leave out.
        empty_final_token: Whether some of the last pages have an empty token.
        seen: What the collector has been seen to do.
    """
    seen = Seen() if seen is None else seen
    return st.builds(
        Case,
        listing=_listings(without, seen),
        behavior=_behaviors(without, empty_final_token),
        lapses=st.just(()) if "faults" in without else _lapses(seen),
        expiries=st.just(())
        if "expiry" in without
        else _rarely(st.lists(st.integers(1, 4), min_size=1, max_size=2).map(tuple), ()),
        always_expired=st.just(False) if "expiry" in without else _rarely(st.just(True), False),
        drift=st.just(()) if "drift" in without else _drift(),
        sequence=st.just("once")
        if "sequences" in without
        else _rarely(st.sampled_from(_sequences(without)), "once"),
    )


def _sequences(without: Collection[str]) -> list[str]:
    return [
        name
        for name in get_args(Sequence)
        if name != "once" and not ("fail" in name and "faults" in without)
    ]


def _rarely(strategy: st.SearchStrategy[object], usual: object) -> st.SearchStrategy[object]:
    return st.one_of(st.just(usual), st.just(usual), st.just(usual), strategy)


def _listings(without: Collection[str], seen: Seen) -> st.SearchStrategy[Listing]:
    most = min(_MOST_SESSIONS, seen.sessions(_MOST_CALLS))
    if "volume" in without:
        most = min(most, MANY_PAGES)
    shapes: st.SearchStrategy[Listing] = listings(max_sessions=most)
    if "volume" in without:
        shapes = shapes.filter(lambda listing: len(listing.page_sizes or ()) <= MANY_PAGES)
    if "page-sizes" in without:
        shapes = shapes.map(_uncut)
    if "empty-pages" in without:
        shapes = shapes.map(without_empty_pages)
    if "data" in without:
        shapes = shapes.map(_plain)
    return shapes


def _uncut(listing: Listing) -> Listing:
    """The listing with the same sessions, but without its own page sizes."""
    runs = listing.runs or ((STARTED, len(listing)),)
    return dataclasses.replace(listing, page_sizes=None, runs=runs)


def _plain(listing: Listing) -> Listing:
    return Listing(page_sizes=listing.page_sizes, runs=((STARTED, len(listing)),))


def _behaviors(without: Collection[str], empty_final_token: bool) -> st.SearchStrategy[Behavior]:
    members: dict[str, st.SearchStrategy[Any]] = {}
    if "page-sizes" not in without:
        members["page_size"] = _rarely(st.integers(1, 100), 100)
    if "tokens" not in without:
        members |= {name: st.sampled_from(values) for name, values in token_looks().items()}
        members["token_length"] = st.sampled_from([80, 48, 49, 256, 4095, 4096])
    if "expiry" not in without:
        members["expired_token_reason"] = _rarely(st.sampled_from(get_args(Reason)), "OTHER")
    if empty_final_token:
        members["empty_final_token"] = st.booleans()
    return st.builds(Behavior, **members)


def _lapses(seen: Seen) -> st.SearchStrategy[tuple[Lapse, ...]]:
    faults: list[tuple[str | None, str]] = [(None, code) for code in fault_codes()]
    faults += [(name, code) for name in seen.others() for code in fault_codes(name)]
    lapse = st.builds(
        _lapse,
        st.sampled_from(faults),
        after=st.integers(0, 4),
        times=st.sampled_from([1, 2, 4, 5, 6, 12, None]),
    )
    single = lapse.map(lambda drawn: (drawn,))
    return st.one_of(st.just(()), st.just(()), single, st.tuples(lapse, lapse))


def _lapse(fault: tuple[str | None, str], after: int, times: int | None) -> Lapse:
    operation, code = fault
    return Lapse(code, after, times, operation)


def _drift() -> st.SearchStrategy[tuple[Drift, ...]]:
    change = st.tuples(
        st.integers(1, 4), st.sampled_from(get_args(Change)), st.sampled_from([-1, 0, 1])
    )
    changes = st.lists(change, min_size=1, max_size=4).map(tuple)
    return st.one_of(st.just(()), st.just(()), st.just(()), changes)
