"""Creating a client inside an interception looks up nothing on the machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap

import boto3
import botocore.session
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.monitoring import SocketPublisher

from pytest_deadline_sessions import FakeDeadline
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._transport import client_hooks, environment, rest_json

AUDIT = """
import sys

seen = []
WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"}

def audit(event, args):
    text = " ".join(map(str, args))
    if event in WATCHED or (event == "open" and "poison" in text):
        seen.append(event + " " + text)

sys.addaudithook(audit)
import boto3
import botocore.session
from pytest_deadline_sessions import FakeDeadline
"""

PROFILES = {
    "process": 'credential_process = {python} -c \'open("{poison}/ran", "w")\'',
    "static": "aws_access_key_id = REAL\naws_secret_access_key = REAL",
    "web identity": "role_arn = arn:aws:iam::123456789012:role/x\n"
    "web_identity_token_file = {poison}/token",
    "assume role": "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = other\n"
    "[profile other]\naws_access_key_id = REAL\naws_secret_access_key = REAL",
    "assume role by metadata": "role_arn = arn:aws:iam::123456789012:role/x\n"
    "credential_source = Ec2InstanceMetadata",
    "sso": "sso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n"
    "sso_account_id = 123456789012\nsso_role_name = x",
    "sso session": "sso_session = x\nsso_account_id = 123456789012\nsso_role_name = x\n"
    "[sso-session x]\nsso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1",
    "login": "login_session = arn:aws:iam::123456789012:user/x",
    "monitored": "csm_enabled = true\ncsm_host = monitor.example.com",
    "elsewhere": "endpoint_url = http://10.0.0.1",
}


def _run(program, environ, tmp_path):
    """Return what a program prints when it runs with its own environment and home folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    home = {"HOME": str(tmp_path / "poison"), "USERPROFILE": str(tmp_path / "poison")}
    done = subprocess.run(
        [sys.executable, "-c", AUDIT + textwrap.dedent(program)],
        env={**kept, **home, **environ},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def poison(tmp_path):
    """A home folder from which nothing may be opened."""
    (tmp_path / "poison" / ".aws" / "models").mkdir(parents=True)
    return tmp_path / "poison"


@pytest.mark.at_length
def test_profiles_of_the_machine(tmp_path, poison):
    """No profile in the user's config file makes a session fetch, start or read anything.

    The sessions create clients, sign and presign with the test's keys.
    """
    config = poison / ".aws" / "config"
    profiles = {
        name: profile.replace("{python}", sys.executable).replace("{poison}", str(poison))
        for name, profile in PROFILES.items()
    }
    program = f"""
        import pathlib

        for name, profile in {profiles!r}.items():
            pathlib.Path({str(config)!r}).write_text(
                "[profile studio]\\nregion = eu-west-3\\n" + profile
            )
            fresh, used = (boto3.Session(profile_name="studio") for _ in range(2))
            assert used.available_profiles, used._session.get_scoped_config()
            with FakeDeadline() as fake:
                earlier = [boto3.Session(profile_name=name) for name in ("studio", "no-such")]
            seen.clear()
            with FakeDeadline() as fake:
                job = fake.add_job(sessions=2)
                sessions = [boto3.Session(profile_name=name) for name in ("studio", "nobody")]
                for session in (fresh, used, *earlier, *sessions):
                    assert session.get_credentials().access_key == "testing"
                    assert session.available_profiles == []
                    client = session.client("deadline")
                    assert client.meta.endpoint_url == "https://deadline.us-west-2.amazonaws.com"
                    assert len(client.list_sessions(**job)["sessions"]) == 2
                    url = client.generate_presigned_url("list_sessions", Params=dict(job))
                    assert "testing" in url
                    session.client("sts")
            for event in seen:
                print(name, event)
    """
    assert _run(program, {}, tmp_path) == ""
    assert not (poison / "ran").exists()


@pytest.mark.at_length
def test_clients_created_before_with_a_profile(tmp_path, poison):
    """A client created before, whose credentials are not fetched yet, does not fetch them."""
    (poison / ".aws" / "config").write_text(
        "[profile studio]\nregion = eu-west-3\nrole_arn = arn:aws:iam::123456789012:role/x\n"
        "source_profile = other\ncsm_enabled = true\ncsm_host = monitor.example.com\n"
        "[profile other]\naws_access_key_id = REAL\naws_secret_access_key = REAL\n"
    )
    program = """
        made = [boto3.Session(profile_name="studio").client("deadline") for _ in range(2)]
        seen.clear()
        with FakeDeadline() as fake:
            job = fake.add_job(sessions=2)
            presigning, calling = made
            assert "testing" in presigning.generate_presigned_url("list_sessions", Params=dict(job))
            assert len(calling.list_sessions(**job)["sessions"]) == 2
        print(*seen, sep="\\n", end="")
    """
    assert _run(program, {}, tmp_path) == ""


ENVIRONMENTS = {
    "monitoring": {"AWS_CSM_ENABLED": "true", "AWS_CSM_HOST": "monitor.example.com"},
    "models": {"AWS_DATA_PATH": "{poison}/models"},
    "web identity": {
        "AWS_WEB_IDENTITY_TOKEN_FILE": "{poison}/token",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
    },
    "container": {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/x",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{poison}/token",
    },
    "metadata": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://10.0.0.1"},
    "automatic defaults": {"AWS_DEFAULTS_MODE": "auto"},
    "endpoint": {"AWS_ENDPOINT_URL": "http://10.0.0.1", "AWS_ENDPOINT_URL_DEADLINE": "http://x"},
    "endpoints ignored": {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    "profile": {"AWS_PROFILE": "no-such-profile", "AWS_DEFAULT_PROFILE": "neither"},
    "keys": {"AWS_ACCESS_KEY_ID": "REAL", "AWS_SECRET_ACCESS_KEY": "REAL"},
    "account": {"AWS_ACCOUNT_ID": "123456789012", "AWS_ACCESS_KEY_ID": "REAL"},
    "bundle": {"AWS_CA_BUNDLE": "{poison}/bundle.pem"},
    "files": {
        "AWS_CONFIG_FILE": "{poison}/config",
        "AWS_SHARED_CREDENTIALS_FILE": "{poison}/credentials",
    },
}


@pytest.mark.at_length
def test_variables_of_the_machine(tmp_path, poison):
    """No AWS variable makes a client inside the interception open files or connections.

    Afterwards the variables have their old values.
    """
    program = f"""
        import os

        before = dict(os.environ)
        for name, given in {ENVIRONMENTS!r}.items():
            for variable, value in given.items():
                os.environ[variable] = value.replace("{{poison}}", {str(poison)!r})
            seen.clear()
            with FakeDeadline() as fake:
                job = fake.add_job(sessions=2)
                for session in (boto3, boto3.Session(), botocore.session.get_session()):
                    make = getattr(session, "client", None) or session.create_client
                    client = make("deadline")
                    assert len(client.list_sessions(**job)["sessions"]) == 2
                    assert client.meta.endpoint_url == "https://deadline.us-west-2.amazonaws.com"
            for event in seen:
                print(name, event)
            for variable, value in given.items():
                assert os.environ.pop(variable) == value.replace("{{poison}}", {str(poison)!r})
            assert os.environ == before
    """
    assert _run(program, {}, tmp_path) == ""


@pytest.mark.at_length
@pytest.mark.parametrize("where", ["AWS_DATA_PATH", "~"])
def test_models_of_the_machine_change_nothing(tmp_path, poison, where):
    """Service models and data files of the user have no effect on clients in the interception."""
    folder = poison / ".aws" / "models" if where == "~" else poison / "models"
    version = folder / "deadline" / "2023-10-12"
    version.mkdir(parents=True)
    lacking = {
        "metadata": {**model.service_model().metadata, "serviceId": "deadline"},
        "operations": {},
        "shapes": {},
    }
    (version / "service-2.json").write_text(json.dumps(lacking))
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        (folder / f"{name}.json").write_text("{}")
    variables = {} if where == "~" else {where: str(folder)}
    program = f"""
        import os

        with FakeDeadline() as fake:
            job = fake.add_job(sessions=2)
            os.environ.update({variables!r})
            for mode in ("legacy", "standard"):
                os.environ["AWS_DEFAULTS_MODE"] = mode
                session = boto3.Session()
                client = session.client("deadline")
                assert len(client.list_sessions(**job)["sessions"]) == 2
                assert "us-west-2" in session.get_available_regions("s3")
    """
    assert _run(program, variables, tmp_path) == ""


def test_every_variable_of_botocore_is_decided_on():
    """Every configuration variable of this botocore has an entry in ``DECISIONS``."""
    undecided = set(BOTOCORE_DEFAUT_SESSION_VARIABLES) - set(environment.DECISIONS)
    assert not undecided, "decide on them in _transport/environment.py, and act on the decision"


@pytest.mark.parametrize("name", sorted(BOTOCORE_DEFAUT_SESSION_VARIABLES))
def test_decisions_hold(monkeypatch, name):
    """Each variable is kept, removed or replaced as ``DECISIONS`` says."""
    _, variables, _, _ = BOTOCORE_DEFAUT_SESSION_VARIABLES[name]
    decision = environment.DECISIONS[name].split(";")[0].split(",")[0]
    for variable in [variables] if isinstance(variables, str) else variables or ():
        monkeypatch.setenv(variable, "7")
        with FakeDeadline():
            value = os.environ.get(variable)
        if decision == "kept":
            assert value == "7"
        elif decision == "removed":
            assert value is None
        else:
            assert value not in {None, "7"} or name == "disable_host_prefix_injection"


def test_a_config_file_named_by_the_test(deadline_sessions, monkeypatch, tmp_path):
    """Settings are read from a config file that the test names, but no credentials."""
    config = tmp_path / "config"
    ran = tmp_path / "ran"
    config.write_text(
        "[profile studio]\nmax_attempts = 1\n"
        f'credential_process = {sys.executable} -c \'open("{ran}", "w")\'\n'
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    session = boto3.Session(profile_name="studio")
    assert session.available_profiles == ["studio"]
    assert session._session.get_config_variable("max_attempts") == 1
    client = session.client("deadline")
    assert len(client.list_sessions(**deadline_sessions.add_job(sessions=1))["sessions"]) == 1
    assert not ran.exists()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "lacking"))
    assert boto3.Session(profile_name="studio").available_profiles == []


@pytest.mark.usefixtures("deadline_sessions")
def test_keys_set_by_the_test(monkeypatch):
    """Keys passed to a session, or set in the environment by the test, are used."""
    session = boto3.Session(aws_access_key_id="given", aws_secret_access_key="x")
    assert session.get_credentials().access_key == "given"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "set")
    assert boto3.Session().get_credentials().access_key == "set"
    assert botocore.session.get_session().get_credentials().access_key == "set"


