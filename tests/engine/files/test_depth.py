"""16 bits and floating point: in and out without passing through 8 bits, read back by other libraries."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import ImageError
from engine.files import images, tiff
from engine.pictures.picture import Picture
from engine.settings.output import Output
from tests import icc
from tests.engine.conftest import QUICK, noise

imagecodecs = pytest.importorskip("imagecodecs")
tifffile = pytest.importorskip("tifffile")

LIGHT = {"layers": "mixed0,mixed1", "iterations": 2, "octaves": 2}
RNG = np.random.default_rng(0)


def ramp(height: int, width: int, channels: int) -> np.ndarray:
    """Values of 16 bits whose lower byte matters: each step is one."""
    values = np.arange(height * width * channels, dtype=np.uint32) % 65536
    return values.reshape(height, width, channels).astype(np.uint16)


def png16(values: np.ndarray) -> io.BytesIO:
    return io.BytesIO(imagecodecs.png_encode(values.squeeze()))


def in_rgb(values: np.ndarray) -> np.ndarray:
    return values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_is_read_to_the_last_bit(channels: int) -> None:
    values = ramp(70, 50, channels)
    picture = images.load(png16(values))
    assert picture.warnings == ()
    np.testing.assert_array_equal(picture.pixels, in_rgb(values))
    if channels in {2, 4}:
        np.testing.assert_array_equal(picture.alpha, values[..., -1])
    else:
        assert picture.alpha is None


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (21, 34)])
def test_an_interlaced_png_of_16_bits(channels: int, shape: tuple[int, int]) -> None:
    values = ramp(*shape, channels)
    picture = images.load(interlaced(values))
    np.testing.assert_array_equal(picture.pixels, in_rgb(values))
    assert (picture.alpha is None) == (channels == 3)


def interlaced(values: np.ndarray) -> io.BytesIO:
    """A PNG of 16 bits in the seven passes of Adam M. Costello."""
    height, width, channels = values.shape
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    lines = b""
    for top, left, down, across in passes:
        part = values[top::down, left::across].astype(">u2")
        lines += b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 1)
    chunks = b""
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunks)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("kind", ["ramp", "noise", "flat", "one pixel"])
def test_png_of_16_bits_is_written_for_others_to_read(tmp_path: Path, kind: str, alpha: bool) -> None:
    values = {
        "ramp": ramp(300, 200, 4),
        "noise": RNG.integers(0, 65536, (37, 41, 4), np.uint16),
        "flat": np.full((40, 30, 4), 300, np.uint16),
        "one pixel": ramp(1, 1, 4),
    }[kind]
    picture = Picture(values[..., :3], values[..., 3] if alpha else None)
    assert images.save(picture, tmp_path / "x.png") == ()
    found = imagecodecs.png_decode((tmp_path / "x.png").read_bytes())
    np.testing.assert_array_equal(found, values if alpha else values[..., :3])
    Image.open(tmp_path / "x.png").verify()  # checksums


def test_a_see_through_colour_of_16_bits() -> None:
    values = ramp(5, 6, 3)
    content = png16(values).getvalue()
    key = b"".join(int(x).to_bytes(2) for x in values[2, 3])
    chunk = len(key).to_bytes(4) + b"tRNS" + key
    chunk += zlib.crc32(chunk[4:]).to_bytes(4)
    place = content.index(b"IDAT") - 4
    picture = images.load(io.BytesIO(content[:place] + chunk + content[place:]))
    assert (picture.alpha == 0).sum() == 1
    assert picture.alpha[2, 3] == 0
    assert picture.alpha.dtype == np.uint16


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("order", "how"), [("<", {}), ("<", {"compression": "zlib", "predictor": True}), (">", {})]
)
def test_tiff_is_read_to_the_last_bit(dtype, channels: int, order: str, how: dict) -> None:
    values = ramp(70, 50, channels)
    if dtype == np.float32:
        values = (values / 2000).astype(np.float32)  # highlights too
    buffer = io.BytesIO()
    extra = ["unassalpha"] if channels in {2, 4} else None
    kind = "rgb" if channels >= 3 else "minisblack"
    with tifffile.TiffWriter(buffer, byteorder=order) as writer:
        writer.write(
            values.squeeze(),
            photometric=kind,
            extrasamples=extra,
            planarconfig="contig" if channels > 1 else None,
            **how,
        )
    buffer.seek(0)
    picture = images.load(buffer)
    assert picture.pixels.dtype == dtype
    np.testing.assert_array_equal(picture.pixels, in_rgb(values))
    if extra:
        np.testing.assert_array_equal(picture.alpha, values[..., -1])
    assert [("above 1" in x) for x in picture.warnings] == [True] * (dtype == np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
def test_tiff_is_written_for_others_to_read(tmp_path: Path, dtype, alpha: bool) -> None:
    values = ramp(300, 200, 4) if dtype != np.uint8 else np.asarray(noise(300, 200, "RGBA"))
    values = (values / 20000 - 1).astype(np.float32) if dtype == np.float32 else values
    picture = Picture(values[..., :3], values[..., 3] if alpha else None, dpi=(300, 150))
    assert images.save(picture, tmp_path / "x.tif") == ()
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        page = tiff.pages.first
        np.testing.assert_array_equal(page.asarray(), values if alpha else values[..., :3])
        assert page.photometric == tifffile.PHOTOMETRIC.RGB
        assert page.get_resolution("inch") == (300, 150)
        assert page.extrasamples == ((tifffile.EXTRASAMPLE.UNASSALPHA,) if alpha else ())


def test_alpha_that_was_multiplied_in_is_divided_out() -> None:
    values = np.array([[[0.25, 0.5, 0.1, 0.5], [0.3, 0.2, 0.1, 0.0]]], np.float32)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb", extrasamples=["assocalpha"])
    buffer.seek(0)
    picture = images.load(buffer)
    np.testing.assert_allclose(picture.pixels[0, 0], [0.5, 1.0, 0.2], rtol=1e-6)
    np.testing.assert_array_equal(picture.alpha, values[..., 3])


def test_without_the_extra_deep_tiffs_are_read_as_8_bits_or_refused_and_it_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp(9, 7, 3), photometric="rgb")
    buffer.seek(0)
    picture = images.load(buffer)
    assert picture.pixels.dtype == np.uint8
    assert "deepdream-onnx[tiff]" in picture.warnings[0]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((9, 7, 3), np.float32), photometric="rgb")
    buffer.seek(0)
    with pytest.raises(ImageError, match=r"needs the extra \[tiff\]") as caught:
        images.load(buffer)
    assert "deepdream-onnx[tiff]" in caught.value.hint


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("damage", [lambda x: x[: len(x) // 2], lambda x: x[:200] + b"\xff" * 60 + x[260:]])
def test_damaged_files_of_16_bits(tmp_path: Path, suffix: str, damage) -> None:
    images.save(Picture(RNG.integers(0, 65536, (60, 50, 3), np.uint16)), tmp_path / f"x{suffix}")
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(damage((tmp_path / f"x{suffix}").read_bytes()))
    with pytest.raises(ImageError, match=r"damaged or incomplete|not a picture"):
        images.load(path)


def test_deep_pictures_that_are_too_large_are_refused_before_they_are_made(monkeypatch) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((40, 40, 3), np.float32), photometric="rgb")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    for file in (buffer, png16(ramp(40, 40, 3))):
        file.seek(0)
        with pytest.raises(ImageError, match="million pixels"):
            images.load(file)


def test_a_strip_that_unpacks_to_more_than_it_should_takes_no_memory(monkeypatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr(tiff, "_strip", lambda _: zlib.compress(bytes(60_000_000)))
    tiff.write(Picture(ramp(10, 10, 3)), buffer)
    buffer.seek(0)
    tracemalloc.start()
    with pytest.raises(ImageError, match="damaged"):
        images.load(buffer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("suffix", "depth", "said"),
    [
        (".png", "16", ""),
        (".tif", "16", ""),
        (".jpg", "8", "JPEG cannot hold 16 bits per channel: the result has 8"),
        (".webp", "8", "WEBP cannot hold 16 bits per channel: the result has 8"),
    ],
)
def test_results_are_as_deep_as_the_source_where_the_format_is(
    tmp_path: Path, run, suffix: str, depth: str, said: str
) -> None:
    (tmp_path / "in.png").write_bytes(png16(RNG.integers(0, 65536, (40, 40, 3), np.uint16)).getvalue())
    target = tmp_path / f"out{suffix}"
    code, _, err = run("dream", tmp_path / "in.png", *QUICK, "-o", target)
    assert code == 0
    assert images.load(target).depth == depth
    assert said in err
    assert ("cannot hold" in err) == bool(said)


@pytest.mark.parametrize(("depth", "dtype"), [("16", np.uint16), ("float", np.float32), ("8", np.uint8)])
def test_a_depth_that_is_asked_for(tmp_path: Path, run, photo: Path, depth: str, dtype) -> None:
    code, *_ = run("dream", photo, *QUICK, "--depth", depth, "-o", tmp_path / "out.tif")
    assert code == 0
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.dtype == dtype
    if depth != "8":
        assert len(np.unique(found)) > 1000  # more than 8 bits could show


def still(model, source: Picture, depth: str = "source", **how: object) -> Picture:
    """The result of a dream that changes nothing."""
    *_, step = engine.steps(
        source, engine.DreamConfig(layers={"mixed0": 1.0}, iterations=2, max_loss=1e-9), model=model
    )
    return engine.finish(source, step, model, depth=depth, **how)


P3 = icc.rgb(icc.DISPLAY_P3, icc.SRGB_CURVE)


@pytest.mark.parametrize("profile", [None, P3, icc.rgb_by_table(60)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("dither", [None, 7])
def test_what_does_not_change_stays_to_the_last_bit(tiny, dtype, profile, dither) -> None:
    white = np.iinfo(dtype).max
    source = Picture(RNG.integers(0, white + 1, (40, 50, 3), dtype), icc=profile)
    np.testing.assert_array_equal(still(tiny, source, dither=dither).pixels, source.pixels)


def test_8_bits_that_do_not_change_become_the_same_16(tiny) -> None:
    source = Picture(np.asarray(noise(40, 50)))
    result = still(tiny, source, "16")
    np.testing.assert_array_equal(result.pixels, source.pixels.astype(np.uint16) * 257)
    np.testing.assert_allclose(still(tiny, source, "float").pixels, source.pixels / 255, atol=1e-6)


class Half:
    """A step that changes only the lower half of a picture."""

    def __init__(self, source: Picture) -> None:
        self.original = source.rows((-1, 1))

    def bands(self):
        height, *_ = self.original.shape
        for start in range(0, height, 4):
            rows = slice(start, start + 4)
            image = self.original[rows].copy()
            image[max(height // 2 - start, 0) :] += RNG.normal(
                0, 0.2, image[max(height // 2 - start, 0) :].shape
            )
            yield rows, image


@pytest.mark.parametrize("profile", [None, P3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("dither", [None, 7])
def test_outside_the_change_every_bit_stays(tiny, dtype, profile, dither) -> None:
    if dtype == np.float32:
        pixels = RNG.normal(0.5, 1, (16, 50, 3)).astype(np.float32)
        pixels[0, 0], pixels[1, 1] = np.nan, np.inf
    else:
        pixels = RNG.integers(0, np.iinfo(dtype).max + 1, (16, 50, 3), dtype)
    source = Picture(pixels, icc=profile)
    result = engine.finish(source, Half(source), tiny, dither=dither).pixels
    assert result.dtype == dtype
    assert result[:8].tobytes() == pixels[:8].tobytes()
    assert (result[8:] != pixels[8:]).mean() > 0.5


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_outside_a_mask_every_bit_stays_from_file_to_file(tmp_path: Path, run, suffix: str) -> None:
    values = RNG.integers(0, 65536, (40, 60, 3), np.uint16)
    source = Picture(values, RNG.integers(0, 65536, (40, 60), np.uint16), icc=P3)
    images.save(source, tmp_path / f"in{suffix}")
    mask = Image.new("L", (60, 40))
    mask.paste(255, (30, 0, 60, 40))
    mask.save(tmp_path / "mask.png")
    words = [tmp_path / f"in{suffix}", *QUICK, "--mask", tmp_path / "mask.png", "--dither", "--feather", "0"]
    assert run("dream", *words, "-o", tmp_path / f"out{suffix}")[0] == 0
    result = images.load(tmp_path / f"out{suffix}")
    np.testing.assert_array_equal(result.pixels[:, :30], values[:, :30])
    np.testing.assert_array_equal(result.alpha, source.alpha)
    assert result.icc == P3
    assert (result.pixels[:, 31:] != values[:, 31:]).mean() > 0.9


def test_highlights_of_float_pictures_stay_highlights(tiny) -> None:
    pixels = np.full((16, 50, 3), 3.0, np.float32)
    source = Picture(pixels)
    result = engine.finish(source, Half(source), tiny).pixels
    assert result.max() == 3.0
    assert 2.0 <= result.min() < 3.0


def test_wide_colours_stay_where_srgb_would_clip_them(tiny) -> None:
    pixels = np.zeros((16, 50, 3), np.uint8)
    pixels[...] = (0, 255, 0)  # a green that sRGB does not have
    source = Picture(pixels, icc=P3)
    seen = source.rows((0, 1))[:]
    np.testing.assert_allclose(seen[0, 0], (0, 1, 0), atol=0.02)
    result = engine.finish(source, Half(source), tiny).pixels
    assert (result[:8] == (0, 255, 0)).all()


def test_dither_has_the_right_mean_and_a_seed(tiny) -> None:
    class Slope:
        def __init__(self, source: Picture) -> None:
            self.original = source.rows((-1, 1))

        def bands(self):
            yield slice(None), self.original[:] + np.float32(0.3 * 2 / 255)

    source = Picture(np.full((200, 200, 3), 100, np.uint8))
    plain, first, again, other = (
        engine.finish(source, Slope(source), tiny, dither=seed).pixels for seed in (None, 1, 1, 2)
    )
    assert (plain == 100).all()
    assert first.mean() == pytest.approx(100.3, abs=0.01)
    assert set(np.unique(first)) <= {99, 100, 101, 102}
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_rounding_happens_once(tiny) -> None:
    class Shift:
        def __init__(self, source: Picture, by: float) -> None:
            self.original, self.by = source.rows((-1, 1)), by

        def bands(self):
            yield slice(None), self.original[:] + np.float32(self.by)

    source = Picture(np.full((4, 4, 3), 1000, np.uint16))
    by = 0.4999 * 257 / 65535 * 2  # to 8 bits: 1000 is 3.891, and this makes 4.391
    result = engine.finish(source, Shift(source, by), tiny, depth="8").pixels
    assert (result == round(1000 / 257 + 0.4999)).all()


@pytest.mark.slow
def test_the_plain_way_needs_no_library_but_pillow() -> None:
    script = (
        "import sys, engine.files.images; "
        "sys.exit(len({'tifffile', 'imagecodecs', 'pillow_heif', 'pillow_jxl'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_quality_and_depth_are_checked() -> None:
    for wrong in ({"quality": 0}, {"quality": 101}, {"depth": "12"}):
        with pytest.raises(engine.UsageError):
            Output(**wrong)
