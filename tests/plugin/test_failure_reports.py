"""What somebody reads when a test that used the toolkit fails."""

from __future__ import annotations

import pytest

IDS = "farmId=farm-0000…0001, queueId=queue-0000…0001, jobId=job-0000…0001"


@pytest.fixture
def sections(pytester, run_pytest):
    """Run one test module, and give the sections of its report with their lines."""

    def run(source):
        pytester.makepyfile(source)
        result = run_pytest("-q")
        found = {}
        lines = None
        for line in result.outlines:
            if line.startswith(("----", "====", "____")):
                lines = found.setdefault(line.strip("-=_ "), [])
            elif lines is not None:
                lines.append(line)
        return found

    return run


def test_transcript(sections):
    """One line per call: what changed, what came, when; retries indented below their call."""
    found = sections(
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
    lines = found["Deadline Cloud calls"]
    first, second, third, fourth = lines[:4]
    token = first.split("token ")[1].split("  at ")[0]
    # Older service models have the ids in another order.
    given = first.removeprefix("ListSessions(").split(") → ")[0].split(", ")
    assert sorted(given) == sorted(IDS.split(", "))
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


def test_only_tests_that_used_the_toolkit_have_a_section(sections):
    """A failing test without calls has no section, whatever the test before it called."""
    found = sections(
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
    assert "test_fails" in found
    assert "test_does_not_use_it" in found
    assert "Deadline Cloud calls" not in found


def test_fakes_that_a_test_makes_itself(sections):
    """The calls to each fake of a failing test are shown, also outside of the fixture."""
    found = sections(
        """
        from pytest_deadline_sessions import FakeDeadline

        def test():
            for count in (1, 2):
                fake = FakeDeadline()
                fake.client().list_sessions(**fake.add_job(sessions=count))
            assert 0
        """
    )
    lines = found["Deadline Cloud calls"]
    assert [line.split(" → ")[1].split(", no")[0] for line in lines] == [
        "200, 1 session",
        "200, 2 sessions",
    ]


def test_stubbed_calls(sections):
    """Calls to the stubber are shown as those to the fake are."""
    found = sections(
        """
        def test(list_sessions_stubber):
            job = {"farmId": "farm-" + "0" * 31 + "1", "queueId": "queue-" + "0" * 31 + "1",
                   "jobId": "job-" + "0" * 31 + "1"}
            list_sessions_stubber.add_pages([[]], **job)
            list_sessions_stubber.client.list_sessions(**job)
            assert 0
        """
    )
    (line,) = found["Deadline Cloud calls"][:1]
    assert line.startswith(f"ListSessions({IDS}) → 200, 0 sessions, no token  at ")


def test_responses_left_over(sections):
    """A passing test that left responses unrequested fails when torn down, and says which."""
    found = sections(
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
    assert found["ERROR at teardown of test_left_over"] == [
        "1 of 1 queued responses were never requested:",
        f"  1. ListSessions({IDS}) → no sessions, no token",
        "",
        (
            "If the code may stop early, use @pytest.mark.deadline_sessions"
            '(assert_all_responses_requested=False). See "list_sessions_stubber" in the README.'
        ),
    ]
    assert "test_failed_anyway" in found
    assert not any(name.startswith("ERROR at teardown of test_f") for name in found)


def test_responses_that_the_service_could_not_send(sections):
    """They are refused, unless the marker says that they are meant."""
    found = sections(
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
    assert "test_meant" not in found
    assert any(
        "sessionId: 'session-1' (expected to match session-[0-9a-f]{32})" in line
        for line in found["test_not_meant"]
    )


def test_an_unexpected_call_that_the_code_swallowed(sections):
    """A test whose code hid the stubber's refusal fails all the same."""
    found = sections(
        """
        import contextlib

        def test(list_sessions_stubber):
            with contextlib.suppress(Exception):
                list_sessions_stubber.client.list_sessions(
                    farmId="farm-" + "0" * 32, queueId="queue-" + "0" * 32, jobId="job-" + "0" * 32
                )
        """
    )
    assert "ERROR at teardown of test" in found
