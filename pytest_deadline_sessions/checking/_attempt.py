"""The rules of the contract, and the record of one call of a collector."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._contract.rules import COLLECTOR_RULES
from pytest_deadline_sessions._contract.target import Target, target_of
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._text import same
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._content import items_of

RULES = {name: rule.reason for name, rule in COLLECTOR_RULES.items()}
"""The wording of each rule that a collector must keep, by the rule's name."""

MOST_FAULTS = 1_000
"""A collector is stopped after this many failed requests, botocore's retries included."""


RAISED = (Exception, SystemExit, GeneratorExit, asyncio.CancelledError)
"""The exceptions that count as the collector's; others belong to the test runner."""


class UnfitError(RuntimeError):
    """``check_pagination`` cannot judge the collector with these arguments or in this process."""


@dataclass(frozen=True)
class Finding:
    """A rule that a collector broke.

    Attributes:
        rule: The name of the rule.
        what: The problem, without its final full stop.
        expected: The right result, shortened.
        returned: The result of the collector, shortened.
        cause: A likely cause that experiments have not refuted.
        error: The exception that the collector raised.
        lead: What the report says first, in place of the rule's text: if the rule does not help.
        details: More to show: pairs of a label and a text.
        suspects: Yields the suspicions that have not been tried, the likeliest first.
        members: The members of sessions that matter for the cause.
    """

    rule: str
    what: str
    expected: str = ""
    returned: str = ""
    cause: str = ""
    error: BaseException | None = None
    lead: str = ""
    details: tuple[tuple[str, str], ...] = ()
    suspects: Callable[[], Iterable[Any]] = tuple
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counterexample:
    """A case in which a collector broke a rule.

    Attributes:
        case: The case.
        finding: The rule that it broke, and how.
        calls: The requests that the collector sent, with the answers.
        number: Seeds the ids and the tokens of the case.
        before: The cases that must come first, because the collector keeps state from them.
        starts: Where in ``calls`` each call of the collector begins.
        slow: Whether the collector was stopped because it ran too long without a call.
    """

    case: Case
    finding: Finding
    calls: tuple[Call, ...]
    number: int = 0
    before: tuple[Case, ...] = ()
    starts: tuple[int, ...] = (0,)
    slow: bool = False

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return self.finding.rule


@dataclass
class _Tally:
    """Counts requests, to decide how many a collector may send.

    Attributes:
        failed: How many requests failed, of any operation.
        healed: How many of those botocore sent again.
        retries: How many requests for pages were botocore's own retries.
        limit: The smallest maxResults that was sent.
        repeats: How many requests in a row have repeated the current token.
        held: The most sessions in any response to the current token.
        resumptions: How many requests may have resumed in the middle of a page.
    """

    failed: int = 0
    healed: int = 0
    retries: int = 0
    limit: int = model.bounds("MaxResults")[1]
    repeats: int = 0
    held: int = 0
    resumptions: int = 0

    def add(self, call: Call, previous: Call | None, held: int) -> None:
        """Count one request for a page, whose response holds so many items."""
        self.add_outcome(call)
        if call.retry:
            self.retries += 1
        elif previous is not None and same(call.token, previous.token):
            self.repeats += 1
            if self.repeats < self.held:
                self.resumptions += 1
        else:
            self.repeats = self.held = 0
        self.held = max(self.held, held)
        self.limit = min(self.limit, validation.page_limit(call.params))

    def add_outcome(self, call: Call) -> None:
        """Count whether a request failed, and whether it was one of botocore's retries."""
        if call.retry:
            self.healed += 1
        if call.error is not None:
            self.failed += 1


