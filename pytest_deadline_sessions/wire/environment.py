"""An environment in which no client finds real credentials or configuration."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

REGION = "us-west-2"
ACCESS_KEY = "testing"
SECRET_KEY = "testing"  # noqa: S105 (not a secret, which is the point)

_REGIONS = ("AWS_DEFAULT_REGION", "AWS_REGION")
_SET = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_SESSION_TOKEN": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
REMOVED = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
)


def variables(given: Mapping[str, str]) -> dict[str, str]:
    """Dummy credentials, no files, no metadata service, and a region unless one is given."""
    region = next((given[name] for name in _REGIONS if given.get(name)), REGION)
    return {**_SET, "AWS_DEFAULT_REGION": region}


class _Before:
    """What was there before: variables, and boto3's default session.

    Args:
        changes: The variables as they are to be; ``None`` for none.
    """

    def __init__(self, changes: Mapping[str, str | None]) -> None:
        self._changes = changes
        self._variables = {name: os.environ.get(name) for name in changes}
        self._session = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)

    def change(self) -> None:
        _set_variables(self._changes)

    def restore(self) -> None:
        # What somebody else has set meanwhile is theirs to restore.
        ours = self._changes.items()
        kept = [name for name, value in ours if os.environ.get(name) == value]
        _set_variables({name: self._variables[name] for name in kept})
        boto3: Any = sys.modules.get("boto3")
        if boto3 is not None:
            boto3.DEFAULT_SESSION = self._session


def _set_variables(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


_lock = threading.Lock()
_entered: list[list[_Before]] = []


@contextlib.contextmanager
def dummy_environment() -> Iterator[None]:
    """Set these variables, and keep boto3's default session from outliving them.

    Whoever is left last restores what was there before all of them, in whatever order they are.
    """
    with _lock:
        mine = [_Before({**variables(os.environ), **dict.fromkeys(REMOVED)})]
        _entered.append(mine)
        mine[0].change()
    try:
        yield
    finally:
        with _lock:
            place = next(place for place, one in enumerate(_entered) if one is mine)
            del _entered[place]
            if place == len(_entered):
                mine[0].restore()
            else:
                _entered[place][:] = mine
