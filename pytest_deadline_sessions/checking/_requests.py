"""Judge the requests of a collector against the contract."""

from __future__ import annotations

import functools
from typing import Any

from pytest_deadline_sessions._api import validation
from pytest_deadline_sessions._contract.rules import (
    FOLLOWS_TOKENS,
    KEEPS_ARGUMENTS,
    STATELESS,
    TERMINATES,
    VALID_REQUESTS,
)
from pytest_deadline_sessions._contract.tokens import Ledger, changes
from pytest_deadline_sessions._text import abbreviate, same, shown
from pytest_deadline_sessions.checking._attempt import Attempt, Finding
from pytest_deadline_sessions.checking._diagnosis import of_no_token, of_surplus_calls
from pytest_deadline_sessions.checking._diagnosis_tokens import difference, of_token


def of_requests(attempt: Attempt) -> Finding | None:
    """Find the first rule that the requests of an attempt break."""
    return _valid(attempt) or _arguments(attempt) or _tokens(attempt) or _terminates(attempt)


def _valid(attempt: Attempt) -> Finding | None:
    for place, call in enumerate(attempt.requests):
        found = validation.check_request(call.params, call.operation)
        violations = [str(violation) for violation in found]
        # An expired token may have any reason.
        if call.reason == "CANNOT_PARSE" and "expired" not in call.message:
            violations.append(f"the service refused it: {call.message}")
        if same(call.token, ""):
            violations.append("nextToken: '' (expected a token, or no nextToken at all)")
        if violations:
            ids_only = all(text.split(":")[0] in attempt.target.ids for text in violations)
            rule = KEEPS_ARGUMENTS if ids_only else VALID_REQUESTS
            problem = f"It sent an invalid request: {'; '.join(violations)}"
            suspects = functools.partial(of_no_token, attempt, place)
            return Finding(rule.name, problem, error=attempt.error, suspects=suspects)
    return None


def _arguments(attempt: Attempt) -> Finding | None:
    ledgers = _ledgers(attempt)
    for call in attempt.requests:
        for name, value in attempt.job.items():
            sent = call.params.get(name)
            if not same(sent, value):
                return _of_id(attempt, name, sent, shown(value))
        job = attempt.job_of(call)
        if job not in ledgers:
            return _of_id(attempt, "jobId", job, "a job of the queue")
        ledger = ledgers[job]
        issuers = [other.issuer(call.token) for other in (ledger, *ledgers.values())]
        issuer = next(filter(None, issuers), None)
        changed = changes(issuer.params, call.params) if issuer is not None else []
        if changed:
            problem = f"It changed arguments between pages: {'; '.join(changed)}"
            return Finding(KEEPS_ARGUMENTS.name, problem, error=attempt.error)
        ledger.add(call)
    return None


def _ledgers(attempt: Attempt) -> dict[Any, Ledger]:
    """For each job, the tokens that the collector may have kept from earlier calls."""
    ledgers: dict[Any, Ledger] = {job_id: Ledger() for job_id in attempt.job_ids}
    for call in attempt.resumable:
        ledgers[attempt.job_of(call)].add(call)
    return ledgers


def _of_id(attempt: Attempt, name: str, sent: object, expected: str) -> Finding:
    rule, origin = KEEPS_ARGUMENTS, ""
    if sent in attempt.earlier:
        rule, origin = STATELESS, ", left over from an earlier call of the collector"
    problem = f"It sent {name}={shown(sent)}{origin} (expected {expected})"
    return Finding(rule.name, problem, error=attempt.error)


def _tokens(attempt: Attempt) -> Finding | None:
    ledgers = _ledgers(attempt)
    for call in attempt.requests:
        token, ledger = call.token, ledgers[attempt.job_of(call)]
        if token is not None and not ledger.may_pass(token):
            return _strange_token(attempt, token, ledger)
        ledger.add(call)
    return None


def _strange_token(attempt: Attempt, token: str, ledger: Ledger) -> Finding:
    rule, history = FOLLOWS_TOKENS, ledger.history(token)
    if token in attempt.earlier and not ledger.passed(token):
        rule, history = STATELESS, "an earlier call of the collector received"
    problem = f"It passed the token {abbreviate(token)}, which {history}"
    issued = ledger.fresh or ledger.issued
    return Finding(
        rule.name,
        problem,
        error=attempt.error,
        details=difference(token, issued),
        suspects=functools.partial(of_token, attempt, token, issued),
    )


def _terminates(attempt: Attempt) -> Finding | None:
    why = attempt.runaway or attempt.excess()
    if why is None:
        return None
    suspects = functools.partial(of_surplus_calls, attempt)
    details = (("stopped at", attempt.place),) if attempt.place else ()
    return Finding(TERMINATES.name, f"It was stopped: {why}", details=details, suspects=suspects)
