"""The text of a ``PaginationViolation``."""

from __future__ import annotations

import datetime
import itertools

from pytest_deadline_sessions._contract.target import Target
from pytest_deadline_sessions._domain.transcript import render
from pytest_deadline_sessions.checking._attempt import RULES, Counterexample, Finding
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._content import items_of
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
    plain, rule = case == Case(case.listing), options.target.worded(RULES[finding.rule])
    lines = {
        "listing:  ": repr(case.listing),
        "jobs:     ": _jobs(options.jobs),
        "case:     ": "" if plain else repr(case),
        "expected: ": finding.expected,
        "returned: ": finding.returned,
        **{f"{label}: ".ljust(10): text for label, text in finding.details},
        **_items(case, finding, options.target),
        "likely cause: ": finding.cause,
    }
    return "\n".join(
        [
            f"collector violates {finding.rule!r}: {finding.lead or rule}",
            "",
            f"  {finding.what}.",
            *(f"  {label}{text}" for label, text in lines.items() if text),
            "",
            "  calls:",
            *(f"    {line}" for line in _calls(counterexample)),
            "",
            "  to rerun this case:",
            *(f"    {line}" for line in rerun(options, [*counterexample.before, case])),
        ]
    )


def _jobs(count: int | None) -> str:
    return f"{count} in the queue; each but the first has two pages of one session" if count else ""


def _items(case: Case, finding: Finding, target: Target) -> dict[str, str]:
    """Show the members of the items that matter for the cause."""
    if not finding.members:
        return {}
    lines = {}
    items = items_of(target, itertools.islice(case.listing, _MOST_SESSIONS), {})
    for place, item in enumerate(items):
        values = (f"{member} {_value(item.get(member))}" for member in finding.members)
        lines[f"#{place}: ".ljust(10)] = ", ".join(values)
    return lines


def _value(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime.datetime) else str(value)


def _calls(counterexample: Counterexample) -> list[str]:
    """Show the requests, below a heading for each call of the collector if there were several."""
    calls, starts = counterexample.calls, counterexample.starts
    if len(starts) == 1:
        return render(calls, longest=_MOST_CALLS).splitlines()
    lines = []
    for number, (start, stop) in enumerate(itertools.pairwise([*starts, len(calls)]), start=1):
        lines.append(f"call {number} of the collector:")
        text = render(calls[start:stop], longest=_MOST_CALLS)
        lines += [f"  {line}" for line in text.splitlines()]
    return lines
