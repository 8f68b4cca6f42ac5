"""``SessionsMachine``: sessions start, change and end while your code lists them."""

from __future__ import annotations

import contextlib
import datetime
import functools
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.types import SessionSummary
from pytest_deadline_sessions._assertions import messages
from pytest_deadline_sessions._assertions.completeness import assert_complete_listing
from pytest_deadline_sessions._contract.rules import TERMINATES
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.transcript import begin_example
from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.jobs import Job, Session, set_up
from pytest_deadline_sessions._service.service import Service
from pytest_deadline_sessions._service.state import Planned
from pytest_deadline_sessions.strategies import _situations
from pytest_deadline_sessions.strategies._situations import Disruption
from pytest_deadline_sessions.strategies._supervision import (
    Runaway,
    Supervision,
    expired_tokens,
    failed_for_good,
)

_SPANS = [datetime.timedelta(minutes=1), datetime.timedelta(hours=1), datetime.timedelta(hours=25)]
_PAGES = st.sampled_from([1, 2, 100])
_MOST_NAMED = 3
_FAULTS = st.deferred(lambda: st.sampled_from(fault_codes()))


@functools.cache
def _client() -> Any:
    """The client that all machines share; each attaches it to its own service."""
    return FakeDeadline().client(retries={"total_max_attempts": 1})


def _service(fake: FakeDeadline) -> Service:
    return fake._service  # noqa: SLF001 (the fake belongs to the machine)


