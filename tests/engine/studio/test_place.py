"""The folder that the studio keeps its shelf in."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.studio.place import shelf_folder
from engine.studio.shelf import Shelf


def test_a_folder_of_the_users_is_not_taken(tmp_path: Path) -> None:
    """What is not whole on a shelf is removed, and a folder of pictures looks like that."""
    holiday = tmp_path / "pictures" / "holiday" / "sea.jpg"
    holiday.parent.mkdir(parents=True)
    holiday.write_bytes(b"sea")
    with (
        pytest.raises(UsageError, match="holds other things than a studio's shelf") as refused,
        shelf_folder(str(tmp_path)),
    ):
        pass
    assert refused.value.hint == "--keep FOLDER names another folder"
    assert [x for x in tmp_path.rglob("*") if x.is_file()] == [holiday]


@pytest.mark.parametrize("there", ["nothing", "empty", "a disk's root"])
def test_a_shelf_stays_where_it_was_put(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "선반"
    if there != "nothing":
        folder.mkdir()
    if there == "a disk's root":
        (folder / "lost+found").mkdir()
    for _ in range(2):  # new, then as it was left
        with shelf_folder(str(folder)) as place:
            assert Shelf(place).folder == folder
    assert folder.is_dir()


def test_one_studio_at_a_time(tmp_path: Path) -> None:
    with shelf_folder(str(tmp_path)), pytest.raises(UsageError, match="another studio uses"):
        shelf_folder(str(tmp_path)).__enter__()
