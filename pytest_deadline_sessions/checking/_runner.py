"""Bringing a collector into a case, and judging what it does there."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import importlib.util
import inspect
import itertools
import math
import re
import sys
import threading
import warnings
from collections.abc import AsyncIterable, Collection, Iterable, Iterator
from typing import Any

import botocore.session
from botocore import UNSIGNED

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions._text import plain, worded
from pytest_deadline_sessions._transport import client_factory
from pytest_deadline_sessions.checking._attempt import (
    RAISED,
    STATELESS,
    TERMINATES,
    Attempt,
    Counterexample,
    Finding,
    UnfitError,
)
from pytest_deadline_sessions.checking._case import Case, Lapse
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._requests import of_requests
from pytest_deadline_sessions.checking._results import of_outcome
from pytest_deadline_sessions.checking._sandbox import Runaway, Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.lifecycle import ENDED, STARTED

_SPARE = 1_000
# What trio and asyncio say of a coroutine that is the other one's.
_TRIO_ERRORS = re.compile("must be called from async context|Task got bad yield: .*trio")
_OF_TRIO = (
    "the coroutine of the collector waits for trio, but asyncio runs it (expected a function that "
    "runs trio itself: lambda client, **job: trio.run(functools.partial(collect, client, **job)))"
)
_OF_DEADLINE = (
    "the collector waits in trio for something with a deadline {:.3g} s away, which comes in real "
    "time (expected trio.sleep, which takes no time, or patience= above that)"
)
_LASTING = Lapse("AccessDeniedException")

# Nobody checks signatures, and they take a fifth of the time. Other retry modes have a quota, so
# that what a case comes to would depend on the cases before.
_CONFIG: dict[str, Any] = {"signature_version": UNSIGNED, "retries": {"mode": "legacy"}}

# No farm, queue or job comes twice in a process, so that what a collector keeps of one cannot spoil
# another.
_numbers = itertools.count(1, 4)

_AGAIN = {
    "twice": "Called a second time for the same job",
    "two-jobs": "Called for two jobs in turn",
    "changed-result": "Called again after the caller had emptied what it got",
    "after-failure": "Called again after a call that failed",
    "sessions-added": "Called again after another session had started",
    "failing-later": "Called again after another session had started, while every call failed",
}


class Bench:
    """One collector, one fake, and a client between them.

    Args:
        options: The collector, and what it is held to.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.fake = FakeDeadline()
        self._sandbox = Sandbox(self.fake.clock, options.patience)
        self._earlier: set[str] = set()
        self._calls: list[Call] = []
        self._client: Any = None
        self._undoing: Undoing
        self._looped = False
        self._settled = importlib.util.find_spec("aiobotocore") is None
        self._case = Case()
        self._number = 0
        self._answered = 0
        self._returned: Any = None
        self._attempt: Attempt
        self._job: Job

    def open(self, undoing: Undoing) -> None:
        """Stop time, and lead every client of the process here.

        Args:
            undoing: Lets time go on, and clients go where they went.
        """
        if not self._settled and _is_async_function(self.options.collect):
            # It takes long, and broken off in the middle it is broken for good.
            importlib.import_module("aiobotocore.session")
        undoing.enter(self.fake.clock.freeze(self.fake.clock.now()))
        undoing.enter(self.fake.intercept())
        self._sandbox.open(undoing, self.options.collect)
        undoing.put(botocore.session, "create_loader", _sharing(botocore.session.create_loader))
        # What is reported is in the report.
        undoing.later(self.fake.calls.clear)
        self._client = client_factory.client(**_CONFIG)
        # Whoever keeps a violation keeps the client.
        undoing.later(setattr, self, "_client", None)
        undoing.later(self.fake.attach(self._client).close)
        self._undoing = undoing

    def find(self, case: Case, number: int | None = None) -> Counterexample | None:
        """What the collector does wrong in that case, if anything.

        Args:
            case: What it is brought into.
            number: Of which the ids and the tokens are made; by default a fresh one.
        """
        found = self._find(case, next(_numbers) if number is None else number)
        if self._sandbox.meet_late():
            found = self._find(case, next(_numbers))
        return found

    def _find(self, case: Case, number: int) -> Counterexample | None:
        self._number = number
        behavior = dataclasses.replace(
            case.behavior, empty_final_token=self.options.empty_final_token
        )
        self.fake.reset(behavior=behavior)
        self.fake._service.state.tokens = Tokens(str(self._number))  # noqa: SLF001 (nobody else)
        self.fake.on_call(self._listen)
        self._calls = []
        self._case = case
        job = self._add(case.listing)
        for lapse in case.lapses:
            self.fake.fail_next(lapse.fault, times=lapse.times, after=lapse.after)
        found = self._try(job)
        if found is not None:
            return self._violation(dataclasses.replace(case, sequence="once"), found)
        if case.sequence == "once":
            return None
        return self._find_again(case, job)

    @property
    def slow(self) -> bool:
        """Whether the collector was last stopped because it made no call for long."""
        return self._sandbox.slow

    def same(self, violation: Counterexample) -> bool:
        """Whether the collector breaks the same rule in the same way in the same case again.

        One that had to be stopped is not asked.
        """
        if violation.rule == TERMINATES:
            return True
        again = self.find(violation.case, self._number)
        return (
            again is not None
            and again.rule == violation.rule
            and self._alike(again.finding, violation.finding)
        )

    def _alike(self, one: Finding, other: Finding) -> bool:
        # What is made for expected= may hold what differs each time, such as the id of the job.
        return self.options.expected is not None or one.came == other.came

    def _find_again(self, case: Case, job: Job) -> Counterexample | None:
        raised = self._attempt.error is not None
        self._calm()
        found = self._again(job)
        if found is None:
            return None
        what = f"{_AGAIN[case.sequence]}, it no longer gives the right answer. {found.what}"
        violation = self._violation(
            case, dataclasses.replace(found, rule=STATELESS, what=what, error=None)
        )
        alone = self._alone(raised=raised)
        if alone is None or alone.rule == STATELESS or not self._alike(alone.finding, found):
            return violation
        return alone

    def _again(self, job: Job) -> Finding | None:
        sequence = self._case.sequence
        if sequence == "sessions-added":
            job.start_session()
        if sequence == "changed-result":
            # It may be of a kind of its own.
            with contextlib.suppress(Runaway, *RAISED):
                self._sandbox.call(lambda: _empty(self._attempt.returned))
        if sequence == "two-jobs":
            other = Listing(page_sizes=(1, 1), runs=((STARTED, 1), (ENDED, 1)), first=16**31)
            found = self._try(self._add(other, 1))
            if found is not None:
                return found
        if sequence == "failing-later":
            job.start_session()
            self._case = dataclasses.replace(self._case, lapses=(_LASTING,))
            self.fake.fail_next(_LASTING.fault, times=None)
        return self._try(job)

    def _alone(self, *, raised: bool) -> Counterexample | None:
        """What the collector does wrong with the listing that it last met, when it meets it alone.

        Then it is not the calling again that matters. Where it has been right with that listing
        before, there is nothing to ask.

        Args:
            raised: Whether the first call raised.
        """
        met_before = {"twice", "changed-result", "after-failure"}
        if not raised and self._case.sequence in met_before:
            return None
        case = self._case
        return self.find(Case(self._attempt.listing, case.behavior, lapses=case.lapses))

    def _calm(self) -> None:
        """From now on nothing goes wrong: what follows must be right."""
        self._case = Case(behavior=self._case.behavior, sequence=self._case.sequence)
        self.fake._service.call_off()  # noqa: SLF001 (nobody else calls faults off)

    def _violation(self, case: Case, finding: Finding) -> Counterexample:
        return Counterexample(case, finding, tuple(self._calls))

    def _add(self, listing: Listing, place: int = 0) -> Job:
        shapes = ("FarmId", "QueueId", "JobId")
        farm, queue, job = (
            model.make_id(shape, self._number + more)
            for shape, more in zip(shapes, (0, 1, 2 + place), strict=True)
        )
        return self.fake.add_job(listing, farmId=farm, queueId=queue, jobId=job)

    def _try(self, job: Job) -> Finding | None:
        self._job, self._answered = job, 0
        page_size = self.fake.behavior.page_size
        case = self._case
        healthy = not (case.lapses or case.expiries or case.always_expired)
        attempt = Attempt(job.listing, page_size, dict(job), self._earlier, healthy=healthy)
        self._attempt = attempt
        try:
            attempt.returned = self._sandbox.call(lambda: self._outcome(job))
        except Runaway:
            pass
        except UnfitError:
            raise
        except RAISED as error:
            attempt.error = error
        except BaseException as error:
            if not _of_runaway(error):
                raise
        if self._sandbox.due < math.inf:
            raise UnfitError(_OF_DEADLINE.format(self._sandbox.due))
        attempt.runaway = self._sandbox.stopped
        attempt.kept = (
            isinstance(attempt.returned, dict | list | set) and attempt.returned is self._returned
        )
        self._returned = attempt.returned
        found = self._judged(attempt)
        for call in attempt.lists:
            self._earlier.update(job.values())
            if call.next_token:
                self._earlier.add(call.next_token)
        return found

    def _judged(self, attempt: Attempt) -> Finding | None:
        """What is wrong; to look at a result runs what the collector made of it."""
        options = self.options
        found: list[Finding | None] = []

        def judge() -> None:
            found.append(of_outcome(attempt, ordered=options.ordered, expected=options.expected))

        if attempt.runaway is None:
            try:
                self._sandbox.call(judge)
            except Runaway:
                attempt.runaway = f"{self._sandbox.stopped}, when what it came to was looked at"
        return of_requests(attempt) or (found[0] if found else None)

    def _listen(self, call: Call) -> None:
        self._sandbox.heard()
        self._calls.append(call)
        if call.operation != model.OPERATION:
            return
        attempt, case = self._attempt, self._case
        attempt.add(call)
        why = attempt.excess()
        if why is not None:
            self._sandbox.stop(why)
        if call.error is None and call.sent:
            self._answered += 1
            if case.always_expired or self._answered in case.expiries:
                self.fake.expire_tokens()
            for place, change in case.drift:
                if place == self._answered:
                    _change(self._job, change, attempt)

    def _outcome(self, job: Job) -> Any:
        """What the collector gives, with iterators and coroutines run to their end."""
        most = 10 * len(job.listing) + _SPARE
        result = self.options.collect(self._client, **job)
        if _is_async(result):
            result = self._awaited(result, job, most)
        lazy = isinstance(result, Iterable) and not isinstance(result, Collection)
        if isinstance(result, Iterator) or (lazy and self.options.expected is None):
            result = list(itertools.islice(result, most + 1))
            self._refuse_endless(len(result), most)
        return result

    def _awaited(self, result: Any, job: Job, most: int) -> Any:
        """What a coroutine of the collector comes to.

        Nothing tells whether it awaits what the client returns, or leaves that to threads. So it is
        given an aiobotocore client first, which nobody can use without awaiting.
        """
        if not self._looped:
            with contextlib.ExitStack() as stack:
                if inspect.iscoroutine(result):
                    stack.callback(result.close)
                _check_loop()
                stack.pop_all()
            self._looped = True
        if self._settled:
            return self._run(self._gathered(result, most))
        self._settled = True
        with contextlib.ExitStack() as stack:
            if inspect.iscoroutine(result):
                stack.callback(result.close)
            with _unawaited():
                awaits, value = self._tried_awaiting(job, most)
            return value if awaits else self._run(self._gathered(result, most))

    def _tried_awaiting(self, job: Job, most: int) -> tuple[bool, Any]:
        client = self._async_client()
        value: Any = None
        try:
            value = self._run(self._gathered(self.options.collect(client, **job), most))
        except RAISED:
            if self._attempt.lists:
                raise
        finally:
            if self._attempt.lists:
                self._client = client
        return bool(self._attempt.lists), value

    def _async_client(self) -> Any:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import AioSession

        options = client_factory.options_of(AioConfig, dict(_CONFIG))
        making = client_factory.prepared(AioSession).create_client(model.SERVICE, **options)
        client = self._run(making.__aenter__())
        self._undoing.later(lambda: _run(making.__aexit__(None, None, None)))
        self._undoing.later(self.fake.attach(client).close)
        return client

    async def _gathered(self, result: Any, most: int) -> Any:
        if inspect.isawaitable(result):
            result = await result
        if not isinstance(result, AsyncIterable):
            return result
        gathered: list[Any] = []
        async for one in result:
            gathered.append(one)
            self._refuse_endless(len(gathered), most)
        return gathered

    def _run(self, coroutine: Any) -> Any:
        """What a coroutine comes to, in an event loop of its own.

        Raises:
            UnfitError: It waits for something of trio's.
        """
        try:
            return _run(coroutine)
        except RuntimeError as error:
            coroutine.close()
            if not _waits_for_trio(error):
                raise
            raise UnfitError(_OF_TRIO) from error

    def _refuse_endless(self, count: int, most: int) -> None:
        if count > most:
            self._sandbox.stop(f"it gave more than {most} things one after the other")


