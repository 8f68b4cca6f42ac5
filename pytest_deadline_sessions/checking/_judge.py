"""Judge one call of a collector against the contract."""

from __future__ import annotations

from pytest_deadline_sessions.checking._attempt import Attempt, Finding
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._requests import of_requests
from pytest_deadline_sessions.checking._results import of_outcome


def judge(attempt: Attempt, options: Options) -> Finding | None:
    """Find the rule that an attempt breaks; ``None`` if it breaks none.

    Args:
        attempt: The call, and what the collector did.
        options: The arguments of ``check_pagination``.

    Raises:
        UnfitError: ``expected`` fails, or returns a value that cannot be compared.
    """
    # Reading a lazy result may send requests, so the result comes first.
    outcome = None
    if attempt.runaway is None:
        outcome = of_outcome(
            attempt, ordered=options.ordered, expected=options.expected, key=options.key
        )
    return of_requests(attempt) or outcome
