"""Frames on the wire: pictures as `.npy` version 1, read and written without trusting the other side.

A frame is what `numpy.save` writes of an array [H, W, 1 to 4] in C order, uint8 (0 to 255) or little-endian
float32 (0 to 1); by channels: grey, grey and alpha, RGB, RGBA.  Nothing of a header is ever evaluated, and no
pixel is read or given room before its header has been found good.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import numpy as np

from engine.errors import WireError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Values: TypeAlias = "NDArray[Any]"
"""A frame's pixels, uint8 or float32 [H, W, 1 to 4]."""

Read: TypeAlias = Callable[[int], bytes]
"""Returns at most so many bytes, none only at the end."""

Write: TypeAlias = Callable[[memoryview], int]
"""Takes some bytes, from the first on, and returns how many."""

MAX_PIXELS: Final = 400_000_000
"""Height times width of the largest frame, of which other programs make a header by mistake or in malice."""

MAX_HEADER: Final = 4096
"""Bytes of the longest header that is read; ours and NumPy's have 118."""

MAGIC: Final = b"\x93NUMPY"
PREAMBLE: Final = len(MAGIC) + 4
"""Bytes before the header's text: magic, version, length."""

KINDS: Final = ("|u1", "<f4")
CHUNK: Final = 1 << 20

_ITEM = re.compile(
    r"\s*(['\"])(descr|fortran_order|shape)\1\s*:\s*('[^'\"]*'|\"[^'\"]*\"|True|False|\([^()]*\))\s*(?:,|$)"
)
_SHAPE = re.compile(r"\(\s*([0-9]{1,19})\s*,\s*([0-9]{1,19})\s*,\s*([0-9]{1,19})\s*,?\s*\)")


@dataclass(frozen=True)
class Header:
    """What comes before the pixels of a frame."""

    kind: str
    """`|u1` or `<f4`."""

    shape: tuple[int, int, int]
    """(height, width, channels)."""

    def __bytes__(self) -> bytes:
        text = f"{{'descr': '{self.kind}', 'fortran_order': False, 'shape': {self.shape}, }}"
        padding = " " * (-(PREAMBLE + len(text) + 1) % 64)
        raw = f"{text}{padding}\n".encode("ascii")
        return MAGIC + struct.pack("<BBH", 1, 0, len(raw)) + raw


def read_header(read: Read) -> Header | None:
    """Return the next frame's header, None at the end; raise WireError for one that is not to be followed."""
    start = b""
    while len(start) < PREAMBLE:
        part = read(PREAMBLE - len(start))
        if not part:
            break
        start += part
    if not start:
        return None
    if start[: len(MAGIC)] != MAGIC[: len(start)]:
        raise WireError(
            "what came on standard input is no .npy frame",
            hint="deepdream dream - takes picture files; pipe takes frames, as numpy.save writes them",
        )
    if len(start) < PREAMBLE:
        _cut_off("its header")
    major, minor, length = struct.unpack("<BBH", start[len(MAGIC) :])
    if (major, minor) != (1, 0):
        raise WireError(f"the frame is .npy version {major}.{minor}, not 1.0")
    if length > MAX_HEADER:
        raise WireError(f"the frame's header is {length} bytes long; {MAX_HEADER} are enough for any")
    raw = bytearray(length)
    _fill(read, memoryview(raw), "its header")
    return _parse(raw.decode("latin-1"))


def read_pixels(read: Read, header: Header) -> Values:
    """Return the pixels that follow a header; raise WireError where they are cut off, or no numbers."""
    values: Values = np.empty(header.shape, header.kind)
    _fill(read, values.reshape(-1).view(np.uint8).data, "its pixels")
    if header.kind == "<f4" and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise WireError("the frame holds values that are not finite")
    return values


def write(take: Write, values: Values) -> None:
    """Write a frame; raises what `take` raises."""
    height, width, channels = values.shape
    header = Header(values.dtype.newbyteorder("<").str, (height, width, channels))
    little = np.ascontiguousarray(values, header.kind)
    for part in (memoryview(bytes(header)), little.reshape(-1).view(np.uint8).data):
        rest = part
        while rest:
            rest = rest[take(rest[:CHUNK]) :]


def _parse(text: str) -> Header:
    items: dict[str, str] = {}
    inside = text.strip()
    unclear = WireError(f"the frame's header makes no sense: {_shown(inside)}")
    if not (inside.startswith("{") and inside.endswith("}")):
        raise unclear
    inside = inside[1:-1].strip()
    while inside:
        item = _ITEM.match(inside)
        if item is None or item[2] in items:
            raise unclear
        items[item[2]] = item[3]
        inside = inside[item.end() :].strip()
    if len(items) != 3:
        raise unclear
    kind = items["descr"].strip("'\"")
    if kind not in KINDS:
        raise WireError(f"the frame has values of type {_shown(kind)}; |u1 and <f4 are taken")
    if items["fortran_order"] != "False":
        raise WireError(
            "the frame is in Fortran order; C order is taken", hint="numpy.ascontiguousarray turns it"
        )
    return Header(kind, _checked_shape(items["shape"]))


def _checked_shape(text: str) -> tuple[int, int, int]:
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise WireError(f"the frame has the shape {_shown(text)}, not (height, width, 1 to 4)")
    height, width, channels = map(int, found.groups())
    if not (height and width and 1 <= channels <= 4):
        raise WireError(f"the frame has the shape {_shown(text)}, not (height, width, 1 to 4)")
    if height * width > MAX_PIXELS:
        raise WireError(
            f"the frame has {width}x{height} pixels, more than {MAX_PIXELS // 10**6} million",
            hint="send a part of the picture, or a smaller copy",
        )
    return height, width, channels


def _fill(read: Read, room: memoryview, what: str) -> None:
    while room:
        part = read(min(len(room), CHUNK))
        if not part:
            _cut_off(what)
        room[: len(part)] = part
        room = room[len(part) :]


def _cut_off(what: str) -> NoReturn:
    raise WireError(f"standard input ended in the middle of a frame, in {what}")


def _shown(text: str) -> str:
    """Return foreign text in a form that can stand in a message."""
    short = text if len(text) <= 80 else text[:80] + "…"
    return short.encode("ascii", "backslashreplace").decode() if short.isprintable() else ascii(short)
