"""``check_pagination`` follows Hypothesis's settings, and works inside other tests."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import hypothesis
import pytest
from collectors.right import Dashboard, paginator
from collectors.wrong import every, first_page
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, Case, _search, _trial, _violation
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._search import _full_name


@contextlib.contextmanager
def profile(**options):
    """Activate a Hypothesis profile with these options."""
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
    """Record every case that is tried; ``drawn()`` leaves out the simple ones."""
    cases = []
    find = _trial.Trial.find

    def recording(self, case, number=None):
        cases.append(case)
        return find(self, case, number)

    monkeypatch.setattr(_trial.Trial, "find", recording)

    class Tried:
        def drawn(self):
            simple = {*simplest(), *simplest(SLOW)}
            return [case for case in cases if case not in simple]

        def all(self):
            return list(cases)

        def clear(self):
            cases.clear()

        def first(self):
            return cases[0]

    return Tried()


@pytest.fixture(autouse=True)
def _subprocesses_are_not_measured(monkeypatch):
    """Subprocesses need not measure coverage: they reach no line that this process does not."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


# Variations that take time and do not matter here.
SLOW = ["drift", "expiry", "faults", "sequences", "volume"]


def nothing_failed(client, **job):
    """A collector that loses a session if there are several and all are UPDATE_FAILED."""
    sessions = every(client, **job)
    if len(sessions) > 1 and all(
        session["lifecycleStatus"] == "UPDATE_FAILED" for session in sessions
    ):
        return sessions[1:]
    return sessions


def violation_of(collect, **options):
    """Return the violation that ``check_pagination`` raises."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    return caught.value


@pytest.mark.at_length
def test_the_active_profile_says_how_many_are_drawn(tried):
    """The active profile sets how many cases are drawn; ``max_examples=`` overrides it."""
    with profile(max_examples=7, database=None):
        check_pagination(paginator, without=SLOW)
        assert 4 <= len(tried.drawn()) <= 7
        tried.clear()
        check_pagination(paginator, max_examples=20, without=SLOW)
        assert 12 <= len(tried.drawn()) <= 20


@pytest.mark.at_length
def test_derandomize_is_honoured(tried):
    """With ``derandomize=True`` each check draws the same cases."""
    with profile(max_examples=10, derandomize=True):
        check_pagination(paginator, without=SLOW)
        before = tried.drawn()
        tried.clear()
        check_pagination(paginator, without=SLOW)
        assert tried.drawn() == before


@pytest.mark.at_length
def test_the_seed_of_the_command_line_is_honoured(tried, monkeypatch):
    """The same ``--hypothesis-seed`` draws the same cases; another seed draws others."""
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
    """Without the generate phase no case is drawn, but the simple cases are still tried."""
    with profile(phases=[hypothesis.Phase.explicit], database=None):
        check_pagination(paginator, without=SLOW)
    assert not tried.drawn()
    assert tried.all() == list(simplest(SLOW))


def test_phases_without_explicit_examples(tried):
    """Without the explicit phase, neither the given nor the simple cases are tried."""
    with profile(phases=[hypothesis.Phase.generate], database=None, max_examples=3):
        check_pagination(every, examples=[Listing(page_sizes=(77,))], without=SLOW)
    assert Case(Listing(page_sizes=(77,))) not in tried.all()
    assert 0 < len(tried.all()) < 10
    tried.clear()
    with profile(phases=[], database=None):
        check_pagination(first_page)
    assert not tried.all()


@pytest.mark.parametrize("phase", [hypothesis.Phase.explicit, hypothesis.Phase.generate])
def test_phases_without_shrinking(tried, phase):
    """Without the shrink phase, a failure is reported as it was found."""

    def collect(client, **job):
        sessions = every(client, **job)
        return sessions[:-1] if len(sessions) > 6 else sessions

    with profile(phases=[phase, hypothesis.Phase.shrink], database=None):
        assert len(violation_of(collect, without=SLOW).listing) == 7
    tried.clear()
    with profile(phases=[phase], database=None):
        violation = violation_of(collect, without=SLOW)
    assert violation.case in tried.all()
    assert all(len(case.listing) < 7 for case in tried.all() if case != violation.case)


def test_a_check_passes_if_no_case_is_drawn(monkeypatch):
    """A check passes if Hypothesis draws no case at all, as can happen with few examples."""
    never = st.integers().filter(lambda _: False)
    monkeypatch.setattr(_search, "cases", lambda *_, **__: never)
    check_pagination(paginator, max_examples=1, without=VARIATIONS)


@pytest.mark.at_length
def test_drawn_cases_are_shrunk():
    """A drawn case that fails is shrunk to the smallest listing, whatever the seed."""
    with profile(database=None, max_examples=1000):
        violation = violation_of(nothing_failed, without=SLOW)
    assert repr(violation.listing) in {
        "Listing(page_sizes=(1, 1), runs=(('UPDATE_FAILED', 2),))",
        "Listing(page_sizes=(2,), runs=(('UPDATE_FAILED', 2),))",
        "Listing(runs=(('UPDATE_FAILED', 2),))",
    }
    assert violation.rule == "complete"
    assert not getattr(violation, "__notes__", None)


@pytest.mark.at_length
def test_drawn_cases_are_reported_once(monkeypatch):
    """The report of a drawn case is written once, however often the case is run and shrunk."""
    reports = []
    monkeypatch.setattr(_violation, "report", lambda *_: reports.append("a report") or "a report")
    with profile(database=None, max_examples=1000):
        assert str(violation_of(nothing_failed, without=SLOW)) == "a report"
    assert len(reports) == 1


@pytest.mark.at_length
def test_the_last_failure_is_replayed_first(tried):
    """A failure in the profile's database is replayed first, but only for its own collector."""
    database = InMemoryExampleDatabase()
    with profile(database=database, max_examples=1000):
        violation = violation_of(nothing_failed, without=SLOW)
        tried.clear()
        assert violation_of(nothing_failed, without=SLOW).case == violation.case
        assert tried.first() not in list(simplest())
        assert len(tried.drawn()) < 40
        tried.clear()
        check_pagination(paginator, max_examples=1, without=SLOW)
        assert tried.first() == next(simplest(SLOW))


