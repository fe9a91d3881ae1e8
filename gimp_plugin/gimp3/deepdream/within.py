"""Where a layer is dreamed on: in the selection, and in the layer's own mask if the user wants that."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from deepdream_common import parameters  # noqa: E402 - versions first
from gi.repository import Gegl, Gimp  # noqa: E402 - versions first
from pixels import Rectangle  # noqa: E402 - versions first
from subject import small  # noqa: E402 - versions first

if TYPE_CHECKING:
    from subject import Subject

NONE, SELECTION, LAYER_MASK = "none", "selection", "layer-mask"


def fitted_to(subject: Subject, values: dict[str, Any]) -> str:
    """Return what the forms fit: NONE, SELECTION, or LAYER_MASK, where it is selected if anything is.

    Where the layer has no mask, the selection counts.
    """
    wanted = values[parameters.MASK.name]
    if wanted == LAYER_MASK and subject.layer.get_mask() is not None:
        return LAYER_MASK
    fits = wanted != NONE and values[parameters.FIT.name]
    return SELECTION if fits and not Gimp.Selection.is_empty(subject.image) else NONE


def bounds(subject: Subject, fitted: str) -> Rectangle:
    """Return the part of the subject that changes, in its own pixels; its sides are 0 if nothing does."""
    part = subject.whole
    if not Gimp.Selection.is_empty(subject.image):
        _ok, _any, left, top, right, bottom = Gimp.Selection.bounds(subject.image)
        at = Rectangle(left - subject.x, top - subject.y, right - left, bottom - top)
        part = _common(part, at)
    if fitted == LAYER_MASK and part.width and part.height:
        inside = _extent(_of_mask(subject, part, 1.0, part.width, part.height), part.width)
        part = _common(part, inside._replace(x=inside.x + part.x, y=inside.y + part.y))
    return part


def shares(
    subject: Subject, fitted: str, where: Rectangle, scale: float = 1.0, size: tuple[int, int] | None = None
) -> bytes | None:
    """Return how much each pixel of a part counts, a byte each; None if all of them do.

    scale, size: to reduce it to so many pixels, see `Subject.small`.
    """
    width, height = size or where[2:]
    found = None
    if fitted != NONE and not Gimp.Selection.is_empty(subject.image):
        buffer = subject.image.get_selection().get_buffer()
        found = small(buffer, subject.on_canvas(where), scale, width, height, "Y u8")
    if fitted == LAYER_MASK:
        of_mask = _of_mask(subject, where, scale, width, height)
        found = of_mask if found is None else bytes(map(min, found, of_mask))
    return found


def digest(subject: Subject, fitted: str) -> bytes:
    """Return a short value that differs for different selections, and for masks that count."""
    state = hashlib.blake2b()
    image = subject.image
    if not Gimp.Selection.is_empty(image):
        _ok, _any, left, top, right, bottom = Gimp.Selection.bounds(image)
        state.update(_bytes(image.get_selection(), Rectangle(left, top, right - left, bottom - top)))
    mask = subject.layer.get_mask() if fitted == LAYER_MASK else None
    if mask is not None:
        state.update(_bytes(mask, Rectangle(0, 0, mask.get_width(), mask.get_height())))
    return state.digest()


def _bytes(channel: Gimp.Channel, where: Rectangle) -> bytes:
    raw = channel.get_buffer().get(where.gegl(), 1.0, "Y float", Gegl.AbyssPolicy.NONE)
    return repr(where).encode() + raw


def _of_mask(subject: Subject, where: Rectangle, scale: float, width: int, height: int) -> bytes:
    mask = subject.layer.get_mask()
    _found, left, top = subject.layer.get_offsets()  # an effect may have made the subject larger
    where = where._replace(x=where.x + subject.x - left, y=where.y + subject.y - top)
    return small(mask.get_buffer(), where, scale, width, height, "Y u8")


def _common(one: Rectangle, other: Rectangle) -> Rectangle:
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Rectangle(left, top, max(right - left, 0), max(bottom - top, 0))


def _extent(shares: bytes, width: int) -> Rectangle:
    """Return the smallest rectangle with all bytes that are not 0."""
    rows = [shares[start : start + width] for start in range(0, len(shares), width)]
    used = [number for number, row in enumerate(rows) if any(row)]
    if not used:
        return Rectangle(0, 0, 0, 0)
    left = min(width - len(rows[number].lstrip(b"\0")) for number in used)
    right = max(len(rows[number].rstrip(b"\0")) for number in used)
    return Rectangle(left, used[0], right - left, used[-1] + 1 - used[0])
