"""The configuration of a downstream project."""

import farm  # noqa: F401 (before the guard: a client made at import may read ~/.aws)
import guard
import hypothesis
import pytest

hypothesis.settings.register_profile(
    "neighbours", deadline=None, max_examples=5, database=None, derandomize=True
)
hypothesis.settings.load_profile("neighbours")
guard.install()


@pytest.fixture
def named(request):
    """Request the fixture named by the parameter, while the test runs."""
    return request.getfixturevalue(request.param)
