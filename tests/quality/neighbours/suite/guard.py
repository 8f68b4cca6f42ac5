"""Refuse connections beyond loopback, foreign programs, and reads of ~/.aws.

Each refusal is also written to a file, since a plugin may swallow the error. The variable
``NEIGHBOURS_BREACHES`` names that file.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

VARIABLE = "NEIGHBOURS_BREACHES"
# Lists the names of programs that a plugin is known to start.
ALLOWED = "NEIGHBOURS_PROGRAMS"
_LOCAL = {"", "localhost", None}
_PROGRAMS = {Path(sys.executable), Path(sys.executable).resolve()}
_SECRETS = str(Path.home() / ".aws")


def install():
    """Guard this process from now on."""
    notes = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def watch(event, arguments):
        what = _WATCHED[event](*arguments) if event in _WATCHED else None
        if what is not None:
            os.write(notes, f"{event}: {what}\n".encode())
            msg = f"{event}: {what} (expected nothing but loopback and this Python)"
            raise PermissionError(msg)

    sys.addaudithook(watch)


def _host(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in _LOCAL:
        return None
    try:
        return None if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host


def _connect(_socket, address):
    return _host(address[0]) if isinstance(address, tuple) else None


def _getaddrinfo(host, *_):
    return _host(host)


def _program(executable, arguments, *_):
    named = executable or (arguments if isinstance(arguments, str) else arguments[0])
    program = Path(os.fsdecode(named))
    allowed = os.environ.get(ALLOWED, "").split()
    return None if program in _PROGRAMS or program.name in allowed else str(program)


def _open(path, *_):
    inside = isinstance(path, str) and path.startswith(_SECRETS)
    return path if inside else None


_WATCHED = {
    "open": _open,
    "os.posix_spawn": _program,
    "os.system": lambda command: command,
    "socket.connect": _connect,
    "socket.getaddrinfo": _getaddrinfo,
    "socket.sendto": _connect,
    "subprocess.Popen": _program,
}
