"""Results, errors and expectations with methods that do what they like."""

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
from collectors.wrong import every, first_page

from pytest_deadline_sessions import Listing, PaginationViolation, _text, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import VARIATIONS, Case, _watchdog
from pytest_deadline_sessions.checking._attempt import UnfitError
from pytest_deadline_sessions.checking._sandbox import Sandbox

# A collector that is stopped while it closes its event loop leaves it.
pytestmark = [
    pytest.mark.usefixtures("stopped_are_collected"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

ONE = Case(Listing(page_sizes=(1,)))


def violation_of(collect, **options):
    """What ``check_pagination`` finds."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(
            collect, **{"max_examples": 1, "patience": 0.3, "examples": [ONE], **options}
        )
    return caught.value


class Odd:
    """Its repr and its text raise."""

    error: type[BaseException] = ZeroDivisionError

    def __repr__(self):
        raise self.error

    __str__ = __repr__


class OddError(Exception):
    """An exception of which no more than its kind can be told."""

    __str__ = __repr__ = Odd.__repr__
    error = KeyError


class OddExit(SystemExit):
    """One that is no ``Exception``, and raises none either."""

    __str__ = __repr__ = Odd.__repr__
    error = SystemExit


class Enormous:
    """Its repr has a hundred million characters."""

    def __repr__(self):
        return "x" * 10**8


class Endless:
    """Its repr takes for ever."""

    def __repr__(self):
        while True:
            pass


class EqualToNothing(list):
    """Not to itself either."""

    __hash__ = None

    def __eq__(self, _other):
        return False


class Uncomparable(list):
    """Comparing it raises."""

    __hash__ = None

    def __eq__(self, _other):
        raise ZeroDivisionError


class Truthless:
    """What an array gives when it is compared."""

    def __bool__(self):
        raise ValueError("The truth value of an array is ambiguous")


class Array(list):
    """Comparing it gives neither true nor false."""

    __hash__ = None

    def __eq__(self, _other):
        return Truthless()


class Id(str):
    """A session id that can neither be hashed nor compared."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, _other):
        raise ZeroDivisionError

    __repr__ = Odd.__repr__
    error = KeyError


class OddList(list):
    """Reading it raises."""

    def __iter__(self):
        raise ZeroDivisionError


class OddDict(dict):
    """Asking it raises."""

    def get(self, *_):
        """Nothing."""
        raise ZeroDivisionError

    items = keys = __iter__ = __len__ = __getitem__ = get


class EndlessList:
    """A collection that never ends."""

    def __iter__(self):
        return itertools.repeat("session-1")

    def __len__(self):
        return 1

    def __contains__(self, _):
        return False


class Uncleared(list):
    """Nobody can empty it."""

    def clear(self):
        """Nothing."""
        raise ZeroDivisionError


def inside_itself():
    """A list in itself."""
    value = []
    value.append(value)
    return value


def nested(depth=100_000):
    """A list in a list in a list, and so on."""
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
    """Whatever they are, the report says what can be said."""
    options = {"expected": lambda sessions: sessions} if with_expected else {}

    def collect(client, **job):
        every(client, **job)
        return make()

    found = violation_of(collect, **options)
    assert words in str(found)
    assert len(str(found)) < 5_000


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OddError, "It raised OddError, whose text raised KeyError, though"),
        (OddExit, "It raised OddExit, whose text raised SystemExit, though"),
        (lambda: ValueError("x" * 10**8), "It raised ValueError: xxxxxx"),
    ],
)
def test_odd_errors(error, words):
    """Their kind is told at least, and they are the cause."""

    def collect(client, **job):
        every(client, **job)
        raise error()

    found = violation_of(collect)
    assert words in str(found)
    assert len(str(found)) < 5_000
    assert found.__cause__ is not None


def test_reading_a_result_that_raises():
    """It is the collector that made it."""

    def collect(client, **job):
        return OddList(every(client, **job))

    found = violation_of(collect)
    assert found.rule == "complete"
    assert "and reading it raised ZeroDivisionError" in str(found)
    assert isinstance(found.__cause__, ZeroDivisionError)


