"""Listings, and where they are cut into pages."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast, get_args

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model, types, validation
from pytest_deadline_sessions._api.placeholders import EPOCH, REQUESTER
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import concise

Order = Literal["oldest-first", "newest-first", "mixed"]

_MANY_PAGES = 8
GAP = datetime.timedelta(minutes=1)
_RUN_TIME = datetime.timedelta(minutes=30)
_UPDATE_TIME = datetime.timedelta(minutes=10)


@public
@dataclass(frozen=True)
class Page:
    """One ``ListSessions`` response.

    Attributes:
        sessions: The summaries, in service order.
        next_token: The token of the next page; ``None`` on the last one.
    """

    sessions: Sequence[types.SessionSummary] = ()
    next_token: str | None = None

    def response(self) -> types.ListSessionsResponse:
        """The page as botocore gives it, in fresh dicts."""
        response: types.ListSessionsResponse = {
            "sessions": [cast("types.SessionSummary", dict(one)) for one in self.sessions]
        }
        if self.next_token is not None:
            response["nextToken"] = self.next_token
        return response


@public
@dataclass(frozen=True)
class Listing:
    """Everything one job lists, and where the service cuts it into pages.

    It is held as a shape and expanded when served, so a listing of 100,000 sessions costs nothing
    until somebody pages through it. Ids are counted, times follow from a start and a gap.

    Args:
        page_sizes: How many sessions each page holds, 0..100 each; an empty page may stand
            anywhere. Without them the service cuts by ``maxResults`` and ``Behavior.page_size``.
        runs: Statuses with how many sessions in a row have them. Without them, every session that
            ``page_sizes`` counts is ``STARTED``.
        first: The number of the first session id.
        started_at: When the earliest session started (timezone-aware).
        gap: The time between two starts; zero makes ties.
        order: ``"oldest-first"``, ``"newest-first"`` or ``"mixed"``: how the starts lie in service
            order.
        workers: How many workers run the sessions, in turn.
        given: Summaries in place of a shape: what ``Listing.of`` checks and passes on.

    Raises:
        TypeError: An argument of the wrong type.
        ValueError: A value that the service could not have, or sizes that do not add up.

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
    _count: int = field(init=False, repr=False, compare=False, default=0)
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False, default=(0,))
    _index: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Check everything at once, so that nobody meets a half-valid listing later."""
        if self.page_sizes is not None:
            checked = _sequence("page_sizes", self.page_sizes)
            top = model.bounds("MaxResults")[1]
            for size in checked:
                _whole("page_sizes", size, 0, top)
            object.__setattr__(self, "page_sizes", checked)
            if not checked:
                msg = "page_sizes=() (expected at least one page; an empty listing is (0,))"
                raise ValueError(msg)
        self._set_runs()
        _whole("first", self.first, 0, 16**32 - max(len(self), 1))
        _whole("workers", self.workers, 1, None)
        if validation.check_shape(self.started_at, "StartedAt"):
            msg = f"started_at={self.started_at!r} (expected a timezone-aware datetime)"
            raise ValueError(msg)
        if not isinstance(self.gap, datetime.timedelta) or self.gap < datetime.timedelta(0):
            msg = f"gap={self.gap!r} (expected a timedelta of 0 or more; order= turns it round)"
            raise ValueError(msg)
        self._check_end()
        if self.order not in get_args(Order):
            msg = f"order={self.order!r} (expected one of {', '.join(get_args(Order))})"
            raise ValueError(msg)
        sizes = self.page_sizes
        if sizes is not None:
            object.__setattr__(self, "_starts", tuple(itertools.accumulate(sizes, initial=0)))
            if self._starts[-1] != len(self):
                msg = f"page_sizes={sizes!r} hold {sum(sizes)} sessions (expected {len(self)})"
                raise ValueError(msg)

    def _check_end(self) -> None:
        utc, gaps = datetime.timezone.utc, max(len(self) - 1, 0)
        try:
            _ = self.started_at.astimezone(utc) + gaps * self.gap + _RUN_TIME
        except OverflowError:
            msg = (
                f"started_at={self.started_at!r} and {gaps} times gap={self.gap!r} "
                f"(expected an end before the year {datetime.MAXYEAR + 1})"
            )
            raise ValueError(msg) from None

    def _set_runs(self) -> None:
        if self.given is not None:
            given = _sequence("given", self.given)
            if self.runs or not all(isinstance(one, Mapping) for one in given):
                msg = f"given={given!r}, runs={self.runs!r} (expected what Listing.of makes)"
                raise ValueError(msg)
            object.__setattr__(self, "_count", len(given))
            ids = (one.get("sessionId") for one in self.given)
            index = {one: place for place, one in enumerate(ids) if isinstance(one, str)}
            object.__setattr__(self, "_index", index)
            return
        runs = tuple(_run(run) for run in _sequence("runs", self.runs))
        object.__setattr__(self, "runs", runs)
        if not runs and self.page_sizes is not None:
            runs = ((lifecycle.STARTED, sum(self.page_sizes)),)
        object.__setattr__(self, "_count", sum(count for _, count in runs))

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
            page_sizes: Where to cut, as in the class.
            strict: Whether to refuse summaries that the service could not send together.

        Raises:
            TypeError: An argument of the wrong type.
            ValueError: Doubled session ids or an invalid summary, if strict; the message names the
                summary, the member and the rule. Or sizes that do not add up.
        """
        given = tuple(dict(one) for one in _summaries(summaries))
        if strict:
            check_summaries(given)
        return cls(
            page_sizes=cast("tuple[int, ...] | None", page_sizes),
            given=cast("tuple[types.SessionSummary, ...]", given),
        )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> types.SessionSummary:
        count = len(self)
        if not -count <= index < count:
            msg = f"index {index} (expected one of {count} sessions)"
            raise IndexError(msg)
        return next(self.between(index % count, index % count + 1))

    def __iter__(self) -> Iterator[types.SessionSummary]:
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[types.SessionSummary]:
        """The summaries from ``start`` up to but without ``stop``, freshly made."""
        if self.given is not None:
            for summary in self.given[start:stop]:
                yield cast("types.SessionSummary", dict(summary))
            return
        runs = self.runs or ((lifecycle.STARTED, len(self)),)
        expand = self._expander()
        position = 0
        for status, count in runs:
            low, high = max(start, position), min(stop, position + count)
            for index in range(low, high):
                yield expand(index, status)
            position += count

    def _expander(self) -> Any:
        count, gap, first, workers = len(self), self.gap, self.first, self.workers
        start = self.started_at.astimezone(datetime.timezone.utc)
        order, prefix = self.order, model.id_prefix("SessionId")
        fleet = model.make_id("FleetId", 1)
        worker_prefix = model.id_prefix("WorkerId")

        def expand(index: int, status: str) -> dict[str, Any]:
            place = index
            if order == "newest-first":
                place = count - 1 - index
            elif order == "mixed":
                place = index // 2 if index % 2 == 0 else count - 1 - index // 2
            started = start + place * gap
            summary = {
                "sessionId": f"{prefix}{first + index:032x}",
                "fleetId": fleet,
                "workerId": f"{worker_prefix}{1 + index % workers:032x}",
                "startedAt": started,
                "lifecycleStatus": status,
            }
            if status == lifecycle.ENDED:
                summary["endedAt"] = started + _RUN_TIME
            elif status != lifecycle.STARTED:
                summary["targetLifecycleStatus"] = lifecycle.ENDED
                summary["updatedAt"] = started + _UPDATE_TIME
                summary["updatedBy"] = REQUESTER
            return summary

        return expand

    def position(self, session_id: str) -> int | None:
        """Where in the listing that session is; ``None`` if it is not there."""
        if self.given is not None:
            return self._index.get(session_id)
        if not re.fullmatch(model.pattern("SessionId"), session_id):
            return None
        place = int(session_id.removeprefix(model.id_prefix("SessionId")), 16) - self.first
        return place if 0 <= place < len(self) else None

    def overlap(self, other: Listing) -> str | None:
        """A session id that both list; ``None`` if there is none."""
        if self.given is not None:
            ids = (one.get("sessionId", "") for one in self.given)
            return next((one for one in ids if other.position(one) is not None), None)
        if other.given is not None:
            return other.overlap(self)
        start = max(self.first, other.first)
        stop = min(self.first + len(self), other.first + len(other))
        return model.make_id("SessionId", start) if start < stop else None

    def pages(self, page_size: int = 100) -> list[list[types.SessionSummary]]:
        """The summaries page by page: as ``page_sizes`` says, or in pages of ``page_size``."""
        pages = []
        cut: Cut | None = Cut(0, 0)
        while cut is not None:
            start, stop, cut = self.cut(cut, page_size, page_size, len(self))
            pages.append(list(self.between(start, stop)))
        return pages

    def cut(self, at: Cut, limit: int, page_size: int, total: int) -> tuple[int, int, Cut | None]:
        """One page: where it starts and stops, and where the next one begins.

        Args:
            at: Where this page begins.
            limit: The most sessions that the caller takes.
            page_size: The most sessions that the service puts in a page that it cuts by itself.
            total: How many sessions there are now; more than the listing has if some were added.
        """
        sizes = self.page_sizes or ()
        start = self._starts[at.page] + at.offset
        if at.page < len(sizes):
            left = sizes[at.page] - at.offset
            stop = start + min(left, limit)
            following = Cut(at.page + 1, 0) if left <= limit else Cut(at.page, at.offset + limit)
        else:
            stop = min(start + min(limit, page_size), total)
            following = Cut(at.page, at.offset + stop - start)
        more = following.page < len(sizes) or stop < total
        return start, stop, following if more else None

    def __hash__(self) -> int:
        return hash((self.page_sizes, self.runs, self.first, len(self)))

    def __repr__(self) -> str:
        if self.given is not None:
            sizes = "" if self.page_sizes is None else f", page_sizes={_shown(self.page_sizes)}"
            loose = ", strict=False" if _impossible(self.given, "sessions") else ""
            return f"Listing.of({list(self.given)!r}{sizes}{loose})"
        text = concise(self)
        if self.page_sizes is None:
            return text
        return text.replace(repr(self.page_sizes), _shown(self.page_sizes), 1)


