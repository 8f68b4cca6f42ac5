"""Answer botocore's lookups when it makes a client: credentials, configuration, endpoints."""

from __future__ import annotations

import functools
import os
from typing import Any

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._patching import Around, Patches, assign
from pytest_deadline_sessions._transport import (
    client_factory,
    environment,
    environment_variables,
    tracking,
)


def patch(patches: Patches) -> None:
    """Answer the lookups of all botocore sessions in the process, including existing ones.

    Args:
        patches: Records the patches, to undo them later.
    """
    from botocore.client import ClientCreator
    from botocore.monitoring import SocketPublisher
    from botocore.session import Session

    answers: tuple[tuple[type, str, Around], ...] = (
        (Session, "get_credentials", _credentials),
        (Session, "get_auth_token", lambda _method, _session, **_: None),
        (Session, "get_scoped_config", _scoped_config),
        (Session, "_get_internal_component", _component),
        (Session, "full_config", lambda _value, _session: _config()),
        (Session, "_build_profile_map", lambda _method, _session: _config()["profiles"]),
        (ClientCreator, "create_client", _create),
        (SocketPublisher, "publish", _publish),
    )
    for owner, name, answer in answers:
        patches.wrap(owner, name, _if_intercepted(answer))


def patch_aiobotocore(patches: Patches, aio: Any) -> None:
    """Answer the lookups of aiobotocore sessions.

    Args:
        patches: Records the patches, to undo them later.
        aio: The module ``aiobotocore.session``.
    """
    patches.wrap(aio.AioSession, "get_credentials", _if_intercepted(_credentials_awaited))
    patches.wrap(aio.AioClientCreator, "create_client", _if_intercepted(_create))


def _if_intercepted(answer: Around) -> Around:
    """Use ``answer`` only in threads and tasks whose calls are answered or refused."""

    def around(method: Any, owner: Any, *args: Any, **kwargs: Any) -> Any:
        if tracking.calls_are_intercepted():
            return answer(method, owner, *args, **kwargs)
        return method(*args, **kwargs)

    return around


def _credentials(method: Any, session: Any) -> Any:
    from botocore.credentials import Credentials

    if _are_given(session):
        return method()
    for provider in _own_providers(session):
        credentials = provider.load()
        if credentials is not None:
            return _keep(session, credentials)
    return Credentials(*_keys(), method="env")


async def _credentials_awaited(method: Any, session: Any) -> Any:
    from aiobotocore.credentials import AioCredentials

    if _are_given(session):
        return await method()
    for provider in _own_providers(session):
        credentials = await provider.load()
        if credentials is not None:
            return _keep(session, credentials)
    return AioCredentials(*_keys(), method="env")


def _are_given(session: Any) -> bool:
    """Whether the code under test set credentials itself, so that nothing is looked up."""
    credentials = session._credentials  # noqa: SLF001 (asking for them would look them up)
    return (
        getattr(credentials, "method", None) == "explicit" or credentials in _state.own_credentials
    )


def _own_providers(session: Any) -> list[Any]:
    """Providers that the code under test added to a session, for example for a queue's role."""
    providers = session.get_component("credential_provider").providers
    return [
        provider
        for provider in providers
        if "botocore" not in type(provider).__module__.partition(".")[0]
    ]


def _keep(session: Any, credentials: Any) -> Any:
    _state.own_credentials.add(credentials)
    assign(session, "_credentials", credentials)  # as the session does itself
    return credentials


def _keys() -> tuple[str, str, str | None]:
    """The keys in the environment: the dummy ones, unless the test has set others."""
    return (
        os.environ.get("AWS_ACCESS_KEY_ID") or environment.ACCESS_KEY,
        os.environ.get("AWS_SECRET_ACCESS_KEY") or environment.SECRET_KEY,
        os.environ.get("AWS_SESSION_TOKEN"),
    )


def _config() -> Any:
    """The contents of the test's own configuration file; empty without one."""
    from botocore.configloader import load_config
    from botocore.exceptions import ConfigNotFound

    file = os.environ.get("AWS_CONFIG_FILE", os.devnull)
    if file == os.devnull:
        return {"profiles": {}}
    try:
        return load_config(file)
    except ConfigNotFound:
        return {"profiles": {}}


def _scoped_config(_method: Any, session: Any) -> Any:
    name = session.get_config_variable("profile") or "default"
    return _config()["profiles"].get(name, {})


def _component(method: Any, session: Any, name: str) -> Any:
    """Take endpoints and defaults from botocore itself, not from a folder of models."""
    if name not in {"endpoint_resolver", "default_config_resolver"} or session is _reference():
        return method(name)
    return _reference()._get_internal_component(name)  # noqa: SLF001 (as sessions do)


@functools.cache
def _reference() -> Any:
    """A session that has only the data that comes with botocore."""
    from botocore.session import Session

    return client_factory.prepared(Session)


def _create(method: Any, creator: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a client from botocore's own service model, for the real endpoint."""
    if (kwargs.get("service_name") or args[0]) != model.SERVICE:
        return method(*args, **kwargs)
    # Each creator makes only one client.
    assign(creator, "_loader", model.loader())
    if kwargs.get("endpoint_url") == environment.REFUSAL:
        # The code under test read the endpoint from the environment and passed it on.
        kwargs["endpoint_url"] = None
    store = creator._config_store  # noqa: SLF001 (likewise)
    for name, variable in environment.FOR_CHILDREN.items():
        if environment_variables.is_set_here(variable):
            store.set_config_variable(name, None)
    return method(*args, **kwargs)


def _publish(method: Any, _publisher: Any, event: Any) -> None:
    if event.service != model.SERVICE:
        method(event)
