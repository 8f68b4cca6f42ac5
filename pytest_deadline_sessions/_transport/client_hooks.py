"""Connect botocore clients to a service through the events that every client emits."""

from __future__ import annotations

import contextlib
import functools
import io
import weakref
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions._text import shorten, worded
from pytest_deadline_sessions._transport import (
    gateway,
    rest_json,
    retry_delays,
    timestamps,
    tracking,
)
from pytest_deadline_sessions._transport.environment import ACCESS_KEY, SECRET_KEY
from pytest_deadline_sessions._transport.tracking import CallUnderWay, Interception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_deadline_sessions._service.service import Service

_WIDEST_URL = 300
_ID = "pytest-deadline-sessions"
_REFUSAL = _ID + " refusal"


class _Raw(io.BytesIO):
    """The body of a response, as botocore reads it."""

    def stream(self, *_args: Any, **_options: Any) -> Iterator[bytes]:
        yield self.read()


class ClientHooks:
    """Connects one client to the service it is attached to, or to the intercepting service.

    Each client is hooked once. Botocore announces retry delays as events. ``_emit`` advances the
    service's clock by the delay, so that botocore does not sleep.

    Args:
        client: The client.
        when_late: Called when a call ends after its interception has ended.

    Attributes:
        attached: The attachments of this client; the last one answers.
        finalizer: Called when the client has been garbage-collected.
    """

    finalizer: weakref.finalize[Any, Any]

    def __init__(self, client: Any, when_late: Callable[[], None]) -> None:
        self._when_late = when_late
        self.attached: list[Interception] = []
        self._is_registered = False
        self.events = client.meta.events
        self._under_way: set[weakref.ref[CallUnderWay]] = set()
        # The serializer validates the parameters, unless the client's config switches that off.
        self._serializer = client._serializer  # noqa: SLF001 (it has no public name)
        self._patches = Patches()
        self._handlers = {
            "before-sign": self._use_dummy_credentials,
            "before-send": self._answer,
            "after-call": self._finish,
            "after-call-error": self._end,
        }

    @property
    def service(self) -> Service | None:
        """The service that currently answers this client, if any."""
        interception = self._interception()
        return None if interception is None else interception.service

    def _interception(self) -> Interception | None:
        interceptions = self.attached or _state.interceptions
        return interceptions[-1] if interceptions else None

    @property
    def under_way(self) -> bool:
        """Whether any call that began while a service answered is still under way."""
        calls = [reference() for reference in list(self._under_way)]
        return any(call is not None and not call.over for call in calls)

    def register(self) -> None:
        """Hook into the client, even if an interrupt stopped an earlier attempt halfway."""
        if self._is_registered:
            return
        self.unregister()
        for event, handler in self._handlers.items():
            self.events.register_first(f"{event}.{model.SERVICE}", handler, unique_id=_ID + event)
        # Last, so that a Stubber on the same client can answer operations that the service lacks.
        self.events.register_last("before-call", self._start, unique_id=_ID)
        self._patches.wrap_own(self.events, "emit", self._emit)
        self._patches.wrap_own(self._serializer, "serialize_to_request", self._serialize)
        retry_delays.patch()
        self._is_registered = True

    def unregister(self) -> None:
        """Remove all hooks from the client."""
        self._is_registered = False
        for event, handler in self._handlers.items():
            self._unregister(f"{event}.{model.SERVICE}", handler, _ID + event)
        self._unregister("before-call", self._start, _ID)
        self.events.unregister("before-send", unique_id=_REFUSAL)
        self._patches.undo()

    def _unregister(self, event: str, handler: Any, unique_id: str) -> None:
        self.events.unregister(event, unique_id=unique_id)
        # An interrupt may have left the handler registered without its id. If it is not
        # registered at all, botocore raises AttributeError.
        with contextlib.suppress(AttributeError):
            self.events.unregister(event, handler)

    def retire(self, origin: str) -> None:
        """Refuse the client's requests from now on, unless something else answers them.

        Args:
            origin: The name of the interception inside which the client was made.
        """
        self.unregister()
        refuse = functools.partial(_refuse, origin)
        self.events.register_last("before-send", refuse, unique_id=_REFUSAL)

    def _emit(self, emit: Any, event_name: str, **kwargs: Any) -> Any:
        try:
            return self.without_delays(event_name, emit(event_name, **kwargs))
        except BaseException as error:
            self.note_stopped(error)
            raise

    def note_stopped(self, error: BaseException) -> None:
        """End a call that was cancelled or interrupted, for which botocore has no event."""
        if not isinstance(error, Exception):
            self._end()

    def without_delays(self, event_name: str, responses: Any) -> Any:
        """The responses to an event, with retry delays spent on the service's clock instead."""
        service = self.service
        if service is None or not event_name.startswith("needs-retry."):
            return responses
        return [
            (handler, retry_delays.without_delay(service.clock, delay))
            for handler, delay in responses
        ]

    def _start(self, model: Any, params: Any, context: Any, **_: Any) -> None:
        interception = self._interception()
        if interception is not None:
            gateway.refuse_lacking(
                interception.service, model.name, params["method"], params["url_path"]
            )
        call = CallUnderWay(self, interception)
        if interception is not None:
            self._under_way.add(weakref.ref(call, self._under_way.discard))
        tracking.start(call)
        # Botocore drops the context when the call ends, however it ends.
        context[_ID] = call

    def _finish(self, parsed: Any, **_: Any) -> None:
        if self.service is not None and timestamps.are_frozen():
            timestamps.thaw(parsed)
        self._end()

    def _end(self, **_: Any) -> None:
        if tracking.end(tracking.current(self)):
            self._when_late()

    def _serialize(self, serialize: Any, parameters: Any, operation_model: Any) -> Any:
        """Record a call whose arguments botocore refuses or cannot serialize."""
        from botocore.exceptions import ParamValidationError

        try:
            return serialize(parameters, operation_model)
        except Exception as error:
            service = self.service
            if service is not None:
                # Without validation, botocore may fail on a member that is missing.
                why = worded(error)
                if isinstance(error, ParamValidationError):
                    why = error.kwargs["report"]
                service.record_unsent(operation_model.name, parameters, why)
            raise

    def _use_dummy_credentials(self, request: Any, **_: Any) -> None:
        if self.service is not None:
            signing = request.context.setdefault("signing", {})
            signing["request_credentials"] = self.credentials()

    @staticmethod
    def credentials() -> Any:
        """Dummy credentials to sign requests with, so that nothing looks up real ones."""
        from botocore.credentials import Credentials

        return Credentials(ACCESS_KEY, SECRET_KEY)

    @staticmethod
    def response(url: str, response: rest_json.Response) -> Any:
        """A response object as this kind of client expects it."""
        from botocore.awsrequest import AWSResponse

        headers: Any = response.headers  # botocore copies any mapping
        return AWSResponse(url, response.status, headers, _Raw(response.body))

    def _answer(self, request: Any, **_: Any) -> Any:
        call = tracking.current(self)
        if call is not None and call.interception is not None and call.interception.ended:
            name = call.interception.name
            msg = (
                f"{in_short(request)} was under way when {name} ended. Join the thread "
                f"or await the task that made the call before {name} ends."
            )
            raise RuntimeError(msg)
        interception = self._interception()
        if interception is None:
            return None
        from botocore import exceptions

        interception.note_worker()
        response = gateway.respond(
            interception.service, request.method, request.url, request.headers, request.body
        )
        if not isinstance(response, rest_json.Response):
            raise getattr(exceptions, response.code)(endpoint_url=request.url)
        return self.response(request.url, response)


def in_short(request: Any) -> str:
    """The method and the URL of a request; the end of a long URL is cut."""
    return f"{request.method} {shorten(request.url, _WIDEST_URL)}"


def _refuse(origin: str, request: Any, **_: Any) -> None:
    msg = (
        f"{in_short(request)} is not sent: its client was created inside {origin}, "
        "which has ended. Create the client in the test that uses it, or request "
        "deadline_sessions there."
    )
    raise RuntimeError(msg)
