"""Write a finished dream in the format that somebody wants, with its recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.files import images
from engine.files.formats import depth_for, format_named
from engine.settings.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.studio.work.desk import Desk


def write(job: dict[str, Any], _desk: Desk) -> Iterator[dict[str, Any]]:
    """Write the result, which was kept without loss, once more."""
    source, target = Path(job["source"]), Path(job["target"])
    form = format_named(job["format"])
    picture = images.load(source)
    output = Output(recipe=images.recipe_of(source))
    if job["quality"] is not None:
        output = replace(output, quality=job["quality"])
    depth, lost = depth_for(form, "source", picture.depth)
    output = replace(output, depth=depth)
    for sentence in (*lost, *images.save(picture.at_depth(depth), target, output, form)):
        yield {"event": "warning", "message": sentence}
