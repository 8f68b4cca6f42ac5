"""``PaginationViolation``: what a broken rule looks like to the person who reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.transcript import Call, render
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._attempt import RULES, Finding
from pytest_deadline_sessions.checking._case import Case

_MOST_CALLS = 20
_IMPORTS = {
    "import datetime": ("datetime",),
    "from pytest_deadline_sessions import ": ("Behavior", "Listing"),
    "from pytest_deadline_sessions.checking import ": ("Case", "Lapse"),
}


@dataclass(frozen=True)
class Options:
    """What the collector was called and held to, for the line that runs a case again.

    Attributes:
        collect: The collector.
        expected: What should come out of the complete list, if not the list.
        ordered: Whether the order matters.
        empty_final_token: Whether the last page has an empty token.
    """

    collect: Callable[..., Any]
    expected: Callable[[list[Any]], Any] | None = None
    ordered: bool = True
    empty_final_token: bool = False

    def again(self, example: Case | Listing) -> str:
        """The call of ``check_pagination`` that tries this example first."""
        arguments = [_name(self.collect, "collect"), f"examples=[{example!r}]"]
        if self.expected is not None:
            arguments.append(f"expected={_name(self.expected, 'expected')}")
        if not self.ordered:
            arguments.append("ordered=False")
        if self.empty_final_token:
            arguments.append("empty_final_token=True")
        return f"check_pagination({', '.join(arguments)})"


@public
class PaginationViolation(AssertionError):  # noqa: N818 (a failed check is no error in itself)
    """A collector broke a rule of the contract.

    Attributes:
        case: All of the situation; ``check_pagination(collect, examples=[case])`` runs it again.
        finding: What was expected and what came, piece by piece.
        calls: What the collector sent, with the answers.
        options: What the collector was held to.
    """

    def __init__(
        self, case: Case, finding: Finding, calls: Sequence[Call], options: Options
    ) -> None:
        self.case = case
        self.finding = finding
        self.calls = list(calls)
        self.options = options
        super().__init__(render_violation(case, finding, calls, options))

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return self.finding.rule

    @property
    def listing(self) -> Listing:
        """The listing that broke it, the smallest one found."""
        return self.case.listing

    @property
    def behavior(self) -> Behavior:
        """What the API leaves open, as the service decided it."""
        return self.case.behavior


def render_violation(case: Case, finding: Finding, calls: Sequence[Call], options: Options) -> str:
    """The whole report, as text."""
    example = case.listing if case == Case(case.listing) else case
    lines = {
        "listing:  ": repr(case.listing),
        "case:     ": repr(case) if example is case else "",
        "expected: ": finding.expected,
        "came:     ": finding.came,
        "likely cause: ": finding.cause,
    }
    again = options.again(example)
    return "\n".join(
        [
            f"the collector is not {finding.rule!r}: {RULES[finding.rule]}",
            "",
            f"  {finding.what}.",
            *(f"  {label}{text}" for label, text in lines.items() if text),
            "",
            "  calls:",
            *(f"    {line}" for line in render(calls, longest=_MOST_CALLS).splitlines()),
            "",
            "  run this very case again:",
            *(f"    {line}" for line in [*_imports(again), again]),
        ]
    )


def _imports(code: str) -> list[str]:
    lines = []
    for line, names in _IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}[.(]", code)]
        if used:
            lines.append(line + ", ".join(used) if line.endswith(" ") else line)
    return lines


def _name(function: Callable[..., Any], otherwise: str) -> str:
    try:
        name = function.__name__
    except Exception:  # noqa: BLE001 (it may have names of its own)
        return otherwise
    return name if isinstance(name, str) and name.isidentifier() else otherwise
