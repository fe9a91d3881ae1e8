"""What the tests of the GIMP plug-in share."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gimp_plugin import __main__ as command_line
from gimp_plugin import install as installing
from tests.gimp_plugin.homes import WORKING
from tests.gimp_plugin.plugin27 import Plugin

os.environ["LANGUAGE"] = "en"  # the plug-in would speak Korean to whoever tests it on a Korean desktop

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


def run_case(python: str, file: str, case: str) -> None:
    """Run a case of a file of cases, which are for both Pythons, in one of them."""
    done = subprocess.run(
        [python, HERE / file, sys.executable, case], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, where the command line looks too."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    for name in ("GIMP2_DIRECTORY", "GIMP3_DIRECTORY", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return folder


@pytest.fixture
def portable(tmp_path):
    """A folder that says nothing about its GIMP."""
    folder = tmp_path / "portable"
    folder.mkdir()
    return folder


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine that answers, as a script that a test may break."""
    script = tmp_path / "engine.py"
    script.write_text(WORKING, encoding="utf-8")
    command = [sys.executable, str(script)]
    monkeypatch.setattr(command_line, "find_engine", lambda: (command, installing.engine_version(command)))
    return script


@pytest.fixture
def plugin(tmp_path, python27):
    return Plugin(tmp_path, python27)
