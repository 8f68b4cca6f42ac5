"""Search for a case that breaks a collector: given, remembered, simple, then drawn ones."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable
from typing import Any
from unittest import SkipTest

import hypothesis
from hypothesis import Phase, settings
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

from pytest_deadline_sessions._contract.rules import STATELESS, TERMINATES
from pytest_deadline_sessions._transport.tracking import running_test
from pytest_deadline_sessions.checking._attempt import Counterexample
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._shrink import MOST_STEPS, smallest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._trial import Trial


def search(trial: Trial) -> Counterexample | None:
    """Find a counterexample to the contract; it is shrunk unless the user gave its case.

    The phases of Hypothesis's active profile count here too. Simple cases are explicit ones.

    Args:
        trial: Tries the collector.
    """
    options = trial.options
    without = options.without
    if options.expected is not None:
        # The right result would depend on when the collector listed each page.
        without |= {"drift"}
    explicit = Phase.explicit in _profile().phases
    return (
        _first(trial, options.examples if explicit else ())
        or _drawn(trial, without, Phase.reuse)
        or _first(trial, simplest(without) if explicit else (), shrink=True)
        or _drawn(trial, without, Phase.generate)
    )


def _profile() -> settings:
    return settings.default or settings()


def _first(
    trial: Trial, candidates: Iterable[Case], *, shrink: bool = False
) -> Counterexample | None:
    for case in candidates:
        counterexample = trial.find(case)
        if counterexample is None:
            continue
        if not trial.repeats(counterexample):
            return _unsteady(counterexample)
        # A collector that had to be stopped is slow to rerun; one with state differs each time.
        if shrink and counterexample.rule not in {TERMINATES.name, STATELESS.name}:
            return _shrunk(trial, counterexample)
        return counterexample
    return None


def _drawn(trial: Trial, without: Collection[str], phase: Phase) -> Counterexample | None:
    """Let Hypothesis search in one phase, under the active profile."""
    last: Counterexample | None = None

    def breaks(case: Case) -> bool:
        nonlocal last
        counterexample = trial.find(case)
        last = counterexample or last
        return counterexample is not None

    active = _profile()
    limit = trial.options.max_examples
    try:
        hypothesis.find(
            cases(without),
            breaks,
            settings=settings(
                active,
                # Our own shrinker needs fewer steps, so the shrinking phase is never among them.
                phases=[phase] if phase in active.phases else [],
                deadline=None,
                max_examples=active.max_examples if limit is None else limit,
                print_blob=False,
            ),
            database_key=_database_key(trial.options.collect),
        )
    except Flaky:
        if last is None:
            raise
        return _unsteady(last)
    except (SkipTest, NoSuchExample, Unsatisfiable):
        # Hypothesis remembered nothing, the profile draws nothing, the few tries it allows gave no
        # case, or the collector is right in every case.
        pass
    return last if last is None or trial.slow else _shrunk(trial, last)


def _shrunk(trial: Trial, counterexample: Counterexample) -> Counterexample:
    """Shrink a counterexample to a small one that breaks the same rule."""
    if Phase.shrink not in _profile().phases:
        return counterexample
    counterexamples = {counterexample.case: counterexample}

    def breaks(case: Case) -> bool:
        other = trial.find(case)
        if other is None or other.rule != counterexample.rule:
            return False
        counterexamples[case] = other
        return True

    return counterexamples[smallest(counterexample.case, breaks, MOST_STEPS)]


def _unsteady(counterexample: Counterexample) -> Counterexample:
    """Report a collector whose result differs between identical runs."""
    finding = counterexample.finding
    problem = (
        "Its result differs between identical runs, so it depends on more than its arguments: "
        f"state kept between calls, or thread timing. {finding.what}"
    )
    stateless = dataclasses.replace(finding, rule=STATELESS.name, what=problem)
    return dataclasses.replace(counterexample, finding=stateless)


def _database_key(collect: Callable[..., Any]) -> bytes:
    """Make the key under which Hypothesis remembers failures of this collector.

    Methods of two objects share a name, so the key includes the name of the running test.
    """
    name = f"pytest_deadline_sessions.check_pagination({_full_name(collect)}) {running_test()}"
    return name.encode()


def _full_name(collect: Callable[..., Any]) -> str:
    while isinstance(collect, functools.partial):
        collect = collect.func
    kind = type(collect)
    try:
        return f"{collect.__module__}.{collect.__qualname__}"
    except Exception:  # noqa: BLE001 (__qualname__ may be a property that raises)
        return f"{kind.__module__}.{kind.__qualname__}"
