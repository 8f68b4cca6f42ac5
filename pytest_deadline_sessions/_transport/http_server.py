"""Serve over loopback HTTP, for subprocesses and for other languages.

This module decides what a request means. ``http1`` knows only bytes, sockets and threads, and can
be tested against hostile clients without a service.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_deadline_sessions._arguments import check_kind, check_whole, wrong_value
from pytest_deadline_sessions._domain.faults import Fault
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions._transport import (
    environment,
    gateway,
    host_names,
    http1,
    rest_json,
)

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@public
class Endpoint(str):
    """The URL of the loopback server: a string that can also build the environment to use it.

    ``fake.serve()`` and the fixture ``deadline_sessions_endpoint`` provide it.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> with FakeDeadline().serve() as endpoint:
        ...     "AWS_ENDPOINT_URL_DEADLINE" in endpoint.environment()
        True
    """

    __slots__ = ()

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment for a subprocess whose Deadline Cloud clients should call this server.

        It sets the endpoint, dummy credentials and a region. It turns off the metadata service, the
        proxy for this host, and host prefixes (no ``management.`` before a loopback address).

        Args:
            base: The environment to start from; by default that of this process.

        Raises:
            TypeError: ``base`` is not a mapping.
        """
        start = os.environ if base is None else base
        given = dict(check_kind("base", start, Mapping, "a dict of environment variables"))
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
            # All other SDKs read the region from this variable.
            "AWS_REGION": set_for_botocore["AWS_DEFAULT_REGION"],
            environment.ENDPOINT: self if _knows_prefixes() else self._with_user(),
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }

    def _with_user(self) -> str:
        """The URL with a user name, so that a host prefix becomes part of that, not of the host."""
        return self.replace("//", "//deadline@")


def _knows_prefixes() -> bool:
    """Whether a variable can turn host prefixes off; botocore has none before 1.37.5."""
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

    return "disable_host_prefix_injection" in BOTOCORE_DEFAUT_SESSION_VARIABLES


def serve(
    service: Service,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    allowed_hosts: Collection[str] = (),
) -> contextlib.AbstractContextManager[Endpoint]:
    """Check the arguments, and return a context manager that serves on loopback.

    Args:
        service: The service that answers.
        host: A loopback address, or ``localhost``.
        port: The port; by default any free one.
        allowed_hosts: As in ``FakeDeadline.serve``.

    Returns:
        A context manager. On entry it raises ``ImportError`` without the extra ``server``, and
        ``OSError`` if the address cannot be used, for example because it is taken.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: ``host`` is not loopback, or ``port`` or ``allowed_hosts`` are invalid.
    """
    _refuse_outside(host)
    check_whole("port", port, 0, 65535)
    return _serving(service, host, port, host_names.HostNames(allowed_hosts))


@contextlib.contextmanager
def _serving(
    service: Service, host: str, port: int, names: host_names.HostNames
) -> Iterator[Endpoint]:
    _refuse_without_h11()
    listening = _listen(host, port)
    name = f"[{host}]" if ":" in host else host
    endpoint = Endpoint(f"http://{name}:{listening.getsockname()[1]}")
    server = http1.Server(listening, functools.partial(_answer, service, names))
    try:
        yield endpoint
    finally:
        server.stop()


def _refuse_outside(host: str) -> None:
    expected = "a loopback address, such as '127.0.0.1'"
    if not host_names.is_loopback(check_kind("host", host, str, expected)):
        raise wrong_value("host", host, expected)


def _refuse_without_h11() -> None:
    try:
        importlib.import_module("h11")
    except ImportError as error:
        msg = "serving needs h11: install pytest-deadline-sessions[server]"
        raise ImportError(msg) from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=http1.BACKLOG)
    except OSError as error:
        msg = f"host={shown(host)}, port={port} (expected an address that is free)"
        # Python appends the address, which the message has already.
        reason = str(error.strerror).partition(" (while ")[0]
        raise OSError(error.errno, f"{msg}: {reason}") from None


def _answer(
    service: Service, names: host_names.HostNames, request: http1.HttpRequest
) -> rest_json.Response | Fault:
    try:
        refusal = names.refusal(request.headers) or request.refusal
        if refusal is None and not request.target.startswith("/"):
            refusal = rest_json.cannot_parse("target", "a path that begins with /").fault
        if refusal is not None:
            return gateway.refuse(service, request.method, request.target, refusal)
        return gateway.respond(
            service, request.method, request.target, request.headers, request.body
        )
    except BaseException as error:  # noqa: BLE001 (whatever it is, the client gets it as a response)
        return _failure(error)


def _failure(error: BaseException) -> rest_json.Response:
    kind = re.sub(r"\W", "?", type(error).__name__, flags=re.ASCII)
    status = 501 if isinstance(error, NotImplementedError) else 500
    body = json.dumps({"message": str(error)}).encode()
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind}
    return rest_json.Response(status, headers, body)
