"""Make botocore clients and sessions that read no configuration."""

from __future__ import annotations

import functools
import os
from typing import Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import check_kind
from pytest_deadline_sessions._text import shorten
from pytest_deadline_sessions._transport import timestamps
from pytest_deadline_sessions._transport.environment import ACCESS_KEY, REGION, SECRET_KEY

_CREATE = (
    "region_name",
    "api_version",
    "use_ssl",
    "verify",
    "endpoint_url",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "config",
)


def client(*, fast_timestamps: bool = True, **config: Any) -> Any:
    """A botocore client with dummy credentials that reads no configuration.

    Args:
        fast_timestamps: As in ``FakeDeadline.client``.
        **config: Arguments of ``Session.create_client``, and options of ``Config``.

    Raises:
        TypeError: An unknown option.
    """
    from botocore.config import Config

    arguments = options_of(Config, config)
    return _session(fast_timestamps=fast_timestamps).create_client(model.SERVICE, **arguments)


def options_of(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``create_client``, with all other options put into a ``Config``.

    Args:
        kind: The class of ``Config``.
        config: Arguments and options, mixed.

    Raises:
        TypeError: An unknown option, or a ``config`` that is not a ``Config``.
    """
    from botocore.config import Config

    expected = "a Config" if kind is Config else f"an {kind.__name__}"
    check_kind("config", config.get("config"), (Config, type(None)), expected)
    arguments = {name: config[name] for name in _CREATE if name in config}
    rest = {name: value for name, value in config.items() if name not in _CREATE}
    if rest:
        try:
            options = kind(**rest)
        except TypeError as error:
            expected = f"{', '.join(_CREATE)}, or options of botocore's Config"
            msg = f"{shorten(str(error))} (expected {expected})"
            raise TypeError(msg) from None
        arguments["config"] = (
            arguments["config"].merge(options) if arguments.get("config") else options
        )
    arguments.setdefault("region_name", REGION)
    return arguments


@functools.cache
def _session(*, fast_timestamps: bool) -> Any:
    import botocore.session
    from botocore.config import Config

    session = prepared(botocore.session.Session, fast_timestamps=fast_timestamps)
    # Otherwise botocore composes the user agent twice per request, a fifth of the request's time.
    session.set_default_client_config(Config(user_agent=session.user_agent()))
    return session


def prepared(kind: Any, *, fast_timestamps: bool = True) -> Any:
    """A session with dummy credentials that reads no configuration.

    Args:
        kind: The class of the session.
        fast_timestamps: As in ``FakeDeadline.client``.
    """
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

    # Each value: (name in files, name in the environment, default, conversion).
    variables = {name: (None, None, *rest) for name, (_, _, *rest) in VARIABLES.items()}
    for name in ("config_file", "credentials_file"):
        variables[name] = (None, None, os.devnull, None)
    session = kind(session_vars=variables)
    session.register_component("data_loader", model.loader())
    session.set_credentials(ACCESS_KEY, SECRET_KEY)
    if fast_timestamps:
        factory = session.get_component("response_parser_factory")
        factory.set_parser_defaults(timestamp_parser=timestamps.parse)
    return session
