"""Numbers and channels of every kind: kept where a picture can hold them, otherwise told or named."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageError
from engine.files import attached, images
from tests import icc
from tests.engine.conftest import as_file, noise
from tests.engine.files import samples

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(0)


def tiff(values: np.ndarray, **how: object) -> io.BytesIO:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **how)
    buffer.seek(0)
    return buffer


def of(kind: str, channels: int, most: int | None = None) -> np.ndarray:
    if np.dtype(kind).kind == "f":
        return RNG.random((9, 8, channels)).astype(kind)
    info = np.iinfo(kind)
    return RNG.integers(info.min, most or info.max, (9, 8, channels), np.dtype(kind), endpoint=True)


KEPT = "below 0: they became black"


@pytest.mark.parametrize(
    ("kind", "target", "told"),
    [
        ("i1", lambda x: x.clip(0).astype(np.uint8), KEPT),
        ("i2", lambda x: x.clip(0).astype(np.uint16), KEPT),
        ("u4", lambda x: np.rint(x / 65537).astype(np.uint16), "4294967295 was taken as white"),
        ("u8", lambda x: np.rint(x.astype(float) / 2**64 * 65535).astype(np.uint16), "64-bit integers"),
        ("f2", lambda x: x.astype(np.float32), ""),
        ("f8", lambda x: x.astype(np.float32), "64 bits: 32 are kept"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_of_every_kind_are_read(kind, target, told, channels) -> None:
    values = of(kind, channels)
    how = {"photometric": "rgb"} if channels == 3 else {"photometric": "minisblack"}
    picture = images.load(tiff(values if channels == 3 else values[..., 0], **how))
    expected = np.broadcast_to(target(values), picture.pixels.shape)
    assert picture.pixels.dtype == expected.dtype
    np.testing.assert_array_equal(picture.pixels, expected)
    assert told in " ".join(picture.warnings)
    assert bool(picture.warnings) == bool(told)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("layout", ["grey", "contig", "separate"])
def test_integers_of_few_bits_become_16(bits: int, layout: str) -> None:
    values = of("u2", 3, (1 << bits) - 1)
    grey = layout == "grey"
    stored = values[..., 0] if grey else np.moveaxis(values, -1, 0) if layout == "separate" else values
    how = {} if grey else {"planarconfig": layout}
    content = tiff(stored, photometric="minisblack" if grey else "rgb", bitspersample=bits, **how)
    expected = np.rint(values * (65535 / ((1 << bits) - 1)))
    picture = images.load(content)
    np.testing.assert_array_equal(picture.pixels, expected[..., :1].repeat(3, 2) if grey else expected)


def test_12_bits_of_grey_are_as_bright_without_tifffile(monkeypatch) -> None:
    values = of("u2", 1, 4095)[..., 0]
    content = tiff(values, photometric="minisblack", bitspersample=12)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    np.testing.assert_array_equal(images.load(content).pixels[..., 0], np.rint(values * (65535 / 4095)))


def test_unsigned_32_bits_of_grey_are_unsigned_without_tifffile(monkeypatch) -> None:
    values = of("u4", 1)[..., 0]
    content = tiff(values, photometric="minisblack")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    np.testing.assert_array_equal(images.load(content).pixels[..., 0], np.rint(values / 65537))


def test_signed_bytes_need_tifffile(monkeypatch) -> None:
    content = tiff(of("i1", 1)[..., 0], photometric="minisblack")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ImageError, match=r"needs the extra \[tiff\]"):
        images.load(content)


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_a_channel_without_a_name_is_taken_as_opacity(kind: str) -> None:
    for channels, form in ((4, "rgb"), (2, "minisblack")):
        values = of(kind, channels)
        content = tiff(values, photometric=form, extrasamples=["unspecified"], planarconfig="contig")
        picture = images.load(content)
        np.testing.assert_array_equal(picture.alpha, values[..., -1])
        assert picture.warnings == ("the last channel has no name: it was taken as opacity",)


def test_without_tifffile_a_channel_that_is_left_out_is_told(monkeypatch) -> None:
    content = tiff(of("u1", 4), photometric="rgb", extrasamples=["unspecified"])
    monkeypatch.setitem(sys.modules, "tifffile", None)
    picture = images.load(content)
    assert picture.alpha is None
    assert picture.warnings[0].startswith("further channels are not kept: 1")


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
@pytest.mark.parametrize("alpha", [0, 1, None])
def test_channels_beyond_opacity_are_told(kind: str, alpha: int | None) -> None:
    extra = ["unspecified", "unspecified"]
    if alpha is not None:
        extra[alpha] = "unassalpha"
    values = of(kind, 5)
    picture = images.load(tiff(values, photometric="rgb", extrasamples=extra, planarconfig="contig"))
    np.testing.assert_array_equal(picture.pixels, values[..., :3])
    assert picture.warnings == (f"further channels are not kept: {2 if alpha is None else 1}",)
    if alpha is None:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, values[..., 3 + alpha])


@pytest.mark.parametrize(
    ("values", "how", "named"),
    [
        (
            np.zeros((9, 8, 3), np.complex64),
            {"photometric": "rgb"},
            "3 channels of 64-bit complex numbers, RGB",
        ),
        (np.zeros((9, 8, 3), np.uint16), {"photometric": "cielab"}, "3 channels of 16-bit integers, CIELAB"),
        (np.zeros((9, 8), np.uint16), {"photometric": "cfa"}, "1 channels of 16-bit integers, CFA"),
        (
            np.zeros((9, 8, 5), np.uint8),
            {"photometric": "separated", "extrasamples": ["unassalpha"], "planarconfig": "contig"},
            "5 channels of 8-bit integers, SEPARATED",
        ),
    ],
)
def test_a_sound_file_that_is_not_read_is_named(values, how, named: str) -> None:
    with pytest.raises(ImageError) as caught:
        images.load(tiff(values, **how), "x.tif")
    assert str(caught.value) == f"x.tif is a TIFF file of a kind that is not read: {named}"
    assert "convert" in caught.value.hint


def test_further_pages_and_slices_are_told() -> None:
    told = ("only the first of 3 pictures in the file is used",)
    assert images.load(tiff(of("u1", 3).repeat(3, 2), volumetric=False, photometric="rgb")).shape
    volume = np.zeros((3, 16, 16, 1), np.uint8)
    assert images.load(tiff(volume, volumetric=True, photometric="minisblack")).warnings == told
    pages = RNG.random((3, 9, 8, 3)).astype(np.float32)
    picture = images.load(tiff(pages, photometric="rgb"))
    assert picture.warnings == told
    np.testing.assert_array_equal(picture.pixels, pages[0])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_value_of_grey_png(bits: int) -> None:
    values = np.arange(16) % (1 << min(bits, 8)) * (257 if bits == 16 else 1)
    if bits == 16:
        row = values.astype(">u2").tobytes()
    else:
        row = int("".join(f"{x:0{bits}b}" for x in values), 2).to_bytes(2 * bits)
    key = int(values[5])
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 16, 1, bits, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", key)),
        (b"IDAT", zlib.compress(b"\0" + row)),
        (b"IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    picture = images.load(io.BytesIO(content))
    white = 65535 if bits == 16 else 255
    np.testing.assert_array_equal(picture.pixels[0, :, 0], values * (white // ((1 << bits) - 1)))
    np.testing.assert_array_equal(picture.alpha[0], np.where(values == key, 0, white))
    assert picture.warnings == ()


def test_channels_of_photoshop_files_that_are_left_out_are_told() -> None:
    assert images.load(samples.psd_of(4)).alpha is not None
    assert images.load(samples.psd_of(6)).warnings[0].startswith("further channels are not kept: ")


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_metadata_too_long_to_be_looked_at_is_told(form: str, monkeypatch) -> None:
    monkeypatch.setattr(attached, "LIMIT", 100)
    if form == "JPEG":
        iptc = b"\x1c\x02\x05\0\x70" + b"a" * 112
        content = as_file(noise(7, 9), form, xmp=b"x" * 101, extra=attached.photoshop_segment(iptc))
    else:
        content = tiff(
            of("u1", 3), photometric="rgb", extratags=[(700, 1, 101, b"x" * 101), (33723, 7, 101, b"y" * 101)]
        )
    told = images.load(content).warnings
    assert [x for x in told if x.startswith(("XMP of more", "IPTC of more"))] == [
        "XMP of more than 0 MB is not kept",
        "IPTC of more than 0 MB is not kept",
    ]


@pytest.mark.parametrize(
    ("space", "named"), [(b"Lab ", "the Lab colour"), (b"\x9f\x00a\xff", "a damaged colour")]
)
def test_a_profile_is_named_only_by_a_space_that_there_is(space: bytes, named: str) -> None:
    profile = icc.rgb_by_table(20)
    content = as_file(noise(7, 9), "PNG", icc_profile=profile[:16] + space + profile[20:])
    assert f"{named} profile is not kept: the result is RGB" in images.load(content).warnings


def test_values_beyond_32_bits_become_infinite_without_a_word_of_numpy() -> None:
    picture = images.load(tiff(np.array([[[1e300, -1e300, np.nan]]]), photometric="rgb"))
    np.testing.assert_array_equal(picture.pixels[0, 0], [np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(picture.at_depth("8").pixels[0, 0], [255, 0, 0])


def test_the_callers_grey_image_keeps_its_transparent_value() -> None:
    values = RNG.integers(0, 65536, (5, 6), np.uint16)
    image = Image.fromarray(values)
    image.info["transparency"] = int(values[2, 3])
    picture = images.from_pil(image)
    assert picture.alpha[2, 3] == 0
    np.testing.assert_array_equal(picture.pixels[..., 0], values)
