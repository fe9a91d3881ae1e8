"""Read a picture that came from a stranger, in a process with limits; show it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from engine.errors import ImageError, UsageError
from engine.files import images
from engine.galleries.thumbnails import to_srgb
from engine.settings.origin import bare_name, origin_of_bytes
from engine.settings.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.pictures.picture import Picture
    from engine.settings.origin import Origin
    from engine.studio.work.desk import Desk

QUALITY: Final = 85
"""Of what the page shows."""


def read(job: dict[str, Any], _desk: Desk) -> Iterator[dict[str, Any]]:
    """Tell what a picture is, its recipe too, and write a copy for the page; in a process of its own."""
    _hold_back(job)
    yield understood(job)


def understood(job: dict[str, Any]) -> dict[str, Any]:
    """Return what a picture is; raise ImageError where it is none, or a larger one than is taken."""
    source, name = Path(job["source"]), job["name"]
    _refuse_large(images.pixel_count(source), name, job["pixels"])
    Image.MAX_IMAGE_PIXELS = job["pixels"] // 2  # the engine refuses twice as many
    with source.open("rb") as file:
        picture = images.load(file, name)
    height, width = picture.shape
    _refuse_large(width * height, name, job["pixels"])
    write_small(picture, job["longest"], Path(job["target"]))
    return {
        "event": "picture",
        "width": width,
        "height": height,
        "depth": picture.depth,
        "alpha": picture.alpha is not None,
        "recipe": _recipe(source),
        "warnings": list(picture.warnings),
    }


def show(job: dict[str, Any], _desk: Desk) -> Iterator[dict[str, Any]]:
    """Write a copy of a picture for the page, of another size."""
    _hold_back(job)
    with Path(job["source"]).open("rb") as file:
        picture = images.load(file, job["name"])
    write_small(picture, job["longest"], Path(job["target"]))
    yield {"event": "shown"}


def opened(source: str, name: str) -> tuple[Picture, Origin]:
    """Return a picture that was read before, and its origin under the name that its owner knows it by."""
    content = Path(source).read_bytes()
    return images.load(io.BytesIO(content), name), origin_of_bytes(content, bare_name(name))


def small(picture: Picture, longest: int) -> Image.Image:
    """Return a picture in sRGB whose longer side has `longest` pixels at most."""
    image = picture.to_pil()
    scale = longest / max(image.size)
    if scale < 1:
        size = tuple(max(round(x * scale), 1) for x in image.size)
        image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return to_srgb(image, picture.icc)


def write_small(picture: Picture, longest: int, target: Path) -> None:
    """Write such a copy as WebP, which every browser shows, with opacity too."""
    write_image(small(picture, longest), target)


def write_image(image: Image.Image, target: Path) -> None:
    """Write a copy for the page; it appears whole."""
    part = target.with_name(f"{target.name}.part")
    image.save(part, "WEBP", quality=QUALITY, method=2)
    part.replace(target)


def _recipe(source: Path) -> dict[str, Any] | None:
    """Return a picture's recipe as JSON holds it; None where it has none that makes sense."""
    with contextlib.suppress(UsageError, ImageError):
        if text := images.recipe_of(source):
            table: dict[str, Any] = json.loads(Recipe.from_json(text).to_json())
            return table
    return None


def _refuse_large(pixels: int, name: str, most: int) -> None:
    if pixels > most:
        raise ImageError(
            f"{name} has {pixels / 1e6:.0f} million pixels, more than {most / 1e6:.0f}",
            hint="make it smaller, or dream on it with deepdream dream",
        )


def _hold_back(job: dict[str, Any]) -> None:
    """Bound what this process may take, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - Windows lacks it

        resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
        seconds = int(job["seconds"])
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
