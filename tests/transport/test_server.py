"""The service on loopback HTTP."""

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
    """A fake that intercepts nothing: whatever reaches it came by HTTP."""
    return FakeDeadline()


@pytest.fixture
def no_backoff(monkeypatch):
    """Retries over a real connection would really sleep."""
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
    """A client that comes over HTTP meets the same job, pages and tokens, in one transcript."""
    job = fake.add_job(sessions=250)
    with fake.serve() as endpoint:
        pages = _client(endpoint).get_paginator("list_sessions").paginate(**job)
        got = [summary["sessionId"] for page in pages for summary in page["sessions"]]
    assert got == [summary["sessionId"] for summary in job.listing]
    assert [call.status for call in fake.calls] == [200, 200, 200]


@pytest.mark.usefixtures("no_backoff")
def test_attempts_of_a_client_outside_are_told_apart(fake):
    """A retry that comes over HTTP is recorded as one."""
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
    """A broken connection is closed without an answer, and the server goes on."""
    job = fake.add_job(sessions=1)
    fake.fail_next(fault)
    with fake.serve() as endpoint:
        client = _client(endpoint, retries={"total_max_attempts": 1})
        with pytest.raises(ConnectionClosedError):
            client.list_sessions(**job)
        assert len(client.list_sessions(**job)["sessions"]) == 1


def test_modelled_errors_travel_with_their_members(fake):
    """Status, code and modelled members reach a client outside."""
    job = fake.add_job()
    with fake.serve() as endpoint, pytest.raises(ClientError) as raised:
        _client(endpoint).get_session(**job, sessionId="session-" + "f" * 32)
    response = raised.value.response
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert response["resourceType"] == "session"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_operations_that_are_lacking_fail_by_name(fake):
    """An operation that the fake lacks is 501, with its name."""
    with fake.serve() as endpoint, pytest.raises(ClientError, match="no deadline:ListMonitors"):
        _client(endpoint).list_monitors()


def test_a_failing_operation_is_an_error_not_silence(fake):
    """An exception in a user's operation reaches the client as 500."""
    client_config = {"retries": {"total_max_attempts": 1}}

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        msg = "the user's own mistake"
        raise KeyError(msg)

    with fake.serve() as endpoint, pytest.raises(ClientError, match="the user's own mistake"):
        _client(endpoint, **client_config).list_monitors()


def test_unknown_paths_are_refused_as_documented(fake):
    """A path that no operation has is a ValidationException, never a silent 200."""
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
        connection.request("GET", "/2023-10-12/nothing")
        response = connection.getresponse()
        body = response.read()
        connection.close()
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert b"UNKNOWN_OPERATION" in body


def test_a_connection_survives_a_question_for_headers(fake):
    """What answers HEAD has no body, which would be taken for the next response."""
    path = LIST.format(**fake.add_job())
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
        connection.request("HEAD", path)
        assert connection.getresponse().read() == b""
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        connection.close()


def test_bodies_reach_the_operation(fake):
    """UpdateSession, which has a body, works over HTTP."""
    job = fake.add_job(sessions=1)
    session = job.sessions[0]
    with fake.serve() as endpoint:
        _client(endpoint).update_session(
            **job, sessionId=session.session_id, targetLifecycleStatus="ENDED"
        )
    assert session.status == "UPDATE_IN_PROGRESS"


def test_connections_are_kept_alive(fake):
    """Several requests go over one connection."""
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
    """Eight clients paging at once each get the complete listing."""
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
    assert all(got == results[0] and len(got) == 30 for got in results)
    assert len(fake.calls) == 8 * 5


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", ""])
def test_only_loopback_is_served(fake, host):
    """Nothing but a loopback address is listened on."""
    with pytest.raises(ValueError, match="expected a loopback address"), fake.serve(host):
        pass


@pytest.mark.parametrize("port", [-1, 65536, True, "80"])
def test_ports_are_checked(fake, port):
    """A port that cannot be one is refused."""
    with pytest.raises(ValueError, match=r"expected 0\.\.65535"), fake.serve(port=port):
        pass


