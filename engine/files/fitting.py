"""What of a picture a file format can hold.

Metadata comes from anywhere and must never cost the picture.  So it is tried before the picture is encoded,
on a small picture: what does not come back from there is left out, and told.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.files import attached, jxl
from engine.files.decode import decode
from engine.files.encoders import encoded
from engine.files.formats import JXL, PNG
from engine.files.opening import opened
from engine.files.quiet import recording
from engine.pictures.colour import space_of
from engine.pictures.pixels import DTYPES
from engine.settings.output import STANDARD

if TYPE_CHECKING:
    from engine.files.formats import Format
    from engine.pictures.picture import Picture

LABELS: Final = {
    "icc": "the colour profile",
    "dpi": "the resolution",
    "exif": "EXIF",
    "xmp": "XMP",
    "iptc": "IPTC",
    "comment": "the comment",
}
"""What messages call a picture's metadata, and the order in which it is kept if not all can be."""

SIDE: Final = 16
"""Height and width of the picture on which metadata is tried."""


def fit(picture: Picture, form: Format, depth: str, recipe: str) -> tuple[Picture, str, tuple[str, ...]]:
    """Return what a format can hold of a picture and its recipe, and a sentence for each thing left out.

    `depth` is the one that the picture will be written with.
    """
    lost = []
    if picture.alpha is not None and "alpha" not in form.keeps:
        picture = replace(picture, alpha=None)
        lost.append(f"{form.name} has no alpha: the transparency is lost")
    if recipe and form is not PNG and "xmp" not in form.keeps:
        recipe = ""
        lost.append(f"{form.name} cannot hold the recipe: not kept")
    if picture.dpi is not None and "dpi" not in form.keeps:
        picture = replace(picture, dpi=None)  # not told: it is often a meaningless default of 72
    present = [name for name in LABELS if getattr(picture, name)]
    refused = [name for name in present if name not in form.keeps]
    tried = [name for name in present if name in form.keeps]
    for name in [*refused, *_refused(_sample(picture, depth), tried, form, recipe)]:
        picture, sentence = _without(picture, name, form)
        lost.append(sentence)
    return picture, recipe, tuple(lost)


def _without(picture: Picture, name: str, form: Format) -> tuple[Picture, str]:
    """Return the picture without some metadata, and a sentence that says so."""
    if name == "icc" and space_of(picture.icc) is not None:
        # Without its profile the numbers would be read as sRGB, so convert them.
        return picture.in_srgb(), f"{form.name} cannot hold {LABELS[name]}: the result is sRGB"
    gone: dict[str, Any] = {name: None}
    return replace(picture, **gone), f"{form.name} cannot hold {LABELS[name]}: not kept"


def _sample(picture: Picture, depth: str) -> Picture:
    """Return a small black picture of about this depth with all else that the picture has."""
    dtype = DTYPES["16" if depth == "float" else depth]  # Pillow opens no floating-point colours
    alpha = None if picture.alpha is None else np.zeros((SIDE, SIDE), dtype)
    return replace(picture, pixels=np.zeros((SIDE, SIDE, 3), dtype), alpha=alpha)


def _refused(sample: Picture, names: list[str], form: Format, recipe: str) -> list[str]:
    """Return which of a picture's metadata do not come back from a file.

    Where not all do, they are added one by one to the recipe, which is our own and so comes back.
    """
    nothing: dict[str, Any] = dict.fromkeys(LABELS)
    values = {name: getattr(sample, name) for name in names}
    if not names or _comes_back(replace(sample, **nothing | values), form, recipe):
        return []
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if _comes_back(replace(sample, **nothing | kept | {name: value}), form, recipe):
            kept[name] = value
    return [name for name in names if name not in kept]


def _comes_back(picture: Picture, form: Format, recipe: str) -> bool:
    """Tell whether a file with this metadata can be written, opened again, and has all of it."""
    with contextlib.suppress(Exception):  # encoders and decoders raise exceptions of every kind
        with recording():  # what is damaged is left out and told by us
            content = encoded(picture, form, STANDARD.quality, recipe)
            content.seek(0)
            with opened(content) as image:
                info = image.info
                again = decode(image, content)
        xmp = jxl.xmp(content) if form is JXL else attached.xmp_of(info)
        told = info.get(attached.RECIPE_KEY) if form is PNG else attached.recipe_in(xmp or b"")
        sent = [name for name in LABELS if getattr(picture, name)]
        return recipe in {"", told} and all(_same(picture, again, name) for name in sent)
    return False


def _same(picture: Picture, again: Picture, name: str) -> bool:
    """Tell whether some metadata came back; where sizes in it are corrected, whether any did."""
    before, after = getattr(picture, name), getattr(again, name)
    if name == "dpi" and after:
        return bool(np.allclose(before, after, rtol=1e-3, atol=0.5))  # JPEG holds whole numbers
    return bool(after if name in {"exif", "xmp"} else before == after)
