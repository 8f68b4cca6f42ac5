"""The text of a ``PaginationViolation``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.transcript import render
from pytest_deadline_sessions.checking._attempt import RULES, Counterexample
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._program import Program

_MOST_CALLS = 20
_IMPORTS = {
    "import datetime": ("datetime",),
    "from pytest_deadline_sessions import ": ("Behavior", "Listing"),
    "from pytest_deadline_sessions.checking import ": ("Case", "Lapse", "Program"),
}


def report(counterexample: Counterexample, options: Options) -> str:
    """Write the whole report.

    Args:
        counterexample: The broken rule, and the case that breaks it.
        options: The arguments of ``check_pagination``.
    """
    case, finding = counterexample.case, counterexample.finding
    example = case.listing if case == Case(case.listing) else case
    lines = {
        "listing:  ": repr(case.listing),
        "jobs:     ": _jobs(options.jobs),
        "case:     ": repr(case) if example is case else "",
        "expected: ": finding.expected,
        "returned: ": finding.returned,
        "likely cause: ": finding.cause,
    }
    rerun = _call(options, [*counterexample.before, example])
    return "\n".join(
        [
            f"collector violates {finding.rule!r}: {finding.lead or RULES[finding.rule]}",
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
            *(f"    {line}" for line in [*_imports(rerun), rerun]),
        ]
    )


def _jobs(count: int | None) -> str:
    return f"{count} in the queue; each but the first has two pages of one session" if count else ""


def _call(options: Options, examples: Sequence[Case | Listing]) -> str:
    """Write the call of ``check_pagination`` that tries these examples first."""
    arguments = [_name(options.collect, "collect"), f"examples={examples!r}"]
    for option in ("call", "key"):
        value = getattr(options, option)
        if value is not None:
            name = repr(value) if isinstance(value, str) else _name(value, option)
            arguments.append(f"{option}={name}")
    if options.setup is not None:
        arguments.append(f"setup={_name(options.setup, 'setup')}")
    for option in ("jobs", "client"):
        value = getattr(options, option)
        if value is not None:
            arguments.append(f"{option}={value!r}")
    if options.expected is not None:
        arguments.append(f"expected={_name(options.expected, 'expected')}")
    if not options.ordered:
        arguments.append("ordered=False")
    if options.empty_final_token:
        arguments.append("empty_final_token=True")
    return f"check_pagination({', '.join(arguments)})"


def _imports(code: str) -> list[str]:
    lines = []
    for line, names in _IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}[.(]", code)]
        if used:
            lines.append(line + ", ".join(used) if line.endswith(" ") else line)
    return lines


def _name(function: Any, otherwise: str) -> str:
    if isinstance(function, Program):
        return repr(function)
    try:
        name = function.__name__
    except Exception:  # noqa: BLE001 (__name__ may be a property that raises)
        return otherwise
    return name if isinstance(name, str) and name.isidentifier() else otherwise
