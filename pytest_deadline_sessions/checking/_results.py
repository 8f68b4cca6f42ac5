"""Whether the result of a collector held to the contract."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_deadline_sessions._text import plural, shorten, shown, worded
from pytest_deadline_sessions.checking._attempt import (
    COMPLETE,
    RAISED,
    STATELESS,
    SURFACES_FAULTS,
    TERMINATES,
    Attempt,
    Finding,
    UnfitError,
)
from pytest_deadline_sessions.checking._diagnosis import of_order, of_result
from pytest_deadline_sessions.checking._runaway import Runaway

_MOST_SHOWN = 12
_WIDTH = 300
_SPARE = 1_000
_AS_IF = "A call failed for good, and it returned as if none had"


def of_outcome(
    attempt: Attempt,
    *,
    ordered: bool = True,
    expected: Callable[[list[Any]], Any] | None = None,
) -> Finding | None:
    """The rule that the outcome of an attempt breaks, or ``None``."""
    error = attempt.error
    if error is not None:
        return _of_raising(attempt, error)
    rule = SURFACES_FAULTS if attempt.faults else COMPLETE
    if attempt.earlier and (not attempt.lists or (attempt.kept and not attempt.faults)):
        rule = STATELESS
    if expected is not None:
        return _compared(attempt, rule, _wanted(expected, attempt), ordered=ordered)
    most = _most(attempt)
    try:
        got = session_ids(attempt.returned, most)
    except RAISED as raised:
        return _of_reading(attempt, raised)
    if got is not None and len(got) > most and not isinstance(attempt.returned, list | tuple):
        return Finding(TERMINATES, f"What it returned gives more than {most} things")
    if got is None:
        what = (
            f"It returned {_short(attempt.returned)} (expected summaries or session ids, or a "
            "dict with 'sessions'; pass expected= for anything else)"
        )
        return Finding(rule, f"{_AS_IF}. {what}" if attempt.faults else what)
    return _listed(attempt, rule, got, ordered=ordered)


def _of_raising(attempt: Attempt, error: BaseException, then: str = "") -> Finding | None:
    raised = f"It {then}raised {worded(error)}, though no call had failed"
    if not attempt.faults:
        # Without a call it can only be something of earlier ones.
        rule = STATELESS if attempt.earlier and not attempt.lists else COMPLETE
        return Finding(rule, raised, error=error)
    if not attempt.healthy:
        return None
    what = f"{raised} but by its own doing"
    expired = "expired" in attempt.lists[-1].message
    cause = "It sleeps for longer than a token is good for." if expired else ""
    return Finding(COMPLETE, what, cause=cause, error=error)


def _of_reading(attempt: Attempt, error: BaseException) -> Finding | None:
    """As if it had been raised before; what a result does when it is read is the collector's."""
    return _of_raising(attempt, error, f"returned {_short(attempt.returned)}, and to read that ")


def session_ids(returned: Any, most: int) -> list[str] | None:
    """The session ids of a result; ``None`` if it is none that one can be made of.

    Args:
        returned: The result.
        most: So many and one more are read of anything but a list or a tuple.
    """
    if isinstance(returned, Mapping):
        returned = returned.get("sessions")
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        return None
    ids = []
    bounded = isinstance(returned, list | tuple)
    for one in returned if bounded else itertools.islice(returned, most + 1):
        session_id = one.get("sessionId") if isinstance(one, Mapping) else one
        if not isinstance(session_id, str):
            return None
        # One with methods of its own is taken for the text that it is.
        ids.append(str.__str__(session_id))
    return ids


def _compared(attempt: Attempt, rule: str, wanted: Any, *, ordered: bool) -> Finding | None:
    try:
        got = _listed_if_lazy(attempt.returned)
    except RAISED as error:
        return _of_reading(attempt, error)
    if _equal(got, wanted):
        return None
    what = "It returned something else than expected() makes of the complete listing"
    if rule == SURFACES_FAULTS:
        what = _AS_IF
    # A list of another kind may not like to be read.
    both = isinstance(got, list) and isinstance(wanted, list)
    if both and _same_things(list.copy(got), list.copy(wanted)):
        if not ordered:
            return None
        what = _only_the_order("expected()'s")
    return Finding(rule, what, _short(wanted), _short(got), of_result(attempt, None))


