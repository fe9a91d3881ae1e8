"""Frames on the wire: pictures as `.npy` version 1, read and written without trusting the other side.

A frame is what `numpy.save` writes of an array [H, W, 1 to 4] in C order, uint8 (0 to 255) or little-endian
float32 (0 to 1); by channels: grey, grey and alpha, RGB, RGBA.  NumPy writes and reads the headers.  No code
in a header is ever run, and no pixel is read, nor memory set aside for it, before the header is accepted.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
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
"""Takes a count and returns at most that many bytes; returns none only at the end of input."""

Write: TypeAlias = Callable[[memoryview], int]
"""Takes as many of the given bytes as it can, from the first on, and returns how many it took."""

MAX_PIXELS: Final = 400_000_000
"""Height times width of the largest frame: a header can claim any size, by mistake or in malice."""

MAX_HEADER: Final = 4096
"""Bytes of the longest header that is read; one that NumPy writes for a picture has 118."""

MAGIC: Final = b"\x93NUMPY"
PREAMBLE: Final = len(MAGIC) + 4
"""Bytes before the header's text: magic, version, length."""

KINDS: Final = ("|u1", "<f4")
CHUNK: Final = 1 << 20

_GAP = r"[ \t\n]*+"
_KEY = r"""(?:'(?:descr|fortran_order|shape)'|"(?:descr|fortran_order|shape)")"""
_TYPE = r"""(?:'[|<>=]?[A-Zb-z][0-9]{0,9}'|"[|<>=]?[A-Zb-z][0-9]{0,9}")"""
"""A type of one letter and a size; not `a`, the old name of `S`, of which NumPy warns."""

_NUMBER = r"-?(?:0|[1-9][0-9]{0,18})"
_SHAPE = rf"\({_GAP}(?:{_NUMBER}{_GAP}(?:,{_GAP}{_NUMBER}{_GAP})*,?{_GAP})?\)"
_ENTRY = rf"{_KEY}{_GAP}:{_GAP}(?:{_TYPE}|True|False|{_SHAPE}){_GAP}"
_HEADER = re.compile(rf"\{{{_GAP}{_ENTRY},{_GAP}{_ENTRY},{_GAP}{_ENTRY}(?:,{_GAP})?\}}{_GAP}")
"""What NumPy gets to read: three flat entries and nothing else.

NumPy's reader runs no code, but it hands the text to Python's parser (`ast.literal_eval`), which can exhaust
the stack on deeply nested text; it accepts a key that comes twice, and it tries a second, more lenient parser
on what the first one refuses.  This pattern keeps such text from NumPy.  Among exactly three entries, a key
that comes twice means that another one is missing, and that NumPy does refuse.
"""


class NotFinite(WireError):  # noqa: N818 - it says what the values are
    """Refuse a frame whose pixels are no numbers; all of it has been read."""


@dataclass(frozen=True)
class Header:
    """What comes before the pixels of a frame."""

    kind: str
    """`|u1` or `<f4`."""

    shape: tuple[int, int, int]
    """(height, width, channels)."""

    def __bytes__(self) -> bytes:
        file = io.BytesIO()
        entries = {"descr": self.kind, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(file, entries)
        return file.getvalue()


def read_header(read: Read) -> Header | None:
    """Return the next frame's header, None at the end; raise WireError for one that cannot be accepted."""
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
            "standard input is not a .npy frame",
            hint="for a picture file use deepdream dream -; pipe reads frames as numpy.save writes them",
        )
    if len(start) < PREAMBLE:
        _cut_off("its header")
    major, minor, length = struct.unpack("<BBH", start[len(MAGIC) :])
    if (major, minor) != (1, 0):
        raise WireError(f"the frame is .npy version {major}.{minor}; only 1.0 is supported")
    if length > MAX_HEADER:
        raise WireError(f"the frame's header is {length} bytes long, more than {MAX_HEADER}")
    raw = bytearray(length)
    _fill(read, memoryview(raw), "its header")
    return _parse(bytes(raw))


def read_pixels(read: Read, header: Header) -> Values:
    """Return the pixels that follow a header; raise WireError where they are cut off, NotFinite."""
    values: Values = np.empty(header.shape, header.kind)
    _fill(read, values.reshape(-1).view(np.uint8).data, "its pixels")
    if header.kind == "<f4" and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise NotFinite("the frame holds values that are not finite")
    return values


def skip_pixels(read: Read, header: Header) -> None:
    """Read the pixels that follow a header without keeping them; raise WireError where they are cut off."""
    height, width, channels = header.shape
    missing = height * width * channels * int(header.kind[-1])
    while missing:
        part = read(min(missing, CHUNK))
        if not part:
            _cut_off("its pixels")
        missing -= len(part)


def write(take: Write, values: Values) -> None:
    """Write a frame; raises what `take` raises."""
    height, width, channels = values.shape
    header = Header(values.dtype.newbyteorder("<").str, (height, width, channels))
    little = np.ascontiguousarray(values, header.kind)
    for part in (memoryview(bytes(header)), little.reshape(-1).view(np.uint8).data):
        rest = part
        while rest:
            rest = rest[take(rest[:CHUNK]) :]


def _parse(raw: bytes) -> Header:
    """Let NumPy read a header's text, and check that it describes a picture."""
    text = raw.decode("latin-1")
    unclear = WireError(
        f"the frame's header cannot be understood: {_shown(text.strip())}",
        hint="write the frame as numpy.save does: descr, fortran_order and shape",
    )
    if _HEADER.fullmatch(text) is None:
        raise unclear
    file = io.BytesIO(struct.pack("<H", len(raw)) + raw)
    try:
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=MAX_HEADER)
    except ValueError:
        raise unclear from None
    if dtype.str not in KINDS:
        raise WireError(
            f"the frame has values of type {dtype.str}; supported are |u1 and <f4",
            hint='array.astype("uint8") or array.astype("<f4") converts them',
        )
    if fortran_order:
        raise WireError(
            "the frame is in Fortran order; only C order is supported",
            hint="numpy.ascontiguousarray converts it",
        )
    return Header(dtype.str, _checked_shape(shape))


def _checked_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or min(shape) < 1 or shape[2] > 4:
        raise WireError(
            f"the frame has the shape {_shown(str(shape))}, not (height, width, 1 to 4)",
            hint="channels come last: grey, grey and alpha, RGB or RGBA",
        )
    height, width, channels = shape
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
    """Return text from outside, shortened and without control characters, to be quoted in a message."""
    short = text if len(text) <= 80 else text[:80] + "…"
    return (
        short.encode("ascii", "backslashreplace").decode() if short and short.isprintable() else ascii(short)
    )
