"""Which files are read, and where results go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.batch import jobs as batch
from engine.batch.jobs import Failed, Job, Skipped, plan
from engine.errors import ImageError, UsageError
from tests.engine.conftest import copies


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def targets(items: list[batch.Item]) -> list[str]:
    assert all(isinstance(x, Job) for x in items), items
    return [Path(x.output).as_posix() for x in items]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("output", "target"),
    [
        (None, "photo.dream.png"),
        ("dream", "dream.png"),
        ("dream.jpg", "dream.jpg"),
        ("out/", "out/photo.dream.png"),
        ("there", "there/photo.dream.png"),
        (".", "photo.dream.png"),
        ("-", "-"),
    ],
)
def test_where_one_result_goes(photo: Path, output: str | None, target: str) -> None:
    Path("there").mkdir()
    assert targets(plan(["photo.png"], output)) == [target]
    assert Path("out").exists() == (output == "out/")


def test_several_go_into_a_folder_that_is_created(photo: Path) -> None:
    copies(photo, "b.png", "a.png")
    assert targets(plan(["b.png", "a.png"], "x/y")) == ["x/y/b.dream.png", "x/y/a.dream.png"]
    assert Path("x/y").is_dir()


def test_nothing_is_created_for_nothing() -> None:
    assert isinstance(plan(["none.png"], "out/")[0], Job)  # reading it will fail, in words of its own
    Path("empty").mkdir()
    (item,) = plan(["empty"], "fresh/")
    assert isinstance(item, Failed)
    assert isinstance(item.error, ImageError)
    assert not Path("fresh").exists()


def test_a_missing_picture_does_not_turn_the_output_into_a_folder() -> None:
    assert targets(plan(["none.png"], "dream")) == ["dream.png"]


def test_a_folder_gives_its_pictures_sorted_without_results_and_the_rest(photo: Path) -> None:
    copies(photo, "b.JPG", "a.webp", "photo.dream.png", "b.gallery.png", ".hidden.png", "notes.txt")
    Path("c.png").mkdir()
    assert [x.name for x in plan(["."], "out")] == ["a.webp", "b.JPG", "photo.png"]


def test_a_pattern_that_the_shell_left_alone(photo: Path) -> None:
    copies(photo, "b1.png", "b2.png", "b[1].png")
    assert [x.name for x in plan(["b?.png"])] == ["b1.png", "b2.png"]
    assert targets(plan(["b[1].png"])) == ["b[1].dream.png"]  # a file's name first, a pattern second
    (item,) = plan(["z*.png"])
    assert isinstance(item, Failed)
    assert "no file matches" in str(item.error)


def test_the_same_picture_twice_is_one(photo: Path) -> None:
    assert len(plan(["photo.png", "photo.png"])) == 1


def test_two_pictures_for_one_result(photo: Path) -> None:
    copies(photo, "photo.jpg")
    first, second = plan(["photo.jpg", "photo.png"])
    assert isinstance(first, Job)
    assert isinstance(second, Failed)
    assert isinstance(second.error, UsageError)
    assert "photo.png and photo.jpg" in str(second.error)


def test_results_that_are_there_already(photo: Path) -> None:
    copies(photo, "photo.dream.png", "b.png")
    with pytest.raises(UsageError, match="already") as caught:
        plan(["photo.png"])
    assert "--overwrite" in caught.value.hint
    assert targets(plan(["photo.png"], overwrite=True)) == ["photo.dream.png"]
    first, second = plan(["photo.png", "b.png"])
    assert isinstance(first, Skipped)
    assert isinstance(second, Job)


def test_the_input_is_not_overwritten(photo: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        plan(["photo.png"], "photo.png")


def test_standard_input_and_output(photo: Path) -> None:
    assert plan(["-"]) == [Job(None, None)]
    assert targets(plan(["-"], "out/")) == ["out/stdin.dream.png"]
    with pytest.raises(UsageError, match="one picture"):
        plan(["-", "photo.png"], "-")


@pytest.mark.parametrize("name", ["..png", "-o.png", "a\nb.png", "… .png", "x" * 240 + ".png"])
def test_odd_names_stay_in_the_folder(photo: Path, name: str) -> None:
    copies(photo, name)
    (item,) = plan([os.path.join(".", name)], "out/")  # noqa: PTH118 - as people type it
    assert isinstance(item, Job)
    assert item.target is not None
    assert item.target.resolve().parent == Path("out").resolve()


def test_a_suffix_that_cannot_be_written_is_refused_at_once(photo: Path) -> None:
    with pytest.raises(ImageError, match=r"\.gif"):
        plan(["photo.png"], "dream.gif")
