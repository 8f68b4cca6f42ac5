"""The Faker provider draws realistic sessions, and the same seed gives the same data."""

from __future__ import annotations

import collections
import datetime
import itertools
import re

import faker.factory
import pytest
from faker import Faker
from faker.generator import Generator
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import assert_lifecycle, assert_session_summary, lifecycle
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._plugin.faker_fixture import add_provider
from pytest_deadline_sessions.provider import NOW, DeadlineProvider

UTC = datetime.timezone.utc
LATER = datetime.datetime(2031, 5, 6, 7, tzinfo=UTC)
HOUR = datetime.timedelta(hours=1)
SHAPES = ["FarmId", "QueueId", "JobId", "FleetId", "WorkerId", "SessionId"]
METHODS = [*(f"{shape[:-2].lower()}_id" for shape in SHAPES)]
seeds = given(seed=st.integers(0, 2**32))


def faker_of(seed):
    """Return a generator that has only our provider, with this seed."""
    fake = Generator()
    fake.add_provider(DeadlineProvider)
    fake.seed_instance(seed)
    return fake


def times_of(summary):
    """Return the times of a summary."""
    return [value for value in summary.values() if isinstance(value, datetime.datetime)]


@pytest.mark.parametrize(("method", "shape"), list(zip(METHODS, SHAPES, strict=True)))
def test_ids(method, shape):
    """Ids match the service model, and no two are equal."""
    ids = [getattr(faker_of(0), method)()]
    fake = faker_of(1)
    ids += [getattr(fake, method)() for _ in range(100)]
    assert [validation.check_shape(id_, shape) for id_ in ids] == [[]] * 101
    assert len(set(ids)) == 101


@seeds
def test_summaries(seed):
    """A summary is valid, and all its times are in the day before ``NOW``."""
    summary = faker_of(seed).session_summary()
    assert_session_summary(summary)
    assert NOW - datetime.timedelta(days=1) < min(times_of(summary))
    assert max(times_of(summary)) <= NOW


@given(
    seed=st.integers(0, 2**32),
    source=ds.session_summaries(),
    names=st.sets(st.sampled_from(sorted(model.members("SessionSummary")))),
)
def test_fixed_members(seed, source, names):
    """Fixed members from a valid summary are kept, and the summary is valid."""
    fixed = {name: source[name] for name in names if name in source}
    summary = faker_of(seed).session_summary(**fixed)
    assert_session_summary(summary)
    assert summary.items() >= fixed.items()


@given(
    seed=st.integers(0, 2**32),
    source=ds.session_summaries(now=LATER),
    names=st.sets(st.sampled_from(["startedAt", "updatedAt", "endedAt", "lifecycleStatus"])),
)
def test_nothing_lies_after_now(seed, source, names):
    """No time of a summary is later than ``now``, even with fixed members."""
    fixed = {name: source[name] for name in names if name in source}
    summary = faker_of(seed).session_summary(now=LATER, **fixed)
    assert_session_summary(summary)
    assert max(times_of(summary)) <= LATER


@pytest.mark.parametrize("status", lifecycle.TRANSITIONS)
def test_every_status_is_drawn(status):
    """Every status is drawn; ENDED is the most common, then STARTED."""
    fake = faker_of(3)
    counts = collections.Counter(fake.session_summary()["lifecycleStatus"] for _ in range(500))
    assert counts[status] > 5
    assert counts.most_common(2)[0][0] == "ENDED"
    assert counts.most_common(2)[1][0] == "STARTED"


@pytest.mark.parametrize("updated", [False, True])
def test_ended_sessions_with_and_without_an_update(updated):
    """Ended sessions are drawn with and without an update."""
    fake = faker_of(4)
    ended = [fake.session_summary(lifecycleStatus="ENDED") for _ in range(50)]
    assert any(("updatedBy" in summary) == updated for summary in ended)