@pytest.mark.at_length
def test_failures_are_saved_by_the_names_of_collector_and_test(monkeypatch):
    """A failure is saved under one key, made from the names of the collector and the test."""

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
    """A class whose method is a collector."""

    def __init__(self, collect):
        self.collect = collect

    def sessions(self, client, **job):
        """Return what the given collector returns."""
        return self.collect(client, **job)


@pytest.mark.at_length
def test_each_test_has_its_own_saved_failures(monkeypatch, tried):
    """Two tests of a method with the same name neither replay nor delete each other's failures."""
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
def test_a_saved_failure_that_now_passes_is_deleted(tried):
    """A replayed case that the collector now passes is not replayed again."""
    wrong = [True]

    def collect(client, **job):
        return (nothing_failed if wrong else every)(client, **job)

    with profile(database=InMemoryExampleDatabase(), max_examples=1000):
        violation_of(collect, without=SLOW)
        wrong.clear()
        for first in (True, False):
            tried.clear()
            check_pagination(collect, max_examples=20, without=SLOW)
            assert (tried.first() not in list(simplest(SLOW))) is first


def test_every_collector_has_a_full_name():
    """Functions, methods, partials and callable objects have a full name for the database key."""
    assert _full_name(every) == "collectors.wrong.every"
    assert _full_name(Dashboard(1).sessions) == "collectors.right.Dashboard.sessions"
    assert _full_name(functools.partial(functools.partial(every))) == "collectors.wrong.every"
    assert _full_name(Dashboard(1)) == "collectors.right.Dashboard"


