"""An interrupt at any line of a call or an interception leaves nothing behind."""

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
    """Raises at one line: the ``place``-th line to be reached for the first time."""

    def __init__(self, place=None):
        self.place = place
        self.lines = {}

    def __call__(self, frame, event, _arg):
        """Trace the lines of the packages."""
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
        """Trace while the context is open."""
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
    """Return a cached client, as if the user had made it before the test."""
    config = Config(retries={"mode": mode, "total_max_attempts": 2})
    return boto3.client("deadline", config=config, **_keys())


def _process():
    """Return everything in the process that a call may leave changed."""
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
    """Return everything that listens to the events of a client."""
    handlers, waiting = [], [client.meta.events._emitter._handlers._root]
    while waiting:
        node = waiting.pop()
        handlers += [handler for several in node["values"] or () for handler in several]
        waiting += node["children"].values()
    return sorted(map(repr, handlers)), sorted(vars(client.meta.events))


def _list_with_a_retry(client, fake):
    fake.fail_next("ThrottlingException")
    # After many interrupted calls, a client has no retries left.
    with contextlib.suppress(botocore.exceptions.ClientError):
        client.list_sessions(**fake.jobs[0])


def _presign(client, fake):
    client.generate_presigned_url("list_sessions", Params=dict(fake.jobs[0]))


def _refused(client, _fake):
    with contextlib.suppress(botocore.exceptions.ParamValidationError):
        client.list_sessions(farmId="")


# Trying every tenth line is enough to notice a change; set DEADLINE_SESSIONS_STEP=1 to try all.
@pytest.mark.parametrize("call", [_list_with_a_retry, _presign, _refused])
@pytest.mark.parametrize("mode", ["legacy", "adaptive"])
def test_interrupted_anywhere(mode, call):
    """After an interrupt at any line, process and client are restored, and the next call works."""
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


def test_a_saved_error():
    """Keeping the error of an interrupted call, and so its frames, keeps nothing patched."""
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
    """A task that is cancelled at any turn of its event loop leaves nothing behind."""
    session = pytest.importorskip("aiobotocore.session").get_session()

    async def run():
        async with session.create_client("deadline", **_keys()) as client:
            handlers = _handlers(client)
            finished, turns = False, 0
            while not finished:
                with FakeDeadline() as fake:
                    job = fake.add_job(sessions=1)
                    task = asyncio.ensure_future(client.list_sessions(**job))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                        finished = True
                turns += 1
                del task
                gc.collect()
                assert client not in _state.hooks
                assert _handlers(client) == handlers
            # Before it begins, and then at least once while it waits.
            assert turns > 2
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


def test_an_interception_interrupted_in_a_step(monkeypatch):
    """An interrupt in any step of starting or ending an interception undoes everything."""
    before = _process()
    entered = []
    for step in itertools.count():
        steps = iter(range(step, -1000, -1))
        with monkeypatch.context() as patch, contextlib.suppress(Interrupt):
            for owner, name in STEPS:
                patch.setattr(owner, name, _failing(getattr(owner, name), steps))
            with FakeDeadline():
                entered.append(step)
        assert _process() == before, step
        if next(steps) > 0:
            break
    assert 30 < entered[0] < entered[-1] - 20


def test_an_interception_interrupted_while_it_ends():
    """An interrupt at any line while an interception ends still undoes everything."""
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
    """A transcript still takes calls after an interrupt in ``add``."""
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
