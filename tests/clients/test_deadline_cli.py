"""The vendor's unmodified ``deadline`` command, in this process and as a subprocess."""

from __future__ import annotations

import json
import subprocess
import sys

import boto3
import pytest

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing
from pytest_deadline_sessions._api import model

pytest.importorskip("deadline.client.cli._groups._batch_get", reason="needs deadline>=0.60")
moto = pytest.importorskip("moto")

from click.testing import CliRunner  # noqa: E402 (comes with deadline)
from deadline.client.api import _session  # noqa: E402 (skipped without it)
from deadline.client.cli import main  # noqa: E402 (skipped without it)

PROFILE = model.make_id("StorageProfileId", 1)
LOGGED = 5
BUCKET = "renders"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Keep the command from the user's files, and switch its telemetry off."""
    for name, value in {
        "HOME": tmp_path,
        "DEADLINE_CONFIG_FILE_PATH": tmp_path / "config",
        "DEADLINE_CLOUD_TELEMETRY_OPT_OUT": "true",
        "AWS_CONFIG_FILE": tmp_path / "aws-config",
        "AWS_SHARED_CREDENTIALS_FILE": tmp_path / "aws-credentials",
        "AWS_DEFAULT_REGION": "us-west-2",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.fixture
def fake():
    """A fake with small pages that intercepts this process; moto answers other services."""
    _forget()
    with moto.mock_aws(), FakeDeadline(Behavior(page_size=2)) as fake:
        yield fake
    _forget()


def _forget():
    _session.invalidate_boto3_session_cache()
    _session.get_session_client.cache_clear()


def _options(job, *names):
    flags = {"farmId": "--farm-id", "queueId": "--queue-id", "jobId": "--job-id"}
    return [part for name in names or flags for part in (flags[name], job[name])]


def _run(*arguments):
    """Run the command in this process and return its output."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def _operations(fake, *, failed=False):
    return [call.operation for call in fake.calls if failed or call.error is None]


def _log(job, session_id, lines):
    """Write the log of a session to the log group and stream that the fake gives."""
    details = boto3.client("deadline").get_session(**job, sessionId=session_id)["log"]
    logs = boto3.client("logs")
    group, stream = details["options"]["logGroupName"], details["options"]["logStreamName"]
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    at = int(job.session(session_id).summary["startedAt"].timestamp() * 1000)
    events = [{"timestamp": at + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_logs_of_the_latest_session(fake):
    """``job logs`` pages through all sessions, despite a fault, and shows the latest one's log."""
    job = fake.add_job(sessions=5, details={"name": "Shot 10"})
    last = job.listing[4]["sessionId"]
    _log(job, last, [f"line {number}" for number in range(LOGGED)])
    fake.calls.clear()
    fake.fail_next("ThrottlingException", after=1)
    output = _run("job", "logs", *_options(job), "--output", "verbose")
    assert f"Using the latest session: {last}" in output
    assert "Job Name: Shot 10" in output
    assert [line for line in output.splitlines() if "line " in line][-1].endswith("line 4")
    assert _operations(fake) == ["GetJob", *["ListSessions"] * 3, "GetSession"]
    assert [call.error for call in fake.calls if call.error] == ["ThrottlingException"]


def test_logs_of_an_action(fake):
    """``job logs --session-action-id`` shows the log for the time of the action."""
    job = fake.add_job(sessions=1, tasks=1)
    session_id = job.listing[0]["sessionId"]
    _log(job, session_id, ["line"])
    action_id = session_id.replace("session-", "sessionaction-") + "-0"
    output = _run(
        "job", "logs", *_options(job), "--session-action-id", action_id, "--output", "json"
    )
    assert [event["message"] for event in json.loads(output)["events"]] == ["line"]
    assert "GetSessionAction" in _operations(fake)


def test_no_logs_without_sessions(fake):
    """``job logs`` fails for a job without sessions, and says so."""
    job = fake.add_job()
    done = CliRunner().invoke(main, ["job", "logs", *_options(job)])
    assert done.exit_code == 1
    assert f"No sessions found for job {job['jobId']}" in done.output


def test_a_fault_that_stays(fake):
    """A fault on every attempt ends the command with the service's error."""
    job = fake.add_job(sessions=1)
    fake.fail_next("AccessDeniedException", operation="GetJob", times=None)
    done = CliRunner().invoke(main, ["job", "trace-schedule", *_options(job)])
    assert done.exit_code == 1
    assert "AccessDeniedException" in done.output


def _traced(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _check_trace(trace, job):
    """Check that the trace has all sessions, with the actions of their tasks."""
    events = trace["traceEvents"]
    session_ids = [event["args"]["sessionId"] for event in events if event["ph"] == "B"]
    assert session_ids == [session["sessionId"] for session in job.listing]
    names = {event["name"] for event in events if event["cat"] == "taskRun"}
    assert names == {f"Frame={number}" for number in (1, 2, 3)}
    totals = trace["otherData"]
    # Each session enters and exits its environment, and each task runs once.
    assert (totals["sessionCount"], totals["taskRunCount"], totals["envActionCount"]) == (5, 6, 10)
    assert totals["sessionActionDuration"] == totals["sessionDuration"]


def test_tracing_a_schedule(fake, home):
    """``job trace-schedule`` gets consistent sessions, actions, steps and tasks, despite faults."""
    job = fake.add_job(Listing(runs=(("ENDED", 5),)), steps=2, tasks=6)
    for operation in ("ListSessions", "ListSessionActions", "BatchGetStep", "BatchGetTask"):
        fake.fail_next("InternalServerErrorException", operation=operation)
    written = home / "trace.json"
    output = _run(
        "job",
        "trace-schedule",
        *_options(job),
        *["--trace-format", "chrome", "--trace-file", str(written)],
    )
    assert "Warning" not in output
    _check_trace(_traced(written), job)
    operations = _operations(fake)
    assert operations.count("ListSessions") == 3
    assert operations.count("ListSessionActions") == 5 * 2
    assert operations[-2:] == ["BatchGetStep", "BatchGetTask"]
    assert sum(call.error is not None for call in fake.calls) == 4


@pytest.mark.parametrize("attachments", [False, True])
def test_synchronising_a_queue_in_a_dry_run(fake, home, attachments):
    """``queue sync-output --dry-run`` searches jobs, and the sessions of those with attachments."""
    settings = {"s3BucketName": BUCKET, "rootPrefix": "farm"}
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    manifests = [{"rootPath": "/out", "rootPathFormat": "posix"}]
    details = {"name": "Shot 10", "storageProfileId": PROFILE}
    if attachments:
        details["attachments"] = {"manifests": manifests}
    job = fake.add_job(
        Listing(runs=(("STARTED", 3),), started_at=fake.clock.now()), tasks=9, details=details
    )
    fake.describe(job["queueId"], displayName="Renders", jobAttachmentSettings=settings)
    fake.describe(PROFILE, displayName="Here")
    fake.clock.advance(hours=1)
    fake.fail_next("ThrottlingException", operation="SearchJobs")
    output = _run(
        *["queue", "sync-output", *_options(job, "farmId", "queueId"), "--dry-run", "--verbose"],
        *["--checkpoint-dir", str(home / "checkpoints"), "--storage-profile-id", PROFILE],
        *["--bootstrap-lookback-minutes", "60"],
    )
    assert "Shot 10 (6/9 tasks succeeded)" in output
    assert ("does not use job attachments" in output) is not attachments
    assert ("3 sessions across 1 job" in output) is attachments
    assert ("ran 6/6 task runs with no output" in output) is attachments
    operations = _operations(fake)
    assert operations[:4] == ["GetStorageProfileForQueue", "GetQueue", "SearchJobs", "SearchJobs"]
    assert operations.count("ListSessions") == (2 if attachments else 0)
    assert operations.count("ListSessionActions") == (6 if attachments else 0)
    assert ("AssumeQueueRoleForUser" in operations) is attachments


def test_searching_a_long_queue(fake, home):
    """More jobs than one search returns are found by their creation times."""
    for _ in range(120):
        job = fake.add_job(sessions=1)
        fake.clock.advance(seconds=1)
    settings = {"s3BucketName": BUCKET, "rootPrefix": "farm"}
    fake.describe(job["queueId"], jobAttachmentSettings=settings)
    output = _run(
        *["queue", "sync-output", *_options(job, "farmId", "queueId"), "--dry-run", "--verbose"],
        *["--checkpoint-dir", str(home / "checkpoints"), "--ignore-storage-profiles"],
    )
    assert "no candidate jobs" in output
    searches = [call for call in fake.calls if call.operation == "SearchJobs"]
    assert [len(call.response["jobs"]) for call in searches] == [100, 21, 0]
    assert [call.response["totalResults"] for call in searches] == [120, 21, 0]


def _run_outside(fake, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "deadline", *arguments],
        env=fake.endpoint_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.usefixtures("deadline_sessions_endpoint")
def test_tracing_a_schedule_from_outside(deadline_sessions, home):
    """As a subprocess, ``job trace-schedule`` gets the same, over several pages and a fault."""
    fake = deadline_sessions
    fake.reset(Behavior(page_size=2))
    job = fake.add_job(Listing(runs=(("ENDED", 5),)), steps=2, tasks=6)
    fake.fail_next("InternalServerErrorException", after=1)
    written = home / "trace.json"
    done = _run_outside(
        fake,
        *["job", "trace-schedule", *_options(job)],
        *["--trace-format", "chrome", "--trace-file", str(written)],
    )
    assert done.returncode == 0, done.stderr
    _check_trace(_traced(written), job)
    assert sum(call.error is not None for call in fake.calls) == 1
    assert _operations(fake).count("ListSessions") == 3


@pytest.mark.usefixtures("deadline_sessions_endpoint")
def test_logs_from_outside(deadline_sessions, monkeypatch):
    """As a subprocess, ``job logs`` pages despite a fault, and reads the log from moto's server."""
    pytest.importorskip("flask", reason="needs moto[server]")
    from moto.server import ThreadedMotoServer

    fake = deadline_sessions
    fake.reset(Behavior(page_size=2))
    job = fake.add_job(sessions=5)
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint)
        _log(job, job.listing[4]["sessionId"], ["line"])
        fake.calls.clear()
        fake.fail_next("ThrottlingException", after=1)
        done = _run_outside(fake, "job", "logs", *_options(job), "--output", "json")
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    assert [event["message"] for event in json.loads(done.stdout)["events"]] == ["line"]
    assert _operations(fake) == ["GetJob", *["ListSessions"] * 3, "GetSession"]
    assert sum(call.error is not None for call in fake.calls) == 1


@pytest.mark.usefixtures("deadline_sessions_endpoint")
def test_synchronising_from_outside(deadline_sessions, home):
    """As a subprocess, ``queue sync-output --dry-run`` finds a job without output."""
    fake = deadline_sessions
    job = fake.add_job(Listing(runs=(("ENDED", 1),)), tasks=1, details={"name": "Shot 10"})
    fake.describe(job["jobId"], endedAt=fake.clock.now())
    settings = {"s3BucketName": BUCKET, "rootPrefix": "farm"}
    fake.describe(job["queueId"], jobAttachmentSettings=settings)
    done = _run_outside(
        fake,
        *["queue", "sync-output", *_options(job, "farmId", "queueId"), "--dry-run", "--verbose"],
        *["--checkpoint-dir", str(home / "checkpoints"), "--ignore-storage-profiles"],
        *["--bootstrap-lookback-minutes", "60"],
    )
    assert done.returncode == 0, done.stderr
    assert "Shot 10 (1/1 tasks succeeded)" in done.stdout


@pytest.mark.usefixtures("deadline_sessions_endpoint")
def test_refused_from_outside(deadline_sessions):
    """A fault is shown to the user of the subprocess and recorded in the transcript."""
    fake = deadline_sessions
    job = fake.add_job(sessions=1)
    fake.fail_next("AccessDeniedException")
    done = _run_outside(fake, "job", "logs", *_options(job))
    assert done.returncode == 1
    assert "AccessDeniedException" in done.stdout + done.stderr
    assert [(call.operation, call.error) for call in fake.calls] == [
        ("GetJob", None),
        ("ListSessions", "AccessDeniedException"),
    ]
