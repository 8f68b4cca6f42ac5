"""An interception answers every client in the process, and restores everything afterwards."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import textwrap
import threading
import types

import boto3
import botocore.client
import botocore.exceptions
import botocore.session
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from pytest_deadline_sessions import FakeDeadline, Listing, _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._transport import (
    client_factory,
    client_hooks,
    rest_json,
    retry_delays,
    tracking,
)

IDS = {
    "farmId": model.make_id("FarmId", 0),
    "queueId": model.make_id("QueueId", 0),
    "jobId": model.make_id("JobId", 0),
}


@pytest.fixture
def fake():
    """A fake whose interception is active."""
    with FakeDeadline() as fake:
        yield fake


def _lists(client, job):
    return len(client.list_sessions(**job)["sessions"])


MAKERS = {
    "default session": lambda: boto3.client("deadline"),
    "own boto3 session": lambda: boto3.Session(region_name="eu-west-1").client("deadline"),
    "botocore": lambda: botocore.session.get_session().create_client("deadline"),
    "own credentials": lambda: boto3.client(
        "deadline", aws_access_key_id="a", aws_secret_access_key="b"
    ),
    "own endpoint": lambda: boto3.client("deadline", endpoint_url="http://localhost:9"),
    "no validation": lambda: boto3.client("deadline", config=Config(parameter_validation=False)),
    "adaptive": lambda: boto3.client("deadline", config=Config(retries={"mode": "adaptive"})),
    "no host prefix": lambda: boto3.client("deadline", config=Config(inject_host_prefix=False)),
    "unsigned": lambda: boto3.client(
        "deadline", config=Config(signature_version=botocore.UNSIGNED)
    ),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_clients_created_in_every_way(fake, make):
    """A client is answered however it is created and configured."""
    assert _lists(make(), fake.add_job(sessions=3)) == 3


def test_an_endpoint_from_the_environment(fake, monkeypatch):
    """A client is answered even if the environment configures an endpoint with a path."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DEADLINE", "http://localhost:9/below/a/path")
    assert _lists(boto3.client("deadline"), fake.add_job(sessions=3)) == 3


