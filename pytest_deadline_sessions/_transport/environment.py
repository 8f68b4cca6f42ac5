"""The environment during a test: no real credentials, no configuration files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._patching import assign
from pytest_deadline_sessions._transport import environment_variables

REGION = "us-west-2"
ACCESS_KEY = "testing"
SECRET_KEY = "testing"  # noqa: S105 (not a secret, which is the point)
ENDPOINT = "AWS_ENDPOINT_URL_DEADLINE"
# Botocore refuses a URL that contains a tab and quotes it in its error, so a child process that
# inherits this one fails at once with this text. Other clients find a port nobody listens on.
REFUSAL = (
    "http://127.0.0.1:1/\tpytest-deadline-sessions refuses this process: it inherited the dummy "
    "credentials of a test (expected the test to have the fixture deadline_sessions_endpoint, so "
    "that the processes it starts reach the fake)"
)

FOR_CHILDREN = {
    "endpoint_url": ENDPOINT,
    "ignore_configured_endpoint_urls": "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "disable_host_prefix_injection": "AWS_DISABLE_HOST_PREFIX_INJECTION",
}
"""Botocore configuration set only for the processes that a test starts, not for its own."""

_REGIONS = ("AWS_DEFAULT_REGION", "AWS_REGION")
_SET = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_SESSION_TOKEN": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
REMOVED = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCOUNT_ID",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DATA_PATH",
    "AWS_CSM_ENABLED",
    "AWS_CSM_HOST",
    "AWS_CSM_PORT",
    "AWS_CSM_CLIENT_ID",
)

_FILES = "from a file that is not read"
_METADATA = "of the metadata service, which is switched off"
_SAME = "changes how a client works, as it does in production"
_UNSENT = "concerns what is sent to AWS, and nothing is"
DECISIONS = {
    "profile": "removed; any profile name works and has no settings",
    "region": "kept; us-west-2 if there is none",
    "data_path": "removed, and models of the service come from botocore alone",
    "config_file": "the null device; a test may name a file of its own",
    "credentials_file": "the null device; credentials are answered before it is read",
    "ca_bundle": f"kept; {_UNSENT}",
    "api_versions": f"none: {_FILES}",
    "metadata_service_timeout": f"kept; {_METADATA}",
    "metadata_service_num_attempts": f"kept; {_METADATA}",
    "ec2_metadata_service_endpoint": f"kept; {_METADATA}",
    "ec2_metadata_service_endpoint_mode": f"kept; {_METADATA}",
    "ec2_metadata_v1_disabled": f"kept; {_METADATA}",
    "imds_use_ipv6": f"kept; {_METADATA}",
    "use_dualstack_endpoint": f"kept; {_SAME}",
    "use_fips_endpoint": f"kept; {_SAME}",
    "ignore_configured_endpoint_urls": "false, so that child processes find the endpoint; clients "
    "of this process find none in the environment",
    "parameter_validation": f"on: {_FILES}",
    "csm_enabled": "removed; metrics from clients created earlier are discarded",
    "csm_host": "removed",
    "csm_port": "removed",
    "csm_client_id": "removed",
    "endpoint_discovery_enabled": "kept; the service has none",
    "sts_regional_endpoints": f"kept; {_SAME}",
    "retry_mode": f"kept; {_SAME}",
    "defaults_mode": f"kept; {_SAME}, and 'auto' asks a metadata service that is switched off",
    "max_attempts": f"kept; {_SAME}",
    "user_agent_appid": f"kept; {_UNSENT}",
    "request_min_compression_size_bytes": f"kept; {_SAME}",
    "disable_request_compression": f"kept; {_SAME}",
    "sigv4a_signing_region_set": f"kept; {_SAME}",
    "request_checksum_calculation": f"kept; {_SAME}",
    "response_checksum_validation": f"kept; {_SAME}",
    "account_id_endpoint_mode": f"kept; {_SAME}",
    "disable_host_prefix_injection": "true beside an endpoint, for child processes; clients in "
    "this process ignore it",
    "auth_scheme_preference": f"kept; {_SAME}",
    "tcp_keepalive": f"kept; {_UNSENT}",
    "s3_disable_express_session_auth": "kept; of another service",
}
"""What happens to each botocore configuration variable while clients are intercepted."""


def dummies(given: Mapping[str, str]) -> dict[str, str]:
    """Dummy credentials, no files, no metadata service, and a default region.

    Args:
        given: The environment, whose region is kept if it has one.
    """
    region = next((given[name] for name in _REGIONS if given.get(name)), REGION)
    return {**_SET, "AWS_DEFAULT_REGION": region}


@contextlib.contextmanager
def dummy_environment() -> Iterator[None]:
    """Set dummy variables, and an endpoint URL that makes child processes fail.

    Dummy environments may end in any order. The last one to end restores the variables and boto3's
    default session as they were before the first.
    """
    refused = {ENDPOINT: REFUSAL}
    ignoring = FOR_CHILDREN["ignore_configured_endpoint_urls"]
    if ignoring in os.environ:
        refused[ignoring] = "false"
    removed: dict[str, str | None] = dict.fromkeys(REMOVED)
    values = {**dummies(os.environ), **refused, **removed}
    with environment_variables.changed(values), _default_session():
        yield


class _DefaultSession:
    """Whether boto3 had a default session before the first active dummy environment began.

    If it had one, any session that replaced it is not ours and stays. Moto, for example, replaces
    the default session so that later clients are its own.
    """

    def __init__(self) -> None:
        outer = _state.default_sessions[:1]
        self.existed = outer[0].existed if outer else _boto3_default_session() is not None

    def restore(self) -> None:
        with _state.lock:
            if self in _state.default_sessions:
                _state.default_sessions.remove(self)
            is_ours = not _state.default_sessions and not self.existed
            if is_ours and _boto3_default_session() is not None:
                assign(sys.modules["boto3"], "DEFAULT_SESSION", None)


@contextlib.contextmanager
def _default_session() -> Iterator[None]:
    """Keep boto3's default session from outliving the dummy credentials that it was made with."""
    default_session = _DefaultSession()
    try:
        try:
            _state.default_sessions.append(default_session)
            yield
        finally:
            default_session.restore()
    except BaseException:
        # A second time: interception.intercept explains why.
        default_session.restore()
        raise


def _boto3_default_session() -> object:
    return getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
