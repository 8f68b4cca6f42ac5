"""Give every example of a ``@given`` test the state and the journal that its fixtures left."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import _patching, _state
from pytest_deadline_sessions._plugin import activation, shared_fake

if TYPE_CHECKING:
    import pytest

    from pytest_deadline_sessions._plugin.activation import Activation


@contextlib.contextmanager
def restored(test: Activation) -> Iterator[None]:
    """Restore the state, and forget earlier examples, before every example inside the block."""
    item = test.item
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is None:
        yield
        return
    if test.restore is not None:
        test.restore = shared_fake.get(item.config).snapshot()
    with _patching.replaced(handle, "inner_test", _restoring(handle.inner_test, item.config)):
        yield


def _restoring(inner: Callable[..., Any], config: pytest.Config) -> Callable[..., Any]:
    # A failure report shows the calls of the fixtures, and of the example that failed.
    of_fixtures = list(_state.journal)

    def restore() -> None:
        for transcript in [each for each in _state.journal if each not in of_fixtures]:
            _state.journal.remove(transcript)
        # The test may receive the service in the middle of an example, by ``request``.
        # Other plugins wrap our function in turn, and use it for the next parameters of the test.
        test = activation.current(config)
        if test is not None and test.restore is not None:
            test.restore()

    if inspect.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            restore()
            return await inner(*args, **kwargs)

        return awaited

    @functools.wraps(inner)
    def called(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        restore()
        return inner(*args, **kwargs)

    return called
