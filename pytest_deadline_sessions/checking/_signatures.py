"""Check the signatures of the functions that a user passes, and suggest an adapter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from pytest_deadline_sessions._arguments import wrong_type
from pytest_deadline_sessions._text import shorten

_WIDTH = 120
_REQUIRED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)
_STARS: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def check_collector(collect: Callable[..., Any], names: tuple[str, ...]) -> None:
    """Refuse a collector that cannot be called with a client and the ids.

    If its signature cannot be read, it is not refused.

    Args:
        collect: The collector.
        names: The names of the ids.

    Raises:
        TypeError: The collector takes other arguments. The message has an adapter for ``call=``.
    """
    signature = _signature(collect)
    if signature is None or _binds(signature, None, **dict.fromkeys(names)):
        return
    ids = ", ".join(f"{name}=…" for name in names)
    raise wrong_type(
        "collect",
        collect,
        f"a function that can be called as collect(client, {ids}), but it takes "
        f"{_parameters(signature)}; for another signature pass "
        f"{adapter(collect, signature, names)}",
    )


def check_signature(name: str, function: Callable[..., Any], *arguments: str) -> None:
    """Refuse a function that cannot be called with that many positional arguments.

    If its signature cannot be read, it is not refused.

    Args:
        name: The name of the option.
        function: The function that was passed for it.
        *arguments: What each argument is.

    Raises:
        TypeError: The function takes other arguments.
    """
    signature = _signature(function)
    if signature is not None and not _binds(signature, *arguments):
        called = f"{name}({', '.join(arguments)})"
        expected = f"a function that can be called as {called}, but it takes"
        raise wrong_type(name, function, f"{expected} {_parameters(signature)}")


def adapter(collect: Callable[..., Any], signature: inspect.Signature, names: Sequence[str]) -> str:
    """Write the ``call=`` that suits a signature, as far as the names of its parameters tell.

    Example:
        >>> def latest(deadline, job_id, *, limit=None): ...
        >>> adapter(latest, inspect.signature(latest), ["farmId", "jobId"])
        'call=lambda collect, client, job: collect(client, job["jobId"])'
    """
    if isinstance(collect, type):
        return "call=lambda collect, client, job: collect(client).METHOD(**job)"
    arguments = []
    for place, parameter in enumerate(signature.parameters.values()):
        if parameter.kind in _REQUIRED and parameter.default is parameter.empty:
            value = _guessed(parameter.name, place, names)
            by_name = parameter.kind is parameter.KEYWORD_ONLY
            arguments.append(f"{parameter.name}={value}" if by_name else value)
    return f"call=lambda collect, client, job: collect({', '.join(arguments)})"


def _guessed(name: str, place: int, names: Sequence[str]) -> str:
    lowered = name.lower()
    if lowered in {"job", "ids"}:
        return "job"
    for each in names:
        if each.removesuffix("Id").lower() in lowered:
            return f'job["{each}"]'
    return "client" if place == 0 or "client" in lowered else "…"


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except Exception:  # noqa: BLE001 (a builtin has none, and attributes may raise)
        return None


def _binds(signature: inspect.Signature, *arguments: Any, **named: Any) -> bool:
    try:
        signature.bind(*arguments, **named)
    except TypeError:
        return False
    return True


def _parameters(signature: inspect.Signature) -> str:
    names = [
        f"{_STARS.get(parameter.kind, '')}{parameter.name}"
        for parameter in signature.parameters.values()
    ]
    return shorten(f"({', '.join(names)})", _WIDTH)