def test_a_tuple_that_cannot_be_read():
    """Nor compared, then."""
    kind = type("OddTuple", (tuple,), {"__iter__": OddList.__iter__})
    found = violation_of(lambda client, **job: kind(every(client, **job)), expected=list)
    assert "and reading it raised ZeroDivisionError" in str(found)


def test_a_result_that_takes_for_ever_to_look_at():
    """It is stopped, as the collector would be."""

    def collect(client, **job):
        every(client, **job)
        return Endless()

    found = violation_of(collect)
    assert found.rule == "terminates"
    assert "without making a call, while its result was being read" in str(found)


@pytest.mark.at_length
def test_a_result_that_calls_when_it_is_read():
    """Its calls are the collector's."""

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

    check_pagination(collect, max_examples=5, without=["sequences"])


def test_a_result_without_end():
    """So much of it is read that it is clear."""

    def collect(client, **job):
        every(client, **job)
        return EndlessList()

    found = violation_of(collect)
    assert found.rule == "terminates"
    assert "The iterable it returned yielded more than 1010 items" in str(found)


@pytest.mark.at_length
def test_ids_with_methods_of_their_own():
    """They are what they say, also where they are wrong."""

    def collect(client, **job):
        return [Id(one["sessionId"]) for one in every(client, **job)]

    check_pagination(collect, max_examples=5)
    found = violation_of(lambda client, **job: [*collect(client, **job), Id("x" * 10**6)])
    assert "2 sessions: #0, xxxxx" in str(found)
    assert len(str(found)) < 5_000


@pytest.mark.at_length
def test_a_result_that_cannot_be_emptied():
    """Its caller may try."""
    check_pagination(lambda client, **job: Uncleared(every(client, **job)), max_examples=5)


def test_a_result_that_is_equal_to_nothing():
    """It is not what was expected."""
    found = violation_of(
        lambda client, **job: EqualToNothing(every(client, **job)), expected=EqualToNothing
    )
    assert found.rule == "complete"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Uncomparable, "ZeroDivisionError"),
        (Array, "ValueError: The truth value of an array is ambiguous"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: {"of": one}, lambda one: [1, one]])
def test_what_cannot_be_compared(kind, words, wrap):
    """Nobody can say whether that is right; so this is what is said."""
    with pytest.raises(UnfitError, match="cannot be compared") as caught:
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
        (_never, r"expected\(\) was stopped for Listing.*: it ran for 0.3 s"),
    ],
)
def test_odd_expectations(expected, words):
    """The error tells that it is the expectation, and for which listing."""
    with pytest.raises(UnfitError, match=words):
        check_pagination(every, expected=expected, patience=0.3)


def test_what_is_expected_may_be_odd_too():
    """It is shown like any other value."""
    found = violation_of(every, expected=lambda _: Odd())
    assert "expected: <Odd whose repr raised ZeroDivisionError>" in str(found)


def test_odd_arguments_of_calls():
    """Botocore refuses them, and what was wrong is told."""

    def collect(client, **job):
        return client.list_sessions(**job, maxResults=Uncomparable(), nextToken=given)["sessions"]

    given = Enormous()
    found = violation_of(collect)
    assert found.rule == "valid-requests"
    assert "nextToken: xxxxx" in str(found)
    # Botocore itself can say nothing of this one.
    given = Odd()
    assert "It raised ZeroDivisionError" in str(violation_of(collect))


def test_odd_tokens_again_and_again():
    """As long as somebody likes to pass them."""

    def collect(client, **job):
        for _ in range(3):
            with contextlib.suppress(Exception):
                client.list_sessions(**job, nextToken=Uncomparable())
        return first_page(client, **job)

    assert violation_of(collect).rule == "valid-requests"


@pytest.mark.parametrize("argument", ["expected", "ordered", "without", "patience", "collect"])
def test_odd_arguments_of_ours(argument):
    """They are refused by their names."""
    given = {"collect": every, argument: Odd() if argument != "without" else [OddError()]}
    with pytest.raises((TypeError, ValueError), match=f"{argument}=.*whose repr raised"):
        check_pagination(**given)


