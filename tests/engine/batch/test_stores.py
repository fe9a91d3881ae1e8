"""Pictures in stores: found, named, written once, and known again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import remote
from engine.batch import again, stores
from engine.batch.events import Failed, Job, Skipped, Warned
from engine.batch.finding import read_list
from engine.batch.planning import plan
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.remote import Remote
from tests.engine.conftest import QUICK, noise

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def store(monkeypatch) -> Iterator[Any]:
    """A store in memory; users cannot name it."""
    monkeypatch.setattr(remote, "PROTOCOLS", {**remote.PROTOCOLS, "memory": "fsspec"})
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()
    found.pseudo_dirs[:] = [""]


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    values = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def put(store, *names: str, content: bytes | None = None) -> None:
    for seed, name in enumerate(names):
        store.pipe_file(name, png(seed) if content is None else content)


def results(items: list[Any]) -> list[str]:
    assert all(isinstance(x, Job) for x in items), items
    return [x.output for x in items]


def test_a_folder_of_a_store_is_mirrored_in_another(store) -> None:
    put(
        store,
        "/b/in/x.png",
        "/b/in/한글 이름.jpg",
        "/b/in/deep/y.png",
        "/b/in/.hidden/z.png",
        "/b/in/notes.txt",
    )
    put(store, "/b/in/x.dream.png", "/b/in/out/old.png")
    items = plan(["memory://b/in"], "memory://b/in/out", recursive=True)
    assert sorted(results(items)) == [
        "memory://b/in/out/deep/y.dream.png",
        "memory://b/in/out/x.dream.png",
        "memory://b/in/out/한글 이름.dream.png",
    ]


def test_what_lies_deeper_is_told(store) -> None:
    put(store, "/b/in/x.png", "/b/in/deep/y.png")
    told, job = plan(["memory://b/in/"], "memory://b/out")
    assert isinstance(told, Warned)
    assert told.message == "folders in it are left out: 1; --recursive takes them too"
    assert job == Job(Remote.of("memory://b/in/x.png"), Remote.of("memory://b/out/x.dream.png"))


def test_without_an_output_results_lie_beside_their_pictures(store) -> None:
    put(store, "/b/x.jpg", "/b/x.png")
    assert results(plan(["memory://b"])) == ["memory://b/x.jpg.dream.png", "memory://b/x.png.dream.png"]


def test_a_pattern_and_one_picture(store) -> None:
    put(store, "/b/a1.png", "/b/a2.png", "/b/c.png")
    assert results(plan(["memory://b/a*.png"], "memory://o")) == [
        "memory://o/a1.dream.png",
        "memory://o/a2.dream.png",
    ]
    assert results(plan(["memory://b/c.png"], "memory://o/result")) == ["memory://o/result.png"]
    assert results(plan(["memory://b/c.png"], "memory://o/")) == ["memory://o/c.dream.png"]
    [none] = plan(["memory://b/q*.png"], "memory://o")
    assert isinstance(none, Failed)
    assert str(none.error) == "no file matches memory://b/q*.png"


def test_a_name_that_looks_like_a_pattern_is_a_name(store) -> None:
    put(store, "/b/a[1].png", "/b/a1.png", "/b/[2]/c?.png", "/b/2/cd.png")
    assert results(plan(["memory://b/a[1].png"], "memory://o/")) == ["memory://o/a[1].dream.png"]
    assert results(plan(["memory://b/[2]"], "memory://o")) == ["memory://o/c?.dream.png"]
    assert results(plan(["memory://b/[2]/*.png"], "memory://o")) == ["memory://o/cd.dream.png"]


@pytest.mark.parametrize("name", ["../../escaped.png", "a/../../../escaped.png"])
def test_a_name_in_a_store_leads_nowhere_else(monkeypatch, tmp_path: Path, name: str) -> None:
    """A store is anybody's, and its names are no paths: `..` is a name like any other there."""
    found = [Remote("memory", f"b/in/{name}"), Remote("memory", "b/in/sound.png")]
    monkeypatch.setattr(Remote, "files", lambda self, **_: (found, 0))
    monkeypatch.setattr(Remote, "is_folder", lambda self: True)
    refused, sound = plan(["memory://b/in"], str(tmp_path / "out"), recursive=True)
    assert isinstance(refused, Failed)
    assert "lead out of its folder" in str(refused.error)
    assert isinstance(sound, Job)
    assert sound.target == tmp_path / "out" / "sound.dream.png"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "ssh://host/a.png",
        "simplecache::s3://bucket/a.png",
        "zip://a.png::s3://bucket/b.zip",
        "s3://bucket/a.png::file:///etc/passwd",
        "s3://key:secret@bucket/a.png",
        "file://relative/a.png",
        "S3://bucket/a.png",
        "s3:///no-bucket.png",
        "s3://",
        "reference://x",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        plan([url], "out.png")
    assert "secret" not in f"{refused.value} {refused.value.hint}"
    with pytest.raises(UsageError):
        plan(["photo.png"], url)


