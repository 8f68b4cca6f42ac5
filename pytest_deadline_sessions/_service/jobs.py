"""The handles that users get for a job and for a session of a job."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import types
from pytest_deadline_sessions._api.placeholders import REQUESTER, example_ids
from pytest_deadline_sessions._arguments import check_kind, wrong_value
from pytest_deadline_sessions._domain.layout import Layout
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.summaries import check_summaries
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.service import Service
from pytest_deadline_sessions._service.state import JobIds, JobState


@public
class Job(Mapping[str, Any]):
    """A job of the fake: a mapping of its three ids, and its sessions.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> fake = FakeDeadline()
        >>> job = fake.add_job(sessions=2)
        >>> response = fake.client().list_sessions(**job)
        >>> len(response["sessions"])
        2
    """

    def __init__(self, service: Service, ids: JobIds) -> None:
        self._service = service
        self._ids = ids

    def __getitem__(self, name: str) -> str:
        value: str = self._ids._asdict()[name]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids._fields)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"<Job {self._ids.jobId}>"

    @property
    def listing(self) -> Listing:
        """Everything the job lists now, in service order."""
        with self._service.lock:
            job = self._state()
            if not job.changed and not job.added and job.layout is None:
                return job.listing
            sizes = job.page_sizes(self._service.behavior.page_size)
            return Listing.of(job.between(0, len(job)), sizes, strict=False)

    @property
    def sessions(self) -> list[Session]:
        """A handle for each session, in service order."""
        return [Session(self, summary["sessionId"]) for summary in self.listing]

    def session(self, session_id: str) -> Session:
        """The handle of the session with the given id.

        Raises:
            TypeError: ``session_id`` is not a string.
            ValueError: The job has no such session.
        """
        check_kind("session_id", session_id, str, "a string")
        if self._state().position(session_id) is None:
            raise wrong_value("session_id", session_id, f"a session of {self._ids.jobId}")
        return Session(self, session_id)

    def start_session(self, **members: Any) -> Session:
        """Start another session; it comes last in the listing.

        Args:
            **members: Members of the summary to set, such as ``workerId=…``. By default the
                session has a new ``sessionId``, the first fleet and worker, and the service's time
                as ``startedAt``.

        Raises:
            ValueError: The service could not send the resulting summary, or another session has
                the ``sessionId``.
        """
        service = self._service
        with service.lock:
            job = self._state()
            summary: dict[str, Any] = {**_started(service, service.clock.now()), **members}
            check_summaries([summary], "start_session")
            if service.state.lists(summary["sessionId"]):
                raise wrong_value("sessionId", summary["sessionId"], "an id that no session has")
            job.added.append(cast("types.SessionSummary", summary))
            return Session(self, summary["sessionId"])

    def _state(self) -> JobState:
        self._service.refuse_if_closed(repr(self))
        job = self._service.state.jobs.get(self._ids)
        if job is None:
            msg = f"{self!r} is gone: the fake was reset after it was added; add it again"
            raise RuntimeError(msg)
        return job


def set_up(job: Job, started: int, page_sizes: Iterable[int], behavior: Behavior) -> list[Session]:
    """Start sessions, cut all sessions into other pages from now on, and change the behavior.

    The sessions start at the same time, as those of a large job may.

    All tokens stay valid.

    Args:
        job: The job.
        started: How many sessions to start.
        page_sizes: How many sessions the first pages hold. They exist even if there are fewer
            sessions.
        behavior: The new behavior of the service.

    Returns:
        The handles of the started sessions.
    """
    service, summaries = job._service, []  # noqa: SLF001 (a job belongs to this module)
    with service.lock:
        state, now = job._state(), service.clock.now()  # noqa: SLF001
        for _ in range(started):
            summaries.append(_started(service, now))
            state.added.append(summaries[-1])
        state.layout = Layout(tuple(page_sizes))
        service.behavior = behavior
    return [Session(job, summary["sessionId"]) for summary in summaries]


def _started(service: Service, at: datetime.datetime) -> types.SessionSummary:
    summary = {
        "sessionId": service.state.fresh_session_id(),
        **example_ids("fleetId", "workerId"),
        "startedAt": at,
        "lifecycleStatus": lifecycle.STARTED,
    }
    return cast("types.SessionSummary", summary)


@public
class Session:
    """A session of a job, with methods that move it through its lifecycle.

    Every change is dated by the service's clock, and happens only if the lifecycle allows it.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> session = FakeDeadline().add_job().start_session()
        >>> session.request_end(by="arn:aws:iam::111122223333:user/alex")
        >>> session.succeed_update()
        >>> session.end()
        >>> session.summary["lifecycleStatus"]
        'ENDED'
    """

    def __init__(self, job: Job, session_id: str) -> None:
        self._job = job
        self.session_id = session_id

    def __repr__(self) -> str:
        return f"<Session {self.session_id} {self.status}>"

    @property
    def summary(self) -> types.SessionSummary:
        """The current summary, as a new dict."""
        job, place = self._place()
        return job.summary(place)

    @property
    def status(self) -> str:
        """The current ``lifecycleStatus``."""
        return self.summary["lifecycleStatus"]

    def request_end(self, by: str = REQUESTER) -> None:
        """Request the end of the session, as ``UpdateSession`` does.

        Args:
            by: Who requests it: the ``updatedBy`` of the summary.

        Raises:
            TypeError: ``by`` is not a string.
            ValueError: The status of the session does not allow it.
        """
        self._move(lifecycle.UPDATE_IN_PROGRESS, by)

    def succeed_update(self) -> None:
        """Make the requested update succeed, as when the worker carries it out.

        Raises:
            ValueError: The status of the session does not allow it.
        """
        self._move(lifecycle.UPDATE_SUCCEEDED)

    def fail_update(self) -> None:
        """Make the requested update fail, as when the worker cannot carry it out.

        Raises:
            ValueError: The status of the session does not allow it.
        """
        self._move(lifecycle.UPDATE_FAILED)

    def end(self) -> None:
        """End the session.

        Raises:
            ValueError: The status of the session does not allow it.
        """
        self._move(lifecycle.ENDED)

    def _move(self, status: str, by: str | None = None) -> None:
        service = self._job._service  # noqa: SLF001 (a session is part of its job)
        with service.lock:
            job, place = self._place()
            summary = job.summary(place)
            job.replace(place, lifecycle.advance(summary, status, service.clock.now(), by=by))

    def _place(self) -> tuple[JobState, int]:
        job = self._job._state()  # noqa: SLF001 (a session is part of its job)
        place = job.position(self.session_id)
        if place is None:
            msg = f"session {self.session_id} is gone: the fake was reset after it was added"
            raise RuntimeError(msg)
        return job, place
