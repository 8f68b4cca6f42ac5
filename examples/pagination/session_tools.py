"""A few functions that list the sessions of a job, as they stand in many a script."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError


def all_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """Every session of a job, by botocore's paginator."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]


def running_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """Those that have not ended."""
    return [one for one in all_sessions(client, **job) if one["lifecycleStatus"] != "ENDED"]


def sessions_one_by_one(client: Any, **job: str) -> Iterator[dict[str, Any]]:
    """Every session, by following tokens, without ever holding more than a page."""
    response = client.list_sessions(**job, maxResults=100)
    yield from response["sessions"]
    while response.get("nextToken"):
        token = response["nextToken"]
        response = client.list_sessions(**job, maxResults=100, nextToken=token)
        yield from response["sessions"]


def workers(client: Any, **job: str) -> collections.Counter[str]:
    """How many sessions each worker had."""
    return collections.Counter(one["workerId"] for one in sessions_one_by_one(client, **job))


def patient_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """Every session; begins again when a token has expired, and waits when there is a jam."""
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
    """Every session, without holding up an event loop."""
    return await asyncio.to_thread(all_sessions, client, **job)


def first_sessions(client: Any, count: int = 20, **job: str) -> list[dict[str, Any]]:
    """The first sessions of a job, for a preview."""
    config = {"MaxItems": count, "PageSize": count}
    pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig=config)
    return list(pages.build_full_result().get("sessions", []))


def recent_sessions(client: Any, **job: str) -> list[dict[str, Any]]:
    """Every session, says its author; stops where a page is not full."""
    sessions: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        response = client.list_sessions(**job, maxResults=100, **token)
        sessions += response["sessions"]
        if len(response["sessions"]) < 100 or "nextToken" not in response:
            return sessions
        token = {"nextToken": response["nextToken"]}
