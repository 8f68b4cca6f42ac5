"""The rules of the contract, quoted by assertions and by ``check_pagination``."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_deadline_sessions.lifecycle import ASSUMPTION, MODEL, REFERENCE, Rule

DEMAND = "this contract: callers rely on it"
"""The source of rules that AWS does not state, but that callers of a collector rely on."""

COMPLETE = Rule(
    "complete",
    "It returns every session exactly once, in service order, wherever pages are cut. An empty "
    "page with a token is not the end; a page without a token is.",
    REFERENCE,
)
ORDER = Rule("order", "It returns sessions in the order the service lists them.", ASSUMPTION)
TERMINATES = Rule(
    "terminates",
    "It makes at most one call per page plus one, not counting retries and restarts after faults.",
    DEMAND,
)
FOLLOWS_TOKENS = Rule(
    "follows-tokens", "It passes exactly the token that the previous page returned.", REFERENCE
)
KEEPS_ARGUMENTS = Rule(
    "keeps-arguments", "It sends the same ids and maxResults in every follow-up call.", REFERENCE
)
VALID_REQUESTS = Rule(
    "valid-requests",
    "It never sends maxResults outside 1..100, an empty or null token, or members that the "
    "operation does not have.",
    MODEL,
)
SURFACES_FAULTS = Rule(
    "surfaces-faults",
    "It raises, or recovers and returns the complete listing. It never passes off a partial, empty "
    "or duplicated listing as complete.",
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
"""The rules that ``check_pagination`` checks a collector against, by name."""

TOKEN_REFUSED = Rule(
    "token-refused",
    "The service refuses an expired token: HTTP 400, ValidationException.",
    REFERENCE,
)
TOKEN_EXPIRED = Rule(
    "token-expired", "The error distinguishes an expired token from an invalid one.", ASSUMPTION
)
