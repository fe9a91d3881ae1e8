"""How frames are shown: square pixels, turned films, colours of every kind; and what is not shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.films import decode, encode, hdr
from engine.films.tally import Tally
from tests.engine.conftest import QUICK
from tests.engine.films.conftest import panned, photograph, played
from tests.engine.films.recorded import BT2020, FULL, ITU601, ITU709, LIMITED, record

av = pytest.importorskip("av")
pytest.importorskip("cv2")


def flat(colour: tuple[int, ...], height: int = 48, width: int = 64) -> list[np.ndarray]:
    return [np.full((height, width, len(colour)), colour, np.uint8)] * 3


def first(path: Path) -> np.ndarray:
    return next(decode.shots(path)).image


def warnings(path: Path) -> tuple[str, ...]:
    return decode.look(path).warnings


@pytest.mark.parametrize("aspect", [Fraction(16, 11), Fraction(8, 9), Fraction(2)])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction) -> None:
    """A film of 64x48 in oblong pixels has the shape that the film itself states for players."""
    path = record(tmp_path / "in.mkv", panned(3), aspect=aspect)
    with av.open(str(path)) as film:
        stated = film.streams.video[0].display_aspect_ratio
    height, width = decode.look(path).shape
    assert width / height == pytest.approx(float(stated), rel=0.02)
    assert min(width / 64, height / 48) == 1
    expected = Image.fromarray(panned(3)[0]).resize((width, height))
    assert np.abs(np.asarray(expected).astype(int) - first(path)).mean() < 6
    assert warnings(path) == ()


def test_oblong_pixels_are_those_of_the_film_before_it_is_turned(tmp_path: Path) -> None:
    path = record(tmp_path / "in.mp4", panned(3), aspect=Fraction(2), mirrored={"degrees": 90})
    upright = np.rot90(np.asarray(Image.fromarray(panned(3)[0]).resize((128, 48))))
    assert decode.look(path).shape == first(path).shape[:2] == (128, 48)
    assert np.abs(upright.astype(int) - first(path)).mean() < 6


def test_pixels_of_an_impossible_shape_are_square(tmp_path: Path) -> None:
    path = record(tmp_path / "in.mp4", panned(3), aspect=Fraction(10))
    assert first(path).shape == (48, 64, 3)
    assert any("impossible shape" in x for x in warnings(path))


@pytest.mark.slow
def test_a_dreamed_film_has_the_shape_that_players_show(run, tmp_path: Path) -> None:
    path = record(tmp_path / "in.mkv", panned(3), aspect=Fraction(3, 2))
    assert run("video", path, tmp_path / "out.mp4", *QUICK)[0] == 0
    assert played(tmp_path / "out.mp4")[0].shape == (48, 96, 3)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [{}, {"hflip": True}, {"vflip": True}])
def test_turned_and_mirrored_films_are_upright(tmp_path: Path, degrees: int, flip: dict[str, bool]) -> None:
    upright = np.rot90(photograph(48, 64), degrees // 90)
    upright = upright[:, ::-1] if "hflip" in flip else upright[::-1] if "vflip" in flip else upright
    path = record(tmp_path / "in.mp4", [photograph(48, 64)] * 2, mirrored={"degrees": degrees, **flip})
    assert decode.look(path).shape == upright.shape[:2]
    assert np.abs(upright.astype(int) - first(path)).mean() < 6


@pytest.mark.parametrize("matrix", [ITU601, ITU709, BT2020])
@pytest.mark.parametrize("span", [LIMITED, FULL])
def test_matrix_and_range_are_those_of_the_film(tmp_path: Path, matrix: int, span: int) -> None:
    colour = (200, 30, 40)
    path = record(tmp_path / "in.mp4", flat(colour), colorspace=matrix, color_range=span)
    assert np.abs(first(path).astype(int) - colour).max() <= 4


def test_an_unstated_matrix_is_guessed_as_players_do(tmp_path: Path) -> None:
    """Large films were made with Rec. 709's, small ones with Rec. 601's."""
    colour = (200, 30, 40)
    small, large = flat(colour), flat(colour, 720, 1280)
    assert np.abs(first(record(tmp_path / "a.mp4", small)).astype(int) - colour).max() <= 4
    # Recorded with Rec. 709's matrix, but without its tag.
    path = record(tmp_path / "b.mp4", large, colorspace=ITU709, untagged=True)
    assert np.abs(first(path).astype(int) - colour).max() <= 4


def test_wide_colours_are_those_of_srgb(tmp_path: Path) -> None:
    """Rec. 2020's (180, 100, 60) by the matrix of Report BT.2407, worked out by hand."""
    light = ((np.array([180, 100, 60]) / 255 + 0.055) / 1.055) ** 2.4
    matrix = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    expected = (1.055 * (matrix @ light).clip(0) ** (1 / 2.4) - 0.055).clip(0) * 255
    path = record(tmp_path / "in.mp4", flat((180, 100, 60)), colorspace=BT2020, color_primaries=9)
    assert np.abs(first(path).astype(float) - expected).max() <= 5
    assert any("colours that the result cannot have" in x for x in warnings(path))
    grey = record(tmp_path / "grey.mp4", flat((90, 90, 90)), colorspace=BT2020, color_primaries=9)
    assert np.abs(first(grey).astype(int) - 90).max() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("curve", [hdr.PQ, hdr.HLG])
