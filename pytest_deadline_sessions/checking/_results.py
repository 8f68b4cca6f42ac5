"""Judge the result of a collector against the contract."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pytest_deadline_sessions._contract.completeness import Key, check_ids
from pytest_deadline_sessions._contract.differences import ids_by_place
from pytest_deadline_sessions._contract.rules import (
    COMPLETE,
    STATELESS,
    SURFACES_FAULTS,
    TERMINATES,
)
from pytest_deadline_sessions._text import plural, shown, worded
from pytest_deadline_sessions.checking._attempt import RAISED, Attempt, Finding, UnfitError
from pytest_deadline_sessions.checking._diagnosis import of_own_failure, of_result
from pytest_deadline_sessions.checking._diagnosis_sessions import of_order
from pytest_deadline_sessions.checking._reading import advice, item_ids, most_items
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._suspicion import Suspicion
from pytest_deadline_sessions.lifecycle import Rule

_WIDTH = 300
_RETURNED_NORMALLY = "A call failed permanently, yet it returned normally"


def of_outcome(
    attempt: Attempt,
    *,
    ordered: bool = True,
    expected: Callable[[list[Any]], Any] | None = None,
    key: Key | None = None,
) -> Finding | None:
    """Find the rule that an attempt's result or error breaks."""
    error = attempt.error
    if error is not None:
        return _of_raising(attempt, error)
    rule = SURFACES_FAULTS if attempt.faults else COMPLETE
    kept = not attempt.requests or attempt.same_object
    if attempt.called_before and kept and not attempt.faults:
        rule = STATELESS
    if expected is not None:
        return _compared(attempt, rule, _expected_result(expected, attempt), ordered=ordered)
    most = most_items(attempt.count)
    try:
        got = item_ids(attempt.returned, most, attempt.target, key)
        if got is None or (not got and attempt.count and _is_other_text(attempt.returned)):
            return _unreadable(attempt, rule, advice(attempt.returned, most, attempt.target, key))
    except RAISED as raised:
        return _of_reading(attempt, raised)
    if len(got) > most and not isinstance(attempt.returned, list | tuple):
        return Finding(TERMINATES.name, f"The iterable it returned yielded more than {most} items")
    return _listed(attempt, rule, got, ordered=ordered)


def _of_raising(attempt: Attempt, error: BaseException, then: str = "") -> Finding | None:
    raised = f"It {then}raised {worded(error)}, though no call had failed"
    if not attempt.faults and attempt.delayed:
        # It may have a time limit, which the retries have used up.
        return None
    if not attempt.faults:
        # The collector made no call, so the error can only come from state of earlier ones.
        rule = STATELESS if attempt.called_before and not attempt.requests else COMPLETE
        suspects = functools.partial(_of_error, attempt, error)
        return Finding(rule.name, raised, error=error, suspects=suspects)
    if not attempt.healthy:
        return None
    problem = f"It {then}raised {worded(error)}, though it had caused every failed call itself"
    return Finding(
        COMPLETE.name, problem, error=error, suspects=functools.partial(of_own_failure, attempt)
    )


def _of_error(attempt: Attempt, error: BaseException) -> tuple[Suspicion, ...]:
    """Suspect why a collector raises an error of its own."""
    # Python refuses to use a coroutine in place of its result.
    if isinstance(error, TypeError | AttributeError) and "'coroutine' object" in worded(error):
        return (Suspicion("It does not await a call of the client."),)
    elsewhere = not attempt.requests and attempt.elsewhere
    return (Suspicion(elsewhere),) if elsewhere else ()


def _of_reading(attempt: Attempt, error: BaseException) -> Finding | None:
    """Judge an error raised while reading the result as the collector's own."""
    return _of_raising(attempt, error, f"returned {_short(attempt.returned)}, and reading it ")


def _is_other_text(returned: Any) -> bool:
    """Whether this is a text that says something other than nothing."""
    return isinstance(returned, str) and bool(str.strip(returned))


