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
    from pytest_deadline_sessions._fake import FakeDeadline
    from pytest_deadline_sessions._service.behavior import Behavior
    from pytest_deadline_sessions._stubber.stubber import ListSessionsStubber
    from pytest_deadline_sessions._transport.http_server import Endpoint

__all__ = [
    "deadline_sessions",
    "deadline_sessions_client",
    "deadline_sessions_endpoint",
    "list_sessions_stubber",
]

MARKER = "deadline_sessions"
SECTION = "Deadline Cloud calls"
SWITCHES = {"assert_all_responses_requested": True, "strict": True}

FIXTURE = "deadline_sessions"
ENDPOINT = "deadline_sessions_endpoint"

_INACTIVE = (
    "deadline_sessions is not active here (expected it in a test that asks for it, itself or "
    "through a fixture of function scope, until that test ends; and in no fixture that outlives "
    "the test)"
)

_fake_key = pytest.StashKey["FakeDeadline"]()
_run_key = pytest.StashKey["_Run"]()
_outliving_key = pytest.StashKey["_Outliving"]()


class _Run:
    """One run of a test: a new one each time that it is set up, so that nothing outlives a rerun.

    Attributes:
        item: The test.
        restore: Brings back what the fixtures left at the service; ``None`` while it is not active.
        passed: Whether the test itself has passed.
    """

    def __init__(self, item: pytest.Item) -> None:
        self.item = item
        self.restore: Callable[[], None] | None = None
        self.passed = False
        self._names = {*getattr(item, "fixturenames", ())}
        self._asks = not self._names.isdisjoint({FIXTURE, *_outliving(item.config).asking})
        self._endpoint: Endpoint | None = None
        self._stack = contextlib.ExitStack()

    def begin(self) -> None:
        """Be ready before the first fixture of this test that does not outlive it."""
        if self._asks:
            self._activate()

    def get(self, endpoint: Endpoint | None = None) -> None:
        """Somebody in this test gets the service, and the server if one is given."""
        self._endpoint = endpoint or self._endpoint
        if not self._asks or self.restore is not None:
            self._activate()

    def get_through(self, name: str) -> None:
        """A fixture that outlives this test, and is set up now, has got the service."""
        if name in self._names:
            self._asks = True
        else:
            self.get()

    def _activate(self) -> None:
        """Let the service answer from now on until the last fixture of this test is torn down.

        Fixtures that outlive the test are set up before and torn down after, so that they meet the
        environment as it is, and not the one for this test.
        """
        fake = _fake(self.item.config)
        if self.restore is None:
            _, behavior = _options(self.item)
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
        _fake(self.item.config).pause(f"{_INACTIVE}; it was last in {self.item.nodeid}")
        self._stack.close()


class _Outliving:
    """Fixtures that outlive tests, and have the service from a test that asked for it.

    Attributes:
        asking: The names of those that asked for it by name, which pytest does not know.
        under_way: Those that are being set up, the innermost last, each with what ends then.
    """

    def __init__(self) -> None:
        self.asking: set[str] = set()
        self.under_way: list[tuple[pytest.FixtureDef[Any], contextlib.ExitStack]] = []
        self._named = {FIXTURE}

    def has_it(self, fixturedef: pytest.FixtureDef[Any]) -> bool:
        """Whether a fixture has the service, by itself or by another one that outlives tests."""
        having = self._named | self.asking
        if fixturedef.argname not in having and having.isdisjoint(fixturedef.argnames):
            return False
        self._named.add(fixturedef.argname)
        return True


def _outliving(config: pytest.Config) -> _Outliving:
    return config.stash.setdefault(_outliving_key, _Outliving())


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

    Processes that the test starts find it in their environment.
    ``deadline_sessions_endpoint.environment()`` is the one for a subprocess that is given another.
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
    from pytest_deadline_sessions._stubber.stubber import ListSessionsStubber
    from pytest_deadline_sessions._transport import client_factory

    switches, _ = _options(request.node)
    with ListSessionsStubber(client_factory.client(), strict=switches["strict"]) as stubber:
        yield stubber
    if _run_of(request.node).passed:
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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep nothing of a test once all its runs are over."""
    try:
        return (yield)
    finally:
        stash = item.config.stash
        _forget_calls()
        _run_of(item)
        del stash[_run_key]
        if _fake_key in stash:
            with stash[_fake_key].resumed():
                stash[_fake_key].reset()
            _let_go()


def _let_go() -> None:
    """Wait no longer for what a test may have left behind."""
    from pytest_deadline_sessions._transport import environment_variables, interception

    interception.tidy()
    environment_variables.forget()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a run of a test, whatever there was of it before."""
    _forget_calls()
    item.config.stash[_run_key] = _Run(item)


def _run_of(item: pytest.Item) -> _Run:
    """The present run of a test, also if whoever runs it left its set-up out."""
    run = item.config.stash.get(_run_key, None)
    if run is None or run.item is not item:
        run = item.config.stash[_run_key] = _Run(item)
    return run


