# -*- coding: utf-8 -*-
"""Which part of a layer is sent to the engine.  A rectangle is (x, y, width, height) in its pixels."""

from __future__ import unicode_literals

import sys

from .texts import _

MARGIN = 96
"""Pixels around the selection that are dreamed on too, so that its edge fits its surroundings."""

SMALLEST = 59
"""Shorter side of the smallest picture that the embedded model takes; a test compares it with the model."""


class RegionError(ValueError):
    """There is nothing to dream on; the message says why, and `hint` what to do about it."""

    def __init__(self, message, hint=""):
        ValueError.__init__(self, message)
        self.message = message
        self.hint = hint

    def __str__(self):
        text = self.message + ("\n" + self.hint if self.hint else "")
        return text if sys.version_info[0] > 2 else text.encode("utf-8")


def around(selection, layer_width, layer_height, margin=MARGIN, smallest=SMALLEST):
    """Return the rectangle to dream on: the selection's bounds with a margin, within the layer.

    selection: the bounds of the selection, or of the whole layer if there is none; anything outside the layer
        is ignored.

    Raises RegionError if the layer is too small, or no part of it is selected.
    """
    if min(layer_width, layer_height) < smallest:
        raise RegionError(
            _("The layer is too small to dream on: it is %(width)d × %(height)d pixels.")
            % {"width": layer_width, "height": layer_height},
            _("Both sides must be at least %(least)d pixels. Enlarge the layer (Layer > Scale Layer…).")
            % {"least": smallest},
        )
    x, y, width, height = selection
    across = _span(x, width, layer_width, margin, smallest)
    down = _span(y, height, layer_height, margin, smallest)
    if across is None or down is None:
        raise RegionError(
            _("Nothing of the layer is selected."),
            _("Select a part that lies on the layer, or everything (Select > All)."),
        )
    return across[0], down[0], across[1], down[1]


def _span(start, length, whole, margin, smallest):
    """Return (start, length) along one axis, or None if it lies outside the layer."""
    first, last = max(start, 0), min(start + length, whole)
    if first >= last:
        return None
    # A narrow selection near an edge grows towards the other side instead.
    missing = max(smallest - (last - first), 0)
    first, last = first - max(margin, (missing + 1) // 2), last + max(margin, (missing + 1) // 2)
    if first < 0:
        last = max(last, smallest)
    if last > whole:
        first = min(first, whole - smallest)
    first, last = max(first, 0), min(last, whole)
    return first, last - first


def overlay(base, base_rectangle, top, top_rectangle, pixel_size):
    """Return the pixels of `base` with those of `top` where the two rectangles overlap.

    base, top: bytes, rows from top to bottom, `pixel_size` bytes each pixel.
    """
    left, upper, width, height = base_rectangle
    top_left, top_upper, top_width, top_height = top_rectangle
    first, last = max(left, top_left), min(left + width, top_left + top_width)
    if first >= last:
        return base
    row, top_row, length = width * pixel_size, top_width * pixel_size, (last - first) * pixel_size
    merged = bytearray(base)
    for y in range(max(upper, top_upper), min(upper + height, top_upper + top_height)):
        to = (y - upper) * row + (first - left) * pixel_size
        source = (y - top_upper) * top_row + (first - top_left) * pixel_size
        merged[to : to + length] = top[source : source + length]
    return bytes(merged)
