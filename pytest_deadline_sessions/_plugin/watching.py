"""Watch which tests and fixtures receive the service, even if they request it by name."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import _patching
from pytest_deadline_sessions._plugin import activation, shared_fake, wide_fixtures

if TYPE_CHECKING:
    import pytest

    from pytest_deadline_sessions._transport.http_server import Endpoint


def set_up_own(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Set up one of our session-scoped fixtures, and watch who receives it."""
    __tracebackhide__ = True
    value = yield
    _watch(fixturedef, request.config)
    _patching.wrap_for_good(fixturedef, "addfinalizer", _add_finalizer)
    _received(value, request.config)
    return value


def set_up_wide(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Set up a fixture that outlives the test.

    If it has the service, all calls are refused during its set-up and its tear-down.
    """
    __tracebackhide__ = True
    config, stack = request.config, contextlib.ExitStack()
    fixtures = wide_fixtures.of_run(config)
    # Finalizers run in reverse order: this one runs last, and the one below first.
    request.addfinalizer(stack.close)
    fixtures.under_way.append((fixturedef, stack))
    _watch_requests(request)
    try:
        with stack:
            if fixtures.has_service(fixturedef):
                stack.enter_context(shared_fake.refusing(config))
            return (yield)
    finally:
        fixtures.under_way.pop()
        if fixtures.has_service(fixturedef):
            request.addfinalizer(lambda: stack.enter_context(shared_fake.refusing(config)))
            test = activation.current(config)
            if test is not None and not fixtures.under_way:
                test.receive_through(fixturedef.argname)


def _watch_requests(request: pytest.FixtureRequest) -> None:
    """Watch which fixtures a fixture requests by name, even those that the test already has."""

    def get(getfixturevalue: Callable[[str], Any], argname: str) -> Any:
        __tracebackhide__ = True
        value = getfixturevalue(argname)
        requesting = wide_fixtures.of_run(request.config).requesting
        if argname in {wide_fixtures.SERVICE, wide_fixtures.ENDPOINT, *requesting}:
            _received(value, request.config)
        return value

    _patching.wrap_for_good(request, "getfixturevalue", get)


def _watch(fixturedef: pytest.FixtureDef[Any], config: pytest.Config) -> None:
    """Watch all receivers of a fixture; pytest's hook only reports the first."""

    def execute(original: Callable[[Any], Any], request: Any) -> Any:
        __tracebackhide__ = True
        value = original(request)
        _received(value, config)
        return value

    _patching.wrap_for_good(fixturedef, "execute", execute)


def _add_finalizer(original: Callable[[Any], None], finalizer: Callable[[], object]) -> None:
    """Drop the finalizers with which our fixture would finish each test's own fixtures.

    Those fixtures finish with their test, but pytest would keep the finalizers for the session.
    """
    fixture = getattr(getattr(finalizer, "func", None), "__self__", None)
    if getattr(fixture, "scope", None) != "function":
        original(finalizer)


def _received(value: Any, config: pytest.Config) -> None:
    """Note that code received the service, its server, or a fixture that requested either."""
    fixtures = wide_fixtures.of_run(config)
    test = activation.current(config)
    if fixtures.under_way:
        receiver, stack = fixtures.under_way[-1]
        if receiver.argname not in fixtures.requesting:
            fixtures.requesting.add(receiver.argname)
            stack.enter_context(shared_fake.refusing(config))
            _watch(receiver, config)
    elif test is not None:
        test.receive(_as_endpoint(value))


def _as_endpoint(value: Any) -> Endpoint | None:
    server = sys.modules.get("pytest_deadline_sessions._transport.http_server")
    return value if server is not None and isinstance(value, server.Endpoint) else None
