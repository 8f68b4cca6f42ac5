"""Which token a call may pass, and which arguments must accompany it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_deadline_sessions._contract.rules import FOLLOWS_TOKENS, KEEPS_ARGUMENTS
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._text import abbreviate, same, shown
from pytest_deadline_sessions.lifecycle import Rule

_TOKEN = "nextToken"  # noqa: S105 (the name of a member)
_JOB = ("farmId", "queueId", "jobId")


def changes(issuer: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    """Say which arguments a follow-up call has changed.

    Args:
        issuer: The arguments of the call that returned the token.
        params: The arguments of the call that passes it.

    Example:
        >>> changes({"maxResults": 5}, {"maxResults": 6, "nextToken": "token"})
        ['maxResults: 6 (expected 5, as in the call that returned the token)']
    """
    return [
        f"{name}: {_argument(params, name, 'missing')} (expected "
        f"{_argument(issuer, name, 'none')}, as in the call that returned the token)"
        for name in sorted({*issuer, *params} - {_TOKEN})
        if not same(issuer.get(name), params.get(name))
    ]


def _argument(params: Mapping[str, Any], name: str, absent: str) -> str:
    return shown(params[name]) if name in params else absent


class Ledger:
    """The tokens that calls returned, and which of them later calls passed.

    Example:
        >>> import datetime
        >>> now = datetime.datetime.now(datetime.timezone.utc)
        >>> ledger = Ledger()
        >>> ledger.add(Call("ListSessions", {}, now, response={"nextToken": "a"}))
        >>> ledger.may_pass("a"), ledger.may_pass("b")
        (True, False)
        >>> ledger.history("b")
        'no page of this listing returned'
    """

    def __init__(self) -> None:
        self._issuers: dict[str, Call] = {}
        self._fresh: set[str] = set()
        self._passed: set[str] = set()
        self._last: str | None = None
        self._failed = False

    def add(self, call: Call) -> None:
        """Record a call with its outcome."""
        token, following = _plain(call.token), _plain(call.next_token)
        if token is not None and call.error is None:
            self._fresh.discard(token)
            self._passed.add(token)
        if following:
            self._fresh.add(following)
            self._issuers[following] = call
        self._last = token
        self._failed = self._failed or call.error is not None

    def may_pass(self, token: str | None) -> bool:
        """Tell whether the next call of one listing may pass a token, or no token.

        It may always start over without a token, pass a token that no call has passed yet, or
        repeat the previous call's token. After a fault it may go back to any page; the result of
        the listing shows whether that was right.
        """
        return (
            token is None
            or token in self._fresh
            or token == self._last
            or (self._failed and token in self._passed)
        )

    def passed(self, token: object) -> bool:
        """Tell whether an answered call has passed a token."""
        return _plain(token) in self._passed

    def issuer(self, token: object) -> Call | None:
        """Find the call that returned a token."""
        plain = _plain(token)
        return None if plain is None else self._issuers.get(plain)

    def history(self, token: object) -> str:
        """Explain why no call may pass a token."""
        if self.passed(token):
            return "was already passed"
        if self.issuer(token) is not None:
            return "belongs to an abandoned pass over the listing"
        return "no page of this listing returned"

    @property
    def fresh(self) -> frozenset[str]:
        """The tokens that no call has passed yet."""
        return frozenset(self._fresh)

    @property
    def issued(self) -> frozenset[str]:
        """The tokens that calls returned."""
        return frozenset(self._issuers)


def _plain(token: object) -> str | None:
    # A token that botocore refused to send may be any object, even an unhashable one.
    return str.__str__(token) if isinstance(token, str) else None


@dataclass
class _Chain:
    """The calls of one listing so far.

    Attributes:
        arguments: The arguments other than ``nextToken``.
        token: The token that the next call must pass; ``None`` after the last page.
        passed: The token that the last call passed.
        failed: Whether the last call failed.
    """

    arguments: Mapping[str, Any]
    token: str | None
    passed: str | None = None
    failed: bool = False

    def is_of_job(self, call: Call) -> bool:
        """Tell whether a call is about the same job."""
        return all(same(self.arguments.get(name), call.params.get(name)) for name in _JOB)


@dataclass(frozen=True)
class BrokenChain:
    """A call that does not continue where its listing stopped.

    Attributes:
        rule: ``FOLLOWS_TOKENS`` or ``KEEPS_ARGUMENTS``.
        what: The wrong argument and the expected one, as text.
    """

    rule: Rule
    what: str


class Chains:
    """The listings that calls page through, one after another or interleaved.

    This is stricter than ``Ledger.may_pass``: each call must continue exactly where its listing
    stopped. A listing may start over after its last page or after a fault. Its first call may pass
    a token from elsewhere.
    """

    def __init__(self) -> None:
        self._chains: list[_Chain] = []
        self._ledger = Ledger()

    def add(self, call: Call) -> BrokenChain | None:
        """Add a call to its listing, or say which rule it breaks and how."""
        arguments = {name: value for name, value in call.params.items() if name != _TOKEN}
        alike = [chain for chain in self._chains if same(chain.arguments, arguments)]
        chain, broken = self._find(call, alike)
        if broken is not None:
            return broken
        if chain is None:
            chain = _Chain(arguments, call.token)
            self._chains.append(chain)
        chain.passed = call.token
        chain.failed = call.error is not None
        if not chain.failed:
            # The last page may have an empty token instead of none.
            chain.token = call.next_token or None
        self._ledger.add(call)
        return None

    def _find(
        self, call: Call, alike: Sequence[_Chain]
    ) -> tuple[_Chain | None, BrokenChain | None]:
        if call.retry:
            return next((chain for chain in alike if same(chain.passed, call.token)), None), None
        if call.token is None:
            return None, self._start(alike)
        chain = next((chain for chain in alike if same(chain.token, call.token)), None)
        return chain, None if chain is not None else self._stray(call)

    def _start(self, alike: Sequence[_Chain]) -> BrokenChain | None:
        """Restart a listing, unless it is in the middle of its pages."""
        for chain in alike:
            if chain.token is not None and not chain.failed:
                problem = f"nextToken: missing (expected {abbreviate(chain.token)})"
                return BrokenChain(FOLLOWS_TOKENS, problem)
            self._chains.remove(chain)
        return None

    def _stray(self, call: Call) -> BrokenChain | None:
        """Say what is wrong with a token that no listing with these arguments expects."""
        waiting = [chain for chain in self._chains if same(chain.token, call.token)]
        if waiting:
            issuer = max(waiting, key=lambda chain: chain.is_of_job(call))
            return BrokenChain(KEEPS_ARGUMENTS, "; ".join(changes(issuer.arguments, call.params)))
        of_job = [chain for chain in self._chains if chain.is_of_job(call)]
        if not of_job and not self._ledger.passed(call.token):
            return None
        given, due = _shown(call.token), "none: this job was not listed before"
        if of_job:
            token = of_job[-1].token
            due = "none: the last page returned none" if token is None else _shown(token)
            if given == due:
                given, due = repr(call.token), repr(token)
        history = f", which {self._ledger.history(call.token)}" if call.token else ""
        return BrokenChain(FOLLOWS_TOKENS, f"nextToken: {given}{history} (expected {due})")


def _shown(token: object) -> str:
    return abbreviate(token) if isinstance(token, str) else shown(token)
