from __future__ import annotations

import datetime
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions._domain.listing import Cut
from pytest_deadline_sessions._domain.tokens import SHORTEST, TokenError, TokenPolicy, Tokens

NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(hours=24)
INSTANT = datetime.timedelta(microseconds=1)
SECOND_PAGE = Cut(1, 0)
LONGEST = 4096


def _issue(tokens, job="job", arguments=None, cut=SECOND_PAGE, *, length=80, shared=False):
    policy = TokenPolicy(length=length, shared=shared)
    return tokens.issue(job, arguments, cut, NOON, policy)


def _redeem(tokens, token, job="job", arguments=None, at=NOON, **options):
    """Where the token leads, or why it is refused."""
    try:
        return tokens.redeem(token, job, arguments, at, TokenPolicy(**options))
    except TokenError as error:
        return error.kind


def test_a_token_leads_to_where_its_page_begins():
    """Each token stands for its own cut, in whatever order they come back."""
    tokens = Tokens()
    cuts = [Cut(0, 5), Cut(1, 0), Cut(7, 99)]
    issued = [_issue(tokens, cut=cut) for cut in cuts]
    assert [_redeem(tokens, token) for token in reversed(issued)] == cuts[::-1]


@pytest.mark.parametrize("lifetime", [DAY, datetime.timedelta(minutes=5), datetime.timedelta(0)])
@pytest.mark.parametrize(
    ("past", "expected"),
    [(-INSTANT, SECOND_PAGE), (0 * INSTANT, SECOND_PAGE), (INSTANT, "expired")],
)
def test_a_token_lives_exactly_as_long_as_it_may(lifetime, past, expected):
    """It is taken at exactly its lifetime, and not a microsecond later."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, at=NOON + lifetime + past, lifetime=lifetime) == expected


def test_every_token_has_its_own_age():
    """A token issued later expires later."""
    tokens = Tokens()
    early = _issue(tokens)
    late = tokens.issue("job", None, SECOND_PAGE, NOON + DAY)
    assert _redeem(tokens, early, at=NOON + DAY + INSTANT) == "expired"
    assert _redeem(tokens, late, at=NOON + 2 * DAY) == SECOND_PAGE


def test_redeeming_does_not_make_a_token_younger():
    """Its age is counted from when it was issued, not from its last use."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, at=NOON + DAY) == SECOND_PAGE
    assert _redeem(tokens, token, at=NOON + DAY + INSTANT) == "expired"


def test_expire():
    """Every token issued so far is expired at once, whatever its age, and none issued later."""
    tokens = Tokens()
    tokens.expire()
    before = [_issue(tokens), _issue(tokens, job="other")]
    tokens.expire()
    after = _issue(tokens)
    assert _redeem(tokens, before[0]) == "expired"
    assert _redeem(tokens, before[1], job="other") == "expired"
    assert _redeem(tokens, after) == SECOND_PAGE


def test_expire_works_with_tokens_of_the_same_text():
    """Tokens that jobs share expire for each of the jobs."""
    tokens = Tokens()
    jobs = ["one", "two"]
    issued = [_issue(tokens, job, shared=True) for job in jobs]
    tokens.expire()
    assert [_redeem(tokens, issued[0], job) for job in jobs] == ["expired", "expired"]


@pytest.mark.parametrize("garbled", ["", "x", "{}x", "x{}", "{} "])
def test_what_was_never_issued_is_unknown(garbled):
    """A token is taken as it was given, to the last character."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, garbled.format(token)) == "unknown"
    assert _redeem(tokens, token[:-1]) == "unknown"
    assert _redeem(tokens, urllib.parse.unquote(token)) == "unknown"
    assert _redeem(tokens, token.swapcase()) == "unknown"


def test_a_token_is_bound_to_its_job():
    """For another job it is as unknown as one that was never issued."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, job="other") == "unknown"


def test_a_token_is_bound_to_its_arguments():
    """Other arguments are refused, unless tokens are not bound."""
    tokens = Tokens()
    token = _issue(tokens, arguments=("maxResults", 5))
    assert _redeem(tokens, token, arguments=("maxResults", 5)) == SECOND_PAGE
    assert _redeem(tokens, token, arguments=("maxResults", 6)) == "changed-arguments"
    assert _redeem(tokens, token, arguments=None) == "changed-arguments"
    assert _redeem(tokens, token, arguments=None, bound=False) == SECOND_PAGE


@pytest.mark.parametrize(("single_use", "expected"), [(False, SECOND_PAGE), (True, "used")])
def test_a_token_may_be_single_use(single_use, expected):
    """Only where tokens are single-use is the second use of one refused."""
    tokens = Tokens()
    token, other = _issue(tokens), _issue(tokens)
    assert _redeem(tokens, token, single_use=single_use) == SECOND_PAGE
    assert _redeem(tokens, token, single_use=single_use) == expected
    assert _redeem(tokens, other, single_use=single_use) == SECOND_PAGE


