"""PNG of 16 bits per channel, which Pillow decodes as 8 and does not write.

Reading lets Pillow decode the file twice, once for the upper byte of each value and once for the lower one,
so that its checks and its limits hold here too.  Writing is our own (PNG specification, third edition).
"""

from __future__ import annotations

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
"""Pillow's names of 16-bit values that it takes the upper byte of; taken for the other byte order, they
give it the lower one."""

LEVEL: Final = 6
"""How hard zlib tries."""

INCH: Final = 0.0254
"""Metres."""


def read_deep(image: Image.Image, file: BinaryIO | None) -> NDArray[np.uint16] | None:
    """Return the values of a PNG of 16 bits, [H, W, 2 to 4], None for any other picture.

    `image` is what Pillow opened and has not yet loaded, `file` where from; without it there is nothing to
    be had.  Grey without alpha needs none of this: Pillow keeps it whole.
    """
    if not isinstance(image, PngImagePlugin.PngImageFile) or file is None or image.n_frames > 1:
        return None
    raw = image.tile[0].args if len(image.tile) == 1 else ""
    if raw == "LA;16B":  # four bytes a pixel, as those of RGBA in 8 bits
        image.tile = [image.tile[0]._replace(args="RGBA")]
        grey = np.asarray(image).reshape(image.height, image.width, 2, 2)
        return _joined(grey[..., 0], grey[..., 1])
    if raw not in LOWER:
        return None
    file.seek(0)
    with Image.open(file) as again:
        again.tile = [again.tile[0]._replace(args=LOWER[raw])]
        values = _joined(np.asarray(image), np.asarray(again))
    key = image.info.get("transparency")
    if isinstance(key, tuple):  # one colour is see-through, all others are not
        alpha = np.where((values == np.array(key, np.uint16)).all(axis=-1), 0, 65535)
        values = np.dstack([values, alpha.astype(np.uint16)])
    return values


def _joined(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint16]:
    values = upper.astype(np.uint16)
    values <<= np.uint16(8)
    values |= lower
    return values


def write_deep(
    values: NDArray[np.uint16],
    file: BinaryIO,
    *,
    icc: bytes | None = None,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    texts: Mapping[str, str],
) -> None:
    """Write RGB or RGBA, [H, W, 3 or 4], as a PNG of 16 bits; `texts` go by their keywords."""
    height, width, channels = values.shape
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0))
    if icc:
        _chunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if dpi:
        across, down = (min(round(x / INCH), 2**31 - 1) for x in dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", across, down, 1))
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
    """Yield the bytes of bands of rows, each row filtered as makes it smallest, by PNG's rule of thumb."""
    height, width, channels = values.shape
    step = 2 * channels
    above = np.zeros((1, width * step), np.uint8)
    for rows in bands((height, width)):
        raw = values[rows].astype(">u2").view(np.uint8).reshape(-1, width * step)
        up = np.concatenate([above, raw[:-1]])
        left = np.concatenate([np.zeros((len(raw), step), np.uint8), raw[:, :-step]], axis=1)
        corner = np.concatenate([np.zeros((len(raw), step), np.uint8), up[:, :-step]], axis=1)
        # Differences of bytes wrap around, which is how PNG counts.
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
    """Return of three neighbours the one that is nearest to the plane through them."""
    a, b, c = (x.astype(np.int16) for x in (left, up, corner))
    to_left, to_up, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
