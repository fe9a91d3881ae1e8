"""Pictures with metadata that no camera would write, made by hand: no library would write it either."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from PIL import ImageCms

from engine.files.attached import STRUCTURE
from tests.engine.conftest import as_file, noise

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" deepdream:recipe="{}"/></rdf:RDF></x:xmpmeta>'
)
SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)
"""Bytes of a value of each TIFF type."""

SHOWN = STRUCTURE - {282, 283, 296, 700, 33723, 34377, 34675}
"""TIFF tags that say how the pixels are stored, or which."""


@dataclass(frozen=True)
class Mutant:
    """What a file says besides its pixels; None for nothing."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    icc: bytes | None = None
    comment: bytes | None = None
    dpi: bytes | None = None
    """Nine bytes: two numbers and a unit."""

    def written(self, form: str) -> io.BytesIO:
        """Return a file of this format: PNG, PNG16, JPEG, TIFF, TIFF16 or WEBP."""
        makers = {"JPEG": self._jpeg, "WEBP": self._webp}
        if form.startswith("PNG"):
            return io.BytesIO(self._png(deep=form == "PNG16"))
        if form.startswith("TIFF"):
            return io.BytesIO(self._tiff(deep=form == "TIFF16"))
        return io.BytesIO(makers[form]())

    def _png(self, *, deep: bool) -> bytes:
        pixels = np.asarray(noise(12, 18))
        if deep:
            raw = (pixels.astype(">u2") * 257).tobytes()
            lines = b"".join(b"\0" + raw[y * 108 : y * 108 + 108] for y in range(12))
        else:
            lines = b"".join(b"\0" + row.tobytes() for row in pixels)
        entries = [
            (b"IHDR", struct.pack(">IIBBBBB", 18, 12, 16 if deep else 8, 2, 0, 0, 0)),
            (b"iCCP", self.icc and b"x\0\0" + zlib.compress(self.icc)),
            (b"pHYs", self.dpi),
            (b"iTXt", self.xmp and b"XML:com.adobe.xmp\0\0\0\0\0" + self.xmp),
            (b"tEXt", self.comment and b"Comment\0" + self.comment),
            (b"eXIf", self.exif),
            (b"IDAT", zlib.compress(lines)),
        ]
        chunks = [_chunk(kind, data) for kind, data in entries if data]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + _chunk(b"IEND", b"")

    def _jpeg(self) -> bytes:
        plain = as_file(noise(12, 18), "JPEG").getvalue()
        place = plain.index(b"\xff\xdb")  # after JFIF
        segments = [
            (0xE1, self.exif and b"Exif\0\0" + self.exif),
            (0xE1, self.xmp and b"http://ns.adobe.com/xap/1.0/\0" + self.xmp),
            (0xED, self.iptc and b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + _long(self.iptc)),
            (0xE2, self.icc and b"ICC_PROFILE\0\1\1" + self.icc),
            (0xFE, self.comment),
        ]
        density = b"" if self.dpi is None else self.dpi[8:] + self.dpi[2:4] + self.dpi[6:8]
        head = plain[:13] + density + plain[13 + len(density) : place]
        inserted = [
            bytes([0xFF, kind]) + struct.pack(">H", len(data[:65533]) + 2) + data[:65533]
            for kind, data in segments
            if data
        ]
        return head + b"".join(inserted) + plain[place:]

    def _webp(self) -> bytes:
        plain = as_file(
            noise(12, 18), "WEBP", lossless=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
        ).getvalue()
        start, chunks = 12, []
        while start < len(plain):
            size = int.from_bytes(plain[start + 4 : start + 8], "little")
            chunks.append((plain[start : start + 4], plain[start + 8 : start + 8 + size]))
            start += 8 + size + size % 2
        flags = 0x20 * bool(self.icc) | 0x08 * bool(self.exif) | 0x04 * bool(self.xmp)
        pixels = next((kind, data) for kind, data in chunks if kind == b"VP8L")
        extended = next(data for kind, data in chunks if kind == b"VP8X")
        entries = [
            (b"VP8X", bytes([flags]) + extended[1:]),
            (b"ICCP", self.icc),
            pixels,
            (b"EXIF", self.exif),
            (b"XMP ", self.xmp),
        ]
        body = b"".join(
            kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
            for kind, data in entries
            if data
        )
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body

    def _tiff(self, *, deep: bool) -> bytes:
        pixels = np.asarray(noise(12, 18))
        raw = (pixels.astype("<u2") * 257 if deep else pixels).tobytes()
        bits = 16 if deep else 8
        entries = {tag: entry for tag, entry in _entries(self.exif).items() if tag not in SHOWN}
        entries |= {
            256: (3, 1, struct.pack("<H", 18)),
            257: (3, 1, struct.pack("<H", 12)),
            258: (3, 3, struct.pack("<3H", bits, bits, bits)),
            259: (3, 1, b"\1\0"),
            262: (3, 1, b"\2\0"),
            273: (4, 1, b"\x08\0\0\0"),
            277: (3, 1, b"\3\0"),
            278: (3, 1, b"\x0c\0"),
            279: (4, 1, struct.pack("<I", len(raw))),
        }
        if self.dpi is not None:
            entries |= {
                282: (5, 1, self.dpi[:8]),
                283: (5, 1, self.dpi[4:8] + self.dpi[:4]),
                296: (3, 1, b"\2\0"),
            }
        for tag, data in ((700, self.xmp), (33723, self.iptc), (34675, self.icc)):
            if data:
                entries[tag] = (7, len(data), data)
        return b"II*\0" + struct.pack("<I", 8 + len(raw)) + raw + directory(entries, 8 + len(raw))


