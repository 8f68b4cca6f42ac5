"""What pytest loads: the marker, the fixtures, and the transcript in failure reports.

Every import of a room stands inside a function, so that a test run which does not use the toolkit
pays nothing for it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from pytest_deadline_sessions.fake import FakeDeadline
    from pytest_deadline_sessions.service import Behavior
    from pytest_deadline_sessions.stubber import ListSessionsStubber
    from pytest_deadline_sessions.wire.server import Endpoint

MARKER = "deadline_sessions"
SECTION = "Deadline Cloud calls"
SWITCHES = {"assert_all_responses_requested": True, "strict": True}

_INACTIVE = (
    "deadline_sessions is not active here (expected it in a test that has it among its arguments, "
    "or among those of a fixture that it names; and in no fixture that outlives the test)"
)

_fake_key = pytest.StashKey["FakeDeadline"]()
_behavior_key = pytest.StashKey["Behavior"]()
_active_key = pytest.StashKey[bool]()
_passed_key = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(**options): members of Behavior for the service of this test, and the switches "
        f"{', '.join(SWITCHES)}; the closest marker wins.",
    )


@pytest.fixture(scope="session")
def deadline_sessions(pytestconfig: pytest.Config) -> FakeDeadline:
    """An in-memory Deadline Cloud, fresh for each test, that every client of the process reaches.

    One object serves the whole run; it is reset before every test that takes it, and for a
    ``@given`` test before every example, to what it was when the test's fixtures were set up.
    """
    return _fake(pytestconfig)


@pytest.fixture
def deadline_sessions_client(deadline_sessions: FakeDeadline) -> Any:
    """A botocore client of ``deadline_sessions``."""
    return deadline_sessions.client()


@pytest.fixture(scope="session")
def deadline_sessions_endpoint(deadline_sessions: FakeDeadline) -> Iterator[Endpoint]:
    """The URL of a loopback server that answers as ``deadline_sessions`` does.

    ``deadline_sessions_endpoint.environment()`` is the environment for a subprocess.
    """
    with contextlib.ExitStack() as stack:
        with deadline_sessions.resumed():
            endpoint = stack.enter_context(deadline_sessions.serve())
        yield endpoint


@pytest.fixture
def list_sessions_stubber(request: pytest.FixtureRequest) -> Iterator[ListSessionsStubber]:
    """An activated ``ListSessionsStubber`` with a client of its own.

    A test that passed so far fails if it left responses unrequested, or made calls that nothing
    was queued for; the marker's ``assert_all_responses_requested=False`` allows the former.
    """
    from pytest_deadline_sessions.stubber import ListSessionsStubber
    from pytest_deadline_sessions.wire import botocore as wire

    switches, _ = _options(request.node)
    with ListSessionsStubber(wire.client(), strict=switches["strict"]) as stubber:
        yield stubber
    if request.node.stash.get(_passed_key, False):
        complaint = _complaint(stubber, pending=switches["assert_all_responses_requested"])
        if complaint:
            # Where in this file it is raised is of no interest to anybody.
            pytest.fail(complaint, pytrace=False)


def _complaint(stubber: ListSessionsStubber, *, pending: bool) -> str:
    try:
        stubber.assert_no_unexpected_calls()
        if pending:
            stubber.assert_no_pending_responses()
    except AssertionError as error:
        return str(error)
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse wrong markers before any test runs."""
    for item in items:
        if item.get_closest_marker(MARKER) is not None:
            _options(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look whether the test takes the service."""
    transcript = sys.modules.get("pytest_deadline_sessions.transcript")
    if transcript is not None:
        transcript.journal.clear()
    if "deadline_sessions" in getattr(item, "fixturenames", ()):
        _, item.stash[_behavior_key] = _options(item)


def _activate(item: pytest.Item) -> None:
    """Let the service answer, from before the first fixture of this test until after the last.

    Fixtures that outlive the test are set up before and torn down after, so that they meet the
    environment as it is, and not the one for this test.
    """
    behavior = item.stash.get(_behavior_key, None)
    if behavior is None or _active_key in item.stash:
        return
    fake = _fake(item.config)
    fake.resume()
    fake.reset(behavior=behavior)
    item.stash[_active_key] = True
    item.addfinalizer(functools.partial(fake.pause, _INACTIVE))
    interception = contextlib.ExitStack()
    interception.enter_context(fake.intercept())
    item.addfinalizer(interception.close)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Make the service ready before the first fixture; let Faker's own make sessions, too."""
    __tracebackhide__ = True
    if fixturedef.scope == "function":
        _activate(request.node)
    value = yield
    if fixturedef.argname == "faker" and "faker" in sys.modules:
        from pytest_deadline_sessions.provider import add_to

        add_to(value)
    return value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Give every example of a ``@given`` test the state that its fixtures left."""
    __tracebackhide__ = True
    _activate(item)
    given = getattr(getattr(item, "obj", None), "hypothesis", None)
    if given is None or _active_key not in item.stash:
        yield
        return
    inner = given.inner_test
    given.inner_test = _restoring(inner, _fake(item.config).snapshot())
    try:
        yield
    finally:
        given.inner_test = inner


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the transcript of a test that failed."""
    report = yield
    if call.when == "call":
        item.stash[_passed_key] = report.passed
    transcript = sys.modules.get("pytest_deadline_sessions.transcript")
    if report.failed and transcript is not None:
        for calls in transcript.journal:
            report.sections.append((SECTION, transcript.render(calls)))
    return report


def _fake(config: pytest.Config) -> FakeDeadline:
    if _fake_key not in config.stash:
        from pytest_deadline_sessions.fake import FakeDeadline

        config.stash[_fake_key] = FakeDeadline()
        config.stash[_fake_key].pause(_INACTIVE)
    return config.stash[_fake_key]


def _options(item: pytest.Item) -> tuple[dict[str, bool], Behavior]:
    """The switches and the behaviour that the markers of a test give."""
    from pytest_deadline_sessions.service import Behavior

    given: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise _wrong_marker(item, f"{marker.args!r} (expected keyword arguments only)")
        given = {**marker.kwargs, **given}
    allowed = [*SWITCHES, *Behavior.reasons()]
    for name, value in given.items():
        if name not in allowed:
            raise _wrong_marker(item, f"{name}={value!r} (expected one of {', '.join(allowed)})")
        if name in SWITCHES and not isinstance(value, bool):
            raise _wrong_marker(item, f"{name}={value!r} (expected True or False)")
    switches = {name: given.pop(name, default) for name, default in SWITCHES.items()}
    try:
        return switches, Behavior(**given)
    except (TypeError, ValueError) as error:
        raise _wrong_marker(item, str(error)) from None


def _wrong_marker(item: pytest.Item, what: str) -> pytest.UsageError:
    return pytest.UsageError(f"{item.nodeid}: @pytest.mark.{MARKER}: {what}")


def _restoring(inner: Callable[..., Any], restore: Callable[[], None]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def restored_first(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            restore()
            return await inner(*args, **kwargs)

        return restored_first

    @functools.wraps(inner)
    def restored(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        restore()
        return inner(*args, **kwargs)

    return cast("Callable[..., Any]", restored)
