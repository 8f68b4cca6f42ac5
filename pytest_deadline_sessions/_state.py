"""State that belongs to the whole process, under one lock.

All other state lives in objects. The types of these values are defined by the rooms that use them.
This room imports nothing of the package, so that the plugin can read it without loading others.
"""

from __future__ import annotations

import collections
import itertools
import threading
import weakref
from contextvars import ContextVar
from typing import Any

# Reentrant, because a finalizer may run while this thread holds the lock, and because quitting a
# debugger at the end of a ``with`` statement leaves it locked.
lock = threading.RLock()

journal: collections.deque[Any] = collections.deque(maxlen=4)
"""The last four transcripts that the running test wrote to, for its failure report."""

checks: collections.deque[str] = collections.deque(maxlen=100)
"""What the last hundred checks tried, in one line each, until a test reports them."""

replacements: dict[str, list[Any]] = {}
"""The active replacements of each named group of patches, oldest first."""

topmost: weakref.WeakValueDictionary[tuple[int, str], Any] = weakref.WeakValueDictionary()
"""The topmost replacement of each attribute, by (id of its owner, name)."""

originals: weakref.WeakKeyDictionary[Any, tuple[Any, list[bool]]] = weakref.WeakKeyDictionary()
"""For each of our wrappers: what it wraps, and a list that is empty once the wrapper is off.

Other code may have wrapped our wrapper in turn.
"""

interceptions: list[Any] = []
"""The active interceptions, oldest first; the last one answers."""

ended: list[Any] = []
"""Interceptions that have ended while threads or tasks of theirs still run."""

hooks: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""The hooks of each client, which pass its calls to a service."""

origins: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""The name of the interception inside which each client was created."""

calls: ContextVar[tuple[weakref.ref[Any], ...]] = ContextVar("deadline_sessions_calls", default=())
"""The calls in progress in this thread or task, innermost last."""

own_credentials: weakref.WeakSet[Any] = weakref.WeakSet()
"""Credentials that came from credential providers of the code under test."""

default_sessions: list[Any] = []
"""For each active dummy environment: whether boto3 had a default session before the first one."""

layers: list[Any] = []
"""The active layers of environment variables, oldest first."""

gone: dict[str, list[tuple[str | None, str | None]]] = {}
"""For each variable: the values of ended layers, and what to write if one is written back."""

fake_numbers = itertools.count()
"""Numbers for fakes, which seed their tokens, so that no fake accepts a token of another."""

case_numbers = itertools.count(1, 4)
"""Numbers for the cases of checks, which seed their ids and tokens.

Each case gets its own farms, queues and jobs, so that state which a collector keeps from one case
cannot spoil another. A case uses four numbers: for a farm, a queue and two jobs.
"""


libraries: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""The modules of installed libraries whose functions have been looked through, by id."""

functions_of_libraries: weakref.WeakSet[Any] = weakref.WeakSet()
"""The functions among them that have a callable as a default."""


class _Own(threading.local):
    """State of a single thread."""

    writes_environment = False


own = _Own()