def directory(entries: dict[int, tuple[int, int, bytes]], start: int) -> bytes:
    """A TIFF directory, little-endian, that lies at `start`; entries are type, count and bytes by tag."""
    place = start + 2 + 12 * len(entries) + 4
    head, tail = struct.pack("<H", len(entries)), b""
    for tag in sorted(entries):
        kind, count, data = entries[tag]
        if len(data) <= 4:
            head += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
        else:
            head += struct.pack("<HHII", tag, kind, count, place + len(tail))
            tail += data + b"\0" * (len(data) % 2)
    return head + b"\0\0\0\0" + tail


def exif_of(
    entries: dict[int, tuple[int, int, bytes]],
    details: dict[int, tuple[int, int, bytes]],
    related: dict[int, tuple[int, int, bytes]] | None = None,
) -> bytes:
    """EXIF with these entries, these in its Exif directory, and these in its Interoperability directory."""
    inner = directory(details, 8)
    if related is not None:
        place = 8 + len(inner) + 12
        inner = directory(details | {0xA005: (4, 1, struct.pack("<I", place))}, 8)
        inner += directory(related, place)
    outer = entries | {34665: (4, 1, struct.pack("<I", 8))}
    return b"II*\0" + struct.pack("<I", 8 + len(inner)) + inner + directory(outer, 8 + len(inner))


def _entries(exif: bytes | None) -> dict[int, tuple[int, int, bytes]]:
    """The entries of a small little-endian EXIF, as `directory` takes them, without its directories.

    Those that lie outside are left out: in a TIFF file they would damage what says how the pixels are stored.
    """
    found: dict[int, tuple[int, int, bytes]] = {}
    if exif is None or exif[:4] != b"II*\0" or len(exif) < 10:
        return found
    start = int.from_bytes(exif[4:8], "little")
    for place in range(start + 2, start + 2 + 12 * int.from_bytes(exif[start : start + 2], "little"), 12):
        if len(exif) < place + 12:
            break
        tag, kind, count, offset = struct.unpack("<HHII", exif[place : place + 12])
        size = count * (SIZES[kind] if kind < len(SIZES) else 1)
        data = exif[place + 8 : place + 12] if size <= 4 else exif[offset : offset + size]
        if tag != 34665 and size <= max(len(data), 4):
            found[tag] = (kind, count, data)
    return found


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)


TAGS = st.one_of(
    st.sampled_from([256, 257, 259, 262, 266, 270, 271, 274, 282, 283, 296, 305, 306, 315, 320, 33432, 700]),
    st.sampled_from(
        [33434, 33437, 36864, 36867, 37121, 37377, 37386, 37396, 37500, 37510, 40962, 40963, 41486]
    ),
    st.integers(1, 65535),
)
RATIONALS = st.tuples(
    st.sampled_from([0, 1, 72, 300, 2**31 - 1, 2**31, 2**32 - 1]),
    st.sampled_from([0, 1, 7, 2**31, 2**32 - 1]),
).map(lambda x: struct.pack("<II", *x))


@st.composite
def entries(draw) -> dict[int, tuple[int, int, bytes]]:
    """Entries of any tag and type, most of the right length."""
    found = {}
    for tag in draw(st.lists(TAGS, max_size=6, unique=True)):
        kind = draw(st.sampled_from([1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9, 10, 10, 10, 11, 12, 13, 99]))
        count = draw(st.integers(0, 5))
        size = count * (SIZES[kind] if kind < len(SIZES) else 1)
        data = draw(st.binary(min_size=size, max_size=size))
        if kind in {5, 10}:
            data = b"".join(draw(RATIONALS) for _ in range(count))
        found[tag] = (kind, draw(st.sampled_from([count] * 9 + [2**31])), data)
    if draw(st.booleans()):
        found[274] = (3, 1, struct.pack("<H", draw(st.integers(1, 8))))
    return found


@st.composite
def damaged(draw, sound: bytes) -> bytes:
    """These bytes with some of them changed, or cut."""
    content = bytearray(sound)
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.sampled_from([None] * 6 + [len(content) // 2, 0]))])


EXIFS = st.one_of(
    st.builds(exif_of, entries(), entries()),
    st.builds(exif_of, entries(), entries()).flatmap(damaged),
    st.binary(max_size=40),
)
MUTANTS = st.builds(
    Mutant,
    exif=st.none() | EXIFS,
    xmp=st.none() | st.binary(max_size=40) | damaged(PACKET),
    iptc=st.none() | st.binary(max_size=40) | damaged(b"\x1c\x02\x78\x00\x05hello"),
    icc=st.none() | st.binary(max_size=200) | damaged(PROFILE),
    comment=st.none() | st.binary(max_size=40),
    dpi=st.none() | st.binary(min_size=9, max_size=9) | RATIONALS.map(lambda x: x + b"\1"),
)