def test_hdr_is_never_taken_for_sdr(run, tmp_path: Path, curve: int) -> None:
    """The reference white of Report BT.2408 (58 % of PQ, 75 % of HLG) is nearly white, not a grey."""
    signal = {hdr.PQ: 0.58, hdr.HLG: 0.75}[curve]
    frames = flat((round(signal * 255),) * 3)
    tags = {"color_trc": curve, "color_primaries": 9, "colorspace": BT2020}
    path = record(tmp_path / "in.mp4", frames, pix_fmt="yuv420p10le", **tags)
    assert 220 < first(path).mean() < 235
    code, _, err = run("video", path, tmp_path / "out.mp4", *QUICK)
    assert code == 0
    assert "the film is HDR" in err
    with av.open(str(tmp_path / "out.mp4")) as film:
        frame = next(film.decode(video=0))
        assert (frame.color_trc, frame.color_primaries, frame.colorspace) == (1, 1, 1)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("in.mov", "prores_ks", "yuva444p10le"),
        ("in.mkv", "ffv1", "yuva420p"),
        ("png.mov", "png", "rgba"),
        ("in.webm", "libvpx-vp9", "yuva420p"),
    ],
)
def test_lost_transparency_is_told(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    clear = flat((200, 90, 60, 255))[0].copy()
    clear[:20, :, 3] = 0
    told = "a film has no transparency: left out"
    assert told in warnings(record(tmp_path / name, [clear] * 3, codec=codec, pix_fmt=pix_fmt))


def test_transparency_that_comes_later_is_told_at_the_end(tmp_path: Path) -> None:
    solid = flat((200, 90, 60, 255))
    clear = solid[0].copy()
    clear[:20, :, 3] = 0
    for frames, told in ((solid, ()), ([*solid, clear], ("a film has no transparency: left out",))):
        path = record(tmp_path / "in.mov", frames, codec="png", pix_fmt="rgba")
        assert warnings(path) == ()
        tally = Tally()
        list(decode.shots(path, tally))
        assert tally.warnings == told


def test_interlaced_films_are_told(tmp_path: Path) -> None:
    interlaced = {"x264-params": "tff=1:interlaced=1"}
    path = record(tmp_path / "in.mp4", panned(3), pix_fmt="yuv420p", options=interlaced)
    assert any("interlaced" in x for x in warnings(path))
    assert warnings(record(tmp_path / "plain.mp4", panned(3), pix_fmt="yuv420p")) == ()


def test_a_lost_row_is_told(run, tmp_path: Path) -> None:
    path = record(tmp_path / "in.mkv", panned(3, 47, 65), codec="ffv1")
    code, _, err = run("video", path, tmp_path / "out.mp4", *QUICK)
    assert (code, played(tmp_path / "out.mp4")[0].shape) == (0, (46, 64, 3))
    assert "the sides of such a film must be even: 65x47 becomes 64x46" in err
    assert encode.cropped(tmp_path / "out.gif", (47, 65)) == ()
    assert encode.cropped(tmp_path / "out.mp4", (48, 64)) == ()
