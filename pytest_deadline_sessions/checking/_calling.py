"""Calling a collector, plain or asynchronous, and reading what it returns to its end."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from botocore import UNSIGNED

from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions._transport import client_factory
from pytest_deadline_sessions.checking import _awaiting
from pytest_deadline_sessions.checking._attempt import RAISED, Attempt
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing

_SPARE = 1_000

# Nobody checks signatures, and they take a fifth of the time. Other retry modes have a quota, so
# that what a case comes to would depend on the cases before.
_CONFIG: dict[str, Any] = {"signature_version": UNSIGNED, "retries": {"mode": "legacy"}}


class Calling:
    """Calls a collector with the client that suits it.

    Nothing tells whether an asynchronous collector awaits what the client returns, or leaves that
    to threads. So the first time it is given an aiobotocore client, which nobody can use without
    awaiting. If it makes calls with that, it is given that client from then on.

    Args:
        options: The collector.
        fake: The service that the clients reach.
        sandbox: Stops a collector whose result does not end.
    """

    def __init__(self, options: Options, fake: FakeDeadline, sandbox: Sandbox) -> None:
        self._options = options
        self._fake = fake
        self._sandbox = sandbox
        self._client: Any = None
        self._knows_client = importlib.util.find_spec("aiobotocore") is None
        self._has_made_loop = False
        self._undoing: Undoing

    def load(self) -> None:
        """Import what an asynchronous collector needs, before anybody watches the time."""
        if not self._knows_client and _awaiting.is_async_function(self._options.collect):
            # Breaking off the import in the middle would break the module for good.
            importlib.import_module("aiobotocore.session")

    def open(self, undoing: Undoing) -> None:
        """Make the client.

        Args:
            undoing: Closes it.
        """
        self._undoing = undoing
        self._client = client_factory.client(**_CONFIG)
        # A violation that is still there must not hold the client.
        undoing.later(self._forget_client)
        undoing.later(self._fake.attach(self._client).close)

    def _forget_client(self) -> None:
        self._client = None

    def result(self, job: Job, attempt: Attempt) -> Any:
        """What the collector returns, with iterators and coroutines run to their end.

        Args:
            job: The job that it is called for.
            attempt: Where its calls are written down.
        """
        most = 10 * len(job.listing) + _SPARE

        def count(items: int) -> None:
            if items > most:
                self._sandbox.stop(f"it yielded more than {most} items")

        result = self._options.collect(self._client, **job)
        if _awaiting.is_async(result):
            result = self._awaited(result, job, attempt, count)
        lazy = isinstance(result, Iterable) and not isinstance(result, Collection)
        if isinstance(result, Iterator) or (lazy and self._options.expected is None):
            result = list(itertools.islice(result, most + 1))
            count(len(result))
        return result

    def _awaited(
        self, result: Any, job: Job, attempt: Attempt, count: Callable[[int], None]
    ) -> Any:
        if not self._has_made_loop:
            try:
                _awaiting.check_loop()
            except BaseException:
                _awaiting.close(result)
                raise
            self._has_made_loop = True
        if self._knows_client:
            return _awaiting.run_to_end(result, count)
        self._knows_client = True
        try:
            with _awaiting.unawaited():
                awaits, value = self._tried_awaiting(job, attempt, count)
            return value if awaits else _awaiting.run_to_end(result, count)
        finally:
            _awaiting.close(result)

    def _tried_awaiting(
        self, job: Job, attempt: Attempt, count: Callable[[int], None]
    ) -> tuple[bool, Any]:
        """Whether the collector awaits the calls of the client, and what it returns if so."""
        client = _awaiting.async_client(_CONFIG, self._undoing)
        self._undoing.later(self._fake.attach(client).close)
        value: Any = None
        try:
            value = _awaiting.run_to_end(self._options.collect(client, **job), count)
        except RAISED:
            if attempt.lists:
                raise
        finally:
            if attempt.lists:
                self._client = client
        return bool(attempt.lists), value
