"""Call a collector, synchronous or not, and read its result to the end."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Literal

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

# Nothing checks signatures, and signing takes a fifth of the time. Other retry modes have a quota,
# so the outcome of a case would depend on earlier cases.
_CONFIG: dict[str, Any] = {"signature_version": UNSIGNED, "retries": {"mode": "legacy"}}


class Calling:
    """Calls a collector with the client that suits it.

    An asynchronous collector may await the client's calls or make them in threads, and nothing
    shows which. So its first client comes from aiobotocore and cannot be used without awaiting.
    If the collector makes calls with it, it keeps getting that client.

    Args:
        options: Names the collector.
        fake: The service that answers the clients.
        sandbox: Stops a collector whose result never ends.

    Attributes:
        kind: The kind of client that it gets: ``"plain"`` or ``"async"``.
    """

    def __init__(self, options: Options, fake: FakeDeadline, sandbox: Sandbox) -> None:
        self._options = options
        self._fake = fake
        self._sandbox = sandbox
        self.kind: Literal["plain", "async"] = "plain"
        self._client: Any = None
        self._knows_client = importlib.util.find_spec("aiobotocore") is None
        self._has_made_loop = False
        self._undoing: Undoing

    def load(self) -> None:
        """Import the modules that an asynchronous collector needs, before the watchdog starts."""
        if not self._knows_client and _awaiting.is_async_function(self._options.collect):
            # An import that is interrupted halfway leaves the module broken.
            importlib.import_module("aiobotocore.session")

    def open(self, undoing: Undoing) -> None:
        """Make the client.

        Args:
            undoing: Closes the client later.
        """
        self._undoing = undoing
        self._client = client_factory.client(**_CONFIG)
        # A violation that outlives the check must not keep the client alive.
        undoing.later(self._forget_client)
        undoing.later(self._fake.attach(self._client).close)

    def _forget_client(self) -> None:
        self._client = None

    def result(self, job: Job, attempt: Attempt) -> Any:
        """Call the collector; iterators and coroutines are run to their end.

        Args:
            job: The job to call it with.
            attempt: Records the collector's calls.
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
        """Whether the collector awaits the client's calls, and if so, its return value."""
        client = _awaiting.async_client(_CONFIG, self._undoing)
        self._undoing.later(self._fake.attach(client).close)
        value: Any = None
        try:
            value = _awaiting.run_to_end(self._options.collect(client, **job), count)
        except RAISED:
            if attempt.requests:
                raise
        finally:
            if attempt.requests:
                self._client, self.kind = client, "async"
        return bool(attempt.requests), value
