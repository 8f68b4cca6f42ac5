"""The HTTP server against clients that are broken, slow, silent or malicious."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import http.client
import json
import socket
import struct
import threading
import time

import pytest

from pytest_deadline_sessions import FakeDeadline
from pytest_deadline_sessions._transport import http1

pytest.importorskip("h11")

# A generous limit in seconds for steps that take milliseconds.
SOON = 5
LIST = "/2023-10-12/farms/{farmId}/queues/{queueId}/jobs/{jobId}/sessions"
PATH = LIST.format(farmId="farm-1", queueId="queue-2", jobId="job-3")
HALVES = [
    b"",
    b"GE",
    b"GET /2023-10-12/farms HT",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half:",
    b"PATCH / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
    b"PATCH / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
]


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


@pytest.fixture(scope="module", autouse=True)
def nothing_old_is_collected():
    """Freeze existing objects, so that ``gc.collect()`` after each test is fast."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def quiet(capfd, recwarn):
    """Check that a test prints nothing, warns of nothing and leaves no threads."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []
    assert set(threading.enumerate()) <= before


@pytest.fixture
def leaving(monkeypatch):
    """An event that is set once the stopping server waits for running calls."""
    event = threading.Event()
    wait = concurrent.futures.wait

    def noted(*args):
        event.set()
        return wait(*args)

    monkeypatch.setattr(concurrent.futures, "wait", noted)
    return event


@contextlib.contextmanager
def _connected(endpoint, sent=b""):
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=SOON) as client:
        client.sendall(sent)
        yield client


def _answers(client, method="GET"):
    response = http.client.HTTPResponse(client, method=method)
    response.begin()
    return response, response.read()


def _ask(endpoint, path, headers=None, method="GET", body=None):
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=SOON)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def _talk(client):
    while True:
        client.sendall(b"x" * 100)


def _reset(client):
    """Close the connection with a TCP reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _still_serves(endpoint, fake):
    response, _ = _ask(endpoint, LIST.format(**fake.add_job()))
    return response.status == 200


def _refusal(response, content):
    """Check that a response is a modelled 400 refusal, and return its members."""
    members = json.loads(content)
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["x-amzn-RequestId"]
    assert members["reason"] in {"CANNOT_PARSE", "UNKNOWN_OPERATION"}
    return members


def _with(*headers, method="PATCH", target=PATH, body=b"{}"):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


