"""However a test requests the service, it gets an active and fresh one, or an error."""

from __future__ import annotations

import itertools
import textwrap

import pytest

# A request that would leave the process raises SystemExit.
GUARD = """
import botocore.httpsession
import boto3
import pytest


@pytest.fixture(scope="session", autouse=True)
def guard():
    def send(self, request):
        raise SystemExit(f"would leave: {request.url}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.httpsession.URLLib3Session, "send", send)
        patch.setenv("AWS_ACCESS_KEY_ID", "REAL")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "REAL")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


def count(job):
    return len(boto3.client("deadline").list_sessions(**job)["sessions"])


def pytest_configure(config):
    pytest.count = count
"""


@pytest.fixture
def run(pytester, run_pytest):
    """Return a function that runs one test module in its own pytest, below GUARD."""
    pytester.makeconftest(GUARD)

    def run(source, *options):
        pytester.makepyfile(source)
        return run_pytest(*options)

    return run


RERUN = """
import pytest

runs = []

@pytest.fixture
def job(deadline_sessions):
    assert deadline_sessions.jobs == []
    assert deadline_sessions.calls == []
    return deadline_sessions.add_job(sessions=2)

@pytest.mark.deadline_sessions(page_size=1)
def test_first_fails_then_passes(job, deadline_sessions):
    runs.append(1)
    assert deadline_sessions.behavior.page_size == 1
    assert pytest.count(job) == 1
    assert len(deadline_sessions.calls) == 1
    deadline_sessions.fail_next("AccessDeniedException", times=None)
    assert len(runs) > 2

def test_fails_in_its_fixtures(request):
    runs.append(1)
    fake = request.getfixturevalue("deadline_sessions")
    assert pytest.count(fake.add_job(sessions=3)) == 3
    assert len(runs) > 5

def test_after(deadline_sessions):
    assert pytest.count(deadline_sessions.add_job(sessions=4)) == 4
"""


@pytest.mark.parametrize(
    ("plugin", "options", "outcomes"),
    [
        ("pytest_rerunfailures", ["--reruns", "2"], {"passed": 3, "rerun": 4}),
        (
            "flaky.flaky_pytest_plugin",
            ["--force-flaky", "--max-runs", "3", "--no-flaky-report"],
            {"passed": 3},
        ),
    ],
)
def test_reruns(run, plugin, options, outcomes):
    """Each rerun of a test is intercepted and gets a fresh service."""
    pytest.importorskip(plugin)
    result = run(RERUN, "-p", plugin, *options)
    assert result.parseoutcomes() == {**outcomes}


def test_rerunning_the_protocol(pytester, run_pytest):
    """A plugin may rerun a test's whole protocol, or its call alone, or skip its set-up."""
    conftest = """
import pytest
from _pytest.runner import call_and_report, runtestprotocol


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    if item.name == "test_that_is_not_set_up":
        item._initrequest()
        item.session._setupstate.setup(item)
        fake = item._request.getfixturevalue("deadline_sessions")
        with pytest.raises(RuntimeError, match="is only usable in"):
            fake.add_job()
        call_and_report(item, "call", log=True)
        call_and_report(item, "teardown", log=False, nextitem=nextitem)
        return True
    for log in (False, True):
        runtestprotocol(item, nextitem=nextitem, log=log)
    item._initrequest()
    call_and_report(item, "setup", log=False)
    for _ in range(2):
        assert call_and_report(item, "call", log=True).passed
    call_and_report(item, "teardown", log=False, nextitem=nextitem)
    return True
"""
    pytester.makeconftest(GUARD + conftest)
    run_again = """
        import pytest

        def test(deadline_sessions):
            assert pytest.count(deadline_sessions.add_job(sessions=2)) == 2
            assert deadline_sessions.behavior.page_size == 100

        def test_that_is_not_set_up():
            pass
    """
    pytester.makepyfile(run_again)
    # The logging plugin fails without the set-up that this test skips.
    result = run_pytest("-p", "no:logging")
    assert result.parseoutcomes() == {"passed": 4}


def test_a_stubber_of_an_earlier_run(run):
    """A rerun whose set-up fails is not also reported for unused responses."""
    pytest.importorskip("pytest_rerunfailures")
    result = run(
        """
        import pytest

        runs = []

        @pytest.fixture
        def broken(list_sessions_stubber):
            runs.append(1)
            list_sessions_stubber.add_pages([[]])
            if len(runs) == 2:
                raise ValueError("second")

        def test(broken):
            if len(runs) == 3:
                import boto3
        """,
        *("-p", "pytest_rerunfailures", "--reruns", "1"),
    )
    # The first run leaves a page unused; the second fails in its set-up, and reports only that.
    result.stdout.fnmatch_lines(["E *ValueError: second"])
    result.stdout.no_fnmatch_line("*left*after*")


