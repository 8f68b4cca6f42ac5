"""The situations that ``SessionsMachine`` draws: pages, tokens, and faults of each operation."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import NamedTuple

from hypothesis import strategies as st

from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._service.behavior import Behavior, token_looks

_PAGE_SIZES = (Behavior.page_size, 1, 2, 3)
_LARGEST_PAGE = 2
_MOST_PAGES = 4

# More than a hundred sessions take time, and only limits on their number need so many.
SESSION_COUNTS = st.sampled_from([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 101])
# Any retry heals a fault that comes once. Botocore's retries heal one that comes twice, too.
FAULT_TIMES = st.sampled_from([1, 1, 2, None])
PAGES_BEFORE = st.integers(1, 3)


class Disruption(NamedTuple):
    """A fault of one operation.

    Attributes:
        operation: The API name of the operation.
        fault: The code of the fault.
    """

    operation: str
    fault: str


@functools.cache
def behaviors(fixed: Behavior) -> st.SearchStrategy[Behavior]:
    """Behaviors with other page sizes, and with tokens that look otherwise.

    Args:
        fixed: All its members that differ from their default stay as they are.
    """
    values = {"page_size": _PAGE_SIZES, **token_looks()}
    free = {
        name: st.sampled_from(choices)
        for name, choices in values.items()
        if getattr(fixed, name) == choices[0]
    }
    return st.fixed_dictionaries(free).map(lambda drawn: dataclasses.replace(fixed, **drawn))


@functools.cache
def page_sizes(largest: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Sizes of the first pages of a job; any page may be empty.

    Args:
        largest: The most sessions that the service puts in a page.
    """
    sizes = range(min(_LARGEST_PAGE, largest) + 1)
    shapes = (itertools.product(sizes, repeat=pages) for pages in range(_MOST_PAGES + 1))
    # One choice for each shape, so that fewer and smaller pages count as simpler than any others.
    return st.sampled_from([*itertools.chain.from_iterable(shapes)])


@functools.cache
def disruptions(operations: tuple[str, ...]) -> st.SearchStrategy[Disruption]:
    """Faults of these operations."""
    return st.sampled_from(
        [Disruption(name, fault) for name in operations for fault in fault_codes(name)]
    )
