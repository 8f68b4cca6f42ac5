"""The service: from an operation and its parameters to a result or a fault."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
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
    import datetime
    from collections.abc import Iterable

    from pytest_deadline_sessions._api.validation import Violation

Operation = Callable[["Service", Mapping[str, Any]], "Mapping[str, Any] | Fault"]


@dataclass
class Exchange:
    """One call while it is being answered, as the transcript is going to show it.

    Attributes:
        operation: The API name; or, of a request that names no operation, its method and path.
        params: The parameters, as far as they could be read.
        attempt: Which attempt of the client this is.
        result: What the operation gave.
        fault: The fault that the client gets instead of a result.
        error: The exception that the client gets, because no answer could be made.
        refusal: Why the client itself did not send the call.
    """

    operation: str
    params: Mapping[str, Any]
    attempt: int = 1
    result: Mapping[str, Any] | None = None
    fault: Fault | None = None
    error: Exception | None = None
    refusal: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the call has an outcome; without one, it was interrupted."""
        outcomes = (self.result, self.fault, self.error)
        return bool(self.refusal) or any(outcome is not None for outcome in outcomes)

    def call(self, at: datetime.datetime) -> Call:
        """The call as the transcript shows it.

        Args:
            at: The service's time.
        """
        call = Call(
            self.operation,
            dict(self.params),
            at,
            attempt=self.attempt,
            message=self.refusal,
            sent=not self.refusal,
        )
        if self.error is not None:
            return replace(call, error=type(self.error).__name__, message=str(self.error))
        if self.fault is not None:
            fault = self.fault
            reason = fault.members.get("reason")
            return replace(
                call, error=fault.code, message=fault.message, status=fault.status, reason=reason
            )
        return replace(call, response=self.result, status=None if self.refusal else 200)


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

    @contextlib.contextmanager
    def recording(self, name: str, params: Mapping[str, Any] | None = None) -> Iterator[Exchange]:
        """Answer one call inside; afterwards the transcript and the listeners get it.

        Every call comes through here, sent or not. Other calls wait until the listeners are done.
        A ``FaultError`` that is raised inside is the answer. Any other exception goes to the
        client.

        Args:
            name: The API name of the operation; or, as long as it is unknown, what there is of it.
            params: The parameters, as far as they are known.
        """
        exchange = Exchange(name, params or {})
        with self.lock:
            try:
                yield exchange
            except FaultError as error:
                # Not held against the model: a few operations do not list ValidationException.
                exchange.fault = self._complete(error.fault)
            except ClosedError:
                # A closed service has no transcript to write to.
                raise
            except Exception as error:
                exchange.error = error
                raise
            finally:
                if exchange.is_over:
                    self._record(exchange)

    def _record(self, exchange: Exchange) -> None:
        call = exchange.call(self.clock.now())
        self.transcript.add(call)
        for listener in self.state.listeners:
            listener(call)

    def record_unsent(self, name: str, params: Mapping[str, Any], why: str) -> None:
        """Write down a call that the client's own validation refused."""
        with self.recording(name, params) as exchange:
            exchange.refusal = why

    def call(self, name: str, params: Mapping[str, Any]) -> Exchange:
        """Answer one call, and write it down.

        Args:
            name: The API name of the operation; one that this service has.
            params: The parameters as they arrived.
        """
        with self.recording(name, params) as exchange:
            self.answer(exchange)
        return exchange

    def answer(self, exchange: Exchange) -> None:
        """Run the operation that a call names.

        Args:
            exchange: The call, as ``recording`` gives it.

        Raises:
            FaultError: The answer is a fault.
        """
        name, params = exchange.operation, exchange.params
        self.refuse_if_closed(name)
        self._fail_if_planned(name, params)
        self._refuse_invalid(name, params)
        result = self.operations[name](self, params)
        if isinstance(result, Fault):
            raise FaultError(as_fault(result, name))
        _refuse_result(name, result)
        exchange.result = result

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
