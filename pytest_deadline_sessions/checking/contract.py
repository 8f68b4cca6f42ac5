"""The contract: its rules, and whether one call of a collector held to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_deadline_sessions import model
from pytest_deadline_sessions.paging import Cut, Listing
from pytest_deadline_sessions.transcript import Call, abbreviate

COMPLETE = "complete"
TERMINATES = "terminates"
FOLLOWS_TOKENS = "follows-tokens"
KEEPS_ARGUMENTS = "keeps-arguments"
VALID_REQUESTS = "valid-requests"
SURFACES_FAULTS = "surfaces-faults"
STATELESS = "stateless"

RULES = {
    COMPLETE: "It returns every session exactly once, in service order, however the pages are "
    "cut: an empty page with a token is not the end, a page without a token is.",
    TERMINATES: "It needs at most one call per page and one more, plus retries, and restarts "
    "after faults.",
    FOLLOWS_TOKENS: "It passes exactly the token of the page before.",
    KEEPS_ARGUMENTS: "It repeats ids and maxResults unchanged in follow-up calls.",
    VALID_REQUESTS: "It never sends maxResults outside 1..100, an empty or null token, or members "
    "that the operation does not have.",
    SURFACES_FAULTS: "It raises, or recovers to the complete listing: it never returns a partial, "
    "empty or doubled one as if it were complete.",
    STATELESS: "It gives the right answer each time that it is called.",
}
"""The rules that a collector is held to, and why."""

MOST_FAULTS = 200
"""After so many faults a collector must have given up."""


@dataclass(frozen=True)
class Finding:
    """A rule that a collector broke.

    Attributes:
        rule: Its name.
        what: What was wrong, in one sentence.
        expected: What should have come, shortened.
        came: What came, shortened.
        cause: A likely cause, if the pattern is clear.
        error: What the collector raised.
    """

    rule: str
    what: str
    expected: str = ""
    came: str = ""
    cause: str = ""
    error: BaseException | None = None


@dataclass
class Attempt:
    """One call of a collector: what it was up against, and what it did.

    Attributes:
        listing: What the job listed when the collector was called.
        page_size: The most sessions that the service puts in a page.
        job: The three ids.
        added: The ids of sessions that started meanwhile.
        calls: What it sent.
        returned: What it returned, made into a list where it is one.
        error: What it raised.
        runaway: Why it was stopped.
    """

    listing: Listing
    page_size: int
    job: Mapping[str, str]
    added: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    returned: Any = None
    error: BaseException | None = None
    runaway: str | None = None
    _pages: dict[int, int] = field(default_factory=dict)

    @property
    def lists(self) -> list[Call]:
        """The ``ListSessions`` calls."""
        return [call for call in self.calls if call.operation == model.OPERATION]

    def allowance(self) -> int:
        """How many calls it may need, retries aside."""
        lists = self.lists
        faults = surfaced(lists)
        smallest = min((_max_results(call) for call in lists), default=100)
        again = min(_asked_again(lists), len(self.listing) + len(self.added) + 1 + faults)
        return (self.pages(smallest) + 1) * (1 + faults) + again

    def pages(self, max_results: int) -> int:
        """How many pages the listing has for that maxResults."""
        if max_results not in self._pages:
            count = 0
            cut: Cut | None = Cut(0, 0)
            while cut is not None:
                count += 1
                *_, cut = self.listing.cut(cut, max_results, self.page_size, len(self.listing))
            self._pages[max_results] = count
        return self._pages[max_results] + len(self.added)

    def excess(self) -> str | None:
        """Why it has made more calls than it may need; ``None`` if it has not."""
        lists = [call for call in self.lists if not call.retry]
        if surfaced(self.lists) > MOST_FAULTS:
            return f"it went on after {MOST_FAULTS} faults"
        if len(lists) > self.allowance():
            return f"it made {len(lists)} calls, and needs {self.allowance()} at most"
        return None


def judge(
    attempt: Attempt,
    *,
    ordered: bool = True,
    expected: Callable[[list[Any]], Any] | None = None,
) -> Finding | None:
    """The first rule that an attempt breaks, or ``None``."""
    return (
        _requests(attempt)
        or _arguments(attempt)
        or _tokens(attempt)
        or _terminates(attempt)
        or _result(attempt, ordered=ordered, expected=expected)
    )


def surfaced(calls: Sequence[Call]) -> int:
    """How many calls failed for good, botocore's retries included."""
    count = 0
    for index, call in enumerate(calls):
        if call.error is not None and not any(
            later.attempt == call.attempt + 1 and later.params == call.params
            for later in calls[index + 1 : index + 9]
        ):
            count += 1
    return count


def _asked_again(calls: Sequence[Call]) -> int:
    plain = [call for call in calls if not call.retry]
    return sum(
        1 for before, call in zip(plain, plain[1:], strict=False)
        if call.token is not None and call.token == before.token
    )


