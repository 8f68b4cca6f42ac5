"""Collectors and expectations whose results and errors have misbehaving methods."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import signal
import sys
import threading
import time

import pytest
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every, first_page

from pytest_deadline_sessions import Listing, PaginationViolation, _text, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import VARIATIONS, Case, _watchdog
from pytest_deadline_sessions.checking._sandbox import Sandbox

pytestmark = MAY_STOP_COLLECTORS

ONE_SESSION = Case(Listing(page_sizes=(1,)))


def violation_of(collect, **options):
    """Return the violation that ``check_pagination`` raises."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(
            collect, **{"max_examples": 1, "patience": 0.15, "examples": [ONE_SESSION], **options}
        )
    return caught.value


class Odd:
    """An object whose ``__repr__`` and ``__str__`` raise."""

    error: type[BaseException] = ZeroDivisionError

    def __repr__(self):
        raise self.error

    __str__ = __repr__


class OddError(Exception):
    """An exception whose text raises, so that a report can name only its type."""

    __str__ = __repr__ = Odd.__repr__
    error = KeyError


class OddExit(SystemExit):
    """A ``SystemExit`` whose text raises another ``SystemExit``."""

    __str__ = __repr__ = Odd.__repr__
    error = SystemExit


class Enormous:
    """An object whose repr has a hundred million characters."""

    def __repr__(self):
        return "x" * 10**8


class Endless:
    """An object whose repr never returns."""

    def __repr__(self):
        while True:
            pass


class EqualToNothing(list):
    """A list that is not even equal to itself."""

    __hash__ = None

    def __eq__(self, _other):
        return False


class Uncomparable(list):
    """A list whose ``__eq__`` raises."""

    __hash__ = None

    def __eq__(self, _other):
        raise ZeroDivisionError


class Truthless:
    """What comparing two arrays returns: a value whose ``bool()`` raises."""

    def __bool__(self):
        raise ValueError("The truth value of an array is ambiguous")


class Array(list):
    """A list whose ``__eq__`` returns a value that is neither true nor false."""

    __hash__ = None

    def __eq__(self, _other):
        return Truthless()


class Id(str):
    """A session id that can be neither hashed nor compared."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, _other):
        raise ZeroDivisionError

    __repr__ = Odd.__repr__
    error = KeyError


class OddList(list):
    """A list whose ``__iter__`` raises."""

    def __iter__(self):
        raise ZeroDivisionError


class OddDict(dict):
    """A dict whose methods raise."""

    def get(self, *_):
        """Raise."""
        raise ZeroDivisionError

    items = keys = __iter__ = __len__ = __getitem__ = get


class EndlessList:
    """A collection whose iterator never ends."""

    def __iter__(self):
        return itertools.repeat("session-1")

    def __len__(self):
        return 1

    def __contains__(self, _):
        return False


class Uncleared(list):
    """A list whose ``clear`` raises."""

    was_cleared = False

    def clear(self):
        """Raise."""
        self.was_cleared = True
        raise ZeroDivisionError


def inside_itself():
    """Return a list that contains itself."""
    value = []
    value.append(value)
    return value


def nested(depth=100_000):
    """Return a list nested ``depth`` levels deep."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("with_expected", [False, True])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Odd, "<Odd whose repr raised ZeroDivisionError>"),
        (lambda: [Odd()], "[<Odd whose repr raised ZeroDivisionError>]"),
        (lambda: {"a": Odd()}, "{'a': <Odd whose repr raised ZeroDivisionError>}"),
        (Enormous, "xxxxxxxxx…"),
        (lambda: 10**9999, "<int whose repr raised ValueError>"),
        (inside_itself, "[[...]]"),
        (nested, "[[[[[[["),
        (lambda: OddList("a"), "['a']"),
        (OddDict, "{}"),
        (type("Strange", (), {"__class__": property(lambda _: 1 / 0)}), "division by"),
    ],
)
def test_odd_results(make, words, with_expected):
    """A report stays short and readable, whatever the methods of the result do."""
    options = {"expected": lambda sessions: sessions} if with_expected else {}

    def collect(client, **job):
        every(client, **job)
        return make()

    violation = violation_of(collect, **options)
    assert words in str(violation)
    assert len(str(violation)) < 5_000


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OddError, "It raised OddError, whose text raised KeyError, though"),
        (OddExit, "It raised OddExit, whose text raised SystemExit, though"),
        (lambda: ValueError("x" * 10**8), "It raised ValueError: xxxxxx"),
    ],
)
def test_odd_errors(error, words):
    """An error whose text raises is named by its type; it is the violation's ``__cause__``."""

    def collect(client, **job):
        every(client, **job)
        raise error()

    violation = violation_of(collect)
    assert words in str(violation)
    assert len(str(violation)) < 5_000
    assert violation.__cause__ is not None