class Provider:
    """A credential provider that the code under test adds."""

    METHOD = CANONICAL_NAME = "own"

    def __init__(self, kind, keys):
        self.kind, self.keys, self.loads = kind, keys, 0

    def load(self):
        """Return the credentials, if there are any."""
        self.loads += 1
        return self.keys and self.kind(*self.keys, method="own")


@pytest.mark.usefixtures("deadline_sessions")
@pytest.mark.parametrize(("keys", "expected"), [(("own", "x"), "own"), (None, "testing")])
def test_credential_providers_of_the_code(keys, expected):
    """A provider added to a session is asked; the test's keys apply if it has none."""
    session = botocore.session.get_session()
    provider = Provider(Credentials, keys)
    session.get_component("credential_provider").insert_before("env", provider)
    for _ in range(2):
        assert session.get_credentials().access_key == expected
    assert provider.loads == (1 if keys else 2)


@pytest.mark.usefixtures("deadline_sessions")
@pytest.mark.parametrize(("keys", "expected"), [(("own", "x"), "own"), (None, "testing")])
def test_async_credential_providers_of_the_code(keys, expected):
    """A provider added to an aiobotocore session is asked as well."""
    aio = pytest.importorskip("aiobotocore.session")
    from aiobotocore.credentials import AioCredentials

    class Awaited(Provider):
        async def load(self):
            return super().load()

    async def run():
        session = aio.get_session()
        provider = Awaited(AioCredentials, keys)
        session.get_component("credential_provider").insert_before("env", provider)
        return [(await session.get_credentials()).access_key for _ in range(2)], provider.loads

    assert asyncio.run(run()) == ([expected] * 2, 1 if keys else 2)


