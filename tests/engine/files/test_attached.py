"""EXIF, XMP, IPTC and the recipe: kept, made right, left out; read back by other programs."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, IptcImagePlugin

from engine.files import images, jxl
from engine.files.attached import photoshop_segment, recipe_in, upright_xmp, with_recipe
from engine.files.formats import FORMATS
from engine.pictures.picture import Picture
from engine.settings.output import Output
from tests.engine.conftest import QUICK, as_file, noise

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IPTC = b"\x1c\x02\x78\x00\x05hello\x1c\x02\x19\x00\x03sky"
XMP = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<dc:source>a &lt;camera&gt;</dc:source><tiff:ImageWidth>10</tiff:ImageWidth>
<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
RECIPE = 'layers = {"mixed4" = 2.0}\nnote = "a < b & c > \'d\'"\r\n\tüß画'
WITH_ALL = sorted({x for x, form in FORMATS.items() if "exif" in form.keeps})


def camera_jpeg(orientation: int = 6) -> io.BytesIO:
    """A photograph as from a phone: rotated, with place, thumbnail, XMP, IPTC and a comment."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "somebody"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExposureTime] = 0.005
    details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight] = 60, 40
    details[ExifTags.Base.MakerNote] = b"secret\0of\xffthe maker"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (52.0, 30.0, 0.0)
    return as_file(
        noise(40, 60),
        "JPEG",
        exif=exif,
        xmp=XMP,
        comment=b"by hand",
        extra=photoshop_segment(IPTC),
        dpi=(300, 150),
    )