def _sharing(original: Any) -> Any:
    """Let the sessions that a collector makes share what they load, most of what they cost."""
    shared = original()

    def create_loader(paths: str | None = None) -> Any:
        return original(paths) if paths else shared

    return create_loader


def _of_runaway(error: BaseException) -> bool:
    """Whether it is a group of what stopped a collector in several tasks."""
    parts = getattr(error, "exceptions", ())
    return isinstance(error, Runaway) or (
        bool(parts) and all(isinstance(one, RAISED) or _of_runaway(one) for one in parts)
    )


def _is_async(result: Any) -> bool:
    return inspect.isawaitable(result) or isinstance(result, AsyncIterable)


def _is_async_function(collect: Any) -> bool:
    try:
        return inspect.iscoroutinefunction(collect) or inspect.isasyncgenfunction(collect)
    except Exception:  # noqa: BLE001 (it may have attributes of its own)
        return False


@contextlib.contextmanager
def _unawaited() -> Iterator[None]:
    """Say nothing of coroutines that nobody awaits."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        yield
        gc.collect()


def _change(job: Job, change: str, attempt: Attempt) -> None:
    if change == "start":
        attempt.added.add(job.start_session().session_id)
        return
    running = [one for one in job.sessions if one.status == STARTED]
    if running:
        if change == "end":
            running[-1].end()
        else:
            running[-1].request_end()


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


def _check_loop() -> None:
    """Make an event loop, before anybody takes the error of that for the collector's."""
    undoing = Undoing()
    with warnings.catch_warnings(), undoing, undoing:
        # One that is half made complains when it is collected, and cannot be closed.
        warnings.simplefilter("ignore", ResourceWarning)
        undoing.put(sys, "unraisablehook", lambda _: None)
        try:
            asyncio.new_event_loop().close()
        except Exception as error:  # noqa: BLE001 (whatever there is against it, it is told)
            why = worded(error)
        else:
            return
        gc.collect()
    msg = (
        f"no event loop can be made, and an asynchronous collector needs one: {why} "
        "(expected sockets to be allowed; pytest-socket has --allow-unix-socket for that)"
    )
    raise UnfitError(msg)


def _waits_for_trio(error: RuntimeError) -> bool:
    text = plain(error)
    return "trio" in sys.modules and bool(_TRIO_ERRORS.match(text))


def _run(coroutine: Any) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _run_beside(coroutine)


def _run_beside(coroutine: Any) -> Any:
    """Run a coroutine where a loop runs already: in a thread of its own."""
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
