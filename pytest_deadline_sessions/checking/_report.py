"""The text of a ``PaginationViolation``."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_deadline_sessions._domain.transcript import render
from pytest_deadline_sessions.checking._attempt import RULES, Counterexample, Finding
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._rerun import rerun

_MOST_CALLS = 20
_MOST_SESSIONS = 8


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
        **{f"{label}: ".ljust(10): text for label, text in finding.details},
        **_sessions(case, finding),
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


def _sessions(case: Case, finding: Finding) -> dict[str, str]:
    """Show the members of the sessions that matter for the cause."""
    if not finding.members:
        return {}
    lines = {}
    sessions: Iterable[Mapping[str, Any]] = itertools.islice(case.listing, _MOST_SESSIONS)
    for place, session in enumerate(sessions):
        values = (f"{member} {_value(session[member])}" for member in finding.members)
        lines[f"#{place}: ".ljust(10)] = ", ".join(values)
    return lines


def _value(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime.datetime) else str(value)
