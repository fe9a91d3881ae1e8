"""TIFF of 8 and 16 bits and of floating point: read with tifffile where Pillow sees less, written deflated.

Pillow writes 8 bits only, and keeps EXIF only uncompressed; so the strips are made here, and Pillow writes
the directory of tags (TIFF 6.0, and Adobe's technical notes 2 and 3 on compression and predictors).
"""

from __future__ import annotations

import logging
import math
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

import numpy as np

from engine.files import limits
from engine.files.attached import IPTC_TAG, XMP_TAG, tiff_tags
from engine.files.samples import as_colours
from engine.files.telling import RefusedError
from engine.pictures.rows import bands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from PIL import Image, TiffImagePlugin

    from engine.pictures.picture import Picture
    from engine.pictures.pixels import Values

MAGIC: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF files begin."""

ICC_TAG: Final = 34675

COLOURS: Final = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
"""Channels of a colour, by photometric interpretation."""

LARGEST: Final = 0xFFFF_0000
"""Bytes of pixels that a TIFF file with 32-bit offsets can have."""

SHORT, LONG, RATIONAL, UNDEFINED, BYTE = 3, 4, 5, 7, 1


class UnreadableError(RefusedError):
    """Refuse a kind of TIFF file that only Pillow may read."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"is a TIFF file of a kind that is not read: {kind}", "convert it to 8 or 16 bits of grey or RGB"
        )


def loses_with_pillow(image: Image.Image) -> bool:
    """Tell whether Pillow reads a TIFF file with other numbers or fewer channels than it has."""
    if image.format != "TIFF":
        return False
    tags = getattr(image, "tag_v2", {})
    deep = max(np.atleast_1d(tags.get(258, 8))) > 8
    return deep or unsigned_in(tags) is False or channels_left_out(image) > 0


def unsigned_in(tags: Mapping[int, Any]) -> bool:
    """Tell whether the numbers in a file with these tags are unsigned integers."""
    return set(np.atleast_1d(tags.get(339, 1)).tolist()) <= {1}


def channels_left_out(image: Image.Image) -> int:
    """Return how many channels of a TIFF file Pillow leaves out."""
    tags = getattr(image, "tag_v2", {})
    channels = tags.get(277, 1)
    if not isinstance(channels, int):
        return 0
    return channels - COLOURS.get(tags.get(262, -1), channels) - (image.mode[-1:] in {"A", "a"})


def count(file: BinaryIO) -> int:
    """Return how many pictures a TIFF file holds.

    Pillow counts too, but in a time that grows with the square of the number.
    """
    file.seek(0)
    head = file.read(16)
    order: Literal["little", "big"] = "little" if head.startswith(b"II") else "big"
    many, entry, wide = (8, 20, 8) if head[2:4] in {b"+\0", b"\0+"} else (2, 12, 4)
    place = int.from_bytes(head[wide : 2 * wide], order)
    seen: set[int] = set()
    while place and place not in seen:
        file.seek(place)
        entries = file.read(many)
        if len(entries) < many:  # beyond the end
            break
        seen.add(place)
        file.seek(place + many + entry * int.from_bytes(entries, order))
        place = int.from_bytes(file.read(wide), order)
    return len(seen)


def read(file: BinaryIO, admit: limits.Admit = limits.admit_any) -> tuple[NDArray[Any], list[str]]:
    """Return the first picture's values, [H, W, 1 to 4], and what they lose.

    They are uint8, uint16 or float32; white is the largest value or 1, and alpha is straight.  Raises
    UnreadableError for a kind of TIFF that needs Pillow, ModuleNotFoundError without tifffile, what
    `limits.check_pixels` and `admit` raise before anything large is made, and what tifffile raises.
    """
    import tifffile  # noqa: PLC0415 - from an extra

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
        kind = None if page.dtype is None else np.dtype(page.dtype)
        if kind is None or kind.kind not in "uif" or page.photometric not in {0, 1, 2}:
            raise UnreadableError(_kind(page, kind))
        pixels = max(shape[0] * shape[1], page.tilelength * page.tilewidth if page.is_tiled else 0)
        # As stored, on the way, and twice as the picture's values.
        each = max(limits.READING, shape[2] * (kind.itemsize + 12))
        limits.check_pixels(pixels * page.imagedepth, each)
        deep = 4 if kind.kind == "f" else 1 if np.max(page.bitspersample) <= 8 else 2
        admit(limits.Announced(shape[:2], each, deep * (4 if shape[2] in {2, 4} else 3)))
        parts = math.prod(page.chunked)
        if len(page.dataoffsets) < parts or not all(page.databytecounts[:parts]):
            raise ValueError("parts of the picture are missing")  # tifffile would fill them with zeros
        planes = page.asarray().reshape(page.shaped)[:, 0]  # of a volume the first slice
        stored = planes[0] if len(planes) == 1 else np.moveaxis(planes[..., 0], 0, -1)
        values, lost = as_colours(stored, page.bitspersample)
        if page.photometric == 0:  # white is zero
            values = _white(values) - values
        return _chosen(values, page, lost)


def _kind(page: Any, kind: np.dtype[Any] | None) -> str:
    """Name what a TIFF file holds."""
    names = {"u": "integers", "i": "signed integers", "f": "floats", "c": "complex numbers"}
    numbers = names.get(kind.kind if kind else "", "unknown numbers")
    space = getattr(page.photometric, "name", f"colour space {page.photometric}")
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    return f"{page.samplesperpixel} channels of {bits}-bit {numbers}, {space}"


def _chosen(values: NDArray[Any], page: Any, lost: list[str]) -> tuple[NDArray[Any], list[str]]:
    """Return colours and opacity of all channels, [H, W, C], and what is lost."""
    channels = values.shape[2]
    colours = 3 if page.photometric == 2 or channels >= 3 else 1
    if channels < colours:
        raise UnreadableError(_kind(page, values.dtype))
    # A channel more is opacity for libtiff and most programs, even if the file does not say so.
    extra = [*page.extrasamples, *[0] * channels][: channels - colours]
    alpha = next((i for i, x in enumerate(extra) if x in {1, 2}), 0 if len(extra) == 1 else None)
    left_out = len(extra) - (alpha is not None)
    if left_out:
        lost = [*lost, further_channels(left_out)]
    if alpha is None:
        return values[..., :colours], lost
    if extra[alpha] == 0:
        lost = [*lost, "the last channel has no name: it was taken as opacity"]
    kept = values[..., [*range(colours), colours + alpha]] if left_out else values
    return (_unmultiplied(kept) if extra[alpha] == 1 else kept), lost


def further_channels(count: int) -> str:
    """Say that channels are lost."""
    return f"further channels are not kept: {count}"


def _white(values: NDArray[Any]) -> int:
    return 1 if values.dtype.kind == "f" else int(np.iinfo(values.dtype).max)


def _unmultiplied(values: NDArray[Any]) -> NDArray[Any]:
    """Undo premultiplied alpha."""
    white = _white(values)
    result = values.copy()
    for rows in bands(values.shape):
        alpha = values[rows, :, -1:].astype(np.float64)
        with np.errstate(all="ignore"):  # values that are no colours stay none
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
