"""Read the session ids of a result, and say what to do about a result without any."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_deadline_sessions._contract.completeness import Key, session_id
from pytest_deadline_sessions._contract.target import Target, target_of
from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions.checking._attempt import RAISED

_WIDTH = 100
_SPARE = 1_000


def most_items(sessions: int) -> int:
    """How many items to read at most of a result, for a listing of so many sessions."""
    return 10 * sessions + _SPARE


def item_ids(
    returned: Any, most: int, target: Target | None = None, key: Key | None = None
) -> list[str] | None:
    """Read the ids of the items of a result; ``None`` if it holds anything else.

    Args:
        returned: The result.
        most: Read at most this many items plus one, unless it is a list or a tuple.
        target: What is listed; by default the sessions of a job.
        key: Where an item has its id, if not where the service has it.

    Example:
        >>> item_ids([{"id": "session-1"}], 10, key="id"), item_ids(None, 10)
        (['session-1'], None)
    """
    target = target_of() if target is None else target
    if isinstance(returned, str):
        return [found[0] for found in re.finditer(target.pattern, str.__str__(returned))]
    items = _items(returned, most, target)
    if items is None:
        return _keys(returned, target) if isinstance(returned, Mapping) else None
    ids = []
    for item in items:
        own = session_id(item, key, target.names)
        if own is None:
            return None
        ids.append(own)
    return ids


def advice(returned: Any, most: int, target: Target, key: Key | None = None) -> str:
    """Say how to have a result checked in which no session ids can be read.

    Args:
        returned: The result.
        most: Read at most this many items plus one, unless it is a list or a tuple.
        target: What is listed.
        key: Where an item has its id, if not where the service has it.
    """
    if returned is None:
        return (
            "A function that prints its result can return the printed text in call=. If None is "
            "right, pass expected=lambda sessions: None"
        )
    if inspect.iscoroutine(returned):
        return "Await it: it is a call of the client that was never made"
    for item in _items(returned, most, target) or ():
        if session_id(item, key, target.names) is None:
            return _of_item(item, target, key)
    return (
        f"Expected {readable(target)}. Reduce the result to one of these in call=, such as "
        "call=lambda collect, client, job: collect(client, **job).result, or compare it whole with "
        "expected="
    )


def readable(target: Target) -> str:
    """The kinds of results in which ids can be read."""
    items = "summaries, session ids, text with session ids"
    return f"{items}, or a dict with {target.result_key!r}"


def _of_item(item: Any, target: Target, key: Key | None) -> str:
    if key is not None:
        where = f"key={key!r}" if isinstance(key, str) else "key="
        return f"{where} finds no session id in the item {shown(item, _WIDTH)}"
    name = next(_names_of_ids(item, target), None)
    example = "key=lambda item: …" if name is None else f"key={name!r}"
    return (
        f"Expected {readable(target)}. Say where an item such as {shown(item, _WIDTH)} has its "
        f"session id, with {example}, or compare the whole result with expected="
    )


def _items(returned: Any, most: int, target: Target) -> Iterable[Any] | None:
    """The items of a result, or of the response that it is; ``None`` if it has no items."""
    if isinstance(returned, Mapping):
        returned = returned.get(target.result_key)
    elif _is_frame(returned):
        returned = returned.to_dict("records")
    elif has_items(returned, target):
        returned = getattr(returned, target.result_key)
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        return None
    bounded = isinstance(returned, list | tuple)
    return returned if bounded else itertools.islice(returned, most + 1)


def has_items(returned: Any, target: Target) -> bool:
    """Whether a result has its items in an attribute, as a model of a response has."""
    return isinstance(getattr(returned, target.result_key, None), list | tuple)


def _is_frame(returned: Any) -> bool:
    """Whether this is a table, such as a pandas ``DataFrame``; iterating it gives its columns."""
    return hasattr(returned, "columns") and callable(getattr(returned, "to_dict", None))


def _keys(returned: Mapping[Any, Any], target: Target) -> list[str] | None:
    """The keys of a mapping from ids, such as to summaries."""
    keys = list(returned)
    return keys if all(_is_id(each, target) for each in keys) else None


def _names_of_ids(item: Any, target: Target) -> Iterator[str]:
    """The keys or attributes of an item that hold its id."""
    try:
        members = dict(item if isinstance(item, Mapping) else vars(item))
    except RAISED:
        return
    yield from (name for name, value in members.items() if _is_id(value, target))


def _is_id(value: Any, target: Target) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(target.pattern, value))
