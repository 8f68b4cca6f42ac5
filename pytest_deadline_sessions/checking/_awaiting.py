"""Event loops, coroutines and asynchronous clients for collectors that need them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import inspect
import re
import sys
import threading
import warnings
from collections.abc import AsyncIterable, Callable, Iterator
from typing import Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._text import plain, worded
from pytest_deadline_sessions._transport import client_factory
from pytest_deadline_sessions.checking._attempt import UnfitError
from pytest_deadline_sessions.checking._undoing import Undoing

# The errors of trio and asyncio about a coroutine that belongs to the other.
_TRIO_ERRORS = re.compile("must be called from async context|Task got bad yield: .*trio")
_UNAWAITED_CALL = "coroutine '.*_make_api_call' was never awaited"
_TRIO_MESSAGE = (
    "the collector is a trio coroutine, but check_pagination runs coroutines on asyncio (expected "
    "a function that runs trio itself: "
    "lambda client, **job: trio.run(functools.partial(collect, client, **job)))"
)


def is_async(result: Any) -> bool:
    """Whether a result is a coroutine or an asynchronous iterator."""
    return inspect.isawaitable(result) or isinstance(result, AsyncIterable)


def is_async_function(collect: Any) -> bool:
    """Whether a collector is declared asynchronous."""
    try:
        return inspect.iscoroutinefunction(collect) or inspect.isasyncgenfunction(collect)
    except Exception:  # noqa: BLE001 (its attributes may raise)
        return False


def load() -> None:
    """Import what asynchronous clients need.

    Raises:
        ImportError: aiobotocore is not installed.
    """
    try:
        importlib.import_module("aiobotocore.session")
    except ImportError as error:
        msg = "client='async' needs aiobotocore: install pytest-deadline-sessions[async]"
        raise ImportError(msg) from error


def run_to_end(result: Any, count: Callable[[int], None]) -> Any:
    """Run a coroutine or an asynchronous iterator to its end, in an event loop of its own.

    Args:
        result: The coroutine or iterator that the collector returned.
        count: Called after each item, with the number of items so far.

    Raises:
        UnfitError: The coroutine belongs to trio.
    """
    return _run_in_loop(_gathered(result, count))


async def _gathered(result: Any, count: Callable[[int], None]) -> Any:
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, AsyncIterable):
        return result
    items: list[Any] = []
    async for item in result:
        items.append(item)
        count(len(items))
    return items


def async_client(config: dict[str, Any], undoing: Undoing) -> Any:
    """Make an aiobotocore client, which cannot be used without awaiting.

    Args:
        config: The options of its ``Config``.
        undoing: Closes the client later.
    """
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession

    options = client_factory.options_of(AioConfig, dict(config))
    making = client_factory.prepared(AioSession).create_client(model.SERVICE, **options)
    client = _run_in_loop(making.__aenter__())
    undoing.later(lambda: _run(making.__aexit__(None, None, None)))
    return client


def _run_in_loop(coroutine: Any) -> Any:
    try:
        return _run(coroutine)
    except RuntimeError as error:
        coroutine.close()
        if not _waits_for_trio(error):
            raise
        raise UnfitError(_TRIO_MESSAGE) from error


def close(result: Any) -> None:
    """Close a coroutine that will not be awaited, so that Python does not warn about it."""
    if inspect.iscoroutine(result):
        result.close()


@contextlib.contextmanager
def unawaited() -> Iterator[None]:
    """Silence warnings about coroutines that are never awaited."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        yield
        gc.collect()


@contextlib.contextmanager
def closing_unawaited() -> Iterator[None]:
    """Close the calls of a client that a collector forgot to await.

    Its result or its error shows the mistake, and Python would warn about it at some later time.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _UNAWAITED_CALL, RuntimeWarning)
        try:
            yield
        except BaseException as error:
            # What had no such attribute.
            close(getattr(error, "obj", None))
            traceback = error.__traceback__
            while traceback is not None:
                for value in traceback.tb_frame.f_locals.values():
                    close(value)
                traceback = traceback.tb_next
            raise


def check_loop() -> None:
    """Try to make an event loop, so that a failure is not taken for the collector's."""
    undoing = Undoing()
    with warnings.catch_warnings(), undoing, undoing:
        # A half-made loop cannot be closed, and warns when it is collected.
        warnings.simplefilter("ignore", ResourceWarning)
        undoing.put(sys, "unraisablehook", lambda _: None)
        try:
            asyncio.new_event_loop().close()
        except Exception as error:  # noqa: BLE001 (any reason is reported)
            why = worded(error)
        else:
            return
        gc.collect()
    msg = (
        f"cannot create the event loop that an asynchronous collector needs: {why} "
        "(expected sockets to be allowed; with pytest-socket, pass --allow-unix-socket)"
    )
    raise UnfitError(msg)


def _waits_for_trio(error: RuntimeError) -> bool:
    text = plain(error)
    return "trio" in sys.modules and bool(_TRIO_ERRORS.match(text))


def _run(coroutine: Any) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _run_beside(coroutine)


def _run_beside(coroutine: Any) -> Any:
    """Run a coroutine in a thread of its own, since this one already runs a loop."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append((asyncio.run(coroutine), None))
        except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
            done.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = done[0]
    if error is not None:
        raise error
    return value