def test_sessions_have_realistic_lengths():
    """Sessions last from minutes to hours, in whole milliseconds, and most are short."""
    fake = faker_of(5)
    ended = [fake.session_summary(lifecycleStatus="ENDED") for _ in range(300)]
    lengths = [summary["endedAt"] - summary["startedAt"] for summary in ended]
    assert datetime.timedelta(minutes=2) <= min(lengths)
    assert HOUR < max(lengths) < 4 * HOUR
    assert sum(length < 1.5 * HOUR for length in lengths) > 200
    moments = [moment for summary in ended for moment in times_of(summary)]
    assert {moment.microsecond % 1000 for moment in moments} == {0}
    assert len({moment.microsecond for moment in moments}) > 100


def test_requesters_are_arns():
    """``updatedBy`` is the ARN of an assumed role."""
    fake = faker_of(6)
    arns = {fake.session_summary(lifecycleStatus="UPDATE_FAILED")["updatedBy"] for _ in range(50)}
    pattern = r"arn:aws:sts::\d{12}:assumed-role/[A-Z]\w+/[a-z]+"
    assert all(re.fullmatch(pattern, arn) for arn in arns)
    assert len({arn.rpartition("/")[2] for arn in arns}) > 2


@seeds
def test_histories(seed):
    """A history is a valid lifecycle from STARTED on, with no time after ``now``."""
    history = faker_of(seed).session_history(now=LATER)
    assert_lifecycle(history)
    assert history[0]["lifecycleStatus"] == "STARTED"
    assert max(max(times_of(snapshot)) for snapshot in history) < LATER
    statuses = [snapshot["lifecycleStatus"] for snapshot in history]
    assert all(before != after for before, after in itertools.pairwise(statuses))


def test_histories_take_every_step():
    """Histories take every allowed transition and stop at every status."""
    fake = faker_of(7)
    histories = [
        [snapshot["lifecycleStatus"] for snapshot in fake.session_history()] for _ in range(300)
    ]
    steps = {step for history in histories for step in itertools.pairwise(history)}
    assert steps == {
        (before, after)
        for before, following in lifecycle.TRANSITIONS.items()
        for after in following
    }
    assert {history[-1] for history in histories} == set(lifecycle.TRANSITIONS)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 60))
