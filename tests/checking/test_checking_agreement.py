"""The assertions and ``check_pagination`` break the same rules with the same calls and results."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import (
    FakeDeadline,
    Listing,
    assert_complete_listing,
    assert_follows_tokens,
)
from pytest_deadline_sessions._contract import rules
from pytest_deadline_sessions.checking import RULES
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._requests import of_requests
from pytest_deadline_sessions.checking._results import of_outcome
from pytest_deadline_sessions.lifecycle import Rule

MAX_RESULTS = 2
RENAMED = {"order": "complete"}
"""The assertion has a rule for order; for the checker, order is part of *complete*."""


def asserted(assertion, *args, **options):
    """Return the rule that the assertion names as broken, and its text; ``None`` if it passes."""
    try:
        assertion(*args, **options)
    except AssertionError as error:
        text = str(error)
        name = re.search('breaks "(.*?)": ', text).group(1)
        return RENAMED.get(name, name), text
    return None, ""


def paged(listing):
    """Return a job, the calls that page through its listing, and an attempt without calls."""
    fake = FakeDeadline()
    job, client = fake.add_job(listing), fake.client()
    list(client.get_paginator("list_sessions").paginate(**job, maxResults=MAX_RESULTS))
    return dict(job), list(fake.calls), Attempt(listing, 100, dict(job))


def checked(attempt, calls):
    """Return the rule that the checker says the calls break; ``None`` if they break none."""
    for call in calls:
        attempt.add(call)
    finding = of_requests(attempt)
    return None if finding is None else finding.rule


def with_faults(data, calls):
    """Yield the calls, some of them preceded by a failed copy."""
    failing = data.draw(st.sets(st.sampled_from(range(len(calls)))))
    for place, call in enumerate(calls):
        if place in failing:
            yield dataclasses.replace(call, response=None, error="AccessDeniedException")
        yield call


def changed(call, **params):
    """Return the call with changed arguments; ``None`` removes one."""
    merged = {**call.params, **params}
    return dataclasses.replace(
        call, params={name: value for name, value in merged.items() if value is not None}
    )


LISTINGS = st.integers(1, 9).map(lambda count: Listing(runs=(("STARTED", count),)))


@settings(deadline=None, max_examples=25)
@given(data=st.data(), listing=LISTINGS)
def test_calls_that_keep_the_rules(data, listing):
    """Assertion and checker accept calls that follow their tokens, also if some fail at first."""
    _, calls, attempt = paged(listing)
    calls = list(with_faults(data, calls))
    assert checked(attempt, calls) is None
    assert_follows_tokens(calls)


@pytest.mark.at_length
@settings(deadline=None, max_examples=50)
@given(data=st.data(), count=st.integers(MAX_RESULTS + 1, 9))
def test_calls_that_break_a_rule(data, count):
    """Assertion and checker name the same rule for a follow-up call with a wrong argument."""
    _, calls, attempt = paged(Listing(runs=(("STARTED", count),)))
    place = data.draw(st.integers(1, len(calls) - 1), label="place")
    token = calls[place].token
    wrong = [
        (rules.KEEPS_ARGUMENTS, {"maxResults": MAX_RESULTS + 1}),
        (rules.KEEPS_ARGUMENTS, {"maxResults": None}),
        (rules.KEEPS_ARGUMENTS, {"jobId": "job-" + "f" * 32}),
        (rules.FOLLOWS_TOKENS, {"nextToken": token[:-1]}),
        (rules.FOLLOWS_TOKENS, {"nextToken": f"{token}="}),
    ]
    if place > 2:
        wrong.append((rules.FOLLOWS_TOKENS, {"nextToken": calls[1].token}))
    rule, params = data.draw(st.sampled_from(wrong), label="wrong")
    calls = [*calls[:place], changed(calls[place], **params)]
    assert checked(attempt, calls) == rule.name
    name, text = asserted(assert_follows_tokens, calls)
    assert name == rule.name
    assert text.startswith(f'calls[{place}] breaks "{rule.name}": {RULES[rule.name]}\n')


def test_changed_arguments_read_the_same():
    """Assertion and checker describe a changed argument in the same words."""
    _, calls, attempt = paged(Listing(runs=(("STARTED", 3),)))
    calls[1] = changed(calls[1], maxResults=3)
    change = "maxResults: 3 (expected 2, as in the call that returned the token)"
    assert checked(attempt, calls) == "keeps-arguments"
    assert of_requests(attempt).what == f"It changed arguments between pages: {change}"
    assert f"\n  {change}\n" in asserted(assert_follows_tokens, calls)[1]


@pytest.mark.parametrize("page", ["first page again", "same page again"])
def test_only_the_assertion_refuses_a_page_again(page):
    """Requesting a page again breaks *follows-tokens* for the assertion, not for the checker."""
    _, calls, attempt = paged(Listing(runs=(("STARTED", 5),)))
    calls = [*calls[:2], calls[0] if page == "first page again" else calls[1]]
    assert checked(attempt, calls) is None
    assert asserted(assert_follows_tokens, calls)[0] == "follows-tokens"


@settings(deadline=None, max_examples=100)
@given(data=st.data(), count=st.integers(0, 6), ordered=st.booleans())
def test_results(data, count, ordered):
    """Assertion and checker accept the same results, and count the same wrong sessions."""
    listing = Listing(runs=(("STARTED", count),) if count else ())
    ids = [session["sessionId"] for session in listing]
    got = data.draw(st.lists(st.sampled_from([*ids, "x", "y"]), max_size=8) | st.permutations(ids))
    finding = of_outcome(Attempt(listing, 100, {}, returned=got), ordered=ordered)
    name, text = asserted(assert_complete_listing, got, listing, ordered=ordered)
    assert name == (None if finding is None else finding.rule)
    counts = ", ".join(
        re.findall(r"^  (\d+ (?:missing|duplicated|unexpected)): ", text, re.MULTILINE)
    )
    if counts:
        assert finding.what.endswith(f": {counts}")
    elif finding is not None:
        assert "but not in the service's order" in finding.what


def test_sessions_that_a_listing_has_twice():
    """If a listing has a session twice, assertion and checker expect it twice."""
    session = Listing(page_sizes=(1,))[0]
    twice = Listing.of([session, session], strict=False)
    for got, rule in (([session] * 2, None), ([session], "complete"), ([session] * 3, "complete")):
        finding = of_outcome(Attempt(twice, 100, {}, returned=got))
        assert (finding and finding.rule) == rule
        assert asserted(assert_complete_listing, got, twice)[0] == rule


def test_rules_have_names_reasons_and_sources():
    """Every rule has a name and a sentence, and says whether AWS documents it."""
    rules_by_name = {name: rule for name, rule in vars(rules).items() if isinstance(rule, Rule)}
    assert {rule.name: rule.reason for rule in rules.COLLECTOR_RULES.values()} == RULES
    assert all(name == rule.name.upper().replace("-", "_") for name, rule in rules_by_name.items())
    assert all(rule.reason.endswith(".") for rule in rules_by_name.values())
    assert sorted(rule.name for rule in rules_by_name.values() if not rule.documented) == [
        "order",
        "stateless",
        "surfaces-faults",
        "terminates",
        "token-expired",
    ]
