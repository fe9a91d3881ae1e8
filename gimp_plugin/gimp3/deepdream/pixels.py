"""A layer's pixels as frames for the engine and back, bit for bit where nothing should change."""

from __future__ import annotations

from typing import NamedTuple

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
gi.require_version("Gimp", "3.0")
from deepdream_common import mask  # noqa: E402 - versions first
from gi.repository import Babl, Gegl, Gimp  # noqa: E402 - versions first

ALPHA_LOST_BY_GIMP = {"u32": 4, "double": 8}
"""Component types, with their bytes, whose alpha GIMP rounds to float when it merges a shadow buffer."""


class Rectangle(NamedTuple):
    """A part of a layer, in the layer's own pixels."""

    x: int
    y: int
    width: int
    height: int

    def gegl(self) -> Gegl.Rectangle:
        """Return it as a GEGL rectangle."""
        return Gegl.Rectangle.new(*self)


class Layout(NamedTuple):
    """How a layer's pixels are transferred."""

    kind: str
    """Of the frame: `|u1` or `<f4`."""

    channels: int
    """Of the frame; grey stays grey, and alpha is included."""

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
    """Return how the pixels of `layer` are transferred.

    The network expects pictures with a perceptual tone curve.  Layers that have one keep it, and 8 bits stay
    8 bits; the others get sRGB's, in float.  All keep their colour space, so nothing is clipped on the way.
    """
    own = layer.get_format()
    space = Babl.format_get_space(own)
    model, component = Babl.format_get_encoding(own).rsplit(" ", 1)
    channels = (1 if layer.is_gray() else 3) + bool(layer.has_alpha())
    # "~" is sRGB's curve whatever the profile; "'" is the profile's own, which may be a straight line.
    straight = layer.get_image().get_effective_color_profile().is_linear()
    curved = "~" in model or ("'" in model and not straight)
    if curved and component == "u8":
        return Layout("|u1", channels, Babl.get_name(own), Babl.get_name(own), component)
    if not curved:
        model = ("Y~" if layer.is_gray() else "R~G~B~") + ("A" if layer.has_alpha() else "")
    frame = Babl.format_with_space(model + " float", space)
    return Layout("<f4", channels, Babl.get_name(frame), Babl.get_name(own), component)


def read(buffer: Gegl.Buffer, how: Layout, where: Rectangle) -> Frame:
    """Return a part of a buffer as a frame."""
    raw = buffer.get(where.gegl(), 1.0, how.frame, Gegl.AbyssPolicy.NONE)
    return Frame(how.kind, where.height, where.width, how.channels, raw)


def masked(frame: Frame, shares: bytes) -> Frame:
    """Return a frame that is opaque where the shares, a byte for each pixel, are not 0; see `unmasked`."""
    channels, raw = mask.put_on(frame.kind, frame.channels, frame.pixels, shares)
    return frame._replace(channels=channels, pixels=raw)


def unmasked(frame: Frame, dreamed: bytes) -> bytes:
    """Return the engine's pixels for `masked(frame, …)` in the form of `frame`, with its alpha."""
    return mask.take_off(frame.kind, frame.channels, frame.pixels, dreamed)


def write(layer: Gimp.Layer, where: Rectangle, pixels: bytes) -> None:
    """Put the pixels of a frame into `layer`, as one undo step, through the selection.

    Alpha stays as it is, bit for bit.
    """
    how = layout(layer)
    alpha_bytes = ALPHA_LOST_BY_GIMP.get(how.component, 0) if layer.has_alpha() else 0
    before = _native(layer, where, how) if alpha_bytes else b""
    shadow = layer.get_shadow_buffer()
    shadow.set(where.gegl(), how.frame, pixels)
    shadow.flush()
    if not layer.merge_shadow(True):
        raise RuntimeError(f"GIMP did not take the pixels: {Gimp.get_pdb().get_last_error()}")
    if alpha_bytes:
        _restore_alpha(layer, where, how, before, alpha_bytes)
    layer.update(*where)


def _native(layer: Gimp.Layer, where: Rectangle, how: Layout) -> bytes:
    return layer.get_buffer().get(where.gegl(), 1.0, how.native, Gegl.AbyssPolicy.NONE)


def _restore_alpha(layer: Gimp.Layer, where: Rectangle, how: Layout, before: bytes, size: int) -> None:
    """Write the alpha of `before` over the present one.

    It does not need an undo step of its own: the one that merge_shadow made restores these pixels too.
    """
    merged = bytearray(_native(layer, where, how))
    pixel = len(merged) // (where.width * where.height)
    for byte in range(pixel - size, pixel):
        merged[byte::pixel] = before[byte::pixel]
    buffer = layer.get_buffer()
    buffer.set(where.gegl(), how.native, bytes(merged))
    buffer.flush()