class Cut(NamedTuple):
    """A place between two sessions: so far into that page."""

    page: int
    offset: int


def _shown(sizes: tuple[int, ...]) -> str:
    """Code for the sizes, with many in a row that are the same in short."""
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


def _whole(name: str, value: Any, low: int, high: int | None) -> None:
    span = f"{low}..{high}" if high is not None else f"{low} or more"
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{name}: {value!r} (expected a whole number, {span})"
        raise TypeError(msg)
    if value < low or (high is not None and value > high):
        msg = f"{name}: {value!r} (expected {span})"
        raise ValueError(msg)


def _sequence(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        msg = f"{name}={value!r} (expected a tuple)"
        raise TypeError(msg)
    return tuple(value)


def _run(run: Any) -> tuple[str, int]:
    allowed = ", ".join(model.enum("SessionLifecycleStatus"))
    msg = f"runs: {run!r} (expected pairs of a status and a count, with one of {allowed})"
    if not isinstance(run, tuple | list):
        raise TypeError(msg)
    if len(run) != 2 or run[0] not in model.enum("SessionLifecycleStatus"):  # noqa: PLR2004 (a pair)
        raise ValueError(msg)
    _whole("runs: count", run[1], 0, None)
    return run[0], run[1]


def _summaries(summaries: Any) -> tuple[Mapping[str, Any], ...]:
    every = _sequence("sessions", summaries)
    for index, one in enumerate(every):
        if not isinstance(one, Mapping):
            msg = f"sessions[{index}]: {one!r} (expected a session summary, a dict)"
            raise TypeError(msg)
    return every


def check_summaries(summaries: Sequence[Any], name: str = "sessions") -> None:
    """Refuse summaries that the service could not list together.

    Raises:
        ValueError: Naming every bad summary, its member, the rule and what is allowed.
    """
    found = _impossible(summaries, name)
    if found:
        raise ValueError("\n".join([*found[:10], *(["…"] if len(found) > 10 else [])]))  # noqa: PLR2004


def _impossible(summaries: Sequence[Any], name: str) -> list[str]:
    broken = [
        f"{name}[{index}] breaks {broken}"
        for index, summary in enumerate(summaries)
        for broken in lifecycle.violations(summary)
    ]
    return broken + doubled(summaries, name)


def doubled(summaries: Iterable[Any], name: str = "sessions") -> list[str]:
    """A sentence for each session id that stands more than once."""
    seen: dict[str, int] = {}
    found = []
    for index, summary in enumerate(summaries):
        session_id = summary.get("sessionId") if isinstance(summary, Mapping) else None
        if isinstance(session_id, str) and seen.setdefault(session_id, index) != index:
            found.append(
                f"{name}[{index}].sessionId: {session_id!r} (expected unique ids; "
                f"{name}[{seen[session_id]}] has it)"
            )
    return found
