"""Zoom films with the tiny model: steady, and the same whether or not a run was stopped."""

from __future__ import annotations

import dataclasses
import io
import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.ascent.order import order_for
from engine.errors import ImageError, UsageError
from engine.films import store, zoom
from engine.films.balance import _coarse
from engine.films.store import folder_of
from engine.network.model import load_model
from engine.pictures.picture import Picture
from engine.settings.config import DreamConfig
from tests import icc
from tests.engine.conftest import QUICK, noise
from tests.engine.films.conftest import light, made_frames, photograph, played

if TYPE_CHECKING:
    from engine.films.project import Project

DEEP = '{"film": ' + "[" * 20_000 + "]" * 20_000 + "}"
FLIGHT = zoom.Flight(seconds=0.4, fps=20, size=64)


def project(tiny, target: Path, flight: zoom.Flight = FLIGHT, **settings) -> Project:
    return zoom.project(Picture(photograph(48, 64)), target, light(tiny, **settings), tiny, flight)


def frames_of(folder: Path) -> dict[str, bytes]:
    return {x.name: x.read_bytes() for x in folder.iterdir()}


def test_the_film_has_its_frames_and_nothing_is_left_beside_it(tiny, tmp_path: Path) -> None:
    made = list(project(tiny, tmp_path / "film.gif").make())
    assert [x.number for x in made] == [1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert [x.name for x in tmp_path.iterdir()] == ["film.gif"]
    with Image.open(tmp_path / "film.gif") as image:
        assert image.n_frames == 8


def test_a_flight_begins_with_the_picture_and_never_stands_still(tiny, tmp_path: Path) -> None:
    images = made_frames(project(tiny, tmp_path / "film.gif"))
    np.testing.assert_array_equal(images[0], photograph(48, 64))
    changes = [np.abs(b.astype(int) - a).mean() for a, b in pairwise(images)]
    assert min(changes) > 0.5


@pytest.mark.slow
def test_a_resumed_run_makes_the_same_frames(tiny, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole.gif", tmp_path / "stopped.gif"
    settings = {"jitter": 4, "seed": 3}
    list(project(tiny, whole, **settings).make(keep_frames=True))
    run = project(tiny, stopped, **settings).make()
    for frame in run:
        if frame.number == 5:
            break
    run.close()
    assert not stopped.exists()
    second = project(tiny, stopped, **settings).make()
    assert next(second).number == 6
    second.close()
    (folder_of(stopped) / "000006.png").write_bytes(b"half a frame")  # killed before the state was written
    (folder_of(stopped) / "state-000006.npy").unlink()
    list(project(tiny, stopped, **settings).make(keep_frames=True))
    assert frames_of(folder_of(whole)) == frames_of(folder_of(stopped))
    assert whole.read_bytes() == stopped.read_bytes()


def test_a_longer_film_resumes_from_a_shorter_one(tiny, tmp_path: Path) -> None:
    target = tmp_path / "film.gif"
    list(project(tiny, target).make(keep_frames=True))
    longer = dataclasses.replace(FLIGHT, seconds=0.5)
    assert [x.number for x in project(tiny, target, longer).make(keep_frames=True)] == [9, 10, 10]
    shorter = dataclasses.replace(FLIGHT, seconds=0.2)
    list(project(tiny, target, shorter).make())
    with Image.open(target) as image:
        assert image.n_frames == 4


def test_other_settings_are_refused_until_told_to_start_again(tiny, tmp_path: Path) -> None:
    target = tmp_path / "film.gif"
    next(project(tiny, target).make())
    with pytest.raises(UsageError, match=r"step_size was 0\.02, is 0\.03") as error:
        project(tiny, target, step_size=0.03).make()
    assert "--overwrite" in error.value.hint
    first = next(project(tiny, target, step_size=0.03).make(overwrite=True))
    assert first.number == 1
    flight = dataclasses.replace(FLIGHT, zoom_rate=2.0)
    with pytest.raises(UsageError, match="zoom-rate"):
        project(tiny, target, flight, step_size=0.03).make()


def test_an_existing_film_is_not_replaced(tiny, tmp_path: Path) -> None:
    target = tmp_path / "film.gif"
    target.write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        project(tiny, target).make()
    assert [x.name for x in tmp_path.iterdir()] == ["film.gif"]
    list(project(tiny, target).make(overwrite=True))
    assert target.read_bytes()[:3] == b"GIF"


def test_a_folder_with_other_files_stays_untouched(tiny, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "film.gif")
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"letter\.txt"):
            project(tiny, tmp_path / "film.gif").make(overwrite=overwrite)
    assert [x.name for x in folder.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("order", ["", "[]", "null", '{"film": 1}', "x" * 100_000, DEEP], ids=range(6))
def test_a_broken_folder_is_a_clear_error(tiny, tmp_path: Path, order: str) -> None:
    target = tmp_path / "film.gif"
    next(project(tiny, target).make())
    (folder_of(target) / store.ORDER).write_text(order)
    with pytest.raises(UsageError, match="made with other settings"):
        project(tiny, target).make()
    list(project(tiny, target).make(overwrite=True))


def test_a_state_never_executes(tiny, tmp_path: Path) -> None:
    target = tmp_path / "film.gif"
    next(project(tiny, target).make())
    state = folder_of(target) / "state-000001.npy"
    np.save(state, np.array([Path], object), allow_pickle=True)
    frames = list(project(tiny, target).make())  # an unreadable state counts as missing
    assert frames[0].number == 1


def test_a_full_disk_is_reported_first(tiny, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ImageError, match="but only 1 kB are free"):
        project(tiny, tmp_path / "film.gif").make()


@pytest.mark.slow
def test_brightness_contrast_and_detail_stay_for_sixty_frames(tiny, tmp_path: Path) -> None:
    flight = zoom.Flight(seconds=3, fps=20, size=64, rotate=20)
    images = [x / 255 for x in made_frames(project(tiny, tmp_path / "film.gif", flight))]
    means, spreads = (np.array([f(x, axis=(0, 1)) for x in images]) for f in (np.mean, np.std))
    assert np.abs(means - means[0]).max() < 0.12
    assert np.all((spreads > 0.5 * spreads[0]) & (spreads < 1.4 * spreads[0]))
    clipped = [np.mean((x == 0) | (x == 1)) for x in images]
    assert max(clipped) < 0.3


@pytest.mark.slow
def test_a_flight_with_the_embedded_model_stays_bright_and_sharp(tmp_path: Path) -> None:
    model = load_model(device="cpu")
    config = zoom.lightly(DreamConfig(layers={"mixed3": 1.0}), {})
    first = photograph(150, 200)
    flight = zoom.Flight(seconds=3, fps=20, zoom_rate=1.6)
    made = zoom.project(Picture(first), tmp_path / "f.gif", order_for(model, config), model, flight)
    images = [x.astype(np.float32) for x in made_frames(made)]
    means, spreads = (np.array([f(x, axis=(0, 1)) for x in images]) for f in (np.mean, np.std))
    assert np.abs(means - means[0]).max() < 30
    assert np.all((spreads > 0.6 * spreads[0]) & (spreads < 1.3 * spreads[0]))
    fine = [float((x - _coarse(x)).std()) for x in images]
    assert min(fine) > 0.6 * fine[0]
    assert max(fine) < 1.8 * fine[0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [(40, (30, 40)), (41, (30, 40)), (640, (48, 64)), ((33, 33), (32, 32)), ((100, 60), (60, 100))],
)
def test_sizes_are_even_and_proportions_kept(size, expected: tuple[int, int]) -> None:
    fitted = zoom.fitted(photograph(48, 64), size)
    assert fitted.shape == (*expected, 3)


def test_a_wide_gamut_picture_has_its_colours_in_the_film() -> None:
    """Little CMS, which the film's conversion to sRGB does not use here, gives the expected colours."""
    profile = icc.rgb(icc.DISPLAY_P3, icc.SRGB_CURVE)
    pixels = photograph(48, 64)
    seen = zoom.screened(Picture(pixels, icc=profile)).astype(int)
    cms = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(Image.fromarray(pixels), cms, srgb, renderingIntent=1)
    assert np.abs(seen - np.asarray(expected)).mean() < 1
    assert np.abs(seen - pixels).mean() > 1


def test_deep_pictures_are_shown_in_eight_bits() -> None:
    deep = Picture(photograph(48, 64).astype(np.uint16) * 257)
    np.testing.assert_array_equal(zoom.screened(deep), photograph(48, 64))


def test_a_picture_is_cropped_evenly() -> None:
    marked = np.zeros((40, 80, 3), np.uint8)
    marked[:, 20:60] = 255
    assert zoom.fitted(marked, (40, 40)).min() > 250


def test_a_preset_is_made_lighter() -> None:
    config = DreamConfig(step_size=0.02)
    light = zoom.lightly(config, {})
    assert (light.step_size, light.iterations) == (pytest.approx(0.014), 1)
    assert zoom.lightly(config, {"step_size": 0.02, "iterations": 20}) == config


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--size", "large"], 2, "--size 640"),
        (["--size", "1x2x3"], 2, "--size 640"),
        (["--size", "9"], 2, "from 16 to 8192"),
        (["--seconds", "0"], 2, "from 0.1 to 3600"),
        (["--zoom-rate", "nan"], 2, "--zoom-rate"),
        (["--zoom-rat", "2"], 2, "did you mean --zoom-rate?"),
        (["-o", "film.mp3"], 3, "not name a film format"),
        (["-o", "{photo}"], 2, "is the input"),
        (["-o", "/none/film.gif"], 3, "no folder"),
        (["--octaves", "99"], 2, "from 1 to 20"),
    ],
)
def test_mistakes_are_one_clear_line(run, photo: Path, words, code, said) -> None:
    words = [x.format(photo=photo) for x in words]
    got, out, err = run("zoom", photo, *words, *QUICK)
    assert (got, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) <= 2
    assert [x.name for x in photo.parent.iterdir()] == [photo.name]


