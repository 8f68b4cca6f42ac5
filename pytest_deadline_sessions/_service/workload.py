"""The work of a job: its steps and tasks, and the actions of each session.

Only a few numbers are stored. Which session runs which task, and when, is computed from the place
of the session in the listing.
"""

from __future__ import annotations

import datetime
import functools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import check_whole, wrong_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_ACTION = datetime.timedelta(seconds=20)
_WHOLE_LIFE = datetime.timedelta(minutes=30)


@dataclass(frozen=True)
class Work:
    """The steps and tasks of a job, distributed among its sessions.

    A session runs tasks of one step only, and a step's sessions take its tasks in turn. A step
    without a session waits.

    Attributes:
        steps: How many steps.
        tasks: How many tasks, distributed among the steps in turn.
        sessions: How many sessions share the tasks; sessions that start later run none.
        first_step: The number of the first step's id.
    """

    steps: int
    tasks: int
    sessions: int
    first_step: int

    def step_id(self, step: int) -> str:
        """The id of a step."""
        return model.make_id("StepId", self.first_step + step)

    def task_id(self, step: int, task: int) -> str:
        """The id of a task, made of the digits of its step's id and its number in the step."""
        return f"task-{_digits(self.step_id(step))}-{task}"

    def find_step(self, step_id: str) -> int | None:
        """The number of the step with the given id; ``None`` if there is none."""
        step = int(_digits(step_id), 16) - self.first_step
        return step if 0 <= step < self.steps else None

    def find_task(self, task_id: str) -> tuple[int, int] | None:
        """The numbers of the step and the task for a task id; ``None`` if there is none."""
        _, digits, number = task_id.split("-")
        step, task = self.find_step(digits), int(number)
        return (step, task) if step is not None and task < self.tasks_of(step) else None

    def tasks_of(self, step: int) -> int:
        """How many tasks a step has."""
        return len(range(step, self.tasks, self.steps))

    def places(self, step: int) -> range:
        """The places, in the listing, of the sessions that run tasks of a step."""
        every = range(step, self.sessions, self.steps)
        return every[: self.tasks_of(step)]

    def place_of(self, step: int, task: int) -> tuple[int, int] | None:
        """The place of the session that runs a task, and the action's number in that session.

        ``None`` if no session runs the task.
        """
        places = self.places(step)
        if not places:
            return None
        turn, index = task % len(places), task // len(places)
        return places[turn], index + 1

    def share(self, place: int) -> tuple[int, range]:
        """The step that a session works on, and which of the step's tasks it runs."""
        step, turn = place % self.steps, place // self.steps
        places = self.places(step)
        tasks = range(turn, self.tasks_of(step), len(places)) if place in places else range(0)
        return step, tasks

    @functools.cached_property
    def slot(self) -> datetime.timedelta:
        """How long an action takes if the session lasts long enough."""
        actions = 1 + max(len(self.share(step)[1]) for step in range(self.steps))
        return min(_LONGEST_ACTION, _WHOLE_LIFE / actions)


@dataclass(frozen=True)
class Timeline:
    """The actions of one session over time: it enters an environment, runs tasks and leaves.

    Reported history never changes: an action keeps its start, and its end once it has ended. While
    a session is active its last task keeps running; once it has ended, all its tasks are done.

    Attributes:
        summary: The current summary of the session.
        now: The service's time.
        tasks: How many tasks the session runs.
        slot: How long an action takes if the session lasts long enough.
    """

    summary: Mapping[str, Any]
    now: datetime.datetime
    tasks: int
    slot: datetime.timedelta

    def __len__(self) -> int:
        """How many actions have started."""
        if self.ended:
            return self.tasks + 2
        started: datetime.datetime = self.summary["startedAt"]
        begun = math.floor((self.now - started) / self.slot) + 1
        return max(0, min(begun, self.tasks + 1))

    @property
    def ended(self) -> bool:
        """Whether the session has ended, so that its work is done."""
        return bool(self.summary["lifecycleStatus"] == lifecycle.ENDED)

    @property
    def succeeded(self) -> int:
        """How many tasks are done."""
        return self.tasks if self.ended else max(0, len(self) - 2)

    @property
    def running(self) -> int:
        """How many tasks run now: 1 or 0."""
        return int(not self.ended and len(self) > 1)

    def action(self, index: int) -> dict[str, Any]:
        """The status and times of an action that has started."""
        if not self.ended and index == len(self) - 1:
            return {"status": "RUNNING", "startedAt": self.start(index)}
        return {
            "status": "SUCCEEDED",
            "startedAt": self.start(index),
            "endedAt": self.start(index + 1),
            "processExitCode": 0,
            "progressPercent": 100.0,
        }

    def start(self, index: int) -> datetime.datetime:
        """When an action starts, which is when the previous action ends."""
        started: datetime.datetime = self.summary["startedAt"]
        if not self.ended:
            return started + index * self.slot
        ended: datetime.datetime = self.summary["endedAt"]
        if index > self.tasks:
            return ended
        # Actions that the end of the session would cut off share the time that is left.
        in_time = min(self.tasks, math.floor((ended - started) / self.slot))
        hurried = max(0, index - in_time)
        left = ended - started - in_time * self.slot
        return started + (index - hurried) * self.slot + left * hurried / (self.tasks + 1 - in_time)


def checked(steps: int | None, tasks: int | None) -> tuple[int, int]:
    """Check the numbers of steps and tasks, and fill in those that are ``None``.

    Raises:
        TypeError: A number is not whole.
        ValueError: A number is negative, or the number of tasks does not fit the steps.
    """
    for name, value in (("steps", steps), ("tasks", tasks)):
        if value is not None:
            check_whole(name, value)
    if steps is None:
        steps = min(1, tasks or 0)
    if tasks is None:
        tasks = steps
    if tasks < steps or (tasks and not steps):
        allowed = f"{steps} or more, one for each step" if steps else "0, since there are no steps"
        raise wrong_value("tasks", tasks, allowed)
    return steps, tasks


def _digits(identifier: str) -> str:
    return re.sub("^[a-z]+-", "", identifier)


def definitions(work: Work, job_id: str, place: int, actions: range) -> Iterator[dict[str, Any]]:
    """Yield the ``definition`` of some actions of a session, as the API returns it."""
    step, tasks = work.share(place)
    environment = {"environmentId": f"JOB:{job_id}:Environment"}
    for index in actions:
        if index == 0:
            yield {"envEnter": environment}
        elif index > len(tasks):
            yield {"envExit": environment}
        else:
            task = tasks[index - 1]
            yield {
                "taskRun": {
                    "stepId": work.step_id(step),
                    "taskId": work.task_id(step, task),
                    "parameters": parameters(task),
                }
            }


def parameters(task: int) -> dict[str, dict[str, str]]:
    """The parameters of a task."""
    return {"Frame": {"int": str(task + 1)}}