MALFORMED = {
    "length -1": _with("Content-Length: -1"),
    "length +2": _with("Content-Length: +2"),
    "length two": _with("Content-Length: two"),
    "length none": _with("Content-Length:"),
    "length 1.0": _with("Content-Length: 1.0"),
    "length of unicode": _with("Content-Length: ²"),
    "length too large": _with("Content-Length: 16777217"),
    "length of twenty digits": _with(f"Content-Length: {'9' * 20}"),
    "length of five thousand digits": _with(f"Content-Length: {'9' * 5_000}"),
    "lengths that differ": _with("Content-Length: 2", "Content-Length: 3"),
    "lengths that differ in one header": _with("Content-Length: 2, 3"),
    "length and chunks": _with("Content-Length: 2", "Transfer-Encoding: chunked"),
    "transfer in gzip": _with("Transfer-Encoding: gzip, chunked"),
    "transfer twice": _with("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunk of no number": _with("Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunk of a negative size": _with("Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunk of a huge size": _with("Transfer-Encoding: chunked", body=b"f" * 500 + b"\r\n{}"),
    "chunk longer than said": _with("Transfer-Encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n"),
    "chunk without end": _with("Transfer-Encoding: chunked", body=b"1" * 70_000),
    "header without colon": _with("Nonsense"),
    "header with a space": _with("Bad Name: x"),
    "header with a null": _with("X: \0"),
    "header that goes on": _with(method="GET").replace(b"\r\nHost", b"\r\n Host", 1),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": _with("Host: localhost"),
    "headers too large": _with(f"X: {'x' * 70_000}"),
    "too many headers": _with(*(f"X{number}: x" for number in range(9_000))),
}
TARGETS = {
    "two slashes and a bracket": "//[x",
    "bracket": "/[x",
    "absolute": "http://localhost/2023-10-12/farms",
    "absolute of no host": "http://[x/",
    "star": "*",
    "authority": "localhost:80",
    "nothing known": "/",
    "no escape": PATH.replace("job-3", "%zz"),
    "half an escape": f"{PATH}?nextToken=%f",
    "bytes that are no UTF-8": PATH.replace("job-3", "%ff"),
    "query that is no UTF-8": f"{PATH}?nextToken=%ff",
    "bytes in the path": "/\xff",
    "bytes in the query": "/?\xff",
    "too long": f"/{'x' * 70_000}",
}
NO_HTTP = {
    "garbage": b"\x00\x01\x02garbage\r\n\r\n",
    "words": b"hello there\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET / HTTP/x\r\n\r\n",
    "empty lines": b"\r\n\r\n\r\n\r\n",
    "no end": b"x" * 70_000,
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests(fake, sent):
    """A malformed request gets a modelled refusal and is recorded; the server keeps serving."""
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            response, content = _answers(client)
            assert client.recv(1) == b""
        assert _still_serves(endpoint, fake)
    members = _refusal(response, content)
    call, _ = fake.calls
    assert (call.status, call.reason, call.message) == (400, "CANNOT_PARSE", members["message"])
    assert call.operation in {"GET /", f"PATCH {PATH}", f"GET {PATH}", "ListSessions"}
    assert len(call.message) < 400


@pytest.mark.at_length
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "CONNECT", "BREW"])
def test_malformed_targets(fake, target, method):
    """A malformed request target gets a modelled refusal and is recorded, whatever the method."""
    sent = _with("Connection: close", method=method, target=target, body=b"")
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            response, content = _answers(client)
        assert _still_serves(endpoint, fake)
    members = _refusal(response, content)
    call, _ = fake.calls
    assert (call.status, call.reason, call.message) == (
        400,
        members["reason"],
        members["message"],
    )
    assert call.operation.isascii()


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
def test_data_that_is_not_http(fake, sent):
    """Bytes that are not HTTP get the same refusal as a malformed request."""
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            _refusal(*_answers(client))
        assert _still_serves(endpoint, fake)


@pytest.mark.parametrize("value", [b"attempt=" + b"9" * 5_000, b"attempt=\xff", b"attempt=-1"])
def test_invalid_attempt_headers(fake, value):
    """An invalid Amz-Sdk-Request header is refused, and the connection stays open.

    Invalid bytes in a header that the server does not read are ignored.
    """
    path = LIST.format(**fake.add_job()).encode()
    head = b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n"
    with fake.serve() as endpoint, _connected(endpoint) as client:
        client.sendall(head + b"Amz-Sdk-Request: " + value + b"\r\n\r\n")
        _refusal(*_answers(client))
        client.sendall(head + b"User-Agent: \xff\r\n\r\n")
        assert _answers(client)[0].status == 200
    assert [call.operation for call in fake.calls] == ["ListSessions"] * 2


@pytest.mark.parametrize("sent", HALVES[1:])
@pytest.mark.parametrize("method", ["half", "whole", "reset"])
def test_requests_that_stop_short(fake, sent, method):
    """After an incomplete request the server keeps serving; a half-closed client gets a refusal."""
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            if method == "half":
                client.shutdown(socket.SHUT_WR)
                _refusal(*_answers(client))
                assert client.recv(1) == b""
            elif method == "reset":
                _reset(client)
        assert _still_serves(endpoint, fake)


def test_a_connection_closed_without_a_request(fake):
    """A connection that is closed before any request gets no response and records no call."""
    with fake.serve() as endpoint, _connected(endpoint) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert len(fake.calls) == 0


def test_a_half_closed_client_gets_its_responses(fake):
    """All complete requests are answered, even if the client has half-closed the connection."""
    path = LIST.format(**fake.add_job(sessions=1))
    sent = _with(method="GET", target=path, body=b"")
    with fake.serve() as endpoint, _connected(endpoint, sent * 3) as client:
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == received.count(b'"sessions"') == 3


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_connection_close(fake, version):
    """After "Connection: close" the connection is closed once the response is sent."""
    sent = _with("Connection: close", method="GET", target=LIST.format(**fake.add_job()), body=b"")
    sent = sent.replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    with fake.serve() as endpoint, _connected(endpoint, sent) as client:
        assert _answers(client)[0].status == 200
        assert client.recv(1) == b""


def test_expect_100_continue(fake):
    """A client that sends "Expect: 100-continue" gets a 100 response before it sends the body."""
    job = fake.add_job(sessions=1)
    path = f"{LIST.format(**job)}/{job.listing[0]['sessionId']}"
    body = b'{"targetLifecycleStatus": "ENDED"}'
    head = _with(f"Content-Length: {len(body)}", "Expect: 100-continue", target=path, body=b"")
    with fake.serve() as endpoint, _connected(endpoint, head) as client:
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert _answers(client)[0].status == 200
    assert job.sessions[0].status == "UPDATE_IN_PROGRESS"


def test_bodies_have_a_limit(fake, monkeypatch):
    """The size limit applies to chunked bodies too, whose length is not known beforehand."""
    monkeypatch.setattr(http1, "_LONGEST_BODY", 3)
    body = b"2\r\n{ \r\n2\r\n }\r\n0\r\n\r\n"
    sent = _with("Transfer-Encoding: chunked", body=body)
    with fake.serve() as endpoint, _connected(endpoint, sent) as client:
        assert "at most 3 bytes" in _refusal(*_answers(client))["message"]


def test_a_response_without_a_body(fake):
    """A 204 response has no body, so the next response on the connection parses correctly."""

    @fake.operation("TagResource")
    def tag_resource(_service, _params):
        return {}

    job = LIST.format(**fake.add_job())
    with fake.serve() as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=SOON)
        connection.request("POST", "/2023-10-12/tags/arn:aws:x", b'{"tags": {}}')
        response = connection.getresponse()
        assert (response.status, response.read()) == (204, b"")
        assert "Content-Length" not in response.headers
        connection.request("GET", job)
        assert connection.getresponse().read() == b'{"sessions": []}'
        connection.close()


def test_refused_head_requests(fake):
    """A refusal of HEAD has no body if the request could be parsed, and a body otherwise."""
    with fake.serve() as endpoint:
        for header, length in (("X: y", 0), ("Content-Length: -1", 1)):
            with _connected(endpoint, _with(header, method="HEAD", body=b"")) as client:
                client.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: client.recv(65_536), b""))
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 Bad Request")
            assert (len(body) > 0) == bool(length)


