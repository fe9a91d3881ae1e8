"""Encode a picture as a file's content, with all the metadata that its format can hold."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from PIL import PngImagePlugin

from engine.errors import ImageError
from engine.files import attached, png, tiff
from engine.files.formats import JPEG, PNG, TIFF, Format, depth_for, enable
from engine.pictures.colour import space_of

if TYPE_CHECKING:
    from engine.pictures.picture import Picture
    from engine.settings.output import Output

SEGMENT: Final = {"exif": 65533, "xmp": 65502, "iptc": 65000, "comment": 65533}
"""Bytes that one segment of a JPEG file can hold, without its identifier."""


LABELS: Final = {
    "icc": "the colour profile",
    "exif": "EXIF",
    "xmp": "XMP",
    "iptc": "IPTC",
    "comment": "the comment",
}
"""What messages call a picture's metadata.  DPI is missing: it is often a meaningless default of 72."""


def content_of(
    picture: Picture, form: Format, output: Output, name: str
) -> tuple[io.BytesIO, tuple[str, ...]]:
    """Return a file's content, and what the format could not hold, one sentence each.

    `name` is what messages call the file.  Raises ImageError if the picture cannot be encoded.
    """
    enable(form, f"{name} cannot be written")
    depth, warnings = depth_for(form, output.depth, picture.depth)
    fitting, lost = _fitting(picture.stripped() if output.strip_metadata else picture, form)
    fitting = fitting.at_depth(depth)
    lost = (*warnings, *lost)
    if output.recipe and form is not PNG:
        xmp = attached.with_recipe(fitting.xmp, output.recipe) if "xmp" in form.keeps else None
        if xmp is None or (form is JPEG and len(xmp) > SEGMENT["xmp"]):
            lost = (*lost, f"{form.name} cannot hold the recipe: not kept")
        else:
            fitting = replace(fitting, xmp=xmp)
    buffer = io.BytesIO()
    try:
        if form is TIFF:
            tiff.write(fitting, buffer)
        elif form is PNG:
            _write_png(fitting, buffer, output.recipe)
        else:
            fitting.to_pil().save(buffer, form.name, **form.options(output.quality), **_extra(fitting, form))
    except Exception as error:  # encoders raise exceptions of every kind
        raise ImageError(
            f"{name} cannot be written as {form.name}: {error}", hint="write a .png file instead"
        ) from error
    return buffer, lost


def _fitting(picture: Picture, form: Format) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture without what a format cannot hold, and a sentence for each thing left out."""
    lost = []
    if picture.alpha is not None and "alpha" not in form.keeps:
        picture = replace(picture, alpha=None)
        lost.append(f"{form.name} has no alpha: the transparency is lost")
    for name, label in LABELS.items():
        value = getattr(picture, name)
        too_long = form is JPEG and len(value or b"") > SEGMENT.get(name, 1 << 24)
        if name == "icc" and name not in form.keeps and space_of(picture.icc) is not None:
            # Without its profile the numbers would be read as sRGB, so convert them.
            picture = picture.in_srgb()
            lost.append(f"{form.name} cannot hold {label}: the result is sRGB")
        elif value and (name not in form.keeps or too_long):
            gone: dict[str, Any] = {name: None}
            picture = replace(picture, **gone)
            lost.append(f"{form.name} cannot hold {label}: not kept")
    return picture, tuple(lost)


def _extra(picture: Picture, form: Format) -> dict[str, Any]:
    """Return a picture's metadata as the arguments of Pillow's encoders."""
    extra = {
        "icc_profile": picture.icc,
        "exif": picture.exif,
        "xmp": picture.xmp,
        "comment": picture.comment,
        "dpi": picture.dpi if "dpi" in form.keeps else None,
        "extra": attached.photoshop_segment(picture.iptc) if picture.iptc else None,
    }
    return {name: value for name, value in extra.items() if value}


def _write_png(picture: Picture, file: BinaryIO, recipe: str) -> None:
    texts = {
        "XML:com.adobe.xmp": picture.xmp,
        "Comment": picture.comment,
        attached.RECIPE_KEY: recipe.encode("utf-8"),
    }
    wanted = {key: text.decode("utf-8", "replace") for key, text in texts.items() if text}
    if picture.pixels.dtype == np.uint16:
        png.write_deep(
            picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha]),
            file,
            icc=picture.icc,
            exif=picture.exif,
            dpi=picture.dpi,
            texts=wanted,
        )
        return
    chunks = PngImagePlugin.PngInfo()
    for key, text in wanted.items():
        chunks.add_itxt(key, text)
    attachments = _extra(replace(picture, xmp=None, comment=None), PNG)
    picture.to_pil().save(file, "PNG", pnginfo=chunks, **attachments)
