"""``check_pagination`` and Hypothesis, and the tests that it is called from."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import hypothesis
import pytest
from collectors.right import Dashboard, paginator
from collectors.wrong import every
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from pytest_deadline_sessions import PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, _search, _trial, _violation
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._search import _full_name


@contextlib.contextmanager
def profile(**options):
    """Let a profile be active."""
    before = (
        settings.get_current_profile_name()
        if hasattr(settings, "get_current_profile_name")
        else "default"
    )
    settings.register_profile("ours", **options)
    settings.load_profile("ours")
    try:
        yield
    finally:
        settings.load_profile(before)


@pytest.fixture
def tried(monkeypatch):
    """The cases that are tried after the simple ones."""
    cases = []
    find = _trial.Trial.find

    def noting(self, case, number=None):
        cases.append(case)
        return find(self, case, number)

    monkeypatch.setattr(_trial.Trial, "find", noting)

    class Tried:
        def drawn(self):
            simple = list(simplest())
            return [case for case in cases if case not in simple]

        def clear(self):
            cases.clear()

        def first(self):
            return cases[0]

    return Tried()


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch):
    """Subprocesses reach nothing here that this process does not."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


# What takes time, and does not matter here.
SLOW = ["drift", "expiry", "faults", "sequences", "volume"]


def nothing_failed(client, **job):
    """Right unless there are several sessions, and all have failed to update."""
    sessions = every(client, **job)
    if len(sessions) > 1 and all(one["lifecycleStatus"] == "UPDATE_FAILED" for one in sessions):
        return sessions[1:]
    return sessions


def violation_of(collect, **options):
    """What ``check_pagination`` finds."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    return caught.value


@pytest.mark.at_length
def test_the_active_profile_says_how_many_are_drawn(tried):
    """And ``max_examples=`` overrules it."""
    with profile(max_examples=7, database=None):
        check_pagination(paginator, without=SLOW)
        assert 4 <= len(tried.drawn()) <= 7
        tried.clear()
        check_pagination(paginator, max_examples=20, without=SLOW)
        assert 12 <= len(tried.drawn()) <= 20


@pytest.mark.at_length
def test_derandomize_is_honoured(tried):
    """The same cases come each time."""
    with profile(max_examples=10, derandomize=True):
        check_pagination(paginator, without=SLOW)
        before = tried.drawn()
        tried.clear()
        check_pagination(paginator, without=SLOW)
        assert tried.drawn() == before


@pytest.mark.at_length
def test_the_seed_of_the_command_line_is_honoured(tried, monkeypatch):
    """``--hypothesis-seed`` gives the same cases, another one others."""
    drawn = []
    with profile(max_examples=10, database=None):
        for seed in (1, 1, 2):
            monkeypatch.setattr(hypothesis.core, "global_force_seed", seed)
            tried.clear()
            check_pagination(paginator, without=SLOW)
            drawn.append(tried.drawn())
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.at_length
def test_phases_without_generation_draw_nothing(tried):
    """The simple cases are tried all the same."""
    with profile(phases=[hypothesis.Phase.explicit], database=None):
        check_pagination(paginator)
    assert not tried.drawn()
    assert tried.first() == next(simplest())


def test_tries_that_give_no_case_are_nobody_s_fault(monkeypatch):
    """With very few of them, Hypothesis may draw nothing at all."""
    never = st.integers().filter(lambda _: False)
    monkeypatch.setattr(_search, "cases", lambda _: never)
    check_pagination(paginator, max_examples=1, without=VARIATIONS)


@pytest.mark.at_length
def test_what_is_drawn_is_shrunk():
    """The smallest listing is reported, whatever the seed."""
    with profile(database=None, max_examples=1000):
        found = violation_of(nothing_failed, without=SLOW)
    assert repr(found.listing) in {
        "Listing(page_sizes=(1, 1), runs=(('UPDATE_FAILED', 2),))",
        "Listing(page_sizes=(2,), runs=(('UPDATE_FAILED', 2),))",
        "Listing(runs=(('UPDATE_FAILED', 2),))",
    }
    assert found.rule == "complete"
    assert not getattr(found, "__notes__", None)


@pytest.mark.at_length
def test_what_is_drawn_is_reported_once(monkeypatch):
    """Though Hypothesis runs the case again, and the shrinker tries many simpler ones."""
    reports = []
    monkeypatch.setattr(_violation, "report", lambda *_: reports.append("a report") or "a report")
    with profile(database=None, max_examples=1000):
        assert str(violation_of(nothing_failed, without=SLOW)) == "a report"
    assert len(reports) == 1


@pytest.mark.at_length
def test_the_last_failure_is_replayed_first(tried):
    """From the profile's database, before anything else; and not for another collector."""
    database = InMemoryExampleDatabase()
    with profile(database=database, max_examples=1000):
        found = violation_of(nothing_failed, without=SLOW)
        tried.clear()
        assert violation_of(nothing_failed, without=SLOW).case == found.case
        assert tried.first() not in list(simplest())
        assert len(tried.drawn()) < 40
        tried.clear()
        check_pagination(paginator, max_examples=1, without=SLOW)
        assert tried.first() == next(simplest(SLOW))


