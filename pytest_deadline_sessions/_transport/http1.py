"""HTTP/1.1 on a socket: h11 parses, one thread reads and writes, a pool of threads answers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import email.utils
import http
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pytest_deadline_sessions._domain.faults import Fault
from pytest_deadline_sessions._transport import rest_json

BACKLOG = 1024
_THREADS = 64
_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 16 * 1024 * 1024
_LONGEST_REASON = 200
_LINGER_SECONDS = 2
_GRACE_SECONDS = 0.5
_REQUEST_LINE = re.compile(rb"(\S+) (\S+) HTTP/")


@dataclass
class HttpRequest:
    """A request, as far as it could be read.

    Attributes:
        method: The method; empty if it could not be read.
        target: The request target; empty if it could not be read.
        headers: The last header of each name, by its name in lower case.
        body: The body.
        refusal: The fault to answer with, if the request is not valid HTTP.
    """

    method: str = ""
    target: str = ""
    headers: Mapping[str, bytes] = field(default_factory=dict)
    body: bytes = b""
    refusal: Fault | None = None


class Server:
    """Accepts connections on a listening socket until it is stopped.

    Silent and slow clients cost other clients nothing: a single thread reads and writes all
    connections, and does nothing else. A pool of threads answers complete requests, because an
    answer may have to wait, even for another answer.

    Args:
        listening: The socket, which is closed when the server stops.
        answer: Returns the response to a request, or a fault to close the connection without a
            response. Must not raise.
    """

    def __init__(
        self, listening: socket.socket, answer: Callable[[HttpRequest], rest_json.Response | Fault]
    ) -> None:
        self.connections: set[Connection] = set()
        self.stopping = False
        # Not the policy's loop, which may be another library's. Errors are not printed.
        self.loop = asyncio.SelectorEventLoop()
        self.loop.set_exception_handler(lambda *_: None)
        self._answer = answer
        self._listening = listening
        self._pool = concurrent.futures.ThreadPoolExecutor(_THREADS, "deadline-sessions")
        self._under_way: set[concurrent.futures.Future[None]] = set()
        self._leave = asyncio.Event()
        self._left = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="deadline-sessions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait up to half a second for requests under way, then close all connections."""
        self.loop.call_soon_threadsafe(self._leave.set)
        self._left.wait()
        for future in list(self._under_way):
            future.cancel()
        late = concurrent.futures.wait(list(self._under_way), _GRACE_SECONDS).not_done
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        # A late thread may be stuck in one of the user's operations, and ends when that does.
        self._pool.shutdown(wait=not late)

    def submit(
        self, request: HttpRequest, answered: Callable[[rest_json.Response | Fault], None]
    ) -> None:
        """Answer in a thread of the pool, and pass the response to ``answered`` in this thread."""

        def work() -> None:
            response = self._answer(request)
            # The server may have stopped without waiting for this response.
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(answered, response)

        future = self._pool.submit(work)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)

    def _run(self) -> None:
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()

    async def _serve(self) -> None:
        server = await self.loop.create_server(
            lambda: Connection(self), sock=self._listening, backlog=BACKLOG
        )
        await self._leave.wait()
        self.stopping = True
        self.loop.remove_reader(self._listening)
        # Asyncio accepts each connection in a task. Unless they finish, connections are dropped.
        accepting = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*accepting, return_exceptions=True)
        server.close()
        for connection in self.connections:
            connection.close_when_answered()
        self._left.set()
        await self._end.wait()
        while self.connections:
            for connection in self.connections:
                connection.abort()
            await asyncio.sleep(0)


