"""Run a collector in a case, and record what it does."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import botocore.parsers
import botocore.session

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions._text import same, worded
from pytest_deadline_sessions._transport import timestamps
from pytest_deadline_sessions.checking._attempt import (
    RAISED,
    Attempt,
    Counterexample,
    Finding,
    UnfitError,
)
from pytest_deadline_sessions.checking._calling import Calling
from pytest_deadline_sessions.checking._case import Case, Lapse, Seen, is_disturbed
from pytest_deadline_sessions.checking._checked import Tally
from pytest_deadline_sessions.checking._content import Content, ids_of
from pytest_deadline_sessions.checking._drift import UnderWay
from pytest_deadline_sessions.checking._elsewhere import Elsewhere
from pytest_deadline_sessions.checking._judge import judge
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._place import line_of
from pytest_deadline_sessions.checking._processes import Processes, ProgramCalling
from pytest_deadline_sessions.checking._program import Program
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.lifecycle import ENDED, STARTED

T = TypeVar("T")

BESIDE = Listing(page_sizes=(1, 1), runs=((STARTED, 1), (ENDED, 1)))
"""The sessions of a job beside that of the case."""

# Between the ids of a queue's jobs, whose first digits then differ in a report.
_FAR = 16**28


@dataclass
class History:
    """The values that a collector has received so far, in all cases, and may have kept.

    Attributes:
        strings: The ids and the tokens that it received, each with the case in which it first did.
        returned: Its last return value.
        called: Whether it has requested pages.
        seen: The operations and limits of its requests.
    """

    strings: dict[str, Case] = field(default_factory=dict)
    returned: Any = None
    called: bool = False
    seen: Seen = field(default_factory=Seen)

    def add(self, attempt: Attempt, case: Case) -> None:
        """Add the ids and the tokens of an attempt in a case."""
        self.seen.limit = min(self.seen.limit, attempt.limit)
        for call in attempt.requests:
            for value in (*attempt.job.values(), *attempt.job_ids, call.next_token):
                if value:
                    self.strings.setdefault(value, case)


class Runner:
    """Runs one collector in one case after another.

    Everything that belongs to one case is in its ``Run``. All cases share the fake, the sandbox,
    the clients and the collector's history.

    Args:
        options: The arguments of ``check_pagination``.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.fake = FakeDeadline()
        self.sandbox: Sandbox | Processes
        self.calling: Calling | ProgramCalling
        if isinstance(options.collect, Program):
            self.sandbox = Processes(options.patience)
            self.calling = ProgramCalling(options.collect, self.fake, self.sandbox)
        else:
            self.sandbox = Sandbox(self.fake.clock, options.patience)
            self.calling = Calling(options, self.fake, self.sandbox)
        self.elsewhere = Elsewhere()
        self.history = History(seen=Seen(options.operation))
        self.tally = Tally(options.without)

    def open(self, undoing: Undoing) -> None:
        """Freeze time, and intercept every client in the process; or serve, for a program.

        Args:
            undoing: Restores everything.
        """
        if isinstance(self.calling, Calling) and isinstance(self.sandbox, Sandbox):
            self.calling.load()
            self._open_here(undoing, self.sandbox)
        undoing.later(random.setstate, random.getstate())
        # The report has its own copy of the calls.
        undoing.later(self.fake.calls.clear)
        self.calling.open(undoing)

    def _open_here(self, undoing: Undoing, sandbox: Sandbox) -> None:
        undoing.enter(self.fake.clock.freeze(self.fake.clock.now()))
        undoing.enter(self.fake.intercept())
        sandbox.open(undoing, self.options.collect)
        self.elsewhere.open(undoing)
        undoing.put(botocore.session, "create_loader", _sharing(botocore.session.create_loader))
        # Parsing timestamps takes most of the time of a client that the collector makes itself.
        undoing.put(botocore.parsers, "DEFAULT_TIMESTAMP_PARSER", timestamps.parse)

    def start(self, case: Case, number: int | None = None) -> Run:
        """Set up a case on an empty service.

        Args:
            case: The case.
            number: Seeds the ids and the tokens; by default an unused number.
        """
        return Run(self, case, next(_state.case_numbers) if number is None else number)


