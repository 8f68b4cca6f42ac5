"""``ListSessionsStubber``: a queue of responses that the service could send."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import Fault, as_fault
from pytest_deadline_sessions._domain.listing import Cut
from pytest_deadline_sessions._domain.tokens import Tokens
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._stubber import messages, validation
from pytest_deadline_sessions._stubber.recorder import METHOD, RecordingStubber
from pytest_deadline_sessions._text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_deadline_sessions._domain.listing import Listing, Page

_EXPIRED = "The nextToken has expired."


@public
class ListSessionsStubber(RecordingStubber):
    """Botocore's ``Stubber`` for ``ListSessions``: pages chained by their tokens, and checked.

    Everything of ``botocore.stub.Stubber`` works as there; what is queued is a copy.

    Args:
        client: A botocore or boto3 client of ``deadline``.
        strict: Whether to refuse requests and responses that the real service would not take or
            could not send; each method takes a ``strict`` of its own.

    Attributes:
        client: The client.
        strict: As given.
        job: Three valid ids, the request of everything that is queued without ids.
        calls: Every call that was answered or not expected, with its outcome.
        unexpected: The text of every call that was not expected; an exception can be swallowed by
            the code under test, this list cannot.

    Raises:
        TypeError: It is no such client.

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
        self.strict = _switch("strict", strict)
        self.job: Mapping[str, Any] = types.MappingProxyType(
            {
                "farmId": model.make_id("FarmId", 1),
                "queueId": model.make_id("QueueId", 1),
                "jobId": model.make_id("JobId", 1),
            }
        )
        self._tokens = Tokens()
        self._has_pages = False
        self._next_token: str | None = None
        self._next_request: dict[str, Any] | None = None

    @property
    def next_token(self) -> str | None:
        """The token of the page that was queued last; ``None`` if it has none."""
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

        The first call is expected to have exactly the arguments of ``request``, each further one
        the token of the page before as well.

        Args:
            pages: Pages of session summaries; a ``Page`` may bring a token of its own.
            more: Whether the last page has a token too, for a listing that goes on (in a fault,
                or in pages queued with ``nextToken=stubber.next_token``).
            strict: As in the class, for these pages.
            **request: The expected arguments; without ids those of ``stubber.job``. ``ANY`` stands
                for any value.

        Raises:
            TypeError: Something that is no list of pages.
            ValueError: A request that the service would not take, or responses that it could not
                send, all of them named; then nothing is queued.

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
            ValueError: impossible with the real service (strict=False queues it all the same):
              pages[1].sessions[0] breaks schema: workerId: missing (expected a value, ...
        """
        responses = validation.as_pages(pages)
        expected = validation.complete_request(request, self.job)
        last = len(responses) - (0 if _switch("more", more) else 1)
        for response in responses[:last]:
            response.setdefault("nextToken", self._issue())
        if self._is_strict(strict):
            named = {f"pages[{number}]": one for number, one in enumerate(responses)}
            validation.refuse(
                validation.bad_request(expected) + validation.bad_responses(named, expected)
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
            listing: Cut where its ``page_sizes`` say, and into pages of ``maxResults``, or 100.
            more: As in ``add_pages``.
            strict: As in ``add_pages``.
            **request: As in ``add_pages``.

        Raises:
            TypeError: It is no ``Listing``.
            ValueError: As in ``add_pages``.

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
        pages = validation.cut(listing, validation.page_limit(request))
        self.add_pages(pages, more=more, strict=strict, **request)

    def add_fault(self, fault: Fault | str, *, strict: bool | None = None, **request: Any) -> None:
        """Queue one of the errors that ``ListSessions`` is modelled to give.

        Botocore's retries do not run under a ``Stubber``: the call fails at once.

        Args:
            fault: A ``Fault``, or the code of one.
            strict: As in the class, for this request.
            **request: The expected arguments, as in ``add_pages``; if there are none, any will do.

        Raises:
            TypeError: It is neither.
            ValueError: Another error; a broken connection; or a request that the service would not
                take.

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
        made = as_fault(fault)
        if made.broken:
            msg = (
                f"fault={made.code!r} (expected an error of the service: a Stubber knows no "
                "connection that could break; FakeDeadline.fail_next takes it)"
            )
            raise ValueError(msg)
        expected = validation.complete_request(request, self.job) if request else None
        if expected is not None and self._is_strict(strict):
            validation.refuse(validation.bad_request(expected))
        job_id = (expected or self.job)["jobId"]
        if made.code == "ResourceNotFoundException" and isinstance(job_id, str):
            made = made.but(resourceId=job_id, resourceType="job")
        self._queue_fault(made, expected)

    def add_expired_token(self, *, strict: bool | None = None, **request: Any) -> None:
        """Queue the error that a token older than 24 hours gets.

        Args:
            strict: As in the class, for this request.
            **request: The expected arguments, as in ``add_pages``. Without a ``nextToken``, that
                of the page that was queued last; without anything, all of its arguments. If there
                is no such page either, any arguments are expected, such as a token that was saved.

        Raises:
            ValueError: There is no token that could have expired, or a request that the service
                would not take.

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
                "nextToken: missing (expected the token that has expired: give it, or queue a page "
                "that has one before, with more=True if it is the last of its add_pages)"
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
            service_response: The response; one of ``list_sessions`` is checked as in ``add_pages``.
            expected_params: The exact arguments of the call; ``None`` for any.
            strict: As in the class, for this response; for ``list_sessions`` alone.

        Raises:
            TypeError: ``service_response`` is no dict.
            ValueError: An unknown method, or a response that the service could not send.
            botocore.exceptions.ParamValidationError: What botocore refuses in a response of another
                method.
        """
        response, expected = validation.copied(service_response), validation.copied(expected_params)
        if not isinstance(response, dict):
            msg = f"service_response={shown(service_response, validation.WIDEST)} (expected a dict)"
            raise TypeError(msg)
        if method == METHOD:
            if self._is_strict(strict):
                validation.refuse(
                    validation.bad_responses({"service_response": response}, expected)
                )
            self._queue_page(response, expected, messages.page(response))
        elif strict is None:
            self._queue_response(method, response, expected, "a response")
        else:
            msg = f"strict={shown(strict)} for {method} (expected it for {METHOD} alone)"
            raise ValueError(msg)

    def _is_strict(self, strict: bool | None) -> bool:
        return self.strict if strict is None else _switch("strict", strict)

    def _issue(self) -> str:
        return self._tokens.issue(METHOD, (), Cut(0, 0), self._clock.now())

    def _queue_page(
        self, response: dict[str, Any], expected: dict[str, Any] | None, outcome: str
    ) -> None:
        # Botocore checks a response when it is queued and gives the same dict away later; so what
        # its check would refuse comes in after it.
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


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        msg = f"{name}={shown(value)} (expected True or False)"
        raise TypeError(msg)
    return value
