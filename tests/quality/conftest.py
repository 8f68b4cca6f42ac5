"""Mark every test in this folder ``at_length``."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Add the mark before ``-m`` selects tests."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("at_length")
