"""What the tests of the GIMP plug-in share."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
FAKE_ENGINE = HERE / "fake_engine.py"
PLUGIN = REPOSITORY / "gimp_plugin"


NO_DOWNLOADS = "DEEPDREAM_TEST_DOWNLOADS=1 lets the tests fetch GIMP (1.5 GB) and Python 2.7 from Debian"


def may_download() -> bool:
    """Tell whether the user has asked for tests that use the network."""
    return os.environ.get("DEEPDREAM_TEST_DOWNLOADS") == "1"


@functools.cache
def _make_python27() -> tuple[str, str]:
    """Return the interpreter's path and, where there is none, the reason."""
    if not may_download():
        return "", NO_DOWNLOADS
    if os.name != "posix":
        return "", "Python 2.7 is made on Debian only"
    try:
        done = subprocess.run(
            [HERE / "make-python27.sh"], capture_output=True, text=True, timeout=300, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return "", str(error)
    if done.returncode:
        return "", (done.stderr.strip().splitlines() or ["make-python27.sh failed"])[-1]
    return done.stdout.split()[-1], ""


@pytest.fixture(scope="session")
def python27() -> str:
    """A real Python 2.7, as GIMP 2.10 has."""
    path, reason = _make_python27()
    if not path:
        pytest.skip(f"no Python 2.7 here: {reason}")
    return path