def _max_results(call: Call) -> int:
    value = call.params.get("maxResults")
    low, high = model.bounds("MaxResults")
    return value if isinstance(value, int) and low <= value <= high else high


def _requests(attempt: Attempt) -> Finding | None:
    for call in attempt.lists:
        broken = [str(one) for one in model.check_request(call.params)]
        if call.token == "":
            broken.append("nextToken: '' (expected a token, or no nextToken at all)")
        if broken:
            ids_only = all(one.split(":")[0] in attempt.job for one in broken)
            rule = KEEPS_ARGUMENTS if ids_only else VALID_REQUESTS
            cause = ""
            if call.token is None and "nextToken" in call.params:
                cause = "It passes nextToken=None; leave the argument out of the first call."
            if call.token == "":
                cause = "It takes an empty token for one that leads on."
            return Finding(rule, f"It sent {'; '.join(broken)}", cause=cause, error=attempt.error)
    return None


def _arguments(attempt: Attempt) -> Finding | None:
    issued: dict[str, Call] = {}
    for call in attempt.lists:
        wrong = {
            name: call.params.get(name)
            for name, value in attempt.job.items()
            if call.params.get(name) != value
        }
        if wrong:
            name, value = next(iter(wrong.items()))
            what = f"It sent {name}={value!r} where it was given {attempt.job[name]!r}"
            return Finding(KEEPS_ARGUMENTS, what, error=attempt.error)
        before = issued.get(call.token or "")
        if before is not None:
            for name in sorted({*before.params, *call.params} - {"nextToken"}):
                was, now = before.params.get(name), call.params.get(name)
                if was != now:
                    what = f"It sent {name}={now!r} with a token that was issued for {name}={was!r}"
                    return Finding(KEEPS_ARGUMENTS, what, error=attempt.error)
        if call.next_token:
            issued[call.next_token] = call
    return None


def _tokens(attempt: Attempt) -> Finding | None:
    fresh: set[str] = set()
    used: set[str] = set()
    last: str | None = None
    for call in attempt.lists:
        token = call.token
        if token is not None and not call.retry and token not in fresh and token != last:
            known = "was passed before" if token in used else "no page of this listing had"
            what = f"It passed the token {abbreviate(token)}, which {known}"
            return Finding(FOLLOWS_TOKENS, what, cause=_of_token(token, fresh), error=attempt.error)
        if call.error is None:
            if token is not None:
                fresh.discard(token)
                used.add(token)
            if call.next_token:
                fresh.add(call.next_token)
        last = token
    return None


def _of_token(token: str, fresh: Iterable[str]) -> str:
    from urllib.parse import quote, quote_plus, unquote, unquote_plus

    changes: dict[str, Callable[[str], str]] = {
        "strips": str.strip,
        "strips the padding of": lambda text: text.rstrip("="),
        "escapes": quote,
        "escapes all of": lambda text: quote(text, safe=""),
        "escapes a form field of": quote_plus,
        "unescapes": unquote,
        "unescapes a form field of": unquote_plus,
        "changes the case of": str.lower,
    }
    for one in fresh:
        for verb, change in changes.items():
            if change(one) == token:
                return f"It {verb} the token, which is to be passed as it came."
        if one.startswith(token):
            return "It cuts the token short."
    return ""


def _terminates(attempt: Attempt) -> Finding | None:
    why = attempt.runaway or attempt.excess()
    if why is None:
        return None
    cause = ""
    tokens = [call.token for call in attempt.lists if not call.retry]
    if len(tokens) > 2 and len(set(tokens[-3:])) == 1:  # noqa: PLR2004
        cause = "It asks for the same page again and again."
    return Finding(TERMINATES, f"It was stopped: {why}", cause=cause)


def _result(
    attempt: Attempt, *, ordered: bool, expected: Callable[[list[Any]], Any] | None
) -> Finding | None:
    faults = surfaced(attempt.lists)
    if attempt.error is not None:
        if faults:
            return None
        kind = type(attempt.error).__name__
        what = f"It raised {kind}: {attempt.error}" if str(attempt.error) else f"It raised {kind}"
        return Finding(
            COMPLETE, f"{what}, though no call had failed", error=attempt.error
        )
    rule = SURFACES_FAULTS if faults else COMPLETE
    if expected is not None:
        return _compare(attempt, rule, expected(list(attempt.listing)), ordered=ordered)
    got = session_ids(attempt.returned)
    if got is None:
        return Finding(
            COMPLETE,
            f"It returned {_short(attempt.returned)}: expected summaries or session ids, a dict "
            "with 'sessions', or else expected=",
        )
    return _listing(attempt, rule, got, ordered=ordered)


