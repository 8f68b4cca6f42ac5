from __future__ import annotations

import datetime
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._domain.token_shapes import SHORTEST
from pytest_deadline_sessions._domain.tokens import TokenError, TokenPolicy, Tokens

NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(hours=24)
INSTANT = datetime.timedelta(microseconds=1)
SECOND_PAGE = Cut(1, 0)
LONGEST = 4096


def _issue(tokens, job="job", arguments=None, cut=SECOND_PAGE, *, length=80, shared=False):
    policy = TokenPolicy(length=length, shared=shared)
    return tokens.issue(job, arguments, cut, NOON, policy)


def _redeem(tokens, token, job="job", arguments=None, at=NOON, **options):
    """Return the cut that the token leads to, or the reason for which it is refused."""
    try:
        return tokens.redeem(token, job, arguments, at, TokenPolicy(**options))
    except TokenError as error:
        return error.kind


def test_a_token_leads_to_where_its_page_begins():
    """Each token leads to its own cut, in whatever order the tokens are used."""
    tokens = Tokens()
    cuts = [Cut(0, 5), Cut(1, 0), Cut(7, 99)]
    issued = [_issue(tokens, cut=cut) for cut in cuts]
    assert [_redeem(tokens, token) for token in reversed(issued)] == cuts[::-1]


@pytest.mark.parametrize("lifetime", [DAY, datetime.timedelta(minutes=5), datetime.timedelta(0)])
@pytest.mark.parametrize(
    ("past", "expected"),
    [(-INSTANT, SECOND_PAGE), (0 * INSTANT, SECOND_PAGE), (INSTANT, "expired")],
)
def test_the_lifetime_of_a_token(lifetime, past, expected):
    """A token of exactly its lifetime is accepted; one a microsecond older is expired."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, at=NOON + lifetime + past, lifetime=lifetime) == expected


def test_every_token_has_its_own_age():
    """The age of each token counts from its own issue."""
    tokens = Tokens()
    early = _issue(tokens)
    late = tokens.issue("job", None, SECOND_PAGE, NOON + DAY)
    assert _redeem(tokens, early, at=NOON + DAY + INSTANT) == "expired"
    assert _redeem(tokens, late, at=NOON + 2 * DAY) == SECOND_PAGE


def test_redeeming_does_not_extend_the_lifetime():
    """The age of a token counts from its issue, not from its last use."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, at=NOON + DAY) == SECOND_PAGE
    assert _redeem(tokens, token, at=NOON + DAY + INSTANT) == "expired"


def test_expire():
    """``expire`` expires all tokens issued so far, and none issued later."""
    tokens = Tokens()
    tokens.expire()
    before = [_issue(tokens), _issue(tokens, job="other")]
    tokens.expire()
    after = _issue(tokens)
    assert _redeem(tokens, before[0]) == "expired"
    assert _redeem(tokens, before[1], job="other") == "expired"
    assert _redeem(tokens, after) == SECOND_PAGE


def test_expire_shared_tokens():
    """``expire`` expires a token shared by several jobs for each of the jobs."""
    tokens = Tokens()
    jobs = ["one", "two"]
    issued = [_issue(tokens, job, shared=True) for job in jobs]
    tokens.expire()
    assert [_redeem(tokens, issued[0], job) for job in jobs] == ["expired", "expired"]


@pytest.mark.parametrize("garbled", ["", "x", "{}x", "x{}", "{} "])
def test_unknown_tokens(garbled):
    """A token that differs in any character from an issued one is unknown."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, garbled.format(token)) == "unknown"
    assert _redeem(tokens, token[:-1]) == "unknown"
    assert _redeem(tokens, urllib.parse.unquote(token)) == "unknown"
    assert _redeem(tokens, token.swapcase()) == "unknown"


def test_a_token_is_bound_to_its_job():
    """A token issued for one job is unknown for another."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, job="other") == "unknown"


def test_a_token_is_bound_to_its_arguments():
    """A token is refused with other arguments, unless tokens are not bound to arguments."""
    tokens = Tokens()
    token = _issue(tokens, arguments=("maxResults", 5))
    assert _redeem(tokens, token, arguments=("maxResults", 5)) == SECOND_PAGE
    assert _redeem(tokens, token, arguments=("maxResults", 6)) == "changed-arguments"
    assert _redeem(tokens, token, arguments=None) == "changed-arguments"
    assert _redeem(tokens, token, arguments=None, bound=False) == SECOND_PAGE


