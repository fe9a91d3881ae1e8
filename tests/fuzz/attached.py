"""Sound pixels with damaged metadata, which must never keep a picture from being dreamed on."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from random import Random
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from tests.fuzz.case import Case, dream, pixels
from tests.fuzz.mutate import damaged, damaged_text

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif"}
RATIONALS = ((0, 0), (1, 0), (0, 1), (2**32 - 1, 1), (1, 2**32 - 1), (2**32 - 1, 2**32 - 1), (72, 1))
XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><rdf:Description
 tiff:Orientation="6" tiff:XResolution="72/1"><dc:title>x</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>
 <?xpacket end="w"?>"""


def make(random: Random) -> Case:
    """Return a dream on a picture with one or two damaged metadata, written in any format that keeps them."""
    form = random.choice(tuple(SUFFIXES))
    said, options = [], {}
    for kind in random.sample(KINDS, random.choice((1, 1, 2))):
        given, what = kind(random, form)
        options |= given
        said.append(f"{kind.__name__.strip('_')}: {what}")
    buffer = BytesIO()
    image = Image.fromarray(pixels(18, 26))
    try:
        image.save(buffer, form, **options)
    except Exception as error:  # noqa: BLE001 - what Pillow does not write is no input
        said.append(f"left out, {type(error).__name__}")
        buffer = BytesIO()
        image.save(buffer, form)
    name, result = "photo" + SUFFIXES[form], "out" + random.choice(tuple(SUFFIXES.values()))
    words = tuple(result if x == "out.png" else x for x in dream(name))
    content = buffer.getvalue()
    return Case(f"{form}: {', '.join(said)}", words, frozenset(), {name: content}, result=result)


def _exif(random: Random, _: str) -> tuple[dict[str, Any], str]:
    """Damage the bytes behind the header."""
    whole = exif_bytes()
    part, what = damaged(random, whole[14:])
    return {"exif": (whole[:14] + part)[:60_000]}, what


def _values(random: Random, _: str) -> tuple[dict[str, Any], str]:
    """Write values that make no sense, but are written well."""
    exif = Image.Exif()
    exif.load(exif_bytes())
    exif[0x0112] = random.choice((0, 1, 3, 6, 8, 9, 255, 65535))
    what = [f"orientation {exif[0x0112]}"]
    for tag in (0x011A, 0x011B):
        exif[tag] = TiffImagePlugin.IFDRational(*random.choice(RATIONALS))
        what.append(f"resolution {exif[tag]}")
    exif[0x0128] = random.choice((0, 1, 2, 3, 7, 65535))
    if random.random() < 0.5:
        exif[0x010E] = random.choice(("", "\x00", "\x1b[2J", "é" * 9, "x" * 30_000))
    return {"exif": exif.tobytes()}, ", ".join(what)


def _profile(random: Random, _: str) -> tuple[dict[str, Any], str]:
    content, what = damaged(random, profile())
    if random.random() < 0.1:
        content, what = content + bytes(1_200_000), what + ", 1.2 MB more"
    return {"icc_profile": content}, what


def _xmp(random: Random, form: str) -> tuple[dict[str, Any], str]:
    text, what = damaged_text(random, XMP)
    content = text.encode("utf-8", "surrogatepass")
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", content.decode("utf-8", "replace"))
        return {"pnginfo": info}, what
    return {"xmp": content}, what


def _resolution(random: Random, _: str) -> tuple[dict[str, Any], str]:
    dpi = tuple(random.choice((0, 1e-9, 0.5, 72.009, 65535, 65536, 1e9, 4e9)) for _ in "xy")
    return {"dpi": dpi}, str(dpi)


def _comment(random: Random, form: str) -> tuple[dict[str, Any], str]:
    text, what = damaged_text(random, "a comment")
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", text, zip=random.random() < 0.5)
        return {"pnginfo": info}, what
    return {"comment": text.encode("utf-8", "replace")[:60_000]}, what


KINDS = (_exif, _exif, _values, _profile, _xmp, _resolution, _comment)


@cache
def exif_bytes() -> bytes:
    """Return EXIF of many types: texts, rationals, a place, a thumbnail's tags."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F], exif[0x013B] = "Maker", "Somebody"
    exif[0x011A] = exif[0x011B] = TiffImagePlugin.IFDRational(300, 1)
    exif[0x0128] = 2
    details = exif.get_ifd(0x8769)
    details[0x829A], details[0x8827], details[0x9003] = (1, 250), 100, "2020:01:02 03:04:05"
    details[0x9204], details[0xA001] = TiffImagePlugin.IFDRational(-1, 3), 1
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (50.0, 4.0, 30.5)
    return exif.tobytes()


@cache
def profile() -> bytes:
    """Return a colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
