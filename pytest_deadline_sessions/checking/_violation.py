"""``PaginationViolation``: what ``check_pagination`` raises."""

from __future__ import annotations

import copyreg
from typing import Any

from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._attempt import Counterexample, Finding
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._report import report


@public
class PaginationViolation(AssertionError):  # noqa: N818 (a failed check, not an error)
    """A collector broke a rule of the contract.

    Args:
        counterexample: The broken rule, and the case that breaks it.
        options: The arguments of ``check_pagination``.

    Attributes:
        case: The whole situation; ``check_pagination(collect, examples=[case])`` reruns it.
        finding: The broken rule, with the expected and the actual result.
        calls: The requests that the collector sent, with the answers.
        options: The arguments of ``check_pagination``.
    """

    def __init__(self, counterexample: Counterexample, options: Options) -> None:
        self.case: Case = counterexample.case
        self.finding: Finding = counterexample.finding
        self.calls: list[Call] = list(counterexample.calls)
        self.options: Options = options
        super().__init__(report(counterexample, options))

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, an exception is copied and unpickled by a call with its text.
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return self.finding.rule

    @property
    def listing(self) -> Listing:
        """The listing of ``case``."""
        return self.case.listing

    @property
    def behavior(self) -> Behavior:
        """The service's decisions on what the API does not document."""
        return self.case.behavior
