"""Many tests in one process, of every kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent / "soak" / "soak.py"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted there")
def test_a_short_soak():
    """The guard sees nothing, and the process is as before; ``nox -s soak`` runs many more."""
    pytest.importorskip("aiobotocore")
    done = subprocess.run(
        [sys.executable, str(SOAK), "170"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
