"""The service: from an operation and its parameters to a result or a fault."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._domain.faults import Fault, FaultError, as_fault, not_found
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._domain.transcript import Call, Transcript
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.state import JobIds, JobState, Planned, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deadline_sessions._api.validation import Violation

Operation = Callable[["Service", Mapping[str, Any]], "Mapping[str, Any] | Fault"]


@dataclass(frozen=True)
class Answer:
    """What the service says: a result, or a fault."""

    operation: str
    result: Mapping[str, Any] | None = None
    fault: Fault | None = None


class ClosedError(RuntimeError):
    """A service is used that is not to be used at present."""


@public
class Service:
    """An in-memory Deadline Cloud: it knows operations and parameters, no bytes and no clients.

    A function that ``fake.operation`` adds gets it as its first argument.

    Attributes:
        behavior: What the API leaves open.
        clock: The time of the service.
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
        self.behavior = behavior
        self.clock = clock
        self.transcript = Transcript()
        self._offered = operations
        self.operations = dict(self._offered)
        self.lock = threading.RLock()
        self.refusal: str | None = None
        self._salt = salt
        self._resets = 0
        self.state = self._fresh()

    def reset(self, behavior: Behavior | None = None) -> None:
        """Forget all jobs, faults, tokens and calls."""
        with self.lock:
            self._resets += 1
            self.behavior = behavior or self.behavior
            self.state = self._fresh()
            self.operations = dict(self._offered)
            self.transcript.clear()

    def refuse_if_closed(self, what: str) -> None:
        """Refuse to be used, if somebody has said why."""
        if self.refusal is not None:
            msg = f"{what}: {self.refusal}"
            raise ClosedError(msg)

    def _fresh(self) -> State:
        return State(tokens=Tokens(salt=f"{self._salt} {self._resets}"))

    def call(self, name: str, params: Mapping[str, Any], attempt: int = 1) -> Answer:
        """Answer one request, and write it down.

        Args:
            name: The API name of the operation; one that this service has.
            params: The parameters as they arrived.
            attempt: Which attempt of the client this is.
        """
        with self.lock:
            self.refuse_if_closed(name)
            try:
                self._fail_if_planned(name, params)
                self._refuse_invalid(name, params)
                result = self.operations[name](self, params)
                answer = self._answer(name, result)
            except FaultError as error:
                # Not held against the model: a few operations do not list ValidationException.
                answer = Answer(name, fault=self._complete(error.fault))
            except Exception as error:
                self.record_failure(name, params, error, attempt)
                raise
            self.record(answer, params, attempt)
            return answer

    def _answer(self, name: str, result: Any) -> Answer:
        if isinstance(result, Fault):
            return Answer(name, fault=self._complete(as_fault(result, name)))
        _refuse_result(name, result)
        return Answer(name, result=result)

    def record(self, answer: Answer, params: Mapping[str, Any], attempt: int = 1) -> None:
        """Write down one request with its outcome."""
        fault = answer.fault
        self._write(
            Call(
                operation=answer.operation,
                params=dict(params),
                at=self.clock.now(),
                response=answer.result,
                error=None if fault is None else fault.code,
                message="" if fault is None else fault.message,
                status=200 if fault is None else fault.status,
                attempt=attempt,
                reason=None if fault is None else fault.members.get("reason"),
            )
        )

    def record_failure(
        self, name: str, params: Mapping[str, Any], error: Exception, attempt: int = 1
    ) -> None:
        """Write down one request that an operation, or the lack of one, failed at."""
        kind, why = type(error).__name__, str(error)
        self._write(Call(name, dict(params), self.clock.now(), None, kind, why, attempt=attempt))

    def record_unsent(self, name: str, params: Mapping[str, Any], why: str) -> None:
        """Write down a call that the client's own validation refused."""
        self._write(Call(name, dict(params), self.clock.now(), message=why, sent=False))

    def _write(self, call: Call) -> None:
        self.transcript.add(call)
        for listener in self.state.listeners:
            listener(call)

    def plan(self, fault: Fault | str, name: str, times: int | None, after: int) -> None:
        """Let a fault wait for its calls."""
        if name not in self.operations:
            msg = f"operation={name!r} (expected one of {', '.join(sorted(self.operations))})"
            raise ValueError(msg)
        self.state.planned.append(Planned(as_fault(fault, name), name, times, after))

    def call_off(self) -> None:
        """Forget the faults that wait for their calls."""
        with self.lock:
            self.state.planned.clear()

    def job(self, params: Mapping[str, Any]) -> JobState:
        """The job that the parameters name.

        Raises:
            FaultError: There is none: ``ResourceNotFoundException``.
        """
        ids = JobIds(params["farmId"], params["queueId"], params["jobId"])
        found = self.state.jobs.get(ids)
        if found is None:
            raise not_found("job", ids.jobId)
        return found

    def _fail_if_planned(self, name: str, params: Mapping[str, Any]) -> None:
        for planned in self.state.planned:
            if planned.operation == name:
                if planned.meets():
                    if planned.spent:
                        self.state.planned.remove(planned)
                    raise FaultError(_about(planned.fault, name, params))
                return

    def _refuse_invalid(self, name: str, params: Mapping[str, Any]) -> None:
        found = validation.check_request(params, name)
        if found:
            raise FaultError(invalid(found))

    def _complete(self, fault: Fault) -> Fault:
        seconds = self.behavior.retry_after_seconds
        if seconds is None or fault.broken:
            return fault
        known = model.members(fault.code)
        return fault.but(retryAfterSeconds=seconds) if "retryAfterSeconds" in known else fault


def invalid(found: Iterable[Violation]) -> Fault:
    """The fault for a request that breaks the service model."""
    fields = [
        {"name": broken.path, "message": f"{broken.value} (expected {broken.allowed})"}
        for broken in found
    ]
    names = ", ".join(one["name"] for one in fields)
    return Fault(
        "ValidationException",
        f"{len(fields)} validation error(s) detected: {names}",
        reason="FIELD_VALIDATION_FAILED",
        fieldList=fields,
    )


def _refuse_result(name: str, result: Any) -> None:
    """Refuse what botocore would leave out without a word, so that nothing seems to come."""
    if not isinstance(result, Mapping):
        msg = f"{name} gave {result!r} (expected a dict of its result, or a Fault)"
        raise TypeError(msg)
    known = model.operation_model(name).output_shape.members
    unknown = [member for member in result if member not in known]
    if unknown:
        msg = (
            f"{name} gave {', '.join(map(str, unknown))} (expected {', '.join(known) or 'nothing'})"
        )
        raise ValueError(msg)


def _about(fault: Fault, name: str, params: Mapping[str, Any]) -> Fault:
    """A planned fault, about the resource that the call names."""
    ids = re.findall(r"{(\w+)Id}", model.operation_model(name).http["requestUri"])
    if fault.code != "ResourceNotFoundException" or not ids:
        return fault
    kind = ids[-1]
    return fault.but(resourceId=params.get(f"{kind}Id", "unknown"), resourceType=kind)