class Run:
    """One case: a service set up for it, and the collector's calls to that service.

    Args:
        runner: The collector, and the fake and the sandbox it runs with.
        case: The case.
        number: Seeds the ids and the tokens.
    """

    def __init__(self, runner: Runner, case: Case, number: int) -> None:
        self.case = case
        self._number = number
        self._options = runner.options
        self._fake = fake = runner.fake
        self._sandbox = runner.sandbox
        self._calling = runner.calling
        self._elsewhere = runner.elsewhere
        self._history = runner.history
        self._tally = runner.tally
        self._calls: list[Call] = []
        self._starts: list[int] = []
        self._target = runner.options.target
        self._told: dict[str, dict[str, str]] = {}
        self._under_way: UnderWay
        self._is_setting_up = False
        # What botocore waits between retries is random, and must be the same in another run.
        random.seed(number)
        fake.reset(behavior=case.behavior)
        fake._service.state.tokens = Tokens(str(number))  # noqa: SLF001 (nobody else sets it)
        fake.on_call(self._listen)
        is_other = self._target.operation != model.OPERATION
        self._content = Content(fake, self._target) if is_other else None
        self.job = self.add_job(case.listing)
        for lapse in case.lapses:
            self.plan(lapse)

    def add_job(self, listing: Listing, place: int = 0) -> Job:
        """Add a job of this case's farm, and the other jobs of its queue if there are to be any.

        Args:
            listing: The sessions of the job.
            place: Determines the job's id: 0 is the job of the case itself. A collector that is
                told only a queue or a farm gets the job in one of its own.
        """
        jobs = self._options.jobs or 1
        # What tells this job from others must differ.
        last = "queueId" if self._options.jobs is not None else next(reversed(self._target.ids), "")
        farm, queue = place * (last == "farmId"), 1 + place * (last == "queueId")
        first, *_ = [
            self._set_up(each, farm, queue, 2 + place + more * _FAR)
            for more, each in enumerate([listing, *[BESIDE] * (jobs - 1)])
        ]
        return first

    def _set_up(self, listing: Listing, farm: int, queue: int, number: int) -> Job:
        farm_id, queue_id, job_id = (
            model.make_id(shape, self._number + more)
            for shape, more in (("FarmId", farm), ("QueueId", queue), ("JobId", number))
        )
        job = self._fake.add_job(listing, farmId=farm_id, queueId=queue_id, jobId=job_id)
        told = self._told[job_id] = ids_of(self._target, job, self._number + number)
        known = {**told, **job}
        if self._content is not None:
            self._content.add(job, told)
        if self._options.setup is not None:
            self._is_setting_up = True
            try:
                self._options.setup(self._fake, job if told.keys() <= job.keys() else known)
            except Exception as error:
                msg = f"setup() raised {worded(error)} for {job!r} (expected that it never raises)"
                raise UnfitError(msg) from error
            finally:
                self._is_setting_up = False
        return job

    def _jobs(self, job: Job) -> list[Job]:
        """The jobs that a collector should list if it is called for this one."""
        if self._options.jobs is None:
            return [job]
        return [each for each in self._fake.jobs if each["queueId"] == job["queueId"]]

    def _lists(self, call: Call, job: Job) -> bool:
        """Whether a call lists what the collector is told with this job."""
        return call.operation == self._target.operation and all(
            same(call.params.get(name), value) for name, value in self._told[job["jobId"]].items()
        )

    def plan(self, lapse: Lapse) -> None:
        """Make requests fail as the lapse describes."""
        operation = lapse.operation or self._target.operation
        # Not every operation can fail in every way.
        if lapse.fault in fault_codes(operation):
            self._fake.fail_next(lapse.fault, operation, times=lapse.times, after=lapse.after)

    def call_off(self) -> None:
        """Cancel all planned faults."""
        self._fake._service.call_off()  # noqa: SLF001 (nobody else calls faults off)

    def call(self, job: Job, conditions: Case) -> Attempt:
        """Call the collector once.

        Args:
            job: The job to call it with.
            conditions: The expiries and drift during the call, and whether faults are planned.

        Raises:
            UnfitError: The collector needs an event loop that it cannot have.
        """
        # The user's own function may have planned some.
        faults = self._fake._service.state.planned  # noqa: SLF001 (nobody else asks)
        jobs = self._jobs(job)
        told = self._told[job["jobId"]]
        if self._options.jobs is not None:
            told = {"farmId": job["farmId"], "queueId": job["queueId"]}
        attempt = Attempt(
            job.listing,
            self._fake.behavior.page_size,
            dict(told),
            self._history.strings,
            [call for call in self._calls if any(self._lists(call, each) for each in jobs)],
            target=self._target,
            others=tuple(each.listing for each in jobs[1:]),
            job_ids=tuple(self._told[each["jobId"]].get("jobId") for each in jobs),
            called_before=self._history.called,
            known=tuple({**self._told[each["jobId"]], **each} for each in jobs),
            healthy=not (is_disturbed(conditions) or faults),
        )
        self._under_way = UnderWay(attempt, job, conditions)
        self._elsewhere.cause = ""
        self._starts.append(len(self._calls))
        try:
            attempt.returned = self._sandbox.call(lambda: self._calling.result(attempt))
        except Runaway as stopped:
            attempt.place = line_of(stopped)
        except UnfitError:
            raise
        except RAISED as error:
            attempt.error = error
        except BaseException as error:
            if not _of_runaway(error):
                raise
            attempt.place = line_of(error)
        attempt.runaway, attempt.elsewhere = self._sandbox.stopped, self._elsewhere.cause
        attempt.same_object = (
            isinstance(attempt.returned, dict | list | set)
            and attempt.returned is self._history.returned
        )
        self._history.returned = attempt.returned
        self._history.called = self._history.called or bool(attempt.requests)
        return attempt

    def judge(self, attempt: Attempt) -> Finding | None:
        """Find the rule that an attempt broke; ``None`` if it broke none.

        Reading a result may run code of the collector, so that happens in the sandbox too.
        """
        finding = self._judge(attempt)
        self._history.add(attempt, self.case)
        return finding

    def _judge(self, attempt: Attempt) -> Finding | None:
        if attempt.runaway is None:
            try:
                return self.inside(lambda: judge(attempt, self._options))
            except Runaway:
                attempt.runaway = f"{self._sandbox.stopped}, while its result was being read"
        return judge(attempt, self._options)

    def inside(self, function: Callable[[], T]) -> T:
        """Call a function that runs code of the collector.

        Raises:
            Runaway: The collector was stopped.
        """
        result: T = self._sandbox.call(function)
        return result

    def counterexample(self, case: Case, finding: Finding) -> Counterexample:
        """Combine a finding with all calls of this case so far.

        Args:
            case: The part of this case that breaks the rule.
            finding: The broken rule.
        """
        return Counterexample(
            case,
            finding,
            tuple(self._calls),
            self._number,
            starts=tuple(self._starts),
            slow=self._sandbox.slow,
        )

    def _listen(self, call: Call) -> None:
        if self._is_setting_up:
            return
        self._sandbox.heard()
        self._calls.append(call)
        self._tally.calls += 1
        under_way = self._under_way
        self._history.seen.operations.setdefault(call.operation)
        under_way.attempt.add(call)
        excess = under_way.attempt.excess()
        if excess is not None:
            self._sandbox.stop(excess)
        if call.operation == self._target.operation and call.error is None and call.sent:
            under_way.answer()
            if under_way.tokens_expire:
                self._fake.expire_tokens()


def _sharing(original: Any) -> Any:
    """Let a collector's botocore sessions share a loader, since loading is most of their cost."""
    shared = original()

    def create_loader(paths: str | None = None) -> Any:
        return original(paths) if paths else shared

    return create_loader


def _of_runaway(error: BaseException) -> bool:
    """Whether an error is a ``Runaway``, or a group of them from several tasks."""
    parts = getattr(error, "exceptions", ())
    return isinstance(error, Runaway) or (
        bool(parts) and all(isinstance(part, RAISED) or _of_runaway(part) for part in parts)
    )
