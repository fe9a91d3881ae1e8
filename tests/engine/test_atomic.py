"""Files that appear whole or not at all, and the words for those that cannot be written."""

from __future__ import annotations

import re
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
