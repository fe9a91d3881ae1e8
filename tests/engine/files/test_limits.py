"""Files of a few kilobytes that would take gigabytes or minutes are refused before they are decoded."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from engine import machine
from engine.errors import ImageError
from engine.files import images, limits, tiff
from engine.files.opening import READ
from tests.engine.conftest import as_file, noise
from tests.engine.files import samples


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding would fail in another way."""
    monkeypatch.setattr(images, "decode", None)


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: size)


@pytest.mark.parametrize("form", READ)
def test_memory_is_asked_before_anything_is_decoded(form: str, monkeypatch, undecoded) -> None:
    if form in {"HEIF", "JXL"}:
        pytest.importorskip({"HEIF": "pillow_heif", "JXL": "pillow_jxl"}[form])
    content = samples.sample(form)
    free(monkeypatch, 1000)
    with pytest.raises(
        ImageError, match=r"x does not fit into memory: to read its .* 1 kB are free"
    ) as caught:
        images.load(io.BytesIO(content), "x")
    assert "smaller" in caught.value.hint


def test_memory_is_asked_before_a_float_tiff_is_decoded(monkeypatch) -> None:
    tifffile = pytest.importorskip("tifffile")
    monkeypatch.setattr(tifffile.TiffPage, "asarray", None)
    free(monkeypatch, 1000)
    for form in ({"photometric": "rgb"}, {"photometric": "rgb", "tile": (16, 16)}):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, np.zeros((9, 7, 3)), **form)
        buffer.seek(0)
        with pytest.raises(ImageError, match="does not fit into memory"):
            images.load(buffer)


def test_what_fits_is_read(monkeypatch) -> None:
    free(monkeypatch, limits.READING * 16 * 16)
    assert images.load(io.BytesIO(samples.sample("PNG"))).shape == (samples.HEIGHT, samples.WIDTH)
    assert images.load(samples.icon(noise(16, 16))).shape == (16, 16)


def test_the_callers_image_is_asked_too(monkeypatch) -> None:
    free(monkeypatch, 1000)
    with pytest.raises(ImageError, match="the picture does not fit into memory"):
        images.from_pil(noise(12, 16))


@pytest.mark.parametrize("wrap", [samples.icon, samples.mac_icon])
def test_a_picture_larger_than_the_icon_around_it_is_found(monkeypatch, undecoded, wrap) -> None:
    content = wrap(Image.new("1", (3000, 2000)))
    free(monkeypatch, 100_000_000)
    with pytest.raises(ImageError, match="its 6 million pixels"):
        images.load(content)


def test_a_jpeg_2000_file_that_says_less_than_its_picture_is_found(monkeypatch, undecoded) -> None:
    content = bytearray(as_file(Image.new("L", (3000, 2000)), "JPEG2000").getvalue())
    place = content.index(b"ihdr") + 4
    content[place : place + 8] = struct.pack(">II", 2, 3)
    free(monkeypatch, 100_000_000)
    with pytest.raises(ImageError, match="its 6 million pixels"):
        images.load(io.BytesIO(bytes(content)))


def test_tiles_larger_than_their_picture_are_found(monkeypatch, undecoded) -> None:
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((16, 16), np.uint8), tile=(16, 16))
    content = bytearray(buffer.getvalue())
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as tiff:
        for name in ("TileWidth", "TileLength"):
            place = tiff.pages.first.tags[name].valueoffset
            content[place : place + 2] = struct.pack("<H", 8192)
    free(monkeypatch, 1_000_000_000)
    with pytest.raises(ImageError, match="its 67 million pixels"):
        images.load(io.BytesIO(bytes(content)))


def test_a_jpeg_that_is_drawn_over_too_often_is_refused(undecoded) -> None:
    with pytest.raises(ImageError, match="more than 100 scans") as caught:
        images.load(io.BytesIO(samples.many_scans(limits.SCANS)))
    assert "save it again" in caught.value.hint


def test_the_larger_a_jpeg_the_fewer_scans_it_may_have(monkeypatch, undecoded) -> None:
    monkeypatch.setattr(limits, "DRAWN", 22 * samples.HEIGHT * samples.WIDTH)
    with pytest.raises(ImageError, match="more than 22 scans"):
        images.load(io.BytesIO(samples.many_scans(22)))


def test_many_scans_of_a_careful_encoder_are_read() -> None:
    picture = images.load(io.BytesIO(samples.many_scans(64)))
    np.testing.assert_array_equal(picture.pixels, images.load(io.BytesIO(samples.many_scans(0))).pixels)


def test_a_film_behind_a_photograph_is_not_counted() -> None:
    behind = b"\xff\xda\0\x02" * 1000
    assert images.load(io.BytesIO(samples.many_scans(1) + behind)).shape == (samples.HEIGHT, samples.WIDTH)
    content = samples.many_scans(1)
    attached = b"\xff\xef" + struct.pack(">H", 2 + len(behind)) + behind
    assert images.load(io.BytesIO(content[:2] + attached + content[2:])).warnings == ()


@pytest.mark.parametrize("big", [False, True])
def test_pages_are_counted_by_their_number_not_its_square(big: bool, monkeypatch) -> None:
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big) as writer:
        for _ in range(3):
            writer.write(np.zeros((9, 8), np.uint8), photometric="minisblack", contiguous=False)
    buffer.seek(0)
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "n_frames", None)
    told = ("only the first of 3 pictures in the file is used",)
    assert images.load(buffer).warnings == told
    content = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        first, last = file.pages[0].offset, file.pages[2].offset
    wide = 8 if big else 4
    at = content.index(last.to_bytes(wide, "little"), first)  # after the second page: now back to the first
    content[at : at + wide] = first.to_bytes(wide, "little")
    assert tiff.count(io.BytesIO(bytes(content))) == 2
