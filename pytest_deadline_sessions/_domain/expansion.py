"""The content of a listing: sessions generated when served, or given summaries."""

from __future__ import annotations

import datetime
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model, types
from pytest_deadline_sessions._api.placeholders import EPOCH, REQUESTER, example_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Order = Literal["oldest-first", "newest-first", "mixed"]

RUN_TIME = datetime.timedelta(minutes=30)
"""How long a counted session runs."""

_UPDATE_TIME = datetime.timedelta(minutes=10)


@dataclass(frozen=True)
class Counted:
    """Sessions whose ids, times and statuses are computed from a few numbers.

    Attributes:
        runs: Statuses, each with how many sessions in a row have it.
        first: The number of the first session id.
        started_at: When the earliest session started.
        gap: The time between two starts.
        order: How the start times are arranged in service order.
        workers: How many workers run the sessions, in turn.
    """

    runs: tuple[tuple[str, int], ...]
    first: int
    started_at: datetime.datetime
    gap: datetime.timedelta
    order: Order
    workers: int

    @functools.cached_property
    def count(self) -> int:
        """How many sessions there are, which may be more than ``len`` can return."""
        return sum(count for _, count in self.runs)

    @property
    def end(self) -> int:
        """The number after the last session id."""
        return self.first + self.count

    def between(self, start: int, stop: int) -> Iterator[types.SessionSummary]:
        """Yield the summaries from ``start`` up to but excluding ``stop``, as new dicts."""
        utc = self.started_at.astimezone(datetime.timezone.utc)
        prefix, worker = model.id_prefix("SessionId"), model.id_prefix("WorkerId")
        fleet = example_id("FleetId")
        turn, gap, position = self._turn, self.gap, 0
        for status, count in self.runs:
            changes = _changes(status)
            for index in range(max(start, position), min(stop, position + count)):
                started = utc + turn(index) * gap
                summary: dict[str, Any] = {
                    "sessionId": f"{prefix}{self.first + index:032x}",
                    "fleetId": fleet,
                    "workerId": f"{worker}{1 + index % self.workers:032x}",
                    "startedAt": started,
                    "lifecycleStatus": status,
                }
                for name, value in changes:
                    is_delay = isinstance(value, datetime.timedelta)
                    summary[name] = started + value if is_delay else value
                yield cast("types.SessionSummary", summary)
            position += count

    def position(self, session_id: str) -> int | None:
        """The place of a session; ``None`` if there is no such session."""
        if not re.fullmatch(model.pattern("SessionId"), session_id):
            return None
        place = int(session_id.removeprefix(model.id_prefix("SessionId")), 16) - self.first
        return place if 0 <= place < self.count else None

    def overlap(self, other: Counted | Given) -> str | None:
        """A session id that both have; ``None`` if they share none."""
        if isinstance(other, Given):
            return other.overlap(self)
        start = max(self.first, other.first)
        return model.make_id("SessionId", start) if start < min(self.end, other.end) else None

    def _turn(self, index: int) -> int:
        """How many sessions start before the session at a place."""
        if self.order == "newest-first":
            return self.count - 1 - index
        if self.order == "mixed" and index % 2:
            return self.count - 1 - index // 2
        return index // 2 if self.order == "mixed" else index


@functools.cache
def _changes(status: str) -> tuple[tuple[str, Any], ...]:
    """The members that a status adds to a STARTED session; times as offsets from its start."""
    started: types.SessionSummary = {
        "sessionId": example_id("SessionId"),
        "fleetId": example_id("FleetId"),
        "workerId": example_id("WorkerId"),
        "startedAt": EPOCH,
        "lifecycleStatus": "STARTED",
    }
    if status == lifecycle.STARTED:
        return ()
    at = EPOCH + (RUN_TIME if status == lifecycle.ENDED else _UPDATE_TIME)
    summary = lifecycle.advance(started, status, at, by=REQUESTER, skipping=True)
    return tuple(
        (name, value - EPOCH if isinstance(value, datetime.datetime) else value)
        for name, value in summary.items()
        if name not in started
    )


@dataclass(frozen=True)
class Given:
    """Sessions whose summaries were given.

    Attributes:
        summaries: The summaries, valid or not.
    """

    summaries: tuple[Mapping[str, Any], ...]

    @property
    def count(self) -> int:
        """How many sessions there are."""
        return len(self.summaries)

    def between(self, start: int, stop: int) -> Iterator[types.SessionSummary]:
        """Yield the summaries from ``start`` up to but excluding ``stop``, as new dicts."""
        for summary in self.summaries[start:stop]:
            yield cast("types.SessionSummary", dict(summary))

    def position(self, session_id: str) -> int | None:
        """The place of a session; ``None`` if there is no such session."""
        return self._places.get(session_id)

    def overlap(self, other: Counted | Given) -> str | None:
        """A session id that both have; ``None`` if they share none."""
        return next((each for each in self._places if other.position(each) is not None), None)

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        ids = (summary.get("sessionId") for summary in self.summaries)
        return {each: place for place, each in enumerate(ids) if isinstance(each, str)}
