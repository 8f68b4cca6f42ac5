"""The fake served over HTTP on loopback."""

from __future__ import annotations

import gc
import http.client
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore import configprovider
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from pytest_deadline_sessions import FakeDeadline
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS

pytest.importorskip("h11")

LIST = "/2023-10-12/farms/{farmId}/queues/{queueId}/jobs/{jobId}/sessions"


@pytest.fixture
def fake():
    """A fake that intercepts nothing, so every call reaches it over HTTP."""
    return FakeDeadline()


@pytest.fixture
def no_backoff(monkeypatch):
    """Replace ``time.sleep``, because retries over a real connection would really wait."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def _client(endpoint, **config):
    return boto3.client(
        "deadline",
        endpoint_url=str(endpoint),
        region_name="us-west-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(inject_host_prefix=False, **config),
    )


def test_pages_over_http_are_those_of_the_fake(fake):
    """A client over HTTP gets the fake's sessions, page by page, and its calls are recorded."""
    job = fake.add_job(sessions=250)
    with fake.serve() as endpoint:
        pages = _client(endpoint).get_paginator("list_sessions").paginate(**job)
        session_ids = [summary["sessionId"] for page in pages for summary in page["sessions"]]
    assert session_ids == [summary["sessionId"] for summary in job.listing]
    assert [call.status for call in fake.calls] == [200, 200, 200]


@pytest.mark.usefixtures("no_backoff")
def test_retries_over_http_are_recorded(fake):
    """A retry over HTTP is recorded as the second attempt of its call."""
    job = fake.add_job(sessions=1)
    fake.fail_next("ThrottlingException")
    with fake.serve() as endpoint:
        _client(endpoint).list_sessions(**job)
    assert [(call.attempt, call.error) for call in fake.calls] == [
        (1, "ThrottlingException"),
        (2, None),
    ]


@pytest.mark.parametrize("fault", BROKEN_CONNECTIONS)
def test_broken_connections_are_closed(fake, fault):
    """A broken-connection fault closes the connection; the server then serves the next call."""
    job = fake.add_job(sessions=1)
    fake.fail_next(fault)
    with fake.serve() as endpoint:
        client = _client(endpoint, retries={"total_max_attempts": 1})
        with pytest.raises(ConnectionClosedError):
            client.list_sessions(**job)
        assert len(client.list_sessions(**job)["sessions"]) == 1


def test_modelled_errors_over_http(fake):
    """A modelled error reaches an HTTP client with its status, code and members."""
    job = fake.add_job()
    with fake.serve() as endpoint, pytest.raises(ClientError) as raised:
        _client(endpoint).get_session(**job, sessionId="session-" + "f" * 32)
    response = raised.value.response
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert response["resourceType"] == "session"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_operations_that_the_fake_lacks(fake):
    """Calling an operation that the fake lacks gives an HTTP client an error that names it."""
    with fake.serve() as endpoint, pytest.raises(ClientError, match="no deadline:ListMonitors"):
        _client(endpoint).list_monitors()


def test_an_operation_that_raises(fake):
    """If a user-defined operation raises, the client gets an error with the exception's message."""
    client_config = {"retries": {"total_max_attempts": 1}}

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        msg = "the user's own mistake"
        raise KeyError(msg)

    with fake.serve() as endpoint, pytest.raises(ClientError, match="the user's own mistake"):
        _client(endpoint, **client_config).list_monitors()


def test_unknown_paths(fake):
    """A path that no operation has gets a ValidationException with reason UNKNOWN_OPERATION."""
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
        connection.request("GET", "/2023-10-12/nothing")
        response = connection.getresponse()
        body = response.read()
        connection.close()
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert b"UNKNOWN_OPERATION" in body


def test_a_connection_survives_a_head_request(fake):
    """The response to HEAD has no body, so the next response on the connection parses correctly."""
    path = LIST.format(**fake.add_job())
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
        connection.request("HEAD", path)
        assert connection.getresponse().read() == b""
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        connection.close()