@pytest.mark.at_length
def test_failures_are_remembered_by_the_names_of_collector_and_test(monkeypatch):
    """Under one key of the database, which an edit of the collector does not change."""

    class Database(InMemoryExampleDatabase):
        def save(self, key, value):
            keys.add(key)
            super().save(key, value)

    keys = set()
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_it.py::test[one (two)] (call)")
    with profile(database=Database(), max_examples=1000):
        violation_of(nothing_failed, without=SLOW)
    key = f"pytest_deadline_sessions.check_pagination({__name__}.nothing_failed)"
    assert keys == {f"{key} test_it.py::test[one (two)]".encode()}


class Shop:
    """Has a collector that may be wrong."""

    def __init__(self, collect):
        self.collect = collect

    def sessions(self, client, **job):
        """All sessions, if its collector is right."""
        return self.collect(client, **job)


@pytest.mark.at_length
def test_another_test_remembers_failures_of_its_own(monkeypatch, tried):
    """A right method of the same name neither replays nor forgets those of a wrong one."""
    with profile(database=InMemoryExampleDatabase(), max_examples=1000):
        monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_it.py::test[wrong] (call)")
        violation_of(Shop(nothing_failed).sessions, without=SLOW)
        monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_it.py::test[right] (call)")
        tried.clear()
        check_pagination(Shop(every).sessions, max_examples=1, without=SLOW)
        assert tried.first() == next(simplest(SLOW))
        monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_it.py::test[wrong] (call)")
        tried.clear()
        violation_of(Shop(nothing_failed).sessions, without=SLOW)
        assert tried.first() not in list(simplest(SLOW))


@pytest.mark.at_length
def test_what_was_remembered_and_is_mended_is_forgotten(tried):
    """A replayed case that the collector passes is not replayed again."""
    wrong = [True]

    def collect(client, **job):
        return (nothing_failed if wrong else every)(client, **job)

    with profile(database=InMemoryExampleDatabase(), max_examples=1000):
        violation_of(collect, without=SLOW)
        wrong.clear()
        for first in (True, False):
            tried.clear()
            check_pagination(collect, max_examples=50, without=SLOW)
            assert (tried.first() not in list(simplest(SLOW))) is first


def test_each_collector_has_a_name_to_be_remembered_by():
    """Functions, methods, partials and objects."""
    assert _full_name(every) == "collectors.wrong.every"
    assert _full_name(Dashboard(1).sessions) == "collectors.right.Dashboard.sessions"
    assert _full_name(functools.partial(functools.partial(every))) == "collectors.wrong.every"
    assert _full_name(Dashboard(1)) == "collectors.right.Dashboard"


def test_state_that_shows_among_drawn_cases():
    """It is called state, and not flaky."""

    def collect(client, **job):
        sessions = every(client, **job)
        if len(sessions) > 1 and all(one["lifecycleStatus"] == "UPDATE_FAILED" for one in sessions):
            seen.append(1)
            return sessions[1:] if len(seen) == 1 else sessions
        return sessions

    seen = []
    with profile(database=None, max_examples=1000):
        found = violation_of(collect, without=SLOW)
    assert found.rule == "stateless"
    assert "Its result differs between identical runs" in str(found)


