"""Collectors of every signature: those that fit, those that do not, and ``call=``."""

from __future__ import annotations

import asyncio
import functools
import io
from contextlib import redirect_stdout
from unittest.mock import MagicMock

import pytest
from collectors.judged import found, passes, run_again
from collectors.wrong import every, first_page

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS

TWO_PAGES = Listing(page_sizes=(1, 1))


def of_ids(deadline, farm, queue_id, job_id):
    """List sessions, with ids by position."""
    return every(deadline, farmId=farm, queueId=queue_id, jobId=job_id)


def of_a_job(client, job):
    """List sessions of a mapping of ids."""
    return every(client, **job)


def nothing():
    """List nothing."""


def by_name(*, client, job_id, region):
    """List sessions, with names of its own."""


def with_a_default(client, farm_id, queue_id, job_id, limit=5, *rest, **options):
    """List sessions, with optional arguments."""


class Sessions:
    """Lists sessions with a client that it is made with."""

    def __init__(self, client):
        self.client = client

    def collect(self, **job):
        """List all sessions."""
        return every(self.client, **job)


@pytest.mark.parametrize(
    ("collect", "takes", "adapter"),
    [
        (
            of_ids,
            "(deadline, farm, queue_id, job_id)",
            'collect(client, job["farmId"], job["queueId"], job["jobId"])',
        ),
        (of_a_job, "(client, job)", "collect(client, job)"),
        (
            by_name,
            "(client, job_id, region)",
            'collect(client=client, job_id=job["jobId"], region=…)',
        ),
        (
            with_a_default,
            "(client, farm_id, queue_id, job_id, limit, *rest, **options)",
            'collect(client, job["farmId"], job["queueId"], job["jobId"])',
        ),
        (Sessions, "(client)", "collect(client).METHOD(**job)"),
        (Sessions(None).collect, "(**job)", "collect()"),
        (functools.partial(of_a_job, None), "(job)", "collect(job)"),
        (nothing, "()", "collect()"),
    ],
)
def test_signatures_that_do_not_fit(collect, takes, adapter):
    """A collector of another signature is refused, with what it takes and a ``call=`` for it."""
    with pytest.raises(TypeError) as caught:
        check_pagination(collect)
    message = str(caught.value)
    assert message.startswith("collect=")
    assert "called as collect(client, farmId=…, queueId=…, jobId=…), but it takes " in message
    assert f"it takes {takes}; for another" in message
    assert message.endswith(f"pass call=lambda collect, client, job: {adapter})")


def test_nothing_is_called_before_it_fits():
    """A collector of another signature is refused without being called."""
    calls = []
    with pytest.raises(TypeError, match="pass call="):
        check_pagination(calls.append)
    assert not calls


class Unsigned:
    """A collector whose signature cannot be read."""

    @property
    def __signature__(self):
        raise ZeroDivisionError

    def __call__(self, client, **job):
        """List all sessions."""
        return every(client, **job)


@pytest.mark.parametrize("collect", [Unsigned(), MagicMock(side_effect=every), every])
def test_signatures_that_fit_or_cannot_be_read(collect):
    """A collector is tried if it can be called, or if nothing tells how to call it."""
    passes(collect)


@pytest.mark.parametrize(
    ("option", "function", "called", "takes"),
    [
        ("call", of_a_job, "call(collect, client, job)", "(client, job)"),
        ("expected", nothing, "expected(sessions)", "()"),
        ("key", of_a_job, "key(item)", "(client, job)"),
    ],
)
def test_options_that_take_other_arguments(option, function, called, takes):
    """An option that cannot be called as it would be is refused, with what it takes."""
    with pytest.raises(TypeError) as caught:
        check_pagination(every, **{option: function})
    message = str(caught.value)
    assert message.startswith(f"{option}=<function")
    assert message.endswith(
        f"(expected a function that can be called as {called}, but it takes {takes})"
    )


@pytest.mark.parametrize(
    ("option", "value", "error", "words"),
    [
        ("call", "collect", TypeError, "a function of the collector, a client and the ids"),
        ("key", 3, TypeError, "a name, or a function of an item of the result"),
        ("client", "aio", ValueError, "one of plain, async"),
        ("client", True, TypeError, "one of plain, async"),
    ],
)
def test_options_of_the_wrong_kind(option, value, error, words):
    """A value that the option cannot take is refused, with what it takes."""
    with pytest.raises(error, match=rf"^{option}={value!r} \(expected {words}"):
        check_pagination(every, **{option: value})


def test_a_key_beside_an_expectation():
    """``key=`` is refused beside ``expected=``, which compares whole results."""
    with pytest.raises(ValueError, match=r"^key='id' \(expected no key= beside expected="):
        check_pagination(every, key="id", expected=list)


@pytest.mark.parametrize(
    ("collect", "call"),
    [
        (of_ids, lambda collect, client, job: collect(client, *job.values())),
        (of_a_job, lambda collect, client, job: collect(client, job)),
        (Sessions, lambda cls, client, job: cls(client).collect(**job)),
        (
            {"get": every},
            lambda collectors, client, job: collectors["get"](client, **job),
        ),
        (None, lambda _, client, job: every(client, **job)),
    ],
)
def test_call(collect, call):
    """``call=`` calls a collector of any kind and signature, or any object."""
    passes(collect, TWO_PAGES, call=call)


def test_a_call_may_change_its_copy_of_the_ids():
    """``call=`` gets a dict of its own, so changing it affects no other call."""

    def call(collect, client, job):
        sessions = collect(client, **job)
        job.clear()
        return sessions

    passes(every, TWO_PAGES, call=call)


def test_violations_through_call():
    """A mistake is found through ``call=``, and the code in the report uses it."""

    def other(client, job):
        return first_page(client, **job)

    def call(collect, client, job):
        return collect(client, job)

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(other, call=call, without=VARIATIONS)
    violation = caught.value
    assert (
        "check_pagination(<your collector>, examples=[Listing(page_sizes=(1, 1))], "
        "call=<your call>, without="
    ) in str(violation)
    again = run_again(violation)
    assert (again.rule, again.case) == (violation.rule, violation.case)


def test_call_of_an_asynchronous_collector():
    """A coroutine that ``call=`` returns is run, with a client that is awaited."""
    pytest.importorskip("aiobotocore")

    async def collect(client, job_ids):
        await asyncio.sleep(1)
        pages = client.get_paginator("list_sessions").paginate(**job_ids)
        return [session async for page in pages for session in page["sessions"]]

    passes(collect, TWO_PAGES, call=lambda collect, client, job: collect(client, job))


def main(client, arguments):
    """Print the sessions of a job, as a script does."""
    names = ("farmId", "queueId", "jobId")
    for session in every(client, **dict(zip(names, arguments, strict=True))):
        print(session["lifecycleStatus"], session["sessionId"])  # noqa: T201 (a script prints)


def test_a_function_that_prints():
    """The ids are read from text that ``call=`` captured from standard output."""

    def call(main, client, job):
        with redirect_stdout(io.StringIO()) as output:
            main(client, list(job.values()))
        return output.getvalue()

    passes(main, Listing(page_sizes=(2, 0, 1)), call=call)
    finding = found(
        first_page, TWO_PAGES, call=lambda collect, client, job: str(collect(client, **job))
    )
    assert "It returned 1 session for a listing of 2: 1 missing" in finding.what
