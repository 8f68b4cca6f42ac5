"""Where the service cuts the sessions of a job into pages."""

from __future__ import annotations

import pytest

from pytest_deadline_sessions._domain.layout import Cut, Layout


def _sizes(layout, **options):
    cuts = layout.cuts(**{"limit": 100, "page_size": 2, **options})
    return [stop - start for start, stop, _ in cuts]


@pytest.mark.parametrize(
    ("sizes", "total", "expected"),
    [
        ((), 0, [0]),
        ((), 3, [2, 1]),
        ((1, 0, 2), 0, [0, 0, 0]),
        ((1, 0, 2), 2, [1, 0, 1]),
        ((1, 0, 2), 3, [1, 0, 2]),
        ((1, 0, 2), 6, [1, 0, 2, 2, 1]),
    ],
)
def test_all_pages_that_have_a_size_exist(sizes, total, expected):
    """Pages with a size exist even if sessions do not fill them; further ones hold the rest."""
    assert _sizes(Layout(sizes), total=total) == expected


def test_a_caller_accepts_less():
    """A page larger than the caller accepts is divided."""
    assert _sizes(Layout((3, 1)), limit=2, total=5) == [2, 1, 1, 1]


@pytest.mark.parametrize("offset", range(6))
def test_a_place_from_before_the_sizes(offset):
    """A token that was issued before the pages had sizes still continues at its session."""
    start, _, _ = Layout((1, 0, 2)).cut(Cut(0, offset), 100, 2, total=6)
    assert start == offset
