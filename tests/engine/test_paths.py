"""Paths as users give them: nothing is waited for, nothing raises what nobody expects."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import paths
from engine.errors import UsageError
from engine.paths import Kept

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes FIFOs, sockets and links")


@pytest.fixture
def there(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """A folder with something of each kind."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("content")
    Path("folder").mkdir()
    os.mkfifo("fifo")
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("none")
    Path("to-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        yield tmp_path


ODD = [
    "loop",
    "dangling",
    "none",
    "file/below",
    "x" * 300,
    "y/" * 3000 + "z",
    "null\0byte",
    "lone\ud800half",
    "",
]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fifo", "it is a FIFO, not a file"),
        ("to-fifo", "it is a FIFO, not a file"),
        ("socket", "it is a socket, not a file"),
        ("/dev/null", "it is a device, not a file"),
        ("folder", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("dangling", "No such file"),
        ("file/below", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("null\0byte", "no file can have such a name"),
        ("lone\ud800half", "no file can have such a name"),
    ],
)
def test_only_files_are_opened_and_the_rest_is_refused_at_once(there: Path, name: str, said: str) -> None:
    with pytest.raises(OSError, match=said):
        paths.open_file(Path(name))


def test_a_file_is_opened(there: Path) -> None:
    with paths.open_file(Path("file")) as file:
        assert file.read() == b"content"


def test_what_becomes_a_fifo_meanwhile_is_not_waited_for(there: Path, monkeypatch) -> None:
    real = Path("file").stat()
    monkeypatch.setattr(Path, "stat", lambda _: real)
    with pytest.raises(paths.Irregular, match="FIFO"):
        paths.open_file(Path("fifo"))


@pytest.mark.parametrize("ask", [paths.exists, paths.is_folder, paths.is_file, paths.kind])
@pytest.mark.parametrize("name", ODD)
def test_questions_about_odd_paths_are_answered(there: Path, ask, name: str) -> None:
    assert not ask(name)


def test_kinds(there: Path) -> None:
    kinds = {x: paths.kind(x) for x in ("file", "folder", "fifo", "to-fifo", "socket", os.devnull)}
    assert list(kinds.values()) == ["", "", "FIFO", "FIFO", "socket", "device"]
    assert [x for x in (*kinds, "none", "dangling") if paths.taken(Path(x))] == ["file", "folder"]
    assert [x for x in (*kinds, *ODD[:3]) if paths.may_be_file(Path(x))] == [
        "file",
        "loop",
        "dangling",
        "none",
    ]


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("dream", "dream.png"),
        ("dream.jpg", "dream.jpg"),
        ("/dev/null", "/dev/null"),
        ("/dev/stdout", "/dev/stdout"),
        ("fifo", "fifo"),
        ("", "."),
        ("x" * 300, "x" * 300 + ".png"),
    ],
)
def test_a_suffix_is_added_where_a_file_is_made(there: Path, name: str, whole: str) -> None:
    assert paths.with_suffix(name, ".png") == Path(whole)


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1),
    st.integers(1, 60),
)
def test_names_fit_stay_and_differ(stem: str, repeats: int) -> None:
    stem *= repeats
    name = paths.named(stem, ".dream.png")
    assert len(name.encode()) <= 255
    assert name.endswith(".dream.png")
    assert name == paths.named(stem, ".dream.png")
    assert name != paths.named(stem + "x", ".dream.png")
    if len((stem + ".dream.png").encode()) <= 255:
        assert name == stem + ".dream.png"
    else:
        kept = name.rpartition("~")[0]
        assert stem.startswith(kept)  # whole characters
        assert len(name.encode()) > 255 - 4  # and as many as there is room for


def test_names_that_are_no_text_fit_too(tmp_path: Path) -> None:
    stem = os.fsdecode(b"\xff\xfe" * 127)
    (tmp_path / paths.named(stem, ".dream.png")).touch()
    assert paths.named("x", "y" * 300) == "~2d711642" + "y" * 300  # which the system then refuses


@pytest.mark.parametrize(
    "way", ["itself", "other spelling", "hard link", "link", "link to a link", "folder link"]
)
def test_a_kept_file_is_known_under_every_name(there: Path, way: str) -> None:
    other = Path("other")
    match way:
        case "itself":
            other = Path("file")
        case "other spelling":
            other = there / "folder" / ".." / "file"
        case "hard link":
            other.hardlink_to("file")
        case "link":
            other.symlink_to("file")
        case "link to a link":
            Path("between").symlink_to("file")
            other.symlink_to("between")
        case "folder link":
            other.symlink_to(".")
            other = other / "file"
    with pytest.raises(UsageError, match=f"{other.name} is the guide"):
        Kept([("the guide", "file")]).refuse(other)


def test_a_kept_file_is_known_in_capitals_where_these_are_the_same(there: Path) -> None:
    if not Path("FILE").exists():
        pytest.skip("this file system tells capitals apart")
    with pytest.raises(UsageError):
        Kept([("the guide", "file")]).refuse(Path("FILE"))


def test_two_paths_to_one_place_are_known_before_it_is_there(there: Path, monkeypatch) -> None:
    Path("link").symlink_to("folder")
    assert len({paths.place(Path(x)) for x in ("folder/new", "link/new", "folder/../link/new")}) == 1
    assert paths.place(Path("folder/new")) != paths.place(Path("folder/NEW"))
    monkeypatch.setattr(paths.sys, "platform", "darwin")
    assert paths.place(Path("folder/n\u00e9w")) == paths.place(Path("FOLDER/Ne\u0301W"))
    for name in ODD:
        assert paths.place(Path(name))


def test_what_is_not_kept_may_be_replaced(there: Path) -> None:
    Path("another").write_text("content")
    kept = Kept([("the input", "file"), *(("the input", x) for x in (*ODD, "folder", "fifo", os.devnull))])
    for target in ("another", "none", "dangling", "loop", os.devnull, "x" * 300):
        kept.refuse(Path(target))
    assert stat.S_ISFIFO(Path("fifo").stat().st_mode)


ASKS = re.compile(
    r"(?<!paths)(?<!images)\.(exists|is_dir|is_file|is_symlink|samefile|read_bytes|read_text|resolve)\(|\.open\(\"rb\"\)"
)
OWN = {
    "paths.py": "what all others use",
    "machine.py": "/proc and /sys",
    "processes.py": "/proc",
    "films/store.py": "the folder of our own frames",
    "cluster/keeper.py": "/proc",
    "network/model.py": "the package's model",
    "settings/models.py": "the package's templates",
    "weights/templates.py": "the package's templates",
    "weights/listing.py": "the package's model",
    "weights/checking.py": "the package's photograph",
    "weights/fetching.py": "what was fetched, under names of our own",
    "settings/presets.py": "the package's presets",
    "__init__.py": "the package's names",
    "remote.py": "stores, which are no file system",
    "studio": "the shelf's files, whose names it makes up itself; its folder is tried before it is used",
}


def test_no_other_module_asks_the_system_about_a_users_path() -> None:
    """Path's own questions raise for some names before Python 3.14, and its open waits for FIFOs."""
    root = Path(paths.__file__).parent
    found = {
        str(file.relative_to(root).as_posix())
        for file in root.rglob("*.py")
        if any(ASKS.search(line.partition("#")[0]) for line in file.read_text("utf-8").splitlines())
    }
    found = {"studio" if name.startswith("studio/") else name for name in found}
    assert found <= set(OWN), "ask engine.paths instead"
