"""Call a collector, synchronous or not, and read its result to the end."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Literal

from botocore import UNSIGNED

from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._transport import client_factory
from pytest_deadline_sessions.checking import _awaiting
from pytest_deadline_sessions.checking._attempt import RAISED, Attempt
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._reading import has_items, most_items
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing

# Nothing checks signatures, and signing takes a fifth of the time. Other retry modes have a quota,
# so the outcome of a case would depend on earlier cases.
_CONFIG: dict[str, Any] = {"signature_version": UNSIGNED, "retries": {"mode": "legacy"}}


class Calling:
    """Calls a collector with the client that suits it.

    An asynchronous collector may await the client's calls or make them in threads, and nothing
    shows which. So its first client comes from aiobotocore and cannot be used without awaiting.
    If the collector makes calls with it, it keeps getting that client. The option ``client``
    decides instead.

    Args:
        options: Names the collector.
        fake: The service that answers the clients.
        sandbox: Stops a collector whose result never ends.

    Attributes:
        kind: The kind of client that the collector gets: ``"plain"`` or ``"async"``.
    """

    def __init__(self, options: Options, fake: FakeDeadline, sandbox: Sandbox) -> None:
        self._options = options
        self._fake = fake
        self._sandbox = sandbox
        self._client: Any = None
        self.kind: Literal["plain", "async"] = options.client or "plain"
        has_async_clients = importlib.util.find_spec("aiobotocore") is not None
        self._knows_client = options.client is not None or not has_async_clients
        self._has_made_loop = False
        self._undoing: Undoing

    def load(self) -> None:
        """Import the modules that an asynchronous collector needs, before the watchdog starts.

        Raises:
            ImportError: An asynchronous client is asked for, and aiobotocore is not installed.
        """
        options = self._options
        wanted = options.client == "async"
        functions = (options.collect, options.call)
        if wanted or (not self._knows_client and any(map(_awaiting.is_async_function, functions))):
            # An import that is interrupted halfway leaves the module broken.
            _awaiting.load()

    def open(self, undoing: Undoing) -> None:
        """Make the client.

        Args:
            undoing: Closes the client later.

        Raises:
            UnfitError: The client is asynchronous, and no event loop can be created.
        """
        self._undoing = undoing
        # A violation that outlives the check must not keep the client alive.
        undoing.later(self._forget_client)
        if self.kind == "async":
            _awaiting.check_loop()
            self._has_made_loop = True
            self._client = self._async_client()
        else:
            self._client = client_factory.client(**_CONFIG)
            undoing.later(self._fake.attach(self._client).close)

    def _async_client(self) -> Any:
        client = _awaiting.async_client(_CONFIG, self._undoing)
        self._undoing.later(self._fake.attach(client).close)
        return client

    def _forget_client(self) -> None:
        self._client = None

    def result(self, attempt: Attempt) -> Any:
        """Call the collector; iterators and coroutines are run to their end.

        Args:
            attempt: Has the ids to call it with, and records its calls.
        """
        if self.kind == "async":
            with _awaiting.closing_unawaited():
                result = self._result(attempt)
            _awaiting.close(result)
            return result
        return self._result(attempt)

    def _result(self, attempt: Attempt) -> Any:
        most = most_items(attempt.count)

        def count(items: int) -> None:
            if items > most:
                self._sandbox.stop(f"it yielded more than {most} items")

        result = self._call(self._client, attempt)
        if _awaiting.is_async(result):
            result = self._awaited(result, attempt, count)
        reads = self._options.expected is None
        if isinstance(result, Iterator) or (reads and _is_lazy(result, attempt)):
            result = list(itertools.islice(result, most + 1))
            count(len(result))
        return result

    def _call(self, client: Any, attempt: Attempt) -> Any:
        options = self._options
        # The caller's own copy, which it may change.
        job = dict(attempt.job)
        if options.call is None:
            return options.collect(client, **job)
        return options.call(options.collect, client, job)

    def _awaited(self, result: Any, attempt: Attempt, count: Callable[[int], None]) -> Any:
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
                awaits, value = self._tried_awaiting(attempt, count)
            return value if awaits else _awaiting.run_to_end(result, count)
        finally:
            _awaiting.close(result)

    def _tried_awaiting(self, attempt: Attempt, count: Callable[[int], None]) -> tuple[bool, Any]:
        """Whether the collector awaits the client's calls, and if so, its return value."""
        client = self._async_client()
        value: Any = None
        try:
            value = _awaiting.run_to_end(self._call(client, attempt), count)
        except RAISED:
            if attempt.requests:
                raise
        finally:
            if attempt.requests:
                self._client, self.kind = client, "async"
        return bool(attempt.requests), value


def _is_lazy(result: Any, attempt: Attempt) -> bool:
    """Whether a result must be iterated to the end while the collector runs."""
    is_collection = isinstance(result, Collection) or has_items(result, attempt.target)
    return isinstance(result, Iterable) and not is_collection
