"""What a new job is made of, checked before anything changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import model
from pytest_deadline_sessions.paging import GAP, Listing
from pytest_deadline_sessions.service import work
from pytest_deadline_sessions.service.state import JobIds, JobState

if TYPE_CHECKING:
    from pytest_deadline_sessions.service.core import Service


def checked(
    service: Service,
    sessions: Any,
    ids: tuple[str | None, str | None, str | None],
    work_counts: tuple[int | None, int | None],
) -> tuple[JobIds, Listing, work.Work | None]:
    """The ids, the listing and the work of a job that may be added.

    Args:
        service: Which service it is added to.
        sessions: As ``FakeDeadline.add_job`` takes them.
        ids: Those of farm, queue and job; ``None`` for one that the service chooses.
        work_counts: How many steps and tasks there are, if they are given.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of range, or one that another job has.
    """
    chosen = _ids(service, ids)
    listing = _listing(service, sessions)
    for other in service.state.jobs.values():
        _refuse_overlap(listing, other)
    steps, tasks = work.checked(*work_counts)
    first = service.state.next_number("StepId", steps)
    return chosen, listing, work.Work(steps, tasks, len(listing), first) if steps else None


def _ids(service: Service, given: tuple[str | None, str | None, str | None]) -> JobIds:
    farm_id, queue_id, job_id = given
    ids = JobIds(
        farm_id or model.make_id("FarmId", 1),
        queue_id or model.make_id("QueueId", 1),
        job_id or model.make_id("JobId", service.state.next_number("JobId")),
    )
    found = model.check_request(ids._asdict())
    if found:
        raise ValueError("; ".join(map(str, found)))
    if ids in service.state.jobs:
        msg = f"jobId={ids.jobId!r} (expected an id that no job of this fake has)"
        raise ValueError(msg)
    return ids


def _listing(service: Service, sessions: Any) -> Listing:
    if isinstance(sessions, Listing):
        return sessions
    if isinstance(sessions, int) and not isinstance(sessions, bool):
        if sessions < 0:
            msg = f"sessions={sessions!r} (expected 0 or more)"
            raise ValueError(msg)
        return Listing(
            runs=(("STARTED", sessions),),
            first=service.state.next_number("SessionId", sessions),
            started_at=service.clock.now().replace(microsecond=0) - sessions * GAP,
        )
    if isinstance(sessions, str | bytes | Mapping) or not isinstance(sessions, Iterable):
        msg = f"sessions={sessions!r} (expected a count, session summaries, or a Listing)"
        raise TypeError(msg)
    listing = Listing.of(sessions)
    if service.behavior.order == "startedAt":
        listing = Listing.of(sorted(listing, key=lambda summary: summary["startedAt"]))
    return listing


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
