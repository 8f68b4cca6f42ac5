"""Keep the vendor's package away from the home directory and from its telemetry."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory):
    """Set environment variables before the package is imported, which is when it reads them."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("USERPROFILE", str(home))
        patch.setenv("DEADLINE_CONFIG_FILE_PATH", str(home / "deadline-config"))
        patch.setenv("DEADLINE_CLOUD_TELEMETRY_OPT_OUT", "true")
        yield
