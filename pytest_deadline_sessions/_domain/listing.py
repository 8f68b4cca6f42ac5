"""Listings, and where they are cut into pages."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model, types
from pytest_deadline_sessions._api.placeholders import EPOCH
from pytest_deadline_sessions._arguments import (
    check_aware,
    check_choice,
    check_items,
    check_kind,
    check_switch,
    check_whole,
    wrong_value,
)
from pytest_deadline_sessions._domain.expansion import RUN_TIME, Counted, Given, Order
from pytest_deadline_sessions._domain.layout import Cut, Layout
from pytest_deadline_sessions._domain.summaries import as_dicts, check_summaries, problems
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import concise, plural, shown

_MANY_PAGES = 8
_GAPS = "a timedelta of 0 or more; order='newest-first' lists later starts first"
GAP = datetime.timedelta(minutes=1)


@public
@dataclass(frozen=True)
class Page:
    """One ``ListSessions`` response.

    Attributes:
        sessions: The summaries, in service order.
        next_token: The token of the next page; ``None`` on the last page.

    Raises:
        TypeError: ``sessions`` is not a sequence of dicts, or the token is not a string.
    """

    sessions: Sequence[types.SessionSummary] = ()
    next_token: str | None = None

    def __post_init__(self) -> None:
        """Check both values now, so that an impossible page never exists."""
        sessions = as_dicts("sessions", self.sessions)
        if not isinstance(self.sessions, list | tuple):
            object.__setattr__(self, "sessions", sessions)
        check_kind("next_token", self.next_token, (str, type(None)), "a string or None")

    def response(self) -> types.ListSessionsResponse:
        """The page as botocore returns it, in new dicts."""
        response: types.ListSessionsResponse = {
            "sessions": [cast("types.SessionSummary", dict(each)) for each in self.sessions]
        }
        if self.next_token is not None:
            response["nextToken"] = self.next_token
        return response


@public
@dataclass(frozen=True)
class Listing:
    """Everything one job lists, and where the service cuts it into pages.

    A listing describes page sizes and statuses. It is expanded one page at a time, so 100,000
    sessions cost no more than the page being served. Session ids are numbered consecutively, and
    times are computed from ``started_at`` and ``gap``.

    Args:
        page_sizes: How many sessions each page holds, 0..100 each; any page may be empty. By
            default the service cuts by ``maxResults`` and ``Behavior.page_size``.
        runs: Statuses, each with how many sessions in a row have it. By default every session that
            ``page_sizes`` counts is ``STARTED``.
        first: The number of the first session id.
        started_at: When the earliest session started (timezone-aware).
        gap: The time between two starts; zero makes all sessions start at the same time.
        order: ``"oldest-first"``, ``"newest-first"`` or ``"mixed"``: how the start times are
            arranged in service order.
        workers: How many workers run the sessions, in turn.
        given: Summaries instead of ``runs``; use ``Listing.of``, which checks them.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The service could not have a value, or the page sizes do not add up.

    Example:
        >>> listing = Listing(page_sizes=(1, 0, 1), runs=(("STARTED", 1), ("ENDED", 1)))
        >>> len(listing), listing[1]["lifecycleStatus"]
        (2, 'ENDED')
        >>> [len(page) for page in listing.pages()]
        [1, 0, 1]
    """

    page_sizes: tuple[int, ...] | None = None
    runs: tuple[tuple[str, int], ...] = ()
    first: int = 1
    started_at: datetime.datetime = EPOCH
    gap: datetime.timedelta = GAP
    order: Order = "oldest-first"
    workers: int = 1
    given: tuple[types.SessionSummary, ...] | None = None
    _content: Counted | Given = field(init=False, repr=False, compare=False)
    _layout: Layout = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check every argument now, so that an invalid listing never exists."""
        sizes = self.page_sizes
        if sizes is not None:
            sizes = _checked_sizes(sizes)
            self._set("page_sizes", sizes)
        self._set("_layout", Layout(sizes or ()))
        self._set("runs", _checked_runs(self.runs))
        self._set("_content", self._made())
        count = self._content.count
        check_whole("first", self.first, 0, 16**32 - max(count, 1))
        check_whole("workers", self.workers, 1)
        check_aware("started_at", self.started_at)
        gap = check_kind("gap", self.gap, datetime.timedelta, _GAPS)
        if gap < datetime.timedelta(0):
            raise wrong_value("gap", gap, _GAPS)
        self._check_end()
        check_choice("order", self.order, get_args(Order))
        if sizes is not None and sum(sizes) != count:
            msg = f"page_sizes={shown(sizes)} hold {plural(sum(sizes), 'session')} (expected "
            raise ValueError(f"{msg}{count})")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _made(self) -> Counted | Given:
        if self.given is not None:
            if self.runs:
                raise wrong_value("runs", self.runs, "none, since summaries are given")
            given = as_dicts("given", self.given)
            self._set("given", given)
            return Given(given)
        runs = self.runs
        if not runs and self.page_sizes is not None:
            runs = ((lifecycle.STARTED, sum(self.page_sizes)),)
        return Counted(runs, self.first, self.started_at, self.gap, self.order, self.workers)

    def _check_end(self) -> None:
        gaps = max(self._content.count - 1, 0)
        try:
            _ = self.started_at.astimezone(datetime.timezone.utc) + gaps * self.gap + RUN_TIME
        except OverflowError:
            expected = (
                "an earlier start, a smaller gap or fewer sessions: the last one must end before "
                f"the year {datetime.MAXYEAR + 1}"
            )
            raise wrong_value("started_at", self.started_at, expected) from None

    @classmethod
    def of(
        cls,
        summaries: Iterable[Mapping[str, Any]],
        page_sizes: Iterable[int] | None = None,
        *,
        strict: bool = True,
    ) -> Listing:
        """A listing of given summaries, in the given order.

        Args:
            summaries: Summaries with unique session ids.
            page_sizes: How many sessions each page holds, as in the class.
            strict: Whether to refuse summaries that the service could not send together.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The page sizes do not add up; or, if strict, a summary is invalid or a
                session id occurs twice. The message names the summary, the member and the rule.

        Example:
            >>> first, second = Listing(page_sizes=(2,))
            >>> [len(page) for page in Listing.of([second, first], page_sizes=(1, 1)).pages()]
            [1, 1]
        """
        given = tuple(dict(summary) for summary in as_dicts("sessions", summaries))
        if check_switch("strict", strict):
            check_summaries(given)
        return cls(
            page_sizes=cast("tuple[int, ...] | None", page_sizes),
            given=cast("tuple[types.SessionSummary, ...]", given),
        )

    def __len__(self) -> int:
        return self._content.count

    def __getitem__(self, index: int) -> types.SessionSummary:
        count = len(self)
        if not -count <= index < count:
            msg = f"index {index} (expected one of {plural(count, 'session')})"
            raise IndexError(msg)
        return next(self.between(index % count, index % count + 1))

    def __iter__(self) -> Iterator[types.SessionSummary]:
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[types.SessionSummary]:
        """Yield the summaries from ``start`` up to but excluding ``stop``, as new dicts."""
        return self._content.between(start, stop)

    def position(self, session_id: str) -> int | None:
        """The place of a session in the listing; ``None`` if there is no such session."""
        return self._content.position(session_id)

    def overlap(self, other: Listing) -> str | None:
        """A session id that both listings have; ``None`` if they share none."""
        return self._content.overlap(other._content)

    def pages(self, page_size: int = 100) -> list[list[types.SessionSummary]]:
        """The summaries page by page, cut by ``page_sizes`` or in pages of ``page_size``.

        Raises:
            TypeError: ``page_size`` is not an int.
            ValueError: ``page_size`` is less than 1.
        """
        check_whole("page_size", page_size, 1)
        return [
            list(self.between(start, stop)) for start, stop, _ in self.cuts(page_size, page_size)
        ]

    def cuts(self, limit: int, page_size: int) -> Iterator[tuple[int, int, Cut | None]]:
        """Yield where each page starts and stops and the next begins, if no session is added.

        Args:
            limit: The most sessions per page that the caller accepts.
            page_size: The most sessions in a page that ``page_sizes`` does not cover.
        """
        return self._layout.cuts(limit, page_size, len(self))

    def cut(self, at: Cut, limit: int, page_size: int, total: int) -> tuple[int, int, Cut | None]:
        """One page: where it starts and stops, and where the next page begins.

        Args:
            at: Where this page begins.
            limit: The most sessions per page that the caller accepts.
            page_size: The most sessions in a page that ``page_sizes`` does not cover.
            total: How many sessions there are now: those of the listing and those added since.
        """
        return self._layout.cut(at, limit, page_size, total)

    def __hash__(self) -> int:
        return hash((self.page_sizes, self.runs, self.first, len(self)))

    def __repr__(self) -> str:
        if self.given is not None:
            sizes = "" if self.page_sizes is None else f", page_sizes={_code(self.page_sizes)}"
            loose = ", strict=False" if problems(self.given) else ""
            return f"Listing.of({list(self.given)!r}{sizes}{loose})"
        text = concise(self)
        if self.page_sizes is None:
            return text
        return text.replace(repr(self.page_sizes), _code(self.page_sizes), 1)


