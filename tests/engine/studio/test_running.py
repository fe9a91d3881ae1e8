"""The studio as a process, with workers that are processes: what if something ends in the middle."""

from __future__ import annotations

import io
import signal
import struct
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import engine
from engine.studio.work.thumbnails import POLITENESS
from tests.engine.conftest import TINY, as_file, noise
from tests.engine.studio.running import ENDLESS, LIMIT, QUICK, ROOT, Running, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="asks by POSIX signals"),
]

PHOTO = as_file(noise(30, 40), "PNG").getvalue()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory):
    with running(tmp_path_factory.mktemp("home")) as studio:
        yield studio


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_result_is_what_the_library_makes(studio: Running) -> None:
    dream = studio.over(studio.order(studio.send(PHOTO)["id"]))
    assert (dream["status"], dream["error"]) == ("done", None)
    answer = studio.client.get(dream["result"])
    model = engine.load_model(TINY, device="cpu", threads=1)
    same = engine.dream(PHOTO, model=model, **QUICK)
    np.testing.assert_array_equal(pixels(answer.content), same.pixels)
    jpeg = studio.client.get(dream["result"], params={"format": "jpg", "quality": 80})
    assert Image.open(io.BytesIO(jpeg.content)).format == "JPEG"
    again = studio.send(jpeg.content)
    assert again["recipe"]["settings"]["iterations"] == 2
    assert again["recipe"]["model"]["name"] == "tiny.onnx"
    shown = pixels(studio.client.get(dream["preview"]).content)
    assert shown.shape == (30, 40, 3)


def test_guide_and_mask_do_what_they_do_on_the_command_line(studio: Running) -> None:
    half = np.zeros((30, 40), np.uint8)
    half[:, :20] = 255
    picture, guide = studio.send(PHOTO), studio.send(as_file(noise(40, 30), "PNG").getvalue(), "guide.png")
    mask = studio.send(as_file(Image.fromarray(half), "PNG").getvalue(), "mask.png")
    wanted = {"picture": picture["id"], "guide": guide["id"], "mask": mask["id"], "settings": QUICK}
    dream = studio.over(studio.client.post("/api/dreams", json=wanted).json())
    result = pixels(studio.client.get(dream["result"]).content)
    np.testing.assert_array_equal(result[:, 20:], pixels(PHOTO)[:, 20:])
    assert (result[:, :10] != pixels(PHOTO)[:, :10]).any()
    recipe = studio.client.get(f"/api/dreams/{dream['id']}/recipe").json()
    assert (recipe["guide"]["name"], recipe["mask"]["name"]) == ("guide.png", "mask.png")


def test_thumbnails_come_one_by_one_and_stay(studio: Running) -> None:
    picture = studio.send(as_file(noise(60, 80), "PNG").getvalue())["id"]
    told = list(studio.events(f"/api/pictures/{picture}/thumbnails?kind=layers"))
    assert [x for x, _ in told] == ["names", "thumbnail", "thumbnail", "end"]
    assert {x["name"] for _, x in told[1:-1]} == {"mixed0", "mixed1"}
    for _, one in told[1:-1]:
        assert pixels(studio.client.get(one["url"]).content).shape == (60, 80, 3)
    channels = list(studio.events(f"/api/pictures/{picture}/thumbnails?kind=channels&layer=mixed0"))
    assert len(channels) == 2 + 4
    assert all(x["name"].startswith("mixed0:") for kind, x in channels if kind == "thumbnail")


def test_thumbnails_come_beside_a_dream_which_comes_first(studio: Running) -> None:
    dream = studio.order(studio.send(PHOTO)["id"], **ENDLESS)
    studio.until(dream, "progress")
    picture = studio.send(as_file(noise(62, 80), "PNG").getvalue())["id"]
    told = list(studio.events(f"/api/pictures/{picture}/thumbnails?kind=layers"))
    assert told[-1] == ("end", {"complete": True})
    assert studio.client.get(f"/api/dreams/{dream['id']}").json()["status"] == "working"
    helper, dreams = sorted(studio.workers(), key=lambda x: x.create_time())
    assert helper.nice() == min(dreams.nice() + POLITENESS, 19)
    studio.client.delete(f"/api/dreams/{dream['id']}")


def test_a_stop_keeps_what_there_is_and_the_process_ends(studio: Running) -> None:
    dream = studio.order(studio.send(PHOTO)["id"], **ENDLESS)
    studio.until(dream, "preview")
    studio.client.post(f"/api/dreams/{dream['id']}/stop")
    over = studio.over(dream)
    assert (over["status"], over["error"]) == ("stopped", None)
    assert pixels(studio.client.get(over["result"]).content).shape == (30, 40, 3)
    assert studio.client.get(f"/api/dreams/{dream['id']}/recipe").json()["finished"] is False


def dreaming(studio: Running) -> psutil.Process:
    """The worker of the dream at work: the one that was started last."""
    return max(studio.workers(), key=lambda x: x.create_time())


