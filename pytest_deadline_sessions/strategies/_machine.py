"""``SessionsMachine``: sessions start, change and end while your code lists them."""

from __future__ import annotations

import contextlib
import datetime
import functools
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, multiple, rule

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api.types import SessionSummary
from pytest_deadline_sessions._assertions.completeness import assert_complete_listing
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.jobs import Job, Session

_SPANS = [datetime.timedelta(minutes=1), datetime.timedelta(hours=1), datetime.timedelta(hours=25)]
_PAGES = st.sampled_from([1, 2, 100])


@functools.cache
def _client() -> Any:
    """The client that all machines share; each attaches it to its own service."""
    return FakeDeadline().client(retries={"total_max_attempts": 1})


class SessionsMachine(RuleBasedStateMachine):
    """A stateful test of code that repeatedly lists the sessions of a job.

    Its rules start sessions, request their end, finish updates and end sessions. They also list
    with and without tokens, advance the clock, plan faults and call ``collect``. Override
    ``collect`` with your own code. If its result may lag behind, override ``verify`` too. You can
    add rules and invariants. While the machine runs, its service answers every Deadline Cloud
    client in the process.

    Attributes:
        behavior: Decides what the API leaves undocumented. Set it in your class.
        fake: The service.
        client: A client of the service. It does not retry.
        job: The job whose sessions are listed.
        versions: Every past state of the job's sessions with its start time; the last is current.

    Example:
        >>> from hypothesis.stateful import run_state_machine_as_test
        >>> from pytest_deadline_sessions import Behavior
        >>> from pytest_deadline_sessions.strategies import SessionsMachine
        >>> class FirstPage(SessionsMachine):
        ...     behavior = Behavior(page_size=1)
        ...
        ...     def collect(self, client, **job):
        ...         return client.list_sessions(**job)["sessions"]
        >>> try:
        ...     run_state_machine_as_test(FirstPage)
        ... except AssertionError as error:
        ...     print("found")
        found
    """

    behavior: Behavior = Behavior()
    sessions: Bundle[Session] = Bundle("sessions")
    tokens: Bundle[str] = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.fake: FakeDeadline = FakeDeadline(self.behavior)
        self.client: Any = _client()
        self._entered = contextlib.ExitStack()
        self._entered.enter_context(self.fake.intercept())
        self._entered.enter_context(self.fake.attach(self.client))
        self.job: Job = self.fake.add_job()
        self.versions: list[tuple[datetime.datetime, list[SessionSummary]]] = []
        self._changed()

    def teardown(self) -> None:
        """Stop intercepting."""
        self._entered.close()

    def collect(self, client: Any, **job: str) -> Any:
        """Call the code under test. Override this method.

        Args:
            client: A client of the service. Clients that your code creates reach the service too.
            **job: The three ids.

        Returns:
            The value to pass to ``verify``: by default, summaries or session ids.
        """
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [summary for page in pages for summary in page["sessions"]]

    def verify(self, result: Any) -> None:
        """Check the result of ``collect``: by default, that it has all current sessions of the job.

        Args:
            result: What ``collect`` returned; a list of the items if that was an iterator.

        Raises:
            AssertionError: The result is wrong.
        """
        assert_complete_listing(result, self.job)

    @rule(target=sessions)
    def start(self) -> Session:
        """Start a session."""
        session = self.job.start_session()
        self._changed()
        return session

    @rule(session=sessions)
    def request_end(self, session: Session) -> None:
        """Request the end of a session, if its status allows that."""
        self._move(session, lifecycle.UPDATE_IN_PROGRESS, session.request_end)

    @rule(session=sessions, succeeds=st.booleans())
    def finish_update(self, session: Session, succeeds: bool) -> None:
        """Let an update in progress succeed or fail."""
        if succeeds:
            self._move(session, lifecycle.UPDATE_SUCCEEDED, session.succeed_update)
        else:
            self._move(session, lifecycle.UPDATE_FAILED, session.fail_update)

    @rule(session=sessions)
    def end(self, session: Session) -> None:
        """End a session, if its status allows that."""
        self._move(session, lifecycle.ENDED, session.end)

    @rule(span=st.sampled_from(_SPANS))
    def let_time_pass(self, span: datetime.timedelta) -> None:
        """Advance the clock by a minute, an hour, or more than a token's lifetime."""
        self.fake.clock.advance(span)

    @rule(fault=st.deferred(lambda: st.sampled_from(fault_codes())))
    def break_something(self, fault: str) -> None:
        """Make the next call fail."""
        self.fake.fail_next(fault)

    @rule(target=tokens, max_results=_PAGES)
    def list_first_page(self, max_results: int) -> str | MultipleResults[str]:
        """List a first page as another caller would, and keep its token."""
        return self._listed(maxResults=max_results)

    @rule(target=tokens, token=tokens, max_results=_PAGES)
    def list_next_page(self, token: str, max_results: int) -> str | MultipleResults[str]:
        """List the page after a kept token, which may have expired."""
        return self._listed(nextToken=token, maxResults=max_results)

    @rule()
    def collect_all(self) -> None:
        """Call ``collect``: it must return the right result, or raise after a call failed."""
        before = len(self.fake.calls)
        try:
            result = self.collect(self.client, **self.job)
            result = list(result) if isinstance(result, Iterator) else result
        except Exception:
            if not any(call.error for call in self.fake.calls[before:]):
                raise
        else:
            self.verify(result)

    def _listed(self, **arguments: str | int) -> str | MultipleResults[str]:
        """List a page, and return its token for the bundle, if the page has one."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            page = self.client.list_sessions(**self.job, **arguments)
        except (BotoCoreError, ClientError):
            return multiple()
        return page.get("nextToken") or multiple()

    def _move(self, session: Session, status: str, move: Callable[[], None]) -> None:
        if status in lifecycle.TRANSITIONS[session.status]:
            move()
            self._changed()

    def _changed(self) -> None:
        self.versions.append((self.fake.clock.now(), list(self.job.listing)))
