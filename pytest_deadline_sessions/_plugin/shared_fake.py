"""The fake that all tests of a run share, and its message where it cannot be used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deadline_sessions._fake import FakeDeadline

INACTIVE = (
    "deadline_sessions is only usable in a test that requests it, directly or through a "
    "function-scoped fixture"
)

_key = pytest.StashKey["FakeDeadline"]()


def get(config: pytest.Config) -> FakeDeadline:
    """The fake of this run, created on first use."""
    if _key not in config.stash:
        from pytest_deadline_sessions._fake import FakeDeadline

        config.stash[_key] = FakeDeadline()
        config.stash[_key].pause(INACTIVE)
    return config.stash[_key]


@contextlib.contextmanager
def refusing(config: pytest.Config) -> Iterator[None]:
    """Refuse every call inside the block: it is neither answered nor sent to AWS."""
    fake = get(config)
    with fake.resumed(), fake.intercept():
        fake.pause(INACTIVE)
        yield


def clear(config: pytest.Config) -> None:
    """Drop a test's state, and the patches that none of its threads and tasks needs any more."""
    if _key not in config.stash:
        return
    from pytest_deadline_sessions._transport import environment_variables, interception

    fake = config.stash[_key]
    with fake.resumed():
        fake.reset()
    interception.tidy()
    environment_variables.forget()