def _code(sizes: tuple[int, ...]) -> str:
    """Python code for page sizes, in which long runs of equal sizes are abbreviated."""
    parts: list[tuple[int, ...] | str] = []
    for size, same in itertools.groupby(sizes):
        count = len(list(same))
        if count >= _MANY_PAGES:
            parts.append(f"({size},) * {count}")
        elif parts and isinstance(parts[-1], tuple):
            parts[-1] += (size,) * count
        else:
            parts.append((size,) * count)
    return " + ".join(map(str, parts))


def _checked_sizes(sizes: object) -> tuple[int, ...]:
    top = model.bounds("MaxResults")[1]
    checked = tuple(
        check_whole(f"page_sizes[{page}]", size, 0, top)
        for page, size in enumerate(check_items("page_sizes", sizes, "a tuple"))
    )
    if not checked:
        raise wrong_value("page_sizes", checked, "at least one page; an empty listing is (0,)")
    return checked


def _checked_runs(runs: object) -> tuple[tuple[str, int], ...]:
    items = check_items("runs", runs, "a tuple")
    return tuple(_checked_run(f"runs[{index}]", run) for index, run in enumerate(items))


def _checked_run(name: str, run: object) -> tuple[str, int]:
    statuses = model.enum("SessionLifecycleStatus")
    expected = f"a pair of a status and a count; a status is one of {', '.join(statuses)}"
    pair = check_kind(name, run, (tuple, list), expected)
    if len(pair) != 2 or pair[0] not in statuses:  # noqa: PLR2004 (a pair)
        raise wrong_value(name, run, expected)
    return pair[0], check_whole(f"{name}[1]", pair[1])
