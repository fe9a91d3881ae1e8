"""Puts dreams where they belong: above their layers, in their place, or into a new image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import pixels  # noqa: E402 - versions first
from deepdream_common import recipe  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gegl, Gimp  # noqa: E402 - versions first

if TYPE_CHECKING:
    from subject import Subject

NEW_LAYER, IN_PLACE, NEW_IMAGE = "new-layer", "in-place", "new-image"

KINDS = {
    1: Gimp.ImageType.GRAY_IMAGE,
    2: Gimp.ImageType.GRAYA_IMAGE,
    3: Gimp.ImageType.RGB_IMAGE,
    4: Gimp.ImageType.RGBA_IMAGE,
}
"""GIMP's name for layers of so many channels."""


class Dream(NamedTuple):
    """What the engine made of a part of a subject."""

    subject: Subject
    where: pixels.Rectangle
    pixels: bytes
    recipe: str


def put(image: Gimp.Image, dreams: list[Dream], values: dict[str, Any]) -> Gimp.Image:
    """Put all dreams and their recipes where the values say; return the image that has them.

    In the user's image it is one undo step.
    """
    if values["result"] == NEW_IMAGE:
        return _new_image(image, dreams, values)
    image.undo_group_start()
    try:
        made = [_put(image, dream, values) for dream in dreams]
        if values["result"] == NEW_LAYER:
            image.set_selected_layers(made)
    finally:
        image.undo_group_end()
    return image


def _put(image: Gimp.Image, dream: Dream, values: dict[str, Any]) -> Gimp.Layer:
    """Put one dream into the user's image; return its layer."""
    layer = dream.subject.layer
    if values["result"] == IN_PLACE and not layer.is_group_layer():
        _rasterize(layer)
        if dream.subject.effects:
            layer.merge_filters()  # what was dreamed on has them already
        _sign(layer, dream, Gimp.PARASITE_UNDOABLE)
        pixels.write(layer, dream.where, dream.pixels)
        return layer
    target = _layer(image, dream)
    image.insert_layer(target, layer.get_parent(), image.get_item_position(layer))
    if values["result"] == IN_PLACE:
        name = layer.get_name()
        _follow(target, layer)
        _copy_mask(target, dream.subject)
        image.remove_layer(layer)
        target.set_name(name)
    else:
        _finish(target, dream, values)
    pixels.write(target, dream.where, dream.pixels)
    return target


def _rasterize(layer: Gimp.Layer) -> None:
    """Make a link, a text or a path (GIMP 3.2) a layer of pixels, which GIMP does not render anew."""
    if hasattr(layer, "is_rasterized") and not layer.is_rasterized():
        layer.rasterize()


def _new_image(image: Gimp.Image, dreams: list[Dream], values: dict[str, Any]) -> Gimp.Image:
    """Return an image of nothing but the dreams, placed as their layers are."""
    subjects = [dream.subject for dream in dreams]
    left, top = min(x.x for x in subjects), min(x.y for x in subjects)
    width, height = max(x.x + x.width for x in subjects) - left, max(x.y + x.height for x in subjects) - top
    grey = all(x.grey for x in subjects)
    kind = Gimp.ImageBaseType.GRAY if grey else Gimp.ImageBaseType.RGB
    new = Gimp.Image.new_with_precision(width, height, kind, image.get_precision())
    try:
        new.undo_disable()
        if image.get_color_profile() is not None:
            new.set_color_profile(image.get_color_profile())
        _found, across, down = image.get_resolution()
        new.set_resolution(across, down)
        _select_alike(new, image, left, top)
        for dream in sorted(dreams, key=_height):
            target = _layer(new, dream)
            new.insert_layer(target, None, 0)
            target.set_offsets(dream.subject.x - left, dream.subject.y - top)
            _finish(target, dream, values)
            pixels.write(target, dream.where, dream.pixels)
        Gimp.Selection.none(new)
        new.undo_enable()
    except BaseException:
        new.delete()
        raise
    return new


def _height(dream: Dream) -> list[int]:
    """Return what is the greater the higher a dream's layer is in the user's image."""
    place, item = [], dream.subject.layer
    while item is not None:
        place.insert(0, -dream.subject.image.get_item_position(item))
        item = item.get_parent()
    return place


def _layer(image: Gimp.Image, dream: Dream) -> Gimp.Layer:
    """Return a layer, not yet in the image, with the subject's pixels and the dream's recipe."""
    subject = dream.subject
    kind = KINDS[subject.how.channels]
    name = subject.layer.get_name()
    target = Gimp.Layer.new(image, name, subject.width, subject.height, kind, 100.0, Gimp.LayerMode.NORMAL)
    target.set_offsets(subject.x, subject.y)
    _copy(subject.buffer, target, subject.whole)
    _sign(target, dream, 0)
    return target


def _finish(target: Gimp.Layer, dream: Dream, values: dict[str, Any]) -> None:
    """Give a new layer its name, its mask, and the mode and opacity that are wanted."""
    target.set_name(_("%(layer)s dream") % {"layer": dream.subject.layer.get_name()})
    if values["result-mode"] == "layer":
        _follow(target, dream.subject.layer)
    _copy_mask(target, dream.subject)


def _follow(target: Gimp.Layer, layer: Gimp.Layer) -> None:
    """Give a layer the mode and the opacity of another one."""
    mode = layer.get_mode()
    target.set_mode(Gimp.LayerMode.NORMAL if mode == Gimp.LayerMode.PASS_THROUGH else mode)
    target.set_opacity(layer.get_opacity())


def _copy_mask(target: Gimp.Layer, subject: Subject) -> None:
    """Give a layer the mask of the subject's, black where an effect has made the subject larger."""
    old = subject.layer.get_mask()
    if old is None:
        return
    mask = target.create_mask(Gimp.AddMaskType.BLACK)
    target.add_mask(mask)
    _found, left, top = subject.layer.get_offsets()
    old_place = pixels.Rectangle(0, 0, old.get_width(), old.get_height())
    _copy(old.get_buffer(), mask, old_place, left - subject.x, top - subject.y)
    target.set_apply_mask(subject.layer.get_apply_mask())
    target.set_edit_mask(False)


def _select_alike(new: Gimp.Image, image: Gimp.Image, left: int, top: int) -> None:
    """Select in a new image, whose corner is at (left, top) of another one, what is selected there."""
    if Gimp.Selection.is_empty(image):
        return
    width, height = new.get_width(), new.get_height()
    channel = Gimp.Channel.new(new, "selection", width, height, 100.0, Gegl.Color.new("black"))
    new.insert_channel(channel, None, 0)
    _copy(
        image.get_selection().get_buffer(), channel, pixels.Rectangle(left, top, width, height), -left, -top
    )
    new.select_item(Gimp.ChannelOps.REPLACE, channel)
    new.remove_channel(channel)


def _copy(
    buffer: Gegl.Buffer, target: Gimp.Drawable, where: pixels.Rectangle, x: int = 0, y: int = 0
) -> None:
    """Copy a part of a buffer into a drawable, moved by (x, y), without an undo step."""
    to = target.get_buffer()
    place = where._replace(x=where.x + x, y=where.y + y)
    buffer.copy(where.gegl(), Gegl.AbyssPolicy.NONE, to, place.gegl())
    to.flush()
    target.update(*place)


def _sign(layer: Gimp.Layer, dream: Dream, flags: int) -> None:
    """Attach the recipe."""
    how = Gimp.Parasite.new(recipe.NAME, Gimp.PARASITE_PERSISTENT | flags, dream.recipe.encode("ascii"))
    layer.attach_parasite(how)
