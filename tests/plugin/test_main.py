"""The command ``python -m pytest_deadline_sessions``."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import urllib.request

import pytest

from pytest_deadline_sessions.__main__ import main
from pytest_deadline_sessions._transport.environment import REMOVED
from pytest_deadline_sessions._transport.http_server import Endpoint

pytest.importorskip("h11")

PATH = "/2023-10-12/farms/{}/queues/{}/jobs/{}/sessions"


def _started(arguments, capsys):
    stop = threading.Event()
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(arguments, stop)))
    thread.start()
    output = ""
    while thread.is_alive() and "list-sessions" not in output:
        thread.join(0.01)
        output += capsys.readouterr().out
    return stop, thread, codes, output


def _url(output):
    # With an older botocore the URL has a user name.
    host = re.search(
        r"^export AWS_ENDPOINT_URL_DEADLINE=http://(?:\w+@)?(\S+)", output, re.MULTILINE
    )[1]
    return f"http://{host}"


def test_serve_prints_what_a_client_needs_and_logs_calls(capsys):
    """``serve`` prints URL, environment and ids, and logs the calls that use them."""
    stop, thread, codes, output = _started(["serve", "--sessions", "3"], capsys)
    url = _url(output)
    ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", output).groups()
    with urllib.request.urlopen(url + PATH.format(*ids)) as response:
        assert response.read().count(b"sessionId") == 3
    stop.set()
    thread.join()
    assert codes == [0]
    assert "→ 200, 3 sessions, no token" in capsys.readouterr().out
    assert "export AWS_DISABLE_HOST_PREFIX_INJECTION=true" in output
    assert "export AWS_EC2_METADATA_DISABLED=true" in output


def test_other_names_can_be_allowed(capsys):
    """``--allow-host`` can be given more than once."""
    allowed = ["a.example", "b.example"]
    options = [part for name in allowed for part in ("--allow-host", name)]
    stop, thread, _, output = _started(["serve", *options], capsys)
    url = _url(output)
    ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", output).groups()
    for name in allowed:
        request = urllib.request.Request(url + PATH.format(*ids), headers={"Host": name})
        with urllib.request.urlopen(request) as response:
            assert response.status == 200
    stop.set()
    thread.join()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "expected a loopback address"),
        (["--port", "70000"], "expected 0..65535"),
        (["--sessions", "-1"], "expected 0 or more"),
    ],
)
def test_invalid_options(capsys, arguments, words):
    """An invalid option is explained on standard error, and the exit code is 1."""
    assert main(["serve", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_closed_log_pipe(capsys, monkeypatch):
    """Calls are answered even if printing the log raises BrokenPipeError."""
    stop, thread, codes, output = _started(["serve"], capsys)
    url = _url(output)
    ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", output).groups()

    def broken(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", broken)
    with urllib.request.urlopen(url + PATH.format(*ids)) as response:
        assert response.status == 200
    stop.set()
    thread.join()
    assert codes == [0]


def test_interrupting_serve(capsys):
    """Ctrl-C ends ``serve`` with exit code 0 and without an error message."""

    class Interrupted(threading.Event):
        def wait(self, timeout=None):  # noqa: ARG002 (as in the base class)
            raise KeyboardInterrupt

    assert main(["serve"], Interrupted()) == 0
    assert capsys.readouterr().err == ""


def test_the_module_runs():
    """``python -m pytest_deadline_sessions serve --help`` shows the options."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_deadline_sessions", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--sessions" in done.stdout


def test_the_printed_environment(capsys, monkeypatch):
    """``serve`` prints all variables to set and to unset."""
    monkeypatch.setenv("AWS_PROFILE", "studio")
    stop, thread, _, output = _started(["serve", "--sessions", "1"], capsys)
    stop.set()
    thread.join()
    exported = dict(re.findall(r"^export (\w+)=(.*)$", output, re.MULTILINE))
    endpoint = Endpoint(_url(output))
    assert exported == endpoint.environment({})
    unset = re.search(r"^unset (.+)$", output, re.MULTILINE)[1].split()
    assert set(unset) == set(REMOVED)


def test_too_many_sessions(capsys):
    """An impossible number of sessions gives exit code 1 and an error message."""
    assert main(["serve", "--sessions", "2000000000"]) == 1
    assert "sessions=2000000000" in capsys.readouterr().err
