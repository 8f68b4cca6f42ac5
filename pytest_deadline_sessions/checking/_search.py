"""The cases that Hypothesis draws."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection
from typing import Any
from unittest import SkipTest

import hypothesis
from hypothesis import Phase, settings
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

from pytest_deadline_sessions.checking._attempt import STATELESS, Counterexample
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._shrink import smallest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._trial import Trial


class Drawn:
    """What Hypothesis finds, under the active profile.

    Args:
        trial: Tries the collector.
        without: Variations to leave out.
        max_examples: How many cases are drawn; by default what the profile says.
    """

    def __init__(self, trial: Trial, without: Collection[str], max_examples: int | None) -> None:
        self._trial = trial
        self._cases = cases(without)
        active = settings.default or settings()
        self._settings = settings(
            active,
            deadline=None,
            max_examples=active.max_examples if max_examples is None else max_examples,
            print_blob=False,
        )

    def replayed(self) -> Counterexample | None:
        """What the failures that Hypothesis remembers of this collector come to now."""
        return self._run(Phase.reuse)

    def fresh(self) -> Counterexample | None:
        """What new cases come to."""
        return self._run(Phase.generate)

    def _run(self, phase: Phase) -> Counterexample | None:
        last: list[Counterexample] = []

        def breaks(case: Case) -> bool:
            violation = self._trial.find(case)
            if violation is not None:
                last[:] = [violation]
            return violation is not None

        # Our own shrinker needs fewer steps, so Hypothesis is never in its shrinking phase.
        phases = [phase] if phase in self._settings.phases else []
        try:
            hypothesis.find(
                self._cases,
                breaks,
                settings=settings(self._settings, phases=phases),
                database_key=_database_key(self._trial.options.collect),
            )
        except Flaky:
            if not last:
                raise
            return depending(last[0])
        except (SkipTest, NoSuchExample, Unsatisfiable):
            # There was nothing to replay, the profile wants nothing drawn, none of very few tries
            # gave a case, or the collector is right in every case.
            return None
        return last[0] if self._trial.slow else self._shrunk(last[0])

    def _shrunk(self, violation: Counterexample) -> Counterexample:
        found = [violation]

        def breaks(case: Case) -> bool:
            other = self._trial.find(case)
            if other is None or other.rule != violation.rule:
                return False
            found.append(other)
            return True

        smallest(violation.case, breaks)
        return found[-1]


def depending(violation: Counterexample) -> Counterexample:
    """The violation of a collector that is not always wrong in one and the same case."""
    before = violation.finding
    what = (
        "Its result differs between identical runs, so it depends on more than its arguments: "
        f"state kept between calls, or thread timing. {before.what}"
    )
    finding = dataclasses.replace(before, rule=STATELESS, what=what)
    return dataclasses.replace(violation, finding=finding)


def _database_key(collect: Callable[..., Any]) -> bytes:
    """What Hypothesis remembers the failures of this collector by."""
    return f"pytest_deadline_sessions.check_pagination({_full_name(collect)})".encode()


def _full_name(collect: Callable[..., Any]) -> str:
    while isinstance(collect, functools.partial):
        collect = collect.func
    kind = type(collect)
    try:
        return f"{collect.__module__}.{collect.__qualname__}"
    except Exception:  # noqa: BLE001 (it may have names of its own)
        return f"{kind.__module__}.{kind.__qualname__}"
