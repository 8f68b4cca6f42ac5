"""Functions that list the sessions of a job, as found in many scripts."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError


def all_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """List every session of a job with botocore's paginator."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]


def running_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """List the sessions that have not ended."""
    return [
        session for session in all_sessions(client, **job) if session["lifecycleStatus"] != "ENDED"
    ]


def sessions_one_by_one(client: Any, **job: str) -> Iterator[dict[str, Any]]:
    """Yield every session by following tokens, holding one page at a time."""
    response = client.list_sessions(**job, maxResults=100)
    yield from response["sessions"]
    while response.get("nextToken"):
        token = response["nextToken"]
        response = client.list_sessions(**job, maxResults=100, nextToken=token)
        yield from response["sessions"]


def workers(client: Any, **job: str) -> collections.Counter[str]:
    """Count the sessions of each worker."""
    return collections.Counter(
        session["workerId"] for session in sessions_one_by_one(client, **job)
    )


def patient_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """List every session. Wait and start over if a token has expired or a call is throttled."""
    for delay in (1, 10, 60):
        try:
            return all_sessions(client, **job)
        except ClientError as error:  # noqa: PERF203 (waiting costs more)
            if error.response["Error"]["Code"] not in {
                "ThrottlingException",
                "ValidationException",
            }:
                raise
            time.sleep(delay)
    return all_sessions(client, **job)


async def sessions_beside_other_work(client: Any, **job: str) -> list[dict[str, Any]]:
    """List every session without blocking the event loop."""
    return await asyncio.to_thread(all_sessions, client, **job)


def first_sessions(client: Any, count: int = 20, **job: str) -> list[dict[str, Any]]:
    """List the first sessions of a job, for a preview."""
    config = {"MaxItems": count, "PageSize": count}
    pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig=config)
    return list(pages.build_full_result().get("sessions", []))


def recent_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """List every session, or so its author thinks: it stops at a page that is not full."""
    sessions: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        response = client.list_sessions(**job, maxResults=100, **token)
        sessions += response["sessions"]
        if len(response["sessions"]) < 100 or "nextToken" not in response:
            return sessions
        token = {"nextToken": response["nextToken"]}
