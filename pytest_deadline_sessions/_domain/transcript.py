"""The transcript: every call with its outcome, and how calls are shown."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model, types
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import abbreviate, plural, shown
from pytest_deadline_sessions._text import same as equal

_LONGEST = 60
_WIDEST = 500
_ID = re.compile("([a-z]+-)([0-9a-f]{4})[0-9a-f]{24}([0-9a-f]{4})")


@public
@dataclass(frozen=True)
class Call:
    """One request with its outcome.

    Attributes:
        operation: The API name, such as ``ListSessions``.
        params: The arguments as they arrived.
        at: The service's time.
        response: The result as the client gets it; ``None`` if the call failed.
        error: The code of the fault, including broken connections, or the class name of the
            exception that an operation raised; ``None`` if there was no error.
        message: The message of the fault or exception, or why the call was not sent.
        status: The HTTP status; ``None`` if the service sent no response.
        attempt: 1 for the first attempt, more for botocore's retries of the same call.
        reason: The ``reason`` of a ``ValidationException``.
        sent: ``False`` for a call that botocore's own validation refused.
        planned: Whether the call failed because ``fail_next`` had planned it.
    """

    operation: str
    params: Mapping[str, Any]
    at: datetime.datetime
    response: Mapping[str, Any] | None = field(default=None, repr=False)
    error: str | None = None
    message: str = ""
    status: int | None = None
    attempt: int = 1
    reason: str | None = None
    sent: bool = True
    planned: bool = field(default=False, repr=False)

    @property
    def token(self) -> str | None:
        """The ``nextToken`` of the request."""
        return self.params.get("nextToken")

    @property
    def next_token(self) -> str | None:
        """The ``nextToken`` of the response."""
        return None if self.response is None else self.response.get("nextToken")

    @property
    def sessions(self) -> list[types.SessionSummary]:
        """The summaries of the response; empty after a fault."""
        return [] if self.response is None else list(self.response.get("sessions", ()))

    @property
    def retry(self) -> bool:
        """Whether this is one of botocore's retries."""
        return self.attempt > 1

    def __str__(self) -> str:
        return render_call(self)


@public
class Transcript(Sequence[Call]):
    """All calls, in the order in which they arrived; safe to use from several threads.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> fake = FakeDeadline()
        >>> response = fake.client().list_sessions(**fake.add_job())
        >>> [call.operation for call in fake.calls]
        ['ListSessions']
    """

    def __init__(self, calls: Iterable[Call] = ()) -> None:
        self._calls = list(calls)
        self._is_of_example = False

    def add(self, call: Call) -> None:
        """Append a call, and enter the transcript in the journal of the running test."""
        with _state.lock:
            if self not in _state.journal:
                _state.journal.append(self)
            self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        with _state.lock:
            self._calls.clear()
            if self in _state.journal:
                _state.journal.remove(self)

    def replace(self, calls: Iterable[Call]) -> None:
        """Replace all calls by these."""
        remaining = list(calls)
        self.clear()
        for call in remaining:
            self.add(call)

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls[:])

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Transcript) else self._calls == other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<Transcript of {len(self)} calls>"

    def __str__(self) -> str:
        return render(self)


def begin_example(transcript: Transcript) -> None:
    """Make failure reports show this transcript instead of those of earlier examples.

    An example is one run of a state machine.
    """
    with _state.lock:
        for other in list(_state.journal):
            if other._is_of_example:  # noqa: SLF001 (a transcript belongs to this module)
                _state.journal.remove(other)
        transcript._is_of_example = True  # noqa: SLF001


def render(calls: Iterable[Call], *, longest: int = _LONGEST) -> str:
    """One line per call; a long transcript keeps its beginning and its end.

    Args:
        calls: The calls, or a transcript.
        longest: The most calls to show.
    """
    every = list(calls)
    if not every:
        return "no calls"
    half = longest // 2
    left_out = len(every) - 2 * half if len(every) > longest else 0
    included = [*every[:half], *every[half + left_out :]]
    lines = [
        render_call(call, previous)
        for previous, call in zip([None, *included], included)  # noqa: B905 (one longer by design)
    ]
    if left_out:
        lines.insert(half, f"  … {plural(left_out, 'call')} left out …")
    return "\n".join(lines)


def render_call(call: Call, previous: Call | None = None) -> str:
    """One call in one line, without the arguments that are the same as in ``previous``."""
    if call.retry:
        return f"    retry {call.attempt - 1}: {_outcome(call)}  at {_time(call.at)}"
    same = previous.params if previous is not None and previous.operation == call.operation else {}
    text = render_arguments(call.params, same)
    return f"{call.operation}({text}) → {_outcome(call)}  at {_time(call.at)}"


def render_arguments(params: Mapping[str, Any], same: Mapping[str, Any]) -> str:
    """Arguments without those that equal ones in ``same``; token and ids are abbreviated."""
    arguments = [
        f"{name}={_value(name, value)}"
        for name, value in params.items()
        if name == "nextToken" or name not in same or not equal(same[name], value)
    ]
    dropped = [f"no {name}" for name in same if name not in params and name != "nextToken"]
    return ", ".join([*arguments, *dropped])


def _value(name: str, value: Any) -> str:
    if name == "nextToken" and isinstance(value, str):
        return abbreviate(value)
    match = _ID.fullmatch(value) if isinstance(value, str) else None
    return shown(value, _WIDEST) if match is None else "{}{}…{}".format(*match.groups())


def _outcome(call: Call) -> str:
    if not call.sent:
        return f"never sent: {_in_one_line(call.message)}"
    if call.error is not None:
        status = "" if call.status is None else f"{call.status} "
        reason = "" if call.reason is None else f" ({call.reason})"
        wording = f": {_in_one_line(call.message)}" if call.message else ""
        return f"{status}{call.error}{reason}{wording}"
    response = call.response or {}
    parts = [
        f"{len(value)} {name if len(value) != 1 else name.rstrip('s')}"
        for name, value in response.items()
        if isinstance(value, list)
    ]
    token = response.get("nextToken")
    if token is not None:
        parts.append(f"token {abbreviate(token)}")
    elif parts and _pages(call.operation):
        parts.append("no token")
    return ", ".join([str(call.status or "answered"), *parts])


def _pages(operation: str) -> bool:
    """Whether the results of an operation come in pages."""
    return "nextToken" in model.output_shape(operation).members


def _in_one_line(text: str) -> str:
    return "; ".join(text.splitlines())


def _time(at: datetime.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
