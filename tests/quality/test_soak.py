"""Many tests of every kind in one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent / "soak" / "soak.py"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted there")
def test_a_short_soak():
    """170 tests leave the process as it was; ``nox -s soak`` runs many more."""
    pytest.importorskip("aiobotocore")
    done = subprocess.run(
        [sys.executable, str(SOAK), "170"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
