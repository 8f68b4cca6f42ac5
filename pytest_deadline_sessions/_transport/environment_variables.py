"""Set environment variables for a while, even if other code does so at overlapping times.

Other code that changes a variable saves the old value and restores it later. If it saved one of our
values and restores it after our layer has ended, our value would stay for good. So our layers watch
all writes to ``os.environ``. When other code writes back a value of an ended layer, we write the
value from before that layer instead.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._patching import Patches

Values = Mapping[str, "str | None"]
"""Variables to set; ``None`` removes one."""


class Layer:
    """Variables that are set for a while.

    Args:
        values: The variables and their values.
    """

    def __init__(self, values: Values) -> None:
        self.values = dict(values)
        # Variables that the layer began to restore; an interrupt may have stopped it.
        self.leaving: set[str] = set()
        self.before = {name: os.environ.get(name) for name in values}
        # The values set by the layer below, for variables that other code has changed since.
        self.under = {
            name: ours
            for name, before in self.before.items()
            for ours in _ours(name)[-1:]
            if ours != before
        }


def _topmost(name: str) -> Layer | None:
    return next((layer for layer in reversed(_state.layers) if name in layer.values), None)


def _ours(name: str) -> list[str | None]:
    """The values that our layers set: first those of ended layers, then those of active ones."""
    gone = [value for value, _ in _state.gone.get(name, [])]
    return gone + [layer.values[name] for layer in _state.layers if name in layer.values]


_patches = Patches("environment variables")


@contextlib.contextmanager
def changed(values: Values) -> Iterator[None]:
    """Set variables inside the block, and restore them afterwards whatever other code does."""
    layer = Layer(values)
    try:
        try:
            _enter(layer)
            yield
        finally:
            _leave(layer)
    except BaseException:
        # A second time: interception.intercept explains why.
        _state.own.writes_environment = False
        _leave(layer)
        raise


def exchanged(whole: Mapping[str, str]) -> contextlib.AbstractContextManager[None]:
    """Replace the whole environment inside the block."""
    present = dict(os.environ)
    new = {name: value for name, value in whole.items() if present.get(name) != value}
    return changed({**new, **dict.fromkeys(present.keys() - whole.keys())})


def is_set_here(name: str) -> bool:
    """Whether the current value of a variable comes from a layer."""
    value = os.environ.get(name)
    return any(name in layer.values and layer.values[name] == value for layer in _state.layers)


def now() -> dict[str, str | None]:
    """The current values of the variables that layers set."""
    return {name: os.environ.get(name) for layer in _state.layers for name in layer.values}


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """Restore the values from before all layers, inside the block."""
    with _state.lock, _writing():
        present = now()
        try:
            for layer in reversed(_state.layers):
                _write_all(layer.before)
            yield
        finally:
            _write_all(present)


def forget() -> None:
    """Stop watching for values of ended layers."""
    with _state.lock:
        _state.gone.clear()
        _unwatch()


def _enter(layer: Layer) -> None:
    with _state.lock, _writing():
        try:
            _state.layers.append(layer)
            if not _patches:
                _watch()
            _write_all(layer.values)
        except BaseException:
            _write_all(layer.before)
            layer.values.clear()
            raise


def _leave(layer: Layer) -> None:
    with _state.lock, _writing():
        later = _state.layers[_state.layers.index(layer) + 1 :] if layer in _state.layers else []
        for name, value in list(layer.values.items()):
            before = layer.before[name]
            above = next((layer for layer in later if name in layer.values), None)
            if above is None and (name in layer.leaving or os.environ.get(name) == value):
                layer.leaving.add(name)
                _write(name, before)
            elif above is not None and name not in above.under:
                above.before[name] = before
                if name in layer.under:
                    above.under[name] = layer.under[name]
            else:
                _state.gone.setdefault(name, []).append((value, before))
            del layer.values[name]
        with contextlib.suppress(ValueError):
            _state.layers.remove(layer)
        _unwatch()


def _put_back(name: str, value: str | None) -> bool:
    """Handle a layer's value that other code writes back; return whether it was such a value."""
    if _state.own.writes_environment:
        return False
    with _state.lock:
        top = _topmost(name)
        if top is None or os.environ.get(name) != top.values[name]:
            return (top is None or top.values[name] != value) and _replaced(name, value)
        for layer in reversed(_state.layers):
            if name in layer.under and layer.under[name] == value:
                # The other code saved the value before this layer began.
                layer.before[name] = _take(name, value, value)
                del layer.under[name]
                return True
        return False


def _replaced(name: str, value: str | None) -> bool:
    """If ``value`` is an ended layer's, write the one from before that layer; say whether it is."""
    missing = object()
    replacement = _take(name, value, missing)
    if replacement is missing:
        return False
    with _writing():
        _write(name, replacement)
    _unwatch()
    return True


def _forgotten(name: str) -> None:
    """Note that other code removes a variable that a layer has removed already."""
    with _state.lock:
        for layer in _state.layers:
            if name in layer.values and name not in layer.under:
                layer.before[name] = None
                return


def _take(name: str, value: str | None, otherwise: Any) -> Any:
    """The replacement for the value of an ended layer; ``otherwise`` for any other value."""
    saved = _state.gone.get(name, [])
    for place in reversed(range(len(saved))):
        if saved[place][0] == value:
            _, before = saved.pop(place)
            if not saved:
                del _state.gone[name]
            return _take(name, before, before)
    return otherwise


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Write to the environment without watching, inside the block."""
    outer = _state.own.writes_environment
    _state.own.writes_environment = True
    try:
        yield
    finally:
        _state.own.writes_environment = outer


def _write_all(values: Values) -> None:
    for name, value in values.items():
        _write(name, value)


def _write(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _watch() -> None:
    kind = type(os.environ)
    _patches.wrap(kind, "__setitem__", _set)
    _patches.wrap(kind, "__delitem__", _delete)
    _patches.wrap(kind, "clear", _clear)


def _unwatch() -> None:
    if not _state.layers and not _state.gone:
        _patches.undo()


def _set(method: Any, environ: Any, name: Any, value: Any) -> None:
    if environ is not os.environ or not _put_back(name, value):
        method(name, value)


def _delete(method: Any, environ: Any, name: Any) -> None:
    if environ is not os.environ or not _put_back(name, None):
        if name not in environ:
            _forgotten(name)
        method(name)


def _clear(method: Any, environ: MutableMapping[str, str]) -> None:
    with _writing():
        method()
    if environ is os.environ:
        # Python clears until nothing is left, so variables that we write back would keep it going.
        for name in list(_state.gone):
            _put_back(name, None)
