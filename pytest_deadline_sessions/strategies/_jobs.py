"""The sessions, steps and tasks of a job."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_deadline_sessions.strategies._listings import listings
from pytest_deadline_sessions.strategies._options import check_sizes, deferred


def job_contents(
    *, max_sessions: int = 20, max_steps: int = 4, max_tasks: int = 20
) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of ``FakeDeadline.add_job``: sessions and, optionally, steps and tasks.

    Args:
        max_sessions: The most sessions.
        max_steps: The most steps.
        max_tasks: The most tasks in all steps together; each step has at least one.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: no job fits the options.

    Example:
        >>> from hypothesis import find
        >>> contents = find(job_contents(), lambda contents: contents["tasks"] > 1)
        >>> list(contents["sessions"]), contents["steps"], contents["tasks"]
        ([], 1, 2)
    """
    return deferred(lambda: _contents(max_sessions, max_steps, max_tasks))


def _contents(
    max_sessions: int, max_steps: int, max_tasks: int
) -> st.SearchStrategy[dict[str, Any]]:
    check_sizes("min_steps", 0, "max_steps", max_steps)
    check_sizes("max_steps", max_steps, "max_tasks", max_tasks)

    def with_steps(tasks: int) -> st.SearchStrategy[dict[str, Any]]:
        steps = st.integers(1, min(max_steps, tasks)) if tasks else st.just(0)
        drawn = {"sessions": listings(max_sessions=max_sessions), "steps": steps}
        return st.fixed_dictionaries({**drawn, "tasks": st.just(tasks)})

    no_tasks = st.just(0)
    some_tasks = st.integers(1, max_tasks) if max_steps and max_tasks else no_tasks
    return st.one_of(no_tasks, some_tasks).flatmap(with_steps)
