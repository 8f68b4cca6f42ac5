"""The assertion that a result is a complete listing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_deadline_sessions._arguments import check_switch, wrong_type
from pytest_deadline_sessions._assertions.messages import failure
from pytest_deadline_sessions._contract.completeness import check_ids, session_id
from pytest_deadline_sessions._contract.differences import first_out_of_order
from pytest_deadline_sessions._contract.rules import ORDER
from pytest_deadline_sessions._public import public


@public
def assert_complete_listing(got: Any, listing: Any, *, ordered: bool = True) -> None:
    """Assert that a result has every session of a listing, once each, in service order.

    Sessions are compared by their ids.

    Args:
        got: What the code under test returned: summaries or session ids, a page (a dict with
            ``sessions``, a ``Page``, a ``Call``), or an iterable of pages such as botocore's
            ``PageIterator``.
        listing: What it should have returned: a ``Listing``, a ``Job``, or anything that ``got``
            may be.
        ordered: Whether the order matters. The API does not document an order; by default the fake
            sorts given summaries by ``startedAt``.

    Raises:
        AssertionError: Sessions are missing, duplicated or unexpected, or only in another order.
        TypeError: An argument has the wrong type.

    Example:
        >>> from pytest_deadline_sessions import Listing
        >>> listing = Listing(page_sizes=(2, 1))
        >>> assert_complete_listing(list(listing), listing)
        >>> assert_complete_listing(listing.pages()[0], listing)
        Traceback (most recent call last):
            ...
        AssertionError: The code under test breaks "complete": It returns every session exactly ...
          source: API reference
          sessions: 2 (expected 3)
          1 missing: #2 (session-00000000000000000000000000000003)
    """
    __tracebackhide__ = True
    check_switch("ordered", ordered)
    ids, listed = _ids("got", got), _ids("listing", getattr(listing, "listing", listing))
    incomplete = check_ids(ids, listed, ordered=ordered)
    if incomplete is None:
        return
    if incomplete.rule is ORDER:
        lines = first_out_of_order(ids, listed)
        raise failure("The code under test", ORDER, lines, "ordered=False")
    lines = [f"sessions: {len(ids)} (expected {len(listed)})", *incomplete.differences.lines()]
    raise failure("The code under test", incomplete.rule, lines)


def _ids(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping) or hasattr(value, "sessions"):
        return _ids_of_item(name, value)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise wrong_type(name, value, "summaries, session ids, or pages")
    return [
        each for index, item in enumerate(value) for each in _ids_of_item(f"{name}[{index}]", item)
    ]


def _ids_of_item(name: str, item: Any) -> list[str]:
    """The ids of one summary, one id or one page."""
    own = session_id(item)
    if own is not None:
        return [own]
    has_members = isinstance(item, Mapping)
    sessions = item.get("sessions") if has_members else getattr(item, "sessions", None)
    if isinstance(sessions, list | tuple):
        return _ids(f"{name}.sessions", sessions)
    raise wrong_type(name, item, "a summary, a session id, or a page with its sessions")
