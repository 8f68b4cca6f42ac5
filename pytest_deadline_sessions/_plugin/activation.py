"""Activate the service for a test, from the test's own first fixture to its own last one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_deadline_sessions._plugin import marker, shared_fake, wide_fixtures

if TYPE_CHECKING:
    from pytest_deadline_sessions._transport.http_server import Endpoint


class Activation:
    """One run of a test. Each rerun has a new one, so that nothing outlives a run.

    Attributes:
        item: The test.
        restore: Restores the state that the fixtures left; ``None`` while the service is not
            active.
        passed: Whether the test itself has passed.
    """

    def __init__(self, item: pytest.Item) -> None:
        self.item = item
        self.restore: Callable[[], None] | None = None
        self.passed = False
        self._names = {*getattr(item, "fixturenames", ())}
        requesting = wide_fixtures.of_run(item.config).requesting
        self._is_requested = not self._names.isdisjoint({wide_fixtures.SERVICE, *requesting})
        self._endpoint: Endpoint | None = None
        self._stack = contextlib.ExitStack()

    def begin(self) -> None:
        """Activate the service, if the test requests it, before the test's own first fixture."""
        if self._is_requested:
            self._activate()

    def receive(self, endpoint: Endpoint | None = None) -> None:
        """Activate the service for code that just requested it, or its server, by name."""
        self._endpoint = endpoint or self._endpoint
        if not self._is_requested or self.restore is not None:
            self._activate()

    def receive_through(self, name: str) -> None:
        """Give the test the service that a wide fixture received during the test's set-up."""
        if name in self._names:
            self._is_requested = True
        else:
            self.receive()

    def _activate(self) -> None:
        """Let the service answer until the test's own last fixture is torn down.

        Wide fixtures are set up before and torn down after, so they see the real environment and
        not this test's.
        """
        fake = shared_fake.get(self.item.config)
        if self.restore is None:
            _, behavior = marker.options(self.item)
            self.item.addfinalizer(self._end)
            fake.resume()
            fake.reset(behavior=behavior)
            self._stack.enter_context(fake.intercept())
            self.restore = fake.snapshot()
        if self._endpoint is not None:
            from pytest_deadline_sessions._transport import environment_variables

            self._stack.enter_context(environment_variables.exchanged(self._endpoint.environment()))
            self._endpoint = None

    def _end(self) -> None:
        self.restore = None
        last = f"{shared_fake.INACTIVE}; the last such test was {self.item.nodeid}"
        shared_fake.get(self.item.config).pause(last)
        self._stack.close()


_key = pytest.StashKey[Activation]()


def begin(item: pytest.Item) -> None:
    """Begin a run of a test, and forget any run before it."""
    item.config.stash[_key] = Activation(item)


def of_test(item: pytest.Item) -> Activation:
    """The current run of a test, even if a plugin that reruns it skipped its set-up hook."""
    activation = current(item.config)
    if activation is None or activation.item is not item:
        begin(item)
    return item.config.stash[_key]


def current(config: pytest.Config) -> Activation | None:
    """The current run of the current test, if there is one."""
    return config.stash.get(_key, None)


def end(item: pytest.Item) -> None:
    """Forget a test once all its runs are over."""
    of_test(item)
    del item.config.stash[_key]
