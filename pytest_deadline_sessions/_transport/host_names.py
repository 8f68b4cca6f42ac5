"""The names that the loopback server answers to, so that no page reaches it by another.

A page of somebody else's may point its own name at a loopback address (DNS rebinding). Its requests
then arrive here, and the browser lets it read the answers; but they carry that name.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Collection, Mapping

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import Fault

_NAME = r"\[[0-9a-f:.%]+\]|[a-z0-9_.-]+"
_HOST = re.compile(rf"({_NAME})(?::[0-9]*)?", re.IGNORECASE)
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://({_NAME})(?::[0-9]+)?", re.IGNORECASE)
_LONGEST = 100


class HostNames:
    """Who is meant by a request.

    Args:
        allowed: Names besides loopback addresses and ``localhost``.

    Raises:
        ValueError: A name that cannot be one.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        if isinstance(allowed, str) or not isinstance(allowed, Collection):
            msg = f"allowed_hosts={allowed!r} (expected a list of names, such as ['fake.example'])"
            raise ValueError(msg)  # noqa: TRY004 (as for a host or a port of a wrong type)
        for name in allowed:
            if not isinstance(name, str) or not re.fullmatch(_NAME, name, re.IGNORECASE):
                msg = (
                    f"allowed_hosts={list(allowed)!r}: {name!r} (expected a name or an address "
                    "without scheme and port, such as 'fake.example' or '[fd00::1]')"
                )
                raise ValueError(msg)
        self._allowed = frozenset(map(_plain, allowed))

    def refusal(self, headers: Mapping[str, bytes]) -> Fault | None:
        """The refusal of a request that was meant for somebody else, or that such a page made.

        Args:
            headers: The headers, by their names in lower case.
        """
        for header, expression in (("Host", _HOST), ("Origin", _ORIGIN)):
            value = headers.get(header.lower())
            if value is None:
                continue
            text = value.decode("latin-1")
            found = expression.fullmatch(text)
            if found is None or not self._knows(found.group(1)):
                return _foreign(header, text, found.group(1)[:_LONGEST] if found else "NAME")
        return None

    def _knows(self, name: str) -> bool:
        name = _plain(name)
        plain = without_prefix(name)
        return is_loopback(plain) or not self._allowed.isdisjoint({name, plain})


def without_prefix(name: str) -> str:
    """A name without what clients put before it, such as ``management.``."""
    return name.removeprefix(next(filter(name.startswith, _prefixes()), ""))


def is_loopback(name: str) -> bool:
    """Whether a name is ``localhost`` or a loopback address."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _plain(name: str) -> str:
    return name.lower().strip("[]").removesuffix(".")


@functools.cache
def _prefixes() -> tuple[str, ...]:
    """What an SDK puts before the host, unless it is told not to."""
    operations = map(model.operation_model, model.operation_names())
    endpoints = (operation.endpoint or {} for operation in operations)
    return tuple({one["hostPrefix"] for one in endpoints if one.get("hostPrefix")})


def _foreign(header: str, value: str, name: str) -> Fault:
    wording = (
        f"{header}: {value[:_LONGEST]!a} is not this server's (expected a loopback address or "
        f"localhost). To allow it, serve(allowed_hosts=[{name!r}]), or --allow-host {name}."
    )
    return Fault("AccessDeniedException", wording)
