"""Read the session ids of a collector's result."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_deadline_sessions._contract.completeness import session_id

_SPARE = 1_000


def most_items(sessions: int) -> int:
    """How many items to read at most of a result, for a listing of so many sessions."""
    return 10 * sessions + _SPARE


def session_ids(returned: Any, most: int) -> list[str] | None:
    """Read the session ids of a result; ``None`` if it holds anything else.

    Args:
        returned: The result.
        most: Read at most this many items plus one, unless it is a list or a tuple.
    """
    if isinstance(returned, Mapping):
        returned = returned.get("sessions")
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        return None
    ids = []
    bounded = isinstance(returned, list | tuple)
    for item in returned if bounded else itertools.islice(returned, most + 1):
        own = session_id(item)
        if own is None:
            return None
        ids.append(own)
    return ids
