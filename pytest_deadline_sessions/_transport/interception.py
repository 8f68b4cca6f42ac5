"""Leading the calls of clients to a service: of one client, or of all in the process."""

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

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions._service.service import Service
from pytest_deadline_sessions._transport import (
    child_processes,
    environment,
    hosts,
    leads,
    lookups,
    retry_delays,
)
from pytest_deadline_sessions._transport.client_hooks import Route
from pytest_deadline_sessions._transport.leads import Lead

_routes: weakref.WeakKeyDictionary[Any, Route] = weakref.WeakKeyDictionary()
# The interceptions inside which clients were made, with what they found there.
_origins: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_patches = Patches("interception")


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
    lead = Lead(service)
    with leads.lock, _tidied():
        route = _route(client)
        route.attached.append(lead)

    def detach() -> None:
        with leads.lock:
            lead.ended = True
            route.attached.remove(lead)
            _tidy()

    return detach


@contextlib.contextmanager
def intercept(service: Service) -> Iterator[None]:
    """Lead the calls of every Deadline Cloud client of this process to ``service``."""
    lead = Lead(service)
    with environment.dummy_environment():
        try:
            try:
                with leads.lock:
                    leads.interceptors.append(lead)
                    if len(leads.interceptors) == 1:
                        _patch()
                yield
            finally:
                _end(lead)
        except BaseException:
            # Once more, since somebody may have interrupted that, wherever it was.
            _end(lead)
            raise


def _end(lead: Lead) -> None:
    with leads.lock:
        lead.end()
        if lead in leads.interceptors:
            leads.interceptors.remove(lead)
        if lead not in leads.ended:
            leads.ended.append(lead)
        _tidy()


def _route(client: Any) -> Route:
    route = _routes.get(client)
    if route is None:
        # Made before the entry, so that it comes when the entry is gone.
        finalizer = weakref.finalize(client, _forget)
        finalizer.atexit = False
        route = _kind(client)(client)
        route.finalizer = finalizer
        _routes[client] = route
    route.register()
    return route


def _forget() -> None:
    """Leave nothing behind once the last client is gone; garbage is collected at any time."""
    with leads.lock:
        if not _routes:
            retry_delays.unpatch()


@contextlib.contextmanager
def _tidied() -> Iterator[None]:
    """Leave nothing behind if what is done inside fails."""
    try:
        yield
    except BaseException:
        _tidy()
        raise


def _tidy() -> None:
    """Leave alone whatever nobody answers any more."""
    leads.forget_dead()
    if not leads.interceptors:
        for client, route in list(_routes.items()):
            if route.attached:
                continue
            if client in _origins:
                route.retire(_origins[client])
            elif not route.under_way:
                route.unregister()
            else:
                continue
            # A client may outlive ten thousand interceptions.
            route.finalizer.detach()
            del _routes[client]
        if not leads.ended:
            _patches.undo()
    if not _routes:
        retry_delays.unpatch()


def tidy() -> None:
    """Look again whether anybody is left who outlived an interception."""
    with leads.lock:
        if not leads.interceptors:
            _tidy()


leads.when_late.append(tidy)


def _kind(client: Any) -> type[Route]:
    if inspect.iscoroutinefunction(inspect.unwrap(type(client)._make_api_call)):  # noqa: SLF001
        from pytest_deadline_sessions._transport.aiobotocore_hooks import AioRoute

        return AioRoute
    return Route


def _patch() -> None:
    """Meet clients when they are made, and those that exist already when they next call."""
    from botocore.client import BaseClient
    from botocore.endpoint import Endpoint
    from botocore.session import Session

    # Some are there since an interception of which a thread is left; others may have come later.
    _patches.undo()
    _patches.wrap(BaseClient, "__init__", _make)
    _patches.wrap(BaseClient, "_make_api_call", _call)
    # Of presigned URLs, too.
    _patches.wrap(BaseClient, "_emit_api_params", _meet_first)
    _patches.wrap(Session, "__init__", _begin_session)
    _patches.wrap(Endpoint, "_send", _send)
    _patches.wrap(threading.Thread, "start", _start_thread)
    _patches.wrap(asyncio.BaseEventLoop, "create_task", _create_task)
    lookups.patch(_patches)
    child_processes.patch(_patches)
    _patch_aiobotocore()


def _patch_aiobotocore() -> None:
    """Do the same for aiobotocore, which has methods of its own."""
    aio = sys.modules.get("aiobotocore.session")
    if aio is None or _patches.have(aio.AioBaseClient):
        return
    _patches.wrap(aio.AioBaseClient, "_make_api_call", _call_awaited)
    _patches.wrap(aio.AioBaseClient, "_emit_api_params", _meet_first)
    _patches.wrap(importlib.import_module("aiobotocore.endpoint").AioEndpoint, "_send", _send)
    lookups.patch_aiobotocore(_patches, aio)


def _begin_session(method: Callable[..., Any], _session: Any, *args: Any, **kwargs: Any) -> None:
    # Aiobotocore may have come only now; nobody makes a client of it without a session.
    with leads.lock:
        _patch_aiobotocore()
    method(*args, **kwargs)


def _make(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> None:
    method(*args, **kwargs)
    if leads.interceptors and _is_ours(client):
        with leads.lock:
            _origins[client] = leads.interceptors[-1].name
            _route(client)


def _call(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> Any:
    with _ending(client):
        return method(*args, **kwargs)


async def _call_awaited(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> Any:
    with _ending(client):
        return await method(*args, **kwargs)


def _ending(client: Any) -> contextlib.AbstractContextManager[None]:
    """Meet a client before its call, and let the call be over after it, whatever ended it."""
    if not _is_ours(client):
        return contextlib.nullcontext()
    _meet(client)
    return leads.ending(_routes.get(client))


def _meet_first(method: Callable[..., Any], client: Any, *args: Any, **kwargs: Any) -> Any:
    if _is_ours(client):
        _meet(client)
    return method(*args, **kwargs)


def _meet(client: Any) -> None:
    with leads.lock:
        if leads.interceptors:
            _route(client)
        else:
            _tidy()


def _send(method: Callable[..., Any], endpoint: Any, request: Any) -> Any:
    """Send a request, unless a thread or task does that is left over: nobody has answered it."""
    lead = None
    if endpoint._endpoint_prefix == model.SERVICE:  # noqa: SLF001 (of which it has no other name)
        lead = leads.left_behind()
    host = urlsplit(request.url).hostname or ""
    if lead is None or hosts.is_loopback(hosts.without_prefix(host)):
        return method(request)
    msg = (
        f"{request.method} {request.url} is not sent: its thread or task is left over from "
        f"{lead.name}, which has ended (expected its end before; inside, join the thread or await "
        "the task)"
    )
    raise RuntimeError(msg)


def _start_thread(method: Callable[..., Any], thread: Any) -> None:
    leads.begin(thread)
    method()


def _create_task(
    method: Callable[..., Any], _loop: Any, coroutine: Any, *args: Any, **kwargs: Any
) -> Any:
    task = method(coroutine, *args, **kwargs)
    leads.begin(task)
    return task


def _is_ours(client: Any) -> bool:
    service: str = client.meta.service_model.service_name
    return service == model.SERVICE
