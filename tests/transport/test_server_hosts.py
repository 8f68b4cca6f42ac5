"""Which Host and Origin headers the loopback server accepts."""

from __future__ import annotations

import http.client
import json
import socket

import pytest

from pytest_deadline_sessions import FakeDeadline
from pytest_deadline_sessions.__main__ import main
from pytest_deadline_sessions._api import model

pytest.importorskip("h11")

LIST = "/2023-10-12/farms/{farmId}/queues/{queueId}/jobs/{jobId}/sessions"
PREFIXES = sorted(
    {
        (model.operation_model(name).endpoint or {}).get("hostPrefix", "management.")
        for name in model.operation_names()
    }
)
OURS = [
    "127.0.0.1",
    "127.0.0.1:{port}",
    "127.0.0.1:9",
    "127.8.9.10:{port}",
    "[::1]",
    "[::1]:{port}",
    "localhost",
    "localhost:{port}",
    "LocalHost:{port}",
    "localhost.:{port}",
]
FOREIGN = [
    "",
    ":80",
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example",
    "evil.localhost",
    "management.evil.example",
    "management.",
    "evil.management.localhost",
    "management.scheduling.localhost",
    "0.0.0.0:{port}",
    "192.168.0.1",
    "[::2]",
    "::1",
    "[::1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "localhost:{port}:{port}",
    "localhost:port",
    "evil.example@localhost",
    "localhost/evil",
    "localhost, evil.example",
    "löcalhost",
    "\xff",
]


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


def _ask(endpoint, path, **headers):
    """Send a request with these headers; ``Host`` defaults to the server's address."""
    authority = endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(authority, timeout=5)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in {"Host": authority, **headers}.items():
        port = authority.rpartition(":")[2]
        connection.putheader(name, value.replace("{port}", port).encode("latin-1"))
    connection.endheaders()
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response, content


def _passes(endpoint, fake, **headers):
    response, content = _ask(endpoint, LIST.format(**fake.add_job()), **headers)
    if response.status == 200:
        return True
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    call = fake.calls[-1]
    assert (call.operation, call.status, call.error) == (
        "ListSessions",
        403,
        "AccessDeniedException",
    )
    assert call.message == content["message"]
    return False


@pytest.mark.parametrize(
    "host",
    [*OURS, *(f"{prefix}{host}" for prefix in PREFIXES for host in OURS if host[0] != "[")],
)
def test_loopback_hosts_are_accepted(fake, host):
    """Every loopback name is accepted, with any port and with the host prefixes that SDKs add."""
    with fake.serve() as endpoint:
        assert _passes(endpoint, fake, Host=host)


@pytest.mark.parametrize("host", FOREIGN)
def test_other_hosts_are_refused(fake, host):
    """A Host that is not a loopback name, or not a valid host, is refused."""
    with fake.serve() as endpoint:
        assert not _passes(endpoint, fake, Host=host)
        assert _passes(endpoint, fake)


@pytest.mark.parametrize("host", OURS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_origins_are_accepted(fake, host, scheme):
    """An Origin on a loopback name is accepted, with any port and scheme."""
    with fake.serve() as endpoint:
        assert _passes(endpoint, fake, Origin=f"{scheme}://{host}")


@pytest.mark.parametrize(
    "origin",
    ["null", "", "file://", "localhost", *(f"http://{host}" for host in FOREIGN)],
)
def test_other_origins_are_refused(fake, origin):
    """Any other Origin is refused, even if the Host is a loopback name."""
    with fake.serve() as endpoint:
        assert not _passes(endpoint, fake, Origin=origin)


def test_the_host_is_checked_first(fake):
    """A foreign Host gets 403 even for an unknown path, so the refusal reveals nothing else."""
    with fake.serve() as endpoint:
        response, _ = _ask(endpoint, "/nothing?%", Host="evil.example")
    assert response.status == 403


@pytest.mark.parametrize(
    ("header", "value", "name"),
    [("Host", "evil.example:80", "evil.example"), ("Origin", "null", "NAME")],
)
def test_a_refusal_says_what_to_do(fake, header, value, name):
    """A refusal names the header, its value, what is expected, and how to allow the name."""
    with fake.serve() as endpoint:
        _, content = _ask(endpoint, "/", **{header: value})
    assert content["message"] == (
        f"{header}: {value!r} does not name this server (expected a loopback address or "
        f"localhost). To allow it, use serve(allowed_hosts=[{name!r}]) or --allow-host {name}."
    )


def test_a_long_name_is_shortened(fake):
    """A refusal shortens a long header value."""
    with fake.serve() as endpoint:
        assert len(_ask(endpoint, "/", Host="x" * 10_000)[1]["message"]) < 600


@pytest.mark.parametrize(
    "allowed", [["Fake.Example"], ("other", "fake.example."), {"fake.example"}]
)
def test_names_can_be_allowed(fake, allowed):
    """Allowed names are accepted in Host and Origin, also with SDK prefixes; others are not."""
    with fake.serve(allowed_hosts=allowed) as endpoint:
        for host in ("fake.example", "FAKE.example:{port}", "management.fake.example:80"):
            assert _passes(endpoint, fake, Host=host, Origin=f"https://{host}")
        assert _passes(endpoint, fake)
        assert not _passes(endpoint, fake, Host="evil.fake.example")


def test_addresses_can_be_allowed(fake):
    """IP addresses can be allowed; an IPv6 address is given in brackets."""
    with fake.serve(allowed_hosts=["[fd00::1]", "10.0.0.1"]) as endpoint:
        assert _passes(endpoint, fake, Host="[FD00::1]:80")
        assert _passes(endpoint, fake, Host="10.0.0.1")


@pytest.mark.parametrize("allowed", ["fake.example", 3, None, [3]])
def test_names_are_strings(fake, allowed):
    """Anything but a list of strings is refused at once, with the name of the option."""
    message = r"^allowed_hosts(\[0\])?=.*\(expected a .*'fake\.example'"
    with pytest.raises(TypeError, match=message):
        fake.serve(allowed_hosts=allowed)


@pytest.mark.parametrize("name", ["", "*", "http://x", "x:80", "a b", "fd00::1"])
def test_names_are_checked_at_once(fake, name):
    """An invalid allowed host raises an error that names the option, before the server starts."""
    with pytest.raises(ValueError, match=r"^allowed_hosts") as caught:
        fake.serve(allowed_hosts=["fake.example", name])
    assert str(caught.value) == (
        f"allowed_hosts[1]={name!r} (expected a name or an address without scheme and port, "
        "such as 'fake.example' or '[fd00::1]')"
    )


def test_long_names_are_shortened(fake):
    """The error for a long name shows only its beginning."""
    with pytest.raises(ValueError, match=r"^allowed_hosts\[0\]='http://x+… \(expected") as caught:
        fake.serve(allowed_hosts=["http://" + "x" * 5000])
    assert len(str(caught.value)) < 200


def test_names_are_checked_on_the_command_line(capsys):
    """The command refuses an invalid ``--allow-host`` with the same error."""
    assert main(["serve", "--allow-host", "fake.example", "--allow-host", "x:80"]) == 1
    assert "allowed_hosts[1]='x:80' (expected a name" in capsys.readouterr().err


def test_http_1_0_needs_no_host(fake):
    """An HTTP/1.0 request without a Host header is accepted; browsers always send one."""
    with fake.serve() as endpoint:
        host, _, port = endpoint.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as client:
            path = LIST.format(**fake.add_job())
            client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert client.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
