"""Writing films, which OpenCV or Pillow read back with other decoders."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageError, UsageError
from engine.films import encode, extra
from engine.films.shot import Shot
from tests.engine.films.conftest import panned, played, shots


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_a_film_plays_elsewhere_with_the_same_frames(tmp_path: Path, suffix: str) -> None:
    frames = panned(8)
    target = tmp_path / ("film" + suffix)
    assert encode.write(shots(frames), target, Fraction(25)) == ()
    seen = played(target)
    assert len(seen) == 8
    for before, after in zip(frames, seen, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 6
    assert [x.name for x in tmp_path.iterdir()] == [target.name]


def test_colours_are_those_of_the_frames(tmp_path: Path) -> None:
    """Without tags, or with wrong ones, saturated colours would shift by ten or more."""
    av = pytest.importorskip("av")
    flat = [np.full((720, 1280, 3), colour, np.uint8) for colour in [(200, 30, 40), (20, 160, 60)]]
    encode.write(shots(flat), tmp_path / "film.mp4", Fraction(25))
    with av.open(str(tmp_path / "film.mp4")) as film:
        context = film.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        for frame, colour in zip(film.decode(video=0), flat, strict=True):
            seen = frame.to_ndarray(format="rgb24", src_colorspace="ITU709")
            assert np.abs(seen.astype(int) - colour).max() <= 4


@pytest.mark.parametrize("shape", [(31, 45), (30, 45), (31, 44)])
def test_odd_sides_lose_one_row_or_column(tmp_path: Path, shape: tuple[int, int]) -> None:
    frames = [np.full((*shape, 3), 90, np.uint8)] * 3
    encode.write(shots(frames), tmp_path / "film.mp4", Fraction(25))
    assert played(tmp_path / "film.mp4")[0].shape == (30, 44, 3)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animated_pictures(tmp_path: Path, suffix: str) -> None:
    frames = panned(5, 31, 45)
    target = tmp_path / ("film" + suffix)
    encode.write(shots(frames, 10), target, Fraction(10), hold=1.5)
    with Image.open(target) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (5, (45, 31), 0)
        durations = []
        for i, frame in enumerate(frames):
            image.seek(i)
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - frame).mean() < 8
            durations.append(image.info["duration"])
    assert durations == [100, 100, 100, 100, 1600]


def test_gif_keeps_its_length_at_rates_it_cannot_count(tmp_path: Path) -> None:
    encode.write(shots(panned(30), 30), tmp_path / "film.gif", Fraction(30))
    with Image.open(tmp_path / "film.gif") as image:
        total = 0
        for i in range(image.n_frames):
            image.seek(i)
            total += image.info["duration"]
    assert total == 1000


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".gif"])
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    # As much as it takes for x264 to use threads; the others are the same or not at any size.
    frames = panned(40, 160, 240) if suffix in {".mp4", ".mkv"} else panned(16, 96, 128)
    targets = [tmp_path / f"{i}{suffix}" for i in range(3)]
    for target in targets:
        encode.write(shots(frames), target, Fraction(25))
    assert len({x.read_bytes() for x in targets}) == 1


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    times = [Fraction(x, 1000) for x in (0, 40, 200, 210, 500)]
    made = [Shot(time, image) for time, image in zip(times, panned(5), strict=True)]
    encode.write(made, tmp_path / "film.mp4", Fraction(25), time_base=Fraction(1, 1000))
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert [x.pts * x.time_base for x in film.decode(video=0)] == times


def test_a_film_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken():
        yield from shots(panned(3))
        raise KeyboardInterrupt

    for name in ("film.mp4", "film.gif"):
        with pytest.raises(KeyboardInterrupt):
            encode.write(broken(), tmp_path / name, Fraction(25))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "pixels", "said"),
    [
        ("film.mp3", 0, "not name a film format"),
        ("film", 0, "not name a film format"),
        ("none/film.mp4", 0, "there is no folder"),
        ("film.gif", 10**9, "GB of memory"),
    ],
)
def test_what_cannot_be_written_is_reported_first(tmp_path: Path, name: str, pixels: int, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        encode.check_writable(tmp_path / name, pixels)


def test_without_the_extra_only_animated_pictures_can_be_written(tmp_path: Path, monkeypatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(extra, "import_module", missing)
    with pytest.raises(UsageError, match="PyAV") as error:
        encode.check_writable(tmp_path / "film.mp4")
    assert 'pip install "deepdream-onnx[video]"' in error.value.hint
    with pytest.raises(UsageError, match="OpenCV"):
        extra.opencv()
    encode.write(shots(panned(2)), tmp_path / "film.gif", Fraction(25))
