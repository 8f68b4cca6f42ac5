"""Read the session ids of a result, and say what to do about a result without any."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._contract.completeness import Key, session_id
from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions.checking._attempt import RAISED

READABLE = "summaries, session ids, text with session ids, or a dict with 'sessions'"
_WIDTH = 100
_SPARE = 1_000


def most_items(sessions: int) -> int:
    """How many items to read at most of a result, for a listing of so many sessions."""
    return 10 * sessions + _SPARE


def session_ids(returned: Any, most: int, key: Key | None = None) -> list[str] | None:
    """Read the session ids of a result; ``None`` if it holds anything else.

    Args:
        returned: The result.
        most: Read at most this many items plus one, unless it is a list or a tuple.
        key: Where an item has its id, if not where a summary has it.

    Example:
        >>> session_ids([{"id": "session-1"}], 10, key="id"), session_ids(None, 10)
        (['session-1'], None)
    """
    if isinstance(returned, str):
        return re.findall(model.pattern("SessionId"), str.__str__(returned))
    items = _items(returned, most)
    if items is None:
        return _keys(returned) if isinstance(returned, Mapping) else None
    ids = []
    for item in items:
        own = session_id(item, key)
        if own is None:
            return None
        ids.append(own)
    return ids


def advice(returned: Any, most: int, key: Key | None = None) -> str:
    """Say how to have a result checked in which no session ids can be read.

    Args:
        returned: The result.
        most: Read at most this many items plus one, unless it is a list or a tuple.
        key: Where an item has its id, if not where a summary has it.
    """
    if returned is None:
        return (
            "A function that prints its result can return the printed text in call=. If None is "
            "right, pass expected=lambda sessions: None"
        )
    if inspect.iscoroutine(returned):
        return "Await it: it is a call of the client that was never made"
    for item in _items(returned, most) or ():
        if session_id(item, key) is None:
            return _of_item(item, key)
    return (
        f"Expected {READABLE}. Reduce the result to one of these in call=, such as call=lambda "
        "collect, client, job: collect(client, **job).result, or compare it whole with expected="
    )


def _of_item(item: Any, key: Key | None) -> str:
    if key is not None:
        where = f"key={key!r}" if isinstance(key, str) else "key="
        return f"{where} finds no session id in the item {shown(item, _WIDTH)}"
    name = next(_names_of_ids(item), None)
    example = "key=lambda item: …" if name is None else f"key={name!r}"
    return (
        f"Expected {READABLE}. Say where an item such as {shown(item, _WIDTH)} has its session id, "
        f"with {example}, or compare the whole result with expected="
    )


def _items(returned: Any, most: int) -> Iterable[Any] | None:
    """The items of a result, or of the ``sessions`` in it; ``None`` if it has no items."""
    if isinstance(returned, Mapping):
        returned = returned.get("sessions")
    elif _is_frame(returned):
        returned = returned.to_dict("records")
    elif has_sessions(returned):
        returned = returned.sessions
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        return None
    bounded = isinstance(returned, list | tuple)
    return returned if bounded else itertools.islice(returned, most + 1)


def has_sessions(returned: Any) -> bool:
    """Whether a result has its items in an attribute ``sessions``, as a model of a response has."""
    return isinstance(getattr(returned, "sessions", None), list | tuple)


def _is_frame(returned: Any) -> bool:
    """Whether this is a table, such as a pandas ``DataFrame``; iterating it gives its columns."""
    return hasattr(returned, "columns") and callable(getattr(returned, "to_dict", None))


def _keys(returned: Mapping[Any, Any]) -> list[str] | None:
    """The keys of a mapping from session ids, such as to summaries."""
    keys = list(returned)
    return keys if all(map(_is_id, keys)) else None


def _names_of_ids(item: Any) -> Iterator[str]:
    """The keys or attributes of an item that hold a session id."""
    try:
        members = dict(item if isinstance(item, Mapping) else vars(item))
    except RAISED:
        return
    yield from (name for name, value in members.items() if _is_id(value))


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(model.pattern("SessionId"), value))