def test_silent_and_slow_clients_cost_others_nothing(fake):
    """300 stalled clients delay neither other clients nor the shutdown of the server."""
    job = fake.add_job(sessions=3)
    with contextlib.ExitStack() as stack:
        with fake.serve() as endpoint:
            clients = [
                stack.enter_context(_connected(endpoint, HALVES[number % len(HALVES)]))
                for number in range(300)
            ]
            before = time.monotonic()
            response, _ = _ask(endpoint, LIST.format(**job))
            assert response.status == 200
            assert time.monotonic() - before < SOON
            for client in clients:
                client.sendall(b"x")
            before = time.monotonic()
        assert time.monotonic() - before < SOON
        for client in clients:
            with contextlib.suppress(ConnectionError):
                assert client.recv(1) in {b"", b"H"}


def test_a_client_that_does_not_read(fake, monkeypatch):
    """A client that sends 301 requests without reading does not block other clients.

    The server holds its requests back, and answers all of them once the client reads.
    """
    clogged = threading.Event()
    pause = http1.Connection.pause_writing
    monkeypatch.setattr(
        http1.Connection, "pause_writing", lambda self: (pause(self), clogged.set())
    )
    path = LIST.format(**fake.add_job(sessions=100))
    sent = _with(method="GET", target=path, body=b"")
    with fake.serve() as endpoint, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(SOON)
        client.connect(("127.0.0.1", int(endpoint.rpartition(":")[2])))
        client.sendall(sent * 300)
        assert clogged.wait(SOON)
        client.sendall(sent)
        assert _still_serves(endpoint, fake)
        assert len(fake.calls) < 300
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(1_000_000), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 301


def test_a_client_that_keeps_sending(fake, monkeypatch):
    """After its last response the server ignores further data, and soon resets the connection."""
    monkeypatch.setattr(http1, "_LINGER_SECONDS", 0.01)
    with fake.serve() as endpoint, _connected(endpoint, b"\0\r\n\r\n") as client:
        _refusal(*_answers(client))
        assert client.recv(1) == b""
        with pytest.raises(ConnectionError):
            _talk(client)
    assert len(fake.calls) == 0


def test_a_client_that_leaves_before_its_response(fake, monkeypatch):
    """If a client disconnects during its call, the call completes and the response is dropped."""
    gate = threading.Event()
    entered = threading.Event()
    lost = http1.Connection.connection_lost
    monkeypatch.setattr(
        http1.Connection, "connection_lost", lambda self, error: (lost(self, error), gate.set())
    )

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        entered.set()
        assert gate.wait(SOON)
        return {"monitors": []}

    sent = _with(method="GET", target="/2023-10-12/monitors", body=b"")
    with fake.serve() as endpoint, _connected(endpoint, sent) as client:
        assert entered.wait(SOON)
        _reset(client)
        assert _still_serves(endpoint, fake)
    assert [call.operation for call in fake.calls] == ["ListMonitors", "ListSessions"]


def test_slow_operations_do_not_block_reading(fake):
    """While an operation blocks, the server still reads more requests than it has threads."""
    gate = threading.Event()
    waiting = threading.Event()

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        waiting.set()
        assert gate.wait(SOON)
        return {"monitors": []}

    with fake.serve() as endpoint, concurrent.futures.ThreadPoolExecutor(100) as pool:
        responses = [pool.submit(_ask, endpoint, "/2023-10-12/monitors") for _ in range(100)]
        assert waiting.wait(SOON)
        with _connected(endpoint, b"\0\r\n\r\n"):
            gate.set()
        assert [response.result()[0].status for response in responses] == [200] * 100


