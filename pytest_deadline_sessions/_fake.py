"""``FakeDeadline``: an in-memory Deadline Cloud, and how clients reach it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from typing_extensions import Self

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import (
    check_callable,
    check_kind,
    check_switch,
    check_whole,
)
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._domain.faults import Fault
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.transcript import Call, Transcript
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service import job_setup, operations, overrides
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions._service.service import Operation, Service
from pytest_deadline_sessions._transport import client_factory, interception
from pytest_deadline_sessions._transport.http_server import Endpoint

_OPERATION = f"the API name of an operation, such as {model.OPERATION!r}"


@public
class FakeDeadline:
    """An in-memory Deadline Cloud behind the whole botocore stack.

    As a context manager it answers every Deadline Cloud client in the process.

    Args:
        behavior: Decisions on what the API leaves open; by default ``Behavior()``.
        clock: The service's clock; by default a new one.

    Raises:
        TypeError: An argument has the wrong type.

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
        behavior = Behavior() if behavior is None else behavior
        clock = Clock() if clock is None else clock
        check_kind("behavior", behavior, Behavior, "a Behavior")
        check_kind("clock", clock, Clock, "a Clock")
        self._service = Service(
            behavior, clock, operations.offered(), str(next(_state.fake_numbers))
        )
        self._endpoints: list[Endpoint] = []
        self._entered: list[contextlib.ExitStack] = []

    def __repr__(self) -> str:
        state = "closed" if self._service.refusal else f"{len(self._service.state.jobs)} jobs"
        return f"<FakeDeadline: {state}, {len(self.calls)} calls>"

    @property
    def behavior(self) -> Behavior:
        """The service's decisions on what the API leaves open."""
        return self._service.behavior

    @property
    def clock(self) -> Clock:
        """The service's clock."""
        return self._service.clock

    @property
    def calls(self) -> Transcript:
        """Every call so far with its outcome, including retries."""
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
        """Add a job with sessions and, optionally, steps and tasks.

        The tasks are distributed among the steps and the sessions. Each session has actions: it
        enters an environment, runs its tasks and leaves. A session that has ended has done all its
        tasks. An active session proceeds as the service's time passes, and its last task keeps
        running.

        Args:
            sessions: How many sessions (all ``STARTED``, a minute apart, the last a minute ago);
                or summaries; or a ``Listing``. A ``Listing`` without ``first=…`` gets the next free
                ids if another job has any of its ids.
            farmId: By default the same farm for all jobs of this fake.
            queueId: By default the same queue for all jobs of this fake.
            jobId: By default a new id.
            steps: How many steps; by default one if there are tasks.
            tasks: How many tasks in total; by default one for each step.
            details: Members of the job to set, as ``describe`` does, such as ``{"name": …}``.

        Returns:
            A mapping of the three ids, for ``client.list_sessions(**job)``.

        Raises:
            TypeError: A value has the wrong type.
            ValueError: A count is out of range; an id, summary or member is one that the service
                could not have; or another job or session already has an id.
        """
        service = self._open("add_job()")
        ids, counts = (farmId, queueId, jobId), (steps, tasks)
        with service.lock:
            return Job(service, job_setup.add(service, sessions, ids, counts, details))

    def describe(self, identifier: str, **members: Any) -> None:
        """Set members of a farm, queue, job, step, task, session action or storage profile.

        From now on, every operation that returns the resource returns these values; they affect
        nothing else. A farm, queue or storage profile that belongs to no job exists from then on.

        Args:
            identifier: The id of the resource; its prefix tells the kind of resource.
            **members: Members as the operation that gets the resource returns them, such as
                ``name=…`` of a job.

        Raises:
            TypeError: The id is not a string.
            ValueError: The id does not belong to such a resource, or the service model does not
                allow a member or a value.
        """
        service = self._open("describe()")
        overrides.check(identifier, members)
        with service.lock:
            overrides.describe(service.state, identifier, members)

    def fail_next(
        self,
        fault: Fault | str,
        operation: str = model.OPERATION,
        times: int | None = 1,
        after: int = 0,
    ) -> None:
        """Make the next calls of an operation fail.

        Botocore's retries count as calls. If you plan several faults for one operation, they happen
        one after the other.

        Args:
            fault: A ``Fault``, or a code such as ``"ThrottlingException"``,
                ``"ConnectionClosedError"``, ``"ReadTimeoutError"``, ``"EndpointConnectionError"``
                or ``"ConnectTimeoutError"``.
            operation: The API name of the operation that fails.
            times: How many calls fail; ``None`` for all from then on.
            after: How many calls succeed first.

        Raises:
            TypeError: A value has the wrong type.
            ValueError: The service model does not list the fault for the operation, the fake lacks
                the operation, or a number is out of range.
        """
        service = self._open("fail_next()")
        check_kind("operation", operation, str, _OPERATION)
        if times is not None:
            check_whole("times", times, 1)
        check_whole("after", after)
        with service.lock:
            service.plan(fault, operation, times, after)

    def expire_tokens(self) -> None:
        """Make every token issued so far too old to be accepted."""
        service = self._open("expire_tokens()")
        with service.lock:
            service.state.tokens.expire()

    def operation(self, name: str) -> Callable[[Operation], Operation]:
        """Add an operation, or replace it, until the next reset.

        Args:
            name: The API name, such as ``"GetFarm"``.

        Returns:
            A decorator for a function that takes the ``Service`` and the parameters of the call,
            and returns the result or a ``Fault``. If the function raises an exception, or returns a
            result that the operation cannot have, the caller of the operation gets the error.

        Raises:
            TypeError: The name is not a string, or the decorated object cannot be called.
            ValueError: The service model has no such operation.
        """
        service = self._open("operation()")
        model.operation_model(check_kind("operation", name, str, _OPERATION))

        def add(function: Operation) -> Operation:
            check_callable(name, function, "a function of the service and the parameters")
            service.operations[name] = function
            return function

        return add

    def on_call(self, listener: Callable[[Call], None]) -> None:
        """Run a callback after each call, until the next reset.

        Use it, for example, to change the job between two pages. When the listener runs, the call
        is already in ``calls``, and its response no longer changes; the listener's changes affect
        the next call. Other calls wait until the listener is done, except for calls that the
        listener itself makes: it hears of those at once.

        Args:
            listener: A function that takes the ``Call``. If it raises, the other listeners still
                hear of the call; then the error goes to the caller.

        Raises:
            TypeError: ``listener`` cannot be called.
        """
        service = self._open("on_call()")
        check_callable("listener", listener, "a function of a Call")
        service.state.listeners.append(listener)

    def reset(self, behavior: Behavior | None = None) -> None:
        """Clear all state: jobs, faults, tokens, calls, listeners, operations, clock advances.

        Args:
            behavior: The new behavior; by default the behavior stays the same.

        Raises:
            TypeError: ``behavior`` is not a ``Behavior``.
        """
        service = self._open("reset()")
        if behavior is not None:
            check_kind("behavior", behavior, Behavior, "a Behavior")
        service.reset(behavior)

    def snapshot(self) -> Callable[[], None]:
        """Save the current state.

        Returns:
            A function that restores the state, any number of times.
        """
        return self._service.snapshot()

    def client(self, *, fast_timestamps: bool = True, **config: Any) -> Any:
        """Create a botocore client of this fake; it works inside and outside ``intercept``.

        Args:
            fast_timestamps: Whether to parse timestamps with ``datetime.fromisoformat`` instead of
                dateutil: the same instants in a fraction of the time.
            **config: Arguments of ``Session.create_client``, such as ``region_name``, and options
                of botocore's ``Config``, such as ``retries={"mode": "standard"}``.

        Raises:
            TypeError: An option is unknown, or ``fast_timestamps`` is not a bool.
        """
        self._open("client()")
        check_switch("fast_timestamps", fast_timestamps)
        client = client_factory.client(fast_timestamps=fast_timestamps, **config)
        self.attach(client)
        return client

    def async_client(
        self, *, fast_timestamps: bool = True, **config: Any
    ) -> contextlib.AbstractAsyncContextManager[Any]:
        """Create an aiobotocore client of this fake, to be used with ``async with``.

        Args:
            fast_timestamps: The same as for ``client``.
            **config: The same as for ``client``, but with options of aiobotocore's ``AioConfig``.

        Raises:
            ImportError: The extra ``async`` is not installed.
            TypeError: An option is unknown, or ``fast_timestamps`` is not a bool.
        """
        service = self._open("async_client()")
        check_switch("fast_timestamps", fast_timestamps)
        from pytest_deadline_sessions._transport import aiobotocore_hooks

        return aiobotocore_hooks.client(
            service, interception.attach, fast_timestamps=fast_timestamps, **config
        )

    def attach(self, client: Any) -> contextlib.ExitStack:
        """Answer all calls of one client from now on.

        Args:
            client: A botocore or boto3 client of ``deadline``.

        Returns:
            A context manager that detaches the client on exit. You need not enter it.

        Raises:
            TypeError: ``client`` is not such a client.
        """
        service = self._open("attach()")
        detach = interception.attach(client, service)
        stack = contextlib.ExitStack()
        stack.callback(detach)
        return stack

    @contextlib.contextmanager
    def intercept(self) -> Iterator[FakeDeadline]:
        """Answer every Deadline Cloud client in the process, including clients created earlier.

        Inside, the environment has dummy credentials and a region, and neither ``~/.aws`` nor a
        metadata service is read. Clients of other services are left alone. Everything is restored
        on exit. If interceptions are nested, the innermost answers.
        """
        service = self._open("intercept()")
        with interception.intercept(service):
            yield self

    def serve(
        self, host: str = "127.0.0.1", port: int = 0, *, allowed_hosts: Collection[str] = ()
    ) -> contextlib.AbstractContextManager[Endpoint]:
        """Answer over HTTP on loopback, for subprocesses and for other languages.

        These calls appear in ``calls`` too. A planned read timeout closes the connection at once,
        so that no client waits. Calls are answered one at a time, so your operations and listeners
        must not make calls over HTTP; they can use ``client()``.

        Leaving the context waits up to half a second for calls in progress, and then closes all
        connections.

        Args:
            host: A loopback address.
            port: The port; by default any free port.
            allowed_hosts: Host names to accept in the headers ``Host`` and ``Origin``, besides
                loopback addresses and ``localhost``. They are accepted with any port, and with the
                prefixes that SDKs add, such as ``management.``. Other hosts are refused with
                ``AccessDeniedException``, since a web page may have made the request.

        Returns:
            A context manager that yields the URL, an ``Endpoint``. Its ``environment()`` returns
            an environment for a subprocess whose clients should reach this fake. On entry it raises
            ``ImportError`` if the extra ``server`` is not installed, and ``OSError`` if listening
            on the address fails, for example because it is in use.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The address is not loopback, the port is out of range, or ``allowed_hosts``
                has an invalid name.
        """
        service = self._open("serve()")
        from pytest_deadline_sessions._transport import http_server

        return self._listed(http_server.serve(service, host, port, allowed_hosts=allowed_hosts))

    @contextlib.contextmanager
    def _listed(self, serving: contextlib.AbstractContextManager[Endpoint]) -> Iterator[Endpoint]:
        """Serve, and let ``endpoint_environment`` know of the server meanwhile."""
        with serving as endpoint:
            self._endpoints.append(endpoint)
            try:
                yield endpoint
            finally:
                self._endpoints.remove(endpoint)

    def endpoint_environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment for a subprocess whose clients should reach ``serve()``.

        Args:
            base: The environment to extend; by default that of this process.

        Raises:
            RuntimeError: ``serve()`` is not active.
        """
        if not self._endpoints:
            msg = "endpoint_environment(): no server is running (expected a call inside serve())"
            raise RuntimeError(msg)
        return self._endpoints[-1].environment(base)

    def close(self) -> None:
        """Stop answering: attached clients, jobs and sessions raise from now on."""
        self.pause("this FakeDeadline is closed (expected an open one; create a new one)")

    def pause(self, why: str) -> None:
        """Refuse every use until ``resume``, for example between two tests that share a fake.

        Args:
            why: The text of the refusal.

        Raises:
            TypeError: ``why`` is not a string.
        """
        self._service.refusal = check_kind("why", why, str, "a string")

    def resume(self) -> None:
        """Answer again after ``pause`` or ``close``."""
        self._service.refusal = None

    @contextlib.contextmanager
    def resumed(self) -> Iterator[None]:
        """Answer inside the context, even if the fake is paused."""
        service = self._service
        refusal, service.refusal = service.refusal, None
        try:
            yield
        finally:
            service.refusal = refusal

    def _open(self, what: str) -> Service:
        """Return the service, or raise an error if it is closed or paused."""
        self._service.refuse_if_closed(what)
        return self._service

    def __enter__(self) -> Self:
        entered = contextlib.ExitStack()
        entered.enter_context(self.intercept())
        self._entered.append(entered)
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.pop().close()
