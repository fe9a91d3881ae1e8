# -*- coding: utf-8 -*-
"""The pixels of a drawable, 8 bits per channel, and its selected part."""

from __future__ import unicode_literals

from deepdream_common import region
from gimpfu import pdb


def selected(drawable):
    """Return the bounds of the drawable's selected part; the whole drawable if there is no selection."""
    some, x, y, width, height = pdb.gimp_drawable_mask_intersect(drawable)
    return (x, y, width, height) if some else (0, 0, 0, 0)


def read(drawable, rectangle):
    """Return the pixels, rows from top to bottom, 8 bits per channel."""
    x, y, width, height = rectangle
    return drawable.get_pixel_rgn(x, y, width, height, False, False)[x : x + width, y : y + height]


def shares(image, drawable, rectangle):
    """Return how much each pixel of a rectangle of the drawable is selected, one byte each."""
    x, y, width, height = rectangle
    left, top = drawable.offsets
    x, y = x + left, y + top
    first, upper = max(x, 0), max(y, 0)
    across, down = min(x + width, image.width) - first, min(y + height, image.height) - upper
    nothing = b"\0" * (width * height)
    if across <= 0 or down <= 0:
        return nothing
    canvas = (first, upper, across, down)
    selection = read(pdb.gimp_image_get_selection(image), canvas)
    return region.overlay(nothing, (x, y, width, height), selection, canvas, 1)


def write(target, within, rectangle, dreamed):
    """Put the dreamed rectangle into the part `within`, through the selection, as one undo step."""
    x, y, width, height = within
    merged = region.overlay(read(target, within), within, dreamed, rectangle, target.bpp)
    shadow = target.get_pixel_rgn(x, y, width, height, True, True)
    shadow[x : x + width, y : y + height] = merged
    target.flush()
    target.merge_shadow(True)
    target.update(x, y, width, height)