@pytest.mark.parametrize(("single_use", "expected"), [(False, SECOND_PAGE), (True, "used")])
def test_a_token_may_be_single_use(single_use, expected):
    """The second use of a token is refused only if tokens are single-use."""
    tokens = Tokens()
    token, other = _issue(tokens), _issue(tokens)
    assert _redeem(tokens, token, single_use=single_use) == SECOND_PAGE
    assert _redeem(tokens, token, single_use=single_use) == expected
    assert _redeem(tokens, other, single_use=single_use) == SECOND_PAGE


def test_a_refused_use_does_not_count():
    """A single-use token that was refused for its arguments can still be used once."""
    tokens = Tokens()
    token = _issue(tokens)
    assert _redeem(tokens, token, arguments="others", single_use=True) == "changed-arguments"
    assert _redeem(tokens, token, single_use=True) == SECOND_PAGE


def test_single_use_is_per_job():
    """A single-use token shared by several jobs can be used once by each of them."""
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
    """The reasons are checked in order: unknown, expired, changed arguments, used."""
    tokens = Tokens()
    token = _issue(tokens)
    _redeem(tokens, token)
    assert _redeem(tokens, token, single_use=True, **options) == expected


@given(
    jobs=st.lists(st.sampled_from(["one", "two", "three"]), max_size=20),
    length=st.sampled_from([SHORTEST, 80, LONGEST]),
)
def test_tokens_are_unique(jobs, length):
    """No two tokens are equal, whatever jobs they are issued for."""
    tokens = Tokens()
    issued = [_issue(tokens, job, length=length) for job in jobs]
    assert len(set(issued)) == len(issued)


@given(jobs=st.lists(st.sampled_from(["one", "two", "three"]), max_size=20))
def test_shared_tokens(jobs):
    """Shared tokens: the n-th token of each job is the same, and leads to that job's own cut."""
    tokens = Tokens()
    issued = [(job, _issue(tokens, job, cut=Cut(n, 0), shared=True)) for n, job in enumerate(jobs)]
    texts = {name: [token for job, token in issued if job == name] for name in jobs}
    longest = max(texts.values(), key=len, default=[])
    assert all(tokens_of_job == longest[: len(tokens_of_job)] for tokens_of_job in texts.values())
    assert len(set(longest)) == len(longest)
    cuts = [_redeem(tokens, token, job) for job, token in issued]
    assert cuts == [Cut(n, 0) for n in range(len(jobs))]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("length", [SHORTEST, LONGEST])
def test_tokens_depend_on_the_salt(shared, length):
    """Tokens issued with different salts differ, and those with the same salt are equal."""
    salts = ["a", "b", "a"]
    token, other, same = (_issue(Tokens(salt=salt), length=length, shared=shared) for salt in salts)
    assert token == same
    assert token != other


@given(st.integers(SHORTEST, LONGEST))
def test_length(length):
    """A token has the requested length."""
    assert len(_issue(Tokens(), length=length)) == length


@pytest.mark.parametrize("length", [SHORTEST, 49, 80, LONGEST])
def test_tokens_need_escaping(length):
    """Every token changes if it is not escaped, or is unescaped twice."""
    token = _issue(Tokens(), length=length)
    assert set("+/%& =?#") <= set(token)
    assert token.endswith("=")
    assert urllib.parse.unquote(token) != token
    assert urllib.parse.quote(token, safe="/") != urllib.parse.quote_plus(token)
    assert urllib.parse.parse_qs(urllib.parse.urlencode({"nextToken": token})) == {
        "nextToken": [token]
    }
    assert urllib.parse.parse_qs(f"nextToken={token}") != {"nextToken": [token]}


def test_a_copy_has_the_issued_tokens():
    """A copy accepts the tokens issued before, and knows which of them were used."""
    tokens = Tokens(salt="salt")
    used, fresh = _issue(tokens), _issue(tokens)
    _redeem(tokens, used, single_use=True)
    copy = tokens.copy()
    assert _redeem(copy, used, single_use=True) == "used"
    assert _redeem(copy, fresh, single_use=True) == SECOND_PAGE
    assert _issue(copy) == _issue(tokens)


@pytest.mark.parametrize("turned_round", [False, True])
def test_a_copy_is_independent(turned_round):
    """Issuing, using and expiring tokens in one copy does not affect the other."""
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


def test_the_error_text():
    """The text of a TokenError is its kind."""
    assert str(TokenError("used")) == "used"


def test_growing_tokens_with_spaces_stay_within_the_limit():
    """However long a growing token is, the spaces around it keep it within 4096 characters."""
    tokens, policy = Tokens(), TokenPolicy(shape="growing", length=4096, spaced=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    issued = [tokens.issue("job", (), Cut(0, 0), now, policy) for _ in range(4)]
    assert {len(token) for token in issued} <= {4096}
    assert len(set(issued)) == 4
    assert all(token.startswith(" ") and token.endswith(" ") for token in issued)