def test_reading_a_result_that_raises():
    """A result whose ``__iter__`` raises violates *complete*."""

    def collect(client, **job):
        return OddList(every(client, **job))

    violation = violation_of(collect)
    assert violation.rule == "complete"
    assert "and reading it raised ZeroDivisionError" in str(violation)
    assert isinstance(violation.__cause__, ZeroDivisionError)


def test_a_tuple_that_cannot_be_read():
    """A tuple whose ``__iter__`` raises is a violation, also with ``expected=``."""
    odd_tuple = type("OddTuple", (tuple,), {"__iter__": OddList.__iter__})
    violation = violation_of(lambda client, **job: odd_tuple(every(client, **job)), expected=list)
    assert "and reading it raised ZeroDivisionError" in str(violation)


def test_a_result_whose_repr_never_returns():
    """A result whose repr never returns is reported as a collector that does not end."""

    def collect(client, **job):
        every(client, **job)
        return Endless()

    violation = violation_of(collect)
    assert violation.rule == "terminates"
    assert "without making a call, while its result was being read" in str(violation)


@pytest.mark.at_length
def test_a_result_that_calls_when_it_is_read():
    """Calls made while a lazy result is read count as calls of the collector."""

    class Lazy:
        def __init__(self, client, job):
            self.client, self.job = client, job

        def __iter__(self):
            return iter(every(self.client, **self.job))

        def __len__(self):
            return 1

        def __contains__(self, _):
            return False

    def collect(client, **job):
        return Lazy(client, job)

    check_pagination(collect, max_examples=5, without=set(VARIATIONS) - {"page-sizes", "faults"})


def test_a_result_without_end():
    """A result that yields far more items than the listing has violates *terminates*."""

    def collect(client, **job):
        every(client, **job)
        return EndlessList()

    violation = violation_of(collect)
    assert violation.rule == "terminates"
    assert "The iterable it returned yielded more than 1010 items" in str(violation)


@pytest.mark.at_length
def test_ids_with_methods_of_their_own():
    """Session ids of a ``str`` subclass are compared and shown by their text."""

    def collect(client, **job):
        return [Id(session["sessionId"]) for session in every(client, **job)]

    check_pagination(collect, max_examples=5, without=set(VARIATIONS) - {"sequences"})
    violation = violation_of(lambda client, **job: [*collect(client, **job), Id("x" * 10**6)])
    assert "2 sessions: #0, xxxxx" in str(violation)
    assert len(str(violation)) < 5_000


@pytest.mark.at_length
def test_a_result_that_cannot_be_emptied():
    """A result whose ``clear`` raises is not a violation."""

    def collect(client, **job):
        cleared.append(Uncleared(every(client, **job)))
        return cleared[-1]

    cleared = []
    check_pagination(collect, max_examples=5, without=set(VARIATIONS) - {"sequences"})
    assert any(result.was_cleared for result in cleared)


def test_a_result_that_is_equal_to_nothing():
    """A result that is equal to nothing differs from what was expected."""
    violation = violation_of(
        lambda client, **job: EqualToNothing(every(client, **job)), expected=EqualToNothing
    )
    assert violation.rule == "complete"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Uncomparable, "ZeroDivisionError"),
        (Array, "ValueError: The truth value of an array is ambiguous"),
    ],
)
@pytest.mark.parametrize(
    "wrap", [lambda value: value, lambda value: {"of": value}, lambda value: [1, value]]
)
def test_results_that_cannot_be_compared(kind, words, wrap):
    """If result and expectation cannot be compared, an error says so instead of a violation."""
    with pytest.raises(RuntimeError, match="cannot be compared") as caught:
        check_pagination(
            lambda client, **job: wrap(kind(every(client, **job))),
            expected=lambda sessions: wrap(kind(sessions)),
        )
    assert words in str(caught.value)
    assert caught.value.__cause__ is not None


