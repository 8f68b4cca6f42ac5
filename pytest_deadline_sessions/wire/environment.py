"""An environment in which no client finds real credentials or configuration."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

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


@contextlib.contextmanager
def dummy_environment() -> Iterator[None]:
    """Set these variables, and keep boto3's default session from outliving them."""
    new = variables(os.environ)
    before = {name: os.environ.get(name) for name in (*new, *REMOVED)}
    session = _default_session()
    os.environ.update(new)
    for name in REMOVED:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if "boto3" in sys.modules:
            vars(sys.modules["boto3"])["DEFAULT_SESSION"] = session


def _default_session() -> object:
    boto3 = sys.modules.get("boto3")
    return None if boto3 is None else vars(boto3)["DEFAULT_SESSION"]
