"""`--cluster local`: a cluster that comes and goes with the command, and that nobody else notices."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.engine.conftest import TINY, copies

pytest.importorskip("ray", reason="the [cluster] extra is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def command(*words: object) -> list[str]:
    fast = ["--model", TINY, "--layers", "mixed0,mixed1", "--max-memory", "300MB", "--cluster", "local"]
    return [sys.executable, "-m", "engine", "dream", *map(str, words), *map(str, fast)]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for all that a program leaves behind; its name is short, for Ray has sockets there."""
    with tempfile.TemporaryDirectory(prefix="home", dir="/tmp") as folder:
        yield Path(folder)


def test_only_results_are_left_and_only_ours_is_said(photo: Path, home: Path, tmp_path: Path) -> None:
    copies(photo, "b.png", "c.png")
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home)}
    words = command(photo.parent, "-o", tmp_path / "out", "--iterations", 2, "--progress", "none")
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    results = sorted(str(tmp_path / "out" / f"{x}.dream.png") for x in ("photo", "b", "c"))
    assert sorted(done.stdout.splitlines()) == results
    assert list(home.rglob("*")) == []


def test_it_listens_on_this_machine_only(photo: Path, home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home)}
    for number in range(20):
        copies(photo, f"{number}.png")
    words = command(photo.parent, "-o", tmp_path / "out", "--iterations", 300)
    running = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline()
    family = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    listening = {
        y.laddr.ip.removeprefix("::ffff:")
        for x in family
        for y in x.net_connections("inet")
        if y.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    running.communicate()
