"""What a check that passed has tried."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import plural
from pytest_deadline_sessions.checking._case import VARIATIONS, Case
from pytest_deadline_sessions.checking._variations import pages_of, variations_of

# In a tuple, so that rebinding leaves it alone.
_real_clock = (time.perf_counter,)


@public
@dataclass(frozen=True)
class Checked:
    """What ``check_pagination`` tried with a collector that kept the contract.

    Its text is one line, which pytest also prints at the end of a run with ``-v``.

    Attributes:
        cases: How many cases it tried.
        calls: How many requests the collector sent, botocore's retries included.
        variations: For each name in ``VARIATIONS``, in how many cases it varied. A variation that
            was left out has 0.
        seconds: How long the check took, in real time.
        sessions: The most sessions in one listing.
        pages: The most pages in one listing.
        client: The kind of client that the collector used: ``"plain"``, ``"async"``, or
            ``"program"`` for the client of a ``Program``.

    Example:
        >>> from pytest_deadline_sessions import check_pagination
        >>> def collect(client, **job):
        ...     pages = client.get_paginator("list_sessions").paginate(**job)
        ...     return [session for page in pages for session in page["sessions"]]
        >>> checked = check_pagination(collect, max_examples=10, without=["volume"])
        >>> checked.variations["volume"], checked.client
        (0, 'plain')
    """

    cases: int
    calls: int
    variations: Mapping[str, int] = field(hash=False)
    seconds: float
    sessions: int
    pages: int
    client: Literal["plain", "async", "program"]

    def __str__(self) -> str:
        varied = [f"{name} {count:,}" for name, count in self.variations.items() if count]
        left_out = [name for name, count in self.variations.items() if not count]
        parts = [
            f"{plural(self.cases, 'case')}, {plural(self.calls, 'call')} in {self.seconds:.1f} s",
            f"at most {plural(self.sessions, 'session')} and {plural(self.pages, 'page')}",
            f"{self.client} client",
            f"varied: {', '.join(varied)}" if varied else "",
            f"not varied: {', '.join(left_out)}" if left_out else "",
        ]
        return "; ".join(filter(None, parts))


class Tally:
    """Counts what a check tries.

    Args:
        without: The variations that are left out.

    Attributes:
        calls: How many requests the collector has sent.
    """

    def __init__(self, without: Collection[str] = ()) -> None:
        self.calls = 0
        self._without = frozenset(without)
        self._cases = self._sessions = self._pages = 0
        self._variations = dict.fromkeys(VARIATIONS, 0)
        self._began = _real_clock[0]()

    def add(self, case: Case) -> None:
        """Count a case."""
        self._cases += 1
        self._sessions = max(self._sessions, len(case.listing))
        self._pages = max(self._pages, len(pages_of(case)))
        # Some cases of one variation need a little of another, even if that is left out.
        for name in variations_of(case) - self._without:
            self._variations[name] += 1

    def checked(self, client: Literal["plain", "async", "program"]) -> Checked:
        """What has been tried so far.

        Args:
            client: The kind of client that the collector used.
        """
        return Checked(
            cases=self._cases,
            calls=self.calls,
            variations=dict(self._variations),
            seconds=_real_clock[0]() - self._began,
            sessions=self._sessions,
            pages=self._pages,
            client=client,
        )
