"""Representations that show what differs from the defaults, and can be pasted back."""

from __future__ import annotations

import dataclasses
from typing import Any


def concise(value: Any, positional: int = 0) -> str:
    """The call that makes this dataclass instance again, without arguments at their defaults.

    Args:
        value: An instance of a dataclass.
        positional: So many leading fields are shown always, without their names.

    Example:
        >>> @dataclasses.dataclass
        ... class Place:
        ...     name: str
        ...     depth: int = 0
        >>> concise(Place("cellar", 2), positional=1)
        "Place('cellar', depth=2)"
    """
    fields = [field for field in dataclasses.fields(value) if field.init]
    shown = [repr(getattr(value, field.name)) for field in fields[:positional]]
    shown += [
        f"{field.name}={getattr(value, field.name)!r}"
        for field in fields[positional:]
        if getattr(value, field.name) != field.default
    ]
    return f"{type(value).__name__}({', '.join(shown)})"