def test_what_is_flaky_without_the_collector():
    """Is told as Hypothesis tells it: here, an ``expected=`` that fails but once."""

    def expected(sessions):
        if len(sessions) > 1 and all(one["lifecycleStatus"] == "UPDATE_FAILED" for one in sessions):
            seen.append(1)
            if len(seen) == 1:
                raise KeyError("endedAt")
        return sessions

    seen = []
    with profile(database=None, max_examples=1000), pytest.raises(hypothesis.errors.Flaky):
        check_pagination(every, expected=expected, without=SLOW)
    assert len(seen) > 1


@pytest.mark.at_length
def test_inside_given():
    """A property of a collector can be checked for every value of an option."""
    sizes = []

    # Newer versions of Hypothesis ask whether that is meant.
    checks = [check for check in hypothesis.HealthCheck if check.name == "nested_given"]

    @settings(max_examples=3, database=None, deadline=None, suppress_health_check=checks)
    @hypothesis.given(size=st.integers(20, 100))
    def check(size):
        sizes.append(size)
        check_pagination(Dashboard(size), max_examples=1, without=["volume", "faults"])

    check()
    assert len(sizes) == 3


@pytest.mark.at_length
def test_inside_a_running_loop():
    """Plain and asynchronous collectors alike."""

    async def collect(client, **job):
        await asyncio.sleep(1)
        return every(client, **job)

    async def failing(client, **job):
        return every(client, **job)[1:]

    async def check():
        check_pagination(collect, max_examples=1, without=SLOW)
        check_pagination(every, max_examples=1, without=SLOW)
        return violation_of(failing).rule

    assert asyncio.run(check()) == "complete"


SUITE = """
    import boto3
    import pytest
    from pytest_deadline_sessions import FakeDeadline, check_pagination

    def collect(client, **job):
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [session for page in pages for session in page["sessions"]]

    @pytest.fixture
    def page_size():
        return 10

    @pytest.mark.parametrize("number", range(2))
    def test_right(number, page_size, deadline_sessions, tmp_path):
        job = deadline_sessions.add_job(sessions=number)
        check_pagination(
            collect, max_examples=5, without=["drift", "expiry", "faults", "sequences", "volume"]
        )
        assert len(collect(boto3.client("deadline"), **job)) == number
        assert len(deadline_sessions.calls) == 1

    def test_wrong(page_size):
        check_pagination(lambda client, **job: collect(client, **job)[1:])
"""


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-p", "pytest_randomly"),
        ("-p", "xdist", "-n", "2"),
    ],
    ids=["plain", "randomly", "xdist"],
)
def test_inside_tests_with_fixtures(pytester, run_pytest, options):
    """Whatever else runs them; the fixtures of a test stay as they were."""
    for plugin in options[1:2]:
        pytest.importorskip(plugin)
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nfilterwarnings = error")
    result = run_pytest(*options)
    result.assert_outcomes(passed=2, failed=1)


def test_the_traceback_starts_at_the_line_of_the_user(pytester, run_pytest):
    """And neither our frames nor the noise of Hypothesis come with it."""
    pytester.makepyfile(SUITE)
    result = run_pytest("-k", "wrong")
    output = result.stdout.str()
    assert "check_pagination(lambda client, **job: collect(client, **job)[1:])" in output
    assert "collector violates 'complete'" in output
    for noise in ("checking/", "Falsifying", "hypothesis", "Deadline Cloud calls", "botocore"):
        assert noise not in output, noise


def test_an_error_of_the_collector_is_shown_from_the_collector_on(pytester, run_pytest):
    """It is what a violation was raised from, without our part of its way."""
    pytester.makepyfile(
        """
        from pytest_deadline_sessions import check_pagination

        def collect(client, **job):
            return int("seven")

        def test_it():
            check_pagination(collect)
        """
    )
    result = run_pytest("-q", "--tb=short")
    shown = [line for line in result.outlines if line.startswith("test_")]
    assert [line.split(":")[-1] for line in shown[:2]] == [" in collect", " in test_it"]
    assert "checking/" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*It raised ValueError: invalid literal for int() *"])
