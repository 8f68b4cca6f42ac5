"""Check the queue: requests that the service accepts, and responses that it could send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_deadline_sessions import _arguments, lifecycle
from pytest_deadline_sessions._api import validation
from pytest_deadline_sessions._domain.listing import Listing, Page
from pytest_deadline_sessions._domain.summaries import duplicate
from pytest_deadline_sessions._text import first_of, shown

_MOST_SHOWN = 20
_NOTHING = object()


def copied(value: Any) -> Any:
    """A deep copy of the dicts and lists in a value."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copied(item) for item in value]
    return value


def copied_dict(name: str, value: Any) -> dict[str, Any] | None:
    """A deep copy of an optional dict.

    Args:
        name: The name of the argument, for the message.
        value: The dict, or ``None``.

    Raises:
        TypeError: It is neither.
    """
    copy = copied(value)
    return _arguments.check_kind(name, copy, (dict, type(None)), "a dict or None")


def is_any(value: Any) -> bool:
    """Whether a value is the ``ANY`` of botocore or unittest, which equals everything."""
    return bool(value == _NOTHING)


def complete_request(request: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """The request, with the ids of ``job`` unless it has its own.

    Raises:
        ValueError: The request has some of the ids, but not all.
    """
    missing = [name for name in job if name not in request]
    if len(missing) == len(job):
        return {**job, **copied(request)}
    if missing:
        msg = (
            f"{', '.join(missing)}: missing "
            f"(expected {', '.join(job)}, or none of them to use those of stubber.job)"
        )
        raise ValueError(msg)
    return dict(copied(request))


def as_pages(pages: Any) -> list[dict[str, Any]]:
    """Pages as responses, copied.

    Raises:
        TypeError: ``pages`` is not a list of pages.
        ValueError: ``pages`` is empty.
    """
    listed = _arguments.check_items(
        "pages", pages, "a list of pages, each a list of session summaries"
    )
    responses = [_as_page(page, f"pages[{number}]") for number, page in enumerate(listed)]
    if not responses:
        expected = "at least one page; an empty listing is [[]]"
        raise _arguments.wrong_value("pages", listed, expected)
    return responses


def cut(listing: Any, page_size: int) -> list[list[Any]]:
    """A listing, page by page.

    Raises:
        TypeError: ``listing`` is not a ``Listing``.
    """
    expected = "a Listing; add_pages takes lists of summaries"
    return list(_arguments.check_kind("listing", listing, Listing, expected).pages(page_size))


def _as_page(page: Any, name: str) -> dict[str, Any]:
    if isinstance(page, Page):
        token = {} if page.next_token is None else {"nextToken": page.next_token}
        return {"sessions": copied(list(page.sessions)), **token}
    expected = (
        "a list of session summaries, or a Page; "
        "write a single page as [[summary, …]], and pass a Listing to add_listing"
    )
    return {"sessions": copied(_arguments.check_items(name, page, expected))}


def bad_request(request: Mapping[str, Any]) -> list[str]:
    """One sentence for each thing in a request that the service would refuse."""
    anything = {name for name, value in request.items() if is_any(value)}
    return [
        str(broken) for broken in validation.check_request(request) if broken.path not in anything
    ]


def bad_responses(
    responses: Mapping[str, Mapping[str, Any]], request: Mapping[str, Any] | None = None
) -> list[str]:
    """One sentence for each thing in the responses that the service could not send.

    Args:
        responses: The pages of one listing, by the names they are reported under.
        request: The request, as far as it is known.
    """
    complaints: list[str] = []
    ids: dict[str, str] = {}
    tokens: dict[str, str] = {}
    sent = request or {}
    limit = validation.page_limit(sent)
    if isinstance(sent.get("nextToken"), str):
        tokens[sent["nextToken"]] = "the request"
    for name, response in responses.items():
        sessions = response.get("sessions")
        listed = sessions if isinstance(sessions, list) else []
        bare = {**response, "sessions": []} if sessions is listed else response
        complaints += [f"{name}.{broken}" for broken in validation.check_response(bare)]
        complaints += _in_sessions(listed, f"{name}.sessions", limit, ids)
        token = response.get("nextToken")
        if isinstance(token, str) and tokens.setdefault(token, name) != name:
            owner = tokens[token]
            complaints.append(
                f"{name}.nextToken: {shown(token)} (expected a new token; {owner} has this one)"
            )
    return complaints


def _in_sessions(sessions: Sequence[Any], name: str, limit: int, ids: dict[str, str]) -> list[str]:
    complaints = []
    if len(sessions) > limit:
        complaints.append(f"{name}: {len(sessions)} items (expected at most {limit} in a page)")
    for index, summary in enumerate(sessions):
        at = f"{name}[{index}]"
        complaints += [f"{at} breaks {broken}" for broken in lifecycle.violations(summary)]
        complaints += duplicate(summary, at, ids)
    return complaints


def refuse(in_request: Sequence[str], in_responses: Sequence[str] = ()) -> None:
    """Raise an error if there are complaints about a request or its responses.

    Raises:
        ValueError: There are complaints; the message lists up to 20.
    """
    complaints = [*in_request, *in_responses]
    if complaints:
        verdict = "could not send this" if in_responses else "would reject this request"
        lines = "".join(f"\n  {line}" for line in first_of(complaints, _MOST_SHOWN))
        raise ValueError(f"the real service {verdict} (strict=False queues it anyway):{lines}")
