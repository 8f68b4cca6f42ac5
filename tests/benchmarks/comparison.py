"""The wrong collectors against the tests that people write otherwise.

``PYTHONHASHSEED=0 python tests/benchmarks/comparison.py`` prints how many of them each kind of test
catches, as the table of the README; without the seed, one that returns a set is caught by chance. A
hand-written test expects whatever maxResults the collector sends: whoever writes it copies that
from the code under test.
"""

from __future__ import annotations

import asyncio
import copy
import datetime
import functools
import inspect
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, ValuesView
from pathlib import Path
from unittest import mock
from unittest.mock import MagicMock

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from collectors.right import RIGHT
from collectors.wrong import WRONG

from pytest_deadline_sessions import check_pagination
from pytest_deadline_sessions.checking import RULES

JOB = {"farmId": f"farm-{'1' * 32}", "queueId": f"queue-{'2' * 32}", "jobId": f"job-{'3' * 32}"}


def summary(number, **members):
    """A session as people write it down."""
    return {
        "sessionId": f"session-{number}",
        "fleetId": "fleet-1",
        "workerId": f"worker-{number}",
        "startedAt": datetime.datetime(2025, 1, 1, number),  # noqa: DTZ001 (as people write it)
        "lifecycleStatus": "STARTED",
        **members,
    }


SESSIONS = [summary(1), summary(2), summary(3)]
PAGES = [
    {"sessions": SESSIONS[:2], "nextToken": "token-2"},
    {"sessions": SESSIONS[2:]},
]
CAREFUL_PAGES = [
    {"sessions": SESSIONS[:2], "nextToken": "token-2"},
    {"sessions": [], "nextToken": "token-3"},
    {"sessions": SESSIONS[2:]},
]


def outcome(collect, client):
    """What a collector gives, with iterators and coroutines run to their end."""
    with mock.patch.object(boto3, "client", return_value=client):
        result = collect(client, **JOB)
        if inspect.isasyncgen(result):
            result = asyncio.run(_gathered(result))
        if inspect.isawaitable(result):
            result = asyncio.run(result)
        lazy = isinstance(result, Iterator | ValuesView) or type(result).__name__ == "Sessions"
        return list(result) if lazy else result


async def _gathered(result):
    return [session async for session in result]


def assert_all(result, options):
    """What the author of a test asserts: the same that check_pagination is told."""
    if "expected" in options:
        assert result == options["expected"](SESSIONS)
        return
    if isinstance(result, dict):
        result = result["sessions"]
    ids = [item["sessionId"] if isinstance(item, dict) else item for item in result]
    wanted = [session["sessionId"] for session in SESSIONS]
    assert (ids if options.get("ordered", True) else sorted(ids)) == wanted


def magic_mock(collect, options):
    """Two pages, from a mock that takes whatever is asked for."""
    pages = copy.deepcopy(PAGES)
    client = MagicMock()
    client.list_sessions.side_effect = pages
    paginated = client.get_paginator.return_value.paginate.return_value
    paginated.__iter__.side_effect = lambda: iter(pages)
    paginated.build_full_result.return_value = {"sessions": SESSIONS}
    paginated.search.side_effect = lambda _: iter(SESSIONS)
    paginated.resume_token = None
    assert_all(outcome(collect, client), options)


@functools.cache
def session():
    """One for all clients."""
    return botocore.session.Session()


def stubbed(pages, collect):
    """The client of a Stubber, and what it was asked for."""
    client = session().create_client(
        "deadline",
        region_name="us-west-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    requests = []
    client.meta.events.register(
        "provide-client-params.deadline.ListSessions",
        lambda params, **_: requests.append(dict(params)),
    )
    with Stubber(client) as stubber:
        for page in pages:
            if isinstance(page, str):
                stubber.add_client_error("list_sessions", page)
            else:
                stubber.add_response("list_sessions", copy.deepcopy(page))
        try:
            return outcome(collect, client)
        finally:
            stubber.assert_no_pending_responses()
            tokens = [None, *(page["nextToken"] for page in pages[:-1])]
            assert [params.get("nextToken") for params in requests] == tokens
            assert all(JOB.items() <= params.items() for params in requests)


def stubber(collect, options):
    """Two pages, each asked for with its token and the ids."""
    assert_all(stubbed(PAGES, collect), options)


def careful_stubber(collect, options):
    """An empty page in the middle, two calls in turn, and an error after the first page."""
    for _ in range(2):
        assert_all(stubbed(CAREFUL_PAGES, collect), options)
    with pytest.raises(ClientError):
        stubbed([PAGES[0], "AccessDeniedException"], collect)


def checked(collect, options):
    """What this package does."""
    check_pagination(collect, **options)


def catches(test, collect, options):
    """Whether a test fails for a collector, or does not end.

    It runs in a process of its own: what catches everything can be ended from outside only.
    """
    child = multiprocessing.get_context("fork").Process(target=_try, args=(test, collect, options))
    child.start()
    child.join(20)
    child.kill()
    child.join()
    return child.exitcode != 0


def _try(test, collect, options):
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (ends)
    with mock.patch.object(time, "sleep") if test is not checked else mock.MagicMock():
        test(collect, options)


TESTS = {
    "`MagicMock`": magic_mock,
    "`Stubber`": stubber,
    "`Stubber`, with care": careful_stubber,
    "`check_pagination`": checked,
}


def table():
    """The lines of the table."""
    yield f"| wrong collectors | of | {' | '.join(TESTS)} |"
    yield f"| --- |{' --- |' * (len(TESTS) + 1)}"
    totals = dict.fromkeys(TESTS, 0)
    for rule in RULES:
        names = [name for name in WRONG if next(r for r in RULES if r in WRONG[name][1]) == rule]
        counts = {
            title: sum(catches(test, WRONG[name][0], WRONG[name][2]) for name in names)
            for title, test in TESTS.items()
        }
        for title, count in counts.items():
            totals[title] += count
        yield f"| {rule} | {len(names)} | {' | '.join(map(str, counts.values()))} |"
    yield f"| all | {len(WRONG)} | {' | '.join(map(str, totals.values()))} |"


def false_alarms():
    """The right collectors that the hand-written tests would have to be changed for."""
    for title, test in TESTS.items():
        flagged = [
            name for name, (collect, options) in RIGHT.items() if catches(test, collect, options)
        ]
        yield f"{title} flags {len(flagged)} of {len(RIGHT)} right ones: {', '.join(flagged)}"


if __name__ == "__main__":
    for line in [*table(), "", *false_alarms()]:
        print(line, file=sys.__stdout__, flush=True)
