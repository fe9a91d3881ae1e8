"""PNG of 16 bits per channel, which Pillow reads as 8 bits and cannot write.

Reading lets Pillow decode the file twice, once for the upper byte of each value and once for the lower one,
so that its checks and limits apply here too.  Writing follows the PNG specification, third edition.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from PIL import Image, PngImagePlugin

from engine.pictures.rows import bands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

LOWER: Final = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow's raw modes of which it keeps the upper byte, and those that make it keep the lower one: the same
values in the other byte order."""

MAGIC: Final = b"\x89PNG\r\n\x1a\n"
"""How PNG files begin."""

END: Final = b"\0\0\0\0IDAT\x35\xaf\x06\x1e"
"""The beginning of no pixels, where Pillow stops to read when it opens a file."""

BUDGET: Final = 60_000_000
"""Bytes of a file's entries that are kept at most, of which each counts as a million more: Pillow unpacks as
much of each, and refuses 64 million in all."""

PIXEL_CHUNKS: Final = frozenset([b"tRNS", b"acTL", b"fcTL", b"fdAT"])
"""Chunks that a picture can be shown without, but would look different."""

ENTRY_NAMES: Final = {
    b"iCCP": "the colour profile",
    b"eXIf": "EXIF",
    b"pHYs": "the resolution",
    b"tEXt": "a text entry",
    b"zTXt": "a text entry",
    b"iTXt": "a text entry",
}
"""What messages call other chunks."""

LEVEL: Final = 6
"""zlib's compression level."""

INCH: Final = 0.0254
"""Metres."""

MOST_DPI: Final = (2**31 - 1) * INCH
"""The highest resolution that PNG can hold."""


def read_deep(image: Image.Image, file: BinaryIO | None) -> NDArray[np.uint16] | None:
    """Return the values of a PNG of 16 bits, [H, W, 2 to 4], None for any other picture.

    `image` was opened by Pillow, from `file`, and is not yet loaded; without `file` the result is None.  Grey
    without alpha needs none of this: Pillow keeps its 16 bits.
    """
    if not isinstance(image, PngImagePlugin.PngImageFile) or file is None or image.n_frames > 1:
        return None
    raw = image.tile[0].args if len(image.tile) == 1 else ""
    if raw == "LA;16B":  # four bytes a pixel, like 8-bit RGBA
        image.tile = [image.tile[0]._replace(args="RGBA")]
        grey = np.asarray(image).reshape(image.height, image.width, 2, 2)
        return _joined(grey[..., 0], grey[..., 1])
    if raw not in LOWER:
        return None
    file.seek(0)
    with Image.open(file, formats=["PNG"]) as again:
        again.tile = [again.tile[0]._replace(args=LOWER[raw])]
        values = _joined(np.asarray(image), np.asarray(again))
    key = image.info.get("transparency")
    if isinstance(key, tuple):  # one colour is transparent, all others are opaque
        alpha = np.where((values == np.array(key, np.uint16)).all(axis=-1), 0, 65535)
        values = np.dstack([values, alpha.astype(np.uint16)])
    return values


def key_of_few_bits(image: Image.Image) -> int | None:
    """Return the transparent value of a grey PNG of 2 or 4 bits, spread to 8 bits; None for others.

    Pillow spreads the pixels, but not this value.  `image` is not yet loaded.
    """
    key, tiles = image.info.get("transparency"), getattr(image, "tile", [])
    spread = {"L;2": 85, "L;4": 17}.get(str(tiles[0].args)) if len(tiles) == 1 else None
    return key * spread if spread and image.format == "PNG" and isinstance(key, int) else None


def _joined(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint16]:
    values = upper.astype(np.uint16)
    values <<= np.uint16(8)
    values |= lower
    return values


def without_excess(file: BinaryIO) -> tuple[io.BytesIO, tuple[str, ...]]:
    """Return a PNG file without the entries that keep Pillow from opening it, and a sentence for each.

    Pillow refuses a whole file for one entry: a profile or text above its limits, or one that is damaged.
    """
    file.seek(0)
    kept, lost = io.BytesIO(), []
    kept.write(file.read(len(MAGIC)))
    header, budget = b"", BUDGET
    for kind, chunk in _chunks(file):
        header = header or chunk  # IHDR comes first
        if kind[0] & 0x20 and kind not in PIXEL_CHUNKS:  # PNG's sign that a picture can be shown without it
            budget -= len(chunk) + BUDGET // 60
            if budget < 0 or not _opens(MAGIC + header + chunk + END):
                lost.append(f"{ENTRY_NAMES.get(kind, 'an entry')} cannot be read: not kept")
                continue
        kept.write(chunk)
    kept.seek(0)
    return kept, tuple(dict.fromkeys(lost))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind of each chunk and all its bytes; the last may be cut off."""
    while len(head := file.read(8)) == 8:
        yield head[4:], head + file.read(int.from_bytes(head[:4]) + 4)


def _opens(content: bytes) -> bool:
    """Tell whether Pillow opens a PNG file up to its pixels."""
    with contextlib.suppress(Exception), Image.open(io.BytesIO(content), formats=["PNG"]):
        return True
    return False


def write_deep(
    values: NDArray[np.uint16],
    file: BinaryIO,
    *,
    icc: bytes | None = None,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    texts: Mapping[str, str],
) -> None:
    """Write RGB or RGBA, [H, W, 3 or 4], as a PNG of 16 bits; `texts` are by keyword."""
    height, width, channels = values.shape
    file.write(MAGIC)
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0))
    if icc:
        _chunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if dpi:
        _chunk(file, b"pHYs", struct.pack(">IIB", *(round(x / INCH) for x in dpi), 1))
    for keyword, text in texts.items():
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8"))
    if exif:
        _chunk(file, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    packer = zlib.compressobj(LEVEL)
    for filtered in _filtered(values):
        _chunk(file, b"IDAT", packer.compress(filtered))
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        file.write(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
        )


def _filtered(values: NDArray[np.uint16]) -> Iterator[bytes]:
    """Yield the bytes of bands of rows, each row with the filter that PNG's heuristic prefers."""
    height, width, channels = values.shape
    step = 2 * channels
    above = np.zeros((1, width * step), np.uint8)
    for rows in bands((height, width)):
        raw = values[rows].astype(">u2").view(np.uint8).reshape(-1, width * step)
        up = np.concatenate([above, raw[:-1]])
        left = np.concatenate([np.zeros((len(raw), step), np.uint8), raw[:, :-step]], axis=1)
        corner = np.concatenate([np.zeros((len(raw), step), np.uint8), up[:, :-step]], axis=1)
        # Differences of bytes wrap around, as PNG wants.
        candidates = (raw, raw - left, raw - up, raw - _mean(left, up), raw - _paeth(left, up, corner))
        sizes = [np.abs(x.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for x in candidates]
        best = np.argmin(sizes, axis=0)
        lines = np.empty((len(raw), 1 + width * step), np.uint8)
        lines[:, 0] = best
        for kind, candidate in enumerate(candidates):
            lines[best == kind, 1:] = candidate[best == kind]
        yield lines.tobytes()
        above = raw[-1:]


def _mean(left: NDArray[np.uint8], up: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return ((left.astype(np.uint16) + up) >> 1).astype(np.uint8)


def _paeth(left: NDArray[np.uint8], up: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the one of three neighbours that is nearest to the plane through them (Paeth's predictor)."""
    a, b, c = (x.astype(np.int16) for x in (left, up, corner))
    to_left, to_up, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
