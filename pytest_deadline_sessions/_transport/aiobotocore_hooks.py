"""Aiobotocore clients: the same events, awaited."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._transport.client_factory import options_of, prepared
from pytest_deadline_sessions._transport.client_hooks import ClientHooks
from pytest_deadline_sessions._transport.environment import ACCESS_KEY, SECRET_KEY

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service
    from pytest_deadline_sessions._transport.rest_json import Response


def client(
    service: Service,
    attach: Callable[[Any, Service], Any],
    *,
    fast_timestamps: bool = True,
    **config: Any,
) -> _Attached:
    """What ``async with`` makes a client of ``service`` of; it reads no configuration.

    Args:
        service: Who answers.
        attach: What leads a client there.
        fast_timestamps: As of ``FakeDeadline.client``.
        **config: What ``AioSession.create_client`` takes, and options of ``AioConfig``.

    Raises:
        TypeError: An unknown option.
    """
    from aiobotocore.config import AioConfig

    session = _session(fast_timestamps=fast_timestamps)
    given = options_of(AioConfig, config)
    make = functools.partial(session.create_client, model.SERVICE, **given)
    return _Attached(service, make, attach)


class _Attached:
    """A client that is made when entered; no generator, since one ends with its event loop."""

    def __init__(
        self, service: Service, make: Callable[[], Any], attach: Callable[[Any, Service], Any]
    ) -> None:
        self._service = service
        self._make = make
        self._attach = attach

    async def __aenter__(self) -> Any:
        self._making = self._make()
        made = await self._making.__aenter__()
        self._attach(made, self._service)
        return made

    async def __aexit__(self, *error: object) -> None:
        await self._making.__aexit__(*error)


@functools.cache
def _session(*, fast_timestamps: bool) -> Any:
    from aiobotocore.session import AioSession

    return prepared(AioSession, fast_timestamps=fast_timestamps)


class _Turn:
    """Lets other tasks go on, as they do while a request is under way."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class _Raw(io.BytesIO):
    """The body of a response, as aiobotocore reads it; older ones look for the headers here too."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.body)
        self.raw_headers = [
            (name.encode(), value.encode()) for name, value in response.headers.items()
        ]

    async def read(self, *args: Any) -> bytes:  # type: ignore[override]
        return super().read(*args)


class AioClientHooks(ClientHooks):
    """Leads the calls of one aiobotocore client to a service."""

    async def _emit(self, emit: Any, event_name: str, **kwargs: Any) -> Any:
        try:
            responses = await emit(event_name, **kwargs)
            return self.without_delays(event_name, responses)
        except BaseException as error:
            self.note_stopped(error)
            raise

    async def _answer(self, request: Any, **kwargs: Any) -> Any:
        await _Turn()
        return super()._answer(request, **kwargs)

    @staticmethod
    def credentials() -> Any:
        """What requests are signed with, so that no real credentials are asked for."""
        from aiobotocore.credentials import AioCredentials

        return AioCredentials(ACCESS_KEY, SECRET_KEY)

    @staticmethod
    def response(url: str, response: Response) -> Any:
        """A response as this kind of client reads it."""
        from aiobotocore.awsrequest import AioAWSResponse

        raw: Any = _Raw(response)
        return AioAWSResponse(url, response.status, response.headers, raw)
