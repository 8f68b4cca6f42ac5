"""``PaginationViolation``: what a broken rule looks like to the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deadline_sessions.checking.cases import Case
from pytest_deadline_sessions.checking.contract import RULES, Finding
from pytest_deadline_sessions.paging import Listing
from pytest_deadline_sessions.service import Behavior
from pytest_deadline_sessions.transcript import Call, render


class PaginationViolation(AssertionError):
    """A collector broke a rule of the contract.

    Attributes:
        rule: The name of the rule.
        listing: The listing that broke it, the smallest one found.
        behavior: What the API leaves open, as the service decided it.
        calls: What the collector sent, with the answers.
        case: All of the situation; ``check_pagination(collect, examples=[case])`` runs it again.
        finding: What was expected and what came, piece by piece.
    """

    def __init__(self, case: Case, finding: Finding, calls: Sequence[Call]) -> None:
        self.case = case
        self.finding = finding
        self.calls = list(calls)
        super().__init__(render_violation(case, finding, calls))

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return self.finding.rule

    @property
    def listing(self) -> Listing:
        """The listing that broke it."""
        return self.case.listing

    @property
    def behavior(self) -> Behavior:
        """What the API leaves open, as the service decided it."""
        return self.case.behavior


def render_violation(case: Case, finding: Finding, calls: Sequence[Call]) -> str:
    """The whole report, as text."""
    example = case.listing if case == Case(case.listing) else case
    parts = [
        f"the collector is not {finding.rule!r}: {RULES[finding.rule]}",
        "",
        f"  {finding.what}.",
        f"  listing:  {case.listing!r}",
    ]
    if example is case:
        parts.append(f"  case:     {case!r}")
    if finding.expected:
        parts.append(f"  expected: {finding.expected}")
    if finding.came:
        parts.append(f"  came:     {finding.came}")
    if finding.cause:
        parts.append(f"  likely cause: {finding.cause}")
    parts += ["", "  calls:", *(f"    {line}" for line in render(calls, longest=20).splitlines())]
    parts += ["", "  run this very case again:"]
    parts += [f"    check_pagination(collect, examples=[{example!r}])"]
    return "\n".join(parts)