def _compare(attempt: Attempt, rule: str, wanted: Any, *, ordered: bool) -> Finding | None:
    got = attempt.returned
    wanted = list(wanted) if isinstance(wanted, tuple | Iterable) and isinstance(
        got, list
    ) and not isinstance(wanted, str | Mapping) else wanted
    if got == wanted:
        return None
    if not ordered and isinstance(got, list) and isinstance(wanted, list):
        left = list(wanted)
        for one in got:
            if one in left:
                left.remove(one)
            else:
                break
        else:
            if not left:
                return None
    what = "It returned something else than expected() makes of the complete listing"
    if rule == SURFACES_FAULTS:
        what = "A call failed for good, and it returned as if none had"
    return Finding(rule, what, _short(wanted), _short(got), _cause(attempt, None))


def session_ids(returned: Any) -> list[str] | None:
    """The session ids of a result; ``None`` if it is none that one can be made of."""
    if isinstance(returned, Mapping):
        returned = returned.get("sessions")
    if not isinstance(returned, list | tuple):
        return None
    ids = [one.get("sessionId") if isinstance(one, Mapping) else one for one in returned]
    return ids if all(isinstance(one, str) for one in ids) else None


def _listing(attempt: Attempt, rule: str, got: list[str], *, ordered: bool) -> Finding | None:
    wanted = [summary["sessionId"] for summary in attempt.listing]
    counted = Counter(got)
    base = set(wanted)
    missing = [one for one in wanted if one not in counted]
    doubled = [one for one, count in counted.items() if count > 1]
    foreign = [one for one in counted if one not in base and one not in attempt.added]
    if missing or doubled or foreign:
        parts = [
            f"{len(ids)} {word}"
            for ids, word in ((missing, "missing"), (doubled, "doubled"), (foreign, "unexpected"))
            if ids
        ]
        what = f"Of {len(wanted)} sessions: {', '.join(parts)}"
        if rule == SURFACES_FAULTS:
            what = f"A call failed for good, and it returned as if none had. {what}"
        cause = _cause(attempt, got)
        return Finding(rule, what, _places(wanted, wanted), _places(got, wanted), cause)
    in_order = [one for one in got if one in base]
    if ordered and in_order != wanted:
        return Finding(
            rule,
            "Every session is there, only the order is not the service's "
            "(pass ordered=False if that does not matter)",
            _places(wanted, wanted),
            _places(got, wanted),
            _order_cause(attempt, in_order),
        )
    return None


def _order_cause(attempt: Attempt, got: list[str]) -> str:
    wanted = list(attempt.listing)
    if got == [summary["sessionId"] for summary in reversed(wanted)]:
        return "It turns the listing round."
    by_start = sorted(wanted, key=lambda summary: summary["startedAt"])
    if got == [summary["sessionId"] for summary in by_start]:
        return "It sorts by startedAt."
    return ""


def _cause(attempt: Attempt, got: list[str] | None) -> str:
    answered = [call for call in attempt.lists if call.error is None]
    if not attempt.lists:
        return "It made no call."
    last = attempt.lists[-1]
    if last.error is not None:
        return f"It went on as if {last.error} had been the last page."
    if answered and answered[-1].next_token:
        page = answered[-1].sessions
        if not page:
            return "It stopped at an empty page, though that page had a token."
        if len(answered) == 1:
            return "It took the first page for the whole listing."
        if len(page) < _max_results(answered[-1]):
            return "It stopped at a page that was not full, though that page had a token."
        return f"It stopped after {len(answered)} pages, though the last one had a token."
    if got is not None and got:
        return _of_sessions(attempt, answered, got)
    return ""


def _of_sessions(attempt: Attempt, answered: list[Call], got: list[str]) -> str:
    pages = [[one["sessionId"] for one in call.sessions] for call in answered]
    if len(pages) > 1 and got == [one for page in pages[:-1] for one in page]:
        return "It drops the page that has no token."
    if len(pages) > 1 and got == [one for page in pages[1:] for one in page]:
        return "It drops the first page."
    if len(pages) > 1 and got == pages[-1]:
        return "It keeps the last page only."
    wanted = {one["sessionId"]: one for one in attempt.listing}
    missing = [one for one in wanted if one not in got]
    bare = [{**wanted[one], "sessionId": ""} for one in got if one in wanted]
    if missing and all({**wanted[one], "sessionId": ""} in bare for one in missing):
        return "It takes sessions for the same that differ only in their id."
    return ""


def _places(ids: Sequence[str], wanted: Sequence[str]) -> str:
    place = {one: index for index, one in enumerate(wanted)}
    shown = [f"#{place[one]}" if one in place else f"{one} (not in the listing)" for one in ids]
    if len(shown) > 12:  # noqa: PLR2004 (what fits a line)
        shown = [*shown[:6], f"… {len(shown) - 9} more …", *shown[-3:]]
    return f"{len(ids)} sessions: {', '.join(shown)}" if shown else "no sessions"


def _short(value: Any, width: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
