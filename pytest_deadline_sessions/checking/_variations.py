"""Which variations a case shows, by what differs from a plain one."""

from __future__ import annotations

import dataclasses

from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior, token_looks
from pytest_deadline_sessions.checking._case import VARIATIONS, Case
from pytest_deadline_sessions.lifecycle import STARTED

_OF_DATA = ("started_at", "gap", "order", "workers")
_MANY_SESSIONS = 250
MANY_PAGES = 100
"""Listings of more pages vary the volume."""


def variations_of(case: Case) -> frozenset[str]:
    """Find the variations that a case shows.

    In a plain case, one call lists pages of one session each, all ``STARTED``, and the service
    behaves as it does by default.
    """
    sizes = pages_of(case)
    shown = {
        "page-sizes": _varies_page_sizes(case),
        "empty-pages": len(case.listing.page_sizes or ()) > 1 and 0 in sizes,
        "volume": len(case.listing) > _MANY_SESSIONS or len(sizes) > MANY_PAGES,
        "tokens": any(
            getattr(case.behavior, name) != values[0] for name, values in token_looks().items()
        ),
        "data": _varies_data(case.listing),
        "drift": bool(case.drift),
        "faults": bool(case.lapses) or "fail" in case.sequence,
        "expiry": bool(case.expiries) or case.always_expired,
        "sequences": case.sequence != "once",
    }
    return frozenset(name for name in VARIATIONS if shown[name])


def pages_of(case: Case) -> tuple[int, ...]:
    """How many sessions each page holds, if the caller sets no limit."""
    size = case.behavior.page_size
    return tuple(stop - start for start, stop, _ in case.listing.cuts(100, size))


def _varies_page_sizes(case: Case) -> bool:
    filled = [size for size in case.listing.page_sizes or () if size]
    return case.behavior.page_size != Behavior().page_size or (len(filled) > 1 and max(filled) > 1)


def _varies_data(listing: Listing) -> bool:
    defaults = {field.name: field.default for field in dataclasses.fields(listing)}
    return (
        listing.given is not None
        or any(status != STARTED for status, _ in listing.runs)
        or any(getattr(listing, name) != defaults[name] for name in _OF_DATA)
    )
