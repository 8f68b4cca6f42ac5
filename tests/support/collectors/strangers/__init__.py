"""Collectors by somebody who had not seen ``check_pagination``: they knew its contract alone."""

from __future__ import annotations

import importlib
import pkgutil

OUT_OF_REACH = {
    "budget_token_life": "it is wrong only if paging takes more than twelve hours",
}
"""The wrong collectors that no check finds, each with the reason."""


def wrong():
    """Return the wrong collectors by name: each with a sentence on what is wrong."""
    return _all("wrong").WRONG


def right():
    """Return the right collectors by name."""
    return _all("right").RIGHT


def _all(kind):
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith(f"{kind}_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return importlib.import_module(f"{__name__}.{kind}")