class Connection(asyncio.Protocol):
    """One connection: reads a request, waits for its answer, and only then reads the next."""

    def __init__(self, server: Server) -> None:
        import h11

        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD)
        self._busy = False
        self._write_paused = False
        self._closing = False
        self._ended = False
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register with the server."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio gives it)
        """Deregister from the server."""
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Read, unless an answer is pending or the connection is closing."""
        if self._closing:
            return
        if self._busy or self._write_paused:
            self._transport.pause_reading()
        elif not self._known:
            self._head += data
        self._http.receive_data(data)
        self._read()

    def eof_received(self) -> bool:
        """Read what is left. Stay open as long as a response has to be sent."""
        self._ended = True
        if not self._closing:
            self._http.receive_data(b"")
            self._read()
        return self._busy or self._write_paused

    def pause_writing(self) -> None:
        """Read no more requests from a client that does not read its responses."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Read requests again, now that the client reads its responses."""
        self._write_paused = False
        self._transport.resume_reading()
        self._read()

    def close_when_answered(self) -> None:
        """Close the connection now, or after the pending response if there is one."""
        if not self._busy:
            self.abort()

    def abort(self) -> None:
        """Close the connection."""
        self._transport.abort()

    def _begin(self) -> None:
        self._request = HttpRequest()
        self._known = False
        self._head = bytearray(self._http.trailing_data[0])
        self._body = bytearray()

    def _read(self) -> None:
        import h11

        try:
            while not (self._busy or self._write_paused or self._closing):
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._send_continue()
                    return
                self._handle_event(event)
        except h11.RemoteProtocolError as error:
            self._refuse("body" if self._known else "request", "HTTP/1.1", str(error))

    def _send_continue(self) -> None:
        import h11

        if self._http.they_are_waiting_for_100_continue:
            informational = h11.InformationalResponse(
                status_code=100, headers=[], reason=b"Continue"
            )
            self._transport.write(self._http.send(informational))

    def _handle_event(self, event: Any) -> None:
        import h11

        if isinstance(event, h11.Request):
            self._known = True
            headers = dict(event.headers)
            method, target = event.method.decode(), event.target.decode()
            self._request = HttpRequest(
                method, target, {key.decode(): headers[key] for key in headers}
            )
            lengths = headers.keys() & {b"content-length", b"transfer-encoding"}
            if len(self._head) - len(self._http.trailing_data[0]) > _LONGEST_HEAD:
                self._refuse("request", f"a head of at most {_LONGEST_HEAD} bytes")
            elif len(lengths) > 1:
                self._refuse("body", "Content-Length or Transfer-Encoding, but not both")
            elif int(headers.get(b"content-length", 0)) > _LONGEST_BODY:
                self._refuse("body", f"at most {_LONGEST_BODY} bytes")
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > _LONGEST_BODY:
                self._refuse("body", f"at most {_LONGEST_BODY} bytes")
        elif isinstance(event, h11.EndOfMessage):
            self._request.body = bytes(self._body)
            self._submit()
        else:
            self._transport.close()
            self._closing = True

    def _refuse(self, name: str, expected: str, why: str = "") -> None:
        """Answer invalid HTTP, then close: nobody knows where the next request begins."""
        self._closing = True
        line = _REQUEST_LINE.match(self._head)
        if line and not self._known:
            # The request line may contain any bytes.
            method, target = (ascii(part.decode("latin-1"))[1:-1] for part in line.groups())
            self._request = HttpRequest(method, target)
        self._request.refusal = rest_json.cannot_parse(name, expected, why[:_LONGEST_REASON]).fault
        self._submit()

    def _submit(self) -> None:
        self._busy = True
        self._server.submit(self._request, self._answered)

    def _answered(self, response: rest_json.Response | Fault) -> None:
        import h11

        self._busy = False
        if self._transport.is_closing():
            return
        if isinstance(response, Fault):
            self._transport.close()
            return
        self._closing = self._closing or self._server.stopping
        self._transport.write(self._written(response))
        if self._closing or self._http.our_state is not h11.DONE:
            self._linger()
            return
        self._http.start_next_cycle()
        self._begin()
        self._transport.resume_reading()
        self._read()

    def _written(self, response: rest_json.Response) -> bytes:
        import h11

        status = http.HTTPStatus(response.status)
        headers = {"Date": email.utils.formatdate(usegmt=True), **response.headers}
        bodiless = status is http.HTTPStatus.NO_CONTENT
        if not bodiless:
            headers["Content-Length"] = str(len(response.body))
        if self._closing:
            headers["Connection"] = "close"
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        reason = status.phrase.encode()
        head = h11.Response(status_code=response.status, headers=encoded, reason=reason)
        written = self._http.send(head)
        # To h11, a request that it could not parse has no method.
        if not (bodiless or (self._known and self._request.method == "HEAD")):
            written += self._http.send(h11.Data(data=response.body))
        return written + self._http.send(h11.EndOfMessage())

    def _linger(self) -> None:
        """Close the connection once the client has read its response.

        Closing a socket with unread input makes the client lose the response.
        """
        self._closing = True
        if self._ended:
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._server.loop.call_later(_LINGER_SECONDS, self._transport.abort)
