"""Pixels as pictures for the screen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, GLib  # noqa: E402 - versions first

if TYPE_CHECKING:
    from thumbnail import Copy

CHECKS = (8, 0xFF999999, 0xFF666666)
"""Size and colours of the checkerboard behind transparent pixels."""


def on_checks(copy: Copy, pixels: bytes) -> GdkPixbuf.Pixbuf:
    """Return the pixels of a frame like the copy's, on a checkerboard."""
    width, height = copy.frame.width, copy.frame.height
    read = _of(copy.rgba(pixels), width, height)
    return read.composite_color_simple(width, height, GdkPixbuf.InterpType.NEAREST, 255, *CHECKS)


def mixed(before: bytes, after: bytes, shares: bytes, width: int, height: int) -> bytes:
    """Return pixels between two pictures of red, green, blue and alpha, with the first one's alpha.

    shares: how much of the second one each pixel has, a byte each.
    """
    below, above = bytearray(before), bytearray(after)
    below[3::4], above[3::4] = b"\xff" * len(shares), shares
    base = _of(bytes(below), width, height).copy()
    whole = (0, 0, width, height, 0, 0, 1, 1)
    _of(bytes(above), width, height).composite(base, *whole, GdkPixbuf.InterpType.NEAREST, 255)
    found = bytearray(base.get_pixels())
    found[3::4] = before[3::4]
    return bytes(found)


def _of(pixels: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    form = (GdkPixbuf.Colorspace.RGB, True, 8, width, height, width * 4)
    return GdkPixbuf.Pixbuf.new_from_bytes(GLib.Bytes.new(pixels), *form)


def cover(picture: GdkPixbuf.Pixbuf, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """Return the middle of a picture, as much of it as fills width and height."""
    scale = max(width / picture.get_width(), height / picture.get_height())
    wide, high = (math.ceil(side * scale) for side in (picture.get_width(), picture.get_height()))
    scaled = picture.scale_simple(wide, high, GdkPixbuf.InterpType.BILINEAR)
    return scaled.new_subpixbuf((wide - width) // 2, (high - height) // 2, width, height)
