"""Sheets that show what each layer makes of a picture."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import ImageError, UsageError
from engine.galleries import gallery as galleries
from engine.galleries.looks import LOOK
from engine.network.model import load_model
from engine.settings import config
from tests.engine.cli.test_cli import start
from tests.engine.conftest import TINY, noise

LIGHT = {"iterations": 2, "min_size": 32}
WORDS = ["--model", TINY, "--iterations", 2, "--min-size", 32, "--device", "cpu"]
NAMES = ["mixed0", "mixed1", "mixed0,mixed1"]


def test_each_layer_alone_and_with_the_middle_one(photo: Path, tiny) -> None:
    gallery = engine.gallery(photo, model=tiny, **LIGHT)
    assert [x.label for x in gallery.cells] == ["the picture", *NAMES]
    np.testing.assert_array_equal(gallery.cells[0].pixels, np.asarray(Image.open(photo)))
    for cell in gallery.cells[1:]:
        alone = engine.dream(photo, model=tiny, **_given(cell.label))
        np.testing.assert_array_equal(cell.pixels, alone.pixels)
    assert gallery.warnings == ()


def test_the_strongest_channels_of_a_layer(photo: Path, tiny) -> None:
    gallery = engine.gallery(photo, channels="mixed1", count=3, model=tiny, **LIGHT)
    ranked = engine.rank_channels(photo, layers=["mixed1"], count=3, model=tiny)["mixed1"]
    assert [x.label for x in gallery.cells[1:]] == [x.selector for x in ranked]
    for cell in gallery.cells[1:]:
        alone = engine.dream(photo, model=tiny, **_given(cell.label))
        np.testing.assert_array_equal(cell.pixels, alone.pixels)


def test_labels_and_note_repeat_a_cell_on_the_command_line(run, photo: Path, tiny) -> None:
    gallery = engine.gallery(photo, model=tiny, **LIGHT)
    result = photo.with_name("again.png")
    words = ["--layers", gallery.cells[-1].label, *gallery.note.split()]
    assert run("dream", photo, "-o", result, "--model", TINY, "--threads", 1, *words)[0] == 0
    np.testing.assert_array_equal(np.asarray(Image.open(result)), gallery.cells[-1].pixels)


@pytest.mark.slow
def test_the_number_of_threads_changes_nothing(photo: Path) -> None:
    one, two = (
        engine.gallery(photo, model=load_model(TINY, device="cpu", threads=x), **LIGHT) for x in (1, 3)
    )
    np.testing.assert_array_equal(one.picture.pixels, two.picture.pixels)


def test_the_sheet_holds_every_cell(photo: Path, tiny) -> None:
    gallery = engine.gallery(photo, model=tiny, **LIGHT)
    sheet = np.asarray(gallery.image)
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (30, 40, 3))[:, :, 0]
    for cell in gallery.cells:
        places = np.argwhere((windows[:, :, 0, 0] == cell.pixels[0, 0]).all(axis=2))
        assert sum(np.array_equal(windows[y, x], cell.pixels) for y, x in places) == 1


def test_saving_replaces_nothing_unless_asked(photo: Path, tiny) -> None:
    gallery = engine.gallery(photo, model=tiny, **LIGHT)
    target = photo.with_name("sheet")
    assert gallery.save(target) == photo.with_name("sheet.png")
    with pytest.raises(UsageError, match="already exists"):
        gallery.save(target)
    gallery.save(target, overwrite=True)
    np.testing.assert_array_equal(
        np.asarray(Image.open(photo.with_name("sheet.png"))), np.asarray(gallery.image)
    )


@pytest.mark.slow
def test_large_and_transparent_pictures_become_small_copies_on_white(tiny) -> None:
    image = noise(300, 400, "RGBA")
    image.putalpha(0)
    gallery = engine.gallery(image, side=100, model=tiny, **LIGHT)
    assert gallery.cells[0].pixels.shape == (160, 213, 3)
    assert (gallery.cells[0].pixels == 255).all()


@pytest.mark.slow
def test_a_preset_replaces_the_gallery_s_own_settings(photo: Path, tiny) -> None:
    gallery = engine.gallery(photo, preset="keras", iterations=2, layers="mixed1", model=tiny)
    assert gallery.note == "--preset keras --iterations 2"
    assert [x.label for x in gallery.cells[1:]] == NAMES
    alone = engine.dream(photo, preset="keras", layers="mixed0", iterations=2, model=tiny)
    np.testing.assert_array_equal(gallery.cells[1].pixels, alone.pixels)


def test_progress_is_called_with_every_cell(photo: Path, tiny) -> None:
    seen: list[galleries.Cell] = []
    engine.gallery(photo, model=tiny, **LIGHT, progress=seen.append)
    assert sorted(x.label for x in seen) == sorted(NAMES)


def test_no_thread_keeps_running_after_an_early_end(photo: Path) -> None:
    """One cell stops at once, because its loss is above 0; the other would go on for very long."""
    model = load_model(TINY, device="cpu", threads=2)
    endless = replace(LOOK, iterations=10000, max_loss=0.0)
    plan = replace(galleries.make_plan(photo, model, endless), selectors=("mixed0", "mixed1=-1"))
    before = threading.active_count()
    with closing(galleries.cells(plan)) as coming:
        assert next(coming).label == "mixed0"
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_layers_that_see_nothing_give_a_warning(tiny) -> None:
    even = np.full((40, 40, 3), 128, np.uint8)
    gallery = engine.gallery(even, model=tiny, step_size=1e-5, total_variation=0.0, **LIGHT)
    assert all("sees nothing in a picture of 40x40" in x for x in gallery.warnings)
    assert len(gallery.warnings) == 3


@pytest.mark.parametrize(
    "wrong", [{"channels": "mixed9"}, {"side": 3}, {"count": 0, "channels": "mixed0"}, {"count": 999}]
)
def test_wrong_arguments_are_refused(photo: Path, tiny, wrong) -> None:
    with pytest.raises(UsageError):
        engine.gallery(photo, model=tiny, **wrong)


def test_missing_and_tiny_pictures_are_refused(tmp_path: Path, tiny) -> None:
    for source in (tmp_path / "nothing.png", noise(3, 3)):
        with pytest.raises(ImageError):
            engine.gallery(source, model=tiny)


def _given(label: str) -> dict[str, object]:
    look = galleries.look(None, LIGHT)
    return {"layers": label} | {x: getattr(look, x) for x in config.settings()}


@pytest.mark.slow
def test_the_command_writes_a_sheet_and_prints_its_path(run, photo: Path) -> None:
    code, out, err = run("gallery", photo, *WORDS)
    target = photo.with_name("photo.gallery.png")
    assert (code, out) == (0, f"{target}\n")
    assert err.splitlines()[0].startswith("dreaming 3 cells on cpu")
    assert {x.split()[-1] for x in err.splitlines()[1:]} == set(NAMES)
    sheet = engine.gallery(photo, model=TINY, device="cpu", **LIGHT).image
    np.testing.assert_array_equal(np.asarray(Image.open(target)), np.asarray(sheet))


def test_the_command_replaces_nothing_unless_asked(run, photo: Path) -> None:
    target = photo.with_name("sheet.jpg")
    target.write_bytes(b"precious")
    code, _, err = run("gallery", photo, "-o", target, *WORDS)
    assert (code, target.read_bytes()) == (2, b"precious")
    assert "--overwrite" in err
    assert run("gallery", photo, "-o", target, "--overwrite", *WORDS)[0] == 0
    with Image.open(target) as sheet:
        assert sheet.format == "JPEG"


@pytest.mark.slow
def test_the_command_shows_channels_too(run, photo: Path) -> None:
    code, _, err = run("gallery", photo, "-o", photo.with_name("sheet"), "--channels", "mixed0", *WORDS)
    assert code == 0
    assert photo.with_name("sheet.png").exists()
    ranked = engine.rank_channels(photo, layers=["mixed0"], model=TINY, device="cpu")["mixed0"]
    assert {x.split()[-1] for x in err.splitlines()[1:]} == {x.selector for x in ranked}


def test_a_sheet_in_a_folder(run, photo: Path) -> None:
    (photo.parent / "sheets").mkdir()
    assert run("gallery", photo, "-o", photo.parent / "sheets", *WORDS)[0] == 0
    assert (photo.parent / "sheets" / "photo.gallery.png").exists()


@pytest.mark.parametrize("picture", [".", "..", "nothing.png", "-", ""])
def test_no_picture(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("gallery", picture, "--model", TINY)[:2] == (3, "")
    assert not list(tmp_path.iterdir())


def test_the_command_for_programs(run, photo: Path) -> None:
    _, _, err = run("gallery", photo, "--progress", "json", *WORDS)
    events = [json.loads(x) for x in err.splitlines()]
    assert [x["event"] for x in events] == ["start", "cell", "cell", "cell", "done"]
    assert (events[0]["protocol"], events[0]["cells"]) == (1, 3)
    assert sorted(x["layers"] for x in events[1:-1]) == sorted(NAMES)
    assert [x["fraction"] for x in events[1:-1]] == [0.333333, 0.666667, 1.0]
    assert events[-1]["output"] == str(photo.with_name("photo.gallery.png"))


def test_the_bar(run, photo: Path) -> None:
    _, _, err = run("gallery", photo, "--progress", "bar", *WORDS)
    drawn = [x for x in err.split("\r\x1b[K")[1:] if x]
    assert [x.split("] ")[-1].split(" cells")[0] for x in drawn] == ["0/3", "1/3", "2/3", "3/3"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--channels", "mixed9"], 2),
        (["--count", "0", "--channels", "mixed0"], 2),
        (["--size", "1"], 2),
        (["--preset", "nonsense"], 2),
        (["--layers", "mixed0"], 2),
        (["-o", "nowhere/sheet.png"], 3),
        (["-o", "nowhere/"], 3),
        (["-o", "sheet.txt"], 3),
    ],
)
def test_what_the_command_refuses(run, photo: Path, words, code) -> None:
    before = set(photo.parent.iterdir())
    assert run("gallery", photo, *words, "--model", TINY)[:2] == (code, "")
    assert set(photo.parent.iterdir()) == before


@pytest.mark.slow
def test_ctrl_c_leaves_nothing(photo: Path) -> None:
    words = ["gallery", photo, "--progress", "json", "--model", TINY, "--iterations", 10000, "--step", 1e-5]
    process = start(*words, "--threads", 2, preexec_fn=_with_ctrl_c)
    assert process.stderr is not None
    assert json.loads(process.stderr.readline())["event"] == "start"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, json.loads(err.splitlines()[-1])["exit_code"]) == (b"", 130)
    assert list(photo.parent.iterdir()) == [photo]


def _with_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.slow
def test_on_a_gpu_cells_are_dreamed_one_after_the_other(runtime, photo: Path, tiny) -> None:
    runtime()
    model = load_model(TINY, device="cuda", threads=4)
    assert galleries.make_plan(photo, model).at_once == 1
    cells = engine.gallery(photo, model=model, **LIGHT).cells
    for cell, other in zip(cells, engine.gallery(photo, model=tiny, **LIGHT).cells, strict=True):
        assert np.abs(cell.pixels.astype(int) - other.pixels).max() <= 1
