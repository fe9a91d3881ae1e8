"""Which files are read, and where results go."""

from __future__ import annotations

import errno
import io
import itertools
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ascent.order import order_for
from engine.batch import events
from engine.batch import jobs as batch
from engine.batch.events import Done, Failed, Job, Skipped
from engine.batch.planning import plan
from engine.errors import ImageError, UsageError
from engine.settings.config import DreamConfig
from tests.engine.conftest import copies


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def targets(items: list[events.Item]) -> list[str]:
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
    for folder in ("x", "y"):
        Path(folder).mkdir()
        shutil.copy(photo, folder)
    first, second = plan(["x/photo.png", "y/photo.png"], "out")
    assert isinstance(first, Job)
    assert isinstance(second, Failed)
    assert isinstance(second.error, UsageError)
    assert f"{Path('y/photo.png')} and {Path('x/photo.png')}" in str(second.error)


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


@pytest.mark.parametrize("stem", ["a" * 251, "山" * 83, "é" * 125 + "x"], ids=["one byte", "three", "two"])
def test_a_long_name_gets_a_shorter_result_and_ends_nothing(photo: Path, stem: str) -> None:
    copies(photo, stem + ".jpg")
    items = plan(["."], "out")
    assert sorted(x.name for x in items) == sorted([stem + ".jpg", "photo.png"])
    (long,) = [x for x in items if x.name != "photo.png"]
    assert isinstance(long, Job)
    assert long.target is not None
    long.target.touch()  # the name is one that a file can have
    assert Skipped(long) in plan(["."], "out")  # and the same each time


def test_names_that_differ_at_their_ends_have_different_results(photo: Path) -> None:
    copies(photo, "a" * 250 + "b.jpg", "a" * 250 + "c.jpg")
    assert len(set(targets(plan(["."], "out")))) == 3


ODD = st.sampled_from(
    ["a" * 300, "loop.png", "dangling.png", "photo.png/x", "nul\0", "\ud800", "b/" * 2500, "[", "**"]
)


@pytest.mark.slow
@given(st.lists(ODD | st.text(max_size=5), min_size=1, max_size=4), ODD | st.none() | st.text(max_size=5))
def test_whatever_is_asked_for_is_planned_or_refused(inputs: list[str], output: str | None) -> None:
    for name in ("loop.png", "dangling.png"):
        if not Path(name).is_symlink():
            Path(name).symlink_to("loop.png" if name == "loop.png" else "none")
    try:
        items = plan(inputs, output)
    except (UsageError, ImageError):
        return
    for item in items:
        if isinstance(item, Job) and item.source is not None:
            (event,) = batch.perform(item, None, None, events.Streams(None, None))  # type: ignore[arg-type]
            assert isinstance(event, Failed)
            assert isinstance(event.error, ImageError)


@pytest.mark.skipif(os.name != "posix", reason="makes links and a FIFO")
def test_what_cannot_be_looked_at_fails_alone(photo: Path) -> None:
    copies(photo, "a.png")
    Path("loop.png").symlink_to("loop.png")
    Path("dangling.png").symlink_to("none")
    os.mkfifo("fifo.png")  # no picture, like a folder
    assert [x.name for x in plan(["."])] == ["a.png", "dangling.png", "loop.png", "photo.png"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENAMETOOLONG])