def test_bodies_reach_the_operation(fake):
    """UpdateSession, whose request has a body, works over HTTP."""
    job = fake.add_job(sessions=1)
    session = job.sessions[0]
    with fake.serve() as endpoint:
        _client(endpoint).update_session(
            **job, sessionId=session.session_id, targetLifecycleStatus="ENDED"
        )
    assert session.status == "UPDATE_IN_PROGRESS"


def test_connections_are_kept_alive(fake):
    """Several requests can use one connection."""
    job = fake.add_job(sessions=1)
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
        connection.connect()
        before = connection.sock.getsockname()
        for _ in range(3):
            connection.request("GET", LIST.format(**job))
            assert connection.getresponse().read().startswith(b'{"sessions"')
            assert connection.sock is not None
            assert connection.sock.getsockname() == before
        connection.close()


def test_concurrent_clients_get_their_own_pages(fake):
    """Eight clients that page concurrently each get the complete listing."""
    job = fake.add_job(sessions=30)
    with fake.serve() as endpoint:

        def collect(_number):
            pages = (
                _client(endpoint)
                .get_paginator("list_sessions")
                .paginate(**job, PaginationConfig={"PageSize": 7})
            )
            return [summary["sessionId"] for page in pages for summary in page["sessions"]]

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(collect, range(8)))
    assert all(session_ids == results[0] and len(session_ids) == 30 for session_ids in results)
    assert len(fake.calls) == 8 * 5


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", ""])
def test_only_loopback_is_served(fake, host):
    """Serving on a host that is not a loopback address is refused."""
    with pytest.raises(ValueError, match="expected a loopback address"):
        fake.serve(host)


@pytest.mark.parametrize("host", [2130706433, None, b"127.0.0.1"])
def test_hosts_are_strings(fake, host):
    """A host that is not a string is refused at once, even the number of a loopback address."""
    with pytest.raises(TypeError, match=r"^host=.* \(expected a loopback address, such as "):
        fake.serve(host)


@pytest.mark.parametrize("port", [-1, 65536])
def test_ports_are_checked(fake, port):
    """A port out of range is refused at once."""
    with pytest.raises(ValueError, match=rf"^port={port} \(expected 0\.\.65535\)$"):
        fake.serve(port=port)


@pytest.mark.parametrize("port", [True, "80", None, 80.0])
def test_ports_are_whole_numbers(fake, port):
    """A port that is not a whole number is refused at once."""
    with pytest.raises(TypeError) as caught:
        fake.serve(port=port)
    assert str(caught.value) == f"port={port!r} (expected a whole number, 0..65535)"


def test_a_port_that_is_taken(fake):
    """A port in use is refused with an error that names host and port, and no socket stays open."""
    with fake.serve() as endpoint:
        port = int(endpoint.rpartition(":")[2])
        message = rf"host='127.0.0.1', port={port} \(expected an address that is free\)"
        with pytest.raises(OSError, match=message), fake.serve(port=port):
            pass
        assert fake.endpoint_environment({})["AWS_ENDPOINT_URL_DEADLINE"].endswith(str(port))
    gc.collect()


@pytest.mark.parametrize("base", [3, "PATH", []])
def test_an_environment_extends_a_mapping(fake, base):
    """The environment to extend must be a mapping."""
    with fake.serve() as endpoint, pytest.raises(TypeError) as caught:
        endpoint.environment(base)
    assert str(caught.value) == f"base={base!r} (expected a dict of environment variables)"


def test_an_address_that_is_not_there(fake):
    """The error for an address with a long scope shows only its beginning."""
    with pytest.raises(OSError, match=r"host='::1%x+…, port=0 \(expected") as caught:
        fake.serve("::1%" + "x" * 5000).__enter__()
    assert len(str(caught.value)) < 250


def test_the_server_is_gone_afterwards(fake):
    """After the context the port refuses connections and the server's threads have ended."""
    threads = set(threading.enumerate())
    with fake.serve() as endpoint:
        pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(endpoint, timeout=5)
    assert set(threading.enumerate()) <= threads


