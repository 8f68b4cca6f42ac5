"""Where a collector was when it was stopped."""

from __future__ import annotations

import linecache
import sys
import sysconfig
import traceback
from pathlib import Path
from types import FrameType

from pytest_deadline_sessions.checking._threads import package

_OTHERS = {*sys.stdlib_module_names, __name__.partition(".")[0]}
_LIBRARIES = tuple({sysconfig.get_path(kind) for kind in ("purelib", "platlib")})


def line_of(error: BaseException) -> str:
    """The innermost line of the collector's own code in a traceback.

    Args:
        error: What stopped the collector, or a group of errors.

    Returns:
        The file, the line, the function and the code; empty if only libraries ran.
    """
    parts = getattr(error, "exceptions", ())
    places = [_in_words(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    inner = next(filter(None, map(line_of, parts)), "")
    return inner or next(filter(None, reversed(places)), "")


def _in_words(frame: FrameType, line: int) -> str:
    code, path = frame.f_code, frame.f_code.co_filename
    if package(frame) in _OTHERS or path.startswith(_LIBRARIES):
        return ""
    below = Path(path).is_relative_to(Path.cwd())
    shown = Path(path).relative_to(Path.cwd()) if below else path
    text = linecache.getline(path, line, frame.f_globals).strip()
    return f"{shown}:{line}, in {code.co_name}{f': {text}' if text else ''}"
