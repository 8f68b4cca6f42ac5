"""Suspect how a collector treats a failed call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS, fault_codes
from pytest_deadline_sessions.checking._case import TWO, Case, Lapse
from pytest_deadline_sessions.checking._suspicion import (
    Experiment,
    Observation,
    Suspicion,
    joined,
)

_Manner = Callable[[Observation], bool]


def of_fault(seen: Observation) -> Iterator[Suspicion]:
    """Suspect what a collector does after the last call has failed."""
    code = seen.attempt.requests[-1].error or ""
    for text, manner in _MANNERS.items():
        if not manner(seen):
            continue
        for noun, codes in _groups().items():
            if code in codes:
                others = [other for other in fault_codes() if other not in codes]
                experiments = [
                    *(Experiment(_failing(each), manner) for each in codes),
                    *(Experiment(_failing(other), _raised) for other in others),
                ]
                yield Suspicion(text.format(noun), tuple(experiments))
        experiments = [Experiment(_failing(code), manner), Experiment(Case(TWO), _complete)]
        yield Suspicion(text.format(f"{code}, among other errors,"), tuple(experiments))


def of_fault_elsewhere(seen: Observation) -> Iterator[Suspicion]:
    """Suspect what a collector does after a call of another operation has failed."""
    attempt = seen.attempt
    if attempt.failed_others and all(call.error is None for call in attempt.requests):
        operation, code = attempt.failed_others[-1].operation, attempt.failed_others[-1].error or ""
        failing = Case(TWO, lapses=(Lapse(code, operation=operation),))
        for text, manner in _MANNERS_ELSEWHERE.items():
            experiments = (Experiment(failing, manner), Experiment(Case(TWO), _complete))
            yield Suspicion(text.format(f"{code} of {operation}"), experiments)


def of_expiry(seen: Observation) -> Iterator[Suspicion]:
    """Suspect what a collector does after its token has expired."""
    if "expired" in seen.attempt.requests[-1].message:
        for text, manner in _MANNERS.items():
            if manner(seen):
                expiring = Experiment(Case(TWO, expiries=(1,)), manner)
                failing = Experiment(_failing("ValidationException"), _raised)
                yield Suspicion(text.format("an expired token"), (expiring, failing))


def of_restart(seen: Observation) -> Iterator[Suspicion]:
    """Suspect that a collector keeps what it has, and lists it again after a failed call."""
    requests = seen.attempt.requests
    restarts = any(
        before.error is not None and now.token is None and not now.retry
        for before, now in itertools.pairwise(requests)
    )
    if restarts and seen.got == joined(seen.pages):
        yield Suspicion(
            "It starts over after a failed call, but keeps the sessions that it already has."
        )


def _groups() -> dict[str, list[str]]:
    """The groups of faults that code commonly catches together, the largest first."""
    every = fault_codes()
    errors = [code for code in every if code not in BROKEN_CONNECTIONS]
    return {
        "any failed call": every,
        "any error response (ClientError)": errors,
        "any broken connection (BotoCoreError)": list(BROKEN_CONNECTIONS),
        **{code: [code] for code in every},
    }


def _failing(code: str) -> Case:
    return Case(TWO, lapses=(Lapse(code, after=1),))


def _kept(seen: Observation) -> bool:
    return _failed(seen) and seen.got is not None and list(seen.got) == joined(seen.pages)


def _emptied(seen: Observation) -> bool:
    return _failed(seen) and seen.got is not None and not seen.got


def _none(seen: Observation) -> bool:
    return _failed(seen) and seen.attempt.returned is None


def _returned(seen: Observation) -> bool:
    return _failed(seen)


def _failed(seen: Observation) -> bool:
    """Whether a call failed permanently, and the collector returned."""
    attempt = seen.attempt
    return bool(attempt.faults) and attempt.error is None and attempt.runaway is None


def _raised(seen: Observation) -> bool:
    return seen.attempt.error is not None or _complete(seen)


def _complete(seen: Observation) -> bool:
    return seen.went_on and (seen.got is None or list(seen.got) == seen.ids)


_MANNERS_ELSEWHERE: dict[str, _Manner] = {
    "It returns no sessions at all after {}.": _emptied,
    "It returns None after {}.": _none,
    "It catches {} and returns as if nothing had failed.": _returned,
}
_MANNERS: dict[str, _Manner] = {
    "It treats {} as the end of the listing.": _kept,
    "It returns no sessions at all after {}.": _emptied,
    "It returns None after {}.": _none,
    "It catches {} and returns as if nothing had failed.": _returned,
}