def test_without_the_extra_the_error_says_what_to_install(fake, monkeypatch):
    """Without h11, serving raises an ImportError that names the extra to install."""
    monkeypatch.setitem(sys.modules, "h11", None)
    with pytest.raises(ImportError, match=r"pytest-deadline-sessions\[server\]"), fake.serve():
        pass


@pytest.fixture(params=["this botocore", "one that puts prefixes before hosts whatever is set"])
def switch(request, monkeypatch):
    """Extra variables of the subprocess: none, or one that makes its botocore use host prefixes."""
    if request.param == "this botocore":
        return {}
    known = dict(configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES)
    known.pop("disable_host_prefix_injection", None)
    monkeypatch.setattr(configprovider, "BOTOCORE_DEFAUT_SESSION_VARIABLES", known)
    return {"AWS_DISABLE_HOST_PREFIX_INJECTION": "false"}


def test_a_subprocess_with_the_endpoint_environment(fake, monkeypatch, tmp_path, switch):
    """The endpoint environment overrides the parent's profile, endpoint and configuration file."""
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    job = fake.add_job(sessions=3)
    code = (
        "import boto3\n"
        f"page = boto3.client('deadline').list_sessions(**{dict(job)})\n"
        "print(len(page['sessions']))\n"
    )
    with fake.serve():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**fake.endpoint_environment(), **switch},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("3\n", "")
    assert len(fake.calls) == 1


def test_the_environment_keeps_a_given_region():
    """``environment()`` keeps a region that is already set, and removes profiles."""
    fake = FakeDeadline()
    with fake.serve() as endpoint:
        environment = endpoint.environment(
            {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "studio", "HOME": "/"}
        )
    assert environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "AWS_PROFILE" not in environment
    assert environment["HOME"] == "/"


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_the_environment_bypasses_proxies(fake, name):
    """The server's address is added to the hosts that bypass the proxy, in both spellings."""
    with fake.serve() as endpoint:
        environment = endpoint.environment(
            {"HTTP_PROXY": "http://proxy:3128", name: "studio.example"}
        )
        assert environment["no_proxy"] == environment["NO_PROXY"] == "studio.example,127.0.0.1"
        assert endpoint.environment({})["NO_PROXY"] == "127.0.0.1"


def test_an_environment_needs_a_server(fake):
    """``endpoint_environment()`` raises unless the fake is being served."""
    with pytest.raises(RuntimeError, match=r"no server is running"):
        fake.endpoint_environment()


def test_the_fixture_is_a_url(deadline_sessions, deadline_sessions_endpoint):
    """``deadline_sessions_endpoint`` is a URL at which the test's fake answers."""
    job = deadline_sessions.add_job(sessions=2)
    with urllib.request.urlopen(deadline_sessions_endpoint + LIST.format(**job)) as response:
        assert response.read().count(b"sessionId") == 2
    assert len(deadline_sessions.calls) == 1


@pytest.mark.skipif(not __import__("socket").has_ipv6, reason="this machine has no IPv6")
def test_ipv6_loopback_is_loopback(fake):
    """The server can listen on ``::1``, and its URL puts the address in brackets."""
    try:
        with fake.serve("::1") as endpoint:
            assert endpoint.startswith("http://[::1]:")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def test_a_body_in_chunks(fake):
    """A request body sent in chunks, without a Content-Length, is read."""
    job = fake.add_job(sessions=1)
    path = f"{LIST.format(**job)}/{job.listing[0]['sessionId']}"
    body = (chunk for chunk in (b'{"targetLifecycle', b'Status": "ENDED"}'))
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=5)
        connection.request("PATCH", path, body, encode_chunked=True)
        assert connection.getresponse().read() == b"{}"
        connection.request("GET", LIST.format(**job))
        assert b"UPDATE_IN_PROGRESS" in connection.getresponse().read()
        connection.close()
