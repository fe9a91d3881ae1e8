"""What a run leaves on the machine: its results, and nothing else; in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import TINY, noise

ROOT = Path(__file__).parents[3]
LIGHT = ["--model", str(TINY), "--progress", "none", "--iterations", "1", "--octaves", "1"]
COMMANDS = [
    ["dream", "photo.png", "-o", "dream.png", "--layers", "mixed0", *LIGHT],
    ["zoom", "photo.png", "-o", "zoom.gif", "--seconds", "0.1", "--layers", "mixed0", *LIGHT],
    ["gallery", "photo.png", "-o", "sheet.png", *LIGHT],
    ["info", "--model", str(TINY)],
    ["layers", "--model", str(TINY)],
    ["presets", "list"],
    ["recipe", "dream.png"],
]
CHILD = """
import json, sys

STARTED_OR_CALLED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile",
                     "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname")

def watch(event, arguments):
    if event in STARTED_OR_CALLED:
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(watch)
from engine.cli.main import main
codes = [main(words) for words in json.loads(sys.argv[1])]
sys.exit(f"exit codes {codes}" if any(codes) else 0)
"""


def silent(folder: Path, home: Path, **environment: str) -> None:
    """Run all commands in a folder, with that home: nothing is said, started or called."""
    import json

    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "ORT_")) and k != "CI"}
    temporary = folder.with_name("temporary")
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(COMMANDS)],
        cwd=folder,
        env={**kept, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(temporary.iterdir()) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    noise(30, 40).save(folder / "photo.png")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="HOME is not the home there")
def test_results_are_all_that_is_written(tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    silent(folder, home)
    assert list(home.rglob("*")) == []
    assert sorted(x.name for x in folder.iterdir()) == ["dream.png", "photo.png", "sheet.png", "zoom.gif"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="HOME is not the home there")
def test_a_home_that_cannot_be_written_is_no_matter(tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    home.write_bytes(b"")  # a file: not even root can make a folder in it
    silent(folder, home, XDG_CACHE_HOME=str(home / "cache"))


def test_whoever_wants_the_runtimes_telemetry_may_have_it(monkeypatch) -> None:
    from engine.network import ort

    for wanted, expected in ((None, "1"), ("0", "0")):
        monkeypatch.delenv(ort.TELEMETRY_OFF, raising=False)
        if wanted is not None:
            monkeypatch.setenv(ort.TELEMETRY_OFF, wanted)
        ort.load()
        assert os.environ[ort.TELEMETRY_OFF] == expected
