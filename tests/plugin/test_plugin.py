"""The plugin's fixtures and its marker."""

from __future__ import annotations

import pytest


@pytest.fixture
def run(pytester, run_pytest):
    """Return a function that runs one test module in its own pytest."""

    def run(source, *options):
        pytester.makepyfile(source)
        return run_pytest(*options)

    return run


def test_each_test_starts_afresh(run):
    """Jobs, calls, faults, listeners and advanced time of one test are gone in the next."""
    run(
        """
        import datetime
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test(deadline_sessions, deadline_sessions_client, turn):
            assert deadline_sessions.jobs == []
            assert deadline_sessions.calls == []
            now = datetime.datetime.now(datetime.timezone.utc)
            assert abs(deadline_sessions.clock.now() - now) < datetime.timedelta(minutes=1)
            job = deadline_sessions.add_job(sessions=1)
            assert len(deadline_sessions_client.list_sessions(**job)["sessions"]) == 1
            deadline_sessions.fail_next("AccessDeniedException", times=None)
            deadline_sessions.on_call(lambda call: pytest.fail("told of a call in another test"))
            deadline_sessions.clock.advance(days=7)
        """
    ).assert_outcomes(passed=2)


def test_interception_lasts_as_long_as_the_test(run):
    """Interception covers a test that uses the fixture, with its fixtures, and no other test."""
    run(
        """
        import os
        import boto3
        import botocore.client
        import pytest

        before = dict(vars(botocore.client.BaseClient))

        def list_sessions(job):
            return boto3.client("deadline").list_sessions(**job)["sessions"]

        @pytest.fixture
        def job(deadline_sessions):
            job = deadline_sessions.add_job(sessions=1)
            assert len(list_sessions(job)) == 1
            yield job
            assert len(list_sessions(job)) == 1

        def test_intercepted(job):
            assert len(list_sessions(job)) == 1
            assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"

        def test_not_intercepted():
            assert "AWS_ACCESS_KEY_ID" not in os.environ
            assert vars(botocore.client.BaseClient) == before
        """,
    ).assert_outcomes(passed=2)


def test_clients_created_at_import(run):
    """A client that was created at import, without credentials, is answered."""
    run(
        """
        import boto3

        client = boto3.client("deadline", region_name="eu-west-1")

        def test(deadline_sessions):
            job = deadline_sessions.add_job(sessions=3)
            assert len(client.list_sessions(**job)["sessions"]) == 3
        """
    ).assert_outcomes(passed=1)


def test_unittest_classes(run):
    """``usefixtures`` on a TestCase intercepts the calls of its tests."""
    run(
        """
        import unittest
        import boto3
        import pytest
        from botocore.exceptions import ClientError

        IDS = {
            "farmId": "farm-" + "0" * 32, "queueId": "queue-" + "0" * 32, "jobId": "job-" + "0" * 32
        }

        @pytest.mark.usefixtures("deadline_sessions")
        class Test(unittest.TestCase):
            def test(self):
                with self.assertRaises(ClientError) as caught:
                    boto3.client("deadline").list_sessions(**IDS)
                assert caught.exception.response["Error"]["Code"] == "ResourceNotFoundException"
        """
    ).assert_outcomes(passed=1)


def test_the_closest_marker_wins(run):
    """Options of markers on module, class and function are merged; the closest wins."""
    run(
        """
        import pytest

        pytestmark = pytest.mark.deadline_sessions(page_size=3, token_length=100)

        def test_module(deadline_sessions):
            assert deadline_sessions.behavior.page_size == 3

        @pytest.mark.deadline_sessions(page_size=2)
        class Test:
            def test_class(self, deadline_sessions):
                assert deadline_sessions.behavior.page_size == 2
                assert deadline_sessions.behavior.token_length == 100

            @pytest.mark.deadline_sessions(page_size=1)
            def test_function(self, deadline_sessions):
                assert deadline_sessions.behavior.page_size == 1
                assert deadline_sessions.behavior.token_length == 100
        """
    ).assert_outcomes(passed=3)


