"""Bringing a collector into a case, and judging what it does there."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pytest_deadline_sessions import model
from pytest_deadline_sessions.checking.cases import Case
from pytest_deadline_sessions.checking.contract import STATELESS, Attempt, Finding, judge
from pytest_deadline_sessions.checking.report import PaginationViolation
from pytest_deadline_sessions.checking.sandbox import Runaway, Sandbox
from pytest_deadline_sessions.fake import FakeDeadline
from pytest_deadline_sessions.lifecycle import ENDED, STARTED
from pytest_deadline_sessions.paging import Listing
from pytest_deadline_sessions.service import Job
from pytest_deadline_sessions.transcript import Call

_MANY = 100_000

_AGAIN = {
    "twice": "called a second time for the same job",
    "two-jobs": "called for another job in between",
    "changed-result": "called again after the caller had emptied the list that it got",
    "after-failure": "called again after a call that failed",
    "sessions-added": "called again after another session had started",
}


class Bench:
    """One collector, one fake, and a client between them.

    Args:
        collect: The collector.
        ordered: Whether the order of what it returns matters.
        expected: What should come out of the complete list; by default the list.
        empty_final_token: Whether the last page has an empty token.
        patience: How many seconds it may work without a call.
    """

    def __init__(
        self,
        collect: Callable[..., Any],
        *,
        ordered: bool,
        expected: Callable[[list[Any]], Any] | None,
        empty_final_token: bool,
        patience: float,
    ) -> None:
        self.collect = collect
        self.ordered = ordered
        self.expected = expected
        self.empty_final_token = empty_final_token
        self.fake = FakeDeadline()
        self.attempt: Attempt | None = None
        self.calls: list[Call] = []
        self._sandbox = Sandbox(self.fake.clock, patience)
        self._numbers = itertools.count(1)
        self._client: Any = None
        self._case = Case()
        self._job: Job | None = None
        self._frozen: Any = None
        self._start: Any = None
        self._answered = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Stop time, and lead every client of the process here."""
        with contextlib.ExitStack() as stack:
            self._start = self.fake.clock.now()
            self._frozen = stack.enter_context(self.fake.clock.freeze(self._start))
            stack.enter_context(self.fake.intercept())
            stack.enter_context(self._sandbox.open())
            self._client = self.fake.client()
            try:
                yield
            finally:
                self.fake.calls.clear()

    def find(self, case: Case) -> PaginationViolation | None:
        """What the collector does wrong in that case, if anything."""
        behavior = dataclasses.replace(case.behavior, empty_final_token=self.empty_final_token)
        self._frozen.move_to(self._start)
        self.fake.reset(behavior=behavior)
        self.fake.on_call(self._listen)
        self.calls = []
        self._case = case
        job = self._add(case.listing)
        for lapse in case.lapses:
            self.fake.fail_next(lapse.fault, times=lapse.times, after=lapse.after)
        found = self._try(job)
        if found is not None:
            once = dataclasses.replace(case, sequence="once")
            return PaginationViolation(once, found, self.calls)
        if case.sequence == "once":
            return None
        self._calm()
        again = self._again(job)
        calls = self.calls
        if again is None:
            return None
        alone = self._alone()
        if alone is not None:
            return alone
        what = f"{_AGAIN[case.sequence]}, it no longer gives the right answer. {again.what}"
        found = dataclasses.replace(again, rule=STATELESS, what=what[0].upper() + what[1:])
        return PaginationViolation(case, found, calls)

    def _again(self, job: Job) -> Finding | None:
        sequence = self._case.sequence
        if sequence == "sessions-added":
            job.start_session()
        if sequence == "changed-result" and self.attempt is not None:
            _empty(self.attempt.returned)
        if sequence == "two-jobs":
            other = Listing(page_sizes=(1, 1), runs=((STARTED, 1), (ENDED, 1)), first=16**31)
            found = self._try(self._add(other))
            if found is not None:
                return found
        return self._try(job)

    def _alone(self) -> PaginationViolation | None:
        """What the collector does wrong with the listing that it last met, when it meets it alone.

        Then it is not the calling again that matters. Where the job had the same sessions before,
        that is known already.
        """
        if self._case.sequence not in {"two-jobs", "sessions-added"} or self.attempt is None:
            return None
        return self.find(Case(self.attempt.listing, self.fake.behavior))

    def _calm(self) -> None:
        """From now on nothing goes wrong: what follows must be right."""
        self._case = Case(sequence=self._case.sequence)
        self.fake._service.state.planned.clear()  # noqa: SLF001 (the same project)

    def _add(self, listing: Listing) -> Job:
        return self.fake.add_job(listing, jobId=model.make_id("JobId", next(self._numbers)))

    def _try(self, job: Job) -> Finding | None:
        self._job, self._answered = job, 0
        page_size = self.fake.behavior.page_size
        attempt = self.attempt = Attempt(job.listing, page_size, dict(job))
        try:
            attempt.returned = self._sandbox.call(lambda: _outcome(self.collect, self._client, job))
        except Runaway:
            pass
        except Exception as error:  # noqa: BLE001 (whatever the user's function raises)
            attempt.error = error
        attempt.runaway = self._sandbox.stopped
        return judge(attempt, ordered=self.ordered, expected=self._expected())

    def _expected(self) -> Callable[[list[Any]], Any] | None:
        return self.expected

    def _listen(self, call: Call) -> None:
        attempt, job, case = self.attempt, self._job, self._case
        if attempt is None or job is None:
            return
        self._sandbox.heard()
        self.calls.append(call)
        attempt.calls.append(call)
        if call.operation != model.OPERATION:
            return
        if self._sandbox.stopped is None:
            why = attempt.excess()
            if why is not None:
                self._sandbox.stop(why)
        else:
            self._sandbox.stop(self._sandbox.stopped)
        if call.error is None and call.sent:
            self._answered += 1
            if case.always_expired or self._answered in case.expiries:
                self.fake.expire_tokens()
            for place, change in case.drift:
                if place == self._answered:
                    _change(job, change, attempt)


def _change(job: Job, change: str, attempt: Attempt) -> None:
    if change == "start":
        attempt.added.add(job.start_session().session_id)
        return
    open_statuses = [one for one in job.sessions if one.status == STARTED]
    if open_statuses:
        if change == "end":
            open_statuses[-1].end()
        else:
            open_statuses[-1].request_end()


def _empty(returned: Any) -> None:
    for one in (returned, returned.get("sessions") if isinstance(returned, dict) else None):
        if isinstance(one, list | dict):
            one.clear()


def _outcome(collect: Callable[..., Any], client: Any, job: Job) -> Any:
    """What a collector gives, with generators and coroutines run to their end."""
    result = collect(client, **job)
    if inspect.isawaitable(result) or hasattr(result, "__aiter__"):
        result = _run(_gathered(result))
    if isinstance(result, Iterator):
        result = list(itertools.islice(result, _MANY))
        if len(result) == _MANY:
            raise Runaway
    return result


async def _gathered(result: Any) -> Any:
    if inspect.isawaitable(result):
        result = await result
    if hasattr(result, "__aiter__"):
        return [one async for one in result]
    return result


def _run(coroutine: Any) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    done: list[Any] = []

    def run() -> None:
        try:
            done.append((asyncio.run(coroutine), None))
        except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
            done.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = done[0]
    if error is not None:
        raise error
    return value
