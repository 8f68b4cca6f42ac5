"""Host names that the loopback server accepts: a defence against DNS rebinding.

A web page can point its own host name at a loopback address. The browser then sends the page's
requests to this server and lets the page read the responses. But the page's host name is in the
requests, so we can refuse them.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Collection, Mapping

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import check_items, check_kind, wrong_value
from pytest_deadline_sessions._domain.faults import Fault

_NAME = r"\[[0-9a-f:.%]+\]|[a-z0-9_.-]+"
_HOST = re.compile(rf"({_NAME})(?::[0-9]*)?", re.IGNORECASE)
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://({_NAME})(?::[0-9]+)?", re.IGNORECASE)
_ALLOWED = "a name or an address without scheme and port, such as 'fake.example' or '[fd00::1]'"
_LONGEST = 100


class HostNames:
    """The host names that requests may be addressed to.

    Args:
        allowed: Names in addition to loopback addresses and ``localhost``.

    Raises:
        TypeError: ``allowed`` is not a collection of strings.
        ValueError: An invalid host name.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        given = check_items("allowed_hosts", allowed, "a list of names, such as ['fake.example']")
        for index, host in enumerate(given):
            name = check_kind(f"allowed_hosts[{index}]", host, str, _ALLOWED)
            if not re.fullmatch(_NAME, name, re.IGNORECASE):
                raise wrong_value(f"allowed_hosts[{index}]", name, _ALLOWED)
        self._allowed = frozenset(map(_plain, given))

    def refusal(self, headers: Mapping[str, bytes]) -> Fault | None:
        """The refusal of a request for another host, or from a page of another host; else ``None``.

        Args:
            headers: The headers, by their names in lower case.
        """
        for header, expression in (("Host", _HOST), ("Origin", _ORIGIN)):
            value = headers.get(header.lower())
            if value is None:
                continue
            text = value.decode("latin-1")
            match = expression.fullmatch(text)
            if match is None or not self._knows(match.group(1)):
                return _foreign(header, text, match.group(1)[:_LONGEST] if match else "NAME")
        return None

    def _knows(self, name: str) -> bool:
        name = _plain(name)
        plain = without_prefix(name)
        return is_loopback(plain) or not self._allowed.isdisjoint({name, plain})


def without_prefix(name: str) -> str:
    """A host name without the prefix that clients add, such as ``management.``."""
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
    """The prefixes that SDKs put before the host."""
    return tuple(set(map(model.host_prefix, model.operation_names())) - {""})


def _foreign(header: str, value: str, name: str) -> Fault:
    wording = (
        f"{header}: {value[:_LONGEST]!a} does not name this server (expected a loopback address or "
        f"localhost). To allow it, use serve(allowed_hosts=[{name!r}]) or --allow-host {name}."
    )
    return Fault("AccessDeniedException", wording)
