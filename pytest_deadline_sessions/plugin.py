"""The module that pytest loads: the marker, the fixtures, and the transcript in failure reports.

Slow modules are imported inside functions, so that a test run that does not use the plugin pays
nothing for them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._plugin import activation, examples, marker, shared_fake, watching

if TYPE_CHECKING:
    from pytest_deadline_sessions._fake import FakeDeadline
    from pytest_deadline_sessions._stubber.stubber import ListSessionsStubber
    from pytest_deadline_sessions._transport.http_server import Endpoint

__all__ = [
    "deadline_sessions",
    "deadline_sessions_client",
    "deadline_sessions_endpoint",
    "list_sessions_stubber",
]

_SECTION = "Deadline Cloud calls"
_CHECKS = "check_pagination"
_STATISTICS = "--hypothesis-show-statistics"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    marker.declare(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse wrong markers before any test runs."""
    marker.check(items)


@pytest.fixture(scope="session")
def deadline_sessions(pytestconfig: pytest.Config) -> FakeDeadline:
    """An in-memory Deadline Cloud, fresh for each test, that answers every client in the process.

    One object serves the whole run. It is reset before every test that requests it, and for a
    ``@given`` test before every example, to the state that the test's fixtures left.
    """
    return shared_fake.get(pytestconfig)


@pytest.fixture
def deadline_sessions_client(deadline_sessions: FakeDeadline) -> Any:
    """A botocore client of ``deadline_sessions``."""
    return deadline_sessions.client()


@pytest.fixture(scope="session")
def deadline_sessions_endpoint(deadline_sessions: FakeDeadline) -> Iterator[Endpoint]:
    """The URL of a loopback server that answers as ``deadline_sessions`` does.

    Processes that the test starts find it in their environment. To start one with another
    environment, pass it ``deadline_sessions_endpoint.environment()``.
    """
    with contextlib.ExitStack() as stack:
        with deadline_sessions.resumed():
            endpoint = stack.enter_context(deadline_sessions.serve())
        yield endpoint


@pytest.fixture
def list_sessions_stubber(request: pytest.FixtureRequest) -> Iterator[ListSessionsStubber]:
    """An activated ``ListSessionsStubber`` with its own client.

    A test that has passed so far fails if queued responses were never requested, or if calls
    were unexpected. The marker's ``assert_all_responses_requested=False`` allows the former.
    """
    from pytest_deadline_sessions._stubber.stubber import ListSessionsStubber
    from pytest_deadline_sessions._transport import client_factory

    switches, _ = marker.options(request.node)
    with ListSessionsStubber(client_factory.client(), strict=switches["strict"]) as stubber:
        yield stubber
    if activation.of_test(request.node).passed:
        complaint = _complaint(stubber, pending=switches["assert_all_responses_requested"])
        if complaint:
            # A traceback into this file would tell the user nothing.
            pytest.fail(complaint, pytrace=False)


def _complaint(stubber: ListSessionsStubber, *, pending: bool) -> str:
    try:
        stubber.assert_no_unexpected_calls()
        if pending:
            stubber.assert_no_pending_responses()
    except AssertionError as error:
        return str(error)
    return ""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Forget a test once all its runs are over."""
    try:
        return (yield)
    finally:
        _state.journal.clear()
        activation.end(item)
        shared_fake.clear(item.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a run of a test, and forget any run before it."""
    _state.journal.clear()
    _state.checks.clear()
    activation.begin(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Activate the service before the test's own first fixture; extend the ``faker`` fixture."""
    __tracebackhide__ = True
    if fixturedef.scope == "function":
        activation.of_test(request.node).begin()
        value = yield
    elif fixturedef.func.__module__ == __name__:
        value = yield from watching.set_up_own(fixturedef, request)
    else:
        value = yield from watching.set_up_wide(fixturedef, request)
    if fixturedef.argname == "faker" and "faker" in sys.modules:
        from pytest_deadline_sessions._plugin.faker_fixture import add_provider

        add_provider(value)
    return value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Give every example of a ``@given`` test the state that the test's fixtures left."""
    __tracebackhide__ = True
    test = activation.of_test(item)
    test.begin()
    with examples.restored(test):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the transcript of a test that failed, and note what checks have tried."""
    report = yield
    if _state.checks:
        # A worker of pytest-xdist sends its reports, with their sections, to the controller.
        report.sections.append((_CHECKS, "\n".join(_state.checks)))
        _state.checks.clear()
    if call.when == "call":
        activation.of_test(item).passed = report.passed
    if report.failed:
        report.sections.extend((_SECTION, str(transcript)) for transcript in _state.journal)
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show what each check has tried, with ``-v`` or ``--hypothesis-show-statistics``."""
    if not (config.get_verbosity() > 0 or config.getoption(_STATISTICS, default=False)):
        return
    lines = [
        f"{report.nodeid}: {line}"
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, text in getattr(report, "sections", ())
        if name == _CHECKS
        for line in text.splitlines()
    ]
    if lines:
        terminalreporter.section(_CHECKS)
        for line in lines:
            terminalreporter.line(line)
