"""Metadata never costs a picture: whatever a file says, its pixels come in and go out."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

import engine
from engine.errors import ImageError
from engine.files import images
from engine.files.formats import FORMATS
from engine.pictures.picture import Picture
from engine.settings.output import Output
from tests import icc
from tests.engine.conftest import as_file, noise
from tests.engine.files import mutants
from tests.engine.files.mutants import PACKET, Mutant

SOURCES = ("JPEG", "PNG", "PNG16", "TIFF", "TIFF16", "WEBP")
TARGETS = (".png", ".jpg", ".tif", ".webp", ".bmp", ".ppm", ".jxl")
RECIPE = '{"note": "a < b & c"}'
P3 = icc.rgb(icc.DISPLAY_P3, icc.gamma(2.2))


def same_up_to_a_turn(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures are the same but for one of the eight orientations."""
    ways = [np.rot90(x, turns) for x in (one, one[:, ::-1]) for turns in range(4)]
    return any(np.array_equal(x, other) for x in ways)


@pytest.mark.slow
@given(mutant=mutants.MUTANTS, source=st.sampled_from(SOURCES), suffix=st.sampled_from(TARGETS))
def test_any_metadata_leaves_the_pixels(mutant: Mutant, source: str, suffix: str) -> None:
    picture = images.load(mutant.written(source))
    plain = images.load(Mutant().written(source))
    assert same_up_to_a_turn(picture.pixels, plain.pixels)
    form = FORMATS[suffix]
    content, lost = images.encode(picture, form, Output(recipe=RECIPE, quality=100))
    bare = (
        Picture(picture.pixels)
        if not any("is sRGB" in x for x in lost)
        else Picture(picture.in_srgb().pixels)
    )
    expected, _ = images.encode(bare, form, Output(recipe=RECIPE, quality=100))
    with Image.open(io.BytesIO(content)) as image, Image.open(io.BytesIO(expected)) as wanted:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(wanted))
        assert image.getexif().get(274, 1) == 1
    again = images.load(io.BytesIO(content))
    assert again.shape == picture.shape


def large(profile: bytes, size: int = 1_200_000) -> bytes:
    """A profile with so many bytes behind it that Pillow refuses a PNG file for it."""
    return struct.pack(">I", size) + profile[4:] + bytes(size - len(profile))


def found_in(content: bytes, suffix: str, folder: Path) -> str:
    """The recipe in a file of this content."""
    (folder / f"x{suffix}").write_bytes(content)
    return images.recipe_of(folder / f"x{suffix}")


@pytest.mark.parametrize("depth", ["8", "16"])
def test_a_profile_that_readers_refuse_is_not_written(tmp_path: Path, depth: str) -> None:
    picture = Picture(np.asarray(noise(12, 18)), icc=large(P3)).at_depth(depth)
    content, lost = images.encode(picture, FORMATS[".png"], Output(recipe=RECIPE))
    assert lost == ("PNG cannot hold the colour profile: the result is sRGB",)
    again = images.load(io.BytesIO(content))
    assert (again.icc, again.warnings) == (None, ())
    np.testing.assert_array_equal(again.pixels, picture.in_srgb().pixels)
    assert found_in(content, ".png", tmp_path) == RECIPE


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".avif", ".heic"])
def test_a_large_profile_stays_where_it_can_be_read(suffix: str) -> None:
    picture = Picture(np.asarray(noise(12, 18)), icc=large(P3))
    content, lost = images.encode(picture, FORMATS[suffix])
    assert lost == ()
    assert images.load(io.BytesIO(content)).icc == picture.icc


@pytest.mark.parametrize("form", ["PNG", "PNG16"])
def test_one_entry_too_many_does_not_cost_a_png(tmp_path: Path, form: str) -> None:
    exif = mutants.exif_of({315: (2, 9, b"somebody\0")}, {})
    xmp = PACKET.replace(b'"6"', b'"1"')
    text = Mutant(icc=large(P3), exif=exif, xmp=xmp, dpi=struct.pack(">IIB", 3937, 3937, 1))
    content = text.written(form).getvalue()
    for damaged in (content, content.replace(b"XML:com", b"XNL:com")):  # whose check sum is wrong now
        picture = images.load(io.BytesIO(damaged))
        assert "the colour profile cannot be read: not kept" in picture.warnings
        assert ("a text entry cannot be read: not kept" in picture.warnings) == (damaged != content)
        np.testing.assert_array_equal(picture.at_depth("8").pixels, np.asarray(noise(12, 18)))
        assert picture.dpi == pytest.approx((100, 100), abs=0.02)
        assert b"somebody" in (picture.exif or b"")
    assert found_in(content, ".png", tmp_path) == "{}"
    with pytest.raises(ImageError, match="damaged"):
        images.load(io.BytesIO(content[: content.index(b"IDAT") + 30]))


@pytest.mark.parametrize("form", SOURCES)
def test_odd_numbers_do_not_cost_a_turned_picture(form: str) -> None:
    signed, nothing = struct.pack("<ii", -72, 1), struct.pack("<II", 0, 0)
    turned = {282: (10, 1, signed), 283: (5, 1, nothing), 274: (3, 1, b"\6\0"), 315: (2, 9, b"somebody\0")}
    exif = mutants.exif_of(
        turned, {33434: (10, 1, signed), 33437: (5, 1, nothing), 40962: (4, 1, b"\x12\0\0\0")}
    )
    picture = images.load(Mutant(exif=exif).written(form))
    plain = images.load(Mutant().written(form))
    np.testing.assert_array_equal(picture.pixels, np.rot90(plain.pixels, 3))
    assert picture.warnings == (("the resolution makes no sense: not kept",) if "TIFF" in form else ())
    content, _ = images.encode(picture, FORMATS[".jpg"])
    with Image.open(io.BytesIO(content)) as image:
        assert image.getexif()[315] == "somebody"
        if "TIFF" not in form:  # whose Exif directory these files do without
            assert image.getexif().get_ifd(ExifTags.IFD.Exif)[40962] == 12


