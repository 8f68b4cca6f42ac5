"""One HTTP/1.1 connection without a socket: the tests choose the order of events."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_deadline_sessions import Fault
from pytest_deadline_sessions._transport import http1, rest_json

pytest.importorskip("h11")

REQUEST = b"GET /2023-10-12/farms HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_REQUEST = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
RESPONSE = rest_json.Response(200, {}, b"{}")
BROKEN = Fault("ConnectionClosedError")


class _Transport:
    """A transport that records what the connection does to it."""

    def __init__(self):
        self.written = b""
        self.done = []
        self.closing = False

    def is_closing(self):
        return self.closing

    def write(self, data):
        assert not self.closing
        self.written += data

    def close(self):
        self.done.append("close")
        self.closing = True

    def abort(self):
        self.done.append("abort")
        self.closing = True

    def write_eof(self):
        self.done.append("write_eof")

    def pause_reading(self):
        self.done.append("pause_reading")

    def resume_reading(self):
        self.done.append("resume_reading")


class _Server:
    """A server that holds requests until the test answers them, and records scheduled calls."""

    def __init__(self):
        self.connections = set()
        self.stopping = False
        self.submitted = []
        self.later = []
        self.loop = SimpleNamespace(call_later=lambda delay, call: self.later.append((delay, call)))

    def submit(self, request, answered):
        self.submitted.append((request, answered))

    def answer(self, response=RESPONSE):
        _, answered = self.submitted.pop(0)
        answered(response)


@pytest.fixture
def server():
    """A server that answers only when the test tells it to."""
    return _Server()


@pytest.fixture
def transport():
    """A transport that records what is done to it."""
    return _Transport()


@pytest.fixture
def connection(server, transport):
    """A connection that a client has just opened."""
    connection = http1.Connection(server)
    connection.connection_made(transport)
    assert server.connections == {connection}
    return connection


def test_a_request_that_arrives_in_pieces(connection, server, transport):
    """A request is submitted once it is complete, and the connection stays open for the next."""
    for position in range(len(REQUEST)):
        assert server.submitted == []
        connection.data_received(REQUEST[position : position + 1])
    server.answer()
    assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert transport.written.endswith(b"\r\n\r\n{}")
    assert transport.done == ["resume_reading"]
    connection.data_received(REQUEST)
    assert len(server.submitted) == 1


def test_pipelined_requests(connection, server, transport):
    """A pipelined request waits for the previous response; reading is paused until then."""
    connection.data_received(REQUEST)
    connection.data_received(REQUEST)
    assert (len(server.submitted), transport.done) == (1, ["pause_reading"])
    server.answer()
    assert (len(server.submitted), transport.done) == (1, ["pause_reading", "resume_reading"])


@pytest.mark.parametrize("response", [RESPONSE, BROKEN], ids=["response", "broken connection"])
def test_a_response_to_a_client_that_has_left(connection, server, transport, response):
    """A response is dropped if its client has already closed the connection."""
    connection.data_received(REQUEST)
    transport.closing = True
    server.answer(response)
    assert (transport.written, transport.done) == (b"", [])
    connection.connection_lost(ConnectionResetError())
    assert server.connections == set()


def test_a_broken_connection_fault(connection, server, transport):
    """A broken-connection fault closes the connection without a response."""
    connection.data_received(REQUEST)
    server.answer(BROKEN)
    assert (transport.written, transport.done) == (b"", ["close"])


def test_a_request_with_connection_close(connection, server, transport):
    """After "Connection: close" the connection is half-closed, and aborted after a delay.

    The response is sent before, and later requests are ignored.
    """
    connection.data_received(LAST_REQUEST)
    server.answer()
    assert b"Connection: close\r\n" in transport.written
    assert transport.done == ["write_eof", "resume_reading"]
    connection.data_received(REQUEST)
    assert not connection.eof_received()
    assert server.submitted == []
    [(delay, close)] = server.later
    close()
    assert (delay, transport.done[-1]) == (http1._LINGER_SECONDS, "abort")


def test_a_client_that_half_closes(connection, server, transport):
    """A half-closed connection stays open until its response is sent, then closes at once."""
    connection.data_received(REQUEST)
    assert connection.eof_received()
    server.answer()
    assert b"{}" in transport.written
    assert transport.done[-1] == "close"


def test_a_client_that_opens_and_closes(connection, server, transport):
    """A connection closed without a request gets no response."""
    assert not connection.eof_received()
    assert (server.submitted, transport.written, transport.done) == ([], b"", ["close"])


def test_a_client_that_does_not_read_its_responses(connection, server, transport):
    """While a client does not read its responses, its next request is not submitted."""
    connection.data_received(REQUEST)
    connection.pause_writing()
    server.answer()
    connection.data_received(REQUEST)
    assert server.submitted == []
    assert connection.eof_received()
    connection.resume_writing()
    assert len(server.submitted) == 1
    server.answer()
    assert transport.written.count(b"200 OK") == 2


def test_a_server_that_stops(connection, server, transport):
    """A stopping server aborts idle connections, and closes busy ones after their response."""
    idle = http1.Connection(server)
    idle.connection_made(idle_transport := _Transport())
    connection.data_received(REQUEST)
    server.stopping = True
    idle.close_when_answered()
    connection.close_when_answered()
    assert (idle_transport.done, transport.done) == (["abort"], [])
    server.answer()
    assert b"Connection: close\r\n" in transport.written


def test_expect_100_continue(connection, server, transport):
    """A request with "Expect: 100-continue" gets one 100 response before its body is read."""
    head = b"PATCH / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    connection.data_received(head)
    connection.data_received(b"{")
    assert transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.data_received(b"}")
    [(request, _)] = server.submitted
    assert (request.method, request.target, request.body) == ("PATCH", "/", b"{}")


def test_invalid_http(connection, server, transport):
    """Invalid HTTP is refused with 400, and nothing after it on the connection is read."""
    connection.data_received(b"GET / HTTP/x\r\n\r\n")
    connection.data_received(REQUEST)
    [(request, _)] = server.submitted
    assert (request.method, request.target, request.refusal.status) == ("GET", "/", 400)
    server.answer()
    assert transport.done == ["write_eof", "resume_reading"]
