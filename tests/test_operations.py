"""The operations around ListSessions: what they share."""

from __future__ import annotations

import botocore.exceptions
import pytest

from pytest_deadline_sessions import FakeDeadline, model
from pytest_deadline_sessions.service.core import OPERATIONS


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


def test_what_the_installed_service_model_lacks_is_not_offered(fake, monkeypatch):
    """An operation that is newer than the installed botocore is left out, now and after resets."""
    monkeypatch.setitem(OPERATIONS, "GetSunrise", lambda _service, _params: {})
    for _ in range(2):
        assert "GetSunrise" not in FakeDeadline()._service.operations
        assert "GetSunrise" not in fake._service.operations
        fake.reset()
    assert set(fake._service.operations) == set(OPERATIONS) & set(model.operation_names())


def test_a_planned_resource_not_found_is_about_what_the_call_names(fake):
    """``resourceId`` and ``resourceType`` are those of the last id in the path of the request."""
    client = fake.client()
    job = fake.add_job()
    session_id = job.start_session().session_id
    for operation, arguments, kind in [
        ("list_sessions", job, "job"),
        ("get_session", {**job, "sessionId": session_id}, "session"),
    ]:
        fake.fail_next(
            "ResourceNotFoundException", operation=client.meta.method_to_api_mapping[operation]
        )
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(client, operation)(**arguments)
        response = caught.value.response
        assert response["resourceType"] == kind
        assert response["resourceId"] == arguments[f"{kind}Id"]


def test_a_planned_resource_not_found_of_a_call_without_ids(fake):
    """It is about something unknown."""
    client = fake.client()
    fake.operation("ListTagsForResource")(lambda _service, _params: {})
    fake.fail_next("ResourceNotFoundException", operation="ListTagsForResource")
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.list_tags_for_resource(resourceArn="arn:aws:deadline:us-west-2:111122223333:farm/f")
    assert caught.value.response["resourceId"] == "unknown"