def test_a_refused_use_does_not_count():
    """A single-use token that was sent with wrong arguments can still be used once."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, arguments="others", single_use=True) == "changed-arguments"
    assert _redeem(tokens, token, single_use=True) == SECOND_PAGE


def test_single_use_is_per_job():
    """A token whose text jobs share can be used once by each of them."""
    tokens = Tokens()
    jobs = ["one", "two"]
    issued = [_issue(tokens, job, shared=True) for job in jobs]
    first = [_redeem(tokens, issued[0], job, single_use=True) for job in jobs]
    again = [_redeem(tokens, issued[0], job, single_use=True) for job in jobs]
    assert (first, again) == ([SECOND_PAGE] * 2, ["used"] * 2)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"at": NOON + 2 * DAY, "arguments": "others"}, "expired"),
        ({"at": NOON + 2 * DAY, "job": "other"}, "unknown"),
        ({"arguments": "others"}, "changed-arguments"),
        ({}, "used"),
    ],
)
def test_the_first_reason_to_refuse_is_given(options, expected):
    """Unknown comes before expired, expired before changed arguments, those before used."""
    tokens = Tokens()
    token = _issue(tokens)
    _redeem(tokens, token)
    assert _redeem(tokens, token, single_use=True, **options) == expected


@given(
    jobs=st.lists(st.sampled_from(["one", "two", "three"]), max_size=20),
    length=st.sampled_from([SHORTEST, 80, LONGEST]),
)
def test_tokens_are_unique(jobs, length):
    """No two tokens of a service are the same text, whatever job they are for."""
    tokens = Tokens()
    issued = [_issue(tokens, job, length=length) for job in jobs]
    assert len(set(issued)) == len(issued)


@given(jobs=st.lists(st.sampled_from(["one", "two", "three"]), max_size=20))
def test_shared_tokens(jobs):
    """If shared, the n-th token of every job is the same text, and leads on in its own job."""
    tokens = Tokens()
    issued = [(job, _issue(tokens, job, cut=Cut(n, 0), shared=True)) for n, job in enumerate(jobs)]
    texts = {name: [token for job, token in issued if job == name] for name in jobs}
    longest = max(texts.values(), key=len, default=[])
    assert all(each == longest[: len(each)] for each in texts.values())
    assert len(set(longest)) == len(longest)
    cuts = [_redeem(tokens, token, job) for job, token in issued]
    assert cuts == [Cut(n, 0) for n in range(len(jobs))]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("length", [SHORTEST, LONGEST])
def test_services_differ(shared, length):
    """The same call gets other tokens from another service, and the same from the same salt."""
    salts = ["a", "b", "a"]
    one, other, same = (_issue(Tokens(salt=salt), length=length, shared=shared) for salt in salts)
    assert one == same
    assert one != other


@given(st.integers(SHORTEST, LONGEST))
def test_length(length):
    """A token has as many characters as asked for."""
    assert len(_issue(Tokens(), length=length)) == length


@pytest.mark.parametrize("length", [SHORTEST, 49, 80, LONGEST])
def test_tokens_are_awkward(length):
    """Every token has what breaks if it is escaped carelessly, or unescaped once too often."""
    token = _issue(Tokens(), length=length)
    assert set("+/%& =?#") <= set(token)
    assert token.endswith("=")
    assert urllib.parse.unquote(token) != token
    assert urllib.parse.quote(token, safe="/") != urllib.parse.quote_plus(token)
    assert urllib.parse.parse_qs(urllib.parse.urlencode({"nextToken": token})) == {
        "nextToken": [token]
    }
    assert urllib.parse.parse_qs(f"nextToken={token}") != {"nextToken": [token]}


def test_a_copy_knows_what_was_issued():
    """Tokens issued before the copy are good for both, with their use and age."""
    tokens = Tokens(salt="salt")
    used, fresh = _issue(tokens), _issue(tokens)
    _redeem(tokens, used, single_use=True)
    copy = tokens.copy()
    assert _redeem(copy, used, single_use=True) == "used"
    assert _redeem(copy, fresh, single_use=True) == SECOND_PAGE
    assert _issue(copy) == _issue(tokens)


@pytest.mark.parametrize("turned_round", [False, True])
def test_a_copy_goes_its_own_way(turned_round):
    """What happens to one of the two does not happen to the other."""
    tokens = Tokens()
    token = _issue(tokens)
    pair = [tokens, tokens.copy()]
    busy, idle = reversed(pair) if turned_round else pair
    new = _issue(busy)
    _redeem(busy, token, single_use=True)
    busy.expire()
    assert _redeem(idle, new) == "unknown"
    assert _redeem(idle, token, single_use=True) == SECOND_PAGE
    assert _issue(idle) == new


def test_the_error_says_why():
    """The kind is the error's text, so that a stray one can be understood."""
    assert str(TokenError("used")) == "used"
