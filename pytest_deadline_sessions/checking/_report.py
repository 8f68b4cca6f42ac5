"""The text of a ``PaginationViolation``."""

from __future__ import annotations

from pytest_deadline_sessions._domain.transcript import render
from pytest_deadline_sessions.checking._attempt import RULES, Counterexample
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._rerun import rerun

_MOST_CALLS = 20


def report(counterexample: Counterexample, options: Options) -> str:
    """Write the whole report.

    Args:
        counterexample: The broken rule, and the case that breaks it.
        options: The arguments of ``check_pagination``.
    """
    case, finding = counterexample.case, counterexample.finding
    plain = case == Case(case.listing)
    lines = {
        "listing:  ": repr(case.listing),
        "case:     ": "" if plain else repr(case),
        "expected: ": finding.expected,
        "returned: ": finding.returned,
        "likely cause: ": finding.cause,
    }
    return "\n".join(
        [
            f"collector violates {finding.rule!r}: {RULES[finding.rule]}",
            "",
            f"  {finding.what}.",
            *(f"  {label}{text}" for label, text in lines.items() if text),
            "",
            "  calls:",
            *(
                f"    {line}"
                for line in render(counterexample.calls, longest=_MOST_CALLS).splitlines()
            ),
            "",
            "  to rerun this case:",
            *(f"    {line}" for line in rerun(options, [*counterexample.before, case])),
        ]
    )
