"""What Pillow's plug-in for JPEG XL leaves out: a picture's size before it is decoded, and its XMP.

ISO/IEC 18181-1, annex on the image header; ISO/IEC 18181-2, boxes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Final

from engine.files.attached import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC: Final = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
"""How files begin: a bare codestream, or boxes."""

RATIOS: Final = ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, for headers that hold only the height."""

BOXES: Final = 10_000
"""Boxes that are looked at, at most."""


def pixel_count(file: BinaryIO) -> int:
    """Return how many pixels a file announces; 0 if it has no valid header, which the decoder will report."""
    file.seek(0)
    head = file.read(16)
    if head.startswith(MAGIC[1]):
        head = b""
        for kind, size in _boxes(file):
            if kind in {b"jxlc", b"jxlp"}:
                head = file.read(min(size, 20))[
                    4 * (kind == b"jxlp") :
                ]  # a partial codestream begins with its index
                break
    if not head.startswith(MAGIC[0]):
        return 0
    bits = _Bits(int.from_bytes(head[2:], "little"))
    small = bits.take(1)
    height = _side(bits, small=small)
    ratio = bits.take(3)
    if ratio == 0:
        return height * _side(bits, small=small)
    across, down = RATIOS[ratio - 1]
    return height * (height * across // down)


def xmp(file: BinaryIO) -> bytes | None:
    """Return the XMP packet of a file; None if it has none, or only a compressed one."""
    for kind, size in _boxes(file):
        if kind == b"xml ":
            return file.read(min(size, LIMIT + 1))  # one more shows that it is too long
    return None


class _Bits:
    """Bits of a codestream, the lowest bit of each byte first."""

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def take(self, count: int) -> int:
        taken = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return taken


def _side(bits: _Bits, *, small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield each box's kind and the size of its content, with the file positioned at that content."""
    file.seek(0, os.SEEK_END)
    end, start = file.tell(), 0
    for _ in range(BOXES):
        file.seek(start)
        head = file.read(8)
        size, begin = int.from_bytes(head[:4]), start + 8
        if size == 1:
            size, begin = int.from_bytes(file.read(8)), start + 16
        stop = start + size if size else end
        if len(head) < 8 or not begin <= stop <= end:
            return
        yield head[4:], stop - begin
        start = stop