def exiftool(path: Path) -> dict[str, object]:
    """What exiftool finds in a file, which must be sound; the maker note of these tests is nobody's."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed")
    done = subprocess.run([program, "-json", "-n", "-a", "-G1", str(path)], capture_output=True, check=True)
    facts = dict(json.loads(done.stdout)[0])
    assert facts.pop("ExifTool:Warning", "") in {"", "[minor] Unrecognized MakerNotes"}
    assert "ExifTool:Error" not in facts
    return facts


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".heic", ".jxl"])
def test_what_a_camera_wrote_is_kept_and_made_right(tmp_path: Path, suffix: str) -> None:
    picture = images.load(camera_jpeg())
    assert picture.warnings == ()
    assert picture.shape == (60, 40)
    target = tmp_path / f"out{suffix}"
    lost = images.save(picture, target)
    form = FORMATS[suffix]
    wanted = {"iptc": "IPTC", "comment": "the comment"}
    assert lost == tuple(
        f"{form.name} cannot hold {label}: not kept"
        for name, label in wanted.items()
        if name not in form.keeps
    )
    facts = exiftool(target)
    assert facts["IFD0:Artist"] == "somebody"
    assert facts.get("IFD0:Orientation", 1) == 1
    assert facts["ExifIFD:ExposureTime"] == 0.005
    assert (facts["ExifIFD:ExifImageWidth"], facts["ExifIFD:ExifImageHeight"]) == (40, 60)
    assert facts["GPS:GPSLatitude"] == 52.5
    assert facts["XMP-dc:Source"] == "a <camera>"
    assert facts["XMP-tiff:Orientation"] == 1
    assert facts["XMP-tiff:ImageWidth"] == 40
    assert not any("humbnail" in x for x in facts)
    if "iptc" in form.keeps:
        assert (facts["IPTC:Caption-Abstract"], facts["IPTC:Keywords"]) == ("hello", "sky")
    if suffix == ".jpg":
        assert facts["File:Comment"] == "by hand"
        assert (facts["JFIF:XResolution"], facts["JFIF:YResolution"]) == (150, 300)  # turned with the picture
    if suffix == ".tif":
        assert (facts["IFD0:XResolution"], facts["IFD0:YResolution"]) == (150, 300)
    if suffix == ".png":
        assert facts["PNG:Comment"] == "by hand"
        assert facts["PNG-pHYs:PixelsPerUnitX"] == round(150 / 0.0254)
    again = images.load(target)
    assert again.shape == (60, 40)  # not turned twice
    assert again.exif is not None
    assert again.xmp == picture.xmp


def test_16_bit_files_keep_all_that_too(tmp_path: Path) -> None:
    picture = images.load(camera_jpeg()).at_depth("16")
    for name in ("x.png", "x.tif"):
        images.save(picture, tmp_path / name, Output(recipe=RECIPE))
        facts = exiftool(tmp_path / name)
        assert facts["IFD0:Artist"] == "somebody"
        assert facts["GPS:GPSLatitude"] == 52.5
        assert facts["XMP-dc:Source"] == "a <camera>"
        again = images.load(tmp_path / name)
        assert again.pixels.dtype == np.uint16
        assert (again.exif is None, again.dpi) == (False, pytest.approx((150, 300), abs=0.02))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".heic", ".jxl"])
def test_nothing_personal_is_left_when_it_is_stripped(tmp_path: Path, run, suffix: str) -> None:
    (tmp_path / "in.jpg").write_bytes(camera_jpeg().getvalue())
    target = tmp_path / f"out{suffix}"
    code, _, err = run("dream", tmp_path / "in.jpg", *QUICK, "--strip-metadata", "-o", target)
    assert (code, "cannot hold" in err) == (0, False)
    content = target.read_bytes()
    for word in (b"somebody", b"camera", b"hello", b"by hand", b"secret"):
        assert word not in content
    if suffix in {".jpg", ".png", ".tif"}:
        assert images.load(target).dpi == pytest.approx((150, 300), abs=0.02)


def test_profile_and_resolution_are_not_stripped(tmp_path: Path) -> None:
    picture = Picture(np.asarray(noise(7, 9)), icc=SRGB, dpi=(100, 100))
    images.save(picture, tmp_path / "x.jpg", Output(strip_metadata=True))
    again = images.load(tmp_path / "x.jpg")
    assert (again.icc, again.dpi) == (SRGB, (100, 100))


@pytest.mark.parametrize("damage", [b"MM\0*\xff\xff\xff\xff\0", b"what\0\0\0\x08\0"])
def test_damaged_exif_costs_not_the_picture_and_is_told(damage: bytes) -> None:
    sound = camera_jpeg(1).getvalue()
    content = sound.replace(b"MM\0*\0\0\0\x08\0", damage)
    assert content != sound
    picture = images.load(io.BytesIO(content))
    assert sorted(picture.shape) == [40, 60]  # XMP may turn it then
    assert picture.exif is None
    assert any("EXIF" in x for x in picture.warnings)


def test_iptc_is_what_other_readers_see(tmp_path: Path) -> None:
    images.save(Picture(np.asarray(noise(7, 9)), iptc=IPTC), tmp_path / "x.jpg")
    images.save(Picture(np.asarray(noise(7, 9)), iptc=IPTC), tmp_path / "x.tif")
    for name in ("x.jpg", "x.tif"):
        with Image.open(tmp_path / name) as image:
            assert IptcImagePlugin.getiptcinfo(image) == {(2, 120): b"hello", (2, 25): b"sky"}
        assert images.load(tmp_path / name).iptc == IPTC


@pytest.mark.parametrize("name", ["exif", "xmp", "iptc", "comment"])
def test_what_is_too_long_for_jpeg_costs_not_the_picture(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "x" * 70000
    value = exif.tobytes() if name == "exif" else XMP.replace(b"camera", b"x" * 70000)
    picture = Picture(np.asarray(noise(7, 9)), **{name: value})
    (lost,) = images.save(picture, tmp_path / "x.jpg")
    assert "JPEG cannot hold" in lost
    assert images.load(tmp_path / "x.jpg").shape == (7, 9)


@pytest.mark.parametrize("suffix", WITH_ALL)
@pytest.mark.parametrize("xmp", [None, XMP])
def test_a_recipe_comes_back_as_it_was(tmp_path: Path, suffix: str, xmp: bytes | None) -> None:
    target = tmp_path / f"x{suffix}"
    assert images.save(Picture(np.asarray(noise(32, 32)), xmp=xmp), target, Output(recipe=RECIPE)) == ()
    assert images.recipe_of(target) == RECIPE
    again = images.load(target)
    assert again.warnings == ()
    if xmp is not None:
        assert b"a &lt;camera&gt;" in again.xmp
    # The recipe of the dream before is not that of the next.
    images.save(again, target)
    assert images.recipe_of(target) == ""
    images.save(again, target, Output(recipe="new"))
    assert images.recipe_of(target) == "new"


def test_a_float_tiff_has_its_recipe_too(tmp_path: Path) -> None:
    pixels = np.asarray(noise(32, 32)).astype(np.float32) / 255
    images.save(Picture(pixels), tmp_path / "x.tif", Output(recipe=RECIPE))
    assert images.recipe_of(tmp_path / "x.tif") == RECIPE


@pytest.mark.parametrize("suffix", [".bmp", ".ppm"])
def test_formats_that_hold_no_recipe_say_so(tmp_path: Path, suffix: str) -> None:
    (lost,) = images.save(Picture(np.asarray(noise(7, 9))), tmp_path / f"x{suffix}", Output(recipe="r"))
    assert "cannot hold the recipe" in lost
    assert images.recipe_of(tmp_path / f"x{suffix}") == ""


def test_the_xmp_that_is_written_is_xml_and_says_so() -> None:
    packet = with_recipe(XMP, RECIPE)
    found = ET.fromstring(packet).findall(".//{urn:deepdream-onnx:recipe:1#}recipe")  # noqa: S314 - our own
    assert [x.text for x in found] == [RECIPE]
    assert recipe_in(packet) == RECIPE
    assert packet.count(b"deepdream:recipe>") == 2
    assert with_recipe(with_recipe(XMP, "one"), "two").count(b"deepdream:recipe>") == 2


def test_a_recipe_that_another_program_rewrote() -> None:
    for quoted in (b'deepdream:recipe="a &lt; b&#10;c"', b"deepdream:recipe = 'a &lt; b&#10;c'"):
        assert recipe_in(b"<rdf:Description " + quoted + b"/>") == "a < b\nc"


def test_hostile_xmp_is_text_and_stays_text() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>'
    assert recipe_in(bomb + b"<deepdream:recipe>&b;</deepdream:recipe>") == "&b;"
    assert with_recipe(b"no rdf at all", "r") is None
    for odd in (
        b"<xmp:Thumbnails" * 1000,
        b"tiff:Orientation=" * 1000,
        b"<rdf:Description " * 1000,
        b" " * 100_000,
    ):
        upright_xmp(odd * 10, (1, 1))
        recipe_in(odd * 10)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\0xxxx" * 9, b"\xff" * 99, b"\0\0\0\1xml \0\0\0\0\0\0\0\1"],
)
def test_broken_boxes_hold_nothing(content: bytes) -> None:
    assert jxl.pixel_count(io.BytesIO(content)) == 0
    assert not jxl.xmp(io.BytesIO(content))


def test_a_recipe_of_no_picture(tmp_path: Path) -> None:
    with pytest.raises(images.ImageError, match="there is no picture"):
        images.recipe_of(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("deepdream:recipe='x'")
    with pytest.raises(images.ImageError, match="not a picture"):
        images.recipe_of(tmp_path / "text.png")
