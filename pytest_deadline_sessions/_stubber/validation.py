"""What may be queued: requests the service takes, and responses it could send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._domain.listing import Listing, Page
from pytest_deadline_sessions._text import shown

WIDEST = 500
_MOST_SHOWN = 20
_NOTHING = object()


def copied(value: Any) -> Any:
    """``value`` with every dict and list in it made anew."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copied(item) for item in value]
    return value


def is_any(value: Any) -> bool:
    """Whether it is botocore's or unittest's ``ANY``, which equals everything."""
    return bool(value == _NOTHING)


def page_limit(request: Mapping[str, Any] | None) -> int:
    """The most sessions that the service gives in one page of that request."""
    low, high = model.bounds("MaxResults")
    asked = (request or {}).get("maxResults")
    return asked if isinstance(asked, int) and low <= asked <= high else high


def complete_request(request: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """The request with the ids of ``job`` if it has none of its own.

    Raises:
        ValueError: It has some of the ids, and not all.
    """
    missing = [name for name in job if name not in request]
    if len(missing) == len(job):
        return {**job, **copied(request)}
    if missing:
        msg = (
            f"{', '.join(missing)}: missing "
            f"(expected {', '.join(job)}, or none of them for those of stubber.job)"
        )
        raise ValueError(msg)
    return dict(copied(request))


def as_pages(pages: Any) -> list[dict[str, Any]]:
    """Pages as responses, in fresh dicts.

    Raises:
        TypeError: Something that is no list of pages.
        ValueError: No page at all.
    """
    if not _is_series(pages):
        expected = "a list of pages, each a list of session summaries"
        msg = f"pages={shown(pages, WIDEST)} (expected {expected})"
        raise TypeError(msg)
    made = [_as_page(page, f"pages[{number}]") for number, page in enumerate(pages)]
    if not made:
        msg = "pages=[] (expected at least one page; an empty listing is [[]])"
        raise ValueError(msg)
    return made


def cut(listing: Any, page_size: int) -> list[list[Any]]:
    """A listing page by page.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(listing, Listing):
        given = shown(listing, WIDEST)
        msg = f"listing={given} (expected a Listing; add_pages takes lists of summaries)"
        raise TypeError(msg)
    return list(listing.pages(page_size))


def _as_page(page: Any, name: str) -> dict[str, Any]:
    if isinstance(page, Page):
        token = {} if page.next_token is None else {"nextToken": page.next_token}
        return {"sessions": copied(list(page.sessions)), **token}
    if not _is_series(page):
        msg = (
            f"{name}: {shown(page, WIDEST)} (expected a list of session summaries, or a Page; "
            "one page alone is [[summary, …]], a Listing goes to add_listing)"
        )
        raise TypeError(msg)
    return {"sessions": copied(list(page))}


def _is_series(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def bad_request(request: Mapping[str, Any]) -> list[str]:
    """A sentence for everything in a request that the service would not take."""
    free = {name for name, value in request.items() if is_any(value)}
    return [str(broken) for broken in validation.check_request(request) if broken.path not in free]


def bad_responses(
    responses: Mapping[str, Mapping[str, Any]], request: Mapping[str, Any] | None = None
) -> list[str]:
    """A sentence for everything that the service could not send in answer to one request.

    Args:
        responses: The pages of one listing by the name that they are reported under.
        request: What is asked for, as far as it is known.
    """
    found: list[str] = []
    ids: dict[str, str] = {}
    tokens: dict[str, str] = {}
    sent = (request or {}).get("nextToken")
    if isinstance(sent, str):
        tokens[sent] = "the request"
    for name, response in responses.items():
        sessions = response.get("sessions")
        listed = sessions if isinstance(sessions, list) else []
        bare = {**response, "sessions": []} if sessions is listed else response
        found += [f"{name}.{broken}" for broken in validation.check_response(bare)]
        found += _of_sessions(listed, f"{name}.sessions", page_limit(request), ids)
        token = response.get("nextToken")
        if isinstance(token, str) and tokens.setdefault(token, name) != name:
            owner = tokens[token]
            found.append(f"{name}.nextToken: {shown(token)} (expected a fresh one; {owner} has it)")
    return found


def _of_sessions(sessions: Sequence[Any], name: str, limit: int, ids: dict[str, str]) -> list[str]:
    found = []
    if len(sessions) > limit:
        found.append(f"{name}: {len(sessions)} items (expected at most {limit} in a page)")
    for index, summary in enumerate(sessions):
        at = f"{name}[{index}]"
        found += [f"{at} breaks {broken}" for broken in lifecycle.violations(summary)]
        session_id = summary.get("sessionId") if isinstance(summary, Mapping) else None
        if isinstance(session_id, str) and ids.setdefault(session_id, at) != at:
            owner = ids[session_id]
            found.append(
                f"{at}.sessionId: {shown(session_id)} (expected unique ids; {owner} has it)"
            )
    return found


def refuse(found: Sequence[str]) -> None:
    """Raise what was found.

    Raises:
        ValueError: Something was.
    """
    if found:
        shown = list(found[:_MOST_SHOWN])
        if len(found) > len(shown):
            shown.append(f"… and {len(found) - len(shown)} more")
        lines = "".join(f"\n  {line}" for line in shown)
        msg = f"impossible with the real service (strict=False queues it all the same):{lines}"
        raise ValueError(msg)
