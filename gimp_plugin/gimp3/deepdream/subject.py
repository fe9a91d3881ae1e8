"""What is dreamed on: a layer, or a layer group as one picture, as it is seen by itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
gi.require_version("Gimp", "3.0")
import pixels  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import Babl, Gegl, Gimp  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Iterator


EMPTY = N_("The layer group is empty, so there is nothing to dream on.")


class Refused(Exception):  # noqa: N818 - not an error in the program
    """There is nothing to dream on, or the result has no place; the message is for the user."""


class Subject:
    """The picture of a layer by itself: with its effects, without its own mask, mode and opacity.

    image, layer: the user's, which reading leaves as they are; effects: names of the layer's effects that
    are seen; own: whether the pixels are the layer's own, rather than made from it; buffer: the pixels, from
    (0, 0) on; x, y: where these are on the canvas; how: how they are transferred.
    """

    def __init__(self, image: Gimp.Image, layer: Gimp.Layer) -> None:
        """Read the layer; raises Refused for an empty group."""
        self.image, self.layer = image, layer
        self.effects = [effect.get_name() for effect in layer.get_filters() if effect.get_visible()]
        self.own = not (self.effects or layer.is_group_layer() or layer.is_indexed())
        if self.own:
            self._take(layer, layer.get_buffer())
            return
        with _merged(image, layer) as merged:
            form = Babl.get_name(merged.get_format())
            whole = Gegl.Rectangle.new(0, 0, merged.get_width(), merged.get_height())
            buffer = Gegl.Buffer.new(form, *_extent(whole))
            merged.get_buffer().copy(whole, Gegl.AbyssPolicy.NONE, buffer, whole)
            self._take(merged, buffer)

    def _take(self, layer: Gimp.Layer, buffer: Gegl.Buffer) -> None:
        self.buffer = buffer
        _found, self.x, self.y = layer.get_offsets()
        self.width, self.height = layer.get_width(), layer.get_height()
        self.how = pixels.layout(layer)

    @property
    def whole(self) -> pixels.Rectangle:
        """All of it."""
        return pixels.Rectangle(0, 0, self.width, self.height)

    @property
    def grey(self) -> bool:
        """Whether it has no colours."""
        return self.how.channels <= 2

    @property
    def shape(self) -> tuple[Any, ...]:
        """What must stay the same while the engine works, so that its pixels still fit."""
        return (self.x, self.y, self.width, self.height, self.how.channels, self.how.component, *self.effects)

    def small(self, where: pixels.Rectangle, scale: float, width: int, height: int, form: str) -> bytes:
        """Return a part of it reduced to width × height, in a babl format; scale: width / where.width."""
        return small(self.buffer, where, scale, width, height, form)

    def on_canvas(self, where: pixels.Rectangle) -> pixels.Rectangle:
        """Return where a part of it is on the canvas."""
        return where._replace(x=where.x + self.x, y=where.y + self.y)


def small(
    buffer: Gegl.Buffer, where: pixels.Rectangle, scale: float, width: int, height: int, form: str
) -> bytes:
    """Return a part of a buffer reduced to width × height, in a babl format."""
    at = Gegl.Rectangle.new(round(where.x * scale), round(where.y * scale), width, height)
    return buffer.get(at, scale, form, Gegl.AbyssPolicy.NONE)


def _extent(rectangle: Gegl.Rectangle) -> tuple[int, int, int, int]:
    return rectangle.x, rectangle.y, rectangle.width, rectangle.height


@contextlib.contextmanager
def _merged(image: Gimp.Image, layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """Give a plain copy of a layer as it is seen by itself, in an image that nobody sees.

    It does not outlive the block: what a plug-in that is killed leaves behind stays in GIMP's memory.  Where
    an effect reaches beyond the layer, the copy is larger, as GIMP's own Merge Filters makes it (in 3.0, it
    cuts off what is left and above).
    """
    kind = Gimp.ImageBaseType.RGB if layer.is_indexed() else image.get_base_type()
    hidden = Gimp.Image.new_with_precision(image.get_width(), image.get_height(), kind, image.get_precision())
    try:
        hidden.undo_disable()
        profile = image.get_color_profile()
        if profile is not None:
            hidden.set_color_profile(profile)
        copy = Gimp.Layer.new_from_drawable(layer, hidden)
        hidden.insert_layer(copy, None, 0)
        if copy.get_mask() is not None:
            copy.remove_mask(Gimp.MaskApplyMode.DISCARD)
        copy.set_mode(Gimp.LayerMode.NORMAL)
        copy.set_opacity(100.0)
        copy.set_visible(True)
        if copy.is_group_layer():
            if not copy.get_children():
                raise Refused(_(EMPTY))
            copy = copy.merge()
        elif copy.get_filters():
            copy.merge_filters()
        yield copy
    finally:
        hidden.delete()


def chosen(drawables: list[Gimp.Drawable]) -> list[Gimp.Layer]:
    """Return the selected layers and layer groups; raise Refused for what is none of them."""
    if not drawables:
        raise Refused(_("Select a layer."))
    for drawable in drawables:
        if drawable.is_layer_mask():
            raise Refused(_("Deep Dream works on layers, not on their masks.\nSelect the layer itself."))
        if not drawable.is_layer():
            raise Refused(_("Deep Dream works on layers, not on channels.\nSelect a layer."))
        if drawable.is_floating_sel():
            raise Refused(_("Anchor the floating selection first (Layer > Anchor Floating Selection)."))
    return drawables


def leaves(layers: list[Gimp.Layer]) -> list[Gimp.Layer]:
    """Return the layers, and instead of each group what is in it, once each."""
    found: dict[int, Gimp.Layer] = {}
    for layer in layers:
        if layer.is_group_layer():
            found.update((each.get_id(), each) for each in leaves(layer.get_children()))
        else:
            found[layer.get_id()] = layer
    return list(found.values())


def locked(layer: Gimp.Layer) -> bool:
    """Return whether the pixels of a layer, or of any layer in a group, are locked."""
    inside = layer.get_children() if layer.is_group_layer() else []
    if layer.get_lock_content() or any(locked(child) for child in inside):
        return True
    parent = layer.get_parent()
    while parent is not None:
        if parent.get_lock_content():
            return True
        parent = parent.get_parent()
    return False


def remark(subject: Subject, values: dict[str, Any]) -> str:
    """Return a sentence on what becomes of the layer's effects and of a group; nothing if there are none."""
    named = {"layer": subject.layer.get_name(), "effects": ", ".join(subject.effects)}
    in_place = values["result"] == "in-place"
    if in_place and subject.layer.is_group_layer():
        return _("“%(layer)s” becomes one layer.") % named
    if in_place and subject.effects:
        return _("The effects on “%(layer)s” (%(effects)s) become part of its pixels.") % named
    if subject.effects:
        return _("“%(layer)s” is dreamed on with its effects (%(effects)s), as it is seen.") % named
    return ""
