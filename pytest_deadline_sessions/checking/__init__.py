"""``check_pagination``: the smallest listing that breaks a collector, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, settings

from pytest_deadline_sessions.checking.bench import Bench
from pytest_deadline_sessions.checking.cases import VARIATIONS, Case, Lapse, cases, simplest
from pytest_deadline_sessions.checking.contract import RULES, STATELESS, Finding
from pytest_deadline_sessions.checking.report import PaginationViolation
from pytest_deadline_sessions.paging import Listing

__all__ = [
    "RULES",
    "VARIATIONS",
    "Case",
    "Lapse",
    "PaginationViolation",
    "check_pagination",
]


def check_pagination(
    collect: Callable[..., Any],
    *,
    expected: Callable[[list[Any]], Any] | None = None,
    ordered: bool = True,
    examples: Iterable[Listing | Case] = (),
    without: Collection[str] = (),
    empty_final_token: bool = False,
    max_examples: int | None = None,
    patience: float = 5.0,
) -> None:
    """Hold a collector to the contract, against every kind of listing that the service may serve.

    The collector is called as ``collect(client, farmId=…, queueId=…, jobId=…)``. First come the
    given examples, then the simplest cases of each variation, then what Hypothesis draws under the
    active profile. Clients that the collector makes itself reach the same service, and sleeping
    takes no time.

    Args:
        collect: The function under test: plain, generator or ``async def``; it returns summaries or
            session ids (list, tuple, iterator), or a dict with ``sessions``.
        expected: For a collector that returns anything else: a function from the complete list of
            summaries to what should come out. The result may also be a filtered or sorted list.
        ordered: Whether the order of what comes out matters.
        examples: Listings, or whole cases as a report shows them, to try first.
        without: Variations to leave out, by the names in ``VARIATIONS``.
        empty_final_token: Whether the last page has a token of no characters, which the model
            allows and nothing documents.
        max_examples: How many cases Hypothesis draws; by default what the active profile says.
        patience: How many seconds the collector may work without a call before it is stopped.

    Raises:
        PaginationViolation: The smallest case found that breaks a rule.
        TypeError: An argument of the wrong type.
        ValueError: An unknown variation, or a number out of range.

    Example:
        >>> def collect(client, **job):
        ...     pages = client.get_paginator("list_sessions").paginate(**job)
        ...     return [session for page in pages for session in page["sessions"]]
        >>> check_pagination(collect, max_examples=10)
        >>> def first_page(client, **job):
        ...     return client.list_sessions(**job)["sessions"]
        >>> check_pagination(first_page, max_examples=10)
        Traceback (most recent call last):
            ...
        pytest_deadline_sessions.checking.report.PaginationViolation: the collector is not ...
    """
    __tracebackhide__ = True
    given = _checked(collect, examples, without, max_examples, patience)
    if expected is not None:
        without = {*without, "drift"}
    bench = Bench(
        collect,
        ordered=ordered,
        expected=expected,
        empty_final_token=empty_final_token,
        patience=patience,
    )
    with bench.open():
        violation = _first(bench, given)
        if violation is None:
            violation = _first(bench, simplest(without))
        if violation is None:
            violation = _drawn(bench, without, max_examples)
    if violation is not None:
        raise violation from violation.finding.error


def _first(bench: Bench, several: Iterable[Case]) -> PaginationViolation | None:
    for case in several:
        violation = bench.find(case)
        if violation is not None:
            return violation
    return None


def _drawn(
    bench: Bench, without: Collection[str], max_examples: int | None
) -> PaginationViolation | None:
    last: list[PaginationViolation] = []

    def check(case: Case) -> None:
        violation = bench.find(case)
        if violation is not None:
            last[:] = [violation]
            raise violation

    # Hypothesis keeps failures by the name of the test, so each collector has its own.
    name = getattr(bench.collect, "__qualname__", type(bench.collect).__qualname__)
    module = getattr(bench.collect, "__module__", "")
    check.__name__ = re.sub(r"\W", "_", f"check_pagination_of_{module}.{name}")
    active = settings.default or settings()
    run = settings(
        active,
        deadline=None,
        max_examples=active.max_examples if max_examples is None else max_examples,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )(hypothesis.given(cases(without))(check))
    try:
        run()
    except PaginationViolation:
        return last[0]
    except hypothesis.errors.Flaky:
        return _stateful(last[0])
    return None


def _stateful(violation: PaginationViolation) -> PaginationViolation:
    before = violation.finding
    what = (
        "In one and the same case it is sometimes right and sometimes not, so it keeps something "
        f"between calls. {before.what}"
    )
    finding = Finding(STATELESS, what, before.expected, before.came, before.cause, before.error)
    return PaginationViolation(violation.case, finding, violation.calls)


def _checked(
    collect: Any,
    examples: Any,
    without: Collection[str],
    max_examples: Any,
    patience: float,
) -> list[Case]:
    if not callable(collect):
        msg = f"collect={collect!r} (expected a function of client, farmId, queueId and jobId)"
        raise TypeError(msg)
    unknown = [name for name in without if name not in VARIATIONS]
    if isinstance(without, str) or unknown:
        msg = f"without={without!r} (expected names among {', '.join(VARIATIONS)})"
        raise ValueError(msg)
    if max_examples is not None and (not isinstance(max_examples, int) or max_examples < 1):
        msg = f"max_examples={max_examples!r} (expected 1 or more)"
        raise ValueError(msg)
    if patience <= 0:
        msg = f"patience={patience!r} (expected a number of seconds above 0)"
        raise ValueError(msg)
    given = []
    for one in examples:
        if not isinstance(one, Listing | Case):
            msg = f"examples: {one!r} (expected Listings or Cases)"
            raise TypeError(msg)
        given.append(one if isinstance(one, Case) else Case(one))
    return given
