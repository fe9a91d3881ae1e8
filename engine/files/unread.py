"""What Pillow silently drops when it opens a file, as sentences for the user."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from engine.files import attached

if TYPE_CHECKING:
    from PIL import Image

HEAD: Final = 4096
"""Bytes at the beginning of a file that are searched for the depth of its pixels."""

DEEP: Final = re.compile(r"[;](?:10|12|14|16|24|32|64)")
"""Pillow's raw modes with more than 8 bits per channel, such as `RGB;16B`, which it opens as plain `RGB`."""

PHOTOSHOP: Final = frozenset([0x03ED, 0x0404, 0x0409, 0x040C, 0x0419, 0x0421, 0x0425])
"""Photoshop resources that are kept in another way (resolution, IPTC) or say nothing about the picture."""

PACKETS: Final = {"icc_profile": "the colour profile", "xmp": "XMP", "comment": "the comment"}
"""Metadata that is one piece, by Pillow's name."""

NEEDS_TIFFFILE: Final = ': pip install "deepdream-onnx[tiff]" keeps more'


def dropped_depth(image: Image.Image, file: BinaryIO | None) -> list[str]:
    """Report more than 8 bits per channel, which Pillow mostly reduces to 8 without a word."""
    head = b""
    if file is not None:
        place = file.tell()
        file.seek(0)
        head = file.read(HEAD)
        file.seek(place)
    # The decoder's arguments in tile hold the raw mode, and for PPM the largest value.
    arguments = [x.args if isinstance(x.args, tuple) else (x.args,) for x in getattr(image, "tile", [])]
    raw = any(
        DEEP.search(str(x)) or (image.format == "PPM" and isinstance(x, int) and x > 255)
        for args in arguments
        for x in args
    )
    bits = [*np.atleast_1d(getattr(image, "tag_v2", {}).get(258, 8)), image.info.get("bit_depth", 8)]
    box = head.find(b"ihdr")  # JPEG 2000: height, width, components, then bits - 1
    if image.format == "JPEG2000" and 0 <= box < len(head) - 14:
        raw |= (head[box + 14] & 0x7F) + 1 > 8
    box = head.find(b"av1C")  # AVIF: bit 6 of the third byte is high_bitdepth
    if image.format == "AVIF" and 0 <= box < len(head) - 6:
        raw |= bool(head[box + 6] & 0x40)
    if not raw and max(bits) <= 8:
        return []
    way_out = (
        NEEDS_TIFFFILE if image.format == "TIFF" and importlib.util.find_spec("tifffile") is None else ""
    )
    return [f"the picture has more than 8 bits per channel, the result has 8{way_out}"]


def take_damaged(info: dict[Any, Any]) -> list[str]:
    """Report metadata that is neither bytes nor text, and take it out: Pillow fails where it turns it."""
    damaged = [key for key in PACKETS if not isinstance(info.get(key, b""), bytes | str)]
    for key in damaged:
        del info[key]
    return [f"{PACKETS[key]} is damaged: not kept" for key in damaged]


def dropped_frames(image: Image.Image) -> list[str]:
    """Report that a file holds more than one picture."""
    frames = getattr(image, "n_frames", 1)
    return [f"only the first of {frames} pictures in the file is used"] if frames > 1 else []


def dropped_entries(image: Image.Image) -> list[str]:
    """Report other metadata of a file that results do not keep."""
    lost = []
    entries = image.info.get("photoshop")
    if entries and not (isinstance(entries, dict) and set(entries) <= PHOTOSHOP):
        lost.append("Photoshop resources")
    if image.info.get("gamma") and not image.info.get("icc_profile") and "srgb" not in image.info:
        lost.append("the gamma value")
    parts = getattr(image, "applist", [])  # of JPEG
    if any(content.startswith(b"http://ns.adobe.com/xmp/extension/") for _, content in parts):
        lost.append("extended XMP")
    texts = getattr(image, "text", {})  # of PNG; this reads to the end of the file
    if any(key not in attached.KNOWN_TEXTS and "Raw profile" not in key for key in texts):
        lost.append("text entries")
    return [f"not kept: {', '.join(lost)}"] if lost else []
