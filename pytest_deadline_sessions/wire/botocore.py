"""Botocore clients: making one, and reaching those that others made."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import model
from pytest_deadline_sessions.wire import answering, rest_json, timestamps
from pytest_deadline_sessions.wire.environment import ACCESS_KEY, REGION, SECRET_KEY, dummy_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_deadline_sessions.service import Service

_ID = "pytest-deadline-sessions"
_CREATE = (
    "region_name",
    "api_version",
    "use_ssl",
    "verify",
    "endpoint_url",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "config",
)


def client(*, fast_timestamps: bool = True, **config: Any) -> Any:
    """A botocore client that knows dummy credentials and reads no configuration."""
    from botocore.config import Config

    given = {name: config.pop(name) for name in _CREATE if name in config}
    if config:
        try:
            options = Config(**config)
        except TypeError as error:
            msg = f"{error} (expected {', '.join(_CREATE)}, or options of botocore's Config)"
            raise TypeError(msg) from None
        given["config"] = given["config"].merge(options) if given.get("config") else options
    given.setdefault("region_name", REGION)
    return _session(fast_timestamps=fast_timestamps).create_client(model.SERVICE, **given)


@functools.cache
def _session(*, fast_timestamps: bool) -> Any:
    import botocore.session

    ours = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = botocore.session.Session(session_vars=ours)
    session.register_component("data_loader", model.loader())
    session.set_credentials(ACCESS_KEY, SECRET_KEY)
    if fast_timestamps:
        factory = session.get_component("response_parser_factory")
        factory.set_parser_defaults(timestamp_parser=timestamps.parse)
    return session


class _Raw(io.BytesIO):
    """The body of a response, as botocore reads it."""

    def stream(self, *_args: Any, **_options: Any) -> Iterator[bytes]:
        yield self.read()


class _Route:
    """Leads the calls of one client to a service: the one it is attached to, or the interceptor's.

    Registered once per client; the retry delays that botocore decides on pass through ``_emit``,
    which moves the service's clock instead of letting botocore sleep.
    """

    def __init__(self, client: Any) -> None:
        self.attached: list[Service] = []
        self.events = client.meta.events
        self._emit_original = self.events.emit
        self._handlers = {
            "before-parameter-build": self._check_call,
            "before-sign": self._use_dummy_credentials,
            "before-send": self._answer,
        }

    @property
    def service(self) -> Service | None:
        """Who answers at this moment."""
        if self.attached:
            return self.attached[-1]
        return _interceptors[-1] if _interceptors else None

    def register(self) -> None:
        for event, handler in self._handlers.items():
            self.events.register_first(f"{event}.{model.SERVICE}", handler, unique_id=_ID + event)
        self.events.emit = self._emit

    def unregister(self) -> None:
        for event, handler in self._handlers.items():
            self.events.unregister(f"{event}.{model.SERVICE}", handler, unique_id=_ID + event)
        del self.events.emit

    def _emit(self, event_name: str, **kwargs: Any) -> Any:
        responses = self._emit_original(event_name, **kwargs)
        service = self.service
        if service is None or not event_name.startswith("needs-retry."):
            return responses
        return [(handler, _without_delay(service, delay)) for handler, delay in responses]

    def _check_call(self, model: Any, params: Any, context: Any = None, **_: Any) -> None:
        service = self.service
        if service is None:
            return
        if model.name not in service.operations:
            raise answering.lacking(service, model.name)
        config = (context or {}).get("client_config")
        if config is not None and not config.parameter_validation:
            return
        from botocore.validate import ParamValidator

        report = ParamValidator().validate(params, model.input_shape)
        if report.has_errors():
            service.record_unsent(model.name, params, report.generate_report())

    def _use_dummy_credentials(self, request: Any, **_: Any) -> None:
        if self.service is not None:
            request.context.setdefault("signing", {})["request_credentials"] = _dummy()

    def _answer(self, request: Any, **_: Any) -> Any:
        service = self.service
        if service is None:
            return None
        from botocore.awsrequest import AWSResponse
        from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

        response = answering.respond(
            service, request.method, request.url, request.headers, request.body
        )
        if not isinstance(response, rest_json.Response):
            if response.code == ReadTimeoutError.__name__:
                raise ReadTimeoutError(endpoint_url=request.url)
            raise ConnectionClosedError(endpoint_url=request.url)
        raw: Any = _Raw(response.body)
        return AWSResponse(request.url, response.status, response.headers, raw)


def _without_delay(service: Service, delay: Any) -> Any:
    if isinstance(delay, int | float) and not isinstance(delay, bool) and delay > 0:
        service.clock.advance(seconds=delay)
        return 0
    return delay


@functools.cache
def _dummy() -> Any:
    from botocore.credentials import Credentials

    return Credentials(ACCESS_KEY, SECRET_KEY)


_lock = threading.RLock()
_routes: weakref.WeakKeyDictionary[Any, _Route] = weakref.WeakKeyDictionary()
_interceptors: list[Service] = []
_original: list[Callable[..., Any]] = []


def attach(client: Any, service: Service) -> Callable[[], None]:
    """Lead the calls of one client to ``service``; returns what undoes it.

    Raises:
        TypeError: It is no botocore client of Deadline Cloud.
    """
    meta = getattr(client, "meta", None)
    name = getattr(getattr(meta, "service_model", None), "service_name", None)
    if name != model.SERVICE:
        msg = f"client={client!r} (expected a botocore client of {model.SERVICE!r})"
        raise TypeError(msg)
    with _lock:
        route = _route(client)
        route.attached.append(service)

    def detach() -> None:
        with _lock:
            if service in route.attached:
                route.attached.remove(service)
            _tidy()

    return detach


@contextlib.contextmanager
def intercept(service: Service) -> Iterator[None]:
    """Lead the calls of every Deadline Cloud client of this process to ``service``."""
    with dummy_environment():
        with _lock:
            _interceptors.append(service)
            if len(_interceptors) == 1:
                _patch()
        try:
            yield
        finally:
            with _lock:
                _interceptors.remove(service)
                if not _interceptors:
                    _unpatch()
                _tidy()


def _route(client: Any) -> _Route:
    route = _routes.get(client)
    if route is None:
        route = _routes[client] = _Route(client)
        route.register()
    return route


def _tidy() -> None:
    if not _interceptors:
        for client, route in list(_routes.items()):
            if not route.attached:
                route.unregister()
                del _routes[client]


def _patch() -> None:
    from botocore.client import BaseClient

    original = BaseClient._make_api_call  # noqa: SLF001 (where tracing libraries hook in too)

    @functools.wraps(original)
    def make_api_call(self: Any, operation_name: str, api_params: Any) -> Any:
        if _interceptors and self.meta.service_model.service_name == model.SERVICE:
            with _lock:
                _route(self)
        return original(self, operation_name, api_params)

    _original[:] = [make_api_call, original]
    BaseClient._make_api_call = make_api_call  # noqa: SLF001


def _unpatch() -> None:
    from botocore.client import BaseClient

    ours, original = _original
    # Somebody else may have wrapped ours meanwhile; then it stays below theirs, and does nothing.
    if BaseClient._make_api_call is ours:  # noqa: SLF001
        BaseClient._make_api_call = original  # noqa: SLF001