def test_a_port_that_is_taken(fake):
    """It is refused by name, and no socket is left open."""
    with fake.serve() as endpoint:
        port = int(endpoint.rpartition(":")[2])
        taken = rf"host='127.0.0.1', port={port} \(expected an address that is free\)"
        with pytest.raises(OSError, match=taken), fake.serve(port=port):
            pass
        assert fake.endpoint_environment({})["AWS_ENDPOINT_URL_DEADLINE"].endswith(str(port))
    gc.collect()


def test_the_server_is_gone_afterwards(fake):
    """After the context nothing listens, and no thread is left."""
    threads = set(threading.enumerate())
    with fake.serve() as endpoint:
        pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(endpoint, timeout=5)
    assert set(threading.enumerate()) <= threads


def test_without_the_extra_the_error_says_what_to_install(fake, monkeypatch):
    """Without h11 the failure names the extra."""
    monkeypatch.setitem(sys.modules, "h11", None)
    with pytest.raises(ImportError, match=r"pytest-deadline-sessions\[server\]"), fake.serve():
        pass


@pytest.fixture(params=["this botocore", "one that puts prefixes before hosts whatever is set"])
def switch(request, monkeypatch):
    """The variables by which a botocore does without host prefixes."""
    if request.param == "this botocore":
        return {}
    known = dict(configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES)
    known.pop("disable_host_prefix_injection", None)
    monkeypatch.setattr(configprovider, "BOTOCORE_DEFAUT_SESSION_VARIABLES", known)
    return {"AWS_DISABLE_HOST_PREFIX_INJECTION": "false"}


def test_the_environment_leads_a_subprocess_here(fake, monkeypatch, tmp_path, switch):
    """A subprocess with that environment lists sessions, whatever the outer one says."""
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
    """A region that is set already is kept; profiles are not."""
    fake = FakeDeadline()
    with fake.serve() as endpoint:
        given = endpoint.environment(
            {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "studio", "HOME": "/"}
        )
    assert given["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "AWS_PROFILE" not in given
    assert given["HOME"] == "/"


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_no_proxy_comes_between(fake, name):
    """Neither for this address nor for those that need none already."""
    with fake.serve() as endpoint:
        given = endpoint.environment({"HTTP_PROXY": "http://proxy:3128", name: "studio.example"})
        assert given["no_proxy"] == given["NO_PROXY"] == "studio.example,127.0.0.1"
        assert endpoint.environment({})["NO_PROXY"] == "127.0.0.1"


def test_an_environment_needs_a_server(fake):
    """Outside serve() there is no endpoint to name."""
    with pytest.raises(RuntimeError, match=r"nothing is served"):
        fake.endpoint_environment()


def test_the_fixture_is_a_url(deadline_sessions, deadline_sessions_endpoint):
    """The fixture's server answers as the fixture's fake does."""
    job = deadline_sessions.add_job(sessions=2)
    with urllib.request.urlopen(deadline_sessions_endpoint + LIST.format(**job)) as response:
        assert response.read().count(b"sessionId") == 2
    assert len(deadline_sessions.calls) == 1


@pytest.mark.skipif(not __import__("socket").has_ipv6, reason="this machine has no IPv6")
def test_ipv6_loopback_is_loopback(fake):
    """``::1`` is served, and the URL has its brackets."""
    try:
        with fake.serve("::1") as endpoint:
            assert endpoint.startswith("http://[::1]:")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def test_a_body_in_chunks(fake):
    """A client that does not say how long its request is, is read all the same."""
    job = fake.add_job(sessions=1)
    path = f"{LIST.format(**job)}/{job.listing[0]['sessionId']}"
    body = (one for one in (b'{"targetLifecycle', b'Status": "ENDED"}'))
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=5)
        connection.request("PATCH", path, body, encode_chunked=True)
        assert connection.getresponse().read() == b"{}"
        connection.request("GET", LIST.format(**job))
        assert b"UPDATE_IN_PROGRESS" in connection.getresponse().read()
        connection.close()
