"""Puts the dream into the image."""

from __future__ import annotations

import gi

gi.require_version("Gimp", "3.0")
import pixels  # noqa: E402 - versions first
from deepdream_common import recipe  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gimp  # noqa: E402 - versions first


def put(
    image: Gimp.Image,
    layer: Gimp.Layer,
    where: pixels.Rectangle,
    dreamed: bytes,
    how: str,
    *,
    in_place: bool,
) -> None:
    """Put the engine's pixels and their recipe into the layer, or into a copy above it, in one undo step."""
    image.undo_group_start()
    try:
        target = layer if in_place else layer.copy()
        flags = Gimp.PARASITE_PERSISTENT | (Gimp.PARASITE_UNDOABLE if in_place else 0)
        target.attach_parasite(Gimp.Parasite.new(recipe.NAME, flags, how.encode("ascii")))
        if not in_place:
            insert_above(image, layer, target)
        pixels.write(target, where, dreamed)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()


def insert_above(image: Gimp.Image, layer: Gimp.Layer, target: Gimp.Layer) -> None:
    """Insert a copy of `layer`, `target`, right above it and select it."""
    target.set_name(_("%(layer)s dream") % {"layer": layer.get_name()})
    image.insert_layer(target, layer.get_parent(), image.get_item_position(layer))
    target.set_lock_content(False)
    if target.get_mask() is not None:
        target.set_edit_mask(False)
    image.set_selected_layers([target])
