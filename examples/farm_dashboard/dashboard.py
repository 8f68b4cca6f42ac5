"""A small dashboard: what are the sessions of a job doing?

Run it as ``python dashboard.py FARM QUEUE JOB``; boto3 finds the region and the credentials.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from pytest_deadline_sessions import SessionSummary

STOPPING = {"UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED"}


def list_sessions(client: Any, **job: str) -> Iterator[SessionSummary]:
    """Yield every session of a job, page by page."""
    for page in client.get_paginator("list_sessions").paginate(**job):
        yield from page["sessions"]


def state(session: SessionSummary) -> str:
    """The state to show for a session: running, stopping or ended."""
    if session["lifecycleStatus"] == "ENDED":
        return "ended"
    return "stopping" if session["lifecycleStatus"] in STOPPING else "running"


def age(session: SessionSummary, now: datetime.datetime) -> datetime.timedelta:
    """How long a session has run so far, or ran until it ended."""
    return session.get("endedAt", now) - session["startedAt"]


def summarise(sessions: Sequence[SessionSummary], now: datetime.datetime) -> dict[str, Any]:
    """The figures of the dashboard."""
    states = collections.Counter(state(session) for session in sessions)
    open_ages = [age(session, now) for session in sessions if state(session) != "ended"]
    return {
        "sessions": len(sessions),
        "running": states["running"],
        "stopping": states["stopping"],
        "ended": states["ended"],
        "workers": len({session["workerId"] for session in sessions}),
        "longest": max(open_ages, default=datetime.timedelta(0)),
    }


def next_page(
    client: Any, token: str | None, **job: str
) -> tuple[list[SessionSummary], str | None]:
    """Get the next page of 20; if the saved token has expired, get the first page instead."""
    arguments = {**job, "maxResults": 20}
    try:
        page = client.list_sessions(**arguments, **({"nextToken": token} if token else {}))
    except ClientError as error:
        if token is None or error.response["Error"]["Code"] != "ValidationException":
            raise
        page = client.list_sessions(**arguments)
    return page["sessions"], page.get("nextToken")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of one job as JSON."""
    parser = argparse.ArgumentParser(description="What are the sessions of a job doing?")
    for name in ("farmId", "queueId", "jobId"):
        parser.add_argument(name)
    job = vars(parser.parse_args(arguments))
    now = datetime.datetime.now(datetime.timezone.utc)
    figures = summarise(list(list_sessions(boto3.client("deadline"), **job)), now)
    print(json.dumps({**figures, "longest": figures["longest"].total_seconds()}))


if __name__ == "__main__":
    main()
