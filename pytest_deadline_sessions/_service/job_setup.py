"""Adding a job: every argument is checked before anything changes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.placeholders import example_id
from pytest_deadline_sessions._arguments import check_items, check_kind, check_whole, wrong_value
from pytest_deadline_sessions._domain.listing import GAP, Listing
from pytest_deadline_sessions._service import overrides, workload
from pytest_deadline_sessions._service.state import JobIds, JobState, State
from pytest_deadline_sessions._text import shown

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


def add(
    service: Service,
    sessions: int | Listing | Iterable[Mapping[str, Any]],
    ids: tuple[str | None, str | None, str | None],
    work_counts: tuple[int | None, int | None],
    details: Mapping[str, Any] | None,
) -> JobIds:
    """Add a job; nothing changes if an argument is refused.

    Args:
        service: The service that gets the job.
        sessions: The sessions, as for ``FakeDeadline.add_job``.
        ids: The ids of farm, queue and job; ``None`` for an id that the service chooses.
        work_counts: How many steps and tasks; ``None`` for a number that the service chooses.
        details: Members of the job to set.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is not allowed, or another job has the same ids or one of the session
            ids.
    """
    state = service.state
    members = {} if details is None else overrides.members("details", details)
    job_ids = _ids(state, ids)
    overrides.check(job_ids.jobId, members)
    steps, tasks = workload.checked(*work_counts)
    listing = _listing(service, sessions)
    if listing.given is None and listing.first == Listing.first:
        listing = _with_free_ids(listing, state)
    for other in state.jobs.values():
        _refuse_overlap(listing, other)
    first = state.next_number("StepId", steps)
    work = workload.Work(steps, tasks, len(listing), first) if steps else None
    if members:
        overrides.describe(state, job_ids.jobId, members)
    state.jobs[job_ids] = JobState(job_ids, listing, service.clock.now(), work)
    return job_ids


def _ids(state: State, given: tuple[str | None, str | None, str | None]) -> JobIds:
    for name, identifier in zip(JobIds._fields, given, strict=True):
        check_kind(name, identifier, (str, type(None)), "an id")
    farm_id, queue_id, job_id = given
    ids = JobIds(
        example_id("FarmId") if farm_id is None else farm_id,
        example_id("QueueId") if queue_id is None else queue_id,
        _free_job_id(state) if job_id is None else job_id,
    )
    violations = validation.check_request(ids._asdict())
    if violations:
        raise ValueError(validation.in_one_line(violations))
    if ids in state.jobs:
        raise wrong_value("jobId", ids.jobId, "an id that no job of this fake has")
    return ids


def _free_job_id(state: State) -> str:
    taken = {ids.jobId for ids in state.jobs}
    ids = (model.make_id("JobId", number) for number in itertools.count(len(taken) + 1))
    return next(job_id for job_id in ids if job_id not in taken)


def _listing(service: Service, sessions: int | Listing | Iterable[Mapping[str, Any]]) -> Listing:
    if isinstance(sessions, Listing):
        return sessions
    if isinstance(sessions, int) and not isinstance(sessions, bool):
        check_whole("sessions", sessions)
        now = service.clock.now().replace(microsecond=0)
        try:
            return Listing(runs=(("STARTED", sessions),), started_at=now - sessions * GAP)
        except OverflowError:
            expected = "a smaller count: sessions start a minute apart, and none before year 1"
            raise wrong_value("sessions", sessions, expected) from None
    expected = "a count, session summaries, or a Listing"
    listing = Listing.of(check_items("sessions", sessions, expected))
    if service.behavior.order == "startedAt":
        listing = Listing.of(sorted(listing, key=lambda summary: summary["startedAt"]))
    return listing


def _with_free_ids(listing: Listing, state: State) -> Listing:
    """The listing, renumbered with the next free session ids if any of its ids is taken."""
    first, past = listing.first, _past(listing, state)
    if past > first:
        past = max(past, state.counted.get("SessionId", first))
    while past > listing.first:
        listing = dataclasses.replace(listing, first=past)
        past = _past(listing, state)
    state.counted["SessionId"] = max(state.counted.get("SessionId", first), past + len(listing))
    return listing


def _past(listing: Listing, state: State) -> int:
    """The first number after all session ids of the listing that other jobs have too."""
    return max((_past_of(listing, job) for job in state.jobs.values()), default=listing.first)


def _past_of(listing: Listing, job: JobState) -> int:
    other = job.listing
    places = (
        listing.position(str(summary.get("sessionId")))
        for summary in (*job.added, *(other.given or ()))
    )
    past = [listing.first + place + 1 for place in places if place is not None]
    if other.given is None and listing.overlap(other):
        past.append(other.first + len(other))
    return max(past, default=listing.first)


def _refuse_overlap(listing: Listing, other: JobState) -> None:
    ids = {summary["sessionId"] for summary in other.added}
    taken = listing.overlap(other.listing) or next(
        (each for each in ids if listing.position(each) is not None), None
    )
    if taken is not None:
        msg = f"sessions: {shown(taken)} is already in {other.ids.jobId} "
        expected = "(expected ids that no other job has; a Listing takes first=…)"
        raise ValueError(msg + expected)