def test_the_memory_of_this_process_is_no_store_for_users(monkeypatch) -> None:
    monkeypatch.undo()
    with pytest.raises(UsageError, match="is not a URL that is read or written here"):
        Remote.of("memory://b/x.png")


def test_a_missing_package_is_named(monkeypatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(remote, "import_module", missing)
    for url, package, hint in (
        ("s3://b/x.png", "s3fs", 'pip install "deepdream-onnx[remote]"'),
        ("gs://b/x.png", "gcsfs", "pip install gcsfs"),
    ):
        with pytest.raises(UsageError, match=f"needs {package}, which is not installed") as refused:
            images.read(Remote.of(url))
        assert refused.value.hint == hint


def test_a_list_names_urls_too(store, tmp_path: Path) -> None:
    put(store, "/b/x.png")
    store.pipe_file("/b/list.txt", b"memory://b/x.png\nlocal.png\n")
    assert read_list("memory://b/list.txt", SimpleNamespace()) == [  # type: ignore[arg-type]
        Remote.of("memory://b/x.png"),
        Path("local.png"),
    ]


def test_a_result_appears_whole_and_once(store) -> None:
    target = Remote.of("memory://b/x.png")
    target.write(b"first")
    with pytest.raises(FileExistsError):
        target.write(b"second")
    assert store.cat_file("/b/x.png") == b"first"
    target.write(b"third", replace=True)
    assert store.cat_file("/b/x.png") == b"third"


def test_an_error_of_a_library_becomes_one_line(store, monkeypatch) -> None:
    class NoCredentialsError(Exception):
        pass

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError("Unable to\nlocate credentials")

    put(store, "/b/x.png")
    monkeypatch.setattr(type(store), "cat_file", refuse)
    with pytest.raises(ImageError) as refused:
        images.read(Remote.of("memory://b/x.png"))
    assert str(refused.value) == "memory://b/x.png cannot be read: Unable to locate credentials"


def test_reading_looks_only_where_it_needs_to(store, monkeypatch) -> None:
    """A recipe lies in the head of a file: of a large one no more is fetched."""
    fetched: list[int] = []
    real = type(store).cat_file

    def counting(self, path: str, start: int | None = None, end: int | None = None, **more: object) -> bytes:
        content: bytes = real(self, path, start, end, **more)
        fetched.append(len(content))
        return content

    buffer = io.BytesIO()
    noise(600, 600).save(buffer, "PNG")
    put(store, "/b/x.png", content=buffer.getvalue())
    monkeypatch.setattr(type(store), "cat_file", counting)
    assert images.pixel_count(Remote.of("memory://b/x.png")) == 360_000
    assert images.recipe_of(Remote.of("memory://b/x.png")) == ""
    assert sum(fetched) <= 4 * remote.BLOCK < len(buffer.getvalue())
    picture, origin = images.read(Remote.of("memory://b/x.png"))
    assert origin.sha256 == hashlib.sha256(buffer.getvalue()).hexdigest()
    assert picture.pixels.shape == (600, 600, 3)


def test_the_command_dreams_once_and_knows_its_results(store, run, tmp_path: Path) -> None:
    put(store, "/b/in/x.png", "/b/in/y.png", "/b/in/broken.png")
    store.pipe_file("/b/in/broken.png", b"no picture")
    report = tmp_path / "report.json"
    words = ["dream", "memory://b/in", "-o", "memory://b/out", *QUICK, "--report", report, "--threads", 1]
    code, out, err = run(*words)
    assert code == 3
    assert out.splitlines() == ["memory://b/out/x.dream.png", "memory://b/out/y.dream.png"]
    assert "memory://b/in/broken.png is not a picture in a known format" in err
    rows = json.loads(report.read_text())["pictures"]
    assert {x["status"] for x in rows} == {"done", "failed"}
    done = {x["output"]: x["sha256"] for x in rows if x["status"] == "done"}
    assert all(hashlib.sha256(store.cat_file(k)).hexdigest() == v for k, v in done.items())

    (tmp_path / "in").mkdir()
    for name in ("x.png", "y.png"):
        (tmp_path / "in" / name).write_bytes(store.cat_file(f"/b/in/{name}"))
    assert run("dream", tmp_path / "in", "-o", tmp_path / "out", *QUICK, "--threads", 1)[0] == 0
    for name in ("x.dream.png", "y.dream.png"):
        assert store.cat_file(f"/b/out/{name}") == (tmp_path / "out" / name).read_bytes()

    code, out, err = run(*words[:-4], "--threads", 1)
    assert (code, out) == (3, "")
    assert "skipped: 2 finished already" in err
    store.pipe_file("/b/in/x.png", png(7))
    code, out, err = run(*words[:-4], "--threads", 1, "--iterations", 3)
    assert out.splitlines() == ["memory://b/out/x.dream.png", "memory://b/out/y.dream.png"]
    assert "results are made anew: other settings (2)" in err


def test_no_result_replaces_what_is_read(store, run) -> None:
    put(store, "/b/x.png")
    before = store.cat_file("/b/x.png")
    code, _, err = run("dream", "memory://b/x.png", "-o", "memory://b/x.png", "--overwrite", *QUICK)
    assert code == 2
    assert "memory://b/x.png is the input" in err
    assert store.cat_file("/b/x.png") == before


def test_who_comes_second_finds_the_same_result(store, run, monkeypatch) -> None:
    """A worker that was thought to be lost, or another run, has written it meanwhile."""
    put(store, "/b/x.png")
    words = ["dream", "memory://b/x.png", "-o", "memory://b/out.png", *QUICK]
    assert run(*words)[0] == 0
    first = store.cat_file("/b/out.png")
    monkeypatch.setattr(stores.Shelves, "taken", lambda *_: False)
    assert run(*words)[0] == 0
    assert store.cat_file("/b/out.png") == first
    code, _, err = run(*words, "--blend", "0.5")
    assert code == 3
    assert "memory://b/out.png cannot be written" in err
    assert store.cat_file("/b/out.png") == first


def test_a_store_says_itself_that_a_picture_is_old() -> None:
    """Then a million pictures need not be read to be skipped; a disk's clock is not trusted so."""
    old, new = Remote("s3", "b/x.png", 1e6), Remote("s3", "b/x.dream.png", 2e6)
    assert again._surely_older(old, new)
    assert not again._surely_older(new, old)
    assert not again._surely_older(old, Remote("s3", "b/y.png", 1e6 + 60))
    assert not again._surely_older(Remote("s3", "b/x.png"), new)
    assert not again._surely_older(Remote("gs", "b/x.png", 1e6), new)
    assert not again._surely_older(Path("x.png"), new)


def test_a_shared_folder_is_written_as_any_other(tmp_path: Path, run) -> None:
    """`file://` needs no fsspec to read and write; only whole files ever appear."""
    noise(30, 40).save(tmp_path / "x.png")
    url = f"file://{tmp_path}"
    code, out, _ = run("dream", f"{url}/x.png", "-o", f"{url}/deep/er/", *QUICK)
    assert (code, out) == (0, f"{url}/deep/er/x.dream.png\n")
    assert [x.name for x in (tmp_path / "deep/er").iterdir()] == ["x.dream.png"]


def test_nothing_skipped_is_read_for_a_report(store, run, tmp_path: Path) -> None:
    put(store, "/b/in/x.png")
    words = ["dream", "memory://b/in", "-o", "memory://b/out", *QUICK]
    assert run(*words)[0] == 0
    assert run(*words, "--keep", "--report", tmp_path / "r.json")[0] == 0
    [row] = json.loads((tmp_path / "r.json").read_text())["pictures"]
    assert (row["status"], row["sha256"]) == ("skipped", "")
    assert isinstance(plan(["memory://b/in"], "memory://b/out")[0], Skipped)
