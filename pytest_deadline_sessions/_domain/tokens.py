"""Issuing tokens and redeeming them."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field

from pytest_deadline_sessions._domain.listing import Cut

SHORTEST = 48

# What breaks under careless handling: reserved characters of a query, an escape sequence that must
# not be undone a second time, two spaces, and what quotes, separates and formats.
_AWKWARD = "+/%2B&  =?#\"',;{}"


@dataclass(frozen=True)
class Issued:
    """What a token stands for.

    Attributes:
        number: How many tokens were issued before.
        arguments: The other arguments of the call that it was issued for.
        cut: Where the next page begins.
        at: The service's time when it was issued.
    """

    number: int
    arguments: Hashable
    cut: Cut
    at: datetime.datetime


class TokenError(Exception):
    """A token that the service does not take.

    Attributes:
        kind: ``"unknown"``, ``"changed-arguments"``, ``"used"`` or ``"expired"``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class Tokens:
    """The tokens of one service: unique, bound to a job and to arguments, and ageing.

    Args:
        salt: Makes the tokens of this service differ from those of every other.
    """

    salt: str = ""
    _issued: dict[tuple[Hashable, str], Issued] = field(default_factory=dict)
    _counts: dict[Hashable, int] = field(default_factory=dict)
    _used: set[tuple[Hashable, str]] = field(default_factory=set)
    _expired: int = 0

    def issue(
        self,
        job: Hashable,
        arguments: Hashable,
        cut: Cut,
        at: datetime.datetime,
        *,
        length: int,
        shared: bool,
        spaced: bool = False,
    ) -> str:
        """A fresh token of ``length`` characters.

        Args:
            job: What it is bound to.
            arguments: The other arguments of the call, to be repeated with it.
            cut: Where the next page begins.
            at: The service's time.
            length: How many characters it has.
            shared: Whether the n-th token of every job is the same text.
            spaced: Whether it begins and ends with a space.
        """
        scope = None if shared else job
        count = self._counts.get(job if shared else None, 0)
        self._counts[job if shared else None] = count + 1
        head = _digest(f"{scope} {count}")[:16]
        text = head + _AWKWARD + _digest(f"{self.salt} {scope} {count}")
        while len(text) < length - 1:
            text += _digest(text)
        token = f" {text[: length - 2]} " if spaced else text[: length - 1] + "="
        self._issued[job, token] = Issued(len(self._issued), arguments, cut, at)
        return token

    def redeem(
        self,
        token: str,
        job: Hashable,
        arguments: Hashable,
        at: datetime.datetime,
        *,
        lifetime: datetime.timedelta,
        bound: bool,
        single_use: bool,
    ) -> Cut:
        """Where the page that this token stands for begins.

        Raises:
            TokenError: The service does not take it.
        """
        issued = self._issued.get((job, token))
        if issued is None:
            raise TokenError("unknown")
        if issued.number < self._expired or at - issued.at > lifetime:
            raise TokenError("expired")
        if bound and issued.arguments != arguments:
            raise TokenError("changed-arguments")
        if single_use and (job, token) in self._used:
            raise TokenError("used")
        self._used.add((job, token))
        return issued.cut

    def copy(self) -> Tokens:
        """A copy that goes its own way."""
        return dataclasses.replace(
            self, _issued=dict(self._issued), _counts=dict(self._counts), _used=set(self._used)
        )

    def expire(self) -> None:
        """Make every token issued so far as old as one gets."""
        self._expired = len(self._issued)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
