"""Assertions about one summary, a step between two, and the life of a session."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._arguments import check_items, check_kind, check_names, check_switch
from pytest_deadline_sessions._assertions.messages import MOST_SHOWN, text
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import first_of
from pytest_deadline_sessions.lifecycle import Broken


@public
def assert_session_summary(summary: Mapping[str, Any], *, ignore: Collection[str] = ()) -> None:
    """Assert that the service could send this summary.

    Args:
        summary: A session summary.
        ignore: Names of rules (``lifecycle.RULES``) to leave out.

    Raises:
        AssertionError: The summary breaks a rule; the message names every rule that it breaks.
        TypeError: An argument has the wrong type.
        ValueError: ``ignore`` names an unknown rule.

    Example:
        >>> from pytest_deadline_sessions import Listing
        >>> summary = Listing(page_sizes=(1,))[0]
        >>> assert_session_summary(summary)
        >>> assert_session_summary({**summary, "lifecycleStatus": "ENDED"})
        Traceback (most recent call last):
            ...
        AssertionError: The summary breaks "ended-at": endedAt is present exactly when the ...
          source: assumption: the API does not document it; ignore=["ended-at"] turns the rule off
          endedAt: missing (expected a datetime, since lifecycleStatus is ENDED)
    """
    __tracebackhide__ = True
    _check_summary("summary", summary)
    _raise_for([("The summary", lifecycle.violations(summary, ignore=ignore))])


@public
def assert_transition(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    ignore: Collection[str] = (),
    skipping: bool = False,
) -> None:
    """Assert that the service could send one summary of a session and later the other.

    This checks only the step between them; ``assert_lifecycle`` checks each summary, too.

    Args:
        before: A session summary.
        after: A later summary of the same session, or an equal one.
        ignore: Names of rules (``lifecycle.RULES``) to leave out.
        skipping: Whether statuses in between may have been missed, as happens in polling.

    Raises:
        AssertionError: The step breaks a rule; the message names every rule that it breaks.
        TypeError: An argument has the wrong type.
        ValueError: ``ignore`` names an unknown rule.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> session = FakeDeadline().add_job().start_session()
        >>> before = session.summary
        >>> session.end()
        >>> assert_transition(before, session.summary)
    """
    __tracebackhide__ = True
    _check_summary("before", before)
    _check_summary("after", after)
    check_switch("skipping", skipping)
    violations = lifecycle.violations(before, after, ignore=ignore, skipping=skipping)
    _raise_for([("The step from before to after", violations)])


@public
def assert_lifecycle(
    snapshots: Iterable[Mapping[str, Any]],
    *,
    ignore: Collection[str] = (),
    skipping: bool = False,
) -> None:
    """Assert that these are successive summaries of one session, as the service could send them.

    Args:
        snapshots: Summaries, the earliest first.
        ignore: Names of rules (``lifecycle.RULES``) to leave out.
        skipping: Whether statuses in between may have been missed, as happens in polling.

    Raises:
        AssertionError: A snapshot or a step breaks a rule, or there are no snapshots.
        TypeError: An argument has the wrong type.
        ValueError: ``ignore`` names an unknown rule.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> session = FakeDeadline().add_job().start_session()
        >>> snapshots = [session.summary]
        >>> session.request_end()
        >>> snapshots.append(session.summary)
        >>> assert_lifecycle(snapshots)
    """
    __tracebackhide__ = True
    listed = check_items("snapshots", snapshots, "session summaries, the earliest first")
    check_switch("skipping", skipping)
    names = check_names("ignore", ignore, "names of rules")
    for index, snapshot in enumerate(listed):
        _check_summary(f"snapshots[{index}]", snapshot)
    if not listed:
        raise AssertionError("There are no snapshots (expected one or more)")
    violations = [
        (f"snapshots[{index}]", lifecycle.violations(snapshot, ignore=names))
        for index, snapshot in enumerate(listed)
    ]
    violations += [
        (
            f"The step from snapshots[{index}] to snapshots[{index + 1}]",
            lifecycle.violations(before, after, ignore=names, skipping=skipping),
        )
        for index, (before, after) in enumerate(itertools.pairwise(listed))
    ]
    _raise_for(violations)


def _check_summary(name: str, value: Any) -> None:
    check_kind(name, value, Mapping, "a session summary, a dict")


def _raise_for(violations: list[tuple[str, list[Broken]]]) -> None:
    """Raise an error with one paragraph for each broken rule, if any rule is broken."""
    __tracebackhide__ = True
    paragraphs = [
        text(subject, rule, [_line(violation) for violation in of_rule], f'ignore=["{rule.name}"]')
        for subject, broken in violations
        for rule, of_rule in itertools.groupby(broken, key=lambda violation: violation.rule)
    ]
    if paragraphs:
        raise AssertionError("\n".join(first_of(paragraphs, MOST_SHOWN)))


def _line(broken: Broken) -> str:
    return f"{broken.path or 'summary'}: {broken.value} (expected {broken.allowed})"
