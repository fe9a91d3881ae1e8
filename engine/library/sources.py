"""What a caller has, a path, an array or a Pillow image, as a picture and its origin; and models likewise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

from engine.ascent.masks import Mask
from engine.ascent.order import Guide, Order, order_for
from engine.errors import ImageError
from engine.files import images
from engine.library.repeating import origin_of_pixels
from engine.network.model import DreamModel, load_model
from engine.pictures.picture import Picture
from engine.pictures.pixels import luma
from engine.settings.config import fit_layers
from engine.settings.selectors import parse_layers

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from engine.pictures.pixels import Values
    from engine.settings.config import DreamConfig, Settings
    from engine.settings.origin import Origin
    from engine.settings.tiling import Tiling

    Source: TypeAlias = str | os.PathLike[str] | Image.Image | Picture | NDArray[Any]
    ModelSource: TypeAlias = DreamModel | str | os.PathLike[str] | None


def read(source: Source) -> tuple[Picture, Origin]:
    """Return a picture and where it came from; raise ImageError where there is none.

    A file is read once: the origin's sha256 is that of the bytes that were decoded.
    """
    if not isinstance(source, Picture | Image.Image | np.ndarray):
        return images.read(Path(source))
    picture = _in_memory(source)
    return picture, origin_of_pixels(picture)


def read_guide(source: Source | None, model: DreamModel) -> Guide | None:
    """Return a picture to steer toward, as the model sees it."""
    if source is None:
        return None
    picture, origin = read(source)
    return Guide(picture.rows(model.metadata.value_range), origin)


def read_mask(source: Source | None) -> Mask | None:
    """Return a mask from a picture, whose luma and opacity both count, or for the word `alpha`."""
    if source is None:
        return None
    if isinstance(source, str) and source == "alpha":
        return Mask(None)
    picture, origin = read(source)
    picture = picture.at_depth("8")
    grey = luma(picture.pixels.astype(np.float32))
    if picture.alpha is not None:
        grey *= picture.alpha / np.float32(255)
    return Mask(np.rint(grey).astype(np.uint8), origin)


def open_model(model: ModelSource, device: str, threads: int | None) -> DreamModel:
    """Return a model that is open already, or open a model file, the embedded one for None."""
    if isinstance(model, DreamModel):
        return model
    return load_model(None if model is None else Path(model), device=device, threads=threads)


def given_settings(settings: Settings) -> dict[str, Any]:
    """Return settings as a caller gave them by field name, layers that are text as a mapping."""
    given: dict[str, Any] = dict(settings)
    if isinstance(given.get("layers"), str):
        given["layers"] = parse_layers(given["layers"])
    return given


def order_from(
    config: DreamConfig,
    model: DreamModel,
    tiling: Tiling | None,
    *,
    guide: Source | None,
    mask: Source | None,
    chosen: bool,
) -> tuple[Order, tuple[str, ...]]:
    """Return what is to be dreamed of, and what the user should know of it.

    `chosen` says whether the layers are the caller's own choice, see `fit_layers`.  Raises what that, `read`
    and `order_for` raise.
    """
    config, warnings = fit_layers(config, model.layer_names, chosen=chosen)
    return order_for(model, config, tiling, guide=read_guide(guide, model), mask=read_mask(mask)), warnings


def _in_memory(source: Picture | Image.Image | NDArray[Any]) -> Picture:
    if isinstance(source, Image.Image):
        return images.from_pil(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    # A dream reads the pixels until its end, so what the caller could change meanwhile is copied.
    ours = not source.pixels.flags.writeable
    return source if ours else replace(source, pixels=_frozen(source.pixels))


def _from_array(array: NDArray[Any]) -> Picture:
    values = array[..., np.newaxis] if array.ndim == 2 else array
    if values.ndim != 3 or not 1 <= values.shape[2] <= 4 or 0 in values.shape:
        raise ImageError(f"an array of shape {array.shape} is not a picture: [H, W] or [H, W, 1 to 4] is")
    if np.issubdtype(values.dtype, np.floating):
        if not (values.min() >= 0 and values.max() <= 1):
            raise ImageError(
                "a floating-point array must stay between 0 and 1", hint="divide by 255, or give uint8"
            )
        values = values.astype(np.float32)
    elif values.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise ImageError(f"an array of {values.dtype} is not a picture: uint8, uint16 or floating point is")
    alpha = values[..., -1] if values.shape[2] in {2, 4} else None
    colours = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return Picture(_frozen(colours), None if alpha is None else np.array(alpha, order="C"))


def _frozen(pixels: Values) -> Values:
    """Return a read-only copy."""
    copy = np.array(pixels, order="C")
    copy.flags.writeable = False
    return copy
