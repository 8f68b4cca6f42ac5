"""The rules of the contract, which assertions and ``check_pagination`` quote alike."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_deadline_sessions.lifecycle import ASSUMPTION, MODEL, REFERENCE, Rule

DEMAND = "this contract, callers rely on it"
"""The source of what the API leaves to the code that calls it."""

COMPLETE = Rule(
    "complete",
    "It returns every session exactly once, in service order, however the pages are cut: an empty "
    "page with a token is not the end, a page without a token is.",
    REFERENCE,
)
ORDER = Rule(
    "order", "It returns sessions in the order in which the service lists them.", ASSUMPTION
)
TERMINATES = Rule(
    "terminates",
    "It makes at most one call per page plus one, not counting retries and restarts after faults.",
    DEMAND,
)
FOLLOWS_TOKENS = Rule(
    "follows-tokens", "It passes exactly the token of the page before.", REFERENCE
)
KEEPS_ARGUMENTS = Rule(
    "keeps-arguments", "It repeats ids and maxResults unchanged in follow-up calls.", REFERENCE
)
VALID_REQUESTS = Rule(
    "valid-requests",
    "It never sends maxResults outside 1..100, an empty or null token, or members that the "
    "operation does not have.",
    MODEL,
)
SURFACES_FAULTS = Rule(
    "surfaces-faults",
    "It raises, or recovers to the complete listing: it never returns a partial, empty or doubled "
    "one as if it were complete.",
    DEMAND,
)
STATELESS = Rule("stateless", "It returns the right result each time it is called.", DEMAND)

COLLECTOR_RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        COMPLETE,
        TERMINATES,
        FOLLOWS_TOKENS,
        KEEPS_ARGUMENTS,
        VALID_REQUESTS,
        SURFACES_FAULTS,
        STATELESS,
    )
}
"""What ``check_pagination`` holds a collector to, by name."""

TOKEN_REFUSED = Rule(
    "token-refused",
    "The service refuses an expired token: HTTP 400, ValidationException.",
    REFERENCE,
)
TOKEN_EXPIRED = Rule(
    "token-expired", "The refusal tells an expired token from a bad one.", ASSUMPTION
)
