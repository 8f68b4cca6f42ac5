"""Try suspected causes, by the experiments that would refute them."""

from __future__ import annotations

import contextlib

from pytest_deadline_sessions.checking._attempt import RAISED
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._reading import item_ids, most_items
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._runner import Runner
from pytest_deadline_sessions.checking._suspicion import Observation, Suspicion

_MOST_CASES = 40


class Lab:
    """Runs a collector in each case once, whichever suspicions need it.

    Args:
        runner: Runs the collector.
        allowed: Whether to run it at all; if not, only what needs no experiment is confirmed.
    """

    def __init__(self, runner: Runner, *, allowed: bool) -> None:
        self._runner = runner
        self._allowed = allowed
        self._observations: dict[Case, Observation] = {}

    def confirms(self, suspicion: Suspicion) -> bool:
        """Whether every experiment of a suspicion could be made, and none refutes it."""
        for experiment in suspicion.experiments:
            seen = self._observation(experiment.case)
            if seen is None or not experiment.shows(seen):
                return False
        return True

    def _observation(self, case: Case) -> Observation | None:
        if case in self._observations:
            return self._observations[case]
        if not self._allowed or len(self._observations) == _MOST_CASES:
            return None
        run = self._runner.start(case)
        attempt = run.call(run.job, case)
        if self._runner.sandbox.slow:
            # It may be slow in every experiment.
            self._allowed = False
        most, key = most_items(attempt.count), self._runner.options.key
        got = None
        # Reading a lazy result may send requests, and raise.
        with contextlib.suppress(Runaway, *RAISED):
            got = run.inside(lambda: item_ids(attempt.returned, most, attempt.target, key))
        self._observations[case] = Observation(attempt, got)
        return self._observations[case]