def test_a_worker_that_is_killed_is_an_error_and_the_studio_goes_on(studio: Running) -> None:
    dream = studio.order(studio.send(PHOTO)["id"], **ENDLESS)
    studio.until(dream, "progress")
    dreaming(studio).kill()
    over = studio.over(dream)
    assert (over["status"], over["error"]["detail"]) == ("failed", "the process that worked on it was killed")
    assert "memory" in over["error"]["hint"]
    assert studio.over(studio.order(studio.send(PHOTO)["id"]))["status"] == "done"


def test_a_helper_that_is_killed_is_replaced(studio: Running) -> None:
    picture = studio.send(as_file(noise(61, 80), "PNG").getvalue())["id"]
    for worker in studio.workers():
        worker.kill()
        worker.wait(LIMIT)
    told = list(studio.events(f"/api/pictures/{picture}/thumbnails?kind=layers"))
    assert told[-1] == ("end", {"complete": True})


def png_of(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that claims a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_bombs_are_refused_and_nothing_stays(studio: Running) -> None:
    for content in (png_of(60000, 60000), png_of(20000, 20000, zlib.compress(bytes(10**7))), PHOTO[:300]):
        answer = studio.client.post("/api/pictures", params={"name": "bomb.png"}, content=content)
        assert answer.status_code == 422
        assert "bomb.png" in answer.json()["detail"]


def test_a_photograph_of_24_megapixels(studio: Running) -> None:
    small = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    image = Image.fromarray(small).resize((6000, 4000), Image.Resampling.BILINEAR)
    picture = studio.send(as_file(image, "JPEG").getvalue(), "large.jpg")
    assert (picture["width"], picture["height"]) == (6000, 4000)
    assert max(pixels(studio.client.get(picture["preview"]).content).shape) == 1600
    dream = studio.order(picture["id"], **QUICK | {"octaves": 1, "iterations": 1, "max_size": 128})
    over = studio.over(dream)
    assert over["status"] == "done", over["error"]
    assert Image.open(io.BytesIO(studio.client.get(over["result"]).content)).size == (6000, 4000)


def test_killed_and_started_again_the_shelf_comes_back(tmp_path: Path) -> None:
    first = Running(tmp_path)
    done = first.over(first.order(first.send(PHOTO)["id"]))
    result = first.client.get(done["result"]).content
    working = first.order(first.send(PHOTO)["id"], **ENDLESS)
    first.until(working, "progress")
    workers = first.workers()
    assert len(workers) == 2
    first.end(signal.SIGKILL)
    psutil.wait_procs(workers, LIMIT)
    assert not any(x.is_running() and x.status() != psutil.STATUS_ZOMBIE for x in workers)
    with running(tmp_path) as second:
        shelf = {x["id"]: x for x in second.client.get("/api/dreams").json()}
        assert shelf[done["id"]] == done
        assert shelf[working["id"]]["status"] == "failed"
        assert second.client.get(done["result"]).content == result
        assert second.end() == (0, "the studio is open; Ctrl-C ends it\n")
    assert list((tmp_path / "deepdream" / "studio").iterdir()) == []


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_streams_open_and_a_dream_at_work(
    tmp_path: Path, which: signal.Signals
) -> None:
    kept = tmp_path / "kept"
    studio = Running(tmp_path, "--keep", str(kept))
    dream = studio.order(studio.send(PHOTO)["id"], **ENDLESS)
    with closing(studio.events("/api/dreams/events")) as told:
        assert next(told)[0] == "state"
        studio.until(dream, "progress")
        workers = studio.workers()
        studio.process.send_signal(which)
        for _ in told:  # until the studio ends the stream
            pass
    studio.client.close()
    studio.process.communicate(timeout=LIMIT)
    assert studio.process.returncode == 0
    assert not any(x.is_running() and x.status() != psutil.STATUS_ZOMBIE for x in workers)
    assert (kept / "dreams" / dream["id"] / "record.json").exists()
    assert kept.stat().st_mode & 0o777 == 0o700


def start(home: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "studio", "--no-browser", *words],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_what_cannot_be_is_one_clear_line(tmp_path: Path, studio: Running) -> None:
    port = studio.url.rstrip("/").rpartition(":")[2]
    for words, code, said in (
        (["--port", port], 2, f"the studio cannot be at 127.0.0.1:{port}: "),
        (["--model", "none.onnx"], 4, "none.onnx"),
    ):
        got, err = start(tmp_path, *words)
        assert (got, said in err) == (code, True), err
        assert len(err.splitlines()) <= 2


def test_another_host_makes_a_token_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "0.0.0.0") as studio:  # noqa: S104 - it is what is tested
        token = studio.url.partition("?token=")[2]
        assert len(token) >= 20
        assert studio.client.get("/api/studio").status_code == 401
        assert studio.client.get("/", params={"token": token}).status_code == 303
        assert studio.client.get("/api/studio").status_code == 200


def test_what_lies_in_the_folder_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit('taken over')")
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from engine.cli.main import main; sys.exit(main())"
    )
    done = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-c",
            script,
            str(ROOT),
            "studio",
            "--port=0",
            "--no-browser",
            "--model",
            TINY,
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.stdout is not None
    assert done.stdout.readline().startswith("http://127.0.0.1:")
    done.terminate()
    done.communicate(timeout=LIMIT)