@pytest.fixture
def only_drawn_cases(monkeypatch):
    """Leave out the simple cases that ``check_pagination`` always tries first."""
    monkeypatch.setattr(_search, "simplest", lambda *_, **__: [])


@pytest.mark.usefixtures("only_drawn_cases")
def test_state_that_shows_among_drawn_cases():
    """A drawn case that fails only once violates *stateless*, and is not reported as flaky."""

    def collect(client, **job):
        sessions = every(client, **job)
        if len(sessions) > 1:
            failures.append(1)
            return sessions[1:] if len(failures) == 1 else sessions
        return sessions

    failures = []
    with profile(database=None):
        violation = violation_of(collect, without=SLOW)
    assert violation.rule == "stateless"
    assert "Its result differs between identical runs" in str(violation)


@pytest.mark.usefixtures("only_drawn_cases")
def test_a_flaky_expectation():
    """An ``expected`` that fails only once raises Hypothesis's ``Flaky``."""

    def expected(sessions):
        if len(sessions) > 1:
            failures.append(1)
            if len(failures) == 1:
                raise KeyError("endedAt")
        return sessions

    failures = []
    with profile(database=None), pytest.raises(hypothesis.errors.Flaky):
        check_pagination(every, expected=expected, without=SLOW)
    assert len(failures) > 1


@pytest.mark.at_length
def test_inside_given():
    """``check_pagination`` can be called inside ``@given``."""
    sizes = []

    # Newer versions of Hypothesis refuse a nested @given unless this check is suppressed.
    checks = [check for check in hypothesis.HealthCheck if check.name == "nested_given"]

    @settings(max_examples=3, database=None, deadline=None, suppress_health_check=checks)
    @hypothesis.given(size=st.integers(20, 100))
    def check(size):
        sizes.append(size)
        check_pagination(Dashboard(size), max_examples=1, without=SLOW)

    check()
    assert len(sizes) == 3


@pytest.mark.at_length
def test_inside_a_running_loop():
    """Inside a running event loop, sync and async collectors can be checked."""

    async def collect(client, **job):
        await asyncio.sleep(1)
        return every(client, **job)

    async def failing(client, **job):
        return every(client, **job)[1:]

    async def check():
        check_pagination(collect, max_examples=1, without=VARIATIONS)
        check_pagination(every, max_examples=1, without=VARIATIONS)
        return violation_of(failing).rule

    assert asyncio.run(check()) == "complete"


SUITE = """
    import boto3
    import pytest
    from pytest_deadline_sessions import FakeDeadline, check_pagination
    from pytest_deadline_sessions.checking import VARIATIONS

    def collect(client, **job):
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [session for page in pages for session in page["sessions"]]

    @pytest.fixture
    def page_size():
        return 10

    @pytest.mark.parametrize("number", range(2))
    def test_right(number, page_size, deadline_sessions, tmp_path):
        job = deadline_sessions.add_job(sessions=number)
        check_pagination(collect, max_examples=1, without=VARIATIONS)
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
    """A check leaves the fixtures of its test alone, also under pytest-randomly and xdist."""
    for plugin in options[1:2]:
        pytest.importorskip(plugin)
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nfilterwarnings = error")
    result = run_pytest(*options)
    result.assert_outcomes(passed=2, failed=1)


def test_the_traceback_starts_at_the_users_line(pytester, run_pytest):
    """A failure shows the user's line, without our frames or output of Hypothesis."""
    pytester.makepyfile(SUITE)
    result = run_pytest("-k", "wrong")
    output = result.stdout.str()
    assert "check_pagination(lambda client, **job: collect(client, **job)[1:])" in output
    assert "collector violates 'complete'" in output
    for noise in ("checking/", "Falsifying", "hypothesis", "Deadline Cloud calls", "botocore"):
        assert noise not in output, noise


def test_the_traceback_of_a_collectors_error_starts_in_the_collector(pytester, run_pytest):
    """The traceback of a collector's error starts in the collector, then shows the test."""
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