class SessionsMachine(RuleBasedStateMachine):
    """A stateful test of code that repeatedly lists the sessions of a job.

    Each run cuts the job's pages elsewhere, some of them empty, and issues tokens that look
    otherwise. Its rules start sessions, request their end, finish updates and end sessions. They
    also list with and without tokens, advance the clock, let tokens expire, plan faults and call
    ``collect``. Override ``collect`` with your own code. If its result may lag behind, override
    ``verify`` too. You can add rules and invariants. While the machine runs, its service answers
    every Deadline Cloud client in the process.

    To turn a rule off, set it to ``None`` in your class: ``set_up_job = None`` leaves pages and
    tokens as ``behavior`` has them. If you override ``start``, or set it to ``None``, every session
    is started by you, so no job has sessions from the beginning.

    Attributes:
        behavior: Decides what the API leaves undocumented. Set it in your class. A member that
            differs from its default stays as it is; page sizes and the looks of tokens are drawn
            otherwise.
        fake: The service.
        client: A client of the service. It does not retry.
        job: The job whose sessions are listed.
        versions: Every past state of the job's sessions with its start time; the last is current.

    Example:
        >>> from hypothesis.stateful import run_state_machine_as_test
        >>> from pytest_deadline_sessions.strategies import SessionsMachine
        >>> class FirstPage(SessionsMachine):
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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # To explain a failure, Hypothesis traces every line of hundreds of runs, which takes most
        # of the time, and points at our own lines.
        usual = cls.TestCase.settings
        phases = [phase for phase in usual.phases if phase is not Phase.explain]
        cls.TestCase.settings = settings(usual, phases=phases)

    def __init__(self) -> None:
        super().__init__()
        self.fake: FakeDeadline = FakeDeadline(self.behavior)
        begin_example(self.fake.calls)
        self.client: Any = _client()
        self._entered = contextlib.ExitStack()
        self._entered.enter_context(self.fake.intercept())
        self._entered.enter_context(self.fake.attach(self.client))
        self._supervision = Supervision(self.fake)
        self._outages: list[Planned] = []
        self._refused: set[str] = set()
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

    @initialize(
        target=sessions,
        # Shrunk in alphabetical order: few sessions are simpler than many in pages of usual size.
        already_started=st.runner().flatmap(lambda machine: machine._session_counts()),  # noqa: SLF001
        behavior=st.runner().flatmap(lambda machine: _situations.behaviors(machine.behavior)),
        page_sizes=st.runner().flatmap(
            lambda machine: _situations.page_sizes(machine.behavior.page_size)
        ),
    )
    def set_up_job(
        self, already_started: int, behavior: Behavior, page_sizes: tuple[int, ...]
    ) -> MultipleResults[Session]:
        """Decide where pages are cut and how tokens look, and start some sessions.

        Args:
            already_started: How many sessions to start.
            behavior: The behavior of the service in this run.
            page_sizes: How many sessions the first pages hold. A page that they do not fill is
                short or empty; further pages hold ``behavior.page_size``.
        """
        self.behavior = behavior
        sessions = set_up(self.job, already_started, page_sizes, behavior)
        self._changed()
        return multiple(*sessions[:_MOST_NAMED])

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

    @rule(fault=_FAULTS, times=_situations.FAULT_TIMES)
    def break_something(self, fault: str, times: int | None = 1) -> None:
        """Make the next calls fail.

        Args:
            fault: The code of the fault.
            times: How many calls fail; ``None`` for all until ``collect`` has been called.
        """
        self._plan(Disruption(model.OPERATION, fault), times)

    @rule(pages=_situations.PAGES_BEFORE, fault=_FAULTS, times=_situations.FAULT_TIMES)
    def break_between_pages(self, pages: int, fault: str, times: int | None = 1) -> None:
        """Make calls fail in the middle of a listing, an hour after its last page.

        Time passes so that code may list again after the failure, however seldom it lists.

        Args:
            pages: How many more pages with a token are listed first.
            fault: The code of the fault.
            times: The same as for ``break_something``.
        """

        def act() -> None:
            self.fake.clock.advance(hours=1)
            self._plan(Disruption(model.OPERATION, fault), times)

        self._supervision.act_after(pages, act)

    @rule(pages=_situations.PAGES_BEFORE)
    def expire_between_pages(self, pages: int) -> None:
        """Let more than a day pass in the middle of a listing, so that its token expires.

        Args:
            pages: How many more pages with a token are listed first.
        """

        def act() -> None:
            self.fake.clock.advance(_SPANS[-1])
            self.fake.expire_tokens()

        self._supervision.act_after(pages, act)

    @precondition(lambda self: bool(self._other_operations()))
    @rule(
        disruption=st.runner().flatmap(
            lambda machine: _situations.disruptions(machine._other_operations())  # noqa: SLF001
        ),
        times=_situations.FAULT_TIMES,
    )
    def break_another_operation(self, disruption: Disruption, times: int | None = 1) -> None:
        """Make the next calls of another operation fail, one that was called in this run.

        Args:
            disruption: The operation and the code of the fault.
            times: The same as for ``break_something``.
        """
        self._plan(disruption, times)

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
        before, most_pages = len(self.fake.calls), self._most_pages()
        try:
            with self._supervision.limited(most_pages):
                result = self.collect(self.client, **self.job)
                result = list(result) if isinstance(result, Iterator) else result
        except Runaway as runaway:
            lines = [f"calls: stopped after {runaway.most} (expected at most {most_pages + 1})"]
            raise messages.failure("The code under test", TERMINATES, lines) from None
        except Exception:
            calls, refused = self.fake.calls[before:], self._refused
            self._refused = refused | expired_tokens(calls)
            if not failed_for_good(calls, refused):
                raise
        else:
            self.verify(result)
        finally:
            _service(self.fake).end_outages(self._outages)
            self._outages.clear()

    def _most_pages(self) -> int:
        """How many pages the job has for a caller that accepts one session per page."""
        listing = self.job.listing
        return sum(max(size, 1) for size in listing.page_sizes or (len(listing),))

    def _session_counts(self) -> st.SearchStrategy[int]:
        overrides = type(self).start is not SessionsMachine.start
        return st.just(0) if overrides else _situations.SESSION_COUNTS

    def _other_operations(self) -> tuple[str, ...]:
        """The operations besides ``ListSessions`` that were called and can fail."""
        called = self._supervision.operations & {*_service(self.fake).operations}
        return tuple(sorted(called - {model.OPERATION}))

    def _plan(self, disruption: Disruption, times: int | None) -> None:
        planned = _service(self.fake).plan(disruption.fault, disruption.operation, times, 0)
        if times is None:
            self._outages.append(planned)

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
