"""The encoders: a picture as a file's content, with metadata that its format can hold."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import PngImagePlugin

from engine.files import attached, png, tiff
from engine.files.formats import PNG, TIFF

if TYPE_CHECKING:
    from engine.files.formats import Format
    from engine.pictures.picture import Picture


def encoded(picture: Picture, form: Format, quality: int, recipe: str) -> io.BytesIO:
    """Return a picture as a file's content; raise whatever encoders raise, which can be anything.

    Everything that the picture has, and the recipe unless it is empty, must be among what the format keeps.
    """
    buffer = io.BytesIO()
    if form is PNG:
        _write_png(picture, buffer, recipe)
        return buffer
    if recipe:
        xmp = attached.with_recipe(picture.xmp, recipe)
        if xmp is None:
            raise ValueError("there is no place for the recipe in this XMP")
        picture = replace(picture, xmp=xmp)
    if form is TIFF:
        tiff.write(picture, buffer)
    else:
        picture.to_pil().save(buffer, form.name, **form.options(quality), **_extra(picture, form))
    return buffer


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
    if max(picture.dpi or (0,)) > png.MOST_DPI:
        raise OverflowError("too many pixels an inch")  # Pillow would write more than PNG allows
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
