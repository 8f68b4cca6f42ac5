"""The reports of failing tests that used a fake or a stubber."""

from __future__ import annotations

import pytest

IDS = "farmId=farm-0000…0001, queueId=queue-0000…0001, jobId=job-0000…0001"


@pytest.fixture
def sections(pytester, run_pytest):
    """Run one test module, and return the sections of its report with their lines."""

    def run(source):
        pytester.makepyfile(source)
        result = run_pytest("-q")
        by_title = {}
        lines = None
        for line in result.outlines:
            if line.startswith(("----", "====", "____")):
                lines = by_title.setdefault(line.strip("-=_ "), [])
            elif lines is not None:
                lines.append(line)
        return by_title

    return run


def test_transcript(sections):
    """The report shows one line per call, and retries indented below their call."""
    report = sections(
        """
        import boto3
        from botocore.config import Config
        from pytest_deadline_sessions import Listing

        def test(deadline_sessions):
            with deadline_sessions.clock.freeze("2030-01-01 12:00"):
                job = deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))
                deadline_sessions.fail_next("ThrottlingException", after=1)
                deadline_sessions.fail_next("AccessDeniedException", after=1)
                client = boto3.client("deadline", config=Config(retries={"mode": "standard"}))
                for page in client.get_paginator("list_sessions").paginate(**job):
                    deadline_sessions.clock.advance(hours=2)
        """
    )
    lines = report["Deadline Cloud calls"]
    first, second, third, fourth = lines[:4]
    token = first.split("token ")[1].split("  at ")[0]
    # Older service models have the ids in a different order.
    arguments = first.removeprefix("ListSessions(").split(") → ")[0].split(", ")
    assert sorted(arguments) == sorted(IDS.split(", "))
    assert first.endswith(f") → 200, 2 sessions, token {token}  at 2030-01-01 12:00:00")
    assert second == (
        f"ListSessions(nextToken={token}) → 429 ThrottlingException: Rate exceeded.  "
        "at 2030-01-01 14:00:00"
    )
    assert third.startswith("    retry 1: 200, 0 sessions, token '")
    assert third[:-1].endswith("  at 2030-01-01 14:00:0")
    assert fourth.startswith("ListSessions(nextToken='")
    assert fourth.endswith(
        ") → 403 AccessDeniedException: User is not authorized to perform this operation.  at "
        + third[-19:].replace("14:", "16:")
    )


def test_a_failing_test_without_calls(sections):
    """A failing test that made no calls has no section of calls."""
    report = sections(
        """
        import boto3

        def test_uses_it(deadline_sessions):
            boto3.client("deadline").list_sessions(**deadline_sessions.add_job())

        def test_fails(deadline_sessions):
            assert 0

        def test_does_not_use_it():
            assert 0
        """
    )
    assert "test_fails" in report
    assert "test_does_not_use_it" in report
    assert "Deadline Cloud calls" not in report


def test_fakes_created_by_the_test(sections):
    """The report shows the calls of every fake that the test created itself."""
    report = sections(
        """
        from pytest_deadline_sessions import FakeDeadline

        def test():
            for count in (1, 2):
                fake = FakeDeadline()
                fake.client().list_sessions(**fake.add_job(sessions=count))
            assert 0
        """
    )
    lines = report["Deadline Cloud calls"]
    assert [line.split(" → ")[1].split(", no")[0] for line in lines] == [
        "200, 1 session",
        "200, 2 sessions",
    ]


def test_stubbed_calls(sections):
    """The report shows calls to the stubber like calls to a fake."""
    report = sections(
        """
        def test(list_sessions_stubber):
            job = {"farmId": "farm-" + "0" * 31 + "1", "queueId": "queue-" + "0" * 31 + "1",
                   "jobId": "job-" + "0" * 31 + "1"}
            list_sessions_stubber.add_pages([[]], **job)
            list_sessions_stubber.client.list_sessions(**job)
            assert 0
        """
    )
    (line,) = report["Deadline Cloud calls"][:1]
    assert line.startswith(f"ListSessions({IDS}) → 200, 0 sessions, no token  at ")


