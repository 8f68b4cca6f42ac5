"""Suspect what makes a result wrong, by what the collector requested last."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Sequence

from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._text import same
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._diagnosis_faults import (
    of_expiry,
    of_fault,
    of_fault_elsewhere,
    of_restart,
)
from pytest_deadline_sessions.checking._diagnosis_pages import of_pages_left_out, of_stopping
from pytest_deadline_sessions.checking._diagnosis_sessions import of_kind, of_sessions
from pytest_deadline_sessions.checking._reading import item_ids, most_items
from pytest_deadline_sessions.checking._suspicion import Observation, Suspicion, joined

_LIFETIME = datetime.timedelta(hours=24)
_ENOUGH_FAILURES = 10


def of_result(attempt: Attempt, got: Sequence[str] | None) -> tuple[Suspicion, ...]:
    """Suspect why sessions are missing, duplicated or unexpected.

    Args:
        attempt: The call, and what the collector did.
        got: The session ids that it returned; ``None`` if it returned something else.
    """
    seen = Observation(attempt, got)
    if not attempt.requests:
        no_calls = Suspicion(attempt.elsewhere or "It made no calls.")
        return (*of_fault_elsewhere(seen), no_calls)
    last = attempt.requests[-1]
    if last.error is not None:
        return (*of_expiry(seen), *of_fault(seen))
    if last.next_token:
        return tuple(of_stopping(seen))
    return (
        *of_kind(seen),
        *of_fault_elsewhere(seen),
        *of_restart(seen),
        *of_pages_left_out(seen),
        *of_sessions(seen),
    )


def of_no_token(attempt: Attempt, place: int) -> tuple[Suspicion, ...]:
    """Suspect why a call passes an empty token, or null.

    Args:
        attempt: The call of the collector.
        place: The index of the request.
    """
    call, before = attempt.requests[place], attempt.requests[:place]
    if "nextToken" not in call.params or not (call.token is None or same(call.token, "")):
        return ()
    if any(same(earlier.next_token, "") for earlier in before):
        return (Suspicion("It treats an empty token as a real one."),)
    if before:
        return (Suspicion(f"It passes nextToken={call.token!r} after the last page."),)
    text = f"It passes nextToken={call.token!r}. Leave nextToken out of the first call."
    return (Suspicion(text),)


def of_surplus_calls(attempt: Attempt) -> tuple[Suspicion, ...]:
    """Suspect why a collector makes too many calls, by what its requests show."""
    if not attempt.requests and attempt.elsewhere:
        return (Suspicion(attempt.elsewhere),)
    calls = [call for call in attempt.requests if not call.retry]
    failed = [call for call in calls if call.error is not None]
    if len(failed) > _ENOUGH_FAILURES:
        return (Suspicion(_of_failures(failed)),)
    job_of = attempt.job_of
    pairs = [pair for pair in itertools.pairwise(calls) if job_of(pair[0]) == job_of(pair[1])]
    if any(now.token is None and not before.next_token for before, now in pairs):
        return (Suspicion("After the last page, it starts over from the first one."),)
    repeated = [now.token for before, now in pairs if same(before.token, now.token)]
    if len(repeated) > 1 and len(set(repeated)) == 1:
        return (Suspicion("It keeps passing the same token, not the one of the latest page."),)
    if len(repeated) > 1:
        return (Suspicion("It requests pages more than once."),)
    return ()


def _of_failures(failed: Sequence[Call]) -> str:
    codes = {call.error for call in failed}
    when = f"a call fails with {codes.pop()}" if len(codes) == 1 else "a call fails"
    if all("expired" in call.message for call in failed):
        when = "its token has expired"
    # If the first page fails, starting over means to repeat the call.
    first = {call.token for call in failed[1:]} == {None} and failed[0].token is not None
    restarts = first or "token" in when
    verb = "starts over" if restarts else "repeats the call"
    return f"It {verb} each time {when}, without a limit."


def of_own_failure(attempt: Attempt) -> tuple[Suspicion, ...]:
    """Suspect how a collector makes its calls fail, though nothing was planned to."""
    if not attempt.requests:
        return ()
    call = attempt.requests[-1]
    issuers = [other for other in attempt.requests if same(other.next_token, call.token)]
    if "expired" in call.message and issuers and call.at - issuers[0].at >= _LIFETIME:
        return (Suspicion("It sleeps until its token has expired."),)
    return ()


def of_state(first: Attempt, again: Attempt) -> Iterator[Suspicion]:
    """Suspect what a collector keeps between two calls, by what the calls show.

    Args:
        first: The first call.
        again: The call with the wrong result.
    """
    received = {call.next_token for call in first.requests if call.next_token}
    tokens = [call.token for call in again.requests]
    if tokens and tokens[0] is not None and tokens[0] in received:
        yield Suspicion("It begins with a token that an earlier call received.")
    if again.error is None and not again.requests:
        yield Suspicion("It makes no calls when it is called again: it returns what it kept.")
    got = item_ids(again.returned, most_items(again.count), again.target)
    before, now = joined(Observation(first, None).pages), joined(Observation(again, None).pages)
    # A list that is kept may have grown since.
    if before and got is not None and got[: len(before + now)] == before + now:
        yield Suspicion("It returns the sessions of the first call as well.")
    fresh = [each for each in now if each not in before]
    if not again.same_object and got == fresh != now:
        yield Suspicion("It leaves out sessions that an earlier call returned.")
    if again.same_object:
        yield Suspicion("It returns the same object as before, which its caller may have changed.")
