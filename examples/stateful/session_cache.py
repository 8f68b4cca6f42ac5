"""A cache: list the sessions of a job at most once a minute."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_deadline_sessions import SessionSummary

MAX_AGE = datetime.timedelta(minutes=1)


class SessionCache:
    """Caches the sessions of each job for up to ``MAX_AGE``."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._listed: dict[str, tuple[datetime.datetime, list[SessionSummary]]] = {}

    def sessions(self, **job: str) -> list[SessionSummary]:
        """The sessions of a job, at most ``MAX_AGE`` out of date."""
        now = datetime.datetime.now(datetime.timezone.utc)
        listed = self._listed.get(job["jobId"])
        if listed is None or now - listed[0] > MAX_AGE:
            listed = self._listed[job["jobId"]] = (now, self._list(job))
        return list(listed[1])

    def _list(self, job: dict[str, str]) -> list[SessionSummary]:
        pages = self._client.get_paginator("list_sessions").paginate(**job)
        return [session for page in pages for session in page["sessions"]]
