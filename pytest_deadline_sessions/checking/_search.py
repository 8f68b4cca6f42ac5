"""The cases that Hypothesis draws."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection
from typing import Any
from unittest import SkipTest

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky, Unsatisfiable

from pytest_deadline_sessions.checking._attempt import STATELESS
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._runner import Bench
from pytest_deadline_sessions.checking._shrink import smallest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._violation import PaginationViolation

# A collector may be slow and a case large; neither says anything about the collector.
_NEEDLESS = ("too_slow", "data_too_large", "large_base_example", "filter_too_much", "nested_given")


class Drawn:
    """What Hypothesis finds, under the active profile.

    Args:
        bench: Where the collector stands.
        without: Variations to leave out.
        max_examples: How many cases are drawn; by default what the profile says.
    """

    def __init__(self, bench: Bench, without: Collection[str], max_examples: int | None) -> None:
        self._bench = bench
        self._cases = cases(without)
        active = settings.default or settings()
        self._settings = settings(
            active,
            deadline=None,
            max_examples=active.max_examples if max_examples is None else max_examples,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=[
                check for name, check in HealthCheck.__members__.items() if name in _NEEDLESS
            ],
        )

    def replayed(self) -> PaginationViolation | None:
        """What the failures that Hypothesis remembers of this collector come to now."""
        return self._run(Phase.reuse)

    def fresh(self) -> PaginationViolation | None:
        """What new cases come to."""
        return self._run(Phase.generate)

    def _run(self, phase: Phase) -> PaginationViolation | None:
        last: list[PaginationViolation] = []

        def check(case: Case) -> None:
            violation = self._bench.find(case)
            if violation is not None:
                last[:] = [violation]
                raise violation

        # Hypothesis remembers failures by the signature of a test, among other things.
        check.__annotations__["case"] = _full_name(self._bench.options.collect)
        phases = [phase] if phase in self._settings.phases else []
        run = settings(self._settings, phases=phases)(hypothesis.given(self._cases)(check))
        try:
            run()
        except PaginationViolation:
            return last[0] if self._bench.slow else self._shrunk(last[0])
        except Flaky:
            if not last:
                raise
            return depending(last[0])
        except (SkipTest, Unsatisfiable):
            # There was nothing to replay, the profile wants nothing drawn, or none of very few
            # tries gave a case.
            pass
        return None

    def _shrunk(self, violation: PaginationViolation) -> PaginationViolation:
        found = [violation]

        def breaks(case: Case) -> bool:
            other = self._bench.find(case)
            if other is None or other.rule != violation.rule:
                return False
            found.append(other)
            return True

        smallest(violation.case, breaks)
        return found[-1]


def depending(violation: PaginationViolation) -> PaginationViolation:
    """The violation of a collector that is not always wrong in one and the same case."""
    before = violation.finding
    what = (
        "In one and the same case it does not always come to the same, so it depends on more than "
        "its arguments: on what it keeps between calls, say, or on which thread comes first. "
        f"{before.what}"
    )
    finding = dataclasses.replace(before, rule=STATELESS, what=what)
    return PaginationViolation(violation.case, finding, violation.calls, violation.options)


def _full_name(collect: Callable[..., Any]) -> str:
    while isinstance(collect, functools.partial):
        collect = collect.func
    kind = type(collect)
    try:
        return f"{collect.__module__}.{collect.__qualname__}"
    except Exception:  # noqa: BLE001 (it may have names of its own)
        return f"{kind.__module__}.{kind.__qualname__}"
