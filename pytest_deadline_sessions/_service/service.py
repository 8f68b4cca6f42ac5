"""The service, which turns an operation and its parameters into a result or a fault."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._arguments import wrong_value
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._domain.faults import Fault, FaultError, as_fault, not_found
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._domain.transcript import Call, Transcript
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.state import JobIds, JobState, Planned, State
from pytest_deadline_sessions._text import plain, shown

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from pytest_deadline_sessions._api.validation import Violation

Operation = Callable[["Service", Mapping[str, Any]], "Mapping[str, Any] | Fault"]


@dataclass
class Exchange:
    """One call while it is being answered; its transcript entry is made from this.

    Attributes:
        operation: The API name; for a request that names no operation, its method and path.
        params: The parameters, as far as they could be read.
        attempt: The number of the client's attempt, from 1.
        result: The result of the operation.
        fault: The fault that the client gets instead of a result.
        error: The exception that the client gets because the call could not be answered.
        refusal: Why the client itself did not send the call.
        planned: Whether the fault is one that was planned.
    """

    operation: str
    params: Mapping[str, Any]
    attempt: int = 1
    result: Mapping[str, Any] | None = None
    fault: Fault | None = None
    error: Exception | None = None
    refusal: str = ""
    planned: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the call has an outcome; without one, it was interrupted."""
        outcomes = (self.result, self.fault, self.error)
        return bool(self.refusal) or any(outcome is not None for outcome in outcomes)

    def call(self, at: datetime.datetime) -> Call:
        """The call as an entry of the transcript.

        Args:
            at: The service's time.
        """
        outcome: dict[str, Any]
        if self.error is not None:
            outcome = {"error": type(self.error).__name__, "message": str(self.error)}
        elif self.fault is not None:
            fault = self.fault
            outcome = {
                "error": fault.code,
                "message": fault.message,
                "status": fault.status,
                "reason": fault.members.get("reason"),
                "planned": self.planned,
            }
        elif self.refusal:
            outcome = {"message": self.refusal, "sent": False}
        else:
            outcome = {"response": self.result, "status": 200}
        return Call(self.operation, dict(self.params), at, attempt=self.attempt, **outcome)


