"""Child processes reach the fake if the test serves it, and are refused otherwise."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver

import boto3
import pytest

from pytest_deadline_sessions._transport import environment

METHODS = sorted({"spawn", "forkserver"} & set(multiprocessing.get_all_start_methods()))
PROGRAM = """
import sys
import boto3

job = dict(zip(["farmId", "queueId", "jobId"], sys.argv[1:]))
print(len(boto3.client("deadline").list_sessions(**job)["sessions"]))
"""
REFUSED = "pytest-deadline-sessions refuses this process"


def count(ids):
    """Return the number of sessions that this process lists, or the text of its error."""
    # An audit hook checks that the child process looks up no other host.
    lookups = []
    sys.addaudithook(
        lambda event, args: lookups.append(args) if event == "socket.getaddrinfo" else None
    )
    try:
        sessions = boto3.client("deadline").list_sessions(**ids)["sessions"]
    except ValueError as error:
        return str(error)
    assert not [args for args in lookups if args[0] not in {"127.0.0.1", b"127.0.0.1"}], lookups
    return len(sessions)


def variables():
    """Return the environment of this process."""
    return dict(os.environ)


class CountingProcess(multiprocessing.get_context("spawn").Process):
    """A process class with its own ``run``."""

    def run(self):
        """Put the number of listed sessions in the queue."""
        self._args[1].put(count(self._args[0]))


@contextlib.contextmanager
def pool(method):
    """A pool of one process with the given start method."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as executor:
        yield executor


@pytest.fixture(autouse=True)
def no_fork_server():
    """Stop the fork server before and after each test."""
    forkserver._forkserver._stop()
    yield
    forkserver._forkserver._stop()


@pytest.mark.parametrize("method", METHODS)
def test_a_child_process_reaches_the_server(deadline_sessions, deadline_sessions_endpoint, method):
    """A child process reaches the served fake without any settings by hand."""
    job = deadline_sessions.add_job(sessions=3)
    with pool(method) as executor:
        assert executor.submit(count, dict(job)).result() == 3
    assert len(deadline_sessions.calls) == 1
    assert (
        os.environ["AWS_ENDPOINT_URL_DEADLINE"]
        == (deadline_sessions_endpoint.environment()["AWS_ENDPOINT_URL_DEADLINE"])
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_child_process_without_a_server(deadline_sessions, method):
    """Without a server a child process gets an error that names the endpoint fixture."""
    job = deadline_sessions.add_job(sessions=3)
    with pool(method) as executor:
        refusal = executor.submit(count, dict(job)).result()
    assert REFUSED in refusal
    assert "deadline_sessions_endpoint" in refusal
    assert deadline_sessions.calls == []


def test_processes_of_other_classes(deadline_sessions, deadline_sessions_endpoint):
    """A process of a user-defined class reaches the server."""
    job = deadline_sessions.add_job(sessions=2)
    queue = multiprocessing.get_context("spawn").Queue()
    process = CountingProcess(args=(dict(job), queue))
    process.start()
    assert queue.get(timeout=60) == 2
    process.join()
    assert deadline_sessions_endpoint


@pytest.mark.at_length
def test_joblib(deadline_sessions, deadline_sessions_endpoint):
    """Processes that joblib starts reach the server."""
    joblib = pytest.importorskip("joblib")
    job = deadline_sessions.add_job(sessions=2)
    with joblib.parallel_config("loky", n_jobs=1):
        assert joblib.Parallel()([joblib.delayed(len)("ab")]) == [2]
    run = joblib.Parallel(n_jobs=2)
    assert run([joblib.delayed(count)(dict(job))] * 2) == [2, 2]
    joblib.externals.loky.get_reusable_executor().shutdown(wait=True)
    assert deadline_sessions_endpoint


@pytest.mark.skipif("forkserver" not in METHODS, reason="this system has no fork server")
def test_a_fork_server_started_before(deadline_sessions, deadline_sessions_endpoint, monkeypatch):
    """Processes of an older fork server get the test's environment, not the fork server's."""
    context = multiprocessing.get_context("forkserver")
    monkeypatch.setenv("AWS_PROFILE", "studio")
    monkeypatch.delenv("AWS_ENDPOINT_URL_DEADLINE")
    forkserver.ensure_running()
    monkeypatch.undo()
    job = deadline_sessions.add_job(sessions=2)
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(count, dict(job)).result() == 2
        assert "AWS_PROFILE" not in executor.submit(variables).result()
    assert deadline_sessions_endpoint


@pytest.mark.skipif("forkserver" not in METHODS, reason="this system has no fork server")
def test_a_fork_server_that_outlives_the_test(pytester):
    """A fork server started in a test passes none of that test's environment to later processes."""
    pytester.makepyfile(
        """
        import multiprocessing
        import os
        from concurrent.futures import ProcessPoolExecutor

        def variables():
            return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

        def there():
            context = multiprocessing.get_context("forkserver")
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                return executor.submit(variables).result()

        def test_inside(deadline_sessions):
            assert there()["AWS_ACCESS_KEY_ID"] == "testing"

        def test_outside():
            assert there() == variables()
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def _subprocess(job, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *job.values()],
        capture_output=True,
        check=False,
        text=True,
        **options,
    )


def test_subprocesses(deadline_sessions, request):
    """A subprocess that inherits the environment is refused without a server, and then answered."""
    job = deadline_sessions.add_job(sessions=3)
    refused = _subprocess(job)
    assert REFUSED in refused.stderr
    assert refused.stdout == ""
    request.getfixturevalue("deadline_sessions_endpoint")
    assert _subprocess(job).stdout == "3\n"
    assert _subprocess(job, env=dict(os.environ)).stdout == "3\n"


@pytest.mark.usefixtures("deadline_sessions_endpoint")
def test_a_client_of_this_process_needs_no_server(deadline_sessions):
    """In the test's own process a client keeps its usual endpoint, and uses no server."""
    client = boto3.client("deadline")
    assert client.meta.endpoint_url == "https://deadline.us-west-2.amazonaws.com"
    assert client.meta.config.inject_host_prefix
    assert len(client.list_sessions(**deadline_sessions.add_job(sessions=1))["sessions"]) == 1


def test_the_refusal_leads_nowhere():
    """The refusal, read as a URL, leads to a port of this machine on which nothing listens."""
    assert environment.REFUSAL.startswith("http://127.0.0.1:1/\t")
