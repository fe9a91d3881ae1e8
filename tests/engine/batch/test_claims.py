"""Who is at work on which result: one at a time, whoever is killed, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine import atomic, processes
from engine.batch import claims
from engine.batch.claims import Claims

ROOT = Path(__file__).parents[3]

CLAIMS = """
import sys
from pathlib import Path
from engine.batch.claims import Claims
assert Claims().take(Path(sys.argv[1]))
print("taken", flush=True)
sys.stdin.read()
"""

STRANGER = "00000000-1-1"
"""A process of another machine."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ended() -> str:
    """The name of a process that has ended."""
    done = subprocess.run(
        [sys.executable, "-c", "from engine import processes; print(processes.this())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def names(folder: Path) -> list[str]:
    return sorted(x.name for x in folder.iterdir())


def claim(target: Path, owner: str, number: int = 0) -> Path:
    file = target.with_name(f".deepdream-{claims._digits(target)}-{number}.claim")
    try:
        file.symlink_to(owner)
    except OSError:  # no text of a link
        file.write_text(owner)
    return file


@pytest.fixture(params=["links", "no links"])
def disk(request, monkeypatch) -> None:
    """A file system with links, and one without."""

    def refused(*_: object) -> None:
        raise PermissionError

    if request.param == "no links":
        monkeypatch.setattr(claims, "_link", refused)
        monkeypatch.setattr(Path, "symlink_to", refused)


def test_one_has_it_and_gives_it_back(tmp_path: Path, disk) -> None:
    one, other = Claims(), Claims()
    target = tmp_path / "꿈.png"
    assert one.take(target)
    assert not other.take(target)
    assert other.take(tmp_path / "another.png")
    one.release(target)
    assert other.take(target)
    other.close()
    assert names(tmp_path) == []


def test_names_that_are_one_on_some_disk_are_one_claim(tmp_path: Path) -> None:
    one = Claims()
    assert one.take(tmp_path / "É.png")
    assert not one.take(tmp_path / "e\u0301.PNG")
    one.close()


@pytest.mark.slow
def test_a_killed_process_has_it_no_more(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    command = [sys.executable, "-c", CLAIMS, target]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        mine = Claims()
        assert not mine.take(target)
        process.kill()
        process.wait()
        assert mine.take(target)
    assert len(names(tmp_path)) == 2
    mine.close()
    assert names(tmp_path) == []


def test_a_claim_that_a_killed_process_took_over_is_taken_over_too(tmp_path: Path, ended: str, disk) -> None:
    target = tmp_path / "a.png"
    for number in range(3):
        claim(target, ended, number)
    mine = Claims()
    assert mine.take(target)
    assert not Claims().take(target)
    mine.release(target)
    assert names(tmp_path) == []


def test_of_many_who_find_a_dead_claim_one_gets_it_and_the_result_is_made_once(
    tmp_path: Path, ended: str, disk
) -> None:
    """Each takes it over as soon as he can, makes the result if nobody has, and takes his claim back."""
    targets = [tmp_path / f"{i}.png" for i in range(100)]
    for target in targets:
        claim(target, ended)
    made: list[Path] = []
    start = threading.Barrier(8, timeout=60)

    def work() -> None:
        mine = Claims()
        start.wait()
        for target in targets:
            while not target.exists():
                if mine.take(target):
                    if not target.exists():
                        made.append(target)
                        target.touch()
                    mine.release(target)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(targets)
    mine = Claims()
    mine.clear(tmp_path)
    assert names(tmp_path) == sorted(x.name for x in targets)


@pytest.mark.parametrize("owner", [STRANGER, "", STRANGER[:5], "0-0"])
def test_a_claim_of_another_machine_counts_while_it_is_renewed(tmp_path: Path, owner: str, disk) -> None:
    clock = Clock()
    mine = Claims(clock)
    target = tmp_path / "a.png"
    theirs = claim(target, owner)
    assert not mine.take(target)
    clock.now = claims.EXPIRED
    assert not mine.take(target)
    os.utime(theirs, (1, 1), follow_symlinks=False)  # whatever clock that machine has
    clock.now += 1
    assert not mine.take(target)
    clock.now += claims.EXPIRED + 1
    assert mine.take(target)
    mine.close()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8" * 5000, "꿈".encode(), b"../a.png", b"{}"]
)
def test_what_no_process_says_is_nobodys_claim(tmp_path: Path, content: bytes, disk) -> None:
    """A damaged disk, or somebody else's file: nobody would ever renew it or take it back."""
    target = tmp_path / "a.png"
    claim(target, "").unlink()
    file = tmp_path / f".deepdream-{claims._digits(target)}-0.claim"
    file.write_bytes(content)
    mine = Claims(Clock())
    assert mine.take(target)
    assert not Claims().take(target)
    mine.close()
    file.write_bytes(content)
    Claims(Clock()).clear(tmp_path)
    assert names(tmp_path) == []


def test_a_claim_that_is_no_file_at_all_ends_too(tmp_path: Path) -> None:
    """A FIFO is not waited for, and a folder stays where it is."""
    clock = Clock()
    mine = Claims(clock)
    fifo, folder = (tmp_path / f".deepdream-{claims._digits(tmp_path / x)}-0.claim" for x in "ab")
    os.mkfifo(fifo)
    folder.mkdir()
    assert not mine.take(tmp_path / "a")
    assert not mine.take(tmp_path / "b")
    clock.now = claims.EXPIRED + 1
    assert mine.take(tmp_path / "a")
    assert mine.take(tmp_path / "b")
    mine.close()
    assert names(tmp_path) == [folder.name]


def test_one_who_is_at_work_renews_his_claims(tmp_path: Path, disk) -> None:
    clock = Clock()
    mine = Claims(clock)
    assert mine.take(tmp_path / "a.png")
    (file,) = tmp_path.iterdir()
    os.utime(file, (1, 1), follow_symlinks=False)
    mine.renew()
    assert file.lstat().st_mtime == 1
    clock.now = claims.RENEWED
    mine.renew()
    assert file.lstat().st_mtime > 1
    file.unlink()  # by whoever cleans up
    clock.now *= 2
    mine.renew()
    mine.close()


def test_where_no_claim_can_be_made_there_is_none(tmp_path: Path) -> None:
    mine = Claims()
    assert mine.take(tmp_path / "none" / "a.png")
    assert mine.take(Path("/proc/a.png"))
    mine.close()


def test_a_folder_is_cleared_of_dead_claims_only(tmp_path: Path, ended: str) -> None:
    claim(tmp_path / "a.png", ended)
    claim(tmp_path / "b.png", ended)
    claim(tmp_path / "b.png", STRANGER, 1)
    other = Claims()
    assert other.take(tmp_path / "c.png")
    (tmp_path / ".deepdream-0.claim").touch()
    left = [x for x in names(tmp_path) if claims._digits(tmp_path / "a.png") not in x]
    mine = Claims()
    mine.clear(tmp_path)
    mine.clear(tmp_path / "none")
    assert names(tmp_path) == left
    other.close()


def test_a_process_that_ends_before_its_time_takes_its_claims_back(tmp_path: Path) -> None:
    assert Claims().take(tmp_path / "a.png")
    atomic.abandon()
    assert names(tmp_path) == []


def test_it_is_known_who_has_ended(ended: str) -> None:
    assert processes.has_ended(ended) is True
    assert processes.has_ended(processes.this()) is False
    assert processes.has_ended(STRANGER) is None
    where, number, began = processes.this().split("-")
    assert processes.has_ended(f"{where}-{number}-{int(began, 16) - 1:x}") is True
