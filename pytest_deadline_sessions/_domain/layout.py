"""Where the service cuts the sessions of a job into pages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Cut(NamedTuple):
    """A place between two sessions: the page, and how many sessions into it."""

    page: int
    offset: int


@dataclass(frozen=True)
class Layout:
    """The sizes of the first pages; all sessions after them fill pages of the service's own size.

    Every page that has a size exists, even if there are fewer sessions: it is then short or empty.

    Attributes:
        sizes: How many sessions each of the first pages holds, in service order.

    Example:
        >>> layout = Layout((1, 0))
        >>> [stop - start for start, stop, _ in layout.cuts(limit=100, page_size=2, total=4)]
        [1, 0, 2, 1]
        >>> [stop - start for start, stop, _ in layout.cuts(limit=100, page_size=2, total=0)]
        [0, 0]
    """

    sizes: tuple[int, ...] = ()
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False, default=(0,))

    def __post_init__(self) -> None:
        """Add the sizes up once, since every page needs where it starts."""
        object.__setattr__(self, "_starts", tuple(itertools.accumulate(self.sizes, initial=0)))

    def cuts(self, limit: int, page_size: int, total: int) -> Iterator[tuple[int, int, Cut | None]]:
        """Yield where each page starts and stops and the next begins, as ``cut`` returns it."""
        following: Cut | None = Cut(0, 0)
        while following is not None:
            start, stop, following = self.cut(following, limit, page_size, total)
            yield start, stop, following

    def cut(self, at: Cut, limit: int, page_size: int, total: int) -> tuple[int, int, Cut | None]:
        """One page: where it starts and stops, and where the next page begins.

        Args:
            at: Where this page begins. It may come from a layout with fewer sizes.
            limit: The most sessions per page that the caller accepts.
            page_size: The most sessions in a page that has no size here.
            total: How many sessions there are.
        """
        sizes = self.sizes
        while at.page < len(sizes) and at.offset and at.offset >= sizes[at.page]:
            at = Cut(at.page + 1, at.offset - sizes[at.page])
        start = min(self._starts[at.page] + at.offset, total)
        if at.page < len(sizes):
            left = sizes[at.page] - at.offset
            stop = start + min(left, limit)
            following = Cut(at.page + 1, 0) if left <= limit else Cut(at.page, at.offset + limit)
        else:
            stop = start + min(limit, page_size)
            following = Cut(at.page, at.offset + min(limit, page_size))
        more = following.page < len(sizes) or stop < total
        return start, min(stop, total), following if more else None
