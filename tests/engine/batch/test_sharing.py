"""Several processes on one folder: no picture twice, none left out, none half."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import atomic
from engine.batch import sharing
from engine.batch.claims import Claims
from engine.batch.events import ELSEWHERE, Asked, Done, Failed, Item, Job, Skipped, Warned
from engine.batch.sharing import Sharing
from engine.errors import ImageError
from tests.engine.batch.test_claims import Clock
from tests.engine.conftest import QUICK, noise

ROOT = Path(__file__).parents[3]


KILLED = """
import os, signal, sys
from pathlib import Path
from engine import atomic
from engine.batch.claims import Claims
target = Path(sys.argv[1])
Claims().take(target)
with atomic.replacing(target):
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
"""
"""A process that is killed in the middle of a picture."""


def jobs(folder: Path, *stems: str) -> list[Job]:
    return [Job(folder / f"{x}.jpg", folder / f"{x}.png") for x in stems]


def shared(items: list[Item], made: bool = True) -> tuple[Sharing, Clock]:
    clock = Clock()
    return Sharing(items, lambda _: made, clock=clock), clock


def left(folder: Path) -> list[str]:
    return sorted(x.name for x in folder.iterdir() if x.name.startswith("."))


def test_what_others_are_at_work_on_comes_last_and_is_done_if_they_did_not(tmp_path: Path) -> None:
    a, b, c = jobs(tmp_path, "a", "b", "c")
    note = Warned("", "x")
    others = Claims()
    assert others.take(b.target)
    told: list[int] = []
    clock = Clock()
    with Sharing([note, a, b, c], lambda _: True, told.append, clock) as mine:
        items = iter(mine)
        assert [next(items) for _ in range(4)] == [note, a, c, None]
        assert told == [1]
        others.release(b.target)
        assert next(items) is None  # it is not asked for all the time
        clock.now += sharing.PAUSE
        assert next(items) == b
        assert list(items) == []
        assert len(left(tmp_path)) == 3
        for which, event in ((a, Done(a, 1.0)), (b, Failed(b.name, ImageError("x"), b.target))):
            mine.see(event)
            assert Claims().take(which.target)
    assert len(left(tmp_path)) == 2  # of the two who never gave theirs back


def test_what_another_has_done_is_told_while_the_rest_goes_on(tmp_path: Path) -> None:
    a, b, c, d = jobs(tmp_path, "a", "b", "c", "d")
    others = Claims()
    assert others.take(a.target)
    mine, clock = shared([a, b, c, d])
    items = iter(mine)
    assert next(items) == b
    a.target.touch()
    others.release(a.target)
    clock.now += sharing.PAUSE
    assert [next(items), next(items)] == [Skipped(a, ELSEWHERE), c]
    d.target.touch()  # meanwhile, by somebody who is gone
    assert list(items) == [Skipped(d, ELSEWHERE)]
    mine.__exit__(None, None, None)
    assert left(tmp_path) == []


def test_what_a_process_leaves_that_is_killed_meanwhile_is_removed_at_the_end(tmp_path: Path) -> None:
    a, b = jobs(tmp_path, "a", "b")
    with shared([a, b], made=False)[0] as mine:
        items = iter(mine)
        assert next(items) == a
        with atomic.replacing(a.target):  # the folder has been looked through
            pass
        gone = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "b.png"], cwd=ROOT)
        assert gone.wait() != 0
        assert {Path(x).suffix for x in left(tmp_path)} == {".claim", ".part"}
        assert list(items) == [b]
        for each in (a, b):
            mine.see(Done(each, 1.0))
    assert left(tmp_path) == []


def test_a_result_that_is_there_and_is_not_what_is_wanted_is_made_anew(tmp_path: Path) -> None:
    (a,) = jobs(tmp_path, "a")
    a.target.touch()
    with shared([a], made=False)[0] as mine:
        assert list(mine) == [a]


def test_standard_streams_and_devices_are_nobodys(tmp_path: Path) -> None:
    items = [Job(None, None), Job(tmp_path / "a.png", None), Job(tmp_path / "a.png", Path("/dev/null"))]
    with shared(items)[0] as mine:
        assert list(mine) == items
    assert left(tmp_path) == []


def test_nothing_to_do_at_the_moment_is_passed_on(tmp_path: Path) -> None:
    (a,) = jobs(tmp_path, "a")
    items: list[Asked] = [None, a, None]
    with Sharing(items, lambda _: True) as mine:
        assert list(mine) == items


TOGETHER = """
import sys
from engine import __main__ as program
from engine.batch import crew, planning, sharing, shares, tally
sys.stderr.write("ready\\n"); sys.stderr.flush()
sys.stdin.read(1)
program.main()
"""
"""The program, which begins with a word from outside: several can begin in one instant."""


def begin(*words: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", TOGETHER, "dream", *words, "--progress", "json"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen([str(x) for x in command], cwd=ROOT, **pipes)
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    return process


def go(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.flush()


def events(process: subprocess.Popen[bytes]) -> list[dict]:
    _, err = process.communicate(timeout=300)
    return [json.loads(x) for x in err.splitlines()]


@pytest.fixture
def forty(tmp_path: Path) -> Path:
    folder = tmp_path / "사진"
    folder.mkdir()
    for i in range(40):
        noise(30 + i, 40).save(folder / f"{i:02}.png")
    return folder


@pytest.mark.slow
def test_three_share_a_folder_and_one_is_killed(forty: Path, run) -> None:
    """40 pictures are done once each, with the bytes of a run that is alone; nothing else is left."""
    words = [forty, *QUICK, "--threads", 2]
    assert run("dream", *words, "-o", forty / "alone")[0] == 0
    three = [begin(*words, "-o", forty / "out") for _ in range(3)]
    go(three)
    killed, *others = three
    assert killed.stderr is not None
    told: list[bytes] = []
    while sum(b'"done"' in x for x in told) < 3:
        told.append(killed.stderr.readline())
    killed.kill()
    seen = [[json.loads(x) for x in told] + events(killed), *map(events, others)]
    done = [x["output"] for each in seen for x in each if x["event"] == "done"]
    assert len(done) == len(set(done))
    assert 39 <= len(done) <= 40  # the killed one may have written one more than it could tell
    for end in (each[-1] for each in seen[1:]):
        assert (end["event"], end["exit_code"], end["done"] + end["done_elsewhere"]) == ("end", 0, 40)
    alone = {x.name: x.read_bytes() for x in (forty / "alone").iterdir()}
    assert {x.name: x.read_bytes() for x in (forty / "out").iterdir()} == alone


@pytest.mark.slow
@pytest.mark.parametrize("option", [[], ["--overwrite"], ["--keep"]])
def test_two_begin_in_one_instant(forty: Path, option: list[str]) -> None:
    two = [begin(forty, "-o", forty / "out", *QUICK, *option) for _ in range(2)]
    go(two)
    seen = [events(x) for x in two]
    assert [x.returncode for x in two] == [0, 0]
    done = [x["output"] for each in seen for x in each if x["event"] == "done"]
    assert len(done) == len(set(done)) == 40
    assert len(list((forty / "out").iterdir())) == 40
