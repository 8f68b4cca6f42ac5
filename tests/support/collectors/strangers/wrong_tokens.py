"""Wrong collectors: tokens."""

from __future__ import annotations

import argparse
import ast
import base64
import binascii
import configparser
import contextlib
import csv
import datetime as dt
import hashlib
import html
import io
import json
import os
import posixpath
import re
import shlex
import tempfile
import urllib.parse
from http.cookies import SimpleCookie

from collectors.strangers.wrong import follow, log, wrong

# tokens


@wrong("Strips the token: one with spaces around it changes.")
def token_strip(client, **job):
    page = client.list_sessions(**job)
    out = page["sessions"]
    while token := (page.get("nextToken") or "").strip():
        page = client.list_sessions(**job, nextToken=token)
        out += page["sessions"]
    return out


@wrong("URL-quotes the token, which botocore does anyway.")
def token_quote(client, **job):
    return follow(client, job, urllib.parse.quote)


@wrong("URL-quotes the token but leaves '=' and '/' alone: shows with + or %.")
def token_quote_safe(client, **job):
    return follow(client, job, lambda t: urllib.parse.quote(t, safe="/=&' \"-_.~"))


@wrong("URL-unquotes the token: shows if it contains a % escape.")
def token_unquote(client, **job):
    return follow(client, job, urllib.parse.unquote)


@wrong("unquote_plus turns + into a space.")
def token_unquote_plus(client, **job):
    return follow(client, job, urllib.parse.unquote_plus)


@wrong("Replaces spaces by +, to repair a token 'decoded twice'.")
def token_space_to_plus(client, **job):
    return follow(client, job, lambda t: t.replace(" ", "+"))


@wrong("html.escape changes &, quotes, < and >.")
def token_html_escape(client, **job):
    return follow(client, job, html.escape)


@wrong(
    "Stores the token in an HTML form and unescapes it: shows if it contains something like &amp;."
)
def token_html_unescape(client, **job):
    return follow(client, job, html.unescape)


@wrong("json.dumps puts quotes around the token.")
def token_json_dumps(client, **job):
    return follow(client, job, json.dumps)


@wrong(
    "Tries json.loads first: a token that happens to be JSON (a number, a quoted string) changes its type or value."
)
def token_json_loads(client, **job):
    def parse(t):
        try:
            return str(json.loads(t))
        except ValueError:
            return t

    return follow(client, job, parse)


@wrong("Lower-cases the token.")
def token_lower(client, **job):
    return follow(client, job, str.lower)


@wrong("Cuts the token at 1,024 characters (a database column).")
def token_1024(client, **job):
    return follow(client, job, lambda t: t[:1024])


@wrong("Cuts the token at 2,048 characters (a URL limit).")
def token_2048(client, **job):
    return follow(client, job, lambda t: t[:2048])


@wrong("Cuts the token at 255 characters.")
def token_varchar(client, **job):
    return follow(client, job, lambda t: f"{t:.255}")


@wrong("Refuses tokens longer than 2,000 characters.")
def token_too_long(client, **job):
    def check(t):
        if len(t) > 2000:
            raise ValueError("suspicious token")
        return t

    return follow(client, job, check)


def _cli(argv):
    parser = argparse.ArgumentParser(prog="sessions", exit_on_error=True)
    parser.add_argument("--next-token")
    return parser.parse_args(argv)


@wrong(
    "Passes the token through argparse as its own argument: one that starts with - is taken for an option and exits."
)
def token_argparse(client, **job):
    return follow(client, job, lambda t: _cli(["--next-token", t]).next_token)


@wrong(
    "argparse with fromfile_prefix_chars='@': a token that starts with @ is read as a file; one with - fails too."
)
def token_argparse_positional(client, **job):
    def parse(t):
        parser = argparse.ArgumentParser(fromfile_prefix_chars="@")
        parser.add_argument("token", nargs="?")
        known, rest = parser.parse_known_args([t])
        return known.token or (rest[0] if rest else "")[1:]

    return follow(client, job, parse)


@wrong("Tries int(): a token of digits changes its type or loses zeros.")
def token_int(client, **job):
    def parse(t):
        try:
            return str(int(t))
        except ValueError:
            return t

    return follow(client, job, parse)


@wrong("Tries float(): '1e5', 'nan' or digits change.")
def token_float(client, **job):
    def parse(t):
        with contextlib.suppress(ValueError):
            return str(float(t))
        return t

    return follow(client, job, parse)


