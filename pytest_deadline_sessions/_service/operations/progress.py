"""The progress of a job's steps, computed from the timelines of its sessions."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._service.workload import Timeline, Work

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.state import JobState


@dataclass(frozen=True)
class Progress:
    """The progress of one step.

    Attributes:
        counts: How many tasks have each status.
        started_at: When the first task started; ``None`` if none has started.
        ended_at: When the last task ended; ``None`` while there are tasks left.
    """

    counts: collections.Counter[str]
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None


def of_step(work: Work, step: int, timelines: Sequence[Timeline]) -> Progress:
    """The progress of one step.

    Args:
        work: The work of the job.
        step: The number of the step.
        timelines: The timelines of the sessions that run the step's tasks.
    """
    tasks = work.tasks_of(step)
    counts = collections.Counter(
        SUCCEEDED=sum(timeline.succeeded for timeline in timelines),
        RUNNING=sum(timeline.running for timeline in timelines),
    )
    counts["READY"] = tasks - counts.total()
    starts = [timeline.start(1) for timeline in timelines if len(timeline) > 1]
    done = counts["SUCCEEDED"] == tasks
    ends = [timeline.start(timeline.tasks + 1) for timeline in timelines if done]
    return Progress(counts, min(starts, default=None), max(ends, default=None))


def of_all_steps(job: JobState, work: Work, now: datetime.datetime) -> list[Progress]:
    """The progress of every step of a job, from one pass over the sessions."""
    timelines = collections.defaultdict[int, list[Timeline]](list)
    for place, summary in enumerate(job.between(0, work.sessions)):
        step, tasks = work.share(place)
        if tasks:
            timelines[step].append(Timeline(summary, now, len(tasks), work.slot))
    return [of_step(work, step, timelines[step]) for step in range(work.steps)]


def total(steps: Iterable[Progress]) -> collections.Counter[str]:
    """How many tasks of all the steps have each status."""
    return sum((step.counts for step in steps), collections.Counter[str]())


def run_status(counts: Mapping[str, int]) -> str:
    """The ``taskRunStatus`` of a step or job, from how many tasks have each status."""
    if counts["RUNNING"]:
        return "RUNNING"
    return "READY" if counts["READY"] else "SUCCEEDED"


def status_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts for every status in the service model, including zeros."""
    return {status: counts.get(status, 0) for status in model.enum("TaskRunStatus")}
