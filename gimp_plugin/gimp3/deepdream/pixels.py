"""A layer's pixels as frames for the engine and back, bit for bit where nothing is to change."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
gi.require_version("Gimp", "3.0")
from deepdream_common import region  # noqa: E402 - versions first
from gi.repository import Babl, Gegl, Gimp  # noqa: E402

ALPHA_LOST_BY_GIMP = {"u32": 4, "double": 8}
"""Component types, with their bytes, whose alpha GIMP rounds to float when it merges a shadow buffer."""


LINEAR_ENOUGH = 1.5
"""Gamma up to which a tone curve counts as linear light."""


class Rectangle(NamedTuple):
    """A part of a layer, in the layer's own pixels."""

    x: int
    y: int
    width: int
    height: int

    def gegl(self) -> Gegl.Rectangle:
        """Return it as GEGL wants it."""
        return Gegl.Rectangle.new(*self)


class Layout(NamedTuple):
    """How a layer's pixels travel."""

    kind: str
    """Of the frame: `|u1` or `<f4`."""

    channels: int
    """Of the frame; grey stays grey, alpha goes along."""

    frame: str
    """Name of the frame's babl format, in the layer's own colour space."""

    native: str
    """Name of the layer's own babl format."""

    component: str
    """Type of the layer's components, such as `u16`."""


class Frame(NamedTuple):
    """What is sent to the engine."""

    kind: str
    height: int
    width: int
    channels: int
    pixels: bytes


def layout(layer: Gimp.Layer) -> Layout:
    """Return how the pixels of `layer` travel.

    The network knows pictures on a perceptual tone curve.  Layers that have one keep it, and 8 bits stay 8
    bits; the others get sRGB's, in float.  All keep their colour space, so nothing is clipped on the way.
    """
    own = layer.get_format()
    space = Babl.format_get_space(own)
    model, component = Babl.format_get_encoding(own).rsplit(" ", 1)
    channels = (1 if layer.is_gray() else 3) + bool(layer.has_alpha())
    # A profile may have a linear curve itself, and then "non-linear" (') is linear; "perceptual" (~) never is.
    curved = "~" in model or ("'" in model and Babl.space_get_gamma(space) > LINEAR_ENOUGH)
    if curved and component == "u8":
        return Layout("|u1", channels, Babl.get_name(own), Babl.get_name(own), component)
    if not curved:
        model = ("Y~" if layer.is_gray() else "R~G~B~") + ("A" if layer.has_alpha() else "")
    frame = Babl.format_with_space(model + " float", space)
    return Layout("<f4", channels, Babl.get_name(frame), Babl.get_name(own), component)


def read(layer: Gimp.Layer, where: Rectangle) -> Frame:
    """Return a part of `layer` as a frame."""
    how = layout(layer)
    raw = layer.get_buffer().get(where.gegl(), 1.0, how.frame, Gegl.AbyssPolicy.NONE)
    return Frame(how.kind, where.height, where.width, how.channels, raw)


def write(layer: Gimp.Layer, where: Rectangle, pixels: bytes) -> None:
    """Put the pixels of a frame into `layer`, as one undo step, where the selection lets them through.

    Alpha stays as it is, bit for bit.
    """
    how = layout(layer)
    alpha_bytes = ALPHA_LOST_BY_GIMP.get(how.component, 0) if layer.has_alpha() else 0
    before = _native(layer, where, how) if alpha_bytes else b""
    shadow = layer.get_shadow_buffer()
    shadow.set(where.gegl(), how.frame, pixels)
    shadow.flush()
    if not layer.merge_shadow(True):
        raise RuntimeError("GIMP did not take the pixels: %s" % Gimp.get_pdb().get_last_error())
    if alpha_bytes:
        _restore_alpha(layer, where, how, before, alpha_bytes)
    layer.update(*where)


def _native(layer: Gimp.Layer, where: Rectangle, how: Layout) -> bytes:
    return layer.get_buffer().get(where.gegl(), 1.0, how.native, Gegl.AbyssPolicy.NONE)


