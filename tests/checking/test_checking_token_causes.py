"""How a collector altered a token is named, and the token is shown beside the right one."""

# Written the way people write them.

from __future__ import annotations

import base64
import html
import json
import posixpath
import re
import shlex
import urllib.parse

import pytest
from collectors import wrong
from collectors.judged import found

from pytest_deadline_sessions import (
    Behavior,
    Listing,
)
from pytest_deadline_sessions.checking import Case

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))


@pytest.mark.parametrize(
    ("change", "verb"),
    [
        (lambda token: token.rstrip("="), "strips the '=' padding from the token"),
        (lambda token: " ".join(token.split()), "collapses white space in the token"),
        (lambda token: "".join(token.split()), "removes all white space from the token"),
        (lambda token: token.split()[0], "keeps only the first word of the token"),
        (urllib.parse.quote, "percent-encodes the token, except '/'"),
        (lambda token: urllib.parse.quote(token, safe=""), "percent-encodes the token"),
        (urllib.parse.quote_plus, "form-encodes the token"),
        (urllib.parse.unquote, "percent-decodes the token"),
        (urllib.parse.unquote_plus, "form-decodes the token"),
        (lambda token: token.replace("+", " "), "turns '+' into spaces in the token"),
        (lambda token: token.replace(" ", "+"), "turns spaces into '+' in the token"),
        (str.lower, "lowercases the token"),
        (str.upper, "uppercases the token"),
        (repr, "passes the repr of the token"),
        (lambda token: str(token.encode()), "passes the repr of the token's bytes"),
        (shlex.quote, "quotes the token for a shell"),
        (json.dumps, "encodes the token as JSON"),
        (lambda token: json.dumps(token)[1:-1], "escapes the token for JSON, without the quotes"),
        (html.escape, "escapes the token for HTML"),
        (
            lambda token: html.escape(token, quote=False),
            "escapes the token for HTML, except quotes",
        ),
        (lambda token: f'"{token}"', "puts the token in double quotes"),
        (lambda token: f"'{token}'", "puts the token in single quotes"),
        (lambda token: token.replace('"', "").replace("'", ""), "removes quotes from the token"),
        (lambda token: base64.b64encode(token.encode()).decode(), "encodes the token in Base64"),
        (lambda token: token.replace("+", "-").replace("/", "_"), "makes the token URL-safe"),
        (lambda token: token.replace("%", "%%"), "doubles the '%' signs of the token"),
        (lambda token: token[::-1], "reverses the token"),
        (lambda token: token.partition("&")[0], "cuts the token off at its first '&'"),
        (lambda token: token[:20], "cuts the token off at 20 characters"),
        (
            lambda token: urllib.parse.parse_qs(f"t={token}")["t"][0],
            "form-decodes the token, and then cuts the token off at its first '&'",
        ),
        (
            lambda token: html.escape(repr(token)),
            "passes the repr of the token, and then escapes the token for HTML",
        ),
        (
            lambda token: repr(token)[:30],
            "passes the repr of the token, and then cuts it off at 30 characters",
        ),
    ],
)
def test_changed_tokens(change, verb):
    """A change of a token is named if it explains other tokens too."""
    assert found(wrong.changing_tokens(change), TWO_PAGES).cause == (
        f"It {verb}. Pass each token exactly as you received it."
    )


@pytest.mark.parametrize(
    ("change", "verb"),
    [
        (str.strip, "strips white space from the token"),
        (str.lstrip, "strips leading white space from the token"),
        (str.rstrip, "strips trailing white space from the token"),
    ],
)
def test_spaces_around_tokens(change, verb):
    """Which spaces are stripped is named."""
    case = Case(TWO_PAGES, Behavior(spaces_around_tokens=True))
    assert found(wrong.changing_tokens(change), case).cause.startswith(f"It {verb}.")


def _or_itself(read, write=str):
    def change(token):
        try:
            return write(read(token))
        except ValueError:
            return token

    return change


@pytest.mark.parametrize(
    ("shape", "change", "verb"),
    [
        ("json", _or_itself(json.loads, json.dumps), "reads the token as JSON and writes it again"),
        ("number", _or_itself(float), "turns the token into a float and back"),
        ("digits", _or_itself(int), "turns the token into an integer and back"),
        ("path", posixpath.normpath, "normalizes the token as a path"),
    ],
)
def test_tokens_that_are_read_as_something_else(shape, change, verb):
    """A token that looks like a number, say, and is read and written as one is shown as such."""
    # Some of the many tokens begin with a zero.
    case = Case(Listing(page_sizes=(1,) * 200), Behavior(token_shape=shape))
    assert found(wrong.changing_tokens(change), case).cause.startswith(f"It {verb}")


@pytest.mark.parametrize(
    "change",
    [
        lambda _token: "page 2",
        lambda token: token[1:],
        # It looks like stripping white space from a token of 80 characters that has none.
        lambda token: token.strip("=") + "=" * (len(token) > 80),
    ],
)
def test_changes_without_a_name(change):
    """A change that nothing explains, or only this token does, is shown but not named."""
    finding = found(wrong.changing_tokens(change), TWO_PAGES)
    assert finding.cause == ""
    assert [label for label, _ in finding.details][:2] == ["passed", "issued"]


@pytest.mark.parametrize(
    ("collect", "sizes", "cause"),
    [
        (
            wrong.takes_the_last_id_for_the_token,
            (1, 1),
            "It passes the sessionId of a session instead",
        ),
        (wrong.counts_pages, (1, 1), "It passes the number of a page instead of a token."),
        (
            lambda client, **job: (
                client.list_sessions(**job) and client.list_sessions(**job, nextToken="7")
            ),
            (7, 1),
            "It passes the number of sessions so far instead of a token.",
        ),
        (
            lambda client, **job: client.list_sessions(**job, nextToken=str(None)),
            (1,),
            "It turns a missing token into the text 'None'.",
        ),
    ],
)
def test_values_that_are_not_tokens(collect, sizes, cause):
    """A value from elsewhere that is passed as a token is named."""
    finding = found(collect, Listing(page_sizes=sizes))
    assert finding.cause.startswith(cause)
    assert bool(finding.details) == (len(sizes) > 1)


def test_the_token_beside_the_right_one():
    """A strange token is shown beside the nearest right one, where they differ."""
    finding = found(wrong.changing_tokens(lambda token: token.replace("%2B", "+")), TWO_PAGES)
    labels, (passed, issued, place) = zip(*finding.details, strict=True)
    assert labels == ("passed", "issued", "they differ")
    assert re.fullmatch(r"…'.{6}\+/\+&.*'… \(78 characters\)", passed)
    assert re.fullmatch(r"…'.{6}\+/%2B&.*'… \(80 characters\)", issued)
    assert re.fullmatch(r"from character \d+ on", place)


@pytest.mark.parametrize(
    ("place", "token", "cause"),
    [
        (0, None, "It passes nextToken=None. Leave nextToken out of the first call."),
        (0, "", "It passes nextToken=''. Leave nextToken out of the first call."),
        (1, None, "It passes nextToken=None after the last page."),
        (1, "", "It passes nextToken='' after the last page."),
    ],
)
def test_tokens_that_are_none(place, token, cause):
    """A call with an empty token, or null, is told apart by when it comes."""

    def collect(client, **job):
        if place:
            client.list_sessions(**job)
        return client.list_sessions(**job, nextToken=token)["sessions"]

    assert found(collect, ONE_PAGE).cause == cause
