"""The assertion that calls follow the tokens they were given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._assertions.messages import MOST_SHOWN, failure, listed, wrong
from pytest_deadline_sessions._domain.transcript import Call, render
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import abbreviate, plain, shown
from pytest_deadline_sessions.lifecycle import REFERENCE, Rule

_FOLLOWS = Rule("follows-tokens", "A follow-up call passes the token of the last page.", REFERENCE)
_KEEPS = Rule("keeps-arguments", "A follow-up call repeats all other arguments.", REFERENCE)

_JOB = ("farmId", "queueId", "jobId")


@public
def assert_follows_tokens(calls: Iterable[Call]) -> None:
    """Assert that each follow-up call repeats the other arguments and passes the last token.

    Chains of several jobs may interleave. A chain may stop early, and may begin with a token from
    elsewhere. After a fault its call may be sent again, or the listing begun again; botocore's own
    retries are no follow-up calls. Operations other than ``ListSessions`` are ignored.

    One listing asked for from its start again, before its last page and without a fault, is taken
    for a follow-up call that lost its token. For code that polls the first page, clear
    ``fake.calls`` in between.

    Args:
        calls: The calls, such as ``fake.calls``.

    Raises:
        AssertionError: A call does not, or there are no calls.
        TypeError: An argument of the wrong type.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline
        >>> fake = FakeDeadline()
        >>> job, client = fake.add_job(sessions=5), fake.client()
        >>> page = client.list_sessions(**job, maxResults=3)
        >>> page = client.list_sessions(**job, maxResults=3, nextToken=page["nextToken"])
        >>> assert_follows_tokens(fake.calls)
        >>> page = client.list_sessions(**job, maxResults=3)
        >>> page = client.list_sessions(**job, maxResults=2, nextToken=page["nextToken"])
        Traceback (most recent call last):
            ...
        botocore.errorfactory.ValidationException: An error occurred ...
        >>> assert_follows_tokens(fake.calls)
        Traceback (most recent call last):
            ...
        AssertionError: calls[3] breaks "keeps-arguments": A follow-up call repeats all other ...
          source: API reference
          maxResults: 2 (expected 3, as the token was issued for)
          ...
    """
    __tracebackhide__ = True
    every = listed("calls", calls, "calls, such as those of a transcript")
    for index, call in enumerate(every):
        if not isinstance(call, Call):
            raise wrong(f"calls[{index}]", call, "a Call")
    if not any(call.operation == model.OPERATION for call in every):
        msg = f"There are no calls of {model.OPERATION} (expected one or more)"
        raise AssertionError(msg)
    chains = _Chains()
    for index, call in enumerate(every):
        found = chains.take(call) if call.operation == model.OPERATION else None
        if found is not None:
            rule, line = found
            shown = render(every[: index + 1], longest=MOST_SHOWN).splitlines()
            lines = [line, "calls:", *(f"  {one}" for one in shown)]
            raise failure(f"calls[{index}]", rule, lines)


@dataclass
class _Chain:
    """The calls of one listing, so far.

    Attributes:
        arguments: Those other than ``nextToken``.
        token: What the next call has to pass; ``None`` after the last page.
        asked: What the last call passed.
        failed: Whether the last call failed.
    """

    arguments: Mapping[str, Any]
    token: str | None
    asked: str | None = None
    failed: bool = False

    def of_job(self, call: Call) -> bool:
        """Whether a call is about the same job."""
        return all(self.arguments.get(name) == call.params.get(name) for name in _JOB)


class _Chains:
    """Every chain, and how calls fit them."""

    def __init__(self) -> None:
        self._chains: list[_Chain] = []
        self._passed: list[str | None] = []

    def take(self, call: Call) -> tuple[Rule, str] | None:
        """Put a call to its chain, or tell the rule that it breaks and how."""
        arguments = {name: value for name, value in call.params.items() if name != "nextToken"}
        same = [chain for chain in self._chains if chain.arguments == arguments]
        if call.retry:
            chain = next((one for one in same if one.asked == call.token), None)
        elif call.token is None:
            found = self._begin(same)
            if found is not None:
                return found
            chain = None
        else:
            chain = next((one for one in same if one.token == call.token), None)
            found = None if chain is not None else self._astray(call, arguments)
            if found is not None:
                return found
        if chain is None:
            chain = _Chain(arguments, call.token)
            self._chains.append(chain)
        self._answer(chain, call)
        return None

    def _answer(self, chain: _Chain, call: Call) -> None:
        chain.asked = call.token
        chain.failed = call.error is not None
        if not chain.failed:
            self._passed.append(call.token)
            # A last page may have an empty token in place of none.
            chain.token = call.next_token or None

    def _begin(self, same: list[_Chain]) -> tuple[Rule, str] | None:
        for chain in same:
            if chain.token is not None and not chain.failed:
                return _FOLLOWS, f"nextToken: missing (expected {abbreviate(chain.token)})"
            self._chains.remove(chain)
        return None

    def _astray(self, call: Call, arguments: Mapping[str, Any]) -> tuple[Rule, str] | None:
        """What is wrong with a token that no chain with these arguments waits for."""
        issued = [chain for chain in self._chains if chain.token == call.token]
        if issued:
            return _KEEPS, _changed(max(issued, key=lambda one: one.of_job(call)), arguments)
        of_job = [chain for chain in self._chains if chain.of_job(call)]
        passed = ", which was passed before" if call.token in self._passed else ""
        if not of_job and not passed:
            return None
        if not of_job:
            due = "none, since the job was not listed before"
        elif of_job[-1].token is None:
            due = "none, since the last page had none"
        else:
            due = _shown(of_job[-1].token)
        came = _shown(call.token)
        if came == due:
            came, due = repr(call.token), repr(of_job[-1].token)
        return _FOLLOWS, f"nextToken: {came}{passed} (expected {due})"


def _changed(chain: _Chain, arguments: Mapping[str, Any]) -> str:
    changes = [
        f"{name}: {plain(arguments.get(name, 'missing'))} "
        f"(expected {plain(chain.arguments.get(name, 'none'))}, as the token was issued for)"
        for name in sorted({*chain.arguments, *arguments})
        if chain.arguments.get(name) != arguments.get(name)
    ]
    return "; ".join(changes)


def _shown(token: Any) -> str:
    return abbreviate(token) if isinstance(token, str) else shown(token)
