"""Functions of the vendor's ``deadline`` package that list sessions, called as collectors.

None of the code under test is ours: these are thin adapters from
``collect(client, farmId=…, queueId=…, jobId=…)`` to what each function takes.
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
    """``deadline.client.api.list_sessions``, with the client that it makes for itself."""
    return api.list_sessions(**job)


def trace_schedule(client: Any, **job: str) -> list[SessionSummary]:
    """What ``deadline job trace-schedule`` collects."""
    return _trace_schedule._get_all_sessions(client, job["farmId"], job["queueId"], job["jobId"])


def by_start(sessions: list[SessionSummary]) -> list[SessionSummary]:
    """What ``trace_schedule`` should make of a complete listing."""
    return sorted(sessions, key=lambda session: session["startedAt"])


def incremental_download(client: Any, **job: str) -> list[SessionSummary]:
    """What ``deadline queue sync-output`` collects: running sessions, and those ended of late."""
    found: dict[str, list[SessionSummary]] = {}
    _incremental_download._retrieve_sessions_for_job(
        client, job["farmId"], job["queueId"], job["jobId"], THRESHOLD, found
    )
    return found.get(job["jobId"], [])


def recent(sessions: list[SessionSummary]) -> list[SessionSummary]:
    """What ``incremental_download`` should make of a complete listing."""
    return [one for one in sessions if "endedAt" not in one or one["endedAt"] >= THRESHOLD]


def session_of_logs(_client: Any, **job: str) -> str | None:
    """Which session ``deadline.client.api.get_session_logs`` takes; its logs are stubbed."""
    with Stubber(_logs_client()) as logs, pytest.MonkeyPatch.context() as patch:
        logs.add_response("get_log_events", {"events": []})
        make_client = _job_monitoring.get_boto3_client

        def get_client(service_name: str, **options: Any) -> Any:
            return logs.client if service_name == "logs" else make_client(service_name, **options)

        patch.setattr(_job_monitoring, "get_boto3_client", get_client)
        try:
            found = api.get_session_logs(job["farmId"], job["queueId"], job_id=job["jobId"])
        except DeadlineOperationError as error:
            if "No sessions found" not in str(error):
                raise
            return None
        return found.log_stream


def session_to_show(sessions: list[SessionSummary]) -> str | None:
    """What ``session_of_logs`` should make of a complete listing, as its documentation says."""
    running = [one for one in sessions if "endedAt" not in one]
    if running:
        return max(running, key=lambda session: session["startedAt"])["sessionId"]
    ended = max(sessions, key=lambda session: session["endedAt"], default=None)
    return ended["sessionId"] if ended else None


@functools.cache
def _logs_client() -> Any:
    return boto3.client("logs", region_name="us-west-2")
