"""The unmodified AWS CLI, run as a subprocess."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_deadline_sessions import (
    Behavior,
    FakeDeadline,
    Listing,
    PaginationViolation,
    check_pagination,
)
from pytest_deadline_sessions.checking import VARIATIONS, Program

pytest.importorskip("h11")
# Not the first on the PATH, which may have any version.
_BESIDE = str(Path(sys.executable).with_name("aws"))
AWS = shutil.which(os.environ.get("DEADLINE_SESSIONS_AWS", _BESIDE))
pytestmark = pytest.mark.skipif(AWS is None, reason="the AWS CLI is not installed")


@pytest.fixture
def fake():
    """A fake with small pages, served over HTTP."""
    fake = FakeDeadline(Behavior(page_size=3))
    with fake.serve():
        yield fake


@pytest.fixture
def aws(fake, tmp_path):
    """A function that runs ``aws deadline …`` without the user's configuration."""
    environment = {**fake.endpoint_environment(), "HOME": str(tmp_path), "AWS_PAGER": ""}

    def run(command, ids, *arguments):
        id_options = [part for name, value in ids.items() for part in (f"--{_dashed(name)}", value)]
        return subprocess.run(
            [AWS, "deadline", command, *id_options, *arguments, "--output", "json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def _dashed(name):
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


def _read(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else {}


def _ids(response):
    return [session["sessionId"] for session in response["sessions"]]


def _sizes(fake):
    return [(call.params.get("maxResults"), len(call.sessions)) for call in fake.calls]


@pytest.fixture
def job(fake):
    """A job with ten sessions."""
    return fake.add_job(Listing(runs=(("ENDED", 4), ("STARTED", 6))))


def test_all_pages(fake, aws, job):
    """Without options the CLI follows all tokens and retries after a fault."""
    fake.fail_next("InternalServerErrorException", after=2)
    response = _read(aws("list-sessions", job))
    assert _ids(response) == [session["sessionId"] for session in job.listing]
    assert "NextToken" not in response
    assert _sizes(fake) == [(None, 3), (None, 3), (None, 0), (None, 3), (None, 1)]


def test_page_size(fake, aws, job):
    """``--page-size`` sets ``maxResults`` of each call, and the result is the same."""
    response = _read(aws("list-sessions", job, "--page-size", "2"))
    assert len(_ids(response)) == 10
    assert _sizes(fake) == [(2, 2)] * 5


def test_items_and_starting_token(aws, job):
    """``--max-items`` stops inside a page, and ``--starting-token`` continues from there."""
    first = _read(aws("list-sessions", job, "--max-items", "4"))
    assert len(_ids(first)) == 4
    rest = _read(aws("list-sessions", job, "--starting-token", first["NextToken"]))
    assert _ids(first) + _ids(rest) == [session["sessionId"] for session in job.listing]
    assert "NextToken" not in rest


def test_an_expired_starting_token(fake, aws, job):
    """The CLI shows the service's ValidationException for an expired token."""
    first = _read(aws("list-sessions", job, "--max-items", "3"))
    fake.clock.advance(hours=25)
    done = aws("list-sessions", job, "--starting-token", first["NextToken"])
    assert done.returncode > 0
    assert "ValidationException" in done.stderr
    assert "expired" in done.stderr


def test_a_refusal(fake, aws, job):
    """The CLI fails and shows the service's error."""
    fake.fail_next("AccessDeniedException")
    done = aws("list-sessions", job)
    assert done.returncode > 0
    assert "AccessDeniedException" in done.stderr


def test_getting_and_updating_a_session(aws, job):
    """``update-session`` changes what ``get-session`` and the Session object show."""
    session = job.sessions[5]
    ids = {**job, "sessionId": session.session_id}
    assert _read(aws("get-session", ids))["lifecycleStatus"] == "STARTED"
    assert _read(aws("update-session", ids, "--target-lifecycle-status", "ENDED")) == {}
    details = _read(aws("get-session", ids))
    assert (details["lifecycleStatus"], details["targetLifecycleStatus"]) == (
        "UPDATE_IN_PROGRESS",
        "ENDED",
    )
    assert session.status == "UPDATE_IN_PROGRESS"


def test_other_operations(fake, aws):
    """The CLI reads the name, the session actions and the search result of a job."""
    job = fake.add_job(Listing(runs=(("ENDED", 2),)), tasks=3, details={"name": "Shot 10"})
    assert _read(aws("get-job", job))["name"] == "Shot 10"
    actions = _read(aws("list-session-actions", job))["sessionActions"]
    assert len(actions) == 2 * 2 + 3
    queue = ["--queue-ids", job["queueId"], "--item-offset", "0"]
    result = _read(aws("search-jobs", {"farmId": job["farmId"]}, *queue))
    assert [found_job["name"] for found_job in result["jobs"]] == ["Shot 10"]


def _listing(*arguments, command="list-sessions"):
    ids = ("--farm-id", "{farmId}", "--queue-id", "{queueId}", "--job-id", "{jobId}")
    return Program([AWS, "deadline", command, *ids, *arguments, "--output", "json"])


def test_the_check_of_the_cli():
    """``check_pagination`` finds nothing wrong with the CLI, which pages by itself."""
    check_pagination(_listing())


def test_the_check_of_another_command():
    """``check_pagination`` finds nothing wrong with another command either, but with one page."""
    operation, command = "ListSessionActions", "list-session-actions"
    # Each call starts a process.
    without = [*VARIATIONS.keys() - {"page-sizes", "empty-pages"}]
    check_pagination(_listing(command=command), operation=operation, without=without)
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(_listing("--no-paginate", command=command), operation=operation)
    assert caught.value.finding.cause == "It returned only the first page."


def test_the_check_of_one_page():
    """``check_pagination`` finds that ``--no-paginate`` gets one page only."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(_listing("--no-paginate"))
    assert caught.value.rule == "complete"
    assert caught.value.listing == Listing(page_sizes=(1, 1))
    assert caught.value.finding.cause == "It returned only the first page."