def test_sessions_of_a_job(seed, n):
    """``sessions(n)`` draws n valid sessions of one fleet with unique ids, in start order."""
    sessions = faker_of(seed).sessions(n)
    for session in sessions:
        assert_session_summary(session)
        assert max(times_of(session)) <= NOW
    assert len(sessions) == n
    assert len({session["sessionId"] for session in sessions}) == n
    assert len({session["fleetId"] for session in sessions}) == min(n, 1)
    assert sessions == sorted(sessions, key=lambda session: session["startedAt"])


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 60))
def test_a_worker_runs_one_session_at_a_time(seed, n):
    """A worker's next session starts after its previous session has ended."""
    by_worker = collections.defaultdict(list)
    for session in faker_of(seed).sessions(n, now=LATER):
        by_worker[session["workerId"]].append(session)
    assert len(by_worker) == (n // 8 + 1 if n else 0)
    for sessions in by_worker.values():
        for session, following in itertools.pairwise(sessions):
            assert session["endedAt"] < following["startedAt"]


def test_sessions_are_active_and_ended():
    """``sessions()`` draws ten sessions, and the last session may have any status."""
    fake = faker_of(8)
    assert len(fake.sessions()) == 10
    last = collections.Counter(fake.sessions(3)[-1]["lifecycleStatus"] for _ in range(300))
    assert set(last) == set(lifecycle.TRANSITIONS)
    assert 90 < last["ENDED"] < 210


@pytest.mark.parametrize(
    "fixed",
    [
        {"lifecycleStatus": "STARTED"},
        {"workerId": model.make_id("WorkerId", 5)},
        {"startedAt": LATER},
        {"endedAt": LATER},
        {"updatedBy": "me"},
    ],
)
def test_sessions_with_fixed_members(fixed):
    """``sessions()`` keeps fixed members, and its sessions are valid."""
    sessions = faker_of(9).sessions(20, **fixed)
    assert len(sessions) == 20
    for session in sessions:
        assert_session_summary(session)
        assert session.items() >= fixed.items()


@pytest.mark.parametrize(
    ("method", "options", "kind", "text"),
    [
        (
            "session_summary",
            {"now": "noon"},
            TypeError,
            "now='noon' (expected a timezone-aware datetime)",
        ),
        ("session_history", {"now": 5}, TypeError, "now=5 (expected a timezone-aware datetime)"),
        (
            "sessions",
            {"now": datetime.datetime(2025, 1, 1)},  # noqa: DTZ001 (naive on purpose)
            ValueError,
            "now=datetime.datetime(2025, 1, 1, 0, 0) (expected a timezone-aware datetime)",
        ),
        (
            "session_summary",
            {"status": "ENDED"},
            ValueError,
            "status='ENDED' (expected a member among ",
        ),
        (
            "session_summary",
            {"fleetId": "fleet-1"},
            ValueError,
            "fleetId='fleet-1' (expected to match fleet-[0-9a-f]{32})",
        ),
        (
            "session_summary",
            {"lifecycleStatus": "STARTED", "endedAt": NOW},
            ValueError,
            (
                "ended-at: endedAt: 2025-01-01 18:00:00+00:00 "
                "(expected none, since lifecycleStatus is STARTED)"
            ),
        ),
        (
            "session_summary",
            {"startedAt": NOW, "endedAt": NOW - HOUR},
            ValueError,
            (
                "chronology: endedAt: 2025-01-01 17:00:00+00:00 "
                "(expected not before startedAt, 2025-01-01 18:00:00+00:00)"
            ),
        ),
        (
            "session_summary",
            {"now": NOW, "startedAt": NOW + HOUR},
            ValueError,
            (
                "startedAt=2025-01-01 19:00:00+00:00 "
                "(expected not after now, 2025-01-01 18:00:00+00:00)"
            ),
        ),
        ("sessions", {"n": "3"}, TypeError, "n='3' (expected a whole number, 0 or more)"),
        ("sessions", {"n": True}, TypeError, "n=True (expected a whole number, 0 or more)"),
        ("sessions", {"n": -1}, ValueError, "n=-1 (expected 0 or more)"),
        (
            "sessions",
            {"sessionId": "session-1"},
            ValueError,
            "sessionId='session-1' (expected none, since the ids differ)",
        ),
        (
            "sessions",
            {"n": 0, "workerId": 5},
            ValueError,
            "workerId=5 (expected a string)",
        ),
    ],
)
def test_impossible_arguments_are_refused(method, options, kind, text):
    """Impossible arguments are refused with their name and what is allowed."""
    with pytest.raises(kind) as error:
        getattr(faker_of(0), method)(**options)
    assert str(error.value).startswith(text)


CALLS = [*METHODS, "session_summary", "session_history", "sessions"]


@pytest.mark.parametrize("method", CALLS)
def test_the_same_seed_gives_the_same(method):
    """The same seed gives the same data, whatever other Fakers draw."""
    fake, same, other = faker_of(11), faker_of(11), faker_of(12)
    drawn = [getattr(fake, method)() for _ in range(3)]
    Faker().random.random()
    assert [getattr(same, method)() for _ in range(3)] == drawn
    assert [getattr(other, method)() for _ in range(3)] != drawn
    assert drawn[0] != drawn[1]


def test_a_seed_gives_the_same_in_every_version():
    """Seed 0 gives this summary in every process and version."""
    assert faker_of(0).session_summary() == {
        "sessionId": "session-82e2e662f728b4fa42485e3a0a5d2f34",
        "fleetId": "fleet-c8a70639eb1167b367a9c3787c65c1e5",
        "workerId": "worker-7a024204f7c1bd874da5e709d4713d60",
        "lifecycleStatus": "ENDED",
        "startedAt": datetime.datetime(2025, 1, 1, 10, 16, 26, 854000, tzinfo=UTC),
        "endedAt": datetime.datetime(2025, 1, 1, 11, 19, 31, 714000, tzinfo=UTC),
    }


@pytest.mark.parametrize("add", [lambda fake: fake.add_provider(DeadlineProvider), add_provider])
def test_adding_twice_is_harmless(add):
    """Adding the provider twice does not change what a seed gives."""
    fake = Faker()
    add(fake)
    fake.seed_instance(1)
    once = fake.sessions()
    add(fake)
    fake.seed_instance(1)
    assert fake.sessions() == once


def test_a_fixture_gets_the_provider_once():
    """The ``faker`` fixture gets the provider once for each locale."""
    fake = Faker(["en_US", "ja_JP"])
    for _ in range(2):
        add_provider(fake)
        add_provider(fake.factories[0])
    for generator in fake.factories:
        assert sum(isinstance(added, DeadlineProvider) for added in generator.providers) == 1
    assert fake["ja_JP"].farm_id().startswith("farm-")
    add_provider(object())


def test_faker_includes_the_provider_by_module_name(monkeypatch):
    """Faker loads the provider with ``includes=``, by the name of its module."""
    # Older versions append includes to this global list, which later Fakers would use.
    monkeypatch.setattr(faker.factory, "PROVIDERS", [*faker.factory.PROVIDERS])
    fake = Faker("de_DE", includes=["pytest_deadline_sessions.provider"])
    assert fake.job_id().startswith("job-")
    assert fake.unique.session_id() != fake.unique.session_id()


def test_no_method_of_faker_is_hidden():
    """No method of our provider hides a method of Faker."""
    names = {name for name in vars(DeadlineProvider) if not name.startswith("_")}
    assert names == set(CALLS)
    assert not [name for name in names if hasattr(Faker(), name)]


def test_the_faker_fixture_has_the_provider(pytester, run_pytest):
    """The ``faker`` fixture has our provider once, with any locale."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("again", [1, 2, 3])
        def test_faker(faker, again):
            names = [type(one).__name__ for one in faker.providers]
            assert names.count("DeadlineProvider") == 1
            assert faker.session_id() == "session-e3e70682c2094cac629f6fbed82c07cd"

        class TestLocale:
            @pytest.fixture
            def faker_locale(self):
                return ["en_US", "ja_JP"]

            def test_faker(self, faker):
                assert len(faker.sessions(3)) == 3

        class TestOwn:
            @pytest.fixture
            def faker(self, faker):
                faker.session_id()
                return faker

            def test_faker(self, faker):
                names = [type(one).__name__ for one in faker.providers]
                assert names.count("DeadlineProvider") == 1
        """
    )
    run_pytest("-p", "faker.contrib.pytest.plugin").assert_outcomes(passed=5)


@pytest.mark.at_length
@pytest.mark.parametrize("value", ["None", "unittest.mock.MagicMock()", "[]"])
def test_unrelated_faker_fixtures_are_left_alone(pytester, value):
    """A ``faker`` fixture that is no Faker is left alone, and Faker is not imported."""
    pytester.makepyfile(
        f"""
        import sys
        import unittest.mock

        import pytest

        @pytest.fixture
        def faker():
            return {value}

        def test_faker(faker):
            assert "faker" not in sys.modules
            assert "pytest_deadline_sessions.provider" not in sys.modules

        def test_faker_is_loaded_by_another(faker):
            import faker
            assert faker.Faker

        def test_left_alone(faker):
            assert not hasattr(faker, "sessions") or not faker.add_provider.called
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_nothing_is_loaded_for_others(pytester):
    """Tests that do not ask for ``faker`` do not load the provider."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing(tmp_path):
            assert "pytest_deadline_sessions.provider" not in sys.modules
            assert "botocore" not in sys.modules
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
