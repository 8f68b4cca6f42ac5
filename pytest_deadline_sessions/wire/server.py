"""The service on loopback HTTP, for subprocesses and for other languages."""

from __future__ import annotations

import contextlib
import http
import ipaddress
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_deadline_sessions.faults import Fault
from pytest_deadline_sessions.wire import answering, environment, rest_json

if TYPE_CHECKING:
    from pytest_deadline_sessions.service import Service

_THREADS = 8
_MOST_THREADS = 32
_KEPT_ALIVE = 256
_TICK = 0.02


class Endpoint(str):
    """The URL of a service on loopback; a string that knows the environment to go with it."""

    __slots__ = ()

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a subprocess whose Deadline Cloud clients are to come here.

        It names the endpoint, switches host prefixes off (``management.`` cannot be put before a
        loopback address) and the proxy for this host, and has dummy credentials, a region and no
        metadata service.

        Args:
            base: What to add it to; by default the environment of this process.
        """
        given = dict(os.environ if base is None else base)
        for name in environment.REMOVED:
            given.pop(name, None)
        set_for_botocore = environment.dummies(given)
        direct = [given.get("no_proxy") or given.get("NO_PROXY"), urlsplit(self).hostname]
        no_proxy = ",".join(filter(None, direct))
        return {
            **given,
            **set_for_botocore,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            # Every other SDK has this name for the region.
            "AWS_REGION": set_for_botocore["AWS_DEFAULT_REGION"],
            "AWS_ENDPOINT_URL_DEADLINE": str(self),
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }


@contextlib.contextmanager
def serve(service: Service, host: str = "127.0.0.1", port: int = 0) -> Iterator[Endpoint]:
    """Serve on loopback until left.

    Args:
        service: Who answers.
        host: A loopback address, or ``localhost``.
        port: The port; by default one that is free.

    Raises:
        ImportError: The extra ``server`` is not installed.
        OSError: The address cannot be listened on, such as one that is taken.
        ValueError: ``host`` is not loopback, or ``port`` not one.
    """
    _refuse_outside(host)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:  # noqa: PLR2004
        msg = f"port={port!r} (expected 0..65535)"
        raise ValueError(msg)
    server = _server(service, host, port)
    _refuse_taken(host, port)
    server.prepare()
    thread = threading.Thread(target=server.serve, name="deadline-sessions", daemon=True)
    thread.start()
    name = f"[{host}]" if ":" in host else host
    try:
        yield Endpoint(f"http://{name}:{server.bind_addr[1]}")
    finally:
        server.stop()
        thread.join()


def _refuse_outside(host: str) -> None:
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside:
        msg = f"host={host!r} (expected a loopback address, such as '127.0.0.1')"
        raise ValueError(msg)


def _refuse_taken(host: str, port: int) -> None:
    """Try the address, since cheroot leaves a socket open where it cannot listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        msg = f"host={host!r}, port={port!r} (expected an address that is free)"
        raise OSError(error.errno, f"{msg}: {error.strerror}") from None


def _server(service: Service, host: str, port: int) -> Any:
    try:
        from cheroot import server as cheroot
    except ImportError as error:
        msg = "serving needs cheroot: install pytest-deadline-sessions[server]"
        raise ImportError(msg) from error

    class Gateway(cheroot.Gateway):
        """One request."""

        def respond(self) -> None:
            _respond(service, self.req)

    server = cheroot.HTTPServer((host, port), Gateway, _THREADS, _MOST_THREADS)
    server.keep_alive_conn_limit = _KEPT_ALIVE
    server.request_queue_size = _KEPT_ALIVE
    server.expiration_interval = _TICK
    server.shutdown_timeout = 1
    return server


def _respond(service: Service, request: Any) -> None:
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in request.inheaders.items()
    }
    has_body = "content-length" in headers or "transfer-encoding" in headers
    body = request.rfile.read() if has_body else b""
    method, uri = request.method.decode("latin-1"), request.uri.decode("latin-1")
    try:
        response = answering.respond(service, method, uri, headers, body)
    except Exception as error:  # noqa: BLE001 (whatever it is, the client must hear of it)
        response = _failure(error)
    if isinstance(response, Fault):
        _hang_up(request)
        return
    request.status = f"{response.status} {http.HTTPStatus(response.status).phrase}".encode()
    sent = {**response.headers, "Content-Length": str(len(response.body))}
    request.outheaders = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()
    ]
    request.ensure_headers_sent()
    if method != "HEAD":
        request.write(response.body)


def _failure(error: Exception) -> rest_json.Response:
    kind = type(error).__name__
    status = 501 if isinstance(error, NotImplementedError) else 500
    body = json.dumps({"message": str(error)}).encode()
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind}
    return rest_json.Response(status, headers, body)


def _hang_up(request: Any) -> None:
    """Close the connection without a word."""
    request.close_connection = True
    request.sent_headers = True
    with contextlib.suppress(OSError):
        request.conn.socket.shutdown(socket.SHUT_RDWR)
