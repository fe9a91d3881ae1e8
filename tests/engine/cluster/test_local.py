"""`--cluster local`: a cluster that comes and goes with the command, and that nobody else notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.files import images
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


def running(photo: Path, home: Path, out: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start a command with more to do than it will; when it has a result, return it and all its processes."""
    for number in range(20):
        copies(photo, f"{number}.png")
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home)}
    process = subprocess.Popen(
        command(photo.parent, "-o", out, "--iterations", 300),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, process.communicate()
    return process, psutil.Process(process.pid).children(recursive=True)


def nothing_is_left(family: list[psutil.Process], home: Path, out: Path) -> None:
    """Wait for the end of all processes; look at what is on the disk."""
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert list(home.rglob("*")) == []
    results = [x for x in out.iterdir() if not x.name.startswith(".")]
    assert results
    for result in results:
        images.load(result)


def test_it_listens_on_this_machine_only_and_all_ends_with_a_command_that_is_killed(
    photo: Path, home: Path, tmp_path: Path
) -> None:
    process, family = running(photo, home, tmp_path / "out")
    listening = {
        y.laddr.ip.removeprefix("::ffff:")
        for x in family
        for y in x.net_connections("inet")
        if y.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}
    process.kill()
    process.communicate()
    nothing_is_left(family, home, tmp_path / "out")


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all(photo: Path, home: Path, tmp_path: Path, which: signal.Signals) -> None:
    process, family = running(photo, home, tmp_path / "out")
    process.send_signal(which)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "cancelled" in err
    nothing_is_left(family, home, tmp_path / "out")
    assert not [x for x in (tmp_path / "out").iterdir() if x.name.startswith(".")]