def _unreadable(attempt: Attempt, rule: Rule, what_to_do: str) -> Finding:
    """Judge a result without session ids. Unless a call failed, the test is likely wrong."""
    problem = f"It returned {_short(attempt.returned)}, in which no session ids were found"
    suspects = functools.partial(of_result, attempt, None)
    if attempt.faults:
        problem = f"{_RETURNED_NORMALLY}. {problem}. {what_to_do}"
        return Finding(rule.name, problem, suspects=suspects)
    return Finding(rule.name, what_to_do, lead=f"{problem}.", suspects=suspects)


def _compared(attempt: Attempt, rule: Rule, expected: Any, *, ordered: bool) -> Finding | None:
    try:
        got = _listed_if_lazy(attempt.returned)
    except RAISED as error:
        return _of_reading(attempt, error)
    if _equal(got, expected):
        return None
    problem = "Its result differs from what expected() returns for the complete listing"
    if rule is SURFACES_FAULTS:
        problem = _RETURNED_NORMALLY
    # A subclass of list may override its methods.
    are_lists = isinstance(got, list) and isinstance(expected, list)
    if are_lists and _same_items(list.copy(got), list.copy(expected)):
        if not ordered:
            return None
        problem = _only_the_order("expected()'s")
    suspects = functools.partial(of_result, attempt, None)
    return Finding(rule.name, problem, _short(expected), _short(got), suspects=suspects)


def _expected_result(expected: Callable[[list[Any]], Any], attempt: Attempt) -> Any:
    """Call ``expected`` with the listing.

    Raises:
        UnfitError: ``expected`` raises, is stopped, or never stops yielding.
    """
    most = most_items(attempt.count)
    try:
        result = expected(attempt.items)
        lazy = isinstance(result, Iterator)
        result = list(itertools.islice(result, most + 1)) if lazy else _listed_if_lazy(result)
    except Exception as error:
        msg = (
            f"expected() raised {worded(error)} for {_short(attempt.listing)} "
            "(expected a result for every listing, including an empty one)"
        )
        raise UnfitError(msg) from error
    except Runaway as stopped:
        msg = f"expected() was stopped for {_short(attempt.listing)}: {stopped}"
        raise UnfitError(msg) from None
    if lazy and len(result) > most:
        msg = f"expected() yielded more than {most} items for {_short(attempt.listing)}"
        raise UnfitError(msg)
    return result


def _equal(got: Any, expected: Any) -> bool:
    try:
        return bool(got == expected)
    except RAISED as error:
        msg = (
            f"the collector returned {_short(got)}, which cannot be compared with "
            f"{_short(expected)} from expected(): {worded(error)} (expected values that == can "
            "compare, such as lists and dicts)"
        )
        raise UnfitError(msg) from error


def _listed_if_lazy(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _same_items(items: list[Any], others: list[Any]) -> bool:
    if len(items) != len(others):
        return False
    unmatched = list(others)
    for item in items:
        place = next((index for index, other in enumerate(unmatched) if _equal(item, other)), None)
        if place is None:
            return False
        del unmatched[place]
    return True


def _listed(attempt: Attempt, rule: Rule, got: list[str], *, ordered: bool) -> Finding | None:
    ids = attempt.ids
    incomplete = check_ids(got, ids, ordered=ordered, started=attempt.added)
    if incomplete is None:
        return None
    if incomplete.differences:
        started = f" (and {len(attempt.added)} started during paging)" if attempt.added else ""
        problem = (
            f"It returned {plural(len(got), 'session')} for a listing of {len(ids)}{started}: "
            f"{incomplete.differences.counts()}"
        )
        suspects: Callable[[], Iterable[Suspicion]] = functools.partial(of_result, attempt, got)
    else:
        problem = _only_the_order("the service's")
        suspects = functools.partial(of_order, attempt, incomplete.got)
    if rule is SURFACES_FAULTS:
        problem = f"{_RETURNED_NORMALLY}. {problem}"
    expected, received = ids_by_place(ids, ids), ids_by_place(got, ids)
    return Finding(rule.name, problem, expected, received, suspects=suspects)


def _only_the_order(whose: str) -> str:
    return (
        f"It returned every session, but not in {whose} order "
        "(pass ordered=False if order does not matter)"
    )


def _short(value: Any) -> str:
    return shown(value, _WIDTH)