def test_code_that_passes_the_endpoint_variable(deadline_sessions):
    """Code that passes AWS_ENDPOINT_URL_DEADLINE as ``endpoint_url`` gets a working client."""
    client = boto3.client("deadline", endpoint_url=os.environ["AWS_ENDPOINT_URL_DEADLINE"])
    assert client.meta.endpoint_url == "https://deadline.us-west-2.amazonaws.com"
    assert len(client.list_sessions(**deadline_sessions.add_job(sessions=1))["sessions"]) == 1


def test_other_services_are_monitored_as_before(monkeypatch):
    """Monitoring events of this service are dropped; those of other services are still sent."""
    sent = []
    monkeypatch.setattr(SocketPublisher, "publish", lambda _, event: sent.append(event.service))
    monkeypatch.setenv("AWS_CSM_ENABLED", "true")
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-west-2"}
    session = botocore.session.Session()
    deadline, sts = (session.create_client(name, **keys) for name in ("deadline", "sts"))

    def answer(request, **_):
        return client_hooks.ClientHooks.response(request.url, rest_json.Response(403, {}, b"<x/>"))

    sts.meta.events.register("before-send", answer)
    with FakeDeadline() as fake:
        deadline.list_sessions(**fake.add_job())
        with pytest.raises(ClientError):
            sts.get_caller_identity()
    # Botocore never closes this socket.
    session._internal_components.get_component("monitor")._publisher._socket.close()
    assert set(sent) == {"STS"}
