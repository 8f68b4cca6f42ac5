"""``FakeDeadline``: one in-memory Deadline Cloud, and the ways that lead to it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._domain.faults import Fault
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service import job_setup, operations, overrides
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions._service.service import Operation, Service
from pytest_deadline_sessions._service.state import JobState
from pytest_deadline_sessions._transport import client_factory, interception

if TYPE_CHECKING:
    from typing_extensions import Self

    from pytest_deadline_sessions._domain.transcript import Call, Transcript
    from pytest_deadline_sessions._transport.http_server import Endpoint

_serial = itertools.count()


@public
class FakeDeadline:
    """An in-memory Deadline Cloud behind the whole botocore stack.

    As a context manager it answers every Deadline Cloud client of the process.

    Args:
        behavior: What the API leaves open; the defaults are those of ``Behavior()``.
        clock: What time the service thinks it is; by default a clock of its own.

    Example:
        >>> fake = FakeDeadline()
        >>> job = fake.add_job(sessions=250)
        >>> pages = fake.client().get_paginator("list_sessions").paginate(**job)
        >>> [len(page["sessions"]) for page in pages]
        [100, 100, 50]
        >>> len(fake.calls)
        3
    """

    def __init__(self, behavior: Behavior | None = None, clock: Clock | None = None) -> None:
        if behavior is not None and not isinstance(behavior, Behavior):
            msg = f"behavior={behavior!r} (expected a Behavior)"
            raise TypeError(msg)
        if clock is not None and not isinstance(clock, Clock):
            msg = f"clock={clock!r} (expected a Clock)"
            raise TypeError(msg)
        self._service = Service(
            behavior or Behavior(), clock or Clock(), operations.offered(), str(next(_serial))
        )
        self._endpoints: list[Endpoint] = []
        self._entered: list[contextlib.ExitStack] = []

    def __repr__(self) -> str:
        state = "closed" if self._service.refusal else f"{len(self._service.state.jobs)} jobs"
        return f"<FakeDeadline: {state}, {len(self.calls)} calls>"

    @property
    def behavior(self) -> Behavior:
        """What the API leaves open, as this service decides it."""
        return self._service.behavior

    @property
    def clock(self) -> Clock:
        """What time the service thinks it is."""
        return self._service.clock

    @property
    def calls(self) -> Transcript:
        """Every request so far with its outcome, retries included."""
        return self._service.transcript

    @property
    def jobs(self) -> list[Job]:
        """The jobs, in the order in which they were added."""
        return [Job(self._service, ids) for ids in self._service.state.jobs]

    def add_job(
        self,
        sessions: int | Listing | Iterable[Mapping[str, Any]] = 0,
        *,
        farmId: str | None = None,  # noqa: N803 (the API's name)
        queueId: str | None = None,  # noqa: N803 (the API's name)
        jobId: str | None = None,  # noqa: N803 (the API's name)
        steps: int | None = None,
        tasks: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Job:
        """Add a job with sessions, and with work for them if one likes.

        The tasks are dealt out to the steps and to the sessions. Each session has its actions: it
        enters an environment, runs its tasks, and leaves. A session that has ended has done all its
        work; one that runs gets on as the service's time passes, and its last task runs on.

        Args:
            sessions: How many (they are ``STARTED``, a minute apart, the last one a minute ago);
                or summaries; or a ``Listing``, which gets the next free ids if it does not say
                ``first=…`` and another job has its ids.
            farmId: By default the one farm that jobs of this fake share.
            queueId: By default the one queue that they share.
            jobId: By default a fresh one.
            steps: How many steps; by default one if there are tasks.
            tasks: How many tasks in all steps together; by default one for each.
            details: Members of the job to fix, as ``describe`` does, such as ``{"name": …}``.

        Returns:
            A mapping of the three ids, for ``client.list_sessions(**job)``.

        Raises:
            TypeError: A value of the wrong type.
            ValueError: A count out of range, an id, a summary or a member that the service could
                not have, or an id or a summary that another job has already.
        """
        self._service.refuse_if_closed("add_job()")
        service = self._service
        fixed = {} if details is None else overrides.members("details", details)
        with service.lock:
            ids, listing, planned = job_setup.checked(
                service, sessions, (farmId, queueId, jobId), (steps, tasks), fixed
            )
            if fixed:
                self.describe(ids.jobId, **fixed)
            service.state.jobs[ids] = JobState(ids, listing, self.clock.now(), planned)
            return Job(service, ids)

    def describe(self, identifier: str, **members: Any) -> None:
        """Fix members of a farm, queue, job, step, task, session action or storage profile.

        Every operation that tells of it gives them from now on, and nothing else follows from them.
        A farm, queue or storage profile that no job has exists from then on.

        Args:
            identifier: Its id, whose kind it tells.
            **members: As the operation that gets it gives them, such as ``name=…`` of a job.

        Raises:
            ValueError: It is no such id, or the service model does not allow a member or value.
        """
        self._service.refuse_if_closed("describe()")
        overrides.check(identifier, members)
        with self._service.lock:
            described = self._service.state.described
            described[identifier] = {**described.get(identifier, {}), **members}

    def fail_next(
        self,
        fault: Fault | str,
        operation: str = model.OPERATION,
        times: int | None = 1,
        after: int = 0,
    ) -> None:
        """Let the next calls fail.

        Botocore's retries count as calls of their own. Faults planned for one operation come one
        after the other.

        Args:
            fault: A ``Fault``, or the code of one, such as ``"ThrottlingException"``,
                ``"ConnectionClosedError"``, ``"ReadTimeoutError"``, ``"EndpointConnectionError"``
                or ``"ConnectTimeoutError"``.
            operation: The API name of the operation that fails.
            times: How many calls fail; ``None`` for all from then on.
            after: How many calls succeed before.

        Raises:
            TypeError: A value of the wrong type.
            ValueError: A fault that the operation is not modelled to give, an operation that the
                fake lacks, or a number out of range.
        """
        self._service.refuse_if_closed("fail_next()")
        if times is not None:
            _whole("times", times, 1)
        _whole("after", after, 0)
        with self._service.lock:
            self._service.plan(fault, operation, times, after)

    def expire_tokens(self) -> None:
        """Make every token issued so far older than a token may be."""
        self._service.refuse_if_closed("expire_tokens()")
        with self._service.lock:
            self._service.state.tokens.expire()

    def operation(self, name: str) -> Callable[[Operation], Operation]:
        """Add an operation, or replace one, until the next reset.

        Args:
            name: The API name, such as ``"GetFarm"``.

        Returns:
            A decorator for a function from the service and the parameters to the result, or to the
            ``Fault`` that the call comes to; what it raises, and what it gives that the operation
            cannot give, goes to the caller.

        Raises:
            TypeError: What is decorated cannot be called.
            ValueError: The service model has no such operation.
        """
        self._service.refuse_if_closed("operation()")
        model.operation_model(name)

        def add(function: Operation) -> Operation:
            if not callable(function):
                msg = f"{name}: {function!r} (expected a function of the service and parameters)"
                raise TypeError(msg)
            self._service.operations[name] = function
            return function

        return add

    def on_call(self, listener: Callable[[Call], None]) -> None:
        """Tell ``listener`` of each call, with its outcome, until the next reset.

        The call is in the transcript by then, and its response on its way: what the listener
        changes, such as the clock, is met by the next call. Other calls wait until it is done.

        Raises:
            TypeError: ``listener`` cannot be called.
        """
        self._service.refuse_if_closed("on_call()")
        if not callable(listener):
            msg = f"listener={listener!r} (expected a function of a Call)"
            raise TypeError(msg)
        self._service.state.listeners.append(listener)

    def reset(self, behavior: Behavior | None = None) -> None:
        """Forget jobs, faults, tokens, calls, listeners, added operations and the clock's advances.

        Args:
            behavior: What to follow from now on; by default what it was.
        """
        self._service.refuse_if_closed("reset()")
        self._service.reset(behavior)
        self.clock.reset()

    def snapshot(self) -> Callable[[], None]:
        """Remember the present state; calling the result brings it back, as often as one likes."""
        service = self._service
        with service.lock:
            state, clock, behavior = service.state.copy(), self.clock.snapshot(), service.behavior
            operations, calls = dict(service.operations), list(service.transcript)

        def restore() -> None:
            with service.lock:
                service.state, service.behavior = state.copy(), behavior
                service.operations = dict(operations)
                service.transcript.replace(calls)
                clock()

        return restore

    def client(self, *, fast_timestamps: bool = True, **config: Any) -> Any:
        """A botocore client of this fake, good inside and outside of ``intercept``.

        Args:
            fast_timestamps: Whether to parse timestamps with ``datetime.fromisoformat`` instead of
                dateutil: the same instants in a fraction of the time.
            **config: What ``Session.create_client`` takes, such as ``region_name``, and the options
                of botocore's ``Config``, such as ``retries={"mode": "standard"}``.

        Raises:
            TypeError: An unknown option.
        """
        self._service.refuse_if_closed("client()")
        made = client_factory.client(fast_timestamps=fast_timestamps, **config)
        self.attach(made)
        return made

    def async_client(
        self, *, fast_timestamps: bool = True, **config: Any
    ) -> contextlib.AbstractAsyncContextManager[Any]:
        """An aiobotocore client of this fake, for ``async with``.

        Args:
            fast_timestamps: As of ``client``.
            **config: As of ``client``, with the options of aiobotocore's ``AioConfig``.

        Raises:
            ImportError: The extra ``async`` is not installed.
            TypeError: An unknown option.
        """
        self._service.refuse_if_closed("async_client()")
        from pytest_deadline_sessions._transport import aiobotocore_hooks

        return aiobotocore_hooks.client(
            self._service, interception.attach, fast_timestamps=fast_timestamps, **config
        )

    def attach(self, client: Any) -> contextlib.ExitStack:
        """Answer the calls of this client from now on, whatever else is intercepted.

        Args:
            client: A botocore or boto3 client of ``deadline``.

        Returns:
            A context manager that detaches the client when left; it need not be used.

        Raises:
            TypeError: It is no such client.
        """
        self._service.refuse_if_closed("attach()")
        detach = interception.attach(client, self._service)
        stack = contextlib.ExitStack()
        stack.callback(detach)
        return stack

    @contextlib.contextmanager
    def intercept(self) -> Iterator[FakeDeadline]:
        """Answer every Deadline Cloud client of the process, whoever made it and whenever.

        Inside, dummy credentials and a region are in the environment, and neither ``~/.aws`` nor a
        metadata service is consulted. Other services are left alone, and everything is restored
        afterwards. The innermost of several interceptions answers.
        """
        self._service.refuse_if_closed("intercept()")
        with interception.intercept(self._service):
            yield self

    @contextlib.contextmanager
    def serve(
        self, host: str = "127.0.0.1", port: int = 0, *, allowed_hosts: Collection[str] = ()
    ) -> Iterator[Endpoint]:
        """Answer over HTTP on loopback, for subprocesses and for other languages.

        What comes this way is in the same transcript. A read timeout that was planned closes the
        connection, since nobody is to wait. Calls are answered one at a time, so an operation or a
        listener of yours must not make one over HTTP itself; ``client()`` is for that.

        Leaving closes all connections. It waits half a second for calls under way.

        Args:
            host: A loopback address.
            port: By default one that is free.
            allowed_hosts: Names that a request may have in its headers ``Host`` and ``Origin``,
                besides loopback addresses and ``localhost``, whatever the port and with or without
                the prefixes that SDKs add, such as ``management.``; others are refused with
                ``AccessDeniedException``, since a page in a browser may have made them.

        Returns:
            A context manager that yields the URL, an ``Endpoint``: its ``environment()`` is that of
            a subprocess whose clients are to come here.

        Raises:
            ImportError: The extra ``server`` is not installed.
            OSError: The address cannot be listened on, such as one that is taken.
            ValueError: The address is not loopback, or a name in ``allowed_hosts`` is none.
        """
        self._service.refuse_if_closed("serve()")
        from pytest_deadline_sessions._transport import http_server

        with http_server.serve(self._service, host, port, allowed_hosts=allowed_hosts) as endpoint:
            self._endpoints.append(endpoint)
            try:
                yield endpoint
            finally:
                self._endpoints.remove(endpoint)

    def endpoint_environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a subprocess whose clients are to come to ``serve()``.

        Args:
            base: What to add it to; by default the environment of this process.

        Raises:
            RuntimeError: Nothing is served at the moment.
        """
        if not self._endpoints:
            msg = "endpoint_environment(): nothing is served (expected to be inside serve())"
            raise RuntimeError(msg)
        return self._endpoints[-1].environment(base)

    def close(self) -> None:
        """Answer no more: attached clients get an error, and so do jobs and sessions."""
        self.pause("a closed FakeDeadline (expected an open one; make a new one)")

    def pause(self, why: str) -> None:
        """Refuse to be used and to answer until ``resume``; for whoever hands out one fake to many.

        Args:
            why: What the refusal says.
        """
        self._service.refusal = why

    def resume(self) -> None:
        """Take work again after ``pause``, or after ``close``."""
        self._service.refusal = None

    @contextlib.contextmanager
    def resumed(self) -> Iterator[None]:
        """Take work inside, and then be as before."""
        service = self._service
        refusal, service.refusal = service.refusal, None
        try:
            yield
        finally:
            service.refusal = refusal

    def __enter__(self) -> Self:
        entered = contextlib.ExitStack()
        entered.enter_context(self.intercept())
        self._entered.append(entered)
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.pop().close()


def _whole(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{name}={value!r} (expected a whole number, {low} or more)"
        raise TypeError(msg)
    if value < low:
        msg = f"{name}={value!r} (expected {low} or more)"
        raise ValueError(msg)
