"""The fake by hand, from the command line."""

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
    until = threading.Event()
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(arguments, until)))
    thread.start()
    out = ""
    while thread.is_alive() and "list-sessions" not in out:
        thread.join(0.01)
        out += capsys.readouterr().out
    return until, thread, codes, out


def _url(out):
    # Beside an older botocore it has a user.
    host = re.search(r"^export AWS_ENDPOINT_URL_DEADLINE=http://(?:\w+@)?(\S+)", out, re.MULTILINE)[
        1
    ]
    return f"http://{host}"


def test_serve_prints_what_a_client_needs_and_logs_calls(capsys):
    """URL, environment and ids are printed; a request that uses them is logged."""
    until, thread, codes, out = _started(["serve", "--sessions", "3"], capsys)
    url = _url(out)
    ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", out).groups()
    with urllib.request.urlopen(url + PATH.format(*ids)) as response:
        assert response.read().count(b"sessionId") == 3
    until.set()
    thread.join()
    assert codes == [0]
    assert "→ 200, 3 sessions, no token" in capsys.readouterr().out
    assert "export AWS_DISABLE_HOST_PREFIX_INJECTION=true" in out
    assert "export AWS_EC2_METADATA_DISABLED=true" in out


def test_other_names_can_be_allowed(capsys):
    """``--allow-host`` can be given more than once."""
    allowed = ["a.example", "b.example"]
    options = [part for name in allowed for part in ("--allow-host", name)]
    until, thread, _, out = _started(["serve", *options], capsys)
    url = _url(out)
    ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", out).groups()
    for name in allowed:
        request = urllib.request.Request(url + PATH.format(*ids), headers={"Host": name})
        with urllib.request.urlopen(request) as response:
            assert response.status == 200
    until.set()
    thread.join()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "expected a loopback address"),
        (["--port", "70000"], "expected 0..65535"),
        (["--sessions", "-1"], "expected 0 or more"),
    ],
)
def test_wrong_options_end_it_with_the_reason(capsys, arguments, words):
    """A wrong value is told on standard error, and the exit code is not 0."""
    assert main(["serve", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_nobody_reads_the_log(capsys, monkeypatch):
    """Calls are answered all the same."""
    until, thread, codes, out = _started(["serve"], capsys)
    url = _url(out)
    ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", out).groups()

    def broken(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", broken)
    with urllib.request.urlopen(url + PATH.format(*ids)) as response:
        assert response.status == 200
    until.set()
    thread.join()
    assert codes == [0]


def test_interrupting_ends_it_quietly(capsys):
    """Ctrl-C is no error."""

    class Interrupted(threading.Event):
        def wait(self, timeout=None):  # noqa: ARG002 (as in the base class)
            raise KeyboardInterrupt

    assert main(["serve"], Interrupted()) == 0
    assert capsys.readouterr().err == ""


def test_the_module_runs():
    """``python -m pytest_deadline_sessions`` is there and shows its help."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_deadline_sessions", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--sessions" in done.stdout


def test_all_of_the_environment_is_shown(capsys, monkeypatch):
    """A shell that takes it over reaches the fake, whatever it had set before."""
    monkeypatch.setenv("AWS_PROFILE", "studio")
    until, thread, _, out = _started(["serve", "--sessions", "1"], capsys)
    until.set()
    thread.join()
    shown = dict(re.findall(r"^export (\w+)=(.*)$", out, re.MULTILINE))
    endpoint = Endpoint(_url(out))
    assert shown == endpoint.environment({})
    unset = re.search(r"^unset (.+)$", out, re.MULTILINE)[1].split()
    assert set(unset) == set(REMOVED)


def test_too_many_sessions(capsys):
    """Told as any other wrong value."""
    assert main(["serve", "--sessions", "2000000000"]) == 1
    assert "sessions=2000000000" in capsys.readouterr().err
