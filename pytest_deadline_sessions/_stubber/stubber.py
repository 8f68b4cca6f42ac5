"""``ListSessionsStubber``: queues responses that the service could send."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_deadline_sessions import _arguments
from pytest_deadline_sessions._api.placeholders import example_ids
from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._domain.faults import Fault, as_fault
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._domain.listing import Listing, Page
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._stubber import messages, validation
from pytest_deadline_sessions._stubber.recorder import METHOD, RecordingStubber

_EXPIRED = "The nextToken has expired."


@public
class ListSessionsStubber(RecordingStubber):
    """Botocore's ``Stubber`` for ``ListSessions``, with pages that are chained and checked.

    Every method of ``botocore.stub.Stubber`` works here, too. What you queue is copied.

    Args:
        client: A botocore or boto3 client of ``deadline``.
        strict: Whether to refuse requests that the real service would reject, and responses that
            it could not send. Each method takes its own ``strict``, too.

    Attributes:
        client: The client.
        strict: The argument ``strict``.
        job: Three valid ids. Pages that you queue without ids expect them; so do errors that you
            queue with other arguments but without ids.
        calls: Every call with its outcome, answered or unexpected.
        unexpected: The message of every unexpected call. Code under test may swallow the exception,
            but the message stays here.

    Raises:
        TypeError: ``client`` is not a client of ``deadline``.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline, Listing
        >>> with ListSessionsStubber(FakeDeadline().client()) as stubber:
        ...     stubber.add_listing(Listing(page_sizes=(2, 0, 1)))
        ...     pages = stubber.client.get_paginator("list_sessions").paginate(**stubber.job)
        ...     print([len(page["sessions"]) for page in pages])
        [2, 0, 1]
        >>> stubber.assert_no_pending_responses()
    """

    def __init__(self, client: Any, *, strict: bool = True) -> None:
        super().__init__(client)
        self.strict: bool = _arguments.check_switch("strict", strict)
        self.job: Mapping[str, Any] = types.MappingProxyType(
            example_ids("farmId", "queueId", "jobId")
        )
        self._tokens = Tokens()
        self._has_pages = False
        self._next_token: str | None = None
        self._next_request: dict[str, Any] | None = None

    @property
    def next_token(self) -> str | None:
        """The token of the page queued last, or ``None`` if it has no token."""
        return self._next_token

    def add_pages(
        self,
        pages: Iterable[Iterable[Mapping[str, Any]] | Page],
        *,
        more: bool = False,
        strict: bool | None = None,
        **request: Any,
    ) -> None:
        """Queue one response for each page, chained by tokens.

        The first call must have exactly the arguments in ``request``. Each further call must have
        the token of the previous page as well.

        Args:
            pages: Pages of session summaries. A ``Page`` may have its own token.
            more: Whether the last page has a token, too, because the listing continues: with a
                fault, or with pages queued with ``nextToken=stubber.next_token``.
            strict: The same as for the class, for these pages.
            **request: The expected arguments, with the ids in ``stubber.job`` by default. ``ANY``
                stands for any value.

        Raises:
            TypeError: ``pages`` is not a list of pages.
            ValueError: The service would reject the request or could not send the responses. The
                message names every problem, and nothing is queued.

        Example:
            >>> from pytest_deadline_sessions import FakeDeadline, Listing
            >>> first, second = Listing(page_sizes=(2,))
            >>> stubber = ListSessionsStubber(FakeDeadline().client())
            >>> stubber.add_pages([[first], [], [second]], maxResults=1)
            >>> for line in stubber.pending:
            ...     print(line)
            ListSessions(farmId=farm-0000…0001, ..., maxResults=1) → page 1 of 3: 1 session, ...
            ListSessions(nextToken=...) → page 2 of 3: no sessions, token ...
            ListSessions(nextToken=...) → page 3 of 3: 1 session, no token
            >>> del second["workerId"]
            >>> stubber.add_pages([[first], [second]])
            Traceback (most recent call last):
                ...
            ValueError: the real service could not send this (strict=False queues it anyway):
              pages[1].sessions[0] breaks schema: workerId: missing (expected a value, ...
        """
        responses = validation.as_pages(pages)
        expected = validation.complete_request(request, self.job)
        last = len(responses) - (0 if _arguments.check_switch("more", more) else 1)
        for response in responses[:last]:
            response.setdefault("nextToken", self._issue())
        if self._is_strict(strict):
            named = {f"pages[{number}]": page for number, page in enumerate(responses)}
            validation.refuse(
                validation.bad_request(expected), validation.bad_responses(named, expected)
            )
        for number, response in enumerate(responses, start=1):
            self._queue_page(response, expected, messages.page(response, number, len(responses)))
            expected = {**expected, "nextToken": response.get("nextToken")}

    def add_listing(
        self,
        listing: Listing,
        *,
        more: bool = False,
        strict: bool | None = None,
        **request: Any,
    ) -> None:
        """Queue one response for each page of a ``Listing``.

        Args:
            listing: The listing. It is cut by its ``page_sizes``, with at most ``maxResults``
                sessions in a page (100 by default).
            more: The same as for ``add_pages``.
            strict: The same as for ``add_pages``.
            **request: The same as for ``add_pages``.

        Raises:
            TypeError: ``listing`` is not a ``Listing``.
            ValueError: The same as for ``add_pages``.

        Example:
            >>> from pytest_deadline_sessions import FakeDeadline, Listing
            >>> stubber = ListSessionsStubber(FakeDeadline().client())
            >>> stubber.add_listing(Listing(runs=(("ENDED", 250),)))
            >>> for line in stubber.pending:
            ...     print(line.partition(" → ")[2])
            page 1 of 3: 100 sessions, token '...
            page 2 of 3: 100 sessions, token '...
            page 3 of 3: 50 sessions, no token
        """
        pages = validation.cut(listing, page_limit(request))
        self.add_pages(pages, more=more, strict=strict, **request)

    def add_fault(self, fault: Fault | str, *, strict: bool | None = None, **request: Any) -> None:
        """Queue an error that the service model declares for ``ListSessions``.

        Botocore does not retry under a ``Stubber``: the call fails at once.

        Args:
            fault: A ``Fault``, or its code.
            strict: The same as for the class, for this request.
            **request: The expected arguments, as for ``add_pages``; by default, any arguments.

        Raises:
            TypeError: ``fault`` is neither a ``Fault`` nor text.
            ValueError: ``fault`` is another error or a broken connection, or the service would
                reject the request.

        Example:
            >>> from pytest_deadline_sessions import FakeDeadline, Fault
            >>> with ListSessionsStubber(FakeDeadline().client()) as stubber:
            ...     stubber.add_fault(Fault("ThrottlingException", retryAfterSeconds=3))
            ...     try:
            ...         stubber.client.list_sessions(**stubber.job)
            ...     except stubber.client.exceptions.ThrottlingException as error:
            ...         print(error.response["retryAfterSeconds"])
            3
        """
        queued = as_fault(fault)
        if queued.broken:
            expected_fault = (
                "an error from the service, since a Stubber has no connection that could break; "
                "FakeDeadline.fail_next accepts it"
            )
            raise _arguments.wrong_value("fault", queued.code, expected_fault)
        expected = validation.complete_request(request, self.job) if request else None
        if self._is_strict(strict) and expected is not None:
            validation.refuse(validation.bad_request(expected))
        job_id = (expected or self.job)["jobId"]
        if queued.code == "ResourceNotFoundException" and isinstance(job_id, str):
            queued = queued.but(resourceId=job_id, resourceType="job")
        self._queue_fault(queued, expected)

    def add_expired_token(self, *, strict: bool | None = None, **request: Any) -> None:
        """Queue the error that the service sends for a token older than 24 hours.

        Args:
            strict: The same as for the class, for this request.
            **request: The expected arguments, as for ``add_pages``. Without ``nextToken``, the
                token of the page queued last is expected. Without any arguments, that page's other
                arguments are expected, too. If no page was queued, any arguments are accepted, such
                as a token that your code has saved.

        Raises:
            ValueError: No token could have expired, or the service would reject the request.

        Example:
            >>> from pytest_deadline_sessions import FakeDeadline
            >>> with ListSessionsStubber(FakeDeadline().client()) as stubber:
            ...     stubber.add_expired_token(nextToken="saved yesterday")
            ...     try:
            ...         stubber.client.list_sessions(**stubber.job, nextToken="saved yesterday")
            ...     except stubber.client.exceptions.ValidationException as error:
            ...         print(error)
            An error occurred (ValidationException) when ...: The nextToken has expired.
        """
        expected = self._next_request
        if request:
            token = {} if self._next_token is None else {"nextToken": self._next_token}
            expected = {**validation.complete_request(request, self.job), **token, **request}
        has_token = "nextToken" in (expected or {}) or self._next_token is not None
        if not has_token and (request or self._has_pages):
            msg = (
                "nextToken: missing (expected the expired token: pass nextToken=…, or first queue "
                "a page with a token; more=True gives the last page of add_pages one)"
            )
            raise ValueError(msg)
        if expected is not None and self._is_strict(strict):
            validation.refuse(validation.bad_request(expected))
        self._queue_fault(Fault("ValidationException", _EXPIRED, reason="OTHER"), expected)

    def add_response(
        self,
        method: str,
        service_response: Mapping[str, Any],
        expected_params: Mapping[str, Any] | None = None,
        *,
        strict: bool | None = None,
    ) -> None:
        """Queue a response, as botocore's ``Stubber`` does.

        Args:
            method: The client method, such as ``"list_sessions"``.
            service_response: The response. For ``list_sessions``, it is checked as in
                ``add_pages``.
            expected_params: The exact arguments of the call, or ``None`` for any.
            strict: The same as for the class, for this response; only for ``list_sessions``.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The method is unknown, or the service could not send the response.
            botocore.exceptions.ParamValidationError: Botocore rejects the response of another
                method.
        """
        response = validation.copied(service_response)
        expected = validation.copied_dict("expected_params", expected_params)
        if not isinstance(response, dict):
            raise _arguments.wrong_type("service_response", service_response, "a dict")
        if method == METHOD:
            if self._is_strict(strict):
                validation.refuse(
                    [], validation.bad_responses({"service_response": response}, expected)
                )
            self._queue_page(response, expected, messages.page(response))
        elif strict is None:
            self._queue_response(method, response, expected, "a response")
        else:
            expected_strict = f"no value for {method}: only {METHOD} is checked"
            raise _arguments.wrong_value("strict", strict, expected_strict)

    def _is_strict(self, strict: bool | None) -> bool:
        return self.strict if strict is None else _arguments.check_switch("strict", strict)

    def _issue(self) -> str:
        return self._tokens.issue(METHOD, (), Cut(0, 0), self._clock.now())

    def _queue_page(
        self, response: dict[str, Any], expected: dict[str, Any] | None, outcome: str
    ) -> None:
        # Botocore checks a response when it is queued, and returns that same dict later. Filling
        # it after the check lets strict=False queue what botocore would refuse.
        queued: dict[str, Any] = {"sessions": []}
        self._queue_response(METHOD, queued, expected, outcome)
        queued.clear()
        queued.update(response)
        self._has_pages = True
        self._next_token = response.get("nextToken")
        self._next_request = None
        if expected is not None and self._next_token is not None:
            self._next_request = {**expected, "nextToken": self._next_token}

    def _queue_fault(self, fault: Fault, expected: dict[str, Any] | None) -> None:
        self.add_client_error(
            METHOD,
            fault.code,
            fault.message,
            int(fault.status or 0),
            expected_params=expected,
            response_meta={
                "HTTPHeaders": {name.lower(): text for name, text in fault.headers.items()},
                "RetryAttempts": 0,
            },
            modeled_fields=fault.members,
        )