def _raises(_sessions):
    raise KeyError("no")


def _never(_sessions):
    while True:
        pass


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (_raises, r"expected\(\) raised KeyError: 'no' for Listing"),
        (lambda _: 1 / 0, r"expected\(\) raised ZeroDivisionError: division by zero for"),
        (lambda _: (1 / 0 for _ in [1]), r"expected\(\) raised ZeroDivisionError"),
        (lambda _: itertools.count(), r"expected\(\) yielded more than 10\d0 items for Listing"),
        (_never, r"expected\(\) was stopped for Listing.*: it ran for 0.15 s"),
    ],
)
def test_odd_expectations(expected, words):
    """An ``expected`` that raises or never ends gives an error that names it and the listing."""
    with pytest.raises(RuntimeError, match=words) as caught:
        check_pagination(every, expected=expected, patience=0.15)
    assert type(caught.value) is RuntimeError, "users cannot import any other class"


def test_odd_expected_values():
    """An expected value whose repr raises is named by its type in the report."""
    violation = violation_of(every, expected=lambda _: Odd())
    assert "expected: <Odd whose repr raised ZeroDivisionError>" in str(violation)


@pytest.mark.at_length
def test_odd_arguments_of_calls():
    """The report shows a misbehaving request argument, whatever botocore raised for it."""

    def collect(client, **job):
        return client.list_sessions(**job, maxResults=Uncomparable(), nextToken=token)["sessions"]

    token = Enormous()
    # Showing such a token takes long.
    violation = violation_of(collect, patience=5)
    assert violation.rule == "valid-requests"
    assert "nextToken: xxxxx" in str(violation)
    # This value makes botocore's own validation message raise.
    token = Odd()
    violation = violation_of(collect)
    assert violation.rule == "valid-requests"
    assert "nextToken: <Odd whose repr raised ZeroDivisionError>" in str(violation)


def test_odd_tokens_passed_repeatedly():
    """A token whose ``__eq__`` raises can be passed repeatedly without crashing the check."""

    def collect(client, **job):
        for _ in range(3):
            with contextlib.suppress(Exception):
                client.list_sessions(**job, nextToken=Uncomparable())
        return first_page(client, **job)

    assert violation_of(collect).rule == "valid-requests"


@pytest.mark.parametrize("argument", ["expected", "ordered", "without", "patience", "collect"])
def test_odd_arguments_of_check_pagination(argument):
    """``check_pagination`` refuses a misbehaving argument and names it."""
    arguments = {"collect": every, argument: Odd()}
    if argument == "without":
        arguments["without"], argument = [OddError()], r"without\[0\]"
    with pytest.raises((TypeError, ValueError), match=f"{argument}=.*whose repr raised"):
        check_pagination(**arguments)


def test_collectors_whose_names_raise():
    """A collector whose ``__name__`` raises is ``<your collector>`` in its report."""

    class Named:
        def __getattribute__(self, name):
            if name in {"__name__", "__qualname__", "__module__"}:
                raise ZeroDivisionError
            return super().__getattribute__(name)

        def __call__(self, *_, **__):
            return []

    assert "check_pagination(<your collector>, examples=[" in str(violation_of(Named()))


def exits(*_, **__):
    """End the process."""
    os._exit(3)


def test_a_collector_that_ends_the_process_is_stopped():
    """A collector that calls ``os._exit`` is stopped and reported, and the process lives on."""
    violation = violation_of(exits)
    assert violation.rule == "terminates"
    assert "It was stopped: it called os._exit" in str(violation)
    assert os._exit.__module__ in {"posix", "nt"}