def test_unused_responses(sections):
    """A passing test with unused responses fails at teardown with a list of them.

    The marker can allow unused responses. A failed test gets no second error for them.
    """
    report = sections(
        """
        import pytest

        JOB = {"farmId": "farm-" + "0" * 31 + "1", "queueId": "queue-" + "0" * 31 + "1",
               "jobId": "job-" + "0" * 31 + "1"}

        def test_left_over(list_sessions_stubber):
            list_sessions_stubber.add_pages([[]], **JOB)

        @pytest.mark.deadline_sessions(assert_all_responses_requested=False)
        def test_left_over_on_purpose(list_sessions_stubber):
            list_sessions_stubber.add_pages([[]], **JOB)

        def test_failed_anyway(list_sessions_stubber):
            list_sessions_stubber.add_pages([[]], **JOB)
            assert 0
        """
    )
    assert report["ERROR at teardown of test_left_over"] == [
        "1 of 1 queued responses were never requested:",
        f"  1. ListSessions({IDS}) → no sessions, no token",
        "",
        (
            "If the code may stop early, use @pytest.mark.deadline_sessions"
            '(assert_all_responses_requested=False). See "list_sessions_stubber" in the README.'
        ),
    ]
    assert "test_failed_anyway" in report
    assert not any(name.startswith("ERROR at teardown of test_f") for name in report)


def test_responses_that_the_service_could_not_send(sections):
    """Impossible responses are refused, unless the marker has ``strict=False``."""
    report = sections(
        """
        import pytest

        JOB = {"farmId": "farm-" + "0" * 31 + "1", "queueId": "queue-" + "0" * 31 + "1",
               "jobId": "job-" + "0" * 31 + "1"}

        @pytest.mark.deadline_sessions(strict=False)
        def test_meant(list_sessions_stubber):
            list_sessions_stubber.add_pages([[{"sessionId": "session-1"}]], **JOB)
            page = list_sessions_stubber.client.list_sessions(**JOB)
            assert page["sessions"] == [{"sessionId": "session-1"}]

        def test_not_meant(list_sessions_stubber):
            list_sessions_stubber.add_pages([[{"sessionId": "session-1"}]], **JOB)
        """
    )
    assert "test_meant" not in report
    assert any(
        "sessionId: 'session-1' (expected to match session-[0-9a-f]{32})" in line
        for line in report["test_not_meant"]
    )


def test_an_unexpected_call_that_the_code_swallowed(sections):
    """An unexpected call fails the test at teardown, even if the code swallows its error."""
    report = sections(
        """
        import contextlib

        def test(list_sessions_stubber):
            with contextlib.suppress(Exception):
                list_sessions_stubber.client.list_sessions(
                    farmId="farm-" + "0" * 32, queueId="queue-" + "0" * 32, jobId="job-" + "0" * 32
                )
        """
    )
    assert "ERROR at teardown of test" in report


def test_a_failing_state_machine(sections):
    """The report of a failing state machine shows the calls of its last run only."""
    report = sections(
        """
        from pytest_deadline_sessions import strategies as ds

        class Dashboard(ds.SessionsMachine):
            def collect(self, client, **job):
                return client.list_sessions(**job)["sessions"]

        TestDashboard = Dashboard.TestCase
        """
    )
    (line,) = report["Deadline Cloud calls"]
    assert line.startswith("ListSessions(")


def test_only_the_example_that_failed_is_shown(sections):
    """A ``@given`` test shows the calls of its fixtures and of the example that failed."""
    report = sections(
        """
        import pytest
        from hypothesis import HealthCheck, given, settings, strategies as st
        from pytest_deadline_sessions import FakeDeadline

        @pytest.fixture
        def farm():
            fake = FakeDeadline()
            fake.client().list_sessions(**fake.add_job(farmId="farm-" + "a" * 32))
            return fake

        @settings(database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(sessions=st.integers(0, 100))
        def test(farm, sessions):
            fake = FakeDeadline()
            found = fake.client().list_sessions(**fake.add_job(sessions=sessions))["sessions"]
            assert len(found) < 7
        """
    )
    of_fixture, of_example = report["Deadline Cloud calls"]
    assert "farm-aaaa" in of_fixture
    assert "200, 7 sessions" in of_example