def _forget_calls() -> None:
    from pytest_deadline_sessions import _state

    _state.journal.clear()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Make the service ready before the first fixture; let Faker's own make sessions, too."""
    __tracebackhide__ = True
    if fixturedef.scope == "function":
        _run_of(request.node).begin()
        value = yield
    elif fixturedef.func.__module__ == __name__:
        value = yield
        _watch(fixturedef, request.config)
        _outlive(fixturedef)
        _got(value, request.config)
    else:
        value = yield from _set_up_outliving(fixturedef, request)
    if fixturedef.argname == "faker" and "faker" in sys.modules:
        from pytest_deadline_sessions.provider import add_to

        add_to(value)
    return value


def _set_up_outliving(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Set up a fixture that outlives the test; if it has the service, that refuses meanwhile."""
    __tracebackhide__ = True
    config, stack = request.config, contextlib.ExitStack()
    outliving = _outliving(config)
    # The last to be called when it is torn down, and then the first.
    request.addfinalizer(stack.close)
    outliving.under_way.append((fixturedef, stack))
    _hear(request)
    try:
        with stack:
            if outliving.has_it(fixturedef):
                stack.enter_context(_refusing(config))
            return (yield)
    finally:
        outliving.under_way.pop()
        if outliving.has_it(fixturedef):
            request.addfinalizer(lambda: stack.enter_context(_refusing(config)))
            run = config.stash.get(_run_key, None)
            if run is not None and not outliving.under_way:
                run.get_through(fixturedef.argname)


def _hear(request: pytest.FixtureRequest) -> None:
    """Hear of what a fixture asks for by name, also where the test has it already."""
    get = request.getfixturevalue

    def heard(argname: str) -> Any:
        __tracebackhide__ = True
        value = get(argname)
        if argname in {FIXTURE, ENDPOINT} or argname in _outliving(request.config).asking:
            _got(value, request.config)
        return value

    vars(request)["getfixturevalue"] = heard


@contextlib.contextmanager
def _refusing(config: pytest.Config) -> Iterator[None]:
    """Let every call get a refusal, instead of an answer, and instead of going to AWS."""
    fake = _fake(config)
    with fake.resumed(), fake.intercept():
        fake.pause(_INACTIVE)
        yield


def _watch(fixturedef: pytest.FixtureDef[Any], config: pytest.Config) -> None:
    """Hear of everybody who gets a fixture: pytest itself tells of the first one only."""
    execute = fixturedef.execute

    @functools.wraps(execute)
    def watched(request: Any) -> Any:
        __tracebackhide__ = True
        value = execute(request)
        _got(value, config)
        return value

    vars(fixturedef).setdefault("execute", watched)


def _outlive(fixturedef: pytest.FixtureDef[Any]) -> None:
    """Keep nothing of the fixtures of each test that ask for one that outlives them.

    Pytest would have it finish each of them in its own end. They have been finished long since, and
    ten thousand of them are left.
    """
    add = fixturedef.addfinalizer

    def added(finalizer: Callable[[], object]) -> None:
        asking = getattr(getattr(finalizer, "func", None), "__self__", None)
        if getattr(asking, "scope", None) != "function":
            add(finalizer)

    vars(fixturedef).setdefault("addfinalizer", added)


def _got(value: Any, config: pytest.Config) -> None:
    """Somebody has got the service, the server, or a fixture that has asked for it by name."""
    outliving = _outliving(config)
    run = config.stash.get(_run_key, None)
    if outliving.under_way:
        asking, stack = outliving.under_way[-1]
        if asking.argname not in outliving.asking:
            outliving.asking.add(asking.argname)
            stack.enter_context(_refusing(config))
            _watch(asking, config)
    elif run is not None:
        run.get(_as_endpoint(value))


def _as_endpoint(value: Any) -> Endpoint | None:
    server = sys.modules.get("pytest_deadline_sessions._transport.http_server")
    return value if server is not None and isinstance(value, server.Endpoint) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Give every example of a ``@given`` test the state that its fixtures left."""
    __tracebackhide__ = True
    run = _run_of(item)
    run.begin()
    given = getattr(getattr(item, "obj", None), "hypothesis", None)
    names = getattr(item, "fixturenames", ())
    if given is None or (run.restore is None and "request" not in names):
        yield
        return
    if run.restore is not None:
        run.restore = _fake(item.config).snapshot()
    inner = given.inner_test
    given.inner_test = _restoring(inner, run)
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
        _run_of(item).passed = report.passed
    if report.failed:
        from pytest_deadline_sessions import _state

        report.sections += [(SECTION, str(transcript)) for transcript in _state.journal]
    return report


def _fake(config: pytest.Config) -> FakeDeadline:
    if _fake_key not in config.stash:
        from pytest_deadline_sessions._fake import FakeDeadline

        config.stash[_fake_key] = FakeDeadline()
        config.stash[_fake_key].pause(_INACTIVE)
    return config.stash[_fake_key]


def _options(item: pytest.Item) -> tuple[dict[str, bool], Behavior]:
    """The switches and the behaviour that the markers of a test give."""
    from pytest_deadline_sessions._service.behavior import Behavior

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


def _restoring(inner: Callable[..., Any], run: _Run) -> Callable[..., Any]:
    def restore() -> None:
        # A test may get the service in the middle of an example.
        if run.restore is not None:
            run.restore()

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
