"""What Pillow silently drops when it opens a file, as sentences for the user."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from engine.files import attached, tiff
from engine.files.tiff import further_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    head = b"" if file is None else _head(file)
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
    return [f"the picture has more than 8 bits per channel, the result has 8{_way_out(image)}"]


def take_damaged(info: dict[Any, Any]) -> list[str]:
    """Report metadata that is neither bytes nor text, and take it out: Pillow fails where it turns it."""
    damaged = [key for key in PACKETS if not isinstance(info.get(key, b""), bytes | str)]
    for key in damaged:
        del info[key]
    return [f"{PACKETS[key]} is damaged: not kept" for key in damaged]


def dropped_frames(image: Image.Image, file: BinaryIO | None) -> list[str]:
    """Report that a file holds more than one picture."""
    if file is None or image.format != "TIFF":
        return _further_pictures(getattr(image, "n_frames", 1))
    place = file.tell()
    told = dropped_pages(file, getattr(image, "tag_v2", {}))
    file.seek(place)
    return told


def dropped_pages(file: BinaryIO, tags: Mapping[int, Any]) -> list[str]:
    """Report further pages of a TIFF file, or further slices of a volume in it."""
    slices = attached.entry(tags, 32997, 1)
    return _further_pictures(max(tiff.count(file), slices if isinstance(slices, int) else 1))


def _further_pictures(count: int) -> list[str]:
    return [f"only the first of {count} pictures in the file is used"] if count > 1 else []


def dropped_channels(image: Image.Image, file: BinaryIO | None) -> list[str]:
    """Report channels that Pillow leaves out."""
    left_out = tiff.channels_left_out(image) if image.format == "TIFF" else 0
    if image.format == "PSD" and file is not None:
        left_out = int.from_bytes(_head(file)[12:14]) - len(image.getbands())
    return [further_channels(left_out) + _way_out(image)] if left_out > 0 else []


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


def dropped_packets(info: Mapping[Any, Any], tags: Mapping[int, Any]) -> list[str]:
    """Report metadata that is too long to be looked at; `info` and `tags` have Pillow's names."""
    photoshop = info.get("photoshop")
    packets = {
        "XMP": info.get("xmp") or info.get("XML:com.adobe.xmp"),
        "IPTC": photoshop.get(0x0404) if isinstance(photoshop, dict) else tags.get(attached.IPTC_TAG),
    }
    sizes = {
        x: len(y) * (4 if isinstance(y, tuple) else 1)  # 32-bit numbers, see `attached.iptc_of`
        for x, y in packets.items()
        if isinstance(y, bytes | str | tuple)
    }
    limit = attached.LIMIT
    return [f"{x} of more than {limit // 1_000_000} MB is not kept" for x in sizes if sizes[x] > limit]


def _head(file: BinaryIO) -> bytes:
    """Return the beginning of a file, which stays where it is read."""
    place = file.tell()
    file.seek(0)
    head = file.read(HEAD)
    file.seek(place)
    return head


def _way_out(image: Image.Image) -> str:
    missing = image.format == "TIFF" and importlib.util.find_spec("tifffile") is None
    return NEEDS_TIFFFILE if missing else ""
