"""Who created a resource, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deadline_sessions._api.placeholders import EPOCH, REQUESTER, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deadline_sessions._service.state import JobState


def created(jobs: Iterable[JobState]) -> Record:
    """The members about the creation of a resource: no job or session in it is older."""
    moments = [moment for job in jobs for moment in (job.added_at, *job.started())]
    return {"createdAt": min(moments, default=EPOCH), "createdBy": REQUESTER}
