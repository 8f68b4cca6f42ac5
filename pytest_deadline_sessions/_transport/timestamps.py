"""Parse response timestamps to plain datetimes, many times faster than dateutil."""

from __future__ import annotations

import datetime
import functools
from typing import Any

from pytest_deadline_sessions._domain.clock import plain_datetime


def parse(value: Any) -> Any:
    """The instant that botocore's own parser would give, in ``tzutc()``.

    Only the service's usual form, ``2030-01-01T09:00:00Z`` with or without a fraction, is parsed
    here. Anything else goes to botocore's parser.

    Example:
        >>> parse("2030-01-01T09:00:00.500Z")
        datetime.datetime(2030, 1, 1, 9, 0, 0, 500000, tzinfo=tzutc())
    """
    usual = _usual(value) if isinstance(value, str) else None
    if usual is not None:
        return usual
    from botocore.utils import parse_timestamp

    return parse_timestamp(value)


# Tests page through the same listings again and again.
@functools.lru_cache(maxsize=4096)
def _usual(text: str) -> datetime.datetime | None:
    if text[-1:] != "Z":
        return None
    try:
        return plain_datetime().fromisoformat(text[:-1]).replace(tzinfo=_tzutc())
    except ValueError:
        return None


def are_frozen() -> bool:
    """Whether freezegun has replaced ``datetime``, so that botocore parses into its class."""
    return datetime.datetime is not plain_datetime()


def thaw(value: Any) -> Any:
    """Turn datetimes into plain ones. Those in dicts and lists are replaced in place.

    Example:
        >>> thaw({"at": [datetime.datetime(2030, 1, 1)]})
        {'at': [datetime.datetime(2030, 1, 1, 0, 0)]}
    """
    plain = plain_datetime()
    if isinstance(value, dict):
        for key, item in value.items():
            # Most items of a response are strings.
            if not isinstance(item, str):
                value[key] = thaw(item)
    elif isinstance(value, list):
        value[:] = map(thaw, value)
    elif isinstance(value, plain) and type(value) is not plain:
        return plain.combine(value, value.timetz())
    return value


@functools.cache
def _tzutc() -> datetime.tzinfo:
    from dateutil.tz import tzutc

    utc: datetime.tzinfo = tzutc()
    return utc
