"""What can be written, what it takes, and what is said where it is missing."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageError
from engine.files import images, jxl
from engine.files.formats import FORMATS, depth_for, enable_for, format_of
from engine.pictures.picture import Picture
from engine.settings.output import Output
from tests.engine.conftest import QUICK, noise

imagecodecs = pytest.importorskip("imagecodecs")

SMOOTH = np.asarray(noise(6, 8).resize((64, 48), Image.Resampling.BICUBIC))
ALPHA = np.asarray(noise(48, 64))[..., 0]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_picture_back(tmp_path: Path, suffix: str) -> None:
    form = FORMATS[suffix]
    has_alpha = "alpha" in form.keeps
    target = tmp_path / f"x{suffix.upper()}"
    assert images.save(Picture(SMOOTH, ALPHA if has_alpha else None), target, Output(quality=100)) == ()
    again = images.load(target)
    worst = 0 if form.name in {"PNG", "TIFF", "BMP", "PPM", "WEBP", "JXL"} else 6
    assert np.abs(again.pixels.astype(int) - SMOOTH).max() <= worst
    if has_alpha:
        np.testing.assert_allclose(again.alpha, ALPHA, atol=worst)


@pytest.mark.parametrize(
    ("suffix", "decode"),
    [(".avif", "avif_decode"), (".jxl", "jpegxl_decode"), (".webp", "webp_decode")],
)
def test_other_libraries_read_it(tmp_path: Path, suffix: str, decode: str) -> None:
    try:
        reader = getattr(imagecodecs, decode)
        images.save(Picture(SMOOTH), tmp_path / f"x{suffix}", Output(quality=100))
        found = reader((tmp_path / f"x{suffix}").read_bytes())
    except imagecodecs.DelayedImportError:
        pytest.skip(f"imagecodecs was built without {decode}")
    assert np.abs(found[..., :3].astype(int) - SMOOTH).max() <= 6


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".heic", ".jxl"])
def test_a_lower_quality_is_smaller(tmp_path: Path, run, photo: Path, suffix: str) -> None:
    sizes = []
    for quality in ("30", "90"):
        target = tmp_path / f"x{quality}{suffix}"
        assert run("dream", photo, *QUICK, "--quality", quality, "-o", target)[0] == 0
        sizes.append(target.stat().st_size)
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("bits", [8, 10])
def test_a_heic_picture_of_10_bits_is_told(bits: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    values = np.asarray(noise(48, 64)) if bits == 8 else np.full((48, 64, 3), 1 << 15, np.uint16)
    file = pillow_heif.from_bytes("RGB" if bits == 8 else "RGB;16", (64, 48), values.tobytes())
    buffer = io.BytesIO()
    file.save(buffer)
    buffer.seek(0)
    told = images.load(buffer).warnings
    assert told == (("the picture has more than 8 bits per channel, the result has 8",) if bits > 8 else ())


def test_jpeg_has_the_colours_of_every_pixel(tmp_path: Path) -> None:
    images.save(Picture(SMOOTH), tmp_path / "x.jpg")
    with Image.open(tmp_path / "x.jpg") as image:
        assert [x[1:3] for x in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize(
    ("suffix", "module", "extra"), [(".heic", "pillow_heif", "heif"), (".jxl", "pillow_jxl", "jxl")]
)
def test_a_missing_extra_is_named(
    tmp_path: Path, run, photo: Path, monkeypatch, suffix, module, extra
) -> None:
    images.save(Picture(SMOOTH), tmp_path / f"in{suffix}")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError, match=f"extra \\[{extra}\\]") as caught:
        images.load(tmp_path / f"in{suffix}")
    assert caught.value.hint == f'pip install "deepdream-onnx[{extra}]"'
    code, _, err = run("dream", photo, *QUICK, "-o", tmp_path / f"out{suffix}")
    assert code == ImageError.exit_code
    assert f"deepdream-onnx[{extra}]" in err


def test_avif_that_calls_itself_otherwise_needs_no_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    enable_for(b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf", "x")
    with pytest.raises(ImageError, match="HEIF"):
        enable_for(b"\0\0\0\x20ftypmif1\0\0\0\0mif1heicmiaf", "x")


@pytest.mark.parametrize(("height", "width"), [(1, 1), (64, 64), (256, 256), (37, 53), (600, 800), (9, 3000)])
@pytest.mark.parametrize("extra", [{}, {"recipe": "in a box"}])
def test_the_size_of_a_jpeg_xl_picture_is_known_before_it_is_decoded(height, width, extra) -> None:
    content, _ = images.encode(
        Picture(np.zeros((height, width, 3), np.uint8)), FORMATS[".jxl"], Output(**extra)
    )
    assert jxl.pixel_count(io.BytesIO(content)) == height * width


def test_a_jpeg_xl_picture_that_is_absurdly_large_is_never_decoded(monkeypatch) -> None:
    side = (1 << 32) - 1  # two bits that say a number of 30 follows, and that
    header = int.to_bytes(side << 1 | side << 36, 9, "little")
    hostile = b"\xff\x0a" + header + b"\0" * 20
    assert jxl.pixel_count(io.BytesIO(hostile)) > 1 << 50
    monkeypatch.setattr(Image, "open", None)  # would be called
    for content in (hostile, b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x27jxlc" + hostile):
        with pytest.raises(ImageError, match="million pixels"):
            images.load(io.BytesIO(content))


def test_the_depth_that_a_format_holds() -> None:
    png, jpeg, tiff = (format_of(Path(f"x{x}")) for x in (".png", ".jpg", ".tif"))
    assert depth_for(png, "source", "16") == ("16", ())
    assert depth_for(tiff, "float", "8") == ("float", ())
    assert depth_for(png, "source", "float") == ("16", ("PNG cannot hold floating point: the result has 16",))
    assert depth_for(jpeg, "16", "8")[0] == "8"
    assert depth_for(jpeg, "8", "16") == ("8", ())