BY_NAME = {
    "in the test": """
        import pytest

        @pytest.mark.parametrize("times", range(2))
        def test(request, times):
            fake = request.getfixturevalue("deadline_sessions")
            assert fake.jobs == []
            assert pytest.count(fake.add_job(sessions=2)) == 2
            assert fake.behavior.page_size == 100

        @pytest.mark.deadline_sessions(page_size=1)
        def test_marked(request):
            fake = request.getfixturevalue("deadline_sessions")
            assert pytest.count(fake.add_job(sessions=2)) == 1

        def test_without_it_goes_out():
            with pytest.raises(SystemExit, match="would leave"):
                pytest.count({"farmId": "x", "queueId": "x", "jobId": "x"})
        """,
    "by a fixture": """
        import pytest
        from botocore.exceptions import ClientError

        @pytest.fixture(params=["deadline_sessions"])
        def service(request):
            fake = request.getfixturevalue(request.param)
            yield fake
            assert pytest.count(fake.jobs[0]) == 2

        @pytest.fixture
        def only_the_client(request):
            return request.getfixturevalue("deadline_sessions_client")

        @pytest.mark.parametrize("times", range(2))
        def test(service, times):
            assert pytest.count(service.add_job(sessions=2)) == 2

        def test_client(only_the_client, deadline_sessions):
            job = deadline_sessions.add_job(sessions=2)
            assert len(only_the_client.list_sessions(**job)["sessions"]) == 2

        def test_client_alone(only_the_client):
            with pytest.raises(ClientError, match="ResourceNotFound"):
                pytest.count({"farmId": "farm-" + "0" * 32, "queueId": "queue-" + "0" * 32,
                              "jobId": "job-" + "0" * 32})
        """,
    "indirectly": """
        import pytest

        @pytest.fixture
        def service(request):
            return request.getfixturevalue(request.param)

        @pytest.mark.parametrize("service", ["deadline_sessions"] * 2, indirect=True)
        def test(service):
            assert service.jobs == []
            assert pytest.count(service.add_job(sessions=2)) == 2
        """,
    "in a class": """
        import unittest
        import pytest

        class Test(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def service(self, request):
                self.fake = request.getfixturevalue("deadline_sessions")

            def test_one(self):
                self.assertEqual(self.fake.jobs, [])
                self.assertEqual(pytest.count(self.fake.add_job(sessions=2)), 2)

            test_two = test_one
        """,
    "by an outliving fixture": """
        import pytest

        @pytest.fixture(scope="session")
        def service(request):
            return request.getfixturevalue("deadline_sessions")

        @pytest.fixture(scope="module")
        def through(service):
            return service

        @pytest.mark.parametrize("times", range(2))
        def test(service, times):
            assert pytest.count(service.add_job(sessions=2)) == 2

        @pytest.mark.parametrize("times", range(2))
        def test_by_name(request, times):
            fake = request.getfixturevalue("through")
            assert fake.jobs == []
            assert pytest.count(fake.add_job(sessions=2)) == 2
        """,
    "below a fixture of the same name": """
        import pytest

        @pytest.fixture
        def deadline_sessions(deadline_sessions):
            deadline_sessions.add_job(sessions=2)
            return deadline_sessions

        @pytest.mark.parametrize("times", range(2))
        def test(deadline_sessions, times):
            assert len(deadline_sessions.jobs) == 1
            assert pytest.count(deadline_sessions.jobs[0]) == 2
        """,
    "under given": """
        import pytest
        from hypothesis import HealthCheck, given, settings, strategies as st

        @given(count=st.integers(0, 3))
        @settings(
            max_examples=5,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        def test(request, count):
            fake = request.getfixturevalue("deadline_sessions")
            assert fake.jobs == []
            assert pytest.count(fake.add_job(sessions=count)) == count

        @given(count=st.integers(0, 3))
        @settings(
            max_examples=5,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        def test_without_it(request, count):
            assert request.node.name == "test_without_it"
        """,
}


def test_requests_by_name(pytester, run_pytest):
    """Requested by name in any way, the service is active and fresh in every test."""
    pytester.makeconftest(GUARD)
    pytester.makepyfile(
        **{f"test_{name.replace(' ', '_')}": source for name, source in BY_NAME.items()}
    )
    outcomes = run_pytest("-W", "error").parseoutcomes()
    assert set(outcomes) == {"passed"}, outcomes


