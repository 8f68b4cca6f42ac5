"""What this process has in common, whoever uses the package in it, under one lock.

Everything else lives in objects. The rooms that use these names say what is in them; this one
imports nothing of the package, so that the plugin can look here and load no other room.
"""

from __future__ import annotations

import collections
import threading
import weakref
from contextvars import ContextVar
from typing import Any

# Reentrant: garbage may be collected inside, and a debugger that stops at the end of a ``with``
# statement for good leaves it locked.
lock = threading.RLock()

journal: collections.deque[Any] = collections.deque(maxlen=4)
"""The transcripts that the running test wrote to, for its failure report."""

replacements: dict[str, list[Any]] = {}
"""By the name of a group of patches: what is replaced, the last one last."""

topmost: weakref.WeakValueDictionary[tuple[int, str], Any] = weakref.WeakValueDictionary()
"""By the owner's id and the attribute: the last of the replacements that stand there."""

originals: weakref.WeakKeyDictionary[Any, tuple[Any, list[bool]]] = weakref.WeakKeyDictionary()
"""By a wrapper of ours: what it wraps, and whether it is on. Others may have wrapped it in turn."""

interceptions: list[Any] = []
"""Those that are active; the last one answers."""

ended: list[Any] = []
"""Interceptions that have ended, and whose threads or tasks have not."""

hooks: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""By client: what leads its calls to a service."""

origins: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""By client: the name of the interception inside which it was made."""

calls: ContextVar[tuple[weakref.ref[Any], ...]] = ContextVar("deadline_sessions_calls", default=())
"""The calls under way in this thread or task, the innermost last."""

own_credentials: weakref.WeakSet[Any] = weakref.WeakSet()
"""Credentials that providers of the code under test gave."""

default_sessions: list[Any] = []
"""For each dummy environment, what boto3's default session was before the first of them."""

layers: list[Any] = []
"""The environment variables that are set at present, by layer, the last one last."""

gone: dict[str, list[tuple[str | None, str | None]]] = {}
"""By variable: values of layers that have gone, and what each of them becomes if it comes back."""


class _Own(threading.local):
    """What each thread has of its own."""

    writes_environment = False


own = _Own()
