"""TIFF of 8 and 16 bits and of floating point: read with tifffile where Pillow sees less, written deflated.

Pillow writes 8 bits only, and keeps EXIF only uncompressed; so the strips are made here, and Pillow writes
the directory of tags (TIFF 6.0, and Adobe's technical notes 2 and 3 on compression and predictors).
"""

from __future__ import annotations

import logging
import math
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from PIL import Image, TiffImagePlugin

from engine.files.attached import IPTC_TAG, XMP_TAG, tiff_tags
from engine.pictures.rows import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.pictures.picture import Picture
    from engine.pictures.pixels import Values

MAGIC: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF files begin."""

ICC_TAG: Final = 34675

LARGEST: Final = 0xFFFF_0000
"""Bytes of pixels that a TIFF file with 32-bit offsets can have."""

SHORT, LONG, RATIONAL, UNDEFINED, BYTE = 3, 4, 5, 7, 1


class UnreadableError(Exception):
    """A kind of TIFF file that is left to Pillow."""


def read_deep(file: BinaryIO) -> NDArray[Any]:
    """Return the first picture's values, [H, W, 1 to 4], uint16 or float32; white is the largest value or 1.

    Raises UnreadableError for a kind of TIFF that needs Pillow, ModuleNotFoundError without tifffile,
    Image.DecompressionBombError before anything large is made, and what tifffile raises.
    """
    import tifffile  # noqa: PLC0415 - from an extra

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
        kind = np.dtype(page.dtype) if page.dtype is not None else np.dtype(np.uint8)
        plain = page.photometric in {0, 1, 2} and 1 <= shape[2] <= 4 and page.imagedepth == 1
        if (
            not plain
            or kind not in {np.dtype(x) for x in ("u2", "f2", "f4", "f8")}
            or page.bitspersample < 16
        ):
            raise UnreadableError
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 2**31)
        if shape[0] * shape[1] > limit:
            raise Image.DecompressionBombError
        parts = math.prod(page.chunked)
        if len(page.dataoffsets) < parts or not all(page.databytecounts[:parts]):
            raise ValueError("parts of the picture are missing")  # tifffile would fill them with zeros
        values = page.asarray()
        if page.planarconfig == 2 and shape[2] > 1:
            values = np.moveaxis(values, 0, -1)
        values = values.reshape(shape)
        values = values if kind == np.uint16 else values.astype(np.float32)
        if page.photometric == 0:  # white is zero
            values = (65535 if kind == np.uint16 else 1) - values
        return _unmultiplied(values) if 1 in page.extrasamples and shape[2] in {2, 4} else values


def _unmultiplied(values: NDArray[Any]) -> NDArray[Any]:
    """Undo premultiplied alpha."""
    white = 65535 if values.dtype == np.uint16 else 1
    result = values.copy()
    for rows in bands(values.shape):
        alpha = values[rows, :, -1:].astype(np.float64)
        colours = values[rows, :, :-1] * (white / np.where(alpha > 0, alpha, white))
        result[rows, :, :-1] = np.rint(colours).clip(0, white) if white > 1 else colours
    return result


def write(picture: Picture, file: BinaryIO) -> None:
    """Write a picture of any depth with its metadata; raise OverflowError above 4 GB."""
    values = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    height, width, channels = values.shape
    strips = [_strip(values[rows]) for rows in bands((height, width))]
    if sum(map(len, strips)) + len(picture.icc or b"") > LARGEST:
        raise OverflowError("more than 4 GB")
    tags = tiff_tags(picture.exif)
    floating = values.dtype == np.float32
    tags[256], tags[257] = width, height
    _set(tags, 258, SHORT, (8 * values.itemsize,) * channels)
    _set(tags, 259, SHORT, 8)  # deflate
    _set(tags, 262, SHORT, 2)  # RGB
    _set(tags, 277, SHORT, channels)
    _set(tags, 278, LONG, next(iter(bands((height, width)))).stop)
    _set(tags, 279, LONG, tuple(map(len, strips)))
    _set(tags, 284, SHORT, 1)
    _set(tags, 317, SHORT, 1 if floating else 2)
    _set(tags, 339, SHORT, (3 if floating else 1,) * channels)
    if picture.alpha is not None:
        _set(tags, 338, SHORT, 2)  # straight, not premultiplied, alpha
    if picture.dpi is not None:
        _set(tags, 282, RATIONAL, picture.dpi[0])
        _set(tags, 283, RATIONAL, picture.dpi[1])
        _set(tags, 296, SHORT, 2)
    for tag, kind, content in (
        (XMP_TAG, BYTE, picture.xmp),
        (IPTC_TAG, UNDEFINED, picture.iptc),
        (ICC_TAG, UNDEFINED, picture.icc),
    ):
        if content:
            _set(tags, tag, kind, content)
    # Relative to the end of the directory; Pillow adds that offset.
    _set(tags, 273, LONG, tuple(int(x) for x in np.cumsum([0, *map(len, strips[:-1])])))
    file.write(b"II*\0\x08\0\0\0")
    file.write(tags.tobytes(8))
    file.writelines(strips)


def _set(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int, kind: int, value: Any) -> None:
    tags.tagtype[tag] = kind
    tags[tag] = value


def _strip(values: Values) -> bytes:
    """Deflate rows; integers are stored as differences between neighbouring pixels."""
    if values.dtype != np.float32:
        values = values.copy()
        values[:, 1:] -= values[:, :-1].copy()
    return zlib.compress(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes(), 6)
