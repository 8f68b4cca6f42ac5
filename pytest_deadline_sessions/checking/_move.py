"""A move: a way to make something smaller, by a variable amount."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


@dataclass(frozen=True)
class Move(Generic[T_co]):
    """A change with an amount. A larger amount gives a smaller result.

    Attributes:
        most: The largest amount; the smallest is 1.
        to: Returns the result for an amount.
        one_by_one: If positive, how many amounts to try one by one, the largest first. By default
            a search finds a large amount in a few tries.
    """

    most: int
    to: Callable[[int], T_co]
    one_by_one: int = 0

    def then(self, make: Callable[[T_co], U]) -> Move[U]:
        """The same move, with ``make`` applied to its result."""
        return Move(self.most, lambda amount: make(self.to(amount)), self.one_by_one)


def single(result: T) -> Move[T]:
    """A move that can be made only once."""
    return Move(1, lambda _: result)


def dropping_chunks(items: Sequence[T]) -> Iterator[Move[list[T]]]:
    """Yield moves that drop items: half of them first, then fewer. None drops all."""
    width = len(items)
    while width > 1:
        width = (width + 1) // 2
        for start in range(0, len(items), width):
            yield single([*items[:start], *items[start + width :]])