@pytest.mark.parametrize("suffix", [x for x, form in FORMATS.items() if "exif" in form.keeps])
def test_a_turned_photograph_says_its_new_size_and_has_no_thumbnail(suffix: str) -> None:
    said = {256: (4, 1, b"\x12\0\0\0"), 257: (4, 1, b"\x0c\0\0\0"), 274: (3, 1, b"\6\0")}
    sizes = {40962: (4, 1, b"\x12\0\0\0"), 40963: (3, 1, b"\x0c\0")}
    related = {0x1001: (3, 1, b"\x12\0"), 0x1002: (3, 1, b"\x0c\0")}
    thumbnail = as_file(noise(3, 4), "JPEG").getvalue()
    exif = mutants.exif_of(said, sizes, related)
    place = len(exif) + 2 + 3 * 12 + 4
    small = {
        259: (3, 1, b"\6\0"),
        513: (4, 1, struct.pack("<I", place)),
        514: (4, 1, struct.pack("<I", len(thumbnail))),
    }
    exif = exif[:-4] + struct.pack("<I", len(exif)) + mutants.directory(small, len(exif)) + thumbnail
    content, _ = images.encode(images.load(Mutant(exif=exif).written("JPEG")), FORMATS[suffix])
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (12, 18)
        found = image.getexif()
        details = dict(found.get_ifd(ExifTags.IFD.Exif))
        inner = found.get_ifd(ExifTags.IFD.Interop) if ExifTags.IFD.Interop in details else {}
        assert (found.get(274, 1), found.get(256, 12), found.get(257, 18)) == (1, 12, 18)
        assert (details[40962], details[40963]) == (12, 18)
        assert (inner.get(0x1001, 12), inner.get(0x1002, 18)) == (12, 18)
        assert not found.get_ifd(ExifTags.IFD.IFD1)
    assert thumbnail not in content


@pytest.mark.parametrize(
    "dpi", [(math.inf, 72.0), (math.nan, 1.0), (1e300, 1e300), (1e-300, 1.0), (72.0, -1.0)]
)
@pytest.mark.parametrize("suffix", FORMATS)
def test_no_resolution_costs_a_picture(suffix: str, dpi: tuple[float, float]) -> None:
    content, lost = images.encode(Picture(np.asarray(noise(12, 18)), dpi=dpi), FORMATS[suffix])
    form = FORMATS[suffix]
    assert lost == ((f"{form.name} cannot hold the resolution: not kept",) if "dpi" in form.keeps else ())
    assert images.load(io.BytesIO(content)).shape == (12, 18)


def test_a_tiff_file_without_resolution_has_none() -> None:
    assert images.load(Mutant().written("TIFF")).dpi is None
    assert images.load(Mutant(dpi=struct.pack("<IIB", 72, 1, 1)).written("TIFF")).dpi == (72, 1 / 72)


@pytest.mark.parametrize("name", ["exif", "xmp", "iptc", "comment", "icc"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_any_bytes_as_metadata_leave_the_picture_and_its_recipe(
    tmp_path: Path, suffix: str, name: str
) -> None:
    for value in (b"no sense", b"\0" * 200, b"Exif\0\0MM\0*\xff\xff\xff\xff"):
        picture = Picture(np.asarray(noise(12, 18)), **{name: value})
        content, _ = images.encode(picture, FORMATS[suffix], Output(recipe=RECIPE))
        assert images.load(io.BytesIO(content)).shape == (12, 18)
        assert found_in(content, suffix, tmp_path) == (RECIPE if "xmp" in FORMATS[suffix].keeps else "")


def test_the_recipe_is_the_last_to_go(tmp_path: Path) -> None:
    xmp = PACKET.replace(b"<rdf:Desc", b"<!--" + b"x" * 65000 + b"--><rdf:Desc")
    picture = Picture(np.asarray(noise(12, 18)), xmp=xmp)
    assert images.encode(picture, FORMATS[".jpg"])[1] == ()
    content, lost = images.encode(picture, FORMATS[".jpg"], Output(recipe=RECIPE * 30))
    assert lost == ("JPEG cannot hold XMP: not kept",)
    assert found_in(content, ".jpg", tmp_path) == RECIPE * 30


@pytest.mark.filterwarnings("ignore::engine.DreamWarning")
@pytest.mark.parametrize("form", SOURCES)
def test_a_dream_comes_of_whatever_is_said(tmp_path: Path, tiny, form: str) -> None:
    tags = {282: (10, 1, struct.pack("<ii", -1, 0)), 274: (3, 1, b"\6\0"), 305: (3, 2, b"\1\0\2\0")}
    odd = Mutant(
        exif=mutants.exif_of(tags, tags),
        xmp=b"\xff<rdf:RDF",
        iptc=b"\x1c",
        icc=b"\0" * 16 + b"RGB ",
        comment=b"\xff\0",
        dpi=b"\xff" * 8 + b"\1",
    )
    path = tmp_path / "in"
    path.write_bytes(odd.written(form).getvalue())
    dream = engine.dream(path, model=tiny, layers="mixed0", octaves=1, iterations=1)
    plain = engine.dream(images.load(path).pixels, model=tiny, layers="mixed0", octaves=1, iterations=1)
    np.testing.assert_array_equal(dream.pixels, plain.pixels)
    assert engine.read_recipe(dream.save(tmp_path / "out.png")).config == dream.config
