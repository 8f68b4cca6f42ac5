"""Connect aiobotocore clients to a service through botocore's events, which they await."""

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
    """An async context manager for a client of ``service`` that reads no configuration.

    Args:
        service: The service that answers the client's calls.
        attach: Connects a client to a service.
        fast_timestamps: As in ``FakeDeadline.client``.
        **config: Arguments of ``AioSession.create_client``, and options of ``AioConfig``.

    Raises:
        TypeError: An unknown option.
    """
    from aiobotocore.config import AioConfig

    session = _session(fast_timestamps=fast_timestamps)
    arguments = options_of(AioConfig, config)
    make = functools.partial(session.create_client, model.SERVICE, **arguments)
    return _Attached(service, make, attach)


class _Attached:
    """Makes the client on entry. Not an async generator: event loops close those at their end."""

    def __init__(
        self, service: Service, make: Callable[[], Any], attach: Callable[[Any, Service], Any]
    ) -> None:
        self._service = service
        self._make = make
        self._attach = attach

    async def __aenter__(self) -> Any:
        self._making = self._make()
        aio_client = await self._making.__aenter__()
        self._attach(aio_client, self._service)
        return aio_client

    async def __aexit__(self, *error: object) -> None:
        await self._making.__aexit__(*error)


@functools.cache
def _session(*, fast_timestamps: bool) -> Any:
    from aiobotocore.session import AioSession

    return prepared(AioSession, fast_timestamps=fast_timestamps)


class _Turn:
    """Lets other tasks run, as they do while a real request is under way."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class _Raw(io.BytesIO):
    """The body of a response, as aiobotocore reads it; old versions read the headers here too."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.body)
        self.raw_headers = [
            (name.encode(), value.encode()) for name, value in response.headers.items()
        ]

    async def read(self, *args: Any) -> bytes:  # type: ignore[override]
        return super().read(*args)


class AioClientHooks(ClientHooks):
    """Connects one aiobotocore client to a service."""

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
        """Dummy credentials to sign requests with, so that nothing looks up real ones."""
        from aiobotocore.credentials import AioCredentials

        return AioCredentials(ACCESS_KEY, SECRET_KEY)

    @staticmethod
    def response(url: str, response: Response) -> Any:
        """A response object of this kind of client."""
        from aiobotocore.awsrequest import AioAWSResponse

        raw: Any = _Raw(response)
        return AioAWSResponse(url, response.status, response.headers, raw)
