"""Botocore clients: making one, and reaching those that others made."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import os
import sys
import threading
import weakref
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import model
from pytest_deadline_sessions.wire import answering, rest_json, timestamps, waiting
from pytest_deadline_sessions.wire.environment import (
    ACCESS_KEY,
    REGION,
    SECRET_KEY,
    dummy_environment,
)

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

    given = options_of(Config, config)
    return _session(fast_timestamps=fast_timestamps).create_client(model.SERVICE, **given)


def options_of(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """What ``create_client`` takes: what goes into a ``kind`` of ``Config`` is put there.

    Raises:
        TypeError: An unknown option.
    """
    given = {name: config[name] for name in _CREATE if name in config}
    rest = {name: value for name, value in config.items() if name not in _CREATE}
    if rest:
        try:
            options = kind(**rest)
        except TypeError as error:
            msg = f"{error} (expected {', '.join(_CREATE)}, or options of botocore's Config)"
            raise TypeError(msg) from None
        given["config"] = given["config"].merge(options) if given.get("config") else options
    given.setdefault("region_name", REGION)
    return given


@functools.cache
def _session(*, fast_timestamps: bool) -> Any:
    import botocore.session
    from botocore.config import Config

    session = prepared(botocore.session.Session, fast_timestamps=fast_timestamps)
    # Botocore would compose it anew, twice for each request, in a fifth of the time.
    session.set_default_client_config(Config(user_agent=session.user_agent()))
    return session


def prepared(kind: Any, *, fast_timestamps: bool = True) -> Any:
    """A session of that kind that knows dummy credentials and reads no configuration."""
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

    # Each is a name in files, one in the environment, a default and a conversion.
    ours = {name: (None, None, *rest) for name, (_, _, *rest) in VARIABLES.items()}
    for name in ("config_file", "credentials_file"):
        ours[name] = (None, None, os.devnull, None)
    session = kind(session_vars=ours)
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


class Route:
    """Leads the calls of one client to a service: the one it is attached to, or the interceptor's.

    Registered once per client; the retry delays that botocore decides on pass through ``_emit``,
    which moves the service's clock instead of letting botocore sleep.
    """

    def __init__(self, client: Any) -> None:
        from botocore.validate import ParamValidationDecorator

        self.attached: list[_Lead] = []
        self.under_way = 0
        self.events = client.meta.events
        # The client's own config forgets whether it was told to validate.
        self._validates = isinstance(client._serializer, ParamValidationDecorator)  # noqa: SLF001
        self.emit_original = self.events.emit
        self._handlers = {
            "before-parameter-build": self._note_invalid,
            "before-sign": self._use_dummy_credentials,
            "before-send": self._answer,
            "after-call": self._finish,
            "after-call-error": self._note_end,
        }

    @property
    def service(self) -> Service | None:
        """Who answers at this moment."""
        leads = self.attached or _interceptors
        return leads[-1].service if leads else None

    def register(self) -> None:
        """Listen to the events of the client."""
        for event, handler in self._handlers.items():
            self.events.register_first(f"{event}.{model.SERVICE}", handler, unique_id=_ID + event)
        # Last of all, so that a Stubber on the same client may answer what the service lacks.
        self.events.register_last("before-call", self._note_start, unique_id=_ID)
        self.events.emit = self._emit
        waiting.patch()

    def unregister(self) -> None:
        """Leave the client as it was."""
        for event, handler in self._handlers.items():
            self.events.unregister(f"{event}.{model.SERVICE}", handler, unique_id=_ID + event)
        self.events.unregister("before-call", self._note_start, unique_id=_ID)
        del self.events.emit

    def _emit(self, event_name: str, **kwargs: Any) -> Any:
        try:
            with self.waiting(event_name):
                return self.without_delays(event_name, self.emit_original(event_name, **kwargs))
        except BaseException as error:
            self.note_stopped(error)
            raise

    def note_stopped(self, error: BaseException) -> None:
        """Note the end of a call that is cancelled or interrupted, of which no event tells."""
        if not isinstance(error, Exception):
            self._note_end()

    def waiting(self, event_name: str) -> contextlib.AbstractContextManager[None]:
        """Let the service's clock spend what handlers of ``before-send`` wait."""
        service = self.service
        if service is None or not event_name.startswith("before-send."):
            return contextlib.nullcontext()
        return waiting.spent_by(service.clock)

    def without_delays(self, event_name: str, responses: Any) -> Any:
        """The responses to an event; delays before retries are spent by the service's clock."""
        service = self.service
        if service is None or not event_name.startswith("needs-retry."):
            return responses
        return [
            (handler, waiting.without_delay(service.clock, delay)) for handler, delay in responses
        ]

    def _note_start(self, model: Any, **_: Any) -> None:
        service = self.service
        if service is None:
            return
        if model.name not in service.operations:
            raise answering.lacking(service, model.name)
        with _lock:
            self.under_way += 1
        _calls.set((*_calls.get(), self))

    def _finish(self, parsed: Any, **_: Any) -> None:
        if self.service is not None and timestamps.are_frozen():
            timestamps.thaw(parsed)
        self._note_end()

    def _note_end(self, **_: Any) -> None:
        calls = _calls.get()
        if calls and calls[-1] is self:
            _calls.set(calls[:-1])
            with _lock:
                self.under_way -= 1
                if self.service is None:
                    _tidy()

    def _note_invalid(self, model: Any, params: Any, **_: Any) -> None:
        service = self.service
        if service is None or not self._validates:
            return
        from botocore.validate import ParamValidator

        report = ParamValidator().validate(params, model.input_shape)
        if report.has_errors():
            service.record_unsent(model.name, params, report.generate_report())

    def _use_dummy_credentials(self, request: Any, **_: Any) -> None:
        if self.service is not None:
            signing = request.context.setdefault("signing", {})
            signing["request_credentials"] = self.credentials()

    @staticmethod
    def credentials() -> Any:
        """What requests are signed with, so that no real credentials are asked for."""
        from botocore.credentials import Credentials

        return Credentials(ACCESS_KEY, SECRET_KEY)

    @staticmethod
    def response(url: str, response: rest_json.Response) -> Any:
        """A response as this kind of client reads it."""
        from botocore.awsrequest import AWSResponse

        raw: Any = _Raw(response.body)
        return AWSResponse(url, response.status, response.headers, raw)

    def _answer(self, request: Any, **_: Any) -> Any:
        service = self.service
        if service is None:
            if self in _calls.get():
                msg = (
                    f"{request.method} {request.url} was under way when the interception ended "
                    "(expected its end before; inside, join the thread or task that made it)"
                )
                raise RuntimeError(msg)
            return None
        from botocore import exceptions

        response = answering.respond(
            service, request.method, request.url, request.headers, request.body
        )
        if not isinstance(response, rest_json.Response):
            raise getattr(exceptions, response.code)(endpoint_url=request.url)
        return self.response(request.url, response)


