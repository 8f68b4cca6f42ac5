"""What a collector is tried against: one case, the simplest ones in order, and a strategy."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from hypothesis import strategies as st

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._text import concise
from pytest_deadline_sessions.lifecycle import ENDED, STARTED
from pytest_deadline_sessions.strategies import listings

Sequence = Literal[
    "once",
    "twice",
    "two-jobs",
    "changed-result",
    "after-failure",
    "sessions-added",
    "failing-later",
]
Change = Literal["start", "end", "request-end"]

VARIATIONS = {
    "page-sizes": "where the service cuts: full, single, short and uneven pages",
    "empty-pages": "pages without sessions, first, in the middle and last",
    "volume": "hundreds of pages",
    "tokens": "content and length of tokens, and the same text for two jobs",
    "data": "ties, twins that differ only in their id, all statuses, any order of starts",
    "drift": "sessions that start, are asked to end and end between two pages",
    "faults": "each kind of fault, at each place, healing and lasting",
    "expiry": "tokens that expire between two pages, once or always",
    "sequences": "several calls: again, for two jobs in turn, after a failure, after a change",
}
"""Everything that ``check_pagination`` varies, by the name that ``without=`` takes."""

_EMPTY = Listing(page_sizes=(0,))
_TWO = Listing(page_sizes=(1, 1))
_PLAIN = Behavior()


@dataclass(frozen=True, repr=False)
class Lapse:
    """A fault at a place: ``times`` requests fail once ``after`` requests have been answered.

    Attributes:
        fault: The code of the fault.
        after: How many requests are answered before.
        times: How many requests fail, botocore's retries among them; ``None`` for all from then on.
    """

    fault: str
    after: int = 0
    times: int | None = None

    def __repr__(self) -> str:
        return concise(self, positional=1)


@dataclass(frozen=True, repr=False)
class Case:
    """One situation that the service may bring a collector into.

    Attributes:
        listing: What the job lists, and where it is cut.
        behavior: What the API leaves open.
        lapses: The faults that come.
        expiries: After how many answered requests all tokens expire.
        always_expired: Whether every token has expired by the time it comes back.
        drift: What changes in the job once so many requests were answered.
        sequence: How often the collector is called, and what happens in between.
    """

    listing: Listing = _EMPTY
    behavior: Behavior = _PLAIN
    lapses: tuple[Lapse, ...] = ()
    expiries: tuple[int, ...] = ()
    always_expired: bool = False
    drift: tuple[tuple[int, Change], ...] = ()
    sequence: Sequence = "once"

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.sequence not in get_args(Sequence):
            msg = f"sequence={self.sequence!r} (expected one of {', '.join(get_args(Sequence))})"
            raise ValueError(msg)
        for _, change in self.drift:
            if change not in get_args(Change):
                msg = f"drift: {change!r} (expected one of {', '.join(get_args(Change))})"
                raise ValueError(msg)

    def __repr__(self) -> str:
        return concise(self, positional=1)


def fault_codes() -> list[str]:
    """Every fault that ListSessions may give, and the broken connections."""
    return [*model.error_shapes(), *BROKEN_CONNECTIONS]


def simplest(without: Collection[str] = ()) -> Iterator[Case]:
    """The cases that break most collectors, the simplest first.

    They are always tried, so that a bug that needs one particular situation is found whatever
    Hypothesis draws, and is reported in its smallest form.
    """
    again = "sequences" not in without
    # Called again comes first: a collector that keeps something is not yet spoilt by other cases.
    yield Case(Listing(page_sizes=(1,)), sequence="twice" if again else "once")
    yield Case(_TWO)
    yield Case(Listing(page_sizes=(1, 1, 1)))
    yield Case(_EMPTY)
    makers = {
        "sequences": _sequences_of_calls,
        "page-sizes": _cuts,
        "empty-pages": _empty_pages,
        "data": _data,
        "tokens": _tokens,
        "faults": _faults,
        "expiry": _expiries,
        "drift": _drifting,
        "volume": _volume,
    }
    if again and "faults" not in without:
        # Before other faults, for the same reason.
        for code, after in itertools.product(fault_codes(), (1, 0)):
            yield Case(_TWO, lapses=(Lapse(code, after),), sequence="after-failure")
        yield Case(_TWO, sequence="failing-later")
    for name, make in makers.items():
        for case in make() if name not in without else ():
            if "empty-pages" not in without or case.listing == _full(case.listing):
                yield case
    if again:
        yield from _kept_of_some(without)


def _kept_of_some(without: Collection[str]) -> Iterator[Case]:
    """What shows a collector that keeps something of certain listings only."""
    if "tokens" not in without:
        yield Case(_TWO, Behavior(tokens_shared_by_jobs=True), sequence="two-jobs")
    ended = Listing(page_sizes=(1,), runs=((ENDED, 1),))
    some = [Listing(), Listing(page_sizes=(1,)), Listing(runs=((STARTED, 100),))]
    for listing in [*some, *([ended] if "data" not in without else [])]:
        yield Case(listing, sequence="sessions-added")


def _sequences_of_calls() -> Iterator[Case]:
    for sequence in ("twice", "changed-result", "two-jobs", "sessions-added"):
        yield Case(_TWO, sequence=sequence)


def _empty_pages() -> Iterator[Case]:
    for sizes in ((0, 1), (1, 0), (1, 0, 1), (0, 0, 1), (1, 0, 0, 1), (0, 0, 0, 0, 1), (0, 0)):
        yield Case(Listing(page_sizes=sizes))
    yield Case(Listing(page_sizes=(1, 1, 1, 0, 1)))
    yield Case(Listing(page_sizes=(100, 0, 1)))
    yield Case(Listing(page_sizes=(*(0,) * 40, 1)))


def _tokens() -> Iterator[Case]:
    for length in (48, 4096):
        yield Case(_TWO, Behavior(token_length=length))
    yield Case(_TWO, Behavior(spaces_around_tokens=True))


def _expiries() -> Iterator[Case]:
    yield Case(_TWO, expiries=(1,))
    yield Case(Listing(page_sizes=(1, 1, 1)), expiries=(2,))
    yield Case(Listing(page_sizes=(1, 0, 1)), expiries=(1,))
    yield Case(_TWO, always_expired=True)


def _drifting() -> Iterator[Case]:
    for change in get_args(Change):
        yield Case(_TWO, drift=((1, change),))
    yield Case(Listing(page_sizes=(1, 1, 1)), drift=((1, "start"), (2, "end")))
    yield Case(Listing(runs=((STARTED, 101),)), drift=((1, "start"),))


def _volume() -> Iterator[Case]:
    for pages in (30, 60, 110):
        yield Case(Listing(page_sizes=(1,) * pages))
    yield Case(Listing(runs=((STARTED, 501),)))
    yield Case(Listing(runs=((STARTED, 1001),)))
    yield Case(Listing(page_sizes=(1,) * 400))


def _cuts() -> Iterator[Case]:
    for sizes in ((1, 1), (2, 1), (1, 2), (1, 1, 1), (3,), (2, 2, 2), (1,) * 6, (1,) * 12):
        yield Case(Listing(page_sizes=sizes))
    for count in (10, 25, 50, 99, 100, 101, 200, 201):
        yield Case(Listing(runs=((STARTED, count),)))
    yield Case(Listing(runs=((STARTED, 3),)), Behavior(page_size=2))
    yield Case(Listing(runs=((STARTED, 4),)), Behavior(page_size=2))
    for sizes in ((100, 100), (100, 1), (99, 1), (100, 99, 1), (50, 50, 1), (10, 10), (1, 100)):
        yield Case(Listing(page_sizes=sizes))


def _data() -> Iterator[Case]:
    every = tuple((status, 1) for status in model.enum("SessionLifecycleStatus"))
    none = datetime.timedelta(0)
    for run in every:
        yield Case(Listing(page_sizes=(1,), runs=(run,)))
    yield Case(Listing(page_sizes=(2,), gap=none))
    yield Case(Listing(page_sizes=(1, 1), gap=none))
    # Real ids do not ascend.
    counted = list(Listing(page_sizes=(2,)))
    ids = [summary["sessionId"] for summary in reversed(counted)]
    yield Case(
        Listing.of({**one, "sessionId": each} for one, each in zip(counted, ids, strict=True))
    )
    yield Case(Listing(page_sizes=(2, 1), order="newest-first"))
    yield Case(Listing(page_sizes=(2, 2), order="mixed"))
    yield Case(Listing(page_sizes=(5,), runs=every))
    yield Case(Listing(page_sizes=(2, 3), runs=every, order="newest-first"))
    yield Case(Listing(page_sizes=(2, 2), runs=((ENDED, 4),)))
    yield Case(Listing(page_sizes=(2, 2), runs=((ENDED, 1), (STARTED, 3)), workers=2))
    yield Case(Listing(page_sizes=(2, 2), runs=((STARTED, 2), (ENDED, 2)), gap=none, workers=4))


def _faults() -> Iterator[Case]:
    for code in fault_codes():
        for after in (0, 1):
            yield Case(_TWO, lapses=(Lapse(code, after),))
            yield Case(_TWO, lapses=(Lapse(code, after, times=1),))
            # Botocore's retries do not heal it, the collector's do.
            yield Case(_TWO, lapses=(Lapse(code, after, times=5),))
        yield Case(Listing(page_sizes=(1, 1, 1)), lapses=(Lapse(code, 2),))
    for times in (4, 5, 6, 12):
        yield Case(_TWO, lapses=(Lapse("ThrottlingException", 1, times),))
    yield Case(Listing(page_sizes=(1, 0, 1)), lapses=(Lapse("ThrottlingException", 2),))
    yield Case(_EMPTY, lapses=(Lapse("ResourceNotFoundException"),))
    many = Listing(runs=((STARTED, 250),))
    yield Case(many, lapses=(Lapse("ThrottlingException", 1, times=5),))
    yield Case(many, lapses=(Lapse("AccessDeniedException", 2),))
    yield Case(Listing(page_sizes=(1,) * 12), lapses=(Lapse("ThrottlingException", 11),))


def cases(without: Collection[str] = ()) -> st.SearchStrategy[Case]:
    """Any case that the service may bring a collector into."""
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
        shapes = shapes.map(_full)
    if "data" in without:
        shapes = shapes.map(_plain)
    return shapes


def _uncut(listing: Listing) -> Listing:
    """The listing with its sessions, and nothing about where it is cut."""
    runs = listing.runs or ((STARTED, len(listing)),)
    return dataclasses.replace(listing, page_sizes=None, runs=runs)


def _full(listing: Listing) -> Listing:
    """The listing without its empty pages."""
    if listing.page_sizes is None:
        return listing
    sizes = tuple(size for size in listing.page_sizes if size) or (0,)
    return dataclasses.replace(listing, page_sizes=sizes)


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
    one = lapse.map(lambda drawn: (drawn,))
    return st.one_of(st.just(()), st.just(()), one, st.tuples(lapse, lapse))


def _drift() -> st.SearchStrategy[tuple[tuple[int, str], ...]]:
    change = st.tuples(st.integers(1, 4), st.sampled_from(get_args(Change)))
    several = st.lists(change, min_size=1, max_size=4).map(tuple)
    return st.one_of(st.just(()), st.just(()), st.just(()), several)


__all__ = ["VARIATIONS", "Case", "Lapse", "cases", "fault_codes", "simplest"]
