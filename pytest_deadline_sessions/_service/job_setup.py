"""What a new job is made of, checked before anything changes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._domain.listing import GAP, Listing
from pytest_deadline_sessions._service import overrides, workload
from pytest_deadline_sessions._service.state import JobIds, JobState, State

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


def checked(
    service: Service,
    sessions: Any,
    ids: tuple[str | None, str | None, str | None],
    work_counts: tuple[int | None, int | None],
    details: Mapping[str, Any],
) -> tuple[JobIds, Listing, workload.Work | None]:
    """The ids, the listing and the work of a job that may be added.

    Args:
        service: Which service it is added to.
        sessions: As ``FakeDeadline.add_job`` takes them.
        ids: Those of farm, queue and job; ``None`` for one that the service chooses.
        work_counts: How many steps and tasks there are, if they are given.
        details: Members of the job to fix.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of range, or one that another job has.
    """
    state = service.state
    chosen = _ids(state, ids)
    overrides.check(chosen.jobId, details)
    steps, tasks = workload.checked(*work_counts)
    listing = _listing(service, sessions)
    if listing.given is None and listing.first == Listing.first:
        listing = _moved(listing, state)
    for other in state.jobs.values():
        _refuse_overlap(listing, other)
    first = state.next_number("StepId", steps)
    return chosen, listing, workload.Work(steps, tasks, len(listing), first) if steps else None


def _ids(state: State, given: tuple[str | None, str | None, str | None]) -> JobIds:
    farm_id, queue_id, job_id = given
    ids = JobIds(
        farm_id or model.make_id("FarmId", 1),
        queue_id or model.make_id("QueueId", 1),
        job_id or _free_job_id(state),
    )
    found = validation.check_request(ids._asdict())
    if found:
        raise ValueError("; ".join(map(str, found)))
    if ids in state.jobs:
        msg = f"jobId={ids.jobId!r} (expected an id that no job of this fake has)"
        raise ValueError(msg)
    return ids


def _free_job_id(state: State) -> str:
    taken = {ids.jobId for ids in state.jobs}
    ids = (model.make_id("JobId", number) for number in itertools.count(len(taken) + 1))
    return next(one for one in ids if one not in taken)


def _listing(service: Service, sessions: Any) -> Listing:
    if isinstance(sessions, Listing):
        return sessions
    if isinstance(sessions, int) and not isinstance(sessions, bool):
        if sessions < 0:
            msg = f"sessions={sessions!r} (expected 0 or more)"
            raise ValueError(msg)
        now = service.clock.now().replace(microsecond=0)
        try:
            return Listing(runs=(("STARTED", sessions),), started_at=now - sessions * GAP)
        except OverflowError:
            msg = f"sessions={sessions!r} (expected as many as there were minutes since the year 1)"
            raise ValueError(msg) from None
    if isinstance(sessions, str | bytes | Mapping) or not isinstance(sessions, Iterable):
        msg = f"sessions={sessions!r} (expected a count, session summaries, or a Listing)"
        raise TypeError(msg)
    listing = Listing.of(sessions)
    if service.behavior.order == "startedAt":
        listing = Listing.of(sorted(listing, key=lambda summary: summary["startedAt"]))
    return listing


def _moved(listing: Listing, state: State) -> Listing:
    """The listing itself if no job has its ids, or else with the next ids that are free."""
    first, past = listing.first, _past(listing, state)
    if past > first:
        past = max(past, state.counted.get("SessionId", first))
    while past > listing.first:
        listing = dataclasses.replace(listing, first=past)
        past = _past(listing, state)
    state.counted["SessionId"] = max(state.counted.get("SessionId", first), past + len(listing))
    return listing


def _past(listing: Listing, state: State) -> int:
    """The number past every session that the listing shares with a job; its first if none."""
    return max((_past_of(listing, job) for job in state.jobs.values()), default=listing.first)


def _past_of(listing: Listing, job: JobState) -> int:
    other = job.listing
    places = (
        listing.position(str(one.get("sessionId"))) for one in (*job.added, *(other.given or ()))
    )
    past = [listing.first + place + 1 for place in places if place is not None]
    if other.given is None and listing.overlap(other):
        past.append(other.first + len(other))
    return max(past, default=listing.first)


def _refuse_overlap(listing: Listing, other: JobState) -> None:
    ids = {summary["sessionId"] for summary in other.added}
    taken = listing.overlap(other.listing) or next(
        (one for one in ids if listing.position(one) is not None), None
    )
    if taken is not None:
        msg = (
            f"sessions: {taken!r} is in {other.ids.jobId} already "
            "(expected ids that no job has; a Listing takes first=…)"
        )
        raise ValueError(msg)
