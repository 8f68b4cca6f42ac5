"""Functions of the vendor's ``deadline`` package that list sessions, called as collectors.

None of the code under test is ours. These thin adapters translate
``collect(client, farmId=…, queueId=…, jobId=…)`` to the arguments of each function.
"""

from __future__ import annotations

import datetime
import functools
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from deadline.client import api
from deadline.client.api import _job_monitoring
from deadline.client.cli import _incremental_download
from deadline.client.cli._groups import _trace_schedule
from deadline.client.exceptions import DeadlineOperationError

if TYPE_CHECKING:
    from pytest_deadline_sessions import SessionSummary

THRESHOLD = datetime.datetime(2025, 1, 1, 9, 31, tzinfo=datetime.timezone.utc)


def list_sessions(_client: Any, **job: str) -> dict[str, Any]:
    """Call ``deadline.client.api.list_sessions``, which creates its own client."""
    return api.list_sessions(**job)


def trace_schedule(client: Any, **job: str) -> list[SessionSummary]:
    """Collect sessions as ``deadline job trace-schedule`` does."""
    return _trace_schedule._get_all_sessions(client, job["farmId"], job["queueId"], job["jobId"])


def by_start(sessions: list[SessionSummary]) -> list[SessionSummary]:
    """The right result of ``trace_schedule`` for a complete listing."""
    return sorted(sessions, key=lambda session: session["startedAt"])


def incremental_download(client: Any, **job: str) -> list[SessionSummary]:
    """Collect running and recently ended sessions, as ``deadline queue sync-output`` does."""
    by_job: dict[str, list[SessionSummary]] = {}
    _incremental_download._retrieve_sessions_for_job(
        client, job["farmId"], job["queueId"], job["jobId"], THRESHOLD, by_job
    )
    return by_job.get(job["jobId"], [])


def recent(sessions: list[SessionSummary]) -> list[SessionSummary]:
    """The right result of ``incremental_download`` for a complete listing."""
    return [
        session
        for session in sessions
        if "endedAt" not in session or session["endedAt"] >= THRESHOLD
    ]


def session_of_logs(_client: Any, **job: str) -> str | None:
    """The id of the session that ``get_session_logs`` chooses; its logs are stubbed."""
    with Stubber(_logs_client()) as logs, pytest.MonkeyPatch.context() as patch:
        logs.add_response("get_log_events", {"events": []})
        make_client = _job_monitoring.get_boto3_client

        def get_client(service_name: str, **options: Any) -> Any:
            return logs.client if service_name == "logs" else make_client(service_name, **options)

        patch.setattr(_job_monitoring, "get_boto3_client", get_client)
        try:
            logged = api.get_session_logs(job["farmId"], job["queueId"], job_id=job["jobId"])
        except DeadlineOperationError as error:
            if "No sessions found" not in str(error):
                raise
            return None
        return logged.log_stream


def session_to_show(sessions: list[SessionSummary]) -> str | None:
    """The right result of ``session_of_logs`` for a complete listing, by its documentation."""
    running = [session for session in sessions if "endedAt" not in session]
    if running:
        return max(running, key=lambda session: session["startedAt"])["sessionId"]
    ended = max(sessions, key=lambda session: session["endedAt"], default=None)
    return ended["sessionId"] if ended else None


@functools.cache
def _logs_client() -> Any:
    return boto3.client("logs", region_name="us-west-2")
