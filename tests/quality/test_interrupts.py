"""Whatever breaks a call off, and wherever: nothing of it stays."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import itertools
import os
import sys

import boto3
import botocore.client
import botocore.exceptions
import botocore.retries.bucket
import pytest
from botocore.config import Config
from interrupting import Interrupt, interrupted_at

from pytest_deadline_sessions import FakeDeadline, _state
from pytest_deadline_sessions._domain.transcript import Transcript
from pytest_deadline_sessions._transport import (
    environment_variables,
    interception,
    tracking,
)

STEP = int(os.environ.get("DEADLINE_SESSIONS_STEP", "10"))
PACKAGES = ("pytest_deadline_sessions", "botocore", "aiobotocore")


class Tracer:
    """Raises at one line, by its place in the order in which lines are first reached."""

    def __init__(self, place=None):
        self.place = place
        self.lines = {}

    def __call__(self, frame, event, _arg):
        """Follow what the packages do, line by line."""
        if frame.f_globals.get("__name__", "").partition(".")[0] not in PACKAGES:
            return None
        if event == "line":
            line = (frame.f_code, frame.f_lineno)
            new = self.lines.setdefault(line, len(self.lines)) == len(self.lines) - 1
            if new and self.place == len(self.lines) - 1:
                self.place = None
                raise Interrupt
        return self

    @contextlib.contextmanager
    def on(self):
        """Trace inside."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(before)


def _keys():
    return {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-west-2"}


@functools.cache
def _client(mode):
    """A client that the user made before, which stays theirs."""
    config = Config(retries={"mode": mode, "total_max_attempts": 2})
    return boto3.client("deadline", config=config, **_keys())


def _process():
    """What may be left of a call."""
    return {
        "variables": dict(os.environ),
        "os.environ": dict(vars(type(os.environ))),
        "client class": dict(vars(botocore.client.BaseClient)),
        "creator": dict(vars(botocore.client.ClientCreator)),
        "bucket": dict(vars(botocore.retries.bucket.TokenBucket)),
        "hooks": list(_state.hooks),
        "interceptions": [*_state.interceptions, *_state.ended],
        "layers": list(_state.layers),
        "default sessions": list(_state.default_sessions),
        "call": tracking.current(),
    }


def _handlers(client):
    """All that listens to the events of a client."""
    found, waiting = [], [client.meta.events._emitter._handlers._root]
    while waiting:
        node = waiting.pop()
        found += [one for several in node["values"] or () for one in several]
        waiting += node["children"].values()
    return sorted(map(repr, found)), sorted(vars(client.meta.events))


def _list_with_a_retry(client, fake):
    fake.fail_next("ThrottlingException")
    # Broken off again and again, a client has no attempts left.
    with contextlib.suppress(botocore.exceptions.ClientError):
        client.list_sessions(**fake.jobs[0])


def _presign(client, fake):
    client.generate_presigned_url("list_sessions", Params=dict(fake.jobs[0]))


def _refused(client, _fake):
    with contextlib.suppress(botocore.exceptions.ParamValidationError):
        client.list_sessions(farmId="")


# All lines were tried when this was written; every tenth tells when something has changed.
@pytest.mark.parametrize("call", [_list_with_a_retry, _presign, _refused])
@pytest.mark.parametrize("mode", ["legacy", "adaptive"])
def test_interrupted_anywhere(mode, call):
    """The process and the client are as before, and the next call is answered, and once."""
    client = _client(mode)
    with FakeDeadline() as fake:
        fake.add_job(sessions=2)
        call(client, fake)
    before, handlers = _process(), _handlers(client)
    place = 0
    while place is not None:
        fake = FakeDeadline()
        job, tracer = fake.add_job(sessions=2), Tracer(place)
        with fake:
            with contextlib.suppress(Interrupt), tracer.on():
                call(client, fake)
            fake.reset()
            job = fake.add_job(sessions=2)
            assert len(client.list_sessions(**job)["sessions"]) == 2
            assert len(fake.calls) == 1
        assert _process() == before, place
        assert _handlers(client) == handlers, place
        place = place + STEP if tracer.place is None else None


def test_an_error_that_is_kept():
    """Also while somebody keeps the error, and the frames of the call with it."""
    client, fake = _client("legacy"), FakeDeadline()
    handlers, before = _handlers(client), _process()
    job = fake.add_job()

    def stop(_call):
        raise Interrupt

    fake.on_call(stop)
    with fake, pytest.raises(Interrupt) as caught:
        client.list_sessions(**job)
    assert _process() == before
    assert _handlers(client) == handlers
    assert caught.value.__traceback__ is not None


def test_cancelled_anywhere():
    """A task that is cancelled while it waits for an answer leaves nothing either."""
    session = pytest.importorskip("aiobotocore.session").get_session()

    async def run():
        async with session.create_client("deadline", **_keys()) as client:
            handlers = _handlers(client)
            for turns in range(8):
                with FakeDeadline() as fake:
                    job = fake.add_job(sessions=1)
                    task = asyncio.ensure_future(client.list_sessions(**job))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                del task
                gc.collect()
                assert client not in _state.hooks
                assert _handlers(client) == handlers
            with FakeDeadline() as fake:
                page = await client.list_sessions(**fake.add_job(sessions=2))
                assert len(page["sessions"]) == 2

    asyncio.run(run())
    assert tracking.current() is None


def _failing(function, steps):
    @functools.wraps(function)
    def called(*args, **kwargs):
        if next(steps) == 0:
            raise Interrupt
        return function(*args, **kwargs)

    return called


STEPS = (
    (interception.Patches, "wrap"),
    (interception.credential_lookups, "patch"),
    (interception.child_processes, "patch"),
    (environment_variables, "_write"),
    (environment_variables, "_watch"),
    (interception, "_tidy"),
    (interception.Patches, "undo"),
)


def test_an_interception_that_cannot_begin_or_end(monkeypatch):
    """Whatever is interrupted on its way in or out, everything is undone in the end."""
    before = _process()
    entered = []
    for step in itertools.count():
        steps = iter(range(step, -1000, -1))
        with monkeypatch.context() as patch, contextlib.suppress(Interrupt):
            for room, name in STEPS:
                patch.setattr(room, name, _failing(getattr(room, name), steps))
            with FakeDeadline():
                entered.append(step)
        assert _process() == before, step
        if next(steps) > 0:
            break
    assert 30 < entered[0] < entered[-1] - 20


def test_an_interception_that_is_interrupted_while_it_ends():
    """On whatever line that is, however often it has been passed, everything is undone."""
    before = _process()
    for line in itertools.count(1):
        interception = FakeDeadline().intercept()
        interception.__enter__()
        with (
            interrupted_at(line, ["_transport/", "_patching"]) as reached,
            contextlib.suppress(Interrupt),
        ):
            interception.__exit__(None, None, None)
        del interception
        assert _process() == before, reached
        if not reached:
            break
    assert line > 300


def test_a_transcript_that_is_interrupted():
    """It can be written to all the same."""
    for line in itertools.count(1):
        calls = Transcript()
        with interrupted_at(line, ["transcript"]) as reached, contextlib.suppress(Interrupt):
            calls.add("first")
        calls.add("second")
        assert calls[-1] == "second"
        if not reached:
            break
    _state.journal.clear()
    assert line > 3
