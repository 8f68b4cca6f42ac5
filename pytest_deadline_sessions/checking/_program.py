"""``Program``: a collector that is a command, in any language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_deadline_sessions._arguments import (
    check_callable,
    check_items,
    check_kind,
    wrong_type,
    wrong_value,
)
from pytest_deadline_sessions._text import concise
from pytest_deadline_sessions.checking._signatures import check_signature

PATIENCE = 30.0
"""How many seconds a program may run without a call, unless ``patience=`` says otherwise."""

_COMMAND = "a list of strings: a program and its arguments"
_ENVIRONMENT = "a dict of strings"


@dataclass(frozen=True, repr=False)
class Program:
    """A collector that is a command: ``check_pagination`` runs it, and reads what it prints.

    The command is started anew for each call. It reaches the fake through its environment, as
    ``FakeDeadline.serve`` describes, and fails by an exit status other than 0.

    Args:
        command: The program and its arguments, in which ``{farmId}``, ``{queueId}`` and ``{jobId}``
            stand for the ids, or the names of those that another ``operation=`` requires.
        parse: A function from the standard output to the result. By default the result is the
            text, and the ids in it count.
        environment: Environment variables to set or to replace.
        directory: The directory to run it in; by default the current one.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The command is empty.

    Example:
        >>> Program(["aws", "deadline", "list-sessions", "--job-id", "{jobId}"])
        Program(['aws', 'deadline', 'list-sessions', '--job-id', '{jobId}'])
    """

    command: Sequence[str]
    parse: Callable[[str], Any] | None = None
    environment: Mapping[str, str] | None = None
    directory: str | None = None

    def __post_init__(self) -> None:
        """Check every argument now."""
        command = check_items("command", self.command, _COMMAND)
        for part in command:
            check_kind("command", part, str, _COMMAND)
        if not command:
            raise wrong_value("command", self.command, _COMMAND)
        object.__setattr__(self, "command", command)
        if self.parse is not None:
            check_callable("parse", self.parse, "a function of the standard output")
            check_signature("parse", self.parse, "output")
        if self.environment is not None:
            variables = check_kind("environment", self.environment, Mapping, _ENVIRONMENT)
            if not all(isinstance(part, str) for item in variables.items() for part in item):
                raise wrong_type("environment", self.environment, _ENVIRONMENT)
        if self.directory is not None:
            check_kind("directory", self.directory, str, "the path of a directory")

    def __repr__(self) -> str:
        return concise(self, positional=1)
