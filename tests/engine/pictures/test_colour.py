"""Colour profiles, against Little CMS."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.files import images
from engine.pictures.colour import grey_curve, space_of
from tests import icc
from tests.engine.conftest import as_file, noise

imagecodecs = pytest.importorskip("imagecodecs")

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RNG = np.random.default_rng(0)
WIDE = {
    "gamma": icc.rgb(icc.DISPLAY_P3, icc.gamma(2.2)),
    "parametric": icc.rgb(icc.DISPLAY_P3, icc.SRGB_CURVE),
    "table": icc.rgb(icc.PROPHOTO, icc.table(np.linspace(0, 1, 1024) ** 1.8)),
    "linear": icc.rgb(icc.PROPHOTO, icc.gamma(1.0)),
    "offset": icc.rgb(icc.DISPLAY_P3, icc.parametric(4, 2.2, 0.95, 0.05, 0.1, 0.05, 0.0, 0.00097)),
}


def by_little_cms(values: np.ndarray, source: bytes, target: bytes) -> np.ndarray:
    deep = np.rint(values * 65535).astype(np.uint16)
    # Intent 1 is the relative one; flag 0x100 keeps Little CMS from computing 16 bits by a coarse table.
    found = imagecodecs.cms_transform(
        deep[np.newaxis],
        source,
        target,
        colorspace="RGB",
        outcolorspace="RGB",
        intent=1,
        flags=0x100,
    )
    return found[0] / 65535


@pytest.mark.parametrize("name", WIDE)
def test_a_wide_space_to_srgb_and_back_as_little_cms_does(name: str) -> None:
    space = space_of(WIDE[name])
    values = RNG.random((5000, 3), np.float32)
    seen = space.to_srgb(values)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, by_little_cms(values, WIDE[name], SRGB), atol=3e-3)
    back = space.from_srgb(values)
    np.testing.assert_allclose(back.clip(0, 1), by_little_cms(values, SRGB, WIDE[name]), atol=3e-3)


def test_what_sees_no_difference_is_srgb() -> None:
    assert space_of(SRGB) is None
    assert space_of(None) is None
    srgb = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
    assert space_of(icc.rgb(srgb, icc.SRGB_CURVE)) is None
    assert space_of(icc.rgb(srgb, icc.gamma(2.2))) is not None


def test_a_profile_that_is_no_matrix() -> None:
    space = space_of(icc.rgb_by_table(128))
    values = np.array([[0, 0, 0], [1, 1, 1], [0.3, 0.5, 0.9]], np.float32)
    seen = space.to_srgb(values)
    expected = by_little_cms(values, icc.rgb_by_table(128), SRGB)
    np.testing.assert_allclose(seen, expected, atol=6e-3)
    assert seen[0, 0] == pytest.approx(119 / 255, abs=0.01)  # lightness 50
    np.testing.assert_allclose(space.from_srgb(np.ones((1, 3), np.float32)), 1, atol=0.01)


@pytest.mark.parametrize(
    "damage",
    [
        lambda x: x[:200],
        lambda x: x[:128] + b"\xff" * 300,
        lambda x: x.replace(b"rTRC", b"nope"),
        lambda x: x.replace(b"curv\0\0\0\0\0\0\0\1", b"curv\0\0\0\0\xff\xff\xff\xff"),
        lambda x: x.replace(icc.xyz(icc.DISPLAY_P3[0]), icc.xyz((0, 0, 0))),
        lambda x: x[:16] + b"Luv " + x[20:],
    ],
)
def test_a_damaged_profile_counts_as_srgb(damage) -> None:
    assert space_of(damage(WIDE["gamma"])) is None


@pytest.mark.parametrize(
    "numbers",
    [
        (0, -2.0),
        (1, 30000.0, 30000.0, 1.0),
        (3, 32767.0, 2.0, 9.0, 1.0, 0.5),
        (4, -9.0, *[0.0] * 6),
    ],
)
def test_a_curve_beyond_all_numbers_counts_as_none_without_a_word(numbers) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert space_of(icc.rgb(icc.DISPLAY_P3, icc.parametric(*numbers))) is None
        assert grey_curve(icc.grey(icc.parametric(*numbers))) is None
    assert not said


def test_grey_by_its_profile_at_each_depth() -> None:
    curve = grey_curve(icc.grey(icc.gamma(1.0)))
    assert curve[32768] == pytest.approx(0.7354, abs=1e-4)  # sRGB's value of half the light
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    profile = icc.grey(icc.gamma(1.0))
    picture = images.load(as_file(Image.fromarray(ramp), "PNG", icc_profile=profile))
    assert picture.icc is None
    assert picture.warnings == ("the grey colour profile is not kept: the result is sRGB",)
    np.testing.assert_allclose(picture.pixels[..., 1].ravel() / 255, curve[::257], atol=0.002)
    deep = Image.fromarray(np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16))
    picture = images.load(as_file(deep, "PNG", icc_profile=profile))
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_allclose(picture.pixels[..., 1].ravel() / 65535, curve[::257], atol=1e-5)
    floats = Image.fromarray(np.array([[-0.5, 0, 0.5, 1, 3]], np.float32))
    picture = images.load(as_file(floats, "TIFF", icc_profile=profile))
    np.testing.assert_allclose(picture.pixels[0, :, 0], [-0.5, 0, 0.7354, 1, 3], atol=1e-4)


def test_cmyk_by_its_profile() -> None:
    image = Image.new("CMYK", (9, 7), (255, 0, 0, 0))
    picture = images.load(as_file(image, "TIFF", icc_profile=icc.cmyk(128)))
    assert picture.icc is None
    assert picture.warnings == ()
    np.testing.assert_allclose(picture.pixels, 119, atol=1)  # lightness 50, where plain ink would be cyan


def test_a_format_without_profiles_gets_srgb(tmp_path) -> None:
    picture = images.load(as_file(noise(7, 9), "PNG", icc_profile=WIDE["parametric"]))
    assert images.save(picture, tmp_path / "x.bmp") == (
        "BMP cannot hold the colour profile: the result is sRGB",
    )
    expected = by_little_cms(picture.pixels.reshape(-1, 3) / 255, WIDE["parametric"], SRGB).reshape(7, 9, 3)
    np.testing.assert_allclose(images.load(tmp_path / "x.bmp").pixels / 255, expected, atol=0.004)
