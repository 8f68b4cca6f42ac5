"""Helpers for tests of strategies: find drawn values, and tell which are valid."""

from __future__ import annotations

import datetime
import os

from botocore.validate import ParamValidator
from hypothesis import HealthCheck, Phase, find, settings

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model

UTC = datetime.timezone.utc

NOW = datetime.datetime(2030, 1, 1, 12, tzinfo=UTC)

# `nox -s thorough` draws ten times as many.
FACTOR = int(os.environ.get("DEADLINE_SESSIONS_EXAMPLES", "1"))
many = settings(max_examples=100 * FACTOR, deadline=None, suppress_health_check=list(HealthCheck))


def find_one(strategy, condition):
    """Draw the first value that meets a condition, unshrunk."""
    reach = settings(max_examples=3000, database=None, phases=[Phase.generate])
    return find(strategy, condition, settings=reach)


def smallest(strategy, condition=lambda _: True):
    """Draw the smallest value that meets a condition."""
    return find(strategy, condition, settings=settings(max_examples=3000, database=None))


def botocore_takes(summary):
    """Whether botocore's own validator accepts a summary."""
    return not ParamValidator().validate(summary, model.shape("SessionSummary")).has_errors()


def is_valid(summary):
    """Whether both botocore and the lifecycle rules accept a summary."""
    return botocore_takes(summary) and not lifecycle.violations(summary)