@dataclass(frozen=True, eq=False)
class _Lead:
    """One attachment, or one interception: the same service may have several."""

    service: Service


_lock = threading.RLock()
# The calls that this thread or task is in: in one that a listener makes, say, inside another.
_calls: ContextVar[tuple[Route, ...]] = ContextVar("deadline_sessions_calls", default=())
_routes: weakref.WeakKeyDictionary[Any, Route] = weakref.WeakKeyDictionary()
_interceptors: list[_Lead] = []
_patches: list[tuple[Any, str, Callable[..., Any], Callable[..., Any]]] = []


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
    lead = _Lead(service)
    with _lock:
        route = _route(client)
        route.attached.append(lead)

    def detach() -> None:
        with _lock:
            route.attached.remove(lead)
            _tidy()

    return detach


@contextlib.contextmanager
def intercept(service: Service) -> Iterator[None]:
    """Lead the calls of every Deadline Cloud client of this process to ``service``."""
    lead = _Lead(service)
    with dummy_environment():
        with _lock:
            _interceptors.append(lead)
            if len(_interceptors) == 1:
                _patch()
        try:
            yield
        finally:
            with _lock:
                _interceptors.remove(lead)
                if not _interceptors:
                    _unpatch()
                _tidy()


def _route(client: Any) -> Route:
    route = _routes.get(client)
    if route is None:
        # Made before the entry, so that it comes when the entry is gone.
        weakref.finalize(client, _forget).atexit = False
        route = _routes[client] = _kind(client)(client)
        route.register()
    return route


def _forget() -> None:
    """Leave nothing behind once the last client is gone; garbage is collected at any time."""
    with _lock:
        if not _routes:
            waiting.unpatch()


def _tidy() -> None:
    if not _interceptors:
        for client, route in list(_routes.items()):
            if not route.attached and not route.under_way:
                route.unregister()
                del _routes[client]
    if not _routes:
        waiting.unpatch()


def _kind(client: Any) -> type[Route]:
    if inspect.iscoroutinefunction(inspect.unwrap(type(client)._make_api_call)):  # noqa: SLF001
        from pytest_deadline_sessions.wire.aio import AioRoute

        return AioRoute
    return Route


def _patch() -> None:
    """Meet clients when they are made, and those that exist already when they next call."""
    from botocore.client import BaseClient

    # Aiobotocore has a method of its own; if it comes later, its clients are met when made.
    aio = sys.modules.get("aiobotocore.client")
    _wrap(BaseClient, "__init__", _met_after)
    _wrap(BaseClient, "_make_api_call", _met_before)
    if aio is not None:
        _wrap(aio.AioBaseClient, "_make_api_call", _met_before)


def _wrap(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = vars(owner)[name]
    ours = functools.wraps(original)(wrap(original))
    setattr(owner, name, ours)
    _patches.append((owner, name, ours, original))


def _met_before(original: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        _meet(self)
        return original(self, *args, **kwargs)

    return method


def _met_after(original: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        _meet(self)

    return method


def _meet(client: Any) -> None:
    if _interceptors and client.meta.service_model.service_name == model.SERVICE:
        with _lock:
            _route(client)


def _unpatch() -> None:
    while _patches:
        owner, name, ours, original = _patches.pop()
        # Somebody may have wrapped ours meanwhile; then it stays below theirs, and does nothing.
        if vars(owner)[name] is ours:
            setattr(owner, name, original)