def test_the_marker_of_one_test_ends_with_it(run):
    """A test without a marker has the default Behavior, also after a marked test."""
    run(
        """
        import pytest
        from pytest_deadline_sessions import Behavior

        @pytest.mark.deadline_sessions(page_size=3)
        def test_marked(deadline_sessions):
            assert deadline_sessions.behavior == Behavior(page_size=3)

        def test_unmarked(deadline_sessions):
            assert deadline_sessions.behavior == Behavior()
        """
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("page_sizes=2", "page_sizes=2 (expected one of assert_all_responses_requested, strict, *"),
        ("page_size=0", "page_size=0 (expected 1..100)"),
        ("page_size='2'", "page_size='2' (expected a whole number, 1..100)"),
        ("strict=1", "strict=1 (expected True or False)"),
        ("strict='x' * 3000", f"strict='{'x' * 78}… (expected True or False)"),
        ("**{'x' * 3000: 1}", f"{'x' * 79}…=1 (expected one of assert_all_responses_requested, *"),
        ("5", "(5,) (expected keyword arguments only)"),
        ("'x' * 3000", f"('{'x' * 77}… (expected keyword arguments only)"),
    ],
)
def test_wrong_markers_are_refused_before_any_test_runs(run, options, message):
    """An invalid marker is a usage error that names the test, before any test runs."""
    result = run(
        f"""
        import pytest

        def test_first():
            pass

        @pytest.mark.deadline_sessions({options})
        def test_marked():
            pass
        """
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    where = "test_wrong_markers_are_refused_before_any_test_runs.py::test_marked"
    result.stderr.fnmatch_lines(
        [f"ERROR: {where}: @pytest.mark.deadline_sessions: {message}".replace("[", "[[]")]
    )
    result.stdout.no_fnmatch_line("*passed*")


def test_the_marker_is_declared(run):
    """``--markers`` describes the marker, and ``--strict-markers`` accepts it."""
    result = run("", "--markers", "--strict-markers")
    result.stdout.fnmatch_lines(
        [
            (
                "@pytest.mark.deadline_sessions(**options): members of Behavior for the service of "
                "this test, and the switches assert_all_responses_requested, strict; *"
            )
        ]
    )


def test_wider_fixtures_may_not_use_the_service(run):
    """A module fixture that adds a job gets an error; one that passes the fake on does not."""
    result = run(
        """
        import pytest

        @pytest.fixture(scope="module")
        def job(deadline_sessions):
            return deadline_sessions.add_job(sessions=2)

        @pytest.fixture(scope="session")
        def fake(deadline_sessions):
            return deadline_sessions

        def test(job):
            pass

        @pytest.mark.parametrize("count", [1, 2])
        def test_passing_it_on_is_fine(fake, count):
            job = fake.add_job(sessions=count)
            assert len(fake.client().list_sessions(**job)["sessions"]) == count
        """
    )
    result.assert_outcomes(errors=1, passed=2)
    result.stdout.fnmatch_lines(["E *add_job(): deadline_sessions is only usable in *"])


def test_the_environment_of_wider_fixtures(run):
    """Variables set by a module fixture are kept, and restored after each test."""
    result = run(
        """
        import os

        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def farm_region():
            before = dict(os.environ)
            os.environ["AWS_DEFAULT_REGION"] = "eu-central-1"
            os.environ["AWS_ACCESS_KEY_ID"] = "FARM"
            yield
            del os.environ["AWS_DEFAULT_REGION"]
            del os.environ["AWS_ACCESS_KEY_ID"]

        @pytest.fixture
        def around(deadline_sessions):
            job = deadline_sessions.add_job()
            yield job
            assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
            deadline_sessions.client().list_sessions(**job)

        @pytest.fixture(scope="session", autouse=True)
        def nothing_is_left():
            before = dict(os.environ)
            yield
            after = dict(os.environ)
            assert before == {**after, "PYTEST_CURRENT_TEST": before["PYTEST_CURRENT_TEST"]}

        def test_first(around):
            assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
            assert os.environ["AWS_DEFAULT_REGION"] == "eu-central-1"

        def test_without_it():
            assert os.environ["AWS_ACCESS_KEY_ID"] == "FARM"
            assert os.environ["AWS_DEFAULT_REGION"] == "eu-central-1"

        def test_without_fixtures_of_its_own(deadline_sessions):
            assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
        """
    )
    result.assert_outcomes(passed=3)


def test_objects_kept_after_their_test(run):
    """A client, job or session kept from an earlier test raises an error when it is used."""
    result = run(
        """
        import pytest

        kept = []

        def test_one(deadline_sessions):
            job = deadline_sessions.add_job()
            kept.extend([deadline_sessions.client(), job, job.start_session()])

        def test_other():
            client, job, session = kept
            with pytest.raises(RuntimeError, match="ListSessions: deadline_sessions is only"):
                client.list_sessions(**job)
            with pytest.raises(RuntimeError, match="deadline_sessions is only usable"):
                job.start_session()
            with pytest.raises(RuntimeError, match="deadline_sessions is only usable"):
                session.request_end()
        """
    )
    result.assert_outcomes(passed=2)


def test_each_example_starts_afresh(run):
    """Under ``@given`` each example starts from the state that the fixtures have set up."""
    run(
        """
        import boto3
        import pytest
        from hypothesis import HealthCheck, given, settings, strategies as st

        @pytest.fixture
        def job(deadline_sessions):
            deadline_sessions.clock.advance(hours=1)
            deadline_sessions.fail_next("ThrottlingException")
            return deadline_sessions.add_job(sessions=2)

        examples = []

        @given(count=st.integers(0, 3))
        # The health check is about job; creating a client is slow on a busy machine.
        @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
        def test(deadline_sessions, job, count):
            offset = deadline_sessions.clock.now()
            for _ in range(count):
                job.start_session()
            listed = boto3.client("deadline").list_sessions(**job)["sessions"]
            assert len(listed) == 2 + count
            assert [call.status for call in deadline_sessions.calls] == [429, 200]
            deadline_sessions.clock.advance(days=9)
            deadline_sessions.add_job()
            examples.append(offset)

        def test_time_did_not_add_up():
            assert len(examples) > 3
            assert (examples[-1] - examples[0]).total_seconds() < 3600
        """,
        "-W",
        "error",
    ).assert_outcomes(passed=2)


def test_no_health_check_fires(run):
    """A ``@given`` test can use the fixture without suppressing a health check."""
    run(
        """
        from hypothesis import given, strategies as st

        @given(count=st.integers(0, 3))
        def test(deadline_sessions, count):
            assert deadline_sessions.jobs == []
            deadline_sessions.add_job(sessions=count)
        """,
        "-W",
        "error",
    ).assert_outcomes(passed=1)


def test_coroutines_under_given(run, pytester):
    """Examples of async ``@given`` tests start from the state of the fixtures too."""
    pytester.makeconftest(
        """
        import asyncio
        import inspect
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            given = pyfuncitem.obj.hypothesis
            inner = given.inner_test
            assert inspect.iscoroutinefunction(inner)
            given.inner_test = lambda *args, **kwargs: asyncio.run(inner(*args, **kwargs))
        """
    )
    run(
        """
        import asyncio
        from hypothesis import given, strategies as st

        @given(count=st.integers(0, 3))
        async def test(deadline_sessions, count):
            await asyncio.sleep(0)
            assert deadline_sessions.jobs == []
            deadline_sessions.add_job(sessions=count)
        """
    ).assert_outcomes(passed=1)


def test_given_on_every_backend_of_anyio(run):
    """A plugin may use our wrapper of a function for its next test with other parameters."""
    pytest.importorskip("anyio")
    pytest.importorskip("trio")
    run(
        """
        import pytest
        from hypothesis import given, strategies as st

        @pytest.mark.anyio
        @pytest.mark.parametrize("job", ["first", "second"])
        @given(count=st.integers(0, 3))
        async def test(deadline_sessions, job, count):
            assert deadline_sessions.jobs == []
            deadline_sessions.add_job(sessions=count)
        """,
        "-panyio",
    ).assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("plugins", "options"),
    [
        (["xdist"], ["-n", "2"]),
        (["pytest_randomly"], []),
        (["xdist", "pytest_randomly"], ["-n", "2"]),
    ],
)
def test_xdist_and_randomly(run, plugins, options):
    """With pytest-xdist and pytest-randomly each test still gets a fresh service."""
    for plugin in plugins:
        pytest.importorskip(plugin)
    run(
        """
        import boto3
        import pytest

        @pytest.mark.parametrize("count", range(12))
        def test(deadline_sessions, count):
            job = deadline_sessions.add_job(sessions=count)
            assert len(boto3.client("deadline").list_sessions(**job)["sessions"]) == count
            assert len(deadline_sessions.calls) == 1
        """,
        *(f"-p{plugin}" for plugin in plugins),
        *options,
    ).assert_outcomes(passed=12)


@pytest.mark.at_length
def test_optimised_python(pytester, monkeypatch):
    """With ``python -O`` invalid responses are still refused and broken rules reported."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    pytester.makepyfile(
        """
        import pytest
        from pytest_deadline_sessions import PaginationViolation, check_pagination

        def test(list_sessions_stubber):
            with pytest.raises(ValueError, match="sessionId"):
                list_sessions_stubber.add_pages([[{}]])
            with pytest.raises(PaginationViolation):
                check_pagination(lambda client, **job: client.list_sessions(**job)["sessions"])
        """
    )
    result = pytester.runpytest_subprocess("-W", "ignore::pytest.PytestConfigWarning")
    result.assert_outcomes(passed=1)


def test_closing_the_fake_in_a_test(run):
    """If a test closes the fake, the next test gets an open one."""
    run(
        """
        import boto3
        import pytest

        @pytest.mark.parametrize("time", range(2))
        def test(deadline_sessions, time):
            job = deadline_sessions.add_job(sessions=1)
            assert len(boto3.client("deadline").list_sessions(**job)["sessions"]) == 1
            deadline_sessions.close()
        """
    ).assert_outcomes(passed=2)
