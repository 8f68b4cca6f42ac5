"""Possible causes of a violation, each with the experiments that would refute it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._case import Case


@dataclass(frozen=True)
class Observation:
    """What a collector did in a case.

    Attributes:
        attempt: The call, and what the collector did.
        got: The session ids that it returned; ``None`` if it returned something else.
    """

    attempt: Attempt
    got: Sequence[str] | None

    @property
    def ids(self) -> list[str]:
        """The ids of the listing."""
        return self.attempt.ids

    @property
    def pages(self) -> list[list[str]]:
        """The ids of each page that the collector received."""
        target = self.attempt.target
        return [
            [item[target.key] for item in target.items(call)]
            for call in self.attempt.requests
            if call.error is None
        ]

    @property
    def went_on(self) -> bool:
        """Whether the collector requested the last page, and received it."""
        return self._answered() > 0 and not self.attempt.requests[-1].next_token

    def stopped_after(self, pages: int) -> bool:
        """Whether the collector stopped after so many pages, though there were more."""
        return self._answered() == pages and bool(self.attempt.requests[-1].next_token)

    def _answered(self) -> int:
        """How many requests there were; 0 if the last one failed, or the collector was stopped."""
        requests = self.attempt.requests
        usable = requests and self.attempt.runaway is None and requests[-1].error is None
        return len(requests) if usable else 0


@dataclass(frozen=True)
class Experiment:
    """A case that would refute a cause.

    Attributes:
        case: The case.
        shows: Whether the collector did there what it must do if the cause is right.
    """

    case: Case
    shows: Callable[[Observation], bool]


@dataclass(frozen=True)
class Suspicion:
    """A possible cause of a violation.

    Attributes:
        text: The cause, as a sentence about the collector.
        experiments: What would refute it. Without any, it is what requests and result show.
        members: The members of sessions that matter for it.
    """

    text: str
    experiments: tuple[Experiment, ...] = ()
    members: tuple[str, ...] = ()


def of_pages(*sizes: int, shows: Callable[[Observation], bool]) -> Experiment:
    """An experiment with pages of so many sessions."""
    return Experiment(Case(Listing(page_sizes=sizes)), shows)


def joined(pages: Sequence[Sequence[str]]) -> list[str]:
    """The ids of several pages in one list."""
    return [each for page in pages for each in page]