@public
class Service:
    """An in-memory Deadline Cloud, which knows operations but neither bytes nor clients.

    Functions added with ``fake.operation`` get the service as their first argument.

    Attributes:
        behavior: Decisions on what the API leaves open.
        clock: The service's clock.
        transcript: Every call, in order.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> fake = FakeDeadline()
        >>> @fake.operation("GetFarm")
        ... def get_farm(service, parameters):
        ...     return {"farmId": parameters["farmId"], "createdAt": service.clock.now()}
        >>> farm_id = fake.add_job()["farmId"]
        >>> fake.client().get_farm(farmId=farm_id)["farmId"] == farm_id
        True
    """

    def __init__(
        self,
        behavior: Behavior,
        clock: Clock,
        operations: Mapping[str, Operation],
        salt: str = "",
    ) -> None:
        self.behavior: Behavior = behavior
        self.clock = clock
        self.transcript: Transcript = Transcript()
        self._offered = operations
        self.operations: dict[str, Operation] = dict(self._offered)
        self.lock: threading.RLock = threading.RLock()
        self.refusal: str | None = None
        self._salt = salt
        self._resets = 0
        self.state: State = self._fresh()

    def reset(self, behavior: Behavior | None = None) -> None:
        """Clear all state: jobs, faults, tokens, calls, listeners, operations, clock advances.

        Args:
            behavior: The new behavior; by default the behavior stays the same.
        """
        with self.lock:
            self._resets += 1
            self.behavior = behavior or self.behavior
            self.state = self._fresh()
            self.operations = dict(self._offered)
            self.transcript.clear()
            self.clock.reset()

    def snapshot(self) -> Callable[[], None]:
        """Save the current state.

        Returns:
            A function that restores it, any number of times.
        """
        with self.lock:
            state, clock, behavior = self.state.copy(), self.clock.snapshot(), self.behavior
            operations, calls = dict(self.operations), list(self.transcript)

        def restore() -> None:
            with self.lock:
                self.state, self.behavior = state.copy(), behavior
                self.operations = dict(operations)
                self.transcript.replace(calls)
                clock()

        return restore

    def refuse_if_closed(self, what: str) -> None:
        """Raise an error if the service is closed or paused, which is when ``refusal`` is set.

        Args:
            what: The attempted use, for the message.

        Raises:
            RuntimeError: The service is closed or paused.
        """
        if self.refusal is not None:
            msg = f"{what}: {self.refusal}"
            raise RuntimeError(msg)

    def _fresh(self) -> State:
        return State(tokens=Tokens(salt=f"{self._salt} {self._resets}"))

    @contextlib.contextmanager
    def recording(self, name: str, params: Mapping[str, Any] | None = None) -> Iterator[Exchange]:
        """Answer one call inside, then record it in the transcript and tell the listeners.

        Every call passes through here, whether sent or not. Other calls wait until the listeners
        are done. A ``FaultError`` raised inside becomes the fault of the call. Any other exception
        goes to the client.

        Args:
            name: The API name of the operation; or, while that is unknown, a text such as the
                method and path of the request.
            params: The parameters, as far as they are known.
        """
        exchange = Exchange(name, params or {})
        with self.lock:
            # A closed or paused service answers no call, so it has none to record.
            closed = self.refusal is not None
            try:
                yield exchange
            except FaultError as error:
                # Not checked against the model: some operations do not list ValidationException.
                exchange.fault = self._complete(error.fault)
            except Exception as error:
                exchange.error = error
                raise
            finally:
                if exchange.is_over and not closed:
                    self._record(exchange)

    def _record(self, exchange: Exchange) -> None:
        call = exchange.call(self.clock.now())
        self.transcript.add(call)
        with contextlib.ExitStack() as stack:
            # All listeners hear of the call, even if one of them raises.
            for listener in reversed(self.state.listeners):
                stack.callback(listener, call)

    def record_unsent(self, name: str, params: Mapping[str, Any], why: str) -> None:
        """Record a call that the client's own validation refused."""
        with self.recording(name, params) as exchange:
            exchange.refusal = why

    def call(self, name: str, params: Mapping[str, Any]) -> Exchange:
        """Answer one call and record it.

        Args:
            name: The API name of an operation that this service has.
            params: The parameters as they arrived.
        """
        with self.recording(name, params) as exchange:
            self.answer(exchange)
        return exchange

    def answer(self, exchange: Exchange) -> None:
        """Run the operation of a call, and set its result.

        Args:
            exchange: The call, as ``recording`` yields it.

        Raises:
            FaultError: The outcome is a fault.
        """
        name, params = exchange.operation, exchange.params
        self.refuse_if_closed(name)
        self._fail_if_planned(exchange)
        self._refuse_invalid(name, params)
        result = self.operations[name](self, params)
        if isinstance(result, Fault):
            raise FaultError(as_fault(result, name))
        _refuse_result(name, result)
        exchange.result = result

    def plan(self, fault: Fault | str, name: str, times: int | None, after: int) -> Planned:
        """Plan a fault for later calls; see ``FakeDeadline.fail_next``."""
        if name not in self.operations:
            raise wrong_value("operation", name, f"one of {', '.join(sorted(self.operations))}")
        planned = Planned(as_fault(fault, name), name, times, after)
        self.state.planned.append(planned)
        return planned

    def call_off(self) -> None:
        """Forget all planned faults."""
        with self.lock:
            self.state.planned.clear()

    def end_outages(self, outages: list[Planned]) -> None:
        """Forget these planned faults, and no others that are equal to them."""
        with self.lock:
            ended = set(map(id, outages))
            self.state.planned[:] = [each for each in self.state.planned if id(each) not in ended]

    def job(self, params: Mapping[str, Any]) -> JobState:
        """The job that the parameters of a call name.

        Args:
            params: Parameters with ``farmId``, ``queueId`` and ``jobId``.

        Returns:
            The job. It has ``ids`` and ``added_at``; ``between(start, stop)`` yields its current
            summaries.

        Raises:
            FaultError: There is no such job. Don't catch this error: it gives the caller of the
                operation a ``ResourceNotFoundException``.

        Example:
            >>> from pytest_deadline_sessions import FakeDeadline
            >>> fake = FakeDeadline()
            >>> @fake.operation("GetJob")
            ... def get_job(service, parameters):
            ...     job = service.job(parameters)
            ...     return {"jobId": job.ids.jobId, "name": f"{len(job)} sessions"}
            >>> job = fake.add_job(sessions=3)
            >>> fake.client().get_job(**job)["name"]
            '3 sessions'
        """
        ids = JobIds(params["farmId"], params["queueId"], params["jobId"])
        job = self.state.jobs.get(ids)
        if job is None:
            raise not_found("job", ids.jobId)
        return job

    def _fail_if_planned(self, exchange: Exchange) -> None:
        name = exchange.operation
        for planned in self.state.planned:
            if planned.operation == name:
                if planned.strikes():
                    if planned.spent:
                        self.state.planned.remove(planned)
                    exchange.planned = True
                    raise FaultError(_with_resource(planned.fault, name, exchange.params))
                return

    def _refuse_invalid(self, name: str, params: Mapping[str, Any]) -> None:
        violations = validation.check_request(params, name)
        if violations:
            raise FaultError(invalid(violations))

    def _complete(self, fault: Fault) -> Fault:
        seconds = self.behavior.retry_after_seconds
        if seconds is None or fault.broken:
            return fault
        known = model.members(fault.code)
        return fault.but(retryAfterSeconds=seconds) if "retryAfterSeconds" in known else fault


def invalid(violations: Iterable[Violation]) -> Fault:
    """The fault for a request that breaks the service model."""
    fields = [
        {"name": each.path, "message": f"{each.value} (expected {each.allowed})"}
        for each in violations
    ]
    names = ", ".join(field["name"] for field in fields)
    return Fault(
        "ValidationException",
        f"{len(fields)} validation error(s) detected: {names}",
        reason="FIELD_VALIDATION_FAILED",
        fieldList=fields,
    )


def _refuse_result(name: str, result: Any) -> None:
    """Refuse members that botocore would drop silently."""
    if not isinstance(result, Mapping):
        msg = f"{name} returned {shown(result)} (expected a dict of its result, or a Fault)"
        raise TypeError(msg)
    known = model.output_shape(name).members
    unknown = [member for member in result if member not in known]
    if unknown:
        names = ", ".join(map(plain, unknown))
        expected = ", ".join(known) or "none"
        msg = f"{name} returned unknown members: {names} (expected {expected})"
        raise ValueError(msg)


def _with_resource(fault: Fault, name: str, params: Mapping[str, Any]) -> Fault:
    """The planned fault; ``ResourceNotFoundException`` gets the resource that the call names."""
    ids = re.findall(r"{(\w+)Id}", model.operation_model(name).http["requestUri"])
    if fault.code != "ResourceNotFoundException" or not ids:
        return fault
    kind = ids[-1]
    return fault.but(resourceId=params.get(f"{kind}Id", "unknown"), resourceType=kind)
