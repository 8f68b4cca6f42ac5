"""Issuing tokens and redeeming them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Hashable
from dataclasses import dataclass, field

from pytest_deadline_sessions._domain import token_shapes
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._domain.token_shapes import TokenShape


@dataclass(frozen=True)
class TokenPolicy:
    """How tokens look, and what the service refuses.

    Attributes:
        lifetime: The age up to which a token is accepted.
        shape: What the text of a token looks like.
        length: How many characters a token has.
        spaced: Whether a token begins and ends with a space.
        shared: Whether the n-th token of every job is the same text.
        bound: Whether a token is refused if the other arguments differ from those it was issued
            for.
        single_use: Whether a token is refused on its second use.
    """

    lifetime: datetime.timedelta = datetime.timedelta(hours=24)
    shape: TokenShape = "special-characters"
    length: int = 80
    spaced: bool = False
    shared: bool = False
    bound: bool = True
    single_use: bool = False


PLAIN = TokenPolicy()


@dataclass(frozen=True)
class Issued:
    """What a token stands for.

    Attributes:
        number: How many tokens were issued before this one.
        arguments: The other arguments of the call that the token was issued for.
        cut: Where the next page begins.
        at: The service's time when the token was issued.
    """

    number: int
    arguments: Hashable
    cut: Cut
    at: datetime.datetime


class TokenError(Exception):
    """The service refuses a token.

    Attributes:
        kind: ``"unknown"``, ``"changed-arguments"``, ``"used"`` or ``"expired"``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class Tokens:
    """The tokens of one service, each bound to a scope, such as one job.

    Args:
        salt: Makes the tokens of this service differ from those of every other service.
    """

    salt: str = ""
    _issued: dict[tuple[Hashable, str], Issued] = field(default_factory=dict)
    _counts: dict[Hashable, int] = field(default_factory=dict)
    _used: set[tuple[Hashable, str]] = field(default_factory=set)
    _expired: int = 0

    def issue(
        self,
        scope: Hashable,
        arguments: Hashable,
        cut: Cut,
        at: datetime.datetime,
        policy: TokenPolicy = PLAIN,
    ) -> str:
        """A fresh token.

        Args:
            scope: What the token is bound to.
            arguments: The other arguments of the call, which the next call must repeat.
            cut: Where the next page begins.
            at: The service's time.
            policy: How the token looks.
        """
        # Tokens shared by jobs are numbered within each job, all others across the service.
        counter, seed = (scope, None) if policy.shared else (None, scope)
        count = self._counts.get(counter, 0)
        self._counts[counter] = count + 1
        made_from = token_shapes.Seed(seed, count, self.salt)
        token = token_shapes.text(policy.shape, made_from, policy.length, spaced=policy.spaced)
        self._issued[scope, token] = Issued(len(self._issued), arguments, cut, at)
        return token

    def redeem(
        self,
        token: str,
        scope: Hashable,
        arguments: Hashable,
        at: datetime.datetime,
        policy: TokenPolicy = PLAIN,
    ) -> Cut:
        """Where the token's page begins.

        Args:
            token: The token as the caller passed it.
            scope: What the token must be bound to.
            arguments: The other arguments of the call.
            at: The service's time.
            policy: Which tokens are refused.

        Raises:
            TokenError: The service refuses the token.
        """
        issued = self._issued.get((scope, token))
        if issued is None:
            raise TokenError("unknown")
        if issued.number < self._expired or at - issued.at > policy.lifetime:
            raise TokenError("expired")
        if policy.bound and issued.arguments != arguments:
            raise TokenError("changed-arguments")
        if policy.single_use and (scope, token) in self._used:
            raise TokenError("used")
        self._used.add((scope, token))
        return issued.cut

    def copy(self) -> Tokens:
        """An independent copy."""
        return dataclasses.replace(
            self, _issued=dict(self._issued), _counts=dict(self._counts), _used=set(self._used)
        )

    def expire(self) -> None:
        """Make every token issued so far too old to be accepted."""
        self._expired = len(self._issued)
