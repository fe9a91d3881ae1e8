"""Metadata: EXIF, XMP and IPTC, corrected for the result, and the recipe among them.

XMP is edited as text, never parsed: entities in a hostile file are neither expanded nor fetched.
"""

from __future__ import annotations

import contextlib
import html
import math
import re
import struct
from typing import TYPE_CHECKING, Any, Final

from PIL import ExifTags, Image, TiffImagePlugin

from engine.settings.untrusted import LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT: Final = 16_000_000
"""Bytes of each kind of metadata that are looked at, at most."""

XMP_TAG: Final = 700
IPTC_TAG: Final = 33723

RECIPE_KEY: Final = "deepdream"
"""Keyword of the recipe in a PNG file."""

KNOWN_TEXTS: Final = frozenset(["XML:com.adobe.xmp", "Comment", "comment", RECIPE_KEY])
"""Keywords of PNG text that are kept or rewritten."""

STRUCTURE: Final = frozenset(
    [
        *range(254, 260),  # subfile, size, bits, compression
        *(262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320),
        *range(322, 326),  # tiles
        *(330, 333, 334, 336, 338, 339, 340, 341, 346, 347, *range(512, 522), 529, 530, 531, 532, 559),
        *range(32995, 32999),  # of SGI: matte, data type, depths
        *(XMP_TAG, IPTC_TAG, 34377, 34675),  # XMP, IPTC, Photoshop, ICC: not EXIF
    ]
)
"""TIFF tags that describe how one file is stored, and are wrong in any other."""

DIRECTORIES: Final = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""EXIF tags that stand for a directory of their own."""

NAMED: Final = 5
"""How many damaged entries are named."""

SIZES: Final = ((ExifTags.Base.ExifImageWidth, 0x1001), (ExifTags.Base.ExifImageHeight, 0x1002))
"""EXIF tags of a picture's width and height, in the Exif and in the Interoperability directory."""

NAMESPACE: Final = b"urn:deepdream-onnx:recipe:1#"
"""Namespace of the recipe in XMP."""

PACKET: Final = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b"</rdf:RDF>\n</x:xmpmeta>\n"
    b'<?xpacket end="w"?>'
)
"""An empty XMP packet."""

DESCRIPTION: Final = re.compile(
    rb"<rdf:Description rdf:about=\"\" xmlns:deepdream=\"[^\"]*\">"
    rb"\s*<deepdream:recipe>[^<]*</deepdream:recipe>\s*</rdf:Description>"
    rb"|<deepdream:recipe>[^<]*</deepdream:recipe>"
    rb"|\bdeepdream:recipe\s*=\s*(?:\"[^\"]*\"|'[^']*')"
)
"""The recipe of an earlier dream, as it is written here or as another program rewrote it."""

LONGEST_ESCAPE: Final = 10
"""Bytes that one character of a recipe can take in XMP, as in `&#1114111;`."""

RECIPE: Final = re.compile(
    rb"<deepdream:recipe>([^<]*)</|\bdeepdream:recipe\s*=\s*(?:\"([^\"]*)\"|'([^']*)')"
)
"""The recipe as it is written here, or by a program that rewrote the XMP."""


def upright_exif(exif: Image.Exif | None, size: tuple[int, int]) -> tuple[bytes | None, list[str]]:
    """Return EXIF for an upright picture of `size`: without orientation, thumbnail and the old layout.

    What is damaged and cannot be written again is left out; a sentence says so.  `exif` is None where all of
    it is damaged.  It stays as it is: its image may belong to the caller.
    """
    with contextlib.suppress(Exception):  # what is damaged raises exceptions of every kind
        if exif is not None:
            kept, lost = _upright(exif, size)
            return kept, [f"damaged EXIF entries are not kept: {', '.join(lost)}"] if lost else []
    return None, ["the EXIF metadata is damaged: not kept"]


def _upright(exif: Image.Exif, size: tuple[int, int]) -> tuple[bytes | None, list[str]]:
    """Return EXIF for an upright picture, and the names of its damaged entries."""
    kept = Image.Exif()
    kept.endian = exif.endian  # the maker note may depend on it
    entries, lost = _writable(exif)
    for tag in entries.keys() - STRUCTURE - {ExifTags.Base.Orientation, *DIRECTORIES}:
        kept[tag] = entries[tag]
    for directory in DIRECTORIES:
        details, gone = _details(exif, directory)
        for part in (details, details.get(ExifTags.IFD.Interop, {})):
            for tags, pixels in zip(SIZES, size, strict=True):
                part.update({tag: pixels for tag in tags if tag in part})
        if details:
            kept[directory] = details
        lost += gone
    if len(lost) > NAMED:
        lost[NAMED:] = [f"{len(lost) - NAMED} more"]
    return kept.tobytes() if len(kept) > 0 else None, lost


def _details(exif: Image.Exif, directory: ExifTags.IFD) -> tuple[dict[int, Any], list[str]]:
    """Return what can be written again of a directory inside EXIF, and the names of the rest."""
    try:
        details, lost = _writable(exif.get_ifd(directory), directory)
        if ExifTags.IFD.Interop in details:
            details[ExifTags.IFD.Interop] = _writable(exif.get_ifd(ExifTags.IFD.Interop))[0]
    except Exception:  # noqa: BLE001 - damaged directories raise exceptions of every kind
        return {}, [directory.name]
    return details, lost


