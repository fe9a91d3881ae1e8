"""Files that appear whole or not at all, and the words for those that cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine import atomic
from engine.errors import ImageError, UsageError
from engine.films import store
from engine.settings import presets
from engine.settings.config import DreamConfig


def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with atomic.replacing(target) as part:
        part.write_text("new")
        assert not target.exists()
        assert re.fullmatch(atomic.PART, part.name)
        assert store.OURS.fullmatch(part.name)
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch) -> None:
    """Else the power can fail between the two, and an empty file has the name."""
    target = tmp_path / "out.txt"
    synced: list[bytes] = []
    real = os.fsync

    def fsync(file: int) -> None:
        assert not target.exists()
        synced.append(Path(f"/proc/self/fd/{file}").read_bytes())
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic.replacing(target) as part:
        part.write_text("new")
    assert synced == [b"new"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSPC])
def test_disks_that_tell_late_that_they_are_full_and_those_that_cannot_tell(
    tmp_path: Path, monkeypatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    target = tmp_path / "out.txt"
    full = number == errno.ENOSPC
    with pytest.raises(ImageError, match="No space") if full else contextlib.nullcontext():  # noqa: SIM117
        with atomic.explaining(target, ImageError), atomic.replacing(target) as part:
            part.write_text("new")
    assert list(tmp_path.iterdir()) == ([] if full else [target])


def test_the_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 251 + ".txt")
    atomic.check(target, ImageError)
    with atomic.replacing(target) as part:
        part.write_text("new")
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(ImageError, match="cannot be written: File name too long"):
        atomic.check(tmp_path / ("x" * 252 + ".txt"), ImageError)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError, ValueError])
@pytest.mark.parametrize("written", [False, True])
def test_nothing_is_left_of_what_was_interrupted(
    tmp_path: Path, error: type[BaseException], written: bool
) -> None:
    target = tmp_path / "out.txt"
    target.write_text("before")
    with pytest.raises(error), atomic.replacing(target) as part:  # noqa: PT012
        if written:
            part.write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text() == "before"


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for place, said in (
        ("none/x", r"none/x cannot be written: there is no folder .*none$"),
        ("file/x", r"file/x cannot be written: Not a directory$"),
        ("folder", r"folder is a folder$"),
    ):
        with pytest.raises(UsageError, match=said):
            atomic.check(tmp_path / place, UsageError)
    assert sorted(x.name for x in tmp_path.iterdir()) == ["file", "folder"]


def test_an_interrupted_preset_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(presets, "folder", lambda: tmp_path)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        presets.save("mine", DreamConfig())
    assert list(tmp_path.iterdir()) == []


on_posix = pytest.mark.skipif(os.name != "posix", reason="links, permissions and devices are POSIX's")


def replaced(target: Path, text: str = "new") -> None:
    atomic.check(target, ImageError)
    with atomic.replacing(target) as part:
        part.write_text(text)


@on_posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002, 0o000, 0o222])
def test_a_new_file_has_the_permissions_that_a_copy_has(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        (tmp_path / "source").touch()
        (tmp_path / "source").chmod(0o666)
        subprocess.run([shutil.which("cp"), tmp_path / "source", tmp_path / "copy"], check=True)
        replaced(tmp_path / "ours")
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "copy").stat().st_mode


@on_posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o444, 0o000])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "out.txt"
    target.touch()
    target.chmod(mode)
    with atomic.replacing(target) as part:
        assert (
            stat.S_IMODE(part.stat().st_mode) & ~0o200 == mode & ~0o200
        )  # nobody else may look in meanwhile
        part.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    target.chmod(0o600)  # only root could read it otherwise
    assert target.read_text() == "new"


@on_posix
@pytest.mark.parametrize("there", [True, False])
def test_a_file_system_without_permissions_takes_files(tmp_path: Path, there: bool, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    target = tmp_path / "out.txt"
    if there:
        target.touch(0o755)
    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(os, "chown", refuse)
    replaced(target)
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_that_is_replaced_keeps_its_owner(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.touch()
    os.chown(target, 1234, 5678)
    replaced(target)
    assert (target.stat().st_uid, target.stat().st_gid) == (1234, 5678)


@on_posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, there: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "real.txt"
    if there:
        real.write_text("before")
    (tmp_path / "between").symlink_to("elsewhere/real.txt")
    (tmp_path / "link.txt").symlink_to("between")
    replaced(tmp_path / "link.txt")
    assert real.read_text() == "new"
    assert (tmp_path / "link.txt").readlink() == Path("between")
    assert sorted(x.name for x in tmp_path.rglob("*")) == ["between", "elsewhere", "link.txt", "real.txt"]


@on_posix
@pytest.mark.parametrize("name", ["loop", "nowhere", "fifo", "to-fifo", "socket", "null\0byte"])
def test_what_cannot_be_written_to_says_so(tmp_path: Path, name: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("nowhere").symlink_to("none/file")
    os.mkfifo("fifo")
    Path("to-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        before = sorted(Path().iterdir())
        said = {
            "loop": "Too many levels of symbolic links",
            "nowhere": "there is no folder .*none",
            "socket": "it is a socket, not a file",
            "null\0byte": "no file can have such a name",
        }.get(name, "it is a FIFO, not a file")
        with pytest.raises(ImageError, match=f"cannot be written: ({said})") as caught:
            atomic.check(Path(name), ImageError)
        assert ("-o -" in caught.value.hint) == ("fifo" in name)
        with pytest.raises(ImageError), atomic.explaining(Path(name), ImageError):  # noqa: SIM117
            with atomic.replacing(Path(name)) as part:
                part.write_text("never")
        assert sorted(Path().iterdir()) == before


@on_posix
def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(os.devnull)
    for target in (Path(os.devnull), link):
        replaced(target)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert link.is_symlink()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_known_from_its_error() -> None:
    target = Path("/dev/full")
    with pytest.raises(ImageError, match="/dev/full cannot be written: No space left") as caught:  # noqa: SIM117
        with atomic.explaining(target, ImageError), atomic.replacing(target) as part:
            part.write_text("new")
    assert atomic.is_full(caught.value)
    assert "make room" in caught.value.hint
    for code in (errno.EDQUOT, errno.EROFS):
        assert atomic.is_full(OSError(code, ""))
    for other in (OSError(errno.EACCES, ""), ImageError("x"), None):
        assert not atomic.is_full(other)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from engine import atomic
from engine.errors import ImageError
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
target = Path(sys.argv[1])
atomic.check(target, ImageError)
try:
    with atomic.explaining(target, ImageError), atomic.replacing(target) as part:
        part.write_bytes(bytes(100_000))
except ImageError as error:
    print(error, atomic.is_full(error))
"""


@on_posix
def test_a_file_that_grows_too_large_ends_as_it_began(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, tmp_path / "x.txt"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("x.txt cannot be written: File too large False\n")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_found_before_the_work(small_disk: Path) -> None:
    (small_disk / "filling").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(ImageError, match="No space left"):
        atomic.check(small_disk / "out.png", ImageError)
    assert [x.name for x in small_disk.iterdir()] == ["filling"]
