"""Films by function call: the same as the commands make, and nothing is lost silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.cli import main as cli
from engine.errors import ImageError, UsageError
from tests.engine.conftest import QUICK, TINY
from tests.engine.films.conftest import panned, photograph, played

LIGHT = {"preset": "keras", "layers": "mixed0,mixed1", "iterations": 1, "octaves": 2}
BRIEF = {"seconds": 0.3, "fps": 20, "size": 64}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(48, 64)).save(path)
    return path


@pytest.mark.slow
def test_zoom_makes_the_film_that_the_command_makes(photo: Path, tmp_path: Path) -> None:
    frames: list[engine.Frame] = []
    film = engine.zoom(
        photo, tmp_path / "a.webp", model=TINY, threads=1, progress=frames.append, **BRIEF, **LIGHT
    )
    assert film.path == tmp_path / "a.webp"
    assert [x.number for x in frames] == [1, 2, 3, 4, 5, 6]
    assert film.frames == 6
    options = ["--seconds", "0.3", "--fps", "20", "--size", "64", "--threads", "1", "--octaves", "2"]
    settings = [*QUICK, "--preset", "keras", "--iterations", "1"]
    command = ["zoom", str(photo), "-o", str(tmp_path / "b.webp"), *options, *settings]
    assert cli.main(command) == 0
    assert film.path.read_bytes() == (tmp_path / "b.webp").read_bytes()


def test_zoom_takes_one_light_step_a_frame_where_nothing_else_is_said(
    tiny, photo: Path, tmp_path: Path
) -> None:
    film = engine.zoom(photo, tmp_path / "a.gif", model=tiny, layers="mixed0", **BRIEF)
    assert film.config.iterations == 1
    assert film.config.step_size == pytest.approx(0.7 * engine.PRESETS["flight"].step_size)


def test_a_stopped_zoom_goes_on_with_the_same_call(tiny, photo: Path, tmp_path: Path) -> None:
    def stop(frame: engine.Frame) -> None:
        if frame.number == 3:
            raise KeyboardInterrupt

    found = []
    with pytest.raises(KeyboardInterrupt):
        engine.zoom(photo, tmp_path / "a.gif", model=tiny, progress=stop, **BRIEF, **LIGHT)
    engine.zoom(
        photo, tmp_path / "a.gif", model=tiny, progress=lambda x: found.append(x.number), **BRIEF, **LIGHT
    )
    assert found[0] == 4


def test_a_lost_alpha_is_told(tiny, tmp_path: Path) -> None:
    clear = np.dstack([photograph(48, 64), np.full((48, 64), 100, np.uint8)])
    film = engine.zoom(clear, tmp_path / "a.gif", model=tiny, **BRIEF, **LIGHT)
    assert "a film has no transparency: left out" in film.warnings


def test_what_is_there_is_not_replaced_unasked(tiny, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"somebody's")
    with pytest.raises(UsageError, match="already exists"):
        engine.zoom(photo, tmp_path / "a.gif", model=tiny, **BRIEF, **LIGHT)
    engine.zoom(photo, tmp_path / "a.gif", model=tiny, overwrite=True, **BRIEF, **LIGHT)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 6


def test_a_film_never_replaces_its_own_source(tiny, tmp_path: Path) -> None:
    Image.fromarray(photograph(48, 64)).save(tmp_path / "photo.webp")
    with pytest.raises(UsageError, match="is the input"):
        engine.zoom(
            tmp_path / "photo.webp", tmp_path / "photo.webp", model=tiny, overwrite=True, **BRIEF, **LIGHT
        )


def test_an_unknown_format_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        engine.zoom("missing.jpg", tmp_path / "film.xyz")


def test_video_dreams_on_each_frame(tiny, film, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    source = film(frames=panned(5))
    frames: list[engine.Frame] = []
    made = engine.video(source, tmp_path / "out", model=tiny, progress=frames.append, **LIGHT)
    assert made.path == tmp_path / "out.mp4"
    assert made.path.exists()
    assert [x.number for x in frames] == [1, 2, 3, 4, 5]
    assert made.config.clip
    pictures = played(made.path)
    assert min(np.abs(a.astype(int) - b).mean() for a, b in zip(pictures, panned(5), strict=True)) > 0.3


def test_video_refuses_a_carry_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="carry"):
        engine.video("missing.mp4", tmp_path / "out.mp4", carry=1.0)
