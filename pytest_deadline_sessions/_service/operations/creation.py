"""Who created a resource, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deadline_sessions._api.placeholders import EPOCH, REQUESTER, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deadline_sessions._service.state import JobState


def created(jobs: Iterable[JobState]) -> Record:
    """``createdAt`` and ``createdBy`` of a resource, no later than its jobs and sessions."""
    moments = [moment for job in jobs for moment in (job.added_at, *job.started())]
    return {"createdAt": min(moments, default=EPOCH), "createdBy": REQUESTER}
