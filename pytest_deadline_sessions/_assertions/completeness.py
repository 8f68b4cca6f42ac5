"""The assertion that a listing came as a whole."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_deadline_sessions._assertions.messages import MOST_SHOWN, check_switch, failure, wrong
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import first_of, shorten
from pytest_deadline_sessions.lifecycle import ASSUMPTION, REFERENCE, Rule

_COMPLETE = Rule("complete", "Every session of the listing comes exactly once.", REFERENCE)
_ORDER = Rule("order", "Sessions come in the order in which the service lists them.", ASSUMPTION)

_MOST_IDS = 3


@public
def assert_complete_listing(got: Any, listing: Any, *, ordered: bool = True) -> None:
    """Assert that every session of a listing came, once each, in service order.

    Sessions are compared by their ids.

    Args:
        got: What the code under test returned: summaries or session ids, a page (a dict with
            ``sessions``, a ``Page``, a ``Call``), or an iterable of pages such as botocore's
            ``PageIterator``.
        listing: What should have come: a ``Listing``, a ``Job``, or anything that ``got`` may be.
        ordered: Whether the order matters; that the API keeps one is an assumption.

    Raises:
        AssertionError: Sessions are missing, doubled or unexpected, or only in another order.
        TypeError: An argument of the wrong type.

    Example:
        >>> from pytest_deadline_sessions import Listing
        >>> listing = Listing(page_sizes=(2, 1))
        >>> assert_complete_listing(list(listing), listing)
        >>> assert_complete_listing(listing.pages()[0], listing)
        Traceback (most recent call last):
            ...
        AssertionError: What came breaks "complete": Every session of the listing comes exactly ...
          source: API reference
          sessions: 2 came (expected 3)
          1 missing: #2 (session-00000000000000000000000000000003)
    """
    __tracebackhide__ = True
    check_switch("ordered", ordered)
    came = _ids("got", got)
    wanted = _ids("listing", getattr(listing, "listing", listing))
    differences = _differences(came, wanted)
    if differences:
        head = f"sessions: {len(came)} came (expected {len(wanted)})"
        raise failure("What came", _COMPLETE, [head, *differences])
    if ordered and came != wanted:
        raise failure("What came", _ORDER, _turned(came, wanted), "ordered=False")


def _ids(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping) or hasattr(value, "sessions"):
        return _ids_of_one(name, value)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise wrong(name, value, "summaries, session ids, or pages")
    return [
        session_id
        for index, one in enumerate(value)
        for session_id in _ids_of_one(f"{name}[{index}]", one)
    ]


def _ids_of_one(name: str, one: Any) -> list[str]:
    if isinstance(one, Mapping):
        found = one.get("sessionId", one.get("sessions"))
    else:
        found = one if isinstance(one, str) else getattr(one, "sessions", None)
    if isinstance(found, str):
        # One with methods of its own is taken for the text that it is.
        return [str.__str__(found)]
    if isinstance(found, list | tuple):
        return _ids(f"{name}.sessions", found)
    raise wrong(name, one, "a summary, a session id, or a page with its sessions")


def _differences(came: Sequence[str], wanted: Sequence[str]) -> list[str]:
    times, due = Counter(came), Counter(wanted)
    place = {one: index for index, one in enumerate(wanted)}
    missing = [place[one] for one in due if times[one] < due[one]]
    doubled = [place[one] for one in due if times[one] > due[one]]
    unexpected = [one for one in times if one not in due]
    lines = [
        f"{len(places)} {word}: {_places(places)} ({_some(wanted[at] for at in places)})"
        for word, places in (("missing", missing), ("doubled", doubled))
        if places
    ]
    if unexpected:
        lines.append(f"{len(unexpected)} unexpected: {_some(unexpected)}")
    return lines


def _places(places: Sequence[int]) -> str:
    """Places in the listing, those in a row as a span."""
    spans = []
    for _, row in itertools.groupby(enumerate(sorted(places)), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in row]
        first, last = numbers[0], numbers[-1]
        spans.append(f"#{first}" if first == last else f"#{first}..#{last}")
    return ", ".join(first_of(spans, MOST_SHOWN))


def _some(ids: Iterable[str]) -> str:
    return ", ".join(first_of(map(shorten, ids), _MOST_IDS))


def _turned(came: Sequence[str], wanted: Sequence[str]) -> list[str]:
    pairs = enumerate(zip(came, wanted, strict=True))
    at = next(index for index, (one, other) in pairs if one != other)
    place = {one: index for index, one in enumerate(wanted)}
    shown = [f"#{place[one]}" for one in came[at : at + MOST_SHOWN]]
    more = ["…"] if len(came) > at + MOST_SHOWN else []
    return [
        f"sessions[{at}]: {shorten(came[at])} (expected {shorten(wanted[at])})",
        f"from there on: {', '.join([*shown, *more])}",
    ]
