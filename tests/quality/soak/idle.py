"""Many tests that end like those of ``suite.py`` and do nothing else, for ``growth.py``."""

from __future__ import annotations

import os

import pytest
from growth import COUNT


@pytest.fixture
def begins_and_ends(number):
    """Fail at the beginning or the end of some tests."""
    assert number % 17 != 1
    yield
    assert number % 17 not in {2, 3}


@pytest.mark.parametrize("number", range(int(os.environ[COUNT])))
@pytest.mark.usefixtures("begins_and_ends")
def test_nothing(number):
    """It passes or fails."""
    assert number % 17 not in {4, 5}, "as it should"
