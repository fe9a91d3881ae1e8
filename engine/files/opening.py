"""Which picture files are opened: a list of our own, whatever Pillow and its plug-ins could open besides.

A file's suffix says nothing about what is in it, so each format is a way into the program.  Read are those
that Pillow, or the library of an extra, decodes by itself, that can be told by their first bytes, and that
say how large their picture is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from PIL import Image, ImageFile

from engine.errors import ImageError
from engine.files import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

READ: Final = (
    *("PNG", "JPEG", "GIF", "BMP", "PPM"),  # first, as Pillow has these at hand: the others take a moment
    *("WEBP", "TIFF", "AVIF", "HEIF", "JXL", "JPEG2000", "PSD"),
    *("DIB", "ICO", "ICNS", "CUR", "DDS", "QOI"),
    *("PCX", "DCX", "SGI", "SUN", "XBM", "XPM", "MSP", "FLI", "PCD"),
    "TGA",  # last: it has no first bytes of its own, so it is what nothing else is
)
"""Formats that are read, by Pillow's names; MPO, several pictures in one file, is opened as JPEG."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "EPS": "Pillow starts Ghostscript, which runs the program that the file is",
    "WMF": "Windows draws it, with what the file says",
    "FPX": "another package opens it, as a file system with pictures in it",
    "MIC": "another package opens it, as a file system with pictures in it",
    "IPTC": "holds a picture of any format, EPS too",
    "BLP": "holds a JPEG whose size it does not say",
    "FITS": "measurements, which no colours belong to",
    "MCIDAS": "measurements, which no colours belong to",
    "SPIDER": "measurements, which no colours belong to; any file can look like it",
    "IM": "any text can look like it",
    "IMT": "any text can look like it",
    "FTEX": "textures of one game",
    "GBR": "brushes of one program",
    "PIXAR": "pictures of one computer of 1986",
    "XVTHUMB": "thumbnails of one program",
    "BUFR": "Pillow has no decoder for it",
    "GRIB": "Pillow has no decoder for it",
    "HDF5": "Pillow has no decoder for it",
    "MPEG": "Pillow has no decoder for it",
}
"""What else Pillow opens, and why it is not read.  A format in neither list is not read either."""


def opened(file: BinaryIO) -> Image.Image:
    """Open a picture's file with Pillow, of the formats that are read only.

    Raises what Pillow and `limits.check_unopened` raise.
    """
    limits.check_unopened(file)
    extras = {"HEIF", "JXL"}  # there once `formats.enable_for` has met such a file
    return Image.open(file, formats=[x for x in READ if x not in extras or x in Image.OPEN])


def refuse_unread(image: Image.Image) -> None:
    """Raise ImageError for an image that a caller opened, but did not load, from a format that is not read.

    Pillow opens files late: what a format starts, it would start here.
    """
    late = isinstance(image, ImageFile.StubImageFile) or bool(getattr(image, "tile", ()))
    if late and image.format not in {*READ, "MPO"}:
        raise ImageError(
            f"pictures in {image.format} are not read",
            hint="call its load() first if it can be trusted, or convert it to PNG",
        )