def test_a_configured_region_is_kept(monkeypatch):
    """The region in the environment is kept; the default region applies only without one."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    with FakeDeadline():
        assert boto3.client("deadline").meta.region_name == "ap-southeast-2"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with FakeDeadline():
        assert boto3.client("deadline").meta.region_name == "us-west-2"


def test_clients_created_before(fake):
    """A client created before an interception is answered by the fake of that interception."""
    client = boto3.client("deadline")
    with FakeDeadline() as inner:
        assert _lists(client, inner.add_job(sessions=2)) == 2
    assert _lists(client, fake.add_job(sessions=1)) == 1


def test_the_innermost_interception_answers():
    """Interceptions nest: the innermost fake answers, with its own jobs and transcript."""
    with FakeDeadline() as outer:
        client = boto3.client("deadline")
        job = outer.add_job(sessions=1)
        with FakeDeadline() as inner:
            assert _lists(client, inner.add_job(sessions=2)) == 2
        assert _lists(client, job) == 1
        assert (len(outer.calls), len(inner.calls)) == (1, 1)


def test_attached_clients_stay_with_their_fake():
    """A fake's own client is answered by that fake, also inside another fake's interception."""
    fakes = [FakeDeadline() for _ in range(3)]
    clients = [fake.client() for fake in fakes]
    with FakeDeadline() as around:
        for count, (fake, client) in enumerate(zip(fakes, clients, strict=True)):
            assert _lists(client, fake.add_job(sessions=count)) == count
        assert around.calls == []


def test_attaching_and_detaching():
    """A client is attached while the context lasts, and is restored afterwards."""
    client = boto3.client(
        "deadline",
        region_name="us-west-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    emit = client.meta.events.emit
    first, second = FakeDeadline(), FakeDeadline()
    with first.attach(client):
        with second.attach(client):
            assert _lists(client, second.add_job(sessions=2)) == 2
        assert _lists(client, first.add_job(sessions=1)) == 1
    assert client.meta.events.emit == emit
    with Stubber(client) as stubber:
        stubber.add_response("list_sessions", {"sessions": []}, IDS)
        assert _lists(client, IDS) == 0
    assert (len(first.calls), len(second.calls)) == (1, 1)


@pytest.mark.parametrize("client", [None, "deadline", 1])
def test_only_deadline_clients_can_be_attached(client):
    """Attaching anything but a client raises a TypeError."""
    with pytest.raises(TypeError, match="expected a botocore client of 'deadline'"):
        FakeDeadline().attach(client)


def test_clients_of_other_services_cannot_be_attached():
    """Attaching a client of another service raises a TypeError."""
    other = boto3.client("sts", region_name="us-west-2")
    with pytest.raises(TypeError, match="expected a botocore client of 'deadline'"):
        FakeDeadline().attach(other)


def test_a_stubber_on_the_same_client_comes_first(fake):
    """On an intercepted client, an active Stubber answers instead of the fake."""
    client = boto3.client("deadline")
    with Stubber(client) as stubber:
        stubber.add_response("list_sessions", {"sessions": []}, IDS)
        assert client.list_sessions(**IDS)["sessions"] == []
    assert fake.calls == []


def test_environment_and_classes_are_restored(monkeypatch):
    """After an error too, the environment, patched classes and default session are restored."""
    monkeypatch.setenv("AWS_PROFILE", "studio")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    environment, methods = dict(os.environ), dict(vars(botocore.client.BaseClient))
    with contextlib.suppress(ZeroDivisionError), FakeDeadline():
        boto3.client("deadline")
        assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
        assert "AWS_PROFILE" not in os.environ
        raise ZeroDivisionError
    assert dict(os.environ) == environment
    assert dict(vars(botocore.client.BaseClient)) == methods
    assert boto3.DEFAULT_SESSION is None


def test_patches_of_other_libraries_survive(monkeypatch):
    """A patch that a tracing library makes inside an interception is kept and keeps working."""
    with FakeDeadline() as fake:
        inner = botocore.client.BaseClient._make_api_call
        seen = []

        def traced(self, *args):
            seen.append(args[0])
            return inner(self, *args)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", traced)
        _lists(boto3.client("deadline"), fake.add_job())
    assert botocore.client.BaseClient._make_api_call is traced
    with FakeDeadline() as again:
        _lists(boto3.client("deadline"), again.add_job())
    assert seen == ["ListSessions", "ListSessions"]


def test_threads_share_a_client(fake):
    """Eight threads that share a client each get their complete listing, and no call is lost."""
    jobs = [fake.add_job(Listing(page_sizes=(1,) * 5, first=10 * n + 1)) for n in range(8)]
    client = boto3.client("deadline")

    def collect(job):
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [session["sessionId"] for page in pages for session in page["sessions"]]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        listings = list(pool.map(collect, jobs))
    assert listings == [[session["sessionId"] for session in job.listing] for job in jobs]
    assert len(fake.calls) == 40


def test_clients_created_in_other_threads(fake):
    """A client that another thread creates from its own session is answered."""
    job, counts = fake.add_job(sessions=4), []
    thread = threading.Thread(
        target=lambda: counts.append(_lists(boto3.Session().client("deadline"), job))
    )
    thread.start()
    thread.join()
    assert counts == [4]


def test_no_credentials_config_or_metadata_are_read(tmp_path):
    """Using a fake opens no file in ~/.aws and connects no socket."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = nowhere\nsso_session = x\n")
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id = real\n")
    program = textwrap.dedent(
        """
        import sys

        def audit(event, args):
            if event == "open" and ".aws" in str(args[0]):
                print("opened", args[0])
            if event in ("socket.connect", "socket.getaddrinfo"):
                print(event, args)

        sys.addaudithook(audit)
        import boto3
        from pytest_deadline_sessions import FakeDeadline

        with FakeDeadline() as fake:
            job = fake.add_job(sessions=1)
            client = boto3.client("deadline")
            assert len(client.list_sessions(**job)["sessions"]) == 1
            assert client.meta.region_name == "us-west-2"
        fake.client().list_sessions(**job)
        """
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == ""


def test_a_closed_fake_answers_no_call():
    """A call to a closed fake raises an error and is not sent to AWS."""
    fake = FakeDeadline()
    client, job = fake.client(), fake.add_job()
    fake.close()
    with pytest.raises(RuntimeError, match="ListSessions: this FakeDeadline is closed"):
        client.list_sessions(**job)


def test_a_call_running_when_the_interception_ends():
    """A call that is retried after its interception has ended raises, and sends nothing to AWS."""
    fake = FakeDeadline()
    client = client_factory.client()
    job = fake.add_job()
    fake.fail_next("ThrottlingException", times=None)
    called, ended = threading.Event(), threading.Event()
    errors = []

    def listen(_call):
        called.set()
        ended.wait(30)

    def work():
        try:
            client.list_sessions(**job)
        except RuntimeError as error:
            errors.append(str(error))

    fake.on_call(listen)
    with fake:
        thread = threading.Thread(target=work)
        thread.start()
        called.wait(30)
    ended.set()
    thread.join()
    assert len(errors) == len(fake.calls) == 1
    assert (
        "was under way when the interception of tests/transport/test_interception.py::" in errors[0]
    )
    assert client not in _state.hooks
    with FakeDeadline() as other:
        assert client.list_sessions(**other.add_job())["sessions"] == []


def test_an_interrupted_call():
    """A call interrupted by Ctrl-C leaves no state at the client."""
    fake, client = FakeDeadline(), client_factory.client()
    job = fake.add_job()

    def stop(_call):
        raise KeyboardInterrupt

    fake.on_call(stop)
    with fake, pytest.raises(KeyboardInterrupt):
        client.list_sessions(**job)
    assert client not in _state.hooks
    assert tracking.current() is None


def test_calls_from_a_listener():
    """A listener may make calls itself, even with the client whose call it was notified of."""
    fake = FakeDeadline()
    job = fake.add_job()
    client = fake.client()
    inner = [1, 2]

    def listen(_call):
        if inner:
            inner.pop()
            client.list_sessions(**job)

    fake.on_call(listen)
    client.list_sessions(**job)
    assert len(fake.calls) == 3
    assert not _state.hooks[client].under_way


def test_hooks_without_a_service():
    """While no fake is active, a hooked client's calls go to its other event handlers."""
    client = client_factory.client()
    route = client_hooks.ClientHooks(client, list)
    route.register()
    assert route.service is None
    answered = []

    def answer(request, **_):
        answered.append(request.url)
        return route.response(request.url, rest_json.Response(200, {}, b'{"sessions": []}'))

    client.meta.events.register("before-send.deadline", answer)
    assert client.list_sessions(**IDS)["sessions"] == []
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions()
    assert len(answered) == 1
    route.unregister()


def test_operations_that_the_fake_lacks(fake):
    """Calling an operation that the fake lacks raises an error that lists what it has.

    The call is recorded.
    """
    farm = fake.add_job()["farmId"]
    with pytest.raises(NotImplementedError) as caught:
        boto3.client("deadline").list_budgets(farmId=farm)
    text = str(caught.value)
    assert text.startswith("FakeDeadline has no deadline:ListBudgets; it has ")
    assert "ListSessions" in text
    assert '@fake.operation("ListBudgets")' in text
    (call,) = fake.calls
    assert (call.operation, call.params) == ("ListBudgets", {"farmId": farm})
    assert (call.error, call.message, call.status) == ("NotImplementedError", text, None)


def test_unknown_paths():
    """A path that no operation has gets a 400 with reason UNKNOWN_OPERATION, and is recorded."""
    from pytest_deadline_sessions._transport import gateway

    service = FakeDeadline()._service
    response = gateway.respond(service, "GET", "https://x/2023-10-12/nothing", {}, b"")
    assert response.status == 400
    assert b'"reason": "UNKNOWN_OPERATION"' in response.body
    assert [str(call).split(" at ")[0] for call in service.transcript] == [
        (
            "GET /2023-10-12/nothing() → 400 ValidationException (UNKNOWN_OPERATION): "
            "There is no operation GET /2023-10-12/nothing. "
        )
    ]


def test_one_fake_can_be_entered_twice():
    """If a fake is entered twice, leaving the inner interception makes the one below it answer."""
    outer, middle = FakeDeadline(), FakeDeadline()
    jobs = {fake: fake.add_job(sessions=count) for fake, count in ((outer, 1), (middle, 2))}
    client = boto3.client("deadline", region_name="us-west-2")
    with outer, middle:
        with outer:
            assert _lists(client, jobs[outer]) == 1
        assert len(middle.client().list_sessions(**jobs[middle])["sessions"]) == 2
        assert _lists(client, jobs[middle]) == 2
    client = outer.client()
    with middle.attach(client):
        with outer.attach(client):
            assert _lists(client, jobs[outer]) == 1
        assert _lists(client, jobs[middle]) == 2


def test_overlapping_interceptions_restore_the_environment(monkeypatch):
    """Overlapping interceptions restore the environment in whichever order they end."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_PROFILE", "studio")
    before = dict(os.environ)
    interceptions = [FakeDeadline().intercept() for _ in range(3)]
    for interception in interceptions:
        interception.__enter__()
    for place in (0, 2, 1):
        assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
        assert "AWS_PROFILE" not in os.environ
        interceptions[place].__exit__(None, None, None)
    assert dict(os.environ) == before


@pytest.mark.parametrize("other", [None, types.ModuleType("boto3")])
def test_boto3_may_be_blocked_or_replaced(monkeypatch, other):
    """The fake works if ``boto3`` in ``sys.modules`` is blocked or replaced."""
    monkeypatch.setitem(sys.modules, "boto3", other)
    with FakeDeadline() as fake:
        assert _lists(fake.client(), fake.add_job(sessions=2)) == 2


def test_clients_of_a_fake_read_no_environment(monkeypatch, tmp_path):
    """A client from ``fake.client()`` ignores retry settings in the environment and config file."""
    (tmp_path / "config").write_text("[default]\nretry_mode = adaptive\nmax_attempts = 1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_RETRY_MODE", "bogus")
    fake = FakeDeadline()
    job, client = fake.add_job(sessions=1), fake.client()
    fake.fail_next("ThrottlingException")
    assert _lists(client, job) == 1


@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_default_sessions_of_overlapping_interceptions(monkeypatch, existed, first):
    """Boto3 keeps an earlier default session, and drops one created inside an interception."""
    before = boto3.Session() if existed else None
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", before)
    fakes = [FakeDeadline().__enter__(), FakeDeadline().__enter__()]
    boto3.client("deadline")
    inside = boto3.DEFAULT_SESSION
    assert inside is not None
    fakes.pop(first).__exit__(None, None, None)
    assert boto3.DEFAULT_SESSION is inside
    fakes.pop().__exit__(None, None, None)
    assert boto3.DEFAULT_SESSION is before


def test_a_call_without_a_final_event():
    """A call without a final event ends when its method returns; the outer call goes on."""
    around, inner = tracking.CallUnderWay("client", None), tracking.CallUnderWay("client", None)
    tracking.start(around)
    with tracking.ending("client", list):
        tracking.start(inner)
    assert (around.over, inner.over) == (False, True)
    with tracking.ending("client", list):
        pass
    assert tracking.current("client") is around
    tracking.end(around)


def test_a_call_that_ends_after_its_interception():
    """If a call outlives its interception, its end runs the callback given to ``ending``."""
    ended = tracking.Interception(FakeDeadline()._service)
    late = []
    with tracking.ending("client", lambda: late.append(1)):
        tracking.start(call := tracking.CallUnderWay("client", ended))
        ended.end()
        assert late == []
    assert (late, call.over, tracking.current()) == ([1], True, None)


def test_an_interrupted_attach(monkeypatch):
    """If attaching is interrupted, the client is left as it was before."""
    client = boto3.client("deadline", region_name="us-west-2")
    owners = (client.meta.events, client._serializer)
    before = [dict(vars(owner)) for owner in owners]

    def fail():
        raise KeyboardInterrupt

    monkeypatch.setattr(retry_delays, "patch", fail)
    with pytest.raises(KeyboardInterrupt):
        FakeDeadline().attach(client)
    assert [dict(vars(owner)) for owner in owners] == before
    assert client not in _state.hooks