@pytest.mark.at_length
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_forked_process_may_end():
    """``os._exit`` in a process that the collector forked ends only that process."""

    def collect(client, **job):
        child = os.fork()
        if not child:
            os._exit(7)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return every(client, **job)

    statuses = []
    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(statuses) == {7}


@pytest.mark.at_length
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no such signals")
def test_a_collector_that_blocks_signals_is_stopped():
    """A collector that blocks all signals is stopped, and the signal mask is restored."""

    def collect(*_, **__):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            pass

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        assert "ran for 0.15 s" in str(violation_of(collect))
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.at_length
@pytest.mark.skipif(not hasattr(signal, "SIGURG"), reason="no such signals")
def test_a_collector_that_ignores_signals_is_stopped():
    """A collector that ignores SIGURG is stopped, and the handler is restored."""

    def collect(*_, **__):
        signal.signal(signal.SIGURG, signal.SIG_IGN)
        while True:
            pass

    before = signal.getsignal(signal.SIGURG)
    assert "ran for 0.15 s" in str(violation_of(collect))
    assert signal.getsignal(signal.SIGURG) is before


def test_a_daemon_that_spins_is_ended_with_its_collector():
    """When a collector is stopped, its daemon threads end too."""

    def spin():
        while True:
            try:
                time.monotonic()
            except BaseException:  # noqa: BLE001, PERF203 (the mistake)
                continue

    def collect(*_, **__):
        threading.Thread(target=spin, daemon=True).start()
        while True:
            pass

    threads = threading.active_count()
    assert violation_of(collect).rule == "terminates"
    deadline = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads


def test_a_task_group_is_stopped():
    """A collector is stopped even if its task group wraps what stops it in an exception group."""
    if sys.version_info < (3, 11):
        pytest.skip("no groups of tasks")

    async def call(client, job):
        while True:
            client.list_sessions(**job)

    async def collect(client, **job):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(call(client, job))

    assert violation_of(collect).rule == "terminates"


def test_a_collector_that_cannot_be_stopped_is_shown_on_stderr(monkeypatch):
    """If the collector cannot be stopped, a line on the real stderr shows where it is."""
    sandbox, ended = Sandbox(Clock(), patience=0.05), threading.Event()
    stderr, polls = io.StringIO(), itertools.count()
    monkeypatch.setattr(sys, "__stderr__", stderr)
    monkeypatch.setattr(sandbox._watchdog, "_interrupt", lambda _: None)
    monkeypatch.setattr(ended, "wait", lambda _: next(polls) > 200)
    sandbox._watchdog.watch(ended)
    assert not stderr.getvalue()
    polls = itertools.count()
    sandbox._stopper.running = True
    sandbox._watchdog.watch(ended)
    assert stderr.getvalue().startswith(
        "check_pagination cannot stop the collector: it ran for 0.05 s without making a call"
    )
    assert f", in {sys._getframe().f_code.co_name}" not in stderr.getvalue()
    assert "_threads.py:" in stderr.getvalue()
    assert stderr.getvalue().count("\n") == 1
    monkeypatch.setattr(sys, "__stderr__", None)
    sandbox._watchdog.report_unstoppable()


def test_a_saved_exit_ends_the_process_after_the_check(monkeypatch):
    """A patched ``os._exit`` that a collector saved calls the real one after the check."""
    statuses, saved = [], []

    def leave(status):
        statuses.append(status)
        raise SystemExit

    def collect(client, **job):
        saved[:] = [os._exit]
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    monkeypatch.setattr(_watchdog, "_real_exit", [leave])
    with pytest.raises(SystemExit):
        saved[0](3)
    assert statuses == [3]


def test_texts_and_comparisons_that_raise():
    """``plain`` and ``shown`` never raise, and ``same`` is false if comparing raises."""
    assert _text.plain(Odd()) == "<Odd whose repr raised ZeroDivisionError>"
    assert _text.plain("text") == "text"
    assert not _text.same(Uncomparable(), [])
    assert _text.shown((1,)) == "(1,)"
    for value in ([], {}, (), set(), frozenset(), {1}, frozenset({1}), {1: [2]}, (1, 2), b"a", "a"):
        assert _text.shown(value) == repr(value)
