"""`--watch`: what arrives is dreamed on once it is whole, whatever becomes of the folder meanwhile."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.batch import arrivals, ears
from engine.batch.arrivals import Arrivals
from engine.batch.ears import Ears
from engine.batch.events import Failed, Item, Job, Skipped, Warned
from engine.batch.planning import plan
from engine.errors import ImageError
from tests.engine.batch.test_claims import Clock
from tests.engine.conftest import QUICK, noise

ROOT = Path(__file__).parents[3]


class Deaf:
    """Ears that hear nothing but what a test says."""

    something = False
    renewed = 0

    def heard(self) -> bool:
        heard, self.something = self.something, False
        return heard

    def renew(self) -> None:
        self.renewed += 1


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("in")
    folder.mkdir()
    Path("out").mkdir()
    return folder


class Watch:
    """Arrivals, and what they give at a time."""

    def __init__(self, **options: object) -> None:
        self.clock, self.ears = Clock(), Deaf()
        self.looks = 0
        self.options = options
        folders = [Path("in"), Path("out")]
        self.arrivals = Arrivals(self.plan, lambda x: x, folders, self.ears, self.clock)  # type: ignore[arg-type]
        self.items = iter(self.arrivals)

    def plan(self) -> list[Item]:
        self.looks += 1
        return plan(["in"], "out", awaiting=True, **self.options)  # type: ignore[arg-type]

    def after(self, seconds: float) -> list[Item]:
        """Return what has arrived when so much time has gone by."""
        self.clock.now += seconds
        found = []
        while (item := next(self.items)) is not None:
            found.append(item)
        return found


def write(name: str, content: bytes = b"x", when: int = 0) -> Job:
    file = Path("in", name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (when, when))
    return Job(file, Path("out", file.stem + ".dream.png"))


def test_a_file_is_taken_once_when_it_has_come_to_rest(inbox: Path) -> None:
    watch = Watch()
    assert watch.after(0) == []
    job = write("a.png")
    assert watch.after(arrivals.OFTEN) == []
    write("a.png", b"xx")
    assert watch.after(arrivals.REST) == []
    write("a.png", b"xy", when=1)
    assert watch.after(arrivals.REST) == []
    assert watch.after(arrivals.REST / 2) == []
    assert watch.after(arrivals.REST / 2) == [job]
    assert watch.after(100) == []
    write("a.png", b"another", when=2)
    assert watch.after(100) == []
    assert watch.after(arrivals.REST) == [job]


def test_what_is_there_already_is_settled_by_its_result(inbox: Path) -> None:
    job = write("a.png")
    assert job.target is not None
    job.target.touch()
    watch = Watch()
    assert watch.after(0) == []
    assert watch.after(arrivals.REST) == [Skipped(job)]
    job.target.unlink()  # somebody wants it away
    assert watch.after(100) == []


def test_a_file_that_goes_and_comes_again_is_another(inbox: Path) -> None:
    job = write("a.png")
    watch = Watch()
    watch.after(0)
    assert watch.after(arrivals.REST) == [job]
    Path("in/a.png").unlink()
    assert watch.after(100) == []
    write("a.png")
    assert watch.after(100) == []
    assert watch.after(arrivals.REST) == [job]


def test_folders_are_looked_at_now_and_then_and_at_once_when_something_is_heard(inbox: Path) -> None:
    watch = Watch()
    watch.after(0)
    assert watch.looks == 1
    watch.after(arrivals.OFTEN / 2)
    assert watch.looks == 1
    watch.ears.something = True
    watch.after(0)
    assert watch.looks == 2
    watch.after(arrivals.OFTEN)
    assert watch.looks == 3


def test_a_look_that_takes_long_comes_less_often(inbox: Path) -> None:
    watch = Watch()
    real = watch.plan

    def slow() -> list[Item]:
        watch.clock.now += 3
        return real()

    watch.arrivals._plan = slow
    watch.after(0)
    watch.after(arrivals.IDLE * 3 - 1)
    assert watch.looks == 1
    watch.after(2)
    assert watch.looks == 2


@pytest.mark.parametrize("gone", ["in", "out"])
def test_a_folder_that_goes_away_is_waited_for(inbox: Path, gone: str) -> None:
    """Nothing is looked for meanwhile, then all is looked at anew."""
    first = write("a.png")
    watch = Watch()
    watch.after(0)
    assert watch.after(arrivals.REST) == [first]
    Path(gone).rename("away")
    second = write("b.png") if gone == "out" else None
    looks = watch.looks
    assert watch.after(100) == [Warned(gone, "the folder is not there: waiting until it is back")]
    assert watch.after(100) == []
    assert watch.looks == looks
    Path("away").rename(gone)
    assert watch.after(100) == [Warned(gone, "the folder is back")]
    assert watch.ears.renewed == 2
    assert watch.after(arrivals.REST) == ([first, second] if second else [first])


def test_a_mount_that_is_gone_is_not_there(inbox: Path, monkeypatch) -> None:
    """What is left of it is an empty folder on another disk."""
    mounted = {"out"}
    monkeypatch.setattr(arrivals.os.path, "ismount", lambda x: str(x) in mounted)
    watch = Watch()
    assert watch.after(0) == []
    mounted.clear()
    assert watch.after(100) == [Warned("out", "the folder is not there: waiting until it is back")]
    mounted.add("out")
    assert watch.after(100) == [Warned("out", "the folder is back")]


@pytest.mark.parametrize(
    ("number", "again"), [(errno.EIO, True), (errno.ENOENT, True), (errno.EACCES, False), (None, False)]
)
def test_what_can_pass_is_tried_again_later(inbox: Path, number: int | None, again: bool) -> None:
    job = write("a.png")
    watch = Watch()
    watch.after(0)
    assert watch.after(arrivals.REST) == [job]
    error = ImageError("cannot be read")
    error.__cause__ = None if number is None else OSError(number, "reason")
    watch.arrivals.see(Failed(job.name, error, job.target))
    assert watch.after(arrivals.LATER) == []
    assert watch.after(100) == ([job] if again else [])


def test_a_full_disk_ends_it(inbox: Path) -> None:
    watch = Watch()
    watch.after(0)
    error = ImageError("cannot be written")
    error.__cause__ = OSError(errno.ENOSPC, "full")
    watch.arrivals.see(Failed("in/a.png", error, Path("out/a.dream.png")))
    (last,) = list(watch.items)
    assert isinstance(last, Failed)
    assert str(last.error) == "no room for results: watching ends"


def test_what_is_left_out_is_told_once(inbox: Path) -> None:
    write("deep/a.png")
    watch = Watch()
    (told,) = watch.after(0)
    assert isinstance(told, Warned)
    assert "pictures in subfolders are left out: 1" in told.message
    assert watch.after(100) == []


def test_a_name_that_two_pictures_get_is_changed_as_in_a_run_of_both(inbox: Path) -> None:
    job = write("a.png")
    watch = Watch()
    watch.after(0)
    assert watch.after(arrivals.REST) == [job]
    write("a.jpg")
    watch.after(100)
    both = watch.after(arrivals.REST)
    assert [x.target.name for x in both] == ["a.jpg.dream.png", "a.png.dream.png"]  # type: ignore[union-attr]


def test_a_missing_library_is_named(run, inbox: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    code, _, err = run("dream", "in", "--watch", "-o", "new", *QUICK)
    assert code == 2
    assert 'pip install "deepdream-onnx[watch]"' in err
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.png"], "a.png is none"),
        (["none"], "none is none"),
        (["-"], "- is none"),
        (["in", "--overwrite"], "without --overwrite"),
        (["in", "--from", "list"], "without --from"),
    ],
)
def test_only_folders_can_be_watched(run, inbox: Path, words: list[str], said: str) -> None:
    noise(30, 40).save("a.png")
    code, _, err = run("dream", *words, "--watch", *QUICK)
    assert code == 2
    assert said in err


def test_a_library_that_gives_up_is_not_needed(inbox: Path, monkeypatch) -> None:
    def watch(*folders: Path, **options: object):
        yield set()
        raise OSError(errno.ENOSPC, "no more watches")

    monkeypatch.setattr(ears, "library", lambda: SimpleNamespace(watch=watch))
    hears = Ears([inbox], lambda _: True, recursive=False)
    hears.renew()
    assert hears.heard()
    assert not hears.heard()
    hears.renew()


def test_changes_are_heard_of(inbox: Path) -> None:
    pytest.importorskip("watchfiles")
    hears = Ears([inbox], lambda path: path.endswith("a.png"), recursive=False)
    hears.renew()
    assert not hears.heard()
    write("b.png")
    write("a.png")
    tries = 0
    while not hears.heard():
        tries += 1
        assert tries < 1000
    inbox.rename("away")
    hears.renew()  # a folder that is not there
    assert not hears.heard()


class Program:
    """`deepdream dream in --watch` in a process of its own."""

    def __init__(self, *words: object) -> None:
        command = [
            sys.executable,
            "-m",
            "engine",
            "dream",
            "in",
            "--watch",
            "--progress",
            "json",
            *QUICK,
            *words,
        ]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(
            [str(x) for x in command],
            **pipes,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def until(self, which: Callable[[dict], object]) -> dict:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            event = json.loads(line)
            if which(event):
                return event
        pytest.fail("it ended")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_folder_is_watched_until_a_signal(inbox: Path, photo: Path, which: signal.Signals) -> None:
    pytest.importorskip("watchfiles")
    whole = photo.read_bytes()
    program = Program("-o", "in", "--recursive", "--report", "report.json")
    try:
        program.until(lambda x: x["event"] == "watching")
        Path("in/더 깊이").mkdir()
        Path("in/더 깊이/half.png").write_bytes(whole[:-100])
        Path("in/whole.png").write_bytes(whole)
        done = program.until(lambda x: x["event"] == "done")
        assert done["output"] == str(Path("in/whole.dream.png"))
        Path("in/더 깊이/half.png").write_bytes(whole)
        done = program.until(lambda x: x["event"] == "done")
        assert done["output"] == str(Path("in/더 깊이/half.dream.png"))
        inbox.rename("away")
        program.until(lambda x: "is not there" in x.get("message", ""))
        Path("away/late.png").write_bytes(whole)
        Path("away").rename("in")
        program.until(lambda x: "is back" in x.get("message", ""))
        done = program.until(lambda x: x["event"] == "done")
        assert done["output"] == str(Path("in/late.dream.png"))
        program.process.send_signal(which)
        end = program.until(lambda x: x["event"] == "end")
        assert (end["done"], end["exit_code"]) == (3, 130)
        assert program.process.wait(60) == 130
    finally:
        program.process.kill()
        program.process.communicate()
    rows = json.loads(Path("report.json").read_text())["pictures"]
    assert sorted(x["output"] for x in rows if x["status"] == "done") == sorted(
        str(x) for x in inbox.rglob("*.dream.png")
    )
    assert not list(inbox.rglob(".*"))
