"""``check_pagination``: find the smallest listing that breaks a collector, and explain it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from types import FrameType
from typing import Any, Literal

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions.checking._attempt import RULES, UnfitError
from pytest_deadline_sessions.checking._case import VARIATIONS, Case, Lapse
from pytest_deadline_sessions.checking._checked import Checked
from pytest_deadline_sessions.checking._options import checked_options
from pytest_deadline_sessions.checking._program import Program
from pytest_deadline_sessions.checking._rerun import title
from pytest_deadline_sessions.checking._runner import Runner
from pytest_deadline_sessions.checking._search import search
from pytest_deadline_sessions.checking._trial import Trial
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.checking._violation import PaginationViolation

__all__ = [
    "RULES",
    "VARIATIONS",
    "Case",
    "Checked",
    "Lapse",
    "PaginationViolation",
    "Program",
    "check_pagination",
]

public(Case, __name__)
public(Lapse, __name__)
public(Program, __name__)


@public
def check_pagination(
    collect: Any,
    *,
    operation: str = model.OPERATION,
    call: Callable[[Any, Any, Any], Any] | None = None,
    key: Callable[[Any], Any] | str | None = None,
    jobs: int | None = None,
    setup: Callable[[FakeDeadline, Job], Any] | None = None,
    client: Literal["plain", "async"] | None = None,
    expected: Callable[[list[Any]], Any] | None = None,
    ordered: bool = True,
    examples: Iterable[Listing | Case] = (),
    without: Collection[str] = (),
    empty_final_token: bool = False,
    max_examples: int | None = None,
    patience: float | None = None,
) -> Checked:
    """Check a collector against the contract, in many situations that the service could produce.

    It calls the collector as ``collect(client, farmId=…, queueId=…, jobId=…)``, or with the ids
    that another ``operation`` requires. It tries the given
    examples first, then the simplest cases of each variation, then the cases that Hypothesis draws
    under the active profile. Clients that the collector makes itself reach the same service, and
    sleeping takes no time.

    Args:
        collect: The function under test: plain, generator or ``async def``. It returns summaries or
            session ids (a list, tuple or iterator), a dict with ``sessions``, or text in which the
            ids are. With ``call`` it may be any object, such as a class. A ``Program`` is run as a
            process, in few cases, and without virtual time.
        operation: The API name of the operation whose pages the collector lists, such as
            ``"ListSessionActions"`` or ``"ListSessionsForWorker"``: one that botocore can paginate,
            and whose items have an id. Unless it is ``"ListSessions"``, its items are made of the
            sessions of a case, so that they vary, change and fail in the same ways.
        call: Calls a collector that has another signature: ``call(collect, client, job)``, where
            ``job`` is a dict of the ids.
        key: Where an item of the result has its session id: the name of a key, an attribute or a
            column, or a function of the item. By default ``sessionId`` or ``session_id``, or what
            identifies the items of another ``operation``.
        jobs: For a collector that is told no job, but lists the sessions of all jobs of a queue:
            how many jobs the queue has. It is called as ``collect(client, farmId=…, queueId=…)``,
            and ``job`` has these two ids. The first job has the sessions of the case, and each
            other one two pages of one session.
        setup: A function ``setup(fake, job)`` that prepares the fake for each job, before the
            collector is called, such as by ``fake.describe(job["jobId"], name=…)``.
        client: The kind of client that the collector gets: ``"plain"``, or ``"async"`` for one of
            aiobotocore. By default an asynchronous collector gets an asynchronous one, and a plain
            one if it makes no calls with that.
        expected: For a collector that returns anything else: a function from the complete list of
            summaries to the right result, such as a filtered or sorted list.
        ordered: Whether the order of the result matters.
        examples: Listings, or whole cases as a report shows them, to try first.
        without: Variations to leave out, by their names in ``VARIATIONS``.
        empty_final_token: Whether the last page has an empty token, which the service model allows
            but nothing documents.
        max_examples: How many cases Hypothesis draws; by default the active profile's number, and
            none for a ``Program``.
        patience: How many seconds the collector may go without a call or a sleep before it is
            stopped; by default 5, and 30 for a ``Program``.

    Returns:
        What it tried. pytest prints that at the end of a run with ``-v``.

    Raises:
        PaginationViolation: The collector breaks a rule, in the smallest case that was found.
        RuntimeError: ``setup`` or ``expected`` raises, or ``expected`` returns a value that cannot
            be compared; no event loop can be created for an asynchronous collector, or it is a trio
            coroutine.
        ImportError: ``client="async"``, and the extra ``async`` is not installed.
        TypeError: An argument is of the wrong type, or a function takes other arguments. For a
            collector, the message has a ``call`` to start from.
        ValueError: A variation is unknown, or a number is out of range.

    Example:
        >>> def collect(client, **job):
        ...     pages = client.get_paginator("list_sessions").paginate(**job)
        ...     return [session for page in pages for session in page["sessions"]]
        >>> checked = check_pagination(collect, max_examples=10)
        >>> checked.cases > 100
        True
        >>> def first_page(client, **job):
        ...     return client.list_sessions(**job)["sessions"]
        >>> check_pagination(first_page, max_examples=10)
        Traceback (most recent call last):
            ...
        pytest_deadline_sessions.PaginationViolation: collector violates 'complete': ...
    """
    __tracebackhide__ = True
    options = checked_options(
        collect=collect,
        operation=operation,
        call=call,
        key=key,
        jobs=jobs,
        setup=setup,
        client=client,
        expected=expected,
        ordered=ordered,
        examples=examples,
        without=without,
        empty_final_token=empty_final_token,
        max_examples=max_examples,
        patience=patience,
    )
    runner = Runner(options)
    undoing = Undoing()
    try:
        with undoing, undoing:
            runner.open(undoing)
            trial = Trial(runner)
            counterexample = search(trial)
            if counterexample is not None:
                counterexample = trial.explained(counterexample)
    except UnfitError as unfit:
        # The class is private.
        raise RuntimeError(*unfit.args) from unfit.__cause__
    if counterexample is not None:
        error = _from_the_collector_on(counterexample.finding.error)
        raise PaginationViolation(counterexample, options) from error
    checked = runner.tally.checked(runner.calling.kind)
    _state.checks.append(f"{title(collect)}: {checked}")
    return checked


def _from_the_collector_on(error: BaseException | None) -> BaseException | None:
    """Remove our own frames from the traceback of an error."""
    if error is None:
        return None
    traceback = error.__traceback__
    while traceback is not None and _is_ours(traceback.tb_frame):
        traceback = traceback.tb_next
    return error.with_traceback(traceback)


def _is_ours(frame: FrameType) -> bool:
    package = __name__.partition(".")[0]
    return str(frame.f_globals.get("__name__")).startswith(f"{package}.checking")
