"""Encode a picture as a file's content, with all the metadata that its format can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ImageError
from engine.files.encoders import encoded
from engine.files.fitting import fit
from engine.files.formats import depth_for, enable
from engine.files.telling import because

if TYPE_CHECKING:
    import io

    from engine.files.formats import Format
    from engine.pictures.picture import Picture
    from engine.settings.output import Output


def content_of(
    picture: Picture, form: Format, output: Output, name: str
) -> tuple[io.BytesIO, tuple[str, ...]]:
    """Return a file's content, and what the format could not hold, one sentence each.

    `name` is what messages call the file.  Raises ImageError if the picture cannot be encoded.
    """
    enable(form, f"{name} cannot be written")
    depth, warnings = depth_for(form, output.depth, picture.depth)
    picture = picture.stripped() if output.strip_metadata else picture
    picture, recipe, lost = fit(picture, form, depth, output.recipe)
    try:
        content = encoded(picture.at_depth(depth), form, output.quality, recipe)
    except Exception as error:  # encoders raise exceptions of every kind
        raise ImageError(
            f"{name} cannot be written as {form.name}{because(error)}", hint="write a .png file instead"
        ) from error
    return content, (*warnings, *lost)
