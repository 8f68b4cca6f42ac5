"""Search for a case that breaks a collector: given, remembered, simple, then drawn ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

import hypothesis
from hypothesis import Phase, settings
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

from pytest_deadline_sessions._contract.rules import STATELESS
from pytest_deadline_sessions._transport.tracking import running_test
from pytest_deadline_sessions.checking._attempt import Counterexample
from pytest_deadline_sessions.checking._case import Case, is_disturbed
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._program_cases import program_cases
from pytest_deadline_sessions.checking._rerun import title, unwrapped
from pytest_deadline_sessions.checking._shrink import MOST_STEPS, smallest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._trial import Trial

_MOST_SESSIONS = 200_000
_FEWEST_STEPS = 20
_STEPS_OF_PROGRAMS = 30


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
    past = _Past()
    return (
        _first(trial, options.examples if explicit else (), past)
        or _drawn(trial, without, Phase.reuse, past)
        or _first(trial, _simplest(trial, without) if explicit else (), past, shrink=True)
        or _drawn(trial, without, Phase.generate, past)
    )


def _simplest(trial: Trial, without: Collection[str]) -> Iterator[Case]:
    if trial.runs_program:
        return program_cases(without)
    return simplest(without, empty_final_token=trial.options.empty_final_token, seen=trial.seen)


def _profile() -> settings:
    return settings.default or settings()


@dataclass
class _Past:
    """Cases that the collector was right in.

    Attributes:
        first: The first one.
        last: The last one.
    """

    first: Case | None = None
    last: Case | None = None

    def add(self, case: Case) -> None:
        """Add a case that the collector was right in."""
        self.first = self.first or case
        self.last = case


def _first(
    trial: Trial, candidates: Iterable[Case], past: _Past, *, shrink: bool = False
) -> Counterexample | None:
    for case in candidates:
        counterexample = trial.find(case)
        if counterexample is None:
            past.add(case)
            continue
        if not trial.repeats(counterexample):
            return _unsteady(counterexample)
        blamed = _outlived(trial, counterexample, past)
        # A collector that waits until it is stopped is slow to rerun.
        if blamed is None and shrink and not (counterexample.slow or trial.runs_program):
            return _shrunk(trial, counterexample)
        return blamed or counterexample
    return None


def _drawn(
    trial: Trial, without: Collection[str], phase: Phase, past: _Past
) -> Counterexample | None:
    """Let Hypothesis search in one phase, under the active profile."""
    last: Counterexample | None = None

    def breaks(case: Case) -> bool:
        nonlocal last
        hypothesis.event("check_pagination", title(trial.options.collect))
        counterexample = trial.find(case)
        if counterexample is None:
            past.add(case)
        last = counterexample or last
        return counterexample is not None

    active = _profile()
    limit = trial.options.max_examples
    if limit == 0:
        return None
    try:
        hypothesis.find(
            cases(
                without,
                empty_final_token=trial.options.empty_final_token,
                seen=trial.seen,
            ),
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
    if last is None:
        return None
    blamed = _outlived(trial, last, past)
    return blamed or (last if last.slow else _shrunk(trial, last))


def _outlived(trial: Trial, counterexample: Counterexample, past: _Past) -> Counterexample | None:
    """Blame state that outlives a case, if a case that passed at first now fails in the same way.

    Only cases without faults are suspected. In others, the collector may just have broken down.
    """
    case = counterexample.case
    may_fail = is_disturbed(case) or "fail" in case.sequence
    if may_fail or past.first is None or past.last is None:
        return None
    again = trial.find(past.first)
    if again is None or again.rule != counterexample.rule:
        return None
    finding = counterexample.finding
    problem = (
        "It passed other cases before, and now fails in those too, so it keeps state that outlives "
        f"a call: a lock that is still held, say, or a global variable. {finding.what}"
    )
    stateless = dataclasses.replace(finding, rule=STATELESS.name, what=problem)
    return dataclasses.replace(counterexample, finding=stateless, before=(past.last,))


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

    # Each try lists all sessions, or starts a process.
    most = _STEPS_OF_PROGRAMS if trial.runs_program else MOST_STEPS
    steps = max(_MOST_SESSIONS // max(len(counterexample.case.listing), 1), _FEWEST_STEPS)
    return counterexamples[smallest(counterexample.case, breaks, min(steps, most))]


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
    collect = unwrapped(collect)
    kind = type(collect)
    try:
        return f"{collect.__module__}.{collect.__qualname__}"
    except Exception:  # noqa: BLE001 (__qualname__ may be a property that raises)
        return f"{kind.__module__}.{kind.__qualname__}"