@wrong("Tries fromisoformat(): a token that is a date changes.")
def token_iso(client, **job):
    def parse(t):
        try:
            return dt.datetime.fromisoformat(t).isoformat()
        except ValueError:
            return t

    return follow(client, job, parse)


@wrong("literal_eval: a token that is a Python literal, for example in quotes, changes.")
def token_literal(client, **job):
    def parse(t):
        try:
            return str(ast.literal_eval(t))
        except (ValueError, SyntaxError):
            return t

    return follow(client, job, parse)


@wrong("Takes the part before '='.")
def token_before_equals(client, **job):
    return follow(client, job, lambda t: t.split("=")[0] or t)


@wrong("Strips base64 padding.")
def token_no_padding(client, **job):
    return follow(client, job, lambda t: t.rstrip("=") or t)


@wrong("Puts the token into a query string unescaped and parses it: & + % ; = change it.")
def token_query_string(client, **job):
    def through_url(t):
        query = f"https://dashboard/sessions?job={job['jobId']}&nextToken={t}"
        parsed = urllib.parse.parse_qs(urllib.parse.urlsplit(query).query, keep_blank_values=True)
        return parsed["nextToken"][0]

    return follow(client, job, through_url)


@wrong("Keeps the token as the last part of a path and normalises it: // and .. change.")
def token_normpath(client, **job):
    return follow(client, job, posixpath.normpath)


@wrong("Takes the last part of the token after '/'.")
def token_basename(client, **job):
    return follow(client, job, lambda t: t.rsplit("/", 1)[-1] or t)


@wrong("Decodes and encodes the token as base64, which changes what is not canonical base64.")
def token_base64(client, **job):
    def round_trip(t):
        try:
            return base64.b64encode(base64.b64decode(t)).decode()
        except (binascii.Error, ValueError):
            return t

    return follow(client, job, round_trip)


@wrong("Makes the token URL-safe: + and / become - and _.")
def token_urlsafe(client, **job):
    table = str.maketrans("+/", "-_")
    return follow(client, job, lambda t: t.translate(table))


@wrong("Takes the URL-safe alphabet back to the plain one: - and _ become + and /.")
def token_from_urlsafe(client, **job):
    return follow(client, job, lambda t: t.replace("-", "+").replace("_", "/"))


@wrong("Splits the token like a shell does: quotes, backslashes and spaces change it.")
def token_shlex(client, **job):
    def through_shell(t):
        try:
            return " ".join(shlex.split(f"--starting-token {t}")[1:]) or t
        except ValueError:
            return t

    return follow(client, job, through_shell)


@wrong("Keeps the token in an ini file: spaces are stripped and % fails.")
def token_ini(client, **job):
    def through_ini(t):
        ini = configparser.ConfigParser(interpolation=None)
        ini.read_string(f"[state]\ntoken = {t}\n")
        return ini["state"]["token"]

    return follow(client, job, through_ini)


@wrong("Keeps the token in a CSV row that it splits at commas and strips.")
def token_csv(client, **job):
    def through_csv(t):
        line = ",".join([job["jobId"], t])
        return next(csv.reader(io.StringIO(line), skipinitialspace=True))[1]

    return follow(client, job, through_csv)


@wrong("Keeps the token in a file and reads it with strip().")
def token_file(client, **job):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "token")

        def through_file(t):
            with open(path, "w", encoding="utf-8") as f:
                f.write(t + "\n")
            with open(path, encoding="utf-8") as f:
                return f.readline().strip()

        return follow(client, job, through_file)


@wrong("Keeps the token in a cookie without quoting it.")
def token_cookie(client, **job):
    def through_cookie(t):
        jar = SimpleCookie()
        jar.load(f"token={t}")
        return jar["token"].value if "token" in jar else t

    return follow(client, job, through_cookie)


@wrong("Removes quotes around the token.")
def token_unquotes(client, **job):
    return follow(client, job, lambda t: t.strip("'\""))


@wrong("Collapses runs of spaces.")
def token_spaces(client, **job):
    return follow(client, job, lambda t: re.sub(r"\s+", " ", t))


@wrong("Keeps only characters it expects in base64.")
def token_expected_characters(client, **job):
    return follow(client, job, lambda t: "".join(re.findall(r"[A-Za-z0-9+/=_-]", t)) or t)


@wrong("Takes a token with unexpected characters for the end of the list.")
def token_strange_is_end(client, **job):
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        token = page.get("nextToken", "")
        if not re.fullmatch(r"[\w+/=-]+", token):
            return out
        kw = {"nextToken": token}


