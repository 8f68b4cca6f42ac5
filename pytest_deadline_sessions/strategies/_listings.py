"""Listings, requests, responses and faults."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast, get_args

from hypothesis import strategies as st

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.placeholders import EPOCH
from pytest_deadline_sessions._api.types import ListSessionsRequest, ListSessionsResponse
from pytest_deadline_sessions._domain.expansion import Order
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS, Fault
from pytest_deadline_sessions._domain.listing import GAP, Listing, Page
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions.strategies._options import (
    check_sizes,
    check_switches,
    deferred,
    refuse_value,
)
from pytest_deadline_sessions.strategies._summaries import farm_ids, job_ids, of_shape, queue_ids

if TYPE_CHECKING:
    from botocore.model import Shape

_MANY = 2000
_FEW = 20
# Hypothesis takes longer to check a new strategy than to draw from it.
_GAPS = st.sampled_from(
    [GAP, datetime.timedelta(0), datetime.timedelta(microseconds=1), datetime.timedelta(days=1)]
)
_ORDERS = st.sampled_from(get_args(Order))
_SECONDS = st.integers(0, 365 * 24 * 3600)
_STARTS = st.just(EPOCH) | _SECONDS.map(lambda passed: EPOCH + datetime.timedelta(seconds=passed))
_SOMETIMES = st.sampled_from([False, False, False, True])
_SELDOM = st.sampled_from([False] * 7 + [True])
_WORKERS = st.integers(1, 4)


def listings(
    *,
    min_sessions: int = 0,
    max_sessions: int = _MANY,
    max_results: int = 100,
    page_sizes: bool | None = None,
    empty_pages: bool = True,
    statuses: Collection[str] | None = None,
) -> st.SearchStrategy[Listing]:
    """Every listing one job might have, as ``Listing``: cheap to draw, however many sessions.

    Sizes cluster where code breaks: 0, 1, 2, 3, around ``max_results``, and 100.

    Args:
        min_sessions: The fewest sessions.
        max_sessions: The most sessions.
        max_results: The ``maxResults`` of the code under test, 1..100; page sizes cluster near it.
        page_sizes: Whether the listing sets its page sizes; by default either.
        empty_pages: Whether some pages may be empty.
        statuses: The statuses that sessions may have; by default all.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: no listing fits the options.

    Example:
        >>> from hypothesis import find
        >>> find(listings(page_sizes=True), lambda listing: len(listing) > 1)
        Listing(page_sizes=(2,))
    """
    return deferred(
        lambda: _shaped(
            _shapes((min_sessions, max_sessions), max_results, page_sizes, empty_pages),
            _allowed(statuses),
        )
    )


def _shapes(
    span: tuple[int, int], max_results: int, page_sizes: bool | None, empty_pages: bool
) -> st.SearchStrategy[tuple[tuple[int, ...] | None, int]]:
    low, high = span
    check_sizes("min_sessions", low, "max_sessions", high)
    check_max_results(max_results)
    check_switches(optional=True, page_sizes=page_sizes)
    check_switches(empty_pages=empty_pages)
    with_sizes = _cut(low, high, max_results, empty_pages)
    without = _counts(low, high, max_results).map(lambda count: (None, count))
    if page_sizes is None:
        return st.one_of(with_sizes, without)
    return with_sizes if page_sizes else without


def _allowed(statuses: Collection[str] | None) -> list[str]:
    known = model.enum("SessionLifecycleStatus")
    if statuses is None:
        return list(known)
    is_list = isinstance(statuses, Collection) and not isinstance(statuses, str)
    if not is_list or not statuses or not all(status in known for status in statuses):
        raise refuse_value("statuses", statuses, f"some of {', '.join(known)}")
    return [status for status in known if status in statuses]


def check_max_results(max_results: object) -> None:
    """Refuse a value that the service would not accept as ``maxResults``."""
    if validation.check_shape(max_results, "MaxResults"):
        low, high = model.bounds("MaxResults")
        raise refuse_value("max_results", max_results, f"{low}..{high}")


def _edges(max_results: int) -> list[int]:
    low, high = model.bounds("MaxResults")
    near = [max_results - 1, max_results, max_results + 1]
    return sorted({size for size in (1, 2, 3, *near, high - 1, high) if low <= size <= high})


def _counts(low: int, high: int, max_results: int) -> st.SearchStrategy[int]:
    edges = [0, *_edges(max_results), 101, 2 * max_results, 200, 201, 1000, 1001]
    inside = sorted({count for count in edges if low <= count <= high})
    few = st.integers(low, min(high, max(low, _FEW)))
    anywhere = st.one_of(few, st.integers(low, high))
    return st.one_of(st.sampled_from(inside), anywhere) if inside else anywhere


def _cut(
    low: int, high: int, max_results: int, empty_pages: bool
) -> st.SearchStrategy[tuple[tuple[int, ...], int]]:
    small = [0, 1, 2, 3] if empty_pages else [1, 2, 3]
    # One choice for each, so that it shrinks to the simplest value.
    size = st.sampled_from([*small, *small, *_edges(max_results)])
    times = st.sampled_from([*[1] * 12, 2, 5, 40])
    # The number of pages comes first: one page of two sessions is simpler than two pages of one.
    runs = st.lists(st.tuples(times, size), min_size=1, max_size=6)
    return st.builds(_sizes, runs, _SOMETIMES).map(
        lambda sizes: _fitted(sizes, low, high, empty_pages)
    )


def _sizes(runs: list[tuple[int, int]], grows: bool) -> list[int]:
    sizes = [size for count, size in runs for _ in range(count)]
    return sorted(sizes) if grows else sizes


def _fitted(
    sizes: list[int], low: int, high: int, empty_pages: bool
) -> tuple[tuple[int, ...], int]:
    """The sizes, with pages made smaller or added until their sum is within the bounds."""
    fitted: list[int] = []
    total = 0
    for size in sizes:
        smaller = min(size, high - total)
        if smaller or empty_pages:
            fitted.append(smaller)
        total += smaller
    while total < low:
        fitted.append(min(100, low - total))
        total += fitted[-1]
    return tuple(fitted) or (0,), total


@st.composite
def _shaped(
    draw: st.DrawFn,
    shapes: st.SearchStrategy[tuple[tuple[int, ...] | None, int]],
    statuses: list[str],
) -> Listing:
    sizes, count = draw(shapes)
    runs = _runs(draw, count, statuses)
    if sizes is not None and all(status == "STARTED" for status, _ in runs):
        runs = ()
    return Listing(
        page_sizes=sizes,
        runs=runs,
        started_at=draw(_STARTS),
        gap=draw(_GAPS),
        order=draw(_ORDERS),
        workers=draw(_WORKERS),
    )


def _runs(draw: st.DrawFn, count: int, statuses: list[str]) -> tuple[tuple[str, int], ...]:
    if not count:
        return ()
    if draw(_SELDOM) and count <= _FEW and len(statuses) > 1:
        pair = draw(st.lists(st.sampled_from(statuses), min_size=2, max_size=2, unique=True))
        return tuple((pair[place % 2], 1) for place in range(count))
    ends = [*sorted(draw(st.lists(st.integers(0, count), max_size=4))), count]
    runs = [
        (draw(st.sampled_from(statuses)), end - start)
        for start, end in itertools.pairwise([0, *ends])
        if end > start
    ]
    joined = itertools.groupby(runs, key=lambda run: run[0])
    return tuple((status, sum(size for _, size in same)) for status, same in joined)


def list_sessions_requests(
    *, tokens: bool = True, max_results: bool = True
) -> st.SearchStrategy[ListSessionsRequest]:
    """Arguments of ``client.list_sessions`` that the service model allows.

    Args:
        tokens: Whether some have a ``nextToken`` (one that no service has issued).
        max_results: Whether some have ``maxResults``.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: an option is not a bool.

    Example:
        >>> from hypothesis import find
        >>> sorted(find(list_sessions_requests(), lambda request: True))
        ['farmId', 'jobId', 'queueId']
    """
    return deferred(lambda: _requests(tokens, max_results))


def _requests(tokens: bool, max_results: bool) -> st.SearchStrategy[ListSessionsRequest]:
    check_switches(tokens=tokens, max_results=max_results)
    optional: dict[str, st.SearchStrategy[Any]] = {}
    if tokens:
        optional["nextToken"] = st.text(max_size=80)
    if max_results:
        low, high = model.bounds("MaxResults")
        optional["maxResults"] = st.one_of(st.sampled_from([low, high]), st.integers(low, high))
    needed = {"farmId": farm_ids(), "queueId": queue_ids(), "jobId": job_ids()}
    drawn = st.fixed_dictionaries(needed, optional=optional)
    return cast("st.SearchStrategy[ListSessionsRequest]", drawn)


def list_sessions_responses(
    *,
    listing: Listing | st.SearchStrategy[Listing] | None = None,
    max_results: int = 100,
) -> st.SearchStrategy[list[ListSessionsResponse]]:
    """All responses for one listing: page after page, with proper tokens.

    Args:
        listing: The listing, or a strategy for it; by default up to 300 sessions.
        max_results: The most sessions in a page.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: ``max_results`` out of range, or
            ``listing`` neither a ``Listing`` nor a strategy for it.

    Example:
        >>> from hypothesis import find
        >>> find(list_sessions_responses(), lambda pages: True)
        [{'sessions': []}]
    """
    return deferred(lambda: _responses(listing, max_results))


def _responses(
    listing: Listing | st.SearchStrategy[Listing] | None, max_results: int
) -> st.SearchStrategy[list[ListSessionsResponse]]:
    check_max_results(max_results)
    if listing is None:
        listing = listings(max_sessions=300, max_results=max_results)
    drawn = listing if isinstance(listing, st.SearchStrategy) else st.just(listing)
    return drawn.map(lambda listing: _chain(listing, max_results))


def _chain(listing: object, max_results: int) -> list[ListSessionsResponse]:
    if not isinstance(listing, Listing):
        raise refuse_value("listing", listing, "a Listing, or a strategy for it")
    issuer = Tokens(salt=repr(listing))
    pages: list[ListSessionsResponse] = []
    for start, stop, following in listing.cuts(max_results, max_results):
        token = None
        if following is not None:
            token = issuer.issue("job", (), following, EPOCH)
        pages.append(Page(tuple(listing.between(start, stop)), token).response())
    return pages


def faults(
    *, operation: str = model.OPERATION, broken_connections: bool = True
) -> st.SearchStrategy[Fault]:
    """Faults of an operation, with their optional members, and broken connections.

    Args:
        operation: The API name of the operation.
        broken_connections: Whether some faults break the connection.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: an unknown operation, or
            ``broken_connections`` is not a bool.

    Example:
        >>> from hypothesis import find
        >>> find(faults(), lambda fault: fault.status == 429).code
        'ThrottlingException'
    """
    return deferred(lambda: _faults(operation, broken_connections))


def _faults(operation: str, broken_connections: bool) -> st.SearchStrategy[Fault]:
    if operation not in model.operation_names():
        raise refuse_value("operation", operation, "an operation of the service model")
    check_switches(broken_connections=broken_connections)
    kinds: list[st.SearchStrategy[Fault]] = []
    for code, shape in model.error_shapes(operation).items():
        optional = {
            name: _member(member) for name, member in shape.members.items() if name != "message"
        }
        members = st.fixed_dictionaries({}, optional=optional)
        kinds.append(st.builds(_fault, st.just(code), members))
    if broken_connections:
        kinds.append(st.sampled_from(BROKEN_CONNECTIONS).map(Fault))
    return st.one_of(kinds)


def _fault(code: str, members: dict[str, Any]) -> Fault:
    return Fault(code, **members)


def _member(shape: Shape) -> st.SearchStrategy[Any]:
    if model.is_map(shape):
        return st.dictionaries(of_shape(shape.key), of_shape(shape.value), max_size=2)
    if model.is_list(shape):
        return st.lists(_member(shape.member), max_size=2)
    if model.is_structure(shape):
        members = {name: _member(member) for name, member in shape.members.items()}
        return st.fixed_dictionaries(members)
    if shape.type_name == "integer":
        return st.integers(0, 3600)
    return of_shape(shape)
