"""The state of the service: jobs, their sessions, planned faults and tokens."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.types import SessionSummary
from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._domain.faults import Fault, not_found
from pytest_deadline_sessions._domain.layout import Cut, Layout
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._service.workload import Timeline, Work

T = TypeVar("T")


class JobIds(NamedTuple):
    """The three ids of a job."""

    farmId: str  # noqa: N815 (the API's names)
    queueId: str  # noqa: N815
    jobId: str  # noqa: N815


@dataclass
class JobState:
    """One job: the listing that it was added with, and how its sessions have changed since.

    The listing is expanded only when served; ``changed`` holds the summaries that differ from it.

    Attributes:
        ids: The ids of the job.
        listing: The listing that the job was added with.
        added_at: When the job was added.
        work: The steps and tasks of the job, if it has any.
        changed: The summaries that differ from the listing, by their place.
        added: The summaries of sessions that started later.
        layout: Where the service cuts the job into pages, if not as the listing says.
    """

    ids: JobIds
    listing: Listing
    added_at: datetime.datetime
    work: Work | None = None
    changed: dict[int, SessionSummary] = field(default_factory=dict)
    added: list[SessionSummary] = field(default_factory=list)
    layout: Layout | None = None

    def __len__(self) -> int:
        return len(self.listing) + len(self.added)

    def between(self, start: int, stop: int) -> Iterator[SessionSummary]:
        """Yield the current summaries from ``start`` up to but excluding ``stop``, as new dicts."""
        base = len(self.listing)
        for place, listed in enumerate(self.listing.between(start, min(stop, base)), start):
            yield self.changed.get(place, listed).copy()
        for added in self.added[max(start - base, 0) : max(stop - base, 0)]:
            yield added.copy()

    def cut(self, at: Cut, limit: int, page_size: int) -> tuple[int, int, Cut | None]:
        """One page: where it starts and stops, and where the next page begins.

        Args:
            at: Where this page begins.
            limit: The most sessions per page that the caller accepts.
            page_size: The most sessions in a page whose size nothing says.
        """
        return (self.layout or self.listing).cut(at, limit, page_size, len(self))

    def page_sizes(self, page_size: int) -> tuple[int, ...] | None:
        """How many sessions each page holds now; ``None`` if only ``page_size`` says it."""
        layout = self.layout or Layout(self.listing.page_sizes or ())
        if not layout.sizes:
            return None
        cuts = layout.cuts(page_limit({}), page_size, len(self))
        return tuple(stop - start for start, stop, _ in cuts)

    def position(self, session_id: str) -> int | None:
        """The place of a session; ``None`` if this job has no such session."""
        place = self.listing.position(session_id)
        if place is not None:
            return place
        for index, summary in enumerate(self.added):
            if summary["sessionId"] == session_id:
                return len(self.listing) + index
        return None

    def summary(self, place: int) -> SessionSummary:
        """The current summary of the session at one place."""
        return next(self.between(place, place + 1))

    def replace(self, place: int, summary: SessionSummary) -> None:
        """Replace the summary of the session at one place."""
        base = len(self.listing)
        if place < base:
            self.changed[place] = summary
        else:
            self.added[place - base] = summary

    def started(self) -> list[datetime.datetime]:
        """Start times that include those of the earliest listed and of every added session."""
        given = self.listing.given
        if given is None:
            first = [self.listing.started_at] if len(self.listing) else []
        else:
            first = [summary["startedAt"] for summary in given if "startedAt" in summary]
        return [*first, *(summary["startedAt"] for summary in self.added)]

    def ended(self) -> list[datetime.datetime]:
        """When each session ended; empty if any session is still active."""
        ends = []
        for summary in self.between(0, len(self)):
            if summary.get("lifecycleStatus") != lifecycle.ENDED or "endedAt" not in summary:
                return []
            ends.append(summary["endedAt"])
        return ends

    def timeline(self, place: int, now: datetime.datetime) -> Timeline | None:
        """The actions of the session at one place; ``None`` if the job has no steps."""
        if self.work is None:
            return None
        tasks = len(self.work.share(place)[1])
        return Timeline(self.summary(place), now, tasks, self.work.slot)

    def find_step(self, step_id: str) -> tuple[Work, int]:
        """The work of the job, and the number of the step with the given id.

        Raises:
            FaultError: The job has no such step: ``ResourceNotFoundException``.
        """
        return self._find_in_work("step", step_id, Work.find_step)

    def find_task(self, task_id: str) -> tuple[Work, tuple[int, int]]:
        """The work of the job, and the numbers of the step and the task for a task id.

        Raises:
            FaultError: The job has no such task: ``ResourceNotFoundException``.
        """
        return self._find_in_work("task", task_id, Work.find_task)

    def _find_in_work(
        self, kind: str, identifier: str, find: Callable[[Work, str], T | None]
    ) -> tuple[Work, T]:
        numbers = None if self.work is None else find(self.work, identifier)
        if self.work is None or numbers is None:
            raise not_found(kind, identifier)
        return self.work, numbers

    def copy(self) -> JobState:
        """An independent copy."""
        return dataclasses.replace(self, changed=dict(self.changed), added=list(self.added))


@dataclass
class Planned:
    """A fault that is planned for later calls.

    Attributes:
        fault: The fault.
        operation: The API name of the operation that fails.
        times: How many more calls fail; ``None`` for all.
        after: How many more calls succeed first.
    """

    fault: Fault
    operation: str
    times: int | None
    after: int

    def strikes(self) -> bool:
        """Count a call, and tell whether it fails."""
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    @property
    def spent(self) -> bool:
        """Whether all planned failures have happened."""
        return self.times == 0


@dataclass
class State:
    """Everything that a reset clears."""

    jobs: dict[JobIds, JobState] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)
    tokens: Tokens = field(default_factory=Tokens)
    counted: dict[str, int] = field(default_factory=dict)
    listeners: list[Callable[[Call], None]] = field(default_factory=list)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    updates: set[tuple[str, str | None]] = field(default_factory=set)

    def next_number(self, kind: str, count: int = 1) -> int:
        """Reserve ``count`` unused numbers for ids of one kind, and return the first."""
        number = self.counted.get(kind, 1)
        self.counted[kind] = number + count
        return number

    def fresh_session_id(self) -> str:
        """A session id that no job lists."""
        while True:
            session_id = model.make_id("SessionId", self.next_number("SessionId"))
            if not self.lists(session_id):
                return session_id

    def lists(self, session_id: str) -> bool:
        """Whether any job lists the session."""
        return any(job.position(session_id) is not None for job in self.jobs.values())

    def copy(self) -> State:
        """An independent copy."""
        return State(
            {ids: job.copy() for ids, job in self.jobs.items()},
            [dataclasses.replace(planned) for planned in self.planned],
            self.tokens.copy(),
            dict(self.counted),
            list(self.listeners),
            dict(self.described),
            set(self.updates),
        )
