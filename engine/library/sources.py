"""What a caller has, from a path to an array, as a picture and its origin; and models likewise."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from PIL import Image

from engine.ascent.masks import Mask
from engine.ascent.order import Guide, Order, order_for
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.files.limits import admit_any
from engine.library import arrays, streams
from engine.library.repeating import origin_of_pixels
from engine.network.model import DreamModel, load_model
from engine.pictures.picture import Picture
from engine.pictures.pixels import luma
from engine.settings import given
from engine.settings.config import fit_layers
from engine.settings.presets import model_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.files.limits import Admit
    from engine.settings.config import Chosen, DreamConfig
    from engine.settings.origin import Origin
    from engine.settings.tiling import Tiling

    Source: TypeAlias = (
        str
        | os.PathLike[str]
        | bytes
        | bytearray
        | memoryview
        | IO[bytes]
        | Image.Image
        | Picture
        | NDArray[Any]
    )
    ModelSource: TypeAlias = DreamModel | str | os.PathLike[str] | None

TAKES: Final = "a path, a file's bytes, an open binary file, a Pillow image, an array or an engine.Picture"


def read(source: Source, name: str = "picture", admit: Admit = admit_any) -> tuple[Picture, Origin]:
    """Return a picture and where it came from; raise ImageError where there is none.

    A file is read once: the origin's sha256 is that of the bytes that were decoded.  `name` is the
    argument's, for messages; `admit` is asked before a file is decoded.  Raises UsageError for what cannot be
    a picture at all.
    """
    if isinstance(source, Picture | Image.Image) or hasattr(source, "__array__"):
        picture = _in_memory(source, name)
        return picture, origin_of_pixels(picture)
    if isinstance(source, bytes | bytearray | memoryview):
        return images.read_bytes(bytes(source), f"the {name}'s content", admit)
    if hasattr(source, "read"):
        return images.read_bytes(streams.content_of(source, name), f"the {name}'s content", admit)
    return images.read(given.path_of(source, name, ImageError, TAKES), admit)


def read_guide(source: Source | None, model: DreamModel) -> Guide | None:
    """Return a picture to steer toward, as the model sees it."""
    if source is None:
        return None
    picture, origin = read(source, "guide")
    return Guide(picture.rows(model.metadata.value_range), origin)


def read_mask(source: Source | None) -> Mask | None:
    """Return a mask from a picture, whose luma and opacity both count, or for the word `alpha`."""
    if source is None:
        return None
    if isinstance(source, str) and source == "alpha":
        return Mask(None)
    picture, origin = read(source, "mask")
    picture = picture.at_depth("8")
    grey = luma(picture.pixels.astype(np.float32))
    if picture.alpha is not None:
        grey *= picture.alpha / np.float32(255)
    return Mask(np.rint(grey).astype(np.uint8), origin)


def open_model(
    model: ModelSource, device: str, threads: int | None, preset: str | os.PathLike[str] | None = None
) -> DreamModel:
    """Return a model that is open already, or open one by name or file.

    For None that is the one that `preset` needs, mostly the embedded one.
    """
    if isinstance(model, DreamModel):
        return model
    if model is not None and not isinstance(model, str | os.PathLike):
        raise given.wrong("model", model, "a path, a name, an open DreamModel, or None for the embedded one")
    return load_model(model_for(preset) if model is None else model, device=device, threads=threads)


def order_from(
    config: DreamConfig,
    model: DreamModel,
    tiling: Tiling | None,
    *,
    guide: Source | None,
    mask: Source | None,
    chosen: Chosen,
) -> tuple[Order, tuple[str, ...]]:
    """Return what is to be dreamed of, and what the user should know of it.

    `chosen` says whether the layers are the caller's own choice, see `fit_layers`.  Raises what that, `read`
    and `order_for` raise.
    """
    config, warnings = fit_layers(
        config, model.layer_names, default=model.metadata.default_layers, chosen=chosen
    )
    shown = read_mask(mask)
    if shown is not None and shown.values is not None and shown.values.max() <= 1:  # 0 and 1, most likely
        warnings += ("the mask is black: booleans, or values up to 255, say where to dream",)
    return order_for(model, config, tiling, guide=read_guide(guide, model), mask=shown), warnings


def _in_memory(source: Any, name: str) -> Picture:
    if isinstance(source, Picture):
        return arrays.checked(source, f"the {name}")
    if not isinstance(source, Image.Image):
        return arrays.picture_of(_array(source, name), f"the {name}'s array")
    if _is_closed(source):
        hint = "give it inside of its with block, or call load() there"
        raise UsageError(f"{name} is a Pillow image that was closed before it was read", hint=hint)
    if 0 in source.size:
        raise ImageError(f"the {name} has no pixels: it is a Pillow image of {source.width}x{source.height}")
    scaled, warnings = _scaled(source, f"the {name}")
    picture = images.from_pil(scaled, f"the {name}")
    return replace(picture, warnings=(*picture.warnings, *warnings))


def _array(source: Any, name: str) -> NDArray[Any]:
    """Return what calls itself an array as NumPy's."""
    if isinstance(source, np.ndarray):
        return source
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError):  # a tensor on a GPU, for example
        raise given.wrong(name, source, TAKES) from None


def _is_closed(image: Any) -> bool:
    """Tell whether an image has lost its pixels, or the file that it would have read them from."""
    try:
        pixels = image.im
    except AssertionError:  # not read yet
        pixels = None
    except ValueError:
        return True
    return pixels is None and getattr(image, "fp", None) is None


def _scaled(image: Image.Image, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """Return a Pillow image with white where `images` takes it, and what the caller should know.

    In Pillow's own conversions to the modes I and F, 255 is white.  An image straight from a file has the
    file's numbers.
    """
    if image.mode not in {"I", "F"} or image.format is not None:
        return image, ()
    values = np.asarray(image)
    largest = values.max()
    if image.mode == "F":
        arrays.refuse_unreal(values, name)
        told = f"{name} has the mode F, in which 255 is white, and no value above 1: it is black"
        # Pillow knows functions of this form, and computes them for all values at once.
        return image.point(lambda x: x * (1 / 255) + 0), (told,) if largest <= 1 else ()
    if largest <= 255:
        return image.point(lambda x: x * 257 + 0), ()
    told = f"{name} has the mode I, and values above 255: 65535 was taken as white"
    return image, (told,) if largest <= 65535 else ()
