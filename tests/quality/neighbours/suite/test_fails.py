"""A test that fails, for plugins that report."""

from __future__ import annotations

import farm


def test_fails(deadline_sessions):
    """The report shows the calls."""
    farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=3))
    raise AssertionError
