"""Botocore's ``Stubber``, recording every call and explaining the unexpected ones."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

from botocore.exceptions import StubAssertionError, StubResponseError, UnStubbedResponseError
from botocore.stub import Stubber

from pytest_deadline_sessions import _arguments
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._domain.transcript import Call, Transcript
from pytest_deadline_sessions._stubber import messages, validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

METHOD = "list_sessions"

_ID = "pytest-deadline-sessions-stubber"
_PARAMS = f"{_ID}-params"
_FAILED = 300


class RecordingStubber(Stubber):
    """A ``Stubber`` that records every call, and explains the calls it did not expect.

    Botocore keeps its queue private, so this class keeps a description of it.
    """

    client: Any

    def __init__(self, client: Any) -> None:
        meta = getattr(client, "meta", None)
        name = getattr(getattr(meta, "service_model", None), "service_name", None)
        if name != model.SERVICE:
            raise _arguments.wrong_type("client", client, f"a botocore client of {model.SERVICE!r}")
        super().__init__(client)
        self.calls: Transcript = Transcript()
        self.unexpected: list[str] = []
        self._waiting: collections.deque[messages.Queued] = collections.deque()
        self._given = 0
        self._ended = False
        self._clock = Clock()

    def __enter__(self) -> Self:
        self.activate()
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._waiting)} queued, {self._given} given>"

    @property
    def pending(self) -> list[str]:
        """One line for each queued response.

        Arguments that equal those of the previous line are left out.
        """
        return messages.queued(self._waiting)

    def add_client_error(  # noqa: PLR0917 (botocore's signature)
        self,
        method: str,
        service_error_code: str = "",
        service_message: str = "",
        http_status_code: int = 400,
        service_error_meta: Mapping[str, Any] | None = None,
        expected_params: Mapping[str, Any] | None = None,
        response_meta: Mapping[str, Any] | None = None,
        modeled_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Queue an error, as botocore's ``Stubber`` does; ``add_fault`` fills in the details.

        Args:
            method: The client method, such as ``"list_sessions"``.
            service_error_code: The code, such as ``"ThrottlingException"``.
            service_message: The message.
            http_status_code: The HTTP status.
            service_error_meta: More members of ``Error``.
            expected_params: The exact arguments of the call, or ``None`` for any.
            response_meta: More members of ``ResponseMetadata``.
            modeled_fields: More members of the response, checked by botocore.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The method is unknown, or the status is not 100..599.
            botocore.exceptions.ParamValidationError: Botocore rejects ``modeled_fields``.
        """
        operation = self._operation(method)
        _arguments.check_kind("service_error_code", service_error_code, str, "a string")
        _arguments.check_kind("service_message", service_message, str, "a string")
        _arguments.check_whole("http_status_code", http_status_code, 100, 599)
        expected = validation.copied_dict("expected_params", expected_params)
        super().add_client_error(
            method,
            service_error_code,
            service_message,
            http_status_code,
            validation.copied_dict("service_error_meta", service_error_meta),
            expected,
            validation.copied_dict("response_meta", response_meta),
            validation.copied_dict("modeled_fields", modeled_fields),
        )
        outcome = messages.error(http_status_code, service_error_code, service_message)
        self._waiting.append(messages.Queued(operation, expected, outcome))

    def activate(self) -> None:
        """Start answering the client's calls from the queue."""
        events = self.client.meta.events
        # First, because botocore's own handlers refuse the same calls with less detail.
        events.register_first("before-parameter-build.*.*", self._expect, unique_id=f"{_ID}-expect")
        events.register_first("after-call.*.*", self._record, unique_id=f"{_ID}-record")
        super().activate()

    def deactivate(self) -> None:
        """Stop answering the client's calls; queued responses stay queued."""
        events = self.client.meta.events
        events.unregister("before-parameter-build.*.*", self._expect, unique_id=f"{_ID}-expect")
        events.unregister("after-call.*.*", self._record, unique_id=f"{_ID}-record")
        super().deactivate()

    def assert_no_pending_responses(self) -> None:
        """Fail if a response was never requested.

        Raises:
            AssertionError: Responses are left; the message lists them.
        """
        __tracebackhide__ = True
        if self._waiting:
            raise AssertionError(messages.left_over(self._waiting, self._given))

    def assert_no_unexpected_calls(self) -> None:
        """Fail if a call was unexpected, even if the code under test swallowed the exception.

        Raises:
            AssertionError: Calls were unexpected; the message shows them.
        """
        __tracebackhide__ = True
        if self.unexpected:
            raise AssertionError(messages.unexpected_calls(self.unexpected))

    def _queue_response(
        self, method: str, response: dict[str, Any], expected: dict[str, Any] | None, outcome: str
    ) -> None:
        operation = self._operation(method)
        super().add_response(method, response, expected)
        self._waiting.append(messages.Queued(operation, expected, outcome))

    def _operation(self, method: str) -> str:
        operations = self.client.meta.method_to_api_mapping
        expected = f"a method of the client, such as {METHOD!r}"
        if _arguments.check_kind("method", method, str, expected) not in operations:
            raise _arguments.wrong_value("method", method, expected)
        return str(operations[method])

    def _expect(self, params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        __tracebackhide__ = True
        if context.get("is_presign_request"):
            return
        received = validation.copied(params)
        refusal = self._refusal(model.name, received)
        if refusal is None:
            context[_PARAMS] = received
            return
        error, why = refusal
        self.unexpected.append(str(error))
        name = type(error).__name__
        self.calls.add(Call(model.name, received, self._clock.now(), error=name, message=why))
        raise error

    def _refusal(self, name: str, received: dict[str, Any]) -> tuple[StubResponseError, str] | None:
        if not self._waiting:
            ended = self._ended and name == model.OPERATION
            text = messages.nothing_queued(self._given, received, ended=ended)
            unstubbed = UnStubbedResponseError(operation_name=name, reason=text)
            return unstubbed, "no response is queued for it"
        head = self._waiting[0]
        if head.operation != name:
            text = messages.wrong_operation(self._waiting, name, received)
            error = StubResponseError(operation_name=name, reason=text)
            return error, f"{head.operation} is expected next"
        if head.expected is not None and messages.differing(head.expected, received):
            text = messages.wrong_arguments(self._waiting, received)
            differs = StubAssertionError(operation_name=name, reason=text)
            return differs, messages.in_short(messages.rows(head.expected, received))
        return None

    def _record(
        self, http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        self._waiting.popleft()
        self._given += 1
        status = http_response.status_code
        failed = status >= _FAILED
        error = parsed["Error"] if failed else {}
        self._ended = not failed and "sessions" in parsed and "nextToken" not in parsed
        self.calls.add(
            Call(
                operation=model.name,
                params=context[_PARAMS],
                at=self._clock.now(),
                response=None if failed else validation.copied(parsed),
                error=error.get("Code"),
                message=error.get("Message", ""),
                status=status,
                reason=parsed.get("reason") if failed else None,
            )
        )
