"""What a collector does wrong in a case, called once or several times."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from pytest_deadline_sessions._contract.rules import STATELESS, TERMINATES
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions.checking._attempt import (
    RAISED,
    Attempt,
    Counterexample,
    Finding,
)
from pytest_deadline_sessions.checking._case import Case, Lapse
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._runner import Run, Runner
from pytest_deadline_sessions.lifecycle import ENDED, STARTED

_LASTING = Lapse("AccessDeniedException")
_OTHER = Listing(page_sizes=(1, 1), runs=((STARTED, 1), (ENDED, 1)), first=16**31)

_AGAIN = {
    "twice": "Called a second time for the same job",
    "two-jobs": "Called for two jobs in turn",
    "changed-result": "Called again after the caller had emptied the first result",
    "after-failure": "Called again after a call that failed",
    "sessions-added": "Called again after another session had started",
    "failing-later": "Called again after another session had started, while every call failed",
}


class Trial:
    """A collector that is tried in one case after another.

    Args:
        runner: Brings it into a case.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.options = runner.options

    def find(self, case: Case, number: int | None = None) -> Counterexample | None:
        """What the collector does wrong in that case, if anything.

        Args:
            case: The case.
            number: Makes the ids and the tokens; by default one that no case has had.
        """
        counterexample = self._find(self._runner.start(case, number))
        if self._runner.sandbox.meet_late():
            counterexample = self._find(self._runner.start(case))
        return counterexample

    @property
    def slow(self) -> bool:
        """Whether the collector was last stopped because it made no call for long."""
        return self._runner.sandbox.slow

    def repeats(self, counterexample: Counterexample) -> bool:
        """Whether the collector breaks the same rule in the same way in the same case again.

        A collector that had to be stopped is not called again.
        """
        if counterexample.rule == TERMINATES.name:
            return True
        again = self.find(counterexample.case, counterexample.number)
        return (
            again is not None
            and again.rule == counterexample.rule
            and self._alike(again.finding, counterexample.finding)
        )

    def _find(self, run: Run) -> Counterexample | None:
        attempt = run.call(run.job, run.case)
        finding = run.judge(attempt)
        if finding is not None:
            return run.counterexample(dataclasses.replace(run.case, sequence="once"), finding)
        if run.case.sequence == "once":
            return None
        # From now on nothing goes wrong: what follows must be right.
        run.call_off()
        return self._find_again(run, attempt)

    def _find_again(self, run: Run, first: Attempt) -> Counterexample | None:
        for job, conditions in _calls_again(run, first):
            attempt = run.call(job, conditions)
            finding = run.judge(attempt)
            if finding is not None:
                break
        else:
            return None
        sequence = run.case.sequence
        what = f"{_AGAIN[sequence]}, it no longer gives the right answer. {finding.what}"
        stateless = dataclasses.replace(finding, rule=STATELESS.name, what=what, error=None)
        counterexample = run.counterexample(run.case, stateless)
        # Where the collector was right with that listing before, it need not be tried alone.
        if first.error is None and sequence in {"twice", "changed-result", "after-failure"}:
            return counterexample
        alone = self.find(
            Case(attempt.listing, run.case.behavior, lapses=conditions.lapses),
        )
        if alone is None or alone.rule == STATELESS.name or not self._alike(alone.finding, finding):
            return counterexample
        return alone

    def _alike(self, one: Finding, other: Finding) -> bool:
        # What is made for expected= may hold what differs each time, such as the id of the job.
        return self.options.expected is not None or one.came == other.came


def _calls_again(run: Run, first: Attempt) -> Iterator[tuple[Job, Case]]:
    """The jobs that the collector is called for after its first call, each with its conditions."""
    sequence, calm = run.case.sequence, Case()
    if sequence == "two-jobs":
        yield run.add_job(_OTHER, 1), calm
    if sequence == "changed-result":
        # The result may be of a kind of its own.
        with contextlib.suppress(Runaway, *RAISED):
            run.inside(lambda: _empty(first.returned))
    if sequence in {"sessions-added", "failing-later"}:
        run.job.start_session()
    if sequence == "failing-later":
        run.plan(_LASTING)
        yield run.job, Case(lapses=(_LASTING,))
    else:
        yield run.job, calm


def _empty(returned: Any) -> None:
    """Do what a caller may do to a result that is its own."""
    if isinstance(returned, dict):
        _empty(returned.get("sessions"))
        returned.clear()
    elif isinstance(returned, list):
        for one in returned:
            if isinstance(one, dict):
                one.clear()
        returned.clear()