@pytest.mark.parametrize(
    ("plugin", "files"),
    [
        (
            "pytest_bdd.plugin",
            {
                "counting.feature": """
                    Feature: Counting
                      Scenario: Sessions of a job
                        Given a job with 2 sessions
                        Then 2 sessions are listed
                """,
                "test_it.py": """
                    import pytest
                    from pytest_bdd import given, parsers, scenarios, then

                    scenarios("counting.feature")

                    @given(parsers.parse("a job with {count:d} sessions"), target_fixture="job")
                    def job(deadline_sessions, count):
                        assert deadline_sessions.jobs == []
                        return deadline_sessions.add_job(sessions=count)

                    @then(parsers.parse("{count:d} sessions are listed"))
                    def listed(job, count):
                        assert pytest.count(job) == count

                    def test_again(deadline_sessions):
                        assert deadline_sessions.jobs == []
                """,
            },
        ),
        (
            "pytest_lazy_fixtures.plugin",
            {
                "test_it.py": """
                    import pytest
                    from pytest_lazy_fixtures import lf

                    @pytest.mark.parametrize("fake", [lf("deadline_sessions")] * 2)
                    def test(fake):
                        assert fake.jobs == []
                        assert pytest.count(fake.add_job(sessions=2)) == 2

                    @pytest.fixture(params=[lf("deadline_sessions_client")])
                    def client(request):
                        return request.param

                    def test_client(client, deadline_sessions):
                        job = deadline_sessions.add_job(sessions=2)
                        assert len(client.list_sessions(**job)["sessions"]) == 2
                """,
            },
        ),
    ],
)
def test_plugins_that_request_by_name(pytester, run_pytest, plugin, files):
    """The steps of pytest-bdd and lazy fixtures get an active, fresh service."""
    pytest.importorskip(plugin)
    pytester.makeconftest(GUARD)
    for name, text in files.items():
        pytester.path.joinpath(name).write_text(textwrap.dedent(text))
    outcomes = run_pytest("-p", plugin).parseoutcomes()
    # With an older pytest, pytest-bdd causes warnings.
    assert set(outcomes) - {"warnings"} == {"passed"}, outcomes


OUTLIVING = {
    "by argument": "@pytest.fixture(scope='module')\ndef wide(deadline_sessions):",
    "through another": "@pytest.fixture(scope='session')\ndef lower(deadline_sessions):\n    "
    "return deadline_sessions\n\n@pytest.fixture(scope='module')\ndef wide(lower):",
    "by name": "@pytest.fixture(scope='module')\ndef wide(request):\n    "
    "request.getfixturevalue('deadline_sessions')",
    "in a class": "@pytest.fixture(scope='class')\ndef wide(deadline_sessions):",
}


ASKING = {
    "by argument": "def test(wide, deadline_sessions):",
    "by name": "def test(request):\n    wide = request.getfixturevalue('wide')\n    "
    "deadline_sessions = request.getfixturevalue('deadline_sessions')",
}
REFUSED = """
import boto3
import pytest

IDS = {"farmId": "farm-" + "0" * 32, "queueId": "queue-" + "0" * 32, "jobId": "job-" + "0" * 32}

def refused():
    with pytest.raises(RuntimeError, match="ListSessions: deadline_sessions is only usable"):
        boto3.client("deadline").list_sessions(**IDS)

WIDE
    refused()
    yield
    refused()

@pytest.fixture(scope="module", autouse=True)
def theirs():
    yield
    with pytest.raises(SystemExit, match="would leave"):
        boto3.client("deadline").list_sessions(**IDS)

TEST
    job = deadline_sessions.add_job(sessions=2)
    assert pytest.count(job) == 2
"""


def test_wider_fixtures_send_nothing(pytester, run_pytest):
    """Calls in set-up and teardown of a wider fixture that requests the service are refused."""
    pytester.makeconftest(GUARD)
    pytester.makepyfile(
        **{
            f"test_{number}": REFUSED.replace("WIDE", wide).replace("TEST", test)
            for number, (wide, test) in enumerate(
                itertools.product(OUTLIVING.values(), ASKING.values())
            )
        }
    )
    outcomes = run_pytest("-W", "error").parseoutcomes()
    assert outcomes == {"passed": len(OUTLIVING) * len(ASKING)}


def test_fixture_requests_are_released(run):
    """The fixture requests of earlier tests are released, and fixtures torn down in time."""
    run(
        """
        import gc
        import pytest

        torn_down = []

        @pytest.fixture
        def job(deadline_sessions):
            yield deadline_sessions.add_job(sessions=1)
            torn_down.append("job")

        @pytest.mark.parametrize("number", range(4))
        def test_one(number, job):
            assert pytest.count(job) == 1
            gc.collect()
            requests = [
                thing for thing in gc.get_objects() if isinstance(thing, pytest.FixtureRequest)
            ]
            assert sum(request.fixturename == "job" for request in requests) == 1
            assert len(torn_down) == number
        """
    ).assert_outcomes(passed=4)


def test_nothing_remains_after_a_test(run):
    """After a test its calls are garbage-collected and all patches are undone."""
    run(
        """
        import os
        import botocore.client
        import botocore.session
        import gc
        import pytest
        from multiprocessing.process import BaseProcess

        KINDS = (
            botocore.client.BaseClient, botocore.client.ClientCreator, botocore.session.Session,
            BaseProcess, type(os.environ),
        )
        before = [dict(vars(kind)) for kind in KINDS]

        def test_one(deadline_sessions, deadline_sessions_client):
            job = deadline_sessions.add_job(sessions=100)
            assert pytest.count(job) == 100
            assert [dict(vars(kind)) for kind in KINDS] != before

        def test_other():
            from pytest_deadline_sessions._domain.transcript import Call
            from pytest_deadline_sessions._state import journal

            gc.collect()
            assert list(journal) == []
            assert not [call for call in gc.get_objects() if isinstance(call, Call)]
            assert [dict(vars(kind)) for kind in KINDS] == before
        """
    ).assert_outcomes(passed=2)
