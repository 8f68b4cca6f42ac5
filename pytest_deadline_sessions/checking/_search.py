"""The search for a case that breaks a collector: given, remembered, simple and drawn ones."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Collection, Iterable
from typing import Any
from unittest import SkipTest

import hypothesis
from hypothesis import Phase, settings
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

from pytest_deadline_sessions._contract.rules import STATELESS, TERMINATES
from pytest_deadline_sessions.checking._attempt import Counterexample
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._shrink import MOST_STEPS, smallest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._trial import Trial


def search(trial: Trial) -> Counterexample | None:
    """The first counterexample to the contract, shrunk unless the user gave its case.

    Args:
        trial: Tries the collector.
    """
    options = trial.options
    without = options.without
    if options.expected is not None:
        # What should be returned would depend on when the collector looked.
        without |= {"drift"}
    return (
        _first(trial, options.examples)
        or _drawn(trial, without, Phase.reuse)
        or _first(trial, simplest(without), shrink=True)
        or _drawn(trial, without, Phase.generate)
    )


def _first(
    trial: Trial, candidates: Iterable[Case], *, shrink: bool = False
) -> Counterexample | None:
    for case in candidates:
        counterexample = trial.find(case)
        if counterexample is None:
            continue
        if not trial.repeats(counterexample):
            return _unsteady(counterexample)
        # What had to be stopped takes long each time, and what keeps state differs each time.
        if shrink and counterexample.rule not in {TERMINATES.name, STATELESS.name}:
            return _shrunk(trial, counterexample)
        return counterexample
    return None


def _drawn(trial: Trial, without: Collection[str], phase: Phase) -> Counterexample | None:
    """What Hypothesis finds in that phase, under the active profile."""
    last: Counterexample | None = None

    def breaks(case: Case) -> bool:
        nonlocal last
        counterexample = trial.find(case)
        last = counterexample or last
        return counterexample is not None

    active = settings.default or settings()
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
        # There was nothing to replay, the profile wants nothing drawn, none of very few tries gave
        # a case, or the collector is right in every case.
        pass
    return last if last is None or trial.slow else _shrunk(trial, last)


def _shrunk(trial: Trial, counterexample: Counterexample) -> Counterexample:
    """The smallest counterexample around to the same rule."""
    smaller, tries = counterexample, 0

    def breaks(case: Case) -> bool:
        nonlocal smaller, tries
        tries += 1
        other = trial.find(case)
        if other is None or other.rule != counterexample.rule:
            return False
        smaller = other
        return True

    smallest(counterexample.case, breaks, MOST_STEPS)
    uncut = smaller
    cut = _as_cut(uncut.case)
    if cut != uncut.case and tries < MOST_STEPS and breaks(cut):
        # Pages of other sizes may show the same with fewer sessions.
        smallest(cut, breaks, MOST_STEPS - tries)
    return smaller if len(smaller.case.listing) < len(uncut.case.listing) else uncut


def _as_cut(case: Case) -> Case:
    """The case with the pages that the service makes of it written down, if there are several."""
    pages = case.listing.pages(case.behavior.page_size)
    if case.listing.page_sizes is not None or len(pages) == 1:
        return case
    listing = dataclasses.replace(case.listing, page_sizes=tuple(map(len, pages)))
    return dataclasses.replace(case, listing=listing)


def _unsteady(counterexample: Counterexample) -> Counterexample:
    """The counterexample of a collector whose result differs between identical runs."""
    finding = counterexample.finding
    what = (
        "Its result differs between identical runs, so it depends on more than its arguments: "
        f"state kept between calls, or thread timing. {finding.what}"
    )
    stateless = dataclasses.replace(finding, rule=STATELESS.name, what=what)
    return dataclasses.replace(counterexample, finding=stateless)


def _database_key(collect: Callable[..., Any]) -> bytes:
    """What Hypothesis remembers the failures of this collector by.

    Methods of two objects have one name, so the test that calls us belongs to it.
    """
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    return f"pytest_deadline_sessions.check_pagination({_full_name(collect)}) {test}".encode()


def _full_name(collect: Callable[..., Any]) -> str:
    while isinstance(collect, functools.partial):
        collect = collect.func
    kind = type(collect)
    try:
        return f"{collect.__module__}.{collect.__qualname__}"
    except Exception:  # noqa: BLE001 (it may have names of its own)
        return f"{kind.__module__}.{kind.__qualname__}"
