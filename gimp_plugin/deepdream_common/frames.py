# -*- coding: utf-8 -*-
"""Pictures as `.npy` version 1 frames, written and read with `struct` alone.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import unicode_literals

import re
import struct

from .texts import _

MAGIC = b"\x93NUMPY\x01\x00"
ITEM_SIZE = {"|u1": 1, "<f4": 4}
_HEADER = re.compile(
    r"^\{'descr': '(\|u1|<f4)', 'fortran_order': False, 'shape': \((\d+), (\d+), (\d+)\), \}\s*$"
)


class FrameError(ValueError):
    """The data is not a frame."""


def header(kind, height, width, channels):
    """Return the header before the pixels; kind is `|u1` (0 to 255) or `<f4` (0 to 1)."""
    if kind not in ITEM_SIZE:
        raise FrameError("%s is not a valid kind of frame" % kind)
    form = "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d, %d), }"
    text = form % (kind, height, width, channels)
    padding = -(len(MAGIC) + 2 + len(text) + 1) % 64
    raw = (text + " " * padding + "\n").encode("ascii")
    return MAGIC + struct.pack("<H", len(raw)) + raw


def size(kind, height, width, channels):
    """Return the number of bytes of the pixels."""
    return ITEM_SIZE[kind] * height * width * channels


def read_header(read):
    """Return (kind, height, width, channels) of the next frame, or None at the end of the stream.

    read: a function that returns up to n bytes, and nothing only at the end.

    Raises FrameError if the data is not such a header.
    """
    start = read_exactly(read, len(MAGIC) + 2, at_least=0)
    if not start:
        return None
    if not start.startswith(MAGIC):
        raise FrameError(_("the engine sent something that is not a picture"))
    (length,) = struct.unpack("<H", start[len(MAGIC) :])
    text = read_exactly(read, length).decode("latin-1")
    found = _HEADER.match(text)
    if not found:
        raise FrameError(_("the engine sent a picture of an unknown kind: %(kind)s") % {"kind": text.strip()})
    return (str(found.group(1)),) + tuple(int(number) for number in found.groups()[1:])


def read_exactly(read, count, at_least=None):
    """Return `count` bytes; an end before `at_least` (default: all) of them raises FrameError."""
    parts, missing = [], count
    while missing:
        part = read(min(missing, 1 << 20))
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    whole = b"".join(parts)
    if missing and (whole or at_least is None):
        raise FrameError(_("the engine stopped in the middle of a picture"))
    return whole