@wrong("Stops when a token sorts before the previous one.")
def token_must_grow(client, **job):
    out, token = [], None
    while True:
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        out.extend(page["sessions"])
        new = page.get("nextToken")
        if not new or (token is not None and new <= token):
            return out
        token = new


@wrong("Takes tokens such as 'null', 'None' or '0' for no token.")
def token_null_words(client, **job):
    out, token = [], None
    while True:
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        out.extend(page["sessions"])
        token = page.get("nextToken")
        if str(token).lower() in {"none", "null", "nil", "false", "0", "-1"}:
            return out


@wrong("Sends the shortened token it made for its log.")
def token_log_form(client, **job):
    def short(t):
        shown = t if len(t) <= 40 else t[:37] + "..."
        log.info("next page at %s", shown)
        return shown

    return follow(client, job, short)


@wrong("Expands environment variables in the token ($ and ~).")
def token_expandvars(client, **job):
    return follow(
        client, job, lambda t: os.path.expanduser(os.path.expandvars(t)).replace("\\", "/")
    )


@wrong("str.format over a command line with the token in it: braces fail or change.")
def token_format(client, **job):
    def through_command(t):
        return ("{jobId} " + t).format(**job).split(" ", 1)[1].replace("%%", "%")

    return follow(client, job, through_command)


@wrong("Encodes the token as ASCII with backslash escapes for quotes (repr).")
def token_repr(client, **job):
    return follow(client, job, lambda t: repr(t)[1:-1].replace('"', '\\"'))


@wrong(
    "The page cache uses lower-cased tokens as keys: two tokens that differ in case get one page."
)
def cache_case_folded(client, **job):
    cache = {}

    def get(token):
        key = (token or "").casefold()
        if key not in cache:
            cache[key] = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        return cache[key]

    out, page, steps = [], get(None), 0
    while True:
        out += page["sessions"]
        steps += 1
        if not page.get("nextToken") or steps > 5000:
            return out
        page = get(page["nextToken"])


@wrong("The page cache's key is the token's first eight characters.")
def cache_token_prefix(client, **job):
    visited, out, kw = set(), [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        token = page.get("nextToken")
        if not token or token[:8] in visited:  # loop protection
            return out
        visited.add(token[:8])
        kw = {"nextToken": token}


@wrong("Loop protection by the token's length: two tokens of equal length end the listing.")
def token_same_length(client, **job):
    sizes, out, kw = set(), [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        token = page.get("nextToken")
        if not token or len(token) in sizes:
            return out
        sizes.add(len(token))
        kw = {"nextToken": token}


@wrong("Loop protection by one byte of a checksum: collisions end listings with dozens of pages.")
def token_checksum(client, **job):
    known, out, kw = set(), [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        token = page.get("nextToken")
        if not token:
            return out
        short = hashlib.md5(token.encode()).hexdigest()[:2]
        if short in known:
            log.warning("token loop")
            return out
        known.add(short)
        kw = {"nextToken": token}


@wrong(
    "Gives the raw token to the paginator as StartingToken: one with '___' in it or one that is base64 of JSON is taken apart."
)
def raw_starting_token(client, **job):
    out, token = [], None
    while True:
        pages = client.get_paginator("list_sessions").paginate(
            **job, PaginationConfig={"StartingToken": token}
        )
        page = next(iter(pages))
        out += page["sessions"]
        token = page.get("nextToken")
        if token is None:
            return out


@wrong("Uses build_full_result's NextToken as a plain nextToken.")
def paginator_token_as_plain(client, **job):
    out = []
    page = client.get_paginator("list_sessions").paginate(**job, PaginationConfig={"MaxItems": 2})
    result = page.build_full_result()
    out += result["sessions"]
    while result.get("NextToken"):
        plain = client.list_sessions(**job, nextToken=result["NextToken"])
        out += plain["sessions"]
        result = {"NextToken": plain.get("nextToken")}
    return out


@wrong("Sends the first token again and again (never updates it) until a guard stops it.")
def first_token_again(client, **job):
    page = client.list_sessions(**job)
    out = list(page["sessions"])
    token = page.get("nextToken")
    while token:
        page = client.list_sessions(**job, nextToken=token)
        out += page["sessions"]
        if not page.get("nextToken"):
            break
    return out


@wrong("Sends the token before last: an off-by-one in its list of tokens.")
def previous_token(client, **job):
    tokens, out = [], []
    page = client.list_sessions(**job)
    out += page["sessions"]
    while page.get("nextToken"):
        tokens.append(page["nextToken"])
        page = client.list_sessions(**job, nextToken=tokens[-2:][0])
        out += page["sessions"]
    return out
