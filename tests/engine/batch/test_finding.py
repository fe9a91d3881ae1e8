"""Trees and lists: which pictures they stand for, and where their results go."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from engine.batch import finding
from engine.batch.events import Failed, Item, Job, Skipped, Streams, Warned
from engine.batch.finding import read_list
from engine.batch.planning import plan
from engine.errors import ImageError, UsageError

posix = pytest.mark.skipif(os.name != "posix", reason="makes links and odd names")


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def results(items: list[Item]) -> list[str]:
    assert all(isinstance(x, Job) for x in items), items
    return [Path(x.output).as_posix() for x in items]  # type: ignore[union-attr]


def test_a_tree_is_mirrored_below_out() -> None:
    make("in/b.png", "in/a/x.jpg", "in/a/deep/er/y.png", "in/c/z.png", "in/c/notes.txt")
    items = plan(["in"], "out", recursive=True)
    assert results(items) == [
        "out/b.dream.png",
        "out/a/x.dream.png",
        "out/a/deep/er/y.dream.png",
        "out/c/z.dream.png",
    ]
    assert Path("out/a/deep/er").is_dir()
    Path("out/a/x.dream.png").touch()
    assert isinstance(plan(["in"], "out", recursive=True)[1], Skipped)
    beside = plan(["in"], recursive=True)
    assert Path(beside[1].output) == Path("in/a/x.dream.png")  # type: ignore[union-attr]


def test_without_recursive_one_line_counts_what_is_left_out(monkeypatch) -> None:
    make("in/b.png", "in/a/x.jpg", "in/a/deep/y.png", "in/.hidden/z.png", "in/a/x.dream.png")
    told, job = plan(["in"], "out")
    said = "pictures in subfolders are left out: 2; --recursive takes them too"
    assert told == Warned("in", said)
    assert isinstance(job, Job)
    Path("in/b.png").unlink()
    (nothing,) = plan(["in"], "out")
    assert isinstance(nothing, Failed)
    assert (str(nothing.error), nothing.error.hint) == ("there are no pictures in the folder in", said)
    monkeypatch.setattr(finding, "COUNTED", 1)  # a whole disk is not searched for one line
    (nothing,) = plan(["in"], "out")
    assert "left out: more than 1;" in nothing.error.hint  # type: ignore[union-attr]


def test_what_is_hidden_and_what_is_ours_is_passed_over() -> None:
    make("in/.a.png", "in/.thumbs/b.png", "in/c.png", "in/c.dream.JPG", "in/d.gallery.png")
    assert results(plan(["in"], recursive=True)) == ["in/c.dream.png"]


@pytest.mark.parametrize("out", ["in/out", "in", "in/../in/out/"])
def test_results_in_the_tree_are_not_dreamed_on_again(out: str) -> None:
    make("in/a.png", "in/b/c.png")
    first = plan(["in"], out, recursive=True)
    for name in results(first):
        Path(name).touch()
    assert plan(["in"], out, recursive=True) == [Skipped(x) for x in first]  # type: ignore[arg-type]


@posix
def test_links_to_folders_are_told_and_not_followed() -> None:
    make("in/a.png", "in/b/c.png", "other/d.png")
    Path("in/b/loop").symlink_to("..")
    Path("in/other").symlink_to("../other")
    Path("in/file.png").symlink_to("../other/d.png")
    Path("in/itself").symlink_to("itself")
    told, *jobs = plan(["in"], "out", recursive=True)
    assert told == Warned("in", "links to folders are not followed: 2 here")
    assert results(jobs) == ["out/a.dream.png", "out/file.dream.png", "out/b/c.dream.png"]
    assert results(plan(["in/other"], "out", recursive=True)) == ["out/d.dream.png"]


def test_a_folder_that_cannot_be_listed_fails_alone(monkeypatch) -> None:
    make("in/a.png", "in/closed/b.png", "in/d/e.png")
    real = Path.iterdir

    def listing(folder: Path):
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", listing)
    first, failed, last = plan(["in"], "out", recursive=True)
    assert results([first, last]) == ["out/a.dream.png", "out/d/e.dream.png"]
    assert isinstance(failed, Failed)
    assert str(failed.error) == f"{Path('in/closed')} cannot be listed: Permission denied"


def test_a_folder_that_cannot_be_made_fails_its_own_pictures() -> None:
    make("in/a.png", "in/b/c.png", "out/b")
    first, failed = plan(["in"], "out", recursive=True)
    assert isinstance(first, Job)
    assert isinstance(failed, Failed)
    assert "the folder" in str(failed.error)


def listed(content: bytes) -> list[Path]:
    return read_list("-", Streams(io.BytesIO(content), None))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"a.png\nb c.png\n", ["a.png", "b c.png"]),
        (b"\xef\xbb\xbfa.png\r\n\r\nb.png", ["a.png", "b.png"]),
        (b"a\nb.png\0c.png\0", ["a\nb.png", "c.png"]),
        (b" *.png \n", [" *.png "]),
    ],
)
def test_lists(content: bytes, names: list[str]) -> None:
    assert listed(content) == [Path(x) for x in names]


def test_lists_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no files"):
        listed(b"\n\n")
    with pytest.raises(ImageError, match="No such file"):
        read_list("none.txt", Streams(None, None))
    with pytest.raises(ImageError, match="closed"):
        read_list("-", Streams(None, None))
    Path("list.txt").write_bytes(b"a.png")
    assert read_list("list.txt", Streams(None, None)) == [Path("a.png")]


@posix
def test_a_list_names_any_file_byte_for_byte() -> None:
    (name,) = listed(b"\xff\xfe.png\0")
    assert os.fsencode(name) == b"\xff\xfe.png"


def test_what_a_list_names_is_no_pattern_and_no_result() -> None:
    make("a.png", "a.dream.png", "b[1].png", "sub/c.png")
    names = [Path(x) for x in ("a.png", "a.dream.png", "b[1].png", "sub", "x*.png")]
    assert results(plan([], "out", listed=names)) == [
        "out/a.dream.png",
        "out/b[1].dream.png",
        "out/c.dream.png",
        "out/x*.dream.png",  # reading it says that it is missing
    ]


def test_a_list_keeps_its_folders_with_recursive() -> None:
    names = [Path(x) for x in ("x/a.png", "y/a.png", "../z/a.png")]
    assert results(plan([], "out", listed=names, recursive=True)) == [
        "out/x/a.dream.png",
        "out/y/a.dream.png",
        "out/a.dream.png",
    ]


def test_ten_thousand_pictures_are_looked_at_a_few_times_each(monkeypatch) -> None:
    make(*(f"in/{i % 10}/{i}.png" for i in range(200)))
    calls = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: (calls.append(args), stat(*args, **kwargs))[1])
    assert len(plan(["in"], "out", recursive=True)) == 200
    assert len(calls) < 10 * 200