def test_a_file_system_that_fails_for_one_picture(photo: Path, code: int, monkeypatch) -> None:
    copies(photo, "bad.png", "good.png")

    def failing(real):
        def call(path, *args, **kwargs):
            if "bad" in str(path):
                raise OSError(code, os.strerror(code), str(path))
            return real(path, *args, **kwargs)

        return call

    for name in ("stat", "lstat", "open", "readlink"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    bad, good, other = plan(["."], "out", overwrite=True)
    assert isinstance(good, Job)
    assert isinstance(other, Job)
    assert isinstance(bad, Job)
    (event,) = batch.perform(bad, None, None, events.Streams(None, None))  # type: ignore[arg-type]
    assert isinstance(event, Failed)
    assert os.strerror(code) in str(event.error)


def test_an_unreadable_folder_fails_alone(photo: Path, monkeypatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    Path("closed").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    first, second = plan(["closed", "photo.png"])
    assert isinstance(first, Failed)
    assert str(first.error) == "closed cannot be listed: Permission denied"
    assert isinstance(second, Job)


def test_standard_input_that_cannot_be_read(tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise IsADirectoryError(errno.EISDIR, "Is a directory")

    streams = events.Streams(Broken(), None)  # type: ignore[arg-type]
    (event,) = batch.perform(Job(None, None), None, None, streams)  # type: ignore[arg-type]
    assert isinstance(event, Failed)
    assert str(event.error) == "standard input cannot be read: Is a directory"


@pytest.fixture
def failing_reads(photo: Path, monkeypatch) -> list[int]:
    """Errors that reading a picture fails with, one after another."""
    errors: list[int] = []
    real = batch.images._content

    def content(file, name: str) -> bytes:
        if errors:
            code = errors.pop(0)
            raise OSError(code, os.strerror(code))
        return real(file, name)

    monkeypatch.setattr(batch.images, "_content", content)
    return errors


def performed(tiny, photo: Path, retries: int, waits: list[float]) -> list[events.Event]:
    order = order_for(tiny, DreamConfig(layers={"mixed0": 1.0}, iterations=1, octaves=1))
    job, streams = Job(photo, photo.with_name("out.png")), events.Streams(None, None)
    patience = batch.Patience(retries, waits.append)
    happened = batch.perform(job, tiny, order, streams, patience=patience)
    return [x for x in happened if not isinstance(x, events.Progress)]


def test_what_cannot_be_read_is_read_again(tiny, photo: Path, failing_reads: list[int]) -> None:
    failing_reads += [errno.EIO, errno.ESTALE, errno.ETIMEDOUT]
    waits: list[float] = []
    *told, done = performed(tiny, photo, 3, waits)
    assert isinstance(done, Done)
    assert waits == [1, 2, 4]
    said = f"{photo} cannot be read: {os.strerror(errno.EIO)}; read again in 1 s (--retry: 3 left)"
    assert told[0] == events.Warned(str(photo), said)


def test_patience_ends(tiny, photo: Path, failing_reads: list[int]) -> None:
    failing_reads += [errno.EIO] * 9
    waits: list[float] = []
    *told, failed = performed(tiny, photo, 8, waits)
    assert isinstance(failed, Failed)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert len(told) == 8


@pytest.mark.parametrize("code", [errno.EACCES, errno.ELOOP, None])
def test_what_will_not_pass_is_not_waited_for(tiny, photo: Path, failing_reads, code: int | None) -> None:
    if code is None:
        photo.write_text("no picture")
    else:
        failing_reads.append(code)
    waits: list[float] = []
    (failed,) = performed(tiny, photo, 5, waits)
    assert isinstance(failed, Failed)
    assert waits == []


@pytest.mark.skipif(os.name != "posix", reason="makes links")
@pytest.mark.parametrize("way", ["itself", "hard link", "link", "other spelling"])
def test_no_input_is_ever_replaced(photo: Path, way: str) -> None:
    Path("folder").mkdir()
    target = {"itself": "photo.png", "other spelling": "folder/../photo.png"}.get(way, "out.png")
    if way == "hard link":
        Path(target).hardlink_to(photo)
    if way == "link":
        Path(target).symlink_to(photo)
    with pytest.raises(UsageError, match=f"{target} is the input"):
        plan(["photo.png"], target, overwrite=True)


def test_an_input_is_no_result_of_another(photo: Path) -> None:
    copies(photo, "photo.dream.png")
    first, second = plan(["photo.png", "photo.dream.png"], overwrite=True)
    assert isinstance(first, Failed)
    assert str(first.error) == "photo.dream.png is one of the inputs"
    assert isinstance(second, Job)


def test_no_other_file_that_is_read_is_replaced(photo: Path) -> None:
    copies(photo, "guide.png")
    with pytest.raises(UsageError, match=r"guide\.png is the guide"):
        plan(["photo.png"], "guide.png", overwrite=True, kept=[("the guide", "guide.png")])


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no /dev/null")
def test_devices_are_not_files_that_exist(photo: Path) -> None:
    assert plan(["photo.png"], "/dev/null") == [Job(Path("photo.png"), Path("/dev/null"))]
    for name in ("/dev/stdout", "/dev/fd/1"):
        assert plan(["photo.png"], name) == [Job(Path("photo.png"), None)]


@pytest.mark.skipif(os.name != "posix", reason="counts the calls of POSIX")
@pytest.mark.parametrize("there", [False, True])
def test_whichever_call_fails_only_the_picture_fails(tiny, photo: Path, there: bool, monkeypatch) -> None:
    """Each call to the file system on the way from a picture to its result fails once."""
    calls = {
        name: getattr(os, name) for name in ("stat", "lstat", "fstat", "open", "replace", "chmod", "unlink")
    }
    target = Path("result.png")
    order = order_for(tiny, DreamConfig(layers={"mixed0": 1.0}, iterations=1, octaves=1))
    outcomes = set()
    for number in itertools.count():
        target.unlink(missing_ok=True)
        if there:
            target.write_bytes(b"before")
        left = [number]

        def failing(name: str, left: list[int] = left):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] == -1:
                    raise OSError(errno.EIO, "Input/output error")
                return calls[name](*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for name in calls:
                patch.setattr(os, name, failing(name))
            *_, last = batch.perform(Job(photo, target), tiny, order, events.Streams(None, None))
        assert isinstance(last, Done | Failed)
        if isinstance(last, Failed):
            assert isinstance(last.error, ImageError)
            assert target.read_bytes() == b"before" if there else not target.exists()
        outcomes.add(type(last))
        if left[0] >= 0:  # there was no such call any more
            break
    assert outcomes == {Done, Failed}
    assert number > 5
