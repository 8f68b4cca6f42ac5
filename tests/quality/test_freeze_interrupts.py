"""``Clock.freeze`` interrupted at any line."""

from __future__ import annotations

import contextlib
import datetime

import freezegun
import pytest
from interrupting import interrupted, look_through_few_modules, state, unlike

from pytest_deadline_sessions._domain import clock as clock_module
from pytest_deadline_sessions._domain.clock import Clock

UTC = datetime.timezone.utc
NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def clock():
    """Return a new clock for each test."""
    return Clock()


@pytest.mark.parametrize("context", [contextlib.nullcontext(), freezegun.freeze_time(NOON - DAY)])
def test_an_interrupt_at_any_point_lets_time_go_on(monkeypatch, clock, context):
    """An interrupt anywhere in freezing or thawing leaves the process as it was before."""

    def freeze():
        with clock.freeze(NOON) as frozen:
            frozen.tick(1)

    modules = look_through_few_modules(monkeypatch, freezegun.api, clock_module)
    with context:
        freeze()
        before, now = state(modules), clock.now()
        places = []
        for place in interrupted(freeze, ["freezegun/api.py", "_domain/clock.py"]):
            assert not unlike(before, state(modules)), place
            places.append(place)
        functions = {name for _, name, *_ in places}
        assert {"freeze", "begin", "start", "tick", "end", "stop"} <= functions
        assert datetime.timedelta(0) <= clock.now() - now < DAY