@dataclass
class Attempt:
    """One call of a collector: its situation, and what it did.

    Attributes:
        listing: The job's sessions when the collector was called.
        page_size: The most sessions that the service puts in a page.
        job: The ids that the collector was told.
        target: The operation whose pages it should collect.
        others: The listings of the queue's other jobs, if the collector was told no job.
        job_ids: The ids of all jobs that it should list, if it was told none.
        known: For each listing, the ids that its items may have.
        called_before: Whether the collector has requested pages before, if in another case.
        earlier: The ids and the tokens that earlier calls of the collector received.
        resumable: The requests of earlier calls for the same job, whose tokens are still good.
        same_object: Whether it returned the same object as in the previous call.
        healthy: Whether a request can fail only because of the collector itself.
        added: The ids of sessions that started while it ran.
        requests: The requests for pages that it sent.
        failed_others: The requests of other operations that were made to fail.
        returned: Its return value; a list of the items if that is an iterator.
        error: The exception that it raised.
        runaway: Why it was stopped, if it was.
        elsewhere: The process or host that it turned to, as a sentence; empty if to none.
        place: The line of its code where it was stopped.
    """

    listing: Listing
    page_size: int
    job: Mapping[str, str]
    earlier: Collection[str] = ()
    resumable: Sequence[Call] = ()
    others: tuple[Listing, ...] = ()
    job_ids: tuple[str | None, ...] = ()
    target: Target = field(default_factory=target_of)
    known: tuple[Mapping[str, str], ...] = ()
    healthy: bool = False
    called_before: bool = False
    added: set[str] = field(default_factory=set)
    requests: list[Call] = field(default_factory=list)
    failed_others: list[Call] = field(default_factory=list)
    returned: Any = None
    same_object: bool = False
    error: BaseException | None = None
    runaway: str | None = None
    elsewhere: str = ""
    place: str = ""
    _tally: _Tally = field(default_factory=_Tally, init=False)
    _pages: dict[int, int] = field(default_factory=dict, init=False)
    _filters: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Take the job that the collector was told for the only one."""
        self.job_ids = self.job_ids or (self.job.get("jobId"),)

    def add(self, call: Call) -> None:
        """Record one request; those of other operations only fail or not."""
        if call.operation != self.target.operation:
            self._tally.add_outcome(call)
            if call.planned:
                self.failed_others.append(call)
            return
        job = self.job_of(call)
        previous = (each for each in reversed(self.requests) if same(self.job_of(each), job))
        self._tally.add(call, next(previous, None), len(self.target.items(call)))
        self.requests.append(call)
        self._filters.add(repr(self._filter(call)))

    def _filter(self, call: Call) -> dict[str, Any]:
        """The arguments of a request that say which of the items it is about."""
        known = {"nextToken", "maxResults", *self.target.ids}
        return {name: value for name, value in call.params.items() if name not in known}

    def job_of(self, call: Call) -> Any:
        """The id of the job that a request names, if it is text; else what it has in its place."""
        value = call.params.get("jobId") if "jobId" in self.target.ids else None
        return str.__str__(value) if isinstance(value, str) else value

    @property
    def items(self) -> list[Any]:
        """The complete list of items that the collector should find, such as summaries."""
        listings = (self.listing, *self.others)
        known = self.known or ({},) * len(listings)
        return [
            item
            for listing, ids in zip(listings, known, strict=True)
            for item in items_of(self.target, listing, ids)
        ]

    @property
    def ids(self) -> list[str]:
        """The ids of these items."""
        listings = (self.listing, *self.others)
        id_of = self.target.id_of
        return [id_of(summary["sessionId"]) for listing in listings for summary in listing]

    @property
    def count(self) -> int:
        """How many sessions the collector should find."""
        return sum(len(listing) for listing in (self.listing, *self.others))

    @property
    def faults(self) -> int:
        """How many calls failed permanently: after botocore had given up retrying."""
        return self._tally.failed - self._tally.healed

    @property
    def delayed(self) -> bool:
        """Whether botocore retried a request, which takes time."""
        return self._tally.healed > 0

    @property
    def limit(self) -> int:
        """The smallest maxResults that it sent."""
        return self._tally.limit

    def allowance(self) -> int:
        """How many calls the collector may make, not counting retries.

        Code that takes a page in parts, as ``PaginationConfig`` does with ``MaxItems``, requests
        the page once for each part: at most once for each of its sessions. With each other filter,
        it may list as many pages again.
        """
        jobs = 1 + len(self.others)
        passes = (1 + self.faults) * max(len(self._filters), 1)
        return (self.pages() + jobs) * passes + self._tally.resumptions

    def pages(self) -> int:
        """How many pages there are for the smallest maxResults that was sent."""
        limit = self._tally.limit
        if limit not in self._pages:
            self._pages[limit] = sum(
                1
                for listing in (self.listing, *self.others)
                for _ in listing.cuts(limit, self.page_size)
            )
        return self._pages[limit] + len(self.added)

    def excess(self) -> str | None:
        """Say how the collector exceeded its allowance; ``None`` if it did not."""
        if self._tally.failed > MOST_FAULTS:
            return f"it kept going after {MOST_FAULTS} failed requests"
        calls = len(self.requests) - self._tally.retries
        if calls > self.allowance():
            return f"it made {calls} calls (expected at most {self.allowance()})"
        return None