@pytest.mark.slow
def test_the_command_makes_a_film_and_reports_progress(run, photo: Path) -> None:
    pytest.importorskip("av")
    target = photo.with_name("film.mp4")
    words = ["zoom", photo, "--seconds", 0.5, "--fps", 20, "--rotate", 30, "--progress", "json", *QUICK]
    code, out, err = run(*words, "-o", photo.with_name("film"))
    assert (code, out) == (0, f"{target}\n")
    events = [json.loads(x) for x in err.splitlines()]
    assert [x["frame"] for x in events if x["event"] == "frame"] == [*range(1, 11)]
    assert events[-1]["event"] == "done"
    assert len(played(target)) == 10
    assert played(target)[0].shape == (30, 40, 3)


def test_without_a_name_the_film_lies_beside_the_picture(run, photo: Path) -> None:
    pytest.importorskip("av")
    code, out, err = run("zoom", photo, "--seconds", 0.3, "--fps", 20, *QUICK)
    assert (code, out) == (0, f"{photo.with_name('photo.zoom.mp4')}\n")
    assert "left" in err


@pytest.mark.slow
@pytest.mark.parametrize("keep", [False, True])
def test_an_interruption_says_how_to_resume(run, photo: Path, monkeypatch, keep: bool) -> None:
    target = photo.with_name("film.webp")
    words = ["zoom", photo, "-o", target, "--seconds", 0.4, "--fps", 20, *QUICK]
    add = store.Store.add

    def interrupted(self: store.Store, number: int, *values: object) -> None:
        if number == 6:
            raise KeyboardInterrupt
        add(self, number, *values)

    monkeypatch.setattr(store.Store, "add", interrupted)
    code, out, err = run(*words, *(["--keep-partial"] if keep else []))
    assert code == 130
    assert "cancelled after frame 5" in err
    assert "the same command" in err
    assert target.exists() is keep
    assert out == (f"{target}\n" if keep else "")
    monkeypatch.undo()
    code, out, _ = run(*words)
    assert (code, out) == (0, f"{target}\n")
    with Image.open(target) as image:
        assert image.n_frames == 8
    assert not folder_of(target).exists()


def test_a_picture_that_is_too_small_leaves_nothing(run, photo: Path) -> None:
    noise(9, 30).save(photo)
    code, _, err = run("zoom", photo, "-o", photo.with_name("f.gif"), *QUICK)
    assert code == 3
    assert "too small" in err
    assert [x.name for x in photo.parent.iterdir()] == [photo.name]


def test_lost_transparency_gives_a_warning(run, photo: Path) -> None:
    noise(30, 40, "RGBA").save(photo)
    _, _, err = run("zoom", photo, "-o", photo.with_name("f.gif"), "--seconds", 0.1, *QUICK)
    assert "no transparency" in err