def _wanted(expected: Callable[[list[Any]], Any], attempt: Attempt) -> Any:
    """What ``expected`` makes of the listing.

    Raises:
        UnfitError: It makes nothing of it.
    """
    most = _most(attempt)
    try:
        wanted = expected(list(attempt.listing))
        lazy = isinstance(wanted, Iterator)
        wanted = list(itertools.islice(wanted, most + 1)) if lazy else _listed_if_lazy(wanted)
    except Exception as error:
        msg = (
            f"expected() raised {worded(error)} for {_short(attempt.listing)} "
            "(expected what should come out of any listing, the empty one too)"
        )
        raise UnfitError(msg) from error
    except Runaway as stopped:
        msg = f"expected() was stopped for {_short(attempt.listing)}: {stopped}"
        raise UnfitError(msg) from None
    if lazy and len(wanted) > most:
        msg = f"expected() gave more than {most} things for {_short(attempt.listing)}"
        raise UnfitError(msg)
    return wanted


def _most(attempt: Attempt) -> int:
    return 10 * len(attempt.listing) + _SPARE


def _equal(got: Any, wanted: Any) -> bool:
    try:
        return bool(got == wanted)
    except RAISED as error:
        msg = (
            f"what the collector returned, {_short(got)}, cannot be compared with what expected() "
            f"gave, {_short(wanted)}: {worded(error)} (expected things that are equal or not, "
            "such as lists and dicts; make such of both)"
        )
        raise UnfitError(msg) from error


def _listed_if_lazy(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _same_things(some: list[Any], others: list[Any]) -> bool:
    if len(some) != len(others):
        return False
    left = list(others)
    for one in some:
        place = next((index for index, two in enumerate(left) if _equal(one, two)), None)
        if place is None:
            return False
        del left[place]
    return True


def _listed(attempt: Attempt, rule: str, got: list[str], *, ordered: bool) -> Finding | None:
    wanted = [summary["sessionId"] for summary in attempt.listing]
    base = set(wanted)
    in_order = [one for one in got if one in base]
    what = _differences(wanted, got, base | attempt.added)
    if what:
        what = f"Of {plural(len(wanted), 'session')}: {what}"
        cause = of_result(attempt, got)
    elif ordered and in_order != wanted:
        what = _only_the_order("the service's")
        cause = of_order(attempt, in_order)
    else:
        return None
    if rule == SURFACES_FAULTS:
        what = f"{_AS_IF}. {what}"
    return Finding(rule, what, _places(wanted, wanted), _places(got, wanted), cause)


def _differences(wanted: Sequence[str], got: Sequence[str], known: Collection[str]) -> str:
    counted = Counter(got)
    counts = {
        "missing": sum(one not in counted for one in wanted),
        "doubled": sum(count > 1 for count in counted.values()),
        "unexpected": sum(one not in known for one in counted),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _only_the_order(whose: str) -> str:
    return (
        f"Every session is there, only the order is not {whose} "
        "(pass ordered=False if that does not matter)"
    )


def _places(ids: Sequence[str], wanted: Sequence[str]) -> str:
    place = {one: index for index, one in enumerate(wanted)}
    shown = [
        f"#{place[one]}" if one in place else f"{shorten(one)} (not in the listing)" for one in ids
    ]
    if not shown:
        return "no sessions"
    if len(shown) > _MOST_SHOWN:
        shown = [*shown[:6], f"… {len(shown) - 9} more …", *shown[-3:]]
    return f"{plural(len(ids), 'session')}: {', '.join(shown)}"


def _short(value: Any) -> str:
    return shown(value, _WIDTH)
