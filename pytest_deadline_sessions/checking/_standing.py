"""The line of a collector at which a blocked thread or task stands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from pytest_deadline_sessions.checking._runaway import Stopper
from pytest_deadline_sessions.checking._threads import package

_OURS = __name__.partition(".")[0]
_OTHERS = {*sys.stdlib_module_names, _OURS, "anyio", "botocore", "outcome", "trio"}


def place_of(frames: Iterable[FrameType]) -> str:
    """Describe the innermost line of a collector among the frames of blocked threads.

    Args:
        frames: The current frame of each thread; the first with such a line decides.
    """
    for frame in frames:
        for each in (*_tasks(frame), *_outwards(frame)):
            if package(each) not in _OTHERS:
                code = each.f_code
                return f"{code.co_filename}:{each.f_lineno}, in {code.co_name}"
    return "a place that Python does not know"


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None and frame.f_code is not Stopper.run.__code__:
        yield frame
        frame = frame.f_back


def _tasks(frame: FrameType) -> Iterator[FrameType]:
    """Yield the frames of the tasks of the event loop that a thread runs, innermost first."""
    for each in _outwards(frame):
        if each.f_code.co_name == "unrolled_run" and package(each) == "trio":
            for task in each.f_locals["runner"].tasks:
                yield from reversed(list(_awaited(task.coro)))
        loop = each.f_locals.get("self") if each.f_code.co_name == "_run_once" else None
        if isinstance(loop, asyncio.AbstractEventLoop):
            for task in asyncio.all_tasks(loop):
                yield from reversed(list(_awaited(task.get_coro())))


def _awaited(coroutine: Any) -> Iterator[FrameType]:
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is not None:
            yield frame
        coroutine = getattr(coroutine, "cr_await", None)
