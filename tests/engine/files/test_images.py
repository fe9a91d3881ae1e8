"""Picture files: every mode, what is kept, what is told, what is refused."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from engine import machine
from engine.errors import ImageError
from engine.files import images
from engine.pictures.picture import Picture
from engine.settings.origin import Origin
from tests.engine.conftest import as_file, noise

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGB", "PNG"), ("L", "PNG"), ("1", "PNG"), ("P", "GIF"), ("YCbCr", "JPEG"), ("HSV", None)],
)
def test_modes_without_alpha(mode: str, form: str | None) -> None:
    image = noise(7, 9, mode)
    picture = images.load(as_file(image, form)) if form else images.from_pil(image)
    assert picture.shape == (7, 9)
    assert picture.alpha is None
    assert picture.warnings == ()
    if mode in {"RGB", "L", "1"}:
        np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_kept_bit_for_bit(mode: str) -> None:
    image = noise(7, 9, "RGBA").convert(mode)
    picture = images.from_pil(image) if mode == "PA" else images.load(as_file(image, "PNG"))
    expected = image.convert("RGBA")
    np.testing.assert_array_equal(picture.alpha, np.asarray(expected)[..., 3])
    content, lost = images.encode(picture)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), np.asarray(expected))
    assert lost == ()


def test_every_band_of_a_large_picture_is_read() -> None:
    image = noise(300, 200, "RGBA")
    picture = images.load(as_file(image, "PNG"))
    np.testing.assert_array_equal(np.dstack([picture.pixels, picture.alpha]), np.asarray(image))
    grey = np.random.default_rng(0).uniform(0, 255, (300, 200)).astype(np.float32)
    picture = images.load(as_file(Image.fromarray(grey), "TIFF"))
    np.testing.assert_array_equal(picture.pixels[..., 1], grey)


def test_values_that_are_no_colours_do_no_harm() -> None:
    values = np.array([[0.5, np.nan, np.inf], [0.25, -np.inf, -3]], np.float32)
    picture = images.load(as_file(Image.fromarray(values), "TIFF"))
    assert "above 1" in " ".join(picture.warnings)
    np.testing.assert_array_equal(picture.pixels[..., 0], values)
    np.testing.assert_array_equal(picture.rows((0, 1))[:][..., 0], [[0.5, 0, 1], [0.25, 0, 0]])


def test_palette_transparency_becomes_alpha() -> None:
    image = noise(7, 9).quantize(8)
    picture = images.load(as_file(image, "PNG", transparency=3))
    np.testing.assert_array_equal(picture.alpha, np.where(np.asarray(image) == 3, 0, 255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    upright = noise(6, 10)
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "somebody"
    picture = images.load(as_file(stored, "PNG", exif=exif, dpi=(100, 200)))
    np.testing.assert_array_equal(picture.pixels, np.asarray(upright))
    images.save(picture, tmp_path / "again.png")
    again = images.load(tmp_path / "again.png")
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    with Image.open(tmp_path / "again.png") as file:
        kept = dict(file.getexif())
    assert kept == {ExifTags.Base.Artist: "somebody"}
    assert np.allclose(again.dpi, (200, 100) if orientation > 4 else (100, 200), atol=0.02)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_profile_and_exif_survive_in_formats_that_hold_them(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.5
    picture = images.load(as_file(noise(7, 9), "JPEG", icc_profile=SRGB, exif=exif))
    assert images.save(picture, tmp_path / f"out{suffix}") == ()
    result = images.load(tmp_path / f"out{suffix}")
    assert result.icc == SRGB
    kept = Image.Exif()
    kept.load(result.exif)
    assert kept[ExifTags.Base.Artist] == "somebody"
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == 0.5


def test_tiff_structure_does_not_become_exif() -> None:
    assert images.load(as_file(noise(7, 9), "TIFF")).exif is None


def test_a_picture_given_by_the_caller_is_not_changed() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = Image.open(as_file(noise(7, 9), "PNG", exif=exif))
    images.from_pil(image)
    assert image.getexif()[ExifTags.Base.Orientation] == 6


def test_more_than_8_bits_that_pillow_cuts_down_are_told() -> None:
    picture = images.load(io.BytesIO(b"P6 3 2 65535\n" + b"\x80\x80" * 18))
    assert np.abs(picture.pixels.astype(int) - 128).max() <= 1
    assert "more than 8 bits" in picture.warnings[0]


def test_what_is_not_kept_is_told() -> None:
    info = PngInfo()
    info.add_text("Software", "some program")
    picture = images.load(as_file(noise(7, 9), "PNG", pnginfo=info))
    assert picture.warnings == ("not kept: text entries",)


def test_the_first_frame_of_an_animation() -> None:
    frames = [noise(7, 9), noise(7, 9, "L").convert("RGB"), Image.new("RGB", (9, 7))]
    picture = images.load(as_file(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    np.testing.assert_array_equal(picture.pixels, np.asarray(frames[0]))
    assert picture.warnings == ("only the first of 3 pictures in the file is used",)


def test_cmyk_without_profile_is_told() -> None:
    picture = images.load(as_file(Image.new("CMYK", (9, 7), (255, 0, 0, 0)), "JPEG"))
    assert picture.icc is None
    assert "approximate" in picture.warnings[0]
    np.testing.assert_allclose(picture.pixels[0, 0], (0, 255, 255), atol=3)


def test_a_damaged_cmyk_profile_is_told_too() -> None:
    profile = SRGB[:16] + b"CMYK" + SRGB[20:]
    picture = images.load(as_file(Image.new("CMYK", (9, 7)), "JPEG", icc_profile=profile))
    assert "approximate" in picture.warnings[0]
    assert picture.icc is None


def test_lab() -> None:
    picture = images.from_pil(Image.new("LAB", (9, 7), (255, 128, 128)))
    np.testing.assert_allclose(picture.pixels[0, 0], 255, atol=3)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".ppm"])
def test_formats_without_alpha_are_told(tmp_path: Path, suffix: str) -> None:
    picture = images.from_pil(noise(7, 9, "RGBA"))
    assert "no alpha" in images.save(picture, tmp_path / f"out{suffix}")[0]
    assert images.load(tmp_path / f"out{suffix}").pixels.shape == (7, 9, 3)


def test_exif_too_long_for_jpeg_costs_not_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "x" * 70000
    picture = images.load(as_file(noise(7, 9), "PNG", exif=exif))
    assert images.save(picture, tmp_path / "out.jpg") == ("JPEG cannot hold EXIF: not kept",)


def test_one_pixel(tmp_path: Path) -> None:
    picture = images.load(as_file(noise(1, 1), "PNG"))
    images.save(picture, tmp_path / "one.png")
    assert images.load(tmp_path / "one.png").shape == (1, 1)


def jpeg(quality: int = 90) -> bytes:
    return as_file(noise(60, 60), "JPEG", quality=quality).getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"just text " * 20, "not a picture"),
        (jpeg()[:900], "damaged or incomplete"),
        (jpeg()[:30], "not a picture|damaged"),
        (as_file(noise(60, 60), "PNG").getvalue()[:500], "damaged or incomplete"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=said) as caught:
        images.load(path)
    assert "bad.jpg" in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no picture"):
        images.load(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder"):
        images.load(tmp_path)


@pytest.mark.parametrize("way", ["replaced", "overwritten"])
def test_picture_and_origin_are_of_the_same_bytes(tmp_path: Path, monkeypatch, way: str) -> None:
    path = tmp_path / "in.png"
    noise(7, 9).save(path)
    before, opened = path.read_bytes(), []
    decode, open_file = images.decode, images.paths.open_file

    def counting(which: Path) -> object:
        opened.append(which)
        return open_file(which)

    def disturbed(*args: object) -> Picture:
        other = path if way == "overwritten" else tmp_path / "other.png"
        Image.new("RGB", (3, 2)).save(str(other))
        other.replace(path)
        return decode(*args)

    monkeypatch.setattr(images.paths, "open_file", counting)
    monkeypatch.setattr(images, "decode", disturbed)
    picture, origin = images.read(path)
    assert opened == [path]
    np.testing.assert_array_equal(picture.pixels, np.asarray(noise(7, 9)))
    assert origin == Origin("in.png", hashlib.sha256(before).hexdigest())
    assert images.load(path).shape == (2, 3)  # so it was disturbed


def test_bytes_have_an_origin_without_a_name() -> None:
    content = as_file(noise(7, 9), "PNG").getvalue()
    picture, origin = images.read_bytes(content, "standard input")
    np.testing.assert_array_equal(picture.pixels, np.asarray(noise(7, 9)))
    assert origin == Origin("", hashlib.sha256(content).hexdigest())
    with pytest.raises(ImageError, match="standard input is empty"):
        images.read_bytes(b"", "standard input")


def test_reading_with_an_origin_refuses_what_loading_refuses(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name in ("none.png", "", "text.png"):
        said = []
        for way in (images.load, images.read):
            with pytest.raises(ImageError) as caught:
                way(tmp_path / name)
            said.append(str(caught.value))
        assert said[0] == said[1]


def test_a_file_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(3_000_000_000)
    monkeypatch.setattr(machine, "available_memory", lambda: 2_000_000_000)
    with pytest.raises(ImageError, match=r"large\.png does not fit into memory: .* 3\.0 GB.* 2\.0 GB"):
        images.read(tmp_path / "large.png")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(ImageError, match="/dev/zero is a device"):
        images.read(Path("/dev/zero"))


def test_a_decompression_bomb(monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    assert images.load(as_file(noise(9, 10), "PNG")).warnings == ()  # Pillow only warns
    with pytest.raises(ImageError, match="million pixels"):
        images.load(as_file(noise(20, 20), "PNG"))


def test_suffixes_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"\.gif") as caught:
        images.save(images.from_pil(noise(7, 9)), tmp_path / "out.gif")
    assert ".png" in caught.value.hint


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for target in (tmp_path / "none/out.png", tmp_path / "file/out.png", tmp_path / "folder.png"):
        with pytest.raises(ImageError, match=r"cannot be written|is a folder"):
            images.check_writable(target)
    assert sorted(x.name for x in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"before")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        images.save(images.from_pil(noise(7, 9)), target)
    assert [x.name for x in tmp_path.iterdir()] == ["out.png"]
    assert target.read_bytes() == b"before"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is pretended by /dev/full")
def test_a_write_that_fails_holds_no_buffer(tmp_path: Path, monkeypatch) -> None:
    """Not even as long as its traceback lives, in which Path.write_bytes has a view of its own."""
    made: list[io.BytesIO] = []

    def content_of(*arguments: object) -> tuple[io.BytesIO, tuple[str, ...]]:
        content, lost = real(*arguments)
        made.append(content)
        return content, lost

    @contextlib.contextmanager
    def on_a_full_disk(_target: Path) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(open=lambda _mode: open("/dev/full", "wb", buffering=0))  # noqa: PTH123, SIM115

    real = images.content_of
    monkeypatch.setattr(images, "content_of", content_of)
    monkeypatch.setattr(images.atomic, "replacing", on_a_full_disk)
    with pytest.raises(ImageError, match="No space left") as caught:
        images.save(images.from_pil(noise(7, 9)), tmp_path / "out.png")
    assert caught.tb is not None
    made[0].truncate(0)  # raises BufferError where a view is left


def test_pictures_read_at_once_keep_their_own_warnings(monkeypatch) -> None:
    def decode(image: Image.Image, _head: bytes = b"") -> Picture:
        warnings.warn(f"width {image.width}", stacklevel=1)
        time.sleep(0.02)  # so that all are at it
        return Picture(np.zeros((1, 1, 3), np.uint8))

    monkeypatch.setattr(images, "decode", decode)
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda n: images.load(as_file(noise(9, n), "PNG"), "x"), range(9, 13)))
    told = "x is damaged, and was read as far as it could be: width"
    assert [x.warnings for x in pictures] == [(f"{told} {n}",) for n in range(9, 13)]
    assert list(warnings.filters) == before


def test_the_number_of_pixels_is_read_from_the_head(tmp_path: Path) -> None:
    noise(9, 10).save(tmp_path / "x.png")
    assert images.pixel_count(tmp_path / "x.png") == 90
    for name in ("x.jxl", "x.heic"):
        images.save(images.load(tmp_path / "x.png"), tmp_path / name)
        assert images.pixel_count(tmp_path / name) == 90
    (tmp_path / "x.png").write_text("no picture")
    assert images.pixel_count(tmp_path / "x.png") == images.pixel_count(tmp_path / "none.png") == 0