def _writable(
    entries: Mapping[int, Any], directory: ExifTags.IFD | None = None
) -> tuple[dict[int, Any], list[str]]:
    """Return the entries of a directory that can be written again, and the names of the others."""
    names: Mapping[int, str] = ExifTags.GPSTAGS if directory == ExifTags.IFD.GPSInfo else ExifTags.TAGS
    written, lost = {}, []
    for tag in entries:
        try:
            value = entries[tag]  # decoded only now
            if tag not in {*DIRECTORIES, ExifTags.IFD.Interop}:
                alone = TiffImagePlugin.ImageFileDirectory_v2(group=directory)
                alone[tag] = value
                alone.tobytes()
        except Exception:  # noqa: BLE001 - damaged entries raise exceptions of every kind
            if tag not in STRUCTURE:
                lost.append(names.get(tag, str(tag)))
        else:
            written[tag] = value
    return written, lost


def dpi_of(value: Any) -> tuple[tuple[float, float] | None, list[str]]:
    """Return a resolution that Pillow found, None where it is not known, and a sentence if it is damaged."""
    with contextlib.suppress(Exception):  # not two numbers
        across, down = map(float, value or (0, 0))
        if across == 0 or down == 0:  # the formats' way to say that it is not known
            return None, []
        if 0 < across < math.inf and 0 < down < math.inf:
            return (across, down), []
    return None, ["the resolution makes no sense: not kept"]


def upright_xmp(xmp: bytes, size: tuple[int, int]) -> bytes:
    """Return XMP for an upright picture of `size`, without thumbnails and the recipe of an earlier dream."""
    values = (
        (b"tiff:Orientation", b"1"),
        (b"tiff:ImageWidth", b"%d" % size[0]),
        (b"tiff:ImageLength", b"%d" % size[1]),
        (b"exif:PixelXDimension", b"%d" % size[0]),
        (b"exif:PixelYDimension", b"%d" % size[1]),
    )
    for name, value in values:
        xmp = re.sub(rb"(<" + name + rb"\s*>)[^<]*(</)", rb"\g<1>" + value + rb"\g<2>", xmp)
        xmp = re.sub(rb"(\b" + name + rb"\s*=\s*[\"'])[^\"'<]*", rb"\g<1>" + value, xmp)
    start = xmp.find(b"<xmp:Thumbnails")
    stop = xmp.find(b"</xmp:Thumbnails>", start)
    if 0 <= start < stop:
        xmp = xmp[:start] + xmp[stop + len(b"</xmp:Thumbnails>") :]
    return DESCRIPTION.sub(b"", xmp)


def with_recipe(xmp: bytes | None, recipe: str) -> bytes | None:
    """Return XMP with the recipe added; None if the packet is too unusual to find a place for it."""
    packet = DESCRIPTION.sub(b"", xmp or PACKET)
    end = packet.rfind(b"</rdf:RDF>")
    if end < 0:
        return None
    # Line ends as character references: an XML reader would normalise them.
    text = html.escape(recipe, quote=True).replace("\r", "&#13;").replace("\n", "&#10;")
    entry = (
        b'<rdf:Description rdf:about="" xmlns:deepdream="%s">\n<deepdream:recipe>%s</deepdream:recipe>\n'
        % (
            NAMESPACE,
            text.encode("utf-8"),
        )
    )
    return packet[:end] + entry + b"</rdf:Description>\n" + packet[end:]


def recipe_in(xmp: bytes) -> str:
    """Return the recipe in an XMP packet, empty if there is none."""
    found = RECIPE.search(xmp[:LIMIT])
    text = next((x for x in found.groups() if x is not None), b"") if found else b""
    # What is cut off is too long to be one, and Python takes seconds to look for characters' names in it.
    return html.unescape(text[: LONGEST_ESCAPE * LARGEST].decode("utf-8", "replace"))


def xmp_of(info: Mapping[Any, Any]) -> bytes | None:
    """Return the XMP packet in Pillow's `info` of a file."""
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode("utf-8")
    return bytes(xmp).rstrip(b"\0 ") or None if isinstance(xmp, bytes) and len(xmp) <= LIMIT else None


def bytes_of(value: Any) -> bytes:
    """Return metadata that must be bytes; empty where a file has something else there, or nothing."""
    return value if isinstance(value, bytes) else b""


def entry(tags: Mapping[int, Any], tag: int, default: Any = None) -> Any:
    """Return an entry of a TIFF file or of EXIF, `default` where there is none or it is damaged."""
    with contextlib.suppress(Exception):  # they are decoded only now, with exceptions of every kind
        return tags.get(tag, default)
    return default


def iptc_of(info: Mapping[Any, Any], tags: Mapping[int, Any]) -> bytes | None:
    """Return IPTC records: of a JPEG file from its Photoshop resources, of a TIFF file from its tags."""
    entries = info.get("photoshop")
    iptc = entries.get(0x0404) if isinstance(entries, dict) else entry(tags, IPTC_TAG)
    if isinstance(iptc, tuple):  # 32-bit numbers, as some programs store the bytes
        words = [x for x in iptc if isinstance(x, int) and 0 <= x < 1 << 32]
        iptc = struct.pack(f"<{len(words)}I", *words)
    return bytes(iptc) if isinstance(iptc, bytes) and 0 < len(iptc) <= LIMIT else None


def photoshop_segment(iptc: bytes) -> bytes:
    """Return a JPEG segment that holds IPTC records in the way of Photoshop."""
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    content = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content


def tiff_tags(exif: bytes | None) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Return EXIF as a directory of TIFF tags, with the Exif and GPS directories inside it."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    loaded = Image.Exif()
    loaded.load(exif or b"")
    for tag, value in loaded.items():
        directory[tag] = value
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if ifd in loaded:
            # The Interoperability directory only describes cameras' file systems: dropped.
            entries = loaded.get_ifd(ifd).items()
            directory[ifd] = {tag: value for tag, value in entries if tag != ExifTags.IFD.Interop}
    return directory
