"""Small copies of pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ImageCms

from engine.files.images import from_pil
from engine.galleries.thumbnails import thumbnail
from engine.pictures.picture import Picture
from tests.engine.conftest import noise


@pytest.mark.parametrize("shape", [(600, 800), (800, 600), (900, 900), (700, 1000)])
def test_all_shapes_get_as_many_pixels(shape) -> None:
    small = thumbnail(from_pil(noise(*shape)), 200)
    assert small.shape[0] * small.shape[1] == pytest.approx(200 * 200, rel=0.03)
    assert small.shape[0] / small.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.03)


def test_a_small_picture_stays_as_it_is() -> None:
    picture = from_pil(noise(30, 40))
    np.testing.assert_array_equal(thumbnail(picture, 256), picture.pixels)


def test_a_panorama_gets_more_pixels_within_reason() -> None:
    assert thumbnail(from_pil(noise(400, 2000)), 200).shape[:2] == (160, 800)
    height, width = thumbnail(from_pil(noise(400, 9000)), 200).shape[:2]
    assert height < 160
    assert height * width == pytest.approx(400 * 400, rel=0.03)
    assert thumbnail(from_pil(noise(50, 4000)), 300).shape[:2] == (50, 4000)


def test_one_line_of_pixels() -> None:
    assert thumbnail(from_pil(noise(1, 9000)), 10).shape[0] == 1


def test_the_copy_looks_like_the_picture() -> None:
    ramp = np.linspace(0, 255, 400)[np.newaxis, :, np.newaxis] * np.ones((300, 1, 3))
    small = thumbnail(Picture(ramp.astype(np.uint8)), 60)
    expected = np.linspace(0, 255, small.shape[1])
    assert np.abs(small - expected[np.newaxis, :, np.newaxis]).max() < 6


def test_what_is_transparent_becomes_paper() -> None:
    alpha = np.zeros((40, 40), np.uint8)
    alpha[:, 20:] = 255
    small = thumbnail(Picture(np.full((40, 40, 3), 9, np.uint8), alpha), 40)
    assert (small[:, :20] == 255).all()
    assert (small[:, 20:] == 9).all()


def test_colours_become_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = np.full((20, 20, 3), 100, np.uint8)
    assert np.abs(thumbnail(Picture(grey, icc=profile), 20).astype(int) - 100).max() <= 1
    linear = _linear_profile()
    lighter = thumbnail(Picture(grey, icc=linear), 20)
    expected = 255 * (1.055 * (100 / 255) ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    assert np.abs(lighter - expected).max() < 3


def test_a_profile_that_does_not_work_is_ignored() -> None:
    grey = np.full((20, 20, 3), 100, np.uint8)
    np.testing.assert_array_equal(thumbnail(Picture(grey, icc=b"nonsense"), 20), grey)


def _linear_profile() -> bytes:
    """The sRGB profile with straight lines for curves."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(content[128:132], "big")
    for i in range(count):
        entry = 132 + 12 * i
        if bytes(content[entry : entry + 4]) in {b"rTRC", b"gTRC", b"bTRC"}:
            place = int.from_bytes(content[entry + 4 : entry + 8], "big")
            content[place : place + 12] = b"curv" + bytes(4) + bytes(4)  # no points: the identity
    ImageCms.ImageCmsProfile(io.BytesIO(bytes(content)))
    return bytes(content)