def test_stopping_finishes_running_calls(fake, leaving):
    """A call that runs while the server stops is answered, with "Connection: close"."""
    entered = threading.Event()

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        entered.set()
        assert leaving.wait(SOON)
        return {"monitors": []}

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with fake.serve() as endpoint:
            pending = pool.submit(_ask, endpoint, "/2023-10-12/monitors")
            assert entered.wait(SOON)
        response, content = pending.result()
    assert (response.status, content) == (200, b'{"monitors": []}')
    assert response.headers["Connection"] == "close"


@pytest.mark.parametrize("leaves", [False, True], ids=["client waits", "client has left"])
def test_stopping_does_not_wait_for_a_hanging_operation(fake, leaves):
    """An operation that hangs keeps its own thread alive, but does not delay the server's stop."""
    gate = threading.Event()
    entered = threading.Event()

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        entered.set()
        assert gate.wait(60)
        return {"monitors": []}

    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        with fake.serve() as endpoint:
            sent = _with(method="GET", target="/2023-10-12/monitors", body=b"")
            client = stack.enter_context(_connected(endpoint, sent))
            assert entered.wait(SOON)
            if leaves:
                client.close()
            started = time.monotonic()
        assert time.monotonic() - started < SOON
        assert len(set(threading.enumerate()) - before) == 1
        assert leaves or client.recv(1) == b""
    gate.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(SOON)


def test_stopping_drops_requests_that_wait_for_a_thread(fake, leaving, monkeypatch):
    """When the server stops, requests that no thread has started yet are dropped."""
    servers = []

    class RecordedServer(http1.Server):
        def __init__(self, *args):
            super().__init__(*args)
            servers.append(self)

    monkeypatch.setattr(http1, "_THREADS", 1)
    monkeypatch.setattr(http1, "Server", RecordedServer)

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        assert leaving.wait(SOON)
        return {"monitors": []}

    sent = _with(method="GET", target="/2023-10-12/monitors", body=b"")
    with contextlib.ExitStack() as stack:
        with fake.serve() as endpoint:
            clients = [stack.enter_context(_connected(endpoint, sent)) for _ in range(5)]
            while len(servers[0]._under_way) < 5:
                time.sleep(0.001)
        first_bytes = [client.recv(1) for client in clients]
    assert sorted(first_bytes) == [b"", b"", b"", b"", b"H"]
    assert len(fake.calls) == 1


def test_stopping_at_once(fake):
    """Stopping right after the start, or while clients connect, leaves no threads or sockets."""
    for _ in range(20):
        with fake.serve() as endpoint:
            pass
        with contextlib.ExitStack() as stack, fake.serve() as endpoint:
            for _ in range(5):
                stack.enter_context(_connected(endpoint, HALVES[1]))


def test_any_exception_of_an_operation_reaches_the_client(fake):
    """A client gets a 500 also for ``pytest.fail`` and for an exception class with an odd name."""
    odd = type("Fehlerä\n", (Exception,), {})

    @fake.operation("ListMonitors")
    def list_monitors(_service, params):
        if "nextToken" in params:
            raise odd("odd")
        pytest.fail("the user's own")

    with fake.serve() as endpoint:
        response, content = _ask(endpoint, "/2023-10-12/monitors")
        assert (response.status, json.loads(content)) == (500, {"message": "the user's own"})
        assert response.headers["x-amzn-ErrorType"] == "Failed"
        response, _ = _ask(endpoint, "/2023-10-12/monitors?nextToken=x")
        assert response.headers["x-amzn-ErrorType"] == "Fehler??"


def test_a_paused_fake(fake):
    """A paused fake answers over HTTP with an error that says why."""
    path = LIST.format(**fake.add_job())
    with fake.serve() as endpoint:
        fake.pause("it is night")
        response, content = _ask(endpoint, path)
        fake.resume()
    assert (response.status, json.loads(content)) == (500, {"message": "ListSessions: it is night"})


def test_frozen_time(fake):
    """A server that starts and stops while time is frozen works, and sends the frozen date."""
    path = LIST.format(**fake.add_job())
    with fake.clock.freeze("2030-01-01"), fake.serve() as endpoint:
        with _connected(endpoint, b"\0\r\n\r\n") as client:
            _refusal(*_answers(client))
        response, _ = _ask(endpoint, path)
    assert response.headers["Date"] == "Tue, 01 Jan 2030 00:00:00 GMT"


def test_serving_inside_an_event_loop(fake):
    """A coroutine can serve the fake and even block its own loop: the server has another loop."""
    path = LIST.format(**fake.add_job())

    async def main():
        with fake.serve() as endpoint:
            return _ask(endpoint, path)[0].status, await asyncio.to_thread(_ask, endpoint, path)

    status, (response, _) = asyncio.run(main())
    assert (status, response.status) == (200, 200)
