"""The server against clients that are broken, slow, silent or evil."""

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

# A generous bound for what takes milliseconds, where it once took most of a minute.
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
    """After each test, only what these tests have made is looked through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def quiet(capfd, recwarn):
    """Nothing is printed, and nothing is left open, whatever comes."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert capfd.readouterr() == ("", "")
    assert [str(one.message) for one in recwarn] == []
    assert set(threading.enumerate()) <= before


@pytest.fixture
def leaving(monkeypatch):
    """An event that happens once the server has begun to stop, and waits for calls under way."""
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
    told = response.read()
    connection.close()
    return response, told


def _talk(client):
    while True:
        client.sendall(b"x" * 100)


def _reset(client):
    """Close without a goodbye."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _still_serves(endpoint, fake):
    response, _ = _ask(endpoint, LIST.format(**fake.add_job()))
    return response.status == 200


def _refusal(response, told):
    """The members of a modelled refusal of what cannot be parsed."""
    members = json.loads(told)
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
    """They get a modelled refusal, are written down, and the server goes on."""
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            response, told = _answers(client)
            assert client.recv(1) == b""
        assert _still_serves(endpoint, fake)
    members = _refusal(response, told)
    first, _ = fake.calls
    assert (first.status, first.reason, first.message) == (400, "CANNOT_PARSE", members["message"])
    assert first.operation in {"GET /", f"PATCH {PATH}", f"GET {PATH}", "ListSessions"}
    assert len(first.message) < 400


@pytest.mark.at_length
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "CONNECT", "BREW"])
def test_malformed_targets(fake, target, method):
    """Likewise."""
    sent = _with("Connection: close", method=method, target=target, body=b"")
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            response, told = _answers(client)
        assert _still_serves(endpoint, fake)
    members = _refusal(response, told)
    first, _ = fake.calls
    assert (first.status, first.reason, first.message) == (
        400,
        members["reason"],
        members["message"],
    )
    assert first.operation.isascii()


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http(fake, sent):
    """It gets the same refusal."""
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            _refusal(*_answers(client))
        assert _still_serves(endpoint, fake)


@pytest.mark.parametrize("value", [b"attempt=" + b"9" * 5_000, b"attempt=\xff", b"attempt=-1"])
def test_absurd_attempts(fake, value):
    """A header that is read must make sense; the connection is kept."""
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
    """A client that goes away, or says no more, leaves nothing behind; one that listens is told."""
    with fake.serve() as endpoint:
        with _connected(endpoint, sent) as client:
            if method == "half":
                client.shutdown(socket.SHUT_WR)
                _refusal(*_answers(client))
                assert client.recv(1) == b""
            elif method == "reset":
                _reset(client)
        assert _still_serves(endpoint, fake)


def test_silence_that_ends(fake):
    """A connection that is closed before anything was asked gets no answer."""
    with fake.serve() as endpoint, _connected(endpoint) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert len(fake.calls) == 0


def test_a_client_that_says_no_more_gets_its_answers(fake):
    """All requests that came whole are answered, in turn, though the client half-closed."""
    path = LIST.format(**fake.add_job(sessions=1))
    sent = _with(method="GET", target=path, body=b"")
    with fake.serve() as endpoint, _connected(endpoint, sent * 3) as client:
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == received.count(b'"sessions"') == 3


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_client_that_wants_no_more(fake, version):
    """What asks to close, and HTTP/1.0, is answered and closed."""
    sent = _with("Connection: close", method="GET", target=LIST.format(**fake.add_job()), body=b"")
    sent = sent.replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    with fake.serve() as endpoint, _connected(endpoint, sent) as client:
        assert _answers(client)[0].status == 200
        assert client.recv(1) == b""


def test_a_client_that_waits_for_permission(fake):
    """``Expect: 100-continue`` is granted before the body comes."""
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
    """Also those in chunks, which do not say how long they are."""
    monkeypatch.setattr(http1, "_LONGEST_BODY", 3)
    body = b"2\r\n{ \r\n2\r\n }\r\n0\r\n\r\n"
    sent = _with("Transfer-Encoding: chunked", body=body)
    with fake.serve() as endpoint, _connected(endpoint, sent) as client:
        assert "at most 3 bytes" in _refusal(*_answers(client))["message"]


def test_an_answer_without_a_body(fake):
    """Status 204 has none, which would be taken for the next response."""

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


def test_a_question_for_headers_that_is_malformed(fake):
    """HEAD is answered without a body if it can be read, and with one otherwise."""
    with fake.serve() as endpoint:
        for header, length in (("X: y", 0), ("Content-Length: -1", 1)):
            with _connected(endpoint, _with(header, method="HEAD", body=b"")) as client:
                client.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: client.recv(65_536), b""))
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 Bad Request")
            assert (len(body) > 0) == bool(length)


def test_silent_and_slow_clients_cost_others_nothing(fake):
    """Hundreds of them neither keep others from being served nor the server from stopping."""
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
    """One that asks and asks, and does not read, waits; others do not, and it misses nothing."""
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


def test_a_client_that_goes_on_talking(fake, monkeypatch):
    """After its last answer it is not listened to, and not for long."""
    monkeypatch.setattr(http1, "_LINGER_SECONDS", 0.01)
    with fake.serve() as endpoint, _connected(endpoint, b"\0\r\n\r\n") as client:
        _refusal(*_answers(client))
        assert client.recv(1) == b""
        with pytest.raises(ConnectionError):
            _talk(client)
    assert len(fake.calls) == 0


def test_a_client_that_leaves_before_its_answer(fake, monkeypatch):
    """Its call is made, and its answer dropped."""
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


def test_slow_operations_keep_nobody_from_being_read(fake):
    """As many requests as there are threads, and more, are taken while one operation waits."""
    gate = threading.Event()
    waiting = threading.Event()

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        waiting.set()
        assert gate.wait(SOON)
        return {"monitors": []}

    with fake.serve() as endpoint, concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(_ask, endpoint, "/2023-10-12/monitors") for _ in range(100)]
        assert waiting.wait(SOON)
        with _connected(endpoint, b"\0\r\n\r\n"):
            gate.set()
        assert [answer.result()[0].status for answer in answers] == [200] * 100


def test_leaving_lets_an_answer_be_made(fake, leaving):
    """A call that is under way when the server stops is answered, and told that it was the last."""
    entered = threading.Event()

    @fake.operation("ListMonitors")
    def list_monitors(_service, _params):
        entered.set()
        assert leaving.wait(SOON)
        return {"monitors": []}

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with fake.serve() as endpoint:
            answer = pool.submit(_ask, endpoint, "/2023-10-12/monitors")
            assert entered.wait(SOON)
        response, told = answer.result()
    assert (response.status, told) == (200, b'{"monitors": []}')
    assert response.headers["Connection"] == "close"


@pytest.mark.parametrize("leaves", [False, True], ids=["client waits", "client has left"])
def test_leaving_does_not_wait_for_what_hangs(fake, leaves):
    """An operation that does not return keeps a thread, but nobody else."""
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


def test_requests_that_wait_for_a_thread_are_dropped_when_leaving(fake, leaving, monkeypatch):
    """Those that no thread has taken yet are not begun any more."""
    servers = []

    class Kept(http1.Server):
        def __init__(self, *args):
            super().__init__(*args)
            servers.append(self)

    monkeypatch.setattr(http1, "_THREADS", 1)
    monkeypatch.setattr(http1, "Server", Kept)

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
        answered = [client.recv(1) for client in clients]
    assert sorted(answered) == [b"", b"", b"", b"", b"H"]
    assert len(fake.calls) == 1


def test_leaving_at_once(fake):
    """A server that is left before it has begun, or while clients come, leaves nothing behind."""
    for _ in range(20):
        with fake.serve() as endpoint:
            pass
        with contextlib.ExitStack() as stack, fake.serve() as endpoint:
            for _ in range(5):
                stack.enter_context(_connected(endpoint, HALVES[1]))


def test_whatever_an_operation_raises_the_client_hears_of_it(fake):
    """Also what is no ``Exception``, as ``pytest.fail`` raises, and one with a foreign name."""
    odd = type("Fehlerä\n", (Exception,), {})

    @fake.operation("ListMonitors")
    def list_monitors(_service, params):
        if "nextToken" in params:
            raise odd("odd")
        pytest.fail("the user's own")

    with fake.serve() as endpoint:
        response, told = _ask(endpoint, "/2023-10-12/monitors")
        assert (response.status, json.loads(told)) == (500, {"message": "the user's own"})
        assert response.headers["x-amzn-ErrorType"] == "Failed"
        response, _ = _ask(endpoint, "/2023-10-12/monitors?nextToken=x")
        assert response.headers["x-amzn-ErrorType"] == "Fehler??"


def test_a_service_that_is_not_to_be_used(fake):
    """A paused fake says so over HTTP too."""
    path = LIST.format(**fake.add_job())
    with fake.serve() as endpoint:
        fake.pause("it is night")
        response, told = _ask(endpoint, path)
        fake.resume()
    assert (response.status, json.loads(told)) == (500, {"message": "ListSessions: it is night"})


def test_time_may_stand_still(fake):
    """A server that is begun and left in frozen time works as any other."""
    path = LIST.format(**fake.add_job())
    with fake.clock.freeze("2030-01-01"), fake.serve() as endpoint:
        with _connected(endpoint, b"\0\r\n\r\n") as client:
            _refusal(*_answers(client))
        response, _ = _ask(endpoint, path)
    assert response.headers["Date"] == "Tue, 01 Jan 2030 00:00:00 GMT"


def test_an_event_loop_may_run_already(fake):
    """The server has its own, so that a test may be a coroutine, and may even block."""
    path = LIST.format(**fake.add_job())

    async def main():
        with fake.serve() as endpoint:
            return _ask(endpoint, path)[0].status, await asyncio.to_thread(_ask, endpoint, path)

    status, (response, _) = asyncio.run(main())
    assert (status, response.status) == (200, 200)
