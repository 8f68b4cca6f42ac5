"""The cases that Hypothesis draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import get_args

from hypothesis import strategies as st

from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import (
    Case,
    Change,
    Lapse,
    Sequence,
    without_empty_pages,
)
from pytest_deadline_sessions.lifecycle import STARTED
from pytest_deadline_sessions.strategies import listings


def cases(without: Collection[str] = ()) -> st.SearchStrategy[Case]:
    """Any case that the service could produce."""
    return st.builds(
        Case,
        listing=_listings(without),
        behavior=_behaviors(without),
        lapses=st.just(()) if "faults" in without else _lapses(),
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


def _listings(without: Collection[str]) -> st.SearchStrategy[Listing]:
    shapes: st.SearchStrategy[Listing] = listings(max_sessions=200)
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


def _behaviors(without: Collection[str]) -> st.SearchStrategy[Behavior]:
    sizes = st.just(100) if "page-sizes" in without else _rarely(st.integers(1, 100), 100)
    if "tokens" in without:
        return st.builds(Behavior, page_size=sizes)
    return st.builds(
        Behavior,
        page_size=sizes,
        token_length=st.sampled_from([80, 48, 49, 256, 4095, 4096]),
        spaces_around_tokens=st.booleans(),
        tokens_shared_by_jobs=st.booleans(),
        null_final_token=st.booleans(),
    )


def _lapses() -> st.SearchStrategy[tuple[Lapse, ...]]:
    lapse = st.builds(
        Lapse,
        fault=st.sampled_from(fault_codes()),
        after=st.integers(0, 4),
        times=st.sampled_from([1, 2, 4, 5, 6, 12, None]),
    )
    single = lapse.map(lambda drawn: (drawn,))
    return st.one_of(st.just(()), st.just(()), single, st.tuples(lapse, lapse))


def _drift() -> st.SearchStrategy[tuple[tuple[int, str], ...]]:
    change = st.tuples(st.integers(1, 4), st.sampled_from(get_args(Change)))
    changes = st.lists(change, min_size=1, max_size=4).map(tuple)
    return st.one_of(st.just(()), st.just(()), st.just(()), changes)