def _restore_alpha(layer: Gimp.Layer, where: Rectangle, how: Layout, before: bytes, size: int) -> None:
    """Write the alpha that `before` has over the present one.

    Needs no undo of its own: the step that merge_shadow made restores these pixels too.
    """
    merged = bytearray(_native(layer, where, how))
    pixel = len(merged) // (where.width * where.height)
    for byte in range(pixel - size, pixel):
        merged[byte::pixel] = before[byte::pixel]
    buffer = layer.get_buffer()
    buffer.set(where.gegl(), how.native, bytes(merged))
    buffer.flush()


def selection_digest(image: Gimp.Image) -> bytes:
    """Return a short value that differs for different selections."""
    if Gimp.Selection.is_empty(image):
        return b""
    _, _, left, top, right, bottom = Gimp.Selection.bounds(image)
    bounds = Rectangle(left, top, right - left, bottom - top)
    mask = image.get_selection().get_buffer().get(bounds.gegl(), 1.0, "Y float", Gegl.AbyssPolicy.NONE)
    return hashlib.blake2b(mask + repr(bounds).encode()).digest()


LONGEST = 224
"""Pixels of the longer side of a preview: under two seconds for the default settings on two cores."""


class Thumbnail:
    """A small copy of a part of a layer, for the preview: 8 bit, sRGB."""

    def __init__(self, image: Gimp.Image, layer: Gimp.Layer, where: Rectangle) -> None:
        where = _crop(where)
        scale = min(1.0, max(LONGEST / max(where[2:]), region.SMALLEST / min(where[2:])))
        width, height = (max(round(side * scale), region.SMALLEST) for side in where[2:])
        channels = 2 if layer.is_gray() else 4
        name = "Y'A u8" if layer.is_gray() else "R'G'B'A u8"
        self.frame = Frame("|u1", height, width, channels, _small(layer, where, scale, width, height, name))
        self.full_size = where[2:]
        self._mask = None
        if not Gimp.Selection.is_empty(image):
            _, left, top = layer.get_offsets()
            on_canvas = where._replace(x=where.x + left, y=where.y + top)
            self._mask = _small(image.get_selection(), on_canvas, scale, width, height, "Y u8")

    def describe(self) -> str:
        """Return how large it is, in words."""
        return "%d × %d of %d × %d pixels" % (self.frame.width, self.frame.height, *self.full_size)

    def within_selection(self, dreamed: bytes) -> bytes:
        """Return the dreamed pixels where they are selected, and the copy's own elsewhere."""
        if self._mask is None:
            return dreamed
        mixed = bytearray(dreamed)
        for channel in range(self.frame.channels):
            part = slice(channel, None, self.frame.channels)
            mixed[part] = bytes(
                (old * (255 - share) + new * share + 127) // 255
                for old, new, share in zip(self.frame.pixels[part], dreamed[part], self._mask, strict=True)
            )
        return bytes(mixed)

    def rgba(self, pixels: bytes) -> bytes:
        """Return the pixels of such a frame as red, green, blue, alpha."""
        if self.frame.channels == 4:
            return pixels
        colour = bytearray(2 * len(pixels))
        for channel in range(3):
            colour[channel::4] = pixels[0::2]
        colour[3::4] = pixels[1::2]
        return bytes(colour)


def _crop(where: Rectangle) -> Rectangle:
    """Cut the middle out of a strip that would be too narrow when it is made small."""
    longest = round(min(where[2:]) * LONGEST / region.SMALLEST)
    width, height = min(where.width, longest), min(where.height, longest)
    return Rectangle(where.x + (where.width - width) // 2, where.y + (where.height - height) // 2, width, height)


def _small(
    drawable: Gimp.Drawable, where: Rectangle, scale: float, width: int, height: int, name: str
) -> bytes:
    at = Gegl.Rectangle.new(round(where.x * scale), round(where.y * scale), width, height)
    return drawable.get_buffer().get(at, scale, name, Gegl.AbyssPolicy.NONE)
