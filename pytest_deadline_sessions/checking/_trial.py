"""Try a collector in a case, with one call or several."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
from collections.abc import Iterator
from typing import Any

from pytest_deadline_sessions._contract.rules import STATELESS, TERMINATES
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions.checking._attempt import (
    RAISED,
    Attempt,
    Counterexample,
    Finding,
)
from pytest_deadline_sessions.checking._case import Case, Lapse, Seen
from pytest_deadline_sessions.checking._diagnosis import of_state
from pytest_deadline_sessions.checking._drift import start_session
from pytest_deadline_sessions.checking._lab import Lab
from pytest_deadline_sessions.checking._program import Program
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._runner import BESIDE, Run, Runner
from pytest_deadline_sessions.checking._suspicion import Suspicion

_LASTING = Lapse("AccessDeniedException")
_OTHER = dataclasses.replace(BESIDE, first=16**31)

_AGAIN = {
    "twice": "Called a second time for the same job",
    "two-jobs": "Called for two jobs in turn",
    "changed-result": "Called again after the caller had emptied the first result",
    "after-failure": "Called again after a call that failed",
    "sessions-added": "Called again after another session had started",
    "sessions-added-same-time": "Called again after another session had started, with the start "
    "time of the latest one",
    "sessions-added-earlier": "Called again after another session had been added, with a start "
    "time before that of the earliest one",
    "failing-later": "Called again after another session had started, while every call failed",
}


_STARTS = {
    "sessions-added": "start",
    "sessions-added-same-time": "start-same-time",
    "sessions-added-earlier": "start-earlier",
    "failing-later": "start",
}


class Trial:
    """Tries a collector in one case after another.

    Args:
        runner: Runs the collector in a case.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.options = runner.options

    def find(self, case: Case, number: int | None = None) -> Counterexample | None:
        """Find the rule that the collector breaks in a case; ``None`` if it breaks none.

        Args:
            case: The case.
            number: Seeds the ids and the tokens; by default an unused number.
        """
        self._runner.tally.add(case)
        counterexample = self._find(self._runner.start(case, number))
        if self._runner.sandbox.patch_late_imports():
            # For the library, the stopped run is over only once nothing refers to it. Since Python
            # 3.13, the frames of the run refer to each other.
            counterexample = None
            gc.collect()
            counterexample = self._find(self._runner.start(case))
        return counterexample

    @property
    def seen(self) -> Seen:
        """What the collector has been seen to do so far."""
        return self._runner.history.seen

    @property
    def runs_program(self) -> bool:
        """Whether each call of the collector starts a process."""
        return isinstance(self.options.collect, Program)

    def repeats(self, counterexample: Counterexample) -> bool:
        """Whether a second run of the case breaks the same rule in the same way.

        A collector that had to be stopped is not run again. What it keeps may grow with each run.
        """
        if counterexample.rule == TERMINATES.name:
            return True
        rerun = self.find(counterexample.case, counterexample.number)
        return (
            rerun is not None
            and rerun.rule == counterexample.rule
            and (rerun.rule == STATELESS.name or self._alike(rerun.finding, counterexample.finding))
        )

    def explained(self, counterexample: Counterexample) -> Counterexample:
        """Name the first suspected cause that no experiment refutes, if there is one.

        A collector that keeps state may do anything in an experiment, so none is made with it.
        """
        finding = counterexample.finding
        allowed = finding.rule != STATELESS.name and not counterexample.slow
        suspicions: list[Suspicion] = []
        # The result may be of the collector's own type, and raise.
        with contextlib.suppress(Runaway, *RAISED):
            self._runner.sandbox.call(lambda: suspicions.extend(finding.suspects()))
        lab = Lab(self._runner, allowed=allowed)
        cause = next(filter(lab.confirms, suspicions), None)
        target = self.options.target
        # With expected=, these are values of the user's.
        worded = str if self.options.expected is not None else target.worded
        named = dataclasses.replace(
            finding,
            what=target.worded(finding.what),
            lead=target.worded(finding.lead),
            expected=worded(finding.expected),
            returned=worded(finding.returned),
            cause="" if cause is None else target.worded(cause.text),
            members=() if cause is None else cause.members,
            suspects=tuple,
        )
        before = counterexample.before or self._case_before(counterexample)
        return dataclasses.replace(counterexample, finding=named, before=before)

    def _case_before(self, counterexample: Counterexample) -> tuple[Case, ...]:
        """The case whose ids or tokens a collector has kept and sends in another case."""
        kept = self._runner.history.strings
        sent = (
            kept[value]
            for call in counterexample.calls
            for value in call.params.values()
            if isinstance(value, str) and value in kept
        )
        case = next((other for other in sent if other != counterexample.case), None)
        stateless = counterexample.rule == STATELESS.name and counterexample.case.sequence == "once"
        return (case,) if stateless and case is not None else ()

    def _find(self, run: Run) -> Counterexample | None:
        attempt = run.call(run.job, run.case)
        finding = run.judge(attempt)
        if finding is not None:
            return run.counterexample(dataclasses.replace(run.case, sequence="once"), finding)
        if run.case.sequence == "once":
            return None
        # From now on nothing fails, so the following calls must be right.
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
        problem = (
            f"{_again(sequence, first)}, it no longer returns the right result. {finding.what}"
        )
        stateless = dataclasses.replace(
            finding,
            rule=STATELESS.name,
            what=problem,
            error=None,
            suspects=functools.partial(of_state, first, attempt),
        )
        counterexample = run.counterexample(run.case, stateless)
        # If the first call was right with this listing, there is no need to try it alone.
        same_job = sequence in {"twice", "changed-result", "after-failure"}
        if first.error is None and same_job and attempt.listing == first.listing:
            return counterexample
        alone = self.find(
            Case(attempt.listing, run.case.behavior, lapses=conditions.lapses),
        )
        if alone is None or alone.rule == STATELESS.name or not self._alike(alone.finding, finding):
            return counterexample
        return alone

    def _alike(self, finding: Finding, other: Finding) -> bool:
        # With expected=, results may contain values that differ each time, such as the job id.
        return self.options.expected is not None or finding.returned == other.returned


def _again(sequence: str, first: Attempt) -> str:
    """Say when a collector was called again; not every operation is about a job."""
    text = _AGAIN[sequence]
    if "jobId" in first.target.ids or not first.job:
        return text
    return text.replace("two jobs", f"two values of {first.target.ids[-1]}").replace(
        "the same job", "the same ids"
    )


def _calls_again(run: Run, first: Attempt) -> Iterator[tuple[Job, Case]]:
    """Yield the job and the conditions of each call after the first."""
    sequence, calm = run.case.sequence, Case()
    if sequence == "two-jobs":
        yield (run.add_job(_OTHER, 1) if first.job else run.job), calm
    if sequence == "changed-result":
        # The result may be of the collector's own type, and raise.
        with contextlib.suppress(Runaway, *RAISED):
            run.inside(lambda: _empty(first.returned, first.target.result_key))
    if sequence in _STARTS:
        start_session(run.job, _STARTS[sequence])
    if sequence == "failing-later":
        run.plan(_LASTING)
        yield run.job, Case(lapses=(_LASTING,))
    else:
        yield run.job, calm


def _empty(returned: Any, result_key: str) -> None:
    """Empty a result, as its caller may."""
    if isinstance(returned, dict):
        _empty(returned.get(result_key), result_key)
        returned.clear()
    elif isinstance(returned, list):
        for session in returned:
            if isinstance(session, dict):
                session.clear()
        returned.clear()