def test_functions_with_names_that_are_none():
    """Their reports can be pasted too."""

    class Named:
        def __getattribute__(self, name):
            if name in {"__name__", "__qualname__", "__module__"}:
                raise ZeroDivisionError
            return super().__getattribute__(name)

        def __call__(self, *_, **__):
            return []

    assert "check_pagination(collect, examples=[" in str(violation_of(Named()))


def exits(*_, **__):
    """Ends the process."""
    os._exit(3)


def test_who_ends_the_process_is_stopped():
    """The suite goes on, and the report tells what it did."""
    found = violation_of(exits)
    assert found.rule == "terminates"
    assert "It was stopped: it called os._exit" in str(found)
    assert os._exit.__module__ in {"posix", "nt"}


@pytest.mark.at_length
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_of_a_collector_may_end():
    """What ends is its own process."""

    def collect(client, **job):
        child = os.fork()
        if not child:
            os._exit(7)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return every(client, **job)

    statuses = []
    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(statuses) == {7}


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no such signals")
def test_who_blocks_signals_is_stopped():
    """At its next line, and afterwards no signal is blocked that was not before."""

    def collect(*_, **__):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            pass

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        assert "ran for 0.3 s" in str(violation_of(collect))
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.skipif(not hasattr(signal, "SIGURG"), reason="no such signals")
def test_who_ignores_signals_is_stopped():
    """At its next line; and the handler is as it was."""

    def collect(*_, **__):
        signal.signal(signal.SIGURG, signal.SIG_IGN)
        while True:
            pass

    before = signal.getsignal(signal.SIGURG)
    assert "ran for 0.3 s" in str(violation_of(collect))
    assert signal.getsignal(signal.SIGURG) is before


def test_a_daemon_that_spins_is_ended_with_its_collector():
    """If that has to be stopped."""

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
    until = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == threads


def test_several_tasks_that_are_stopped():
    """What stops them may come as a group."""
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


def test_who_cannot_be_stopped_is_told_of(monkeypatch):
    """Where it stands, on the stderr that no test has taken for itself."""
    box, ended = Sandbox(Clock(), patience=0.05), threading.Event()
    said, looks = io.StringIO(), itertools.count()
    monkeypatch.setattr(sys, "__stderr__", said)
    monkeypatch.setattr(box._watchdog, "_interrupt", lambda **_: None)
    monkeypatch.setattr(ended, "wait", lambda _: next(looks) > 200)
    box._watchdog.watch(ended)
    assert not said.getvalue()
    looks = itertools.count()
    box._stopper.running = True
    box._watchdog.watch(ended)
    assert said.getvalue().startswith(
        "check_pagination cannot stop the collector: it ran for 0.05 s without making a call"
    )
    assert f", in {sys._getframe().f_code.co_name}" not in said.getvalue()
    assert "_threads.py:" in said.getvalue()
    assert said.getvalue().count("\n") == 1
    monkeypatch.setattr(sys, "__stderr__", None)
    box._watchdog.complain()


def test_others_end_the_process_as_they_like(monkeypatch):
    """What a collector has kept of ours ends it for real afterwards."""
    ended, kept = [], []

    def leave(status):
        ended.append(status)
        raise SystemExit

    def collect(client, **job):
        kept[:] = [os._exit]
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    monkeypatch.setattr(_watchdog, "_real_exit", [leave])
    with pytest.raises(SystemExit):
        kept[0](3)
    assert ended == [3]


def test_texts_and_comparisons_that_raise():
    """They are shown as what they are, and equal to nothing."""
    assert _text.plain(Odd()) == "<Odd whose repr raised ZeroDivisionError>"
    assert _text.plain("text") == "text"
    assert not _text.same(Uncomparable(), [])
    assert _text.shown((1,)) == "(1,)"
    for value in ([], {}, (), set(), frozenset(), {1}, frozenset({1}), {1: [2]}, (1, 2), b"a", "a"):
        assert _text.shown(value) == repr(value)
