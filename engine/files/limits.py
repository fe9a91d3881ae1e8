"""What is asked of a picture's file before it is decoded: how large it is, and how often it is drawn over.

A file of a few kilobytes can hold a picture that takes gigabytes, or minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

import numpy as np
from PIL import Image

from engine import machine
from engine.files import jxl
from engine.files.telling import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

READING: Final = 34
"""Bytes per pixel that reading takes at most, decoder and all: 7 to 32 were measured.  The lightest dream
takes no less, so what can be dreamed on can be read."""

SCANS: Final = 100
"""Scans of a JPEG file, at most, as in libtiff.  Each takes as long as a whole picture, and needs only a few
bytes.  Encoders write about 10, those that try for the smallest file up to 64."""

USUAL: Final = 12
"""Scans that are not looked at closely."""

DRAWN: Final = 4_000_000_000
"""Pixels that all scans of a file draw together, at most: about half a minute.  So that is 22 scans of the
largest picture, and `SCANS` up to 40 million pixels."""

MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""The beginning of a segment of a JPEG file."""

INSIDE: Final = re.compile(rb"IHDR(?P<png>.{8})|\xff\x4f\xff\x51.{4}(?P<j2k>.{16})", re.DOTALL)
"""The size in the header of a PNG or JPEG 2000 picture, wherever that is."""


@dataclass(frozen=True)
class Announced:
    """What a picture's file says of it before it is decoded."""

    shape: tuple[int, int]
    """(height, width) in pixels, as it is stored."""

    reading: int
    """Bytes per pixel that reading takes, at most."""

    own: int
    """Bytes per pixel of the picture that is read."""


Admit: TypeAlias = Callable[[Announced], object]
"""Asked with what a picture's header says; it raises ImageError for one that is not to be decoded."""


def admit_any(_: Announced) -> None:
    """Refuse nothing."""


PLAIN: Final = frozenset(["JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "PPM", "TGA"])
"""Formats that Pillow decodes into 4 bytes a pixel, and nothing besides."""


def announced(image: Image.Image) -> Announced:
    """Return what an image says that Pillow has opened and not yet loaded."""
    tags = getattr(image, "tag_v2", {})
    raw = " ".join(str(x.args) for x in getattr(image, "tile", []))
    bits = max(np.atleast_1d(tags.get(258, 8)).tolist(), default=8)
    floats = image.mode == "F" or 3 in np.atleast_1d(tags.get(339, 1))
    deep = 4 if floats else 2 if bits > 8 or ";16" in raw or image.mode.startswith("I") else 1
    channels = 4 if image.has_transparency_data else 3
    plain = deep == 1 and image.format in PLAIN and image.mode not in {"CMYK", "LAB"}
    return Announced((image.height, image.width), 12 if plain else READING, channels * deep)


def check_unopened(file: BinaryIO) -> None:
    """Raise what `check` raises for a file of a format that is decoded as soon as it is opened."""
    place = file.tell()
    head = file.read(12)
    if head.startswith(jxl.MAGIC):
        check_pixels(jxl.pixel_count(file))
    elif head.startswith(b"\0\0\1\0"):
        check_pixels(max(_icons(file), default=0))
    file.seek(place)


def check(image: Image.Image, file: BinaryIO | None = None) -> None:
    """Raise before a picture is decoded that is too large, or takes too long.

    `image` is open and not yet loaded, `file` what it was opened from.  Raises RefusedError, and
    Image.DecompressionBombError above the limit that Pillow has.
    """
    place = 0 if file is None else file.tell()  # where Pillow reads on
    pixels = image.width * image.height
    check_pixels(max([pixels, *_inside(image, file)]))
    scans = _scans(file) if file is not None and image.format in {"JPEG", "MPO"} else 0
    if file is not None:
        file.seek(place)
    most = min(SCANS, DRAWN // max(pixels, 1))
    if scans > most:
        raise RefusedError(
            f"has more than {most} scans, which would take minutes",
            hint="save it again as a JPEG or PNG file in a program that you trust",
        )


def check_pixels(pixels: int, each: int = READING) -> None:
    """Raise what `check` raises for that many pixels, of which each takes `each` bytes."""
    if Image.MAX_IMAGE_PIXELS and pixels > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    wanted, free = pixels * each, machine.available_memory()
    if free is not None and wanted > free:
        raise RefusedError(
            f"does not fit into memory: to read its {pixels / 1e6:.0f} million pixels takes about"
            f" {machine.amount(wanted)}, and {machine.amount(free)} are free",
            hint="make it smaller, or close other programs",
        )


def _inside(image: Image.Image, file: BinaryIO | None) -> Iterator[int]:
    """Yield the pixels of what is decoded in truth, where the file's own header may say less."""
    tags = getattr(image, "tag_v2", {})
    sides = [x for tag in (322, 323) if isinstance(x := tags.get(tag), int)]  # of TIFF's tiles
    if len(sides) == 2:
        yield sides[0] * sides[1]
    if file is None:
        return
    if image.format in {"ICNS", "JPEG2000"}:
        file.seek(0)
        for found in INSIDE.finditer(file.read()):
            sizes = found["png"] or found["j2k"]
            right, bottom, left, top = (int.from_bytes(sizes[x : x + 4]) for x in (0, 4, 8, 12))
            yield max(right - left, 0) * max(bottom - top, 0)


def _icons(file: BinaryIO) -> Iterator[int]:
    """Yield the pixels of each PNG or BMP picture in a Windows icon."""
    file.seek(4)
    count = int.from_bytes(file.read(2), "little")
    directory = file.read(16 * count)
    for entry in range(0, len(directory) - 15, 16):
        file.seek(int.from_bytes(directory[entry + 12 : entry + 16], "little"))
        head = file.read(24)
        if head.startswith(b"\x89PNG"):
            yield int.from_bytes(head[16:20]) * int.from_bytes(head[20:24])
        elif head.startswith(b"\x0c\0\0\0"):  # the oldest BMP
            yield int.from_bytes(head[4:6], "little") * int.from_bytes(head[6:8], "little")
        else:  # twice as high, for its mask
            sides = [abs(int.from_bytes(head[x : x + 4], "little", signed=True)) for x in (4, 8)]
            yield sides[0] * sides[1] // 2


def _scans(file: BinaryIO) -> int:
    """Count how often a JPEG file draws over its picture, exactly where that is more than `USUAL`."""
    file.seek(0)
    content = file.read()
    if (most := content.count(b"\xff\xda")) <= USUAL:
        return most
    place = scans = 0
    while found := MARKER.search(content, place):
        kind, place = content[found.start() + 1], found.end()
        if kind == 0xD9:  # the end; what follows is another picture, or a film
            break
        scans += kind == 0xDA
        if kind != 0xD8:  # the beginning, which has no content
            place += int.from_bytes(content[place : place + 2])
    return scans
