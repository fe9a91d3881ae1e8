"""What a killed run leaves is removed by the next one; what a living one writes is not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import atomic, leftovers, processes
from engine.errors import ImageError

ROOT = Path(__file__).parents[2]

WRITES = """
import sys
from pathlib import Path
from engine import atomic
with atomic.replacing(Path(sys.argv[1], "out.txt")) as part:
    part.write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program in the middle of writing into the folder."""
    started = subprocess.Popen(
        [sys.executable, "-c", WRITES, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == "writing\n"
        yield started
        started.kill()


@pytest.fixture(autouse=True)
def another_run() -> None:
    """Each test is a run of its own, which knows nothing of folders that others have looked through."""
    leftovers._sweep_once.cache_clear()


def write(folder: Path) -> list[str]:
    """Write a file there, as a run would; return the unfinished files that are left."""
    with atomic.replacing(folder / "next.txt") as part:
        part.write_text("whole")
    return [x.name for x in folder.iterdir() if re.fullmatch(atomic.PART, x.name)]


def named(where: str, process: int, began: int) -> str:
    return f".deepdream-0123456789ab-{where}-{process:x}-{began:x}.part"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path, writer) -> None:
    assert len(write(tmp_path)) == 1  # it is still at work
    writer.kill()
    writer.wait()
    leftovers._sweep_once.cache_clear()
    assert write(tmp_path) == []
    assert [x.name for x in tmp_path.iterdir()] == ["next.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_killed_run_that_its_parent_has_not_missed_yet_has_ended(tmp_path: Path, writer) -> None:
    writer.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
    assert write(tmp_path) == []


def test_a_run_beside_a_living_one_leaves_its_file_alone(tmp_path: Path, writer) -> None:
    assert len(write(tmp_path)) == 1
    assert writer.stdin is not None
    writer.stdin.close()
    assert writer.wait() == 0
    assert (tmp_path / "out.txt").read_text() == "half"


def test_a_number_that_another_process_has_now_is_no_longer_the_writer(tmp_path: Path) -> None:
    mine = processes.began(os.getpid())
    assert mine
    here = processes.here()
    (tmp_path / named(here, os.getpid(), mine)).touch()
    (tmp_path / named(here, os.getpid(), mine - 1)).touch()
    assert write(tmp_path) == [named(here, os.getpid(), mine)]


@pytest.mark.parametrize("process", [1, os.getppid(), 2**32 - 1])
def test_who_cannot_be_looked_at_is_taken_for_alive(tmp_path: Path, process: int, monkeypatch) -> None:
    monkeypatch.setattr(processes, "began", lambda _: None)
    (tmp_path / named(processes.here(), process, 5)).touch()
    assert write(tmp_path) == [named(processes.here(), process, 5)]


@pytest.mark.parametrize("age", [0, 3600, 6 * 24 * 3600, 8 * 24 * 3600])
def test_files_of_other_machines_are_left_for_a_week(tmp_path: Path, age: int) -> None:
    other = tmp_path / named("00000000", 1, 1)
    other.touch()
    os.utime(other, (time.time() - age,) * 2)
    assert write(tmp_path) == ([other.name] if age < leftovers.WEEK else [])


def test_only_our_own_names_are_touched(tmp_path: Path) -> None:
    gone = processes.here(), 2**22 + 5, 7
    names = [
        named(*gone)[1:],
        named(*gone) + ".png",
        named(*gone).replace("deepdream", "other"),
        ".deepdream-x.part",
    ]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / named(*gone)).mkdir()  # whatever that is
    write(tmp_path)
    assert sorted(x.name for x in tmp_path.iterdir()) == sorted([*names, named(*gone), "next.txt"])


def test_a_folder_is_listed_once_in_a_run(tmp_path: Path, monkeypatch) -> None:
    listed, real = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda x: listed.append(x) or real(x))
    for _ in range(3):
        atomic.check(tmp_path / "next.txt", ImageError)
        with atomic.replacing(tmp_path / "next.txt") as part:
            part.write_text("whole")
    assert listed == [tmp_path]
