"""What a programmer hands over as a picture, a guide or a mask."""

from __future__ import annotations

import io
import mmap
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms

import engine
from engine.errors import ImageError, UsageError
from engine.library.sources import read, read_mask
from tests.engine.conftest import as_file, noise

LIGHT = {"layers": "mixed0,mixed1", "iterations": 1, "octaves": 1}


class Named:
    """A path of somebody's own class."""

    def __init__(self, path: str | bytes) -> None:
        self.path = path

    def __fspath__(self) -> str | bytes:
        return self.path


class Readable:
    """The least that an open file is, as web frameworks hand over what was sent to them."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        return self.content


class ArrayLike:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.values


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def in_zip(path: Path) -> io.BufferedIOBase:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, "x.png")
    return zipfile.ZipFile(packed).open("x.png")


def behind_a_header(content: bytes) -> io.BytesIO:
    file = io.BytesIO(b"header" + content)
    file.seek(6)
    return file


FORMS = {
    "text": str,
    "own path": lambda x: Named(str(x)),
    "own path in bytes": lambda x: Named(os.fsencode(x)),
    "bytes": Path.read_bytes,
    "bytearray": lambda x: bytearray(x.read_bytes()),
    "memoryview": lambda x: memoryview(x.read_bytes()),
    "every second byte": lambda x: memoryview(bytes(np.repeat(bytearray(x.read_bytes()), 2)))[::2],
    "BytesIO": lambda x: io.BytesIO(x.read_bytes()),
    "from a position": lambda x: behind_a_header(x.read_bytes()),
    "file": lambda x: x.open("rb"),
    "file without buffer": lambda x: x.open("rb", buffering=0),
    "mmap": mapped,
    "zip": in_zip,
    "own file": lambda x: Readable(x.read_bytes()),
    "array": pixels_of,
    "array-like": lambda x: ArrayLike(pixels_of(x)),
    "Pillow": lambda x: Image.open(io.BytesIO(x.read_bytes())),
    "Picture": lambda x: engine.Picture(pixels_of(x)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_picture(photo: Path, form: str) -> None:
    source = FORMS[form](photo)
    picture, _ = read(source)
    if hasattr(source, "close"):
        source.close()
    np.testing.assert_array_equal(picture.pixels, pixels_of(photo))
    assert not picture.pixels.flags.writeable


@pytest.mark.slow
def test_as_picture_guide_and_mask(photo: Path, tiny) -> None:
    content = photo.read_bytes()
    expected = engine.dream(photo, guide=photo, mask=photo, model=tiny, **LIGHT)
    for form in (content, io.BytesIO(content), Named(str(photo))):
        again = [form, io.BytesIO(content)]
        dream = engine.dream(again[0], guide=content, mask=again[1], model=Named(tiny.name), **LIGHT)
        np.testing.assert_array_equal(dream.pixels, expected.pixels)
        assert dream.recipe.picture == expected.recipe.picture
        assert dream.recipe.mask.sha256 == expected.recipe.mask.sha256


def test_an_open_file_stays_open_and_is_read_to_its_end(photo: Path) -> None:
    with photo.open("rb") as file:
        read(file)
        assert not file.closed
        assert file.read() == b""


@pytest.mark.parametrize("kind", [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint32, np.uint64])
def test_whole_numbers_go_to_255_and_booleans_are_black_and_white(kind) -> None:
    values = np.array(noise(20, 30, "L")) % 2 if kind in {np.bool_, np.int8} else np.array(noise(20, 30, "L"))
    expected = values * 255 if kind == np.bool_ else values
    picture, _ = read(values.astype(kind))
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_array_equal(picture.pixels[..., 1], expected)


@pytest.mark.parametrize("kind", ["<u2", ">u2", "<f2", ">f4", "<f8", ">f8", np.longdouble])
def test_byte_order_and_precision_do_not_matter(kind) -> None:
    white = 65535 if kind in {"<u2", ">u2"} else 1
    values = np.linspace(0, white, 20 * 30 * 3).reshape(20, 30, 3).astype(kind)
    picture, _ = read(values)
    assert picture.pixels.dtype == (np.uint16 if white == 65535 else np.float32)
    np.testing.assert_array_equal(picture.pixels, values.astype(picture.pixels.dtype))


@pytest.mark.slow
@given(
    arrays.arrays(
        st.sampled_from([np.bool_, np.uint8, np.uint16]),
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=6).flatmap(
            lambda x: st.sampled_from([x, *((*x, channels) for channels in range(1, 5))])
        ),
    ),
    st.sampled_from(
        [
            np.asfortranarray,
            np.copy,
            lambda x: x[::-1][::-1],
            lambda x: x.swapaxes(0, 1).copy().swapaxes(0, 1),
        ]
    ),
)
def test_how_an_array_lies_in_memory_does_not_matter(values: np.ndarray, lay) -> None:
    laid = lay(values.copy())
    laid.flags.writeable = False
    picture, origin = read(laid)
    again, its_origin = read(values)
    np.testing.assert_array_equal(picture.pixels, again.pixels)
    assert origin == its_origin
    assert picture.shape == values.shape[:2]
    assert (picture.alpha is None) == (values.ndim == 2 or values.shape[2] % 2 == 1)
    assert not np.shares_memory(picture.pixels, laid)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((20, 20, 3), np.nan), "holds NaN"),
        (np.full((20, 20, 3), -np.inf, np.float16), "holds infinity"),
        (np.full((20, 20), 1.001), "between 0 and 1: it goes from 1.001"),
        (np.full((20, 20), -1), "between 0 and 255: it goes from -1"),
        (np.full((20, 20), 65535, np.int32), "between 0 and 255"),
        (np.zeros((20, 20, 3), complex), "is of complex128"),
        (np.zeros((20, 20, 3), object), "is of object"),
        (np.zeros((20, 20, 3), "U3"), "is of <U3"),
        (np.zeros((20, 20, 3), "M8[s]"), "is of datetime64"),
        (np.zeros((20, 20), [("r", "u1")]), "is of"),
        (np.zeros((0, 20, 3)), "the shape"),
        (np.zeros(()), "the shape"),
        (np.zeros((1, 20, 20, 3)), "the shape"),
        (np.zeros((3, 20, 20)), "the shape"),
        (np.float32(1), "the shape"),
        (np.ma.masked_less(np.zeros((20, 20)), 1), "masked array"),
        (engine.Picture(np.zeros((20, 20, 3), np.int64)), "without pixels of uint8"),
        (engine.Picture(np.zeros((20, 20), np.uint8)), "without pixels of uint8"),
        (engine.Picture(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20))), "whose alpha"),
        (Image.new("RGB", (0, 5)), "has no pixels"),
        (Image.fromarray(np.full((20, 20), np.nan, np.float32)), "holds NaN"),
    ],
)
def test_what_is_no_picture_is_told_by_the_arguments_name(array: object, said: str) -> None:
    for name in ("picture", "guide", "mask"):
        with pytest.raises(ImageError, match=said) as caught:
            read(array, name)
        assert str(caught.value).startswith(f"the {name}")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (5, "mask cannot be 5"),
        ([[1, 2], [3, 4]], "mask cannot be"),
        ({"path": "x"}, "mask cannot be"),
        (io.StringIO("x"), "gives str instead of bytes"),
    ],
)
def test_what_no_picture_can_be_is_refused_with_what_is_taken(source: object, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read(source, "mask")
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("x\0.png", "mask is no path"),
        ("\ud800.png", "mask is no path"),
        (Named("x\0.png"), "mask is no path"),
        ("x" * 300, "mask is no path"),
        ("x" * 100_000, "mask is no path"),
        ("", "mask is an empty path"),
    ],
)
def test_a_path_that_no_file_can_have(path: object, said: str) -> None:
    with pytest.raises(ImageError, match=said) as caught:
        read(path, "mask")
    assert "bytes" in caught.value.hint
    assert len(str(caught.value)) < 200


def test_files_that_cannot_be_read(photo: Path, tmp_path: Path) -> None:
    closed = photo.open("rb")
    closed.close()
    with pytest.raises(UsageError, match="closed"):
        read(closed)
    with (tmp_path / "out").open("wb") as writable, pytest.raises(UsageError, match="cannot be read"):
        read(writable)
    with photo.open(encoding="utf-8") as text, pytest.raises(UsageError) as caught:
        read(text)
    assert "rb" in caught.value.hint
    for content, said in ((b"", "is empty"), (b"GIF", "is not a picture in a known format")):
        with pytest.raises(ImageError, match=f"the guide's content {said}"):
            read(content, "guide")


def test_a_pillow_image_that_was_closed_is_not_called_damaged(photo: Path) -> None:
    with Image.open(photo) as unread:
        pass
    closed = noise(20, 30)
    closed.close()
    for image in (unread, closed):
        with pytest.raises(UsageError, match="picture is a Pillow image that was closed"):
            read(image)
    with Image.open(photo) as loaded:
        loaded.load()
    assert read(loaded)[0].shape == (30, 40)


def in_mode(mode: str) -> Image.Image:
    """A Pillow image of a mode; those of the mode P have no colour that is transparent."""
    colours = noise(20, 30, "RGBA")
    if mode.startswith("I;16"):
        order = ">" if mode == "I;16B" else "<"
        values = (np.asarray(colours.convert("L")).astype(np.uint16) * 257).astype(f"{order}u2")
        return Image.frombytes(mode, (30, 20), values.tobytes())
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(colours.convert("RGB"), *profiles, outputMode="LAB")
    between = {"La": "LA", "PA": "P", "HSV": "RGB", "F": "L", "I": "L"}.get(mode, mode)
    return (
        colours.convert("RGB").convert(between).convert(mode)
        if mode == "PA"
        else colours.convert(between).convert(mode)
    )


MODES = ["1", "L", "LA", "La", "P", "PA", "I", "I;16", "I;16L", "I;16B", "I;16N", "F", "RGB", "RGBA", "RGBa"]
MODES += ["RGBX", "CMYK", "YCbCr", "HSV", "LAB"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_looks_as_pillow_shows_it(mode: str) -> None:
    image = in_mode(mode)
    assert image.mode == mode
    picture, _ = read(image)
    if mode.startswith("I;16"):  # Pillow itself takes 255 as white
        assert picture.pixels.dtype == np.uint16
        expected = noise(20, 30, "RGBA").convert("L").convert("RGB")
    elif mode == "La":  # Pillow knows only one way from there
        expected = image.convert("LA").convert("RGBA")
    else:
        expected = image.convert("RGBA" if image.has_transparency_data else "RGB")
    shown = picture.to_pil()
    assert shown.mode == expected.mode
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(expected))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_whole_and_real_numbers_of_pillow_go_to_255(mode: str, tiny) -> None:
    grey = noise(20, 30, "L")
    dreams = [engine.dream(x, model=tiny, depth="8", **LIGHT) for x in (grey, grey.convert(mode))]
    np.testing.assert_allclose(*(x.pixels.astype(int) for x in dreams), atol=1)
    assert dreams[1].warnings == ()


def test_numbers_in_another_range_than_pillows_are_told() -> None:
    deep = Image.fromarray(np.full((20, 30), 30_000, np.int32))
    picture, _ = read(deep)
    assert picture.pixels.max() == 30_000
    assert "65535 was taken as white" in picture.warnings[0]
    picture, _ = read(Image.fromarray(np.full((20, 30), 0.5, np.float32)))
    assert picture.pixels.max() == np.float32(0.5 / 255)
    assert "255 is white" in picture.warnings[0]


def test_a_float_picture_of_pillow_straight_from_its_file_is_the_files(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    Image.fromarray(values).save(tmp_path / "x.tif")
    with Image.open(tmp_path / "x.tif") as image:
        picture, _ = read(image)
    np.testing.assert_array_equal(picture.pixels, read(tmp_path / "x.tif")[0].pixels)
    np.testing.assert_array_equal(picture.pixels[..., 0], values)


def test_a_mask_in_every_form() -> None:
    inside = np.zeros((20, 30), bool)
    inside[5:, 10:] = True
    grey = Image.fromarray(inside.astype(np.uint8) * 255)
    forms = [inside, inside[..., None], inside * 255, inside.astype(np.float16), grey, grey.convert("1")]
    forms += [grey.convert("F"), inside * np.uint16(65535), as_file(grey, "PNG"), as_file(grey, "PNG").read()]
    for form in forms:
        np.testing.assert_array_equal(read_mask(form).values, inside * 255)


def test_a_mask_of_zeros_and_ones_is_told(tiny) -> None:
    ones = np.ones((20, 30), np.uint8)
    dream = engine.dream(noise(20, 30), mask=ones, model=tiny, **LIGHT)
    assert any("the mask is black" in x for x in dream.warnings)
    assert engine.dream(noise(20, 30), mask=ones > 0, model=tiny, **LIGHT).warnings == ()
