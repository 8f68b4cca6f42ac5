"""Connect clients to a service: one client, or all clients of the process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import wrong_type
from pytest_deadline_sessions._patching import Patches, assign
from pytest_deadline_sessions._service.service import Service
from pytest_deadline_sessions._transport import (
    child_processes,
    credential_lookups,
    environment,
    host_names,
    retry_delays,
    tracking,
)
from pytest_deadline_sessions._transport.client_hooks import ClientHooks, in_short
from pytest_deadline_sessions._transport.tracking import Interception

_patches = Patches("interception")


def attach(client: Any, service: Service) -> Callable[[], None]:
    """Connect one client to ``service``.

    Returns:
        A function that disconnects it.

    Raises:
        TypeError: ``client`` is not a botocore client of Deadline Cloud.
    """
    meta = getattr(client, "meta", None)
    name = getattr(getattr(meta, "service_model", None), "service_name", None)
    if name != model.SERVICE:
        raise wrong_type("client", client, f"a botocore client of {model.SERVICE!r}")
    interception = Interception(service)
    with _state.lock, _tidied():
        hooks = _hooks(client)
        hooks.attached.append(interception)

    def detach() -> None:
        with _state.lock:
            interception.ended = True
            hooks.attached.remove(interception)
            _tidy()

    return detach


@contextlib.contextmanager
def intercept(service: Service) -> Iterator[None]:
    """Connect every Deadline Cloud client of this process to ``service`` inside the block."""
    interception = Interception(service)
    with environment.dummy_environment():
        try:
            try:
                with _state.lock:
                    _state.interceptions.append(interception)
                    if len(_state.interceptions) == 1:
                        _patch()
                yield
            finally:
                _end(interception)
        except BaseException:
            # A timeout or Ctrl-C may have stopped the line in ``finally`` at any point, so it runs
            # once more. A context manager would leave a gap: Python enters and leaves it in
            # several steps, and an interrupt between two of them would skip the cleanup.
            _end(interception)
            raise


def _end(interception: Interception) -> None:
    with _state.lock:
        interception.end()
        if interception in _state.interceptions:
            _state.interceptions.remove(interception)
        if interception not in _state.ended:
            _state.ended.append(interception)
        _tidy()


def _hooks(client: Any) -> ClientHooks:
    hooks = _state.hooks.get(client)
    if hooks is None:
        # Made before the entry in the dict, so that it runs after the entry is gone.
        finalizer = weakref.finalize(client, _forget)
        assign(finalizer, "atexit", False)
        hooks = _kind(client)(client, tidy)
        hooks.finalizer = finalizer
        _state.hooks[client] = hooks
    hooks.register()
    return hooks


def _forget() -> None:
    """Undo the retry patches once the last client is collected, which may be at any time."""
    with _state.lock:
        if not _state.hooks:
            retry_delays.unpatch()


@contextlib.contextmanager
def _tidied() -> Iterator[None]:
    """Remove unneeded hooks and patches if the block fails."""
    try:
        yield
    except BaseException:
        _tidy()
        raise


def _tidy() -> None:
    """Remove hooks and patches that no interception or attachment needs any more."""
    tracking.forget_dead()
    if not _state.interceptions:
        for client, hooks in list(_state.hooks.items()):
            if hooks.attached:
                continue
            if client in _state.origins:
                hooks.retire(_state.origins[client])
            elif not hooks.under_way:
                hooks.unregister()
            else:
                continue
            # A client may outlive ten thousand interceptions, and would gather as many finalizers.
            hooks.finalizer.detach()
            del _state.hooks[client]
        if not _state.ended:
            _patches.undo()
    if not _state.hooks:
        retry_delays.unpatch()


def tidy() -> None:
    """Tidy up if threads and tasks that outlived an interception have ended since."""
    with _state.lock:
        if not _state.interceptions:
            _tidy()


def _kind(client: Any) -> type[ClientHooks]:
    if inspect.iscoroutinefunction(inspect.unwrap(type(client)._make_api_call)):  # noqa: SLF001
        from pytest_deadline_sessions._transport.aiobotocore_hooks import AioClientHooks

        return AioClientHooks
    return ClientHooks


def _patch() -> None:
    """Hook into new clients when they are made, and into existing ones when they next call."""
    from botocore.client import BaseClient
    from botocore.endpoint import Endpoint
    from botocore.session import Session

    # An earlier interception leaves its patches in place while one of its threads still runs.
    # Other code may have wrapped them since.
    _patches.undo()
    _patches.wrap(BaseClient, "__init__", _make)
    _patches.wrap(BaseClient, "_make_api_call", _call)
    # Presigned URLs take this path, too.
    _patches.wrap(BaseClient, "_emit_api_params", _hook_first)
    _patches.wrap(Session, "__init__", _begin_session)
    _patches.wrap(Endpoint, "_send", _send)
    _patches.wrap(threading.Thread, "start", _start_thread)
    _patches.wrap(asyncio.BaseEventLoop, "create_task", _create_task)
    credential_lookups.patch(_patches)
    child_processes.patch(_patches)
    _patch_aiobotocore()


def _patch_aiobotocore() -> None:
    """Patch the methods that aiobotocore has of its own, if it is loaded."""
    aio = sys.modules.get("aiobotocore.session")
    if aio is None or _patches.have(aio.AioBaseClient):
        return
    _patches.wrap(aio.AioBaseClient, "_make_api_call", _call_awaited)
    _patches.wrap(aio.AioBaseClient, "_emit_api_params", _hook_first)
    _patches.wrap(importlib.import_module("aiobotocore.endpoint").AioEndpoint, "_send", _send)
    credential_lookups.patch_aiobotocore(_patches, aio)


def _begin_session(method: Callable[..., Any], _session: Any, *args: Any, **kwargs: Any) -> None:
    # Aiobotocore may have just been imported. Each of its clients needs a session first.
    with _state.lock:
        _patch_aiobotocore()
    method(*args, **kwargs)


def _make(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> None:
    method(*args, **kwargs)
    if _state.interceptions and _is_ours(client):
        with _state.lock:
            _state.origins[client] = _state.interceptions[-1].name
            _hooks(client)


def _call(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> Any:
    with _ending(client):
        return method(*args, **kwargs)


async def _call_awaited(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> Any:
    with _ending(client):
        return await method(*args, **kwargs)


def _ending(client: Any) -> contextlib.AbstractContextManager[None]:
    """Hook into a client before its call, and note the end of the call however it ends."""
    if not _is_ours(client):
        return contextlib.nullcontext()
    _hook_or_tidy(client)
    return tracking.ending(_state.hooks.get(client), tidy)


def _hook_first(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> Any:
    if _is_ours(client):
        _hook_or_tidy(client)
    return method(*args, **kwargs)


def _hook_or_tidy(client: Any) -> None:
    with _state.lock:
        if _state.interceptions:
            _hooks(client)
        else:
            _tidy()


def _send(method: Callable[..., Any], endpoint: Any, request: Any) -> Any:
    """Send a request that no service answered, unless a leftover thread or task sends it."""
    interception = None
    if endpoint._endpoint_prefix == model.SERVICE:  # noqa: SLF001 (the endpoint has no public name)
        interception = tracking.left_behind()
    host = urlsplit(request.url).hostname or ""
    if interception is None or host_names.is_loopback(host_names.without_prefix(host)):
        return method(request)
    name = interception.name
    msg = (
        f"{in_short(request)} is not sent: its thread or task is left over from {name}, "
        f"which has ended. Join the thread or await the task before {name} ends."
    )
    raise RuntimeError(msg)


def _start_thread(method: Callable[..., Any], thread: Any) -> None:
    tracking.begin(thread)
    method()


def _create_task(
    method: Callable[..., Any], _loop: Any, coroutine: Any, *args: Any, **kwargs: Any
) -> Any:
    task = method(coroutine, *args, **kwargs)
    tracking.begin(task)
    return task


def _is_ours(client: Any) -> bool:
    service: str = client.meta.service_model.service_name
    return service == model.SERVICE
