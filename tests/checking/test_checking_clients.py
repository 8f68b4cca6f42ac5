"""Which client a collector gets: a plain one, or one that is awaited."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest
from collectors.judged import found, passes
from collectors.wrong import every, first_page

from pytest_deadline_sessions import Listing, check_pagination
from pytest_deadline_sessions.checking import _awaiting
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._runner import Runner
from pytest_deadline_sessions.checking._undoing import Undoing

TWO_PAGES = Listing(page_sizes=(1, 1))

needs_async_clients = pytest.mark.skipif(
    not importlib.util.find_spec("aiobotocore"), reason="needs aiobotocore"
)


async def awaiting(client, **job):
    """List all sessions with a client that is awaited."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session async for page in pages for session in page["sessions"]]


async def not_awaiting(client, **job):
    """List all sessions with a plain client, in a coroutine."""
    return every(client, **job)


async def no_subscript(client, **job):
    """Forget to await a call."""
    return client.list_sessions(**job)["sessions"]


async def kept_in_a_name(client, **job):
    """Forget to await a call, and keep its coroutine."""
    page = client.list_sessions(**job)
    return page["sessions"]


async def no_attribute(client, **job):
    """Forget to await a call, and use a method of its result."""
    return client.list_sessions(**job).get("sessions")


async def returned(client, **job):
    """Forget to await a call, and return its coroutine."""
    return client.list_sessions(**job)


def kind_of(collect, **options):
    """Return the kind of client that a collector has got in the end."""
    runner, undoing = Runner(Options(collect, **options)), Undoing()
    with undoing, undoing:
        runner.open(undoing)
        run = runner.start(Case(TWO_PAGES))
        run.call(run.job, run.case)
    return runner.calling.kind


@needs_async_clients
@pytest.mark.parametrize("collect", [no_subscript, kept_in_a_name, no_attribute, returned])
def test_a_forgotten_await(collect):
    """With ``client="async"`` a collector that forgets to await breaks *complete*."""
    finding = found(collect, TWO_PAGES, client="async")
    assert finding.rule == "complete"
    if collect is returned:
        assert finding.what == "Await it: it is a call of the client that was never made"
    else:
        assert "TypeError: 'coroutine'" in finding.what or "AttributeError" in finding.what
        assert finding.cause == "It does not await a call of the client."


def test_a_plain_client_for_a_coroutine():
    """With ``client="plain"`` a coroutine gets a client that is not awaited."""
    passes(not_awaiting, TWO_PAGES, client="plain")


@needs_async_clients
def test_an_async_client():
    """With ``client="async"`` a coroutine gets a client that is awaited."""
    passes(awaiting, TWO_PAGES, client="async")


@needs_async_clients
@pytest.mark.parametrize(
    ("collect", "options", "kind"),
    [
        (every, {}, "plain"),
        (awaiting, {}, "async"),
        (not_awaiting, {}, "plain"),
        (no_subscript, {}, "plain"),
        (awaiting, {"client": "async"}, "async"),
        (not_awaiting, {"client": "plain"}, "plain"),
    ],
)
def test_the_kind_that_was_used(collect, options, kind):
    """The kind of client that a collector has got can be read."""
    assert kind_of(collect, **options) == kind


@needs_async_clients
def test_an_asynchronous_generator():
    """What an asynchronous generator yields is its result."""

    async def collect(client, **job):
        for session in await awaiting(client, **job):
            yield session["sessionId"]

    passes(collect, TWO_PAGES)


@needs_async_clients
def test_an_asynchronous_collector_that_raises():
    """An error that an asynchronous collector raises after a call is its own."""

    async def collect(client, **job):
        sessions = await awaiting(client, **job)
        return sessions[2]

    finding = found(collect, TWO_PAGES)
    assert "It raised IndexError: list index out of range, though no call had" in finding.what


def test_while_a_loop_runs():
    """A coroutine is run in a thread of its own where this thread already runs an event loop."""

    async def check():
        passes(not_awaiting, TWO_PAGES, client="plain")
        return [found(each, TWO_PAGES, client="plain").what for each in (no_subscript, raises)]

    async def raises(_client, **_job):
        raise KeyError("sessions")

    wrong, raised = asyncio.run(check())
    assert "1 missing" in wrong
    assert "It raised KeyError: 'sessions', though no call had failed" in raised


def test_without_aiobotocore(monkeypatch):
    """``client="async"`` needs aiobotocore, and says so where it is missing."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_awaiting.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"client='async' needs aiobotocore: install .*\[async\]"):
        check_pagination(awaiting, client="async")


@needs_async_clients
def test_without_an_event_loop(monkeypatch):
    """``client="async"`` needs an event loop, and says so where none can be made."""

    def refuse(*_):
        raise OSError("no sockets")

    monkeypatch.setattr(_awaiting.asyncio, "new_event_loop", refuse)
    with pytest.raises(RuntimeError, match="cannot create the event loop that an asynchronous"):
        check_pagination(awaiting, client="async")


@needs_async_clients
def test_the_report_repeats_the_client():
    """The code in a report passes on ``client=``."""

    async def collect(client, **job):
        return first_page(client, **job)

    with pytest.raises(AssertionError, match=r"\], client='plain'\)$"):
        check_pagination(collect, client="plain")
