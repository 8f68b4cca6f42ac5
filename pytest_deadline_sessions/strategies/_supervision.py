"""Watch the calls of the code under test: stop it if it does not end, and act between its pages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._fake import FakeDeadline

_SPARE = 300
_PER_PAGE = 5


class Runaway(BaseException):
    """Stops code under test that makes too many calls; botocore would retry after an ``Exception``.

    Args:
        most: How many calls it could make.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class Supervision:
    """Listens to the calls that a fake answers.

    Args:
        fake: The fake.

    Attributes:
        operations: The API names of the operations called so far.
    """

    def __init__(self, fake: FakeDeadline) -> None:
        self.operations: set[str] = set()
        self._most = 0
        self._left: int | None = None
        self._due: list[tuple[int, Callable[[], None]]] = []
        fake.on_call(self._listen)

    def act_after(self, pages: int, action: Callable[[], None]) -> None:
        """Act as soon as this many more pages with a token have been listed."""
        self._due.append((pages, action))

    @contextlib.contextmanager
    def limited(self, pages: int) -> Iterator[None]:
        """Stop code inside the block that makes far more calls than it needs.

        Args:
            pages: The most pages that the job can have.

        Raises:
            Runaway: The code was stopped, even if it caught that.
        """
        self._most = self._left = _SPARE + _PER_PAGE * pages
        try:
            yield
        finally:
            left, self._left = self._left, None
            if left is not None and left < 0:
                raise Runaway(self._most)

    def _listen(self, call: Call) -> None:
        self.operations.add(call.operation)
        if call.operation != model.OPERATION:
            return
        if call.next_token:
            waiting = [(pages - 1, action) for pages, action in self._due]
            self._due = [each for each in waiting if each[0]]
            for pages, action in waiting:
                if not pages:
                    action()
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Runaway(self._most)


def failed_for_good(calls: Sequence[Call], refused: Collection[str]) -> bool:
    """Whether a call failed, after all retries, for a reason that its caller did not bring about.

    A ``ListSessions`` call may fail because of a planned fault or an expired token. Any other
    failure of it, such as that for a changed token, comes from what the caller sent.

    Args:
        calls: The calls of one call of the code under test.
        refused: Expired tokens that it has passed before. It must not keep them.
    """
    failed = sum(1 for call in calls if call.error is not None and _is_excused(call, refused))
    return failed > sum(1 for call in calls if call.retry)


def expired_tokens(calls: Sequence[Call]) -> set[str]:
    """The tokens that were refused because they had expired."""
    return {call.token for call in calls if call.token is not None and _has_expired(call)}


def _is_excused(call: Call, refused: Collection[str]) -> bool:
    if call.planned or call.operation != model.OPERATION:
        return True
    return _has_expired(call) and call.token not in refused


def _has_expired(call: Call) -> bool:
    return call.operation == model.OPERATION and "expired" in call.message and not call.planned
