"""Any still picture that Pillow reads, as RGB with alpha, at its own depth where that can be had.

What RGB, or a depth of 8 bits, cannot carry is named in the picture's warnings, never dropped in silence.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from engine.errors import ImageError
from engine.files import attached, jxl, png, tiff
from engine.files import unread as losses
from engine.pictures.colour import grey_curve
from engine.pictures.picture import Picture
from engine.pictures.rows import bands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.pictures.pixels import Values


def decode(image: Image.Image, file: BinaryIO | None = None) -> Picture:
    """Turn a Pillow image upright and into RGB.

    `file` is where the image was opened from, which holds what Pillow leaves out.  Raises what Pillow's
    decoders raise, which can be anything.
    """
    warnings = losses.lost_frames(image)
    profile = image.info.get("icc_profile") or b""
    told = losses.lost_depth(image, file)  # loading forgets it
    deep, warning = _deep(image, file)
    if deep is None:
        image.load()
    exif = _exif_of(image)  # once: a second look at damaged EXIF finds nothing wrong
    # JPEG XL's decoder has turned the picture already.
    orientation = 1 if image.format == "JXL" else _orientation_in(exif)
    if deep is not None:
        pixels, alpha = _split(_turned(deep, orientation))
    else:
        turned = image if orientation == 1 else ImageOps.exif_transpose(image)
        colour, warning = _to_rgb(turned, profile)
        warnings += told
        pixels, alpha = _arrays(colour)
    warnings += [warning] if warning else []
    warnings += losses.lost_entries(image)
    facts = {**image.info, "iptc": attached.iptc_of(image.info, getattr(image, "tag_v2", {}))}
    if image.format == "JXL" and file is not None:
        facts["xmp"] = jxl.xmp(file)
    facts["dpi"] = facts.get("dpi", (0, 0))[:: -1 if orientation > 4 else 1]
    return _picture(pixels, alpha, facts, exif, warnings, cmyk=image.mode == "CMYK")


def decode_tiff(file: BinaryIO) -> Picture:
    """Read a TIFF picture that Pillow cannot; raise what tifffile does, ImageError where that is missing."""
    try:
        values = tiff.read_deep(file)
    except ModuleNotFoundError as error:
        raise ImageError(
            "this kind of TIFF picture needs the extra [tiff]", hint='pip install "deepdream-onnx[tiff]"'
        ) from error
    facts, exif = tiff_facts(file)
    pixels, alpha = _split(_turned(values, _orientation_in(exif)))
    return _picture(pixels, alpha, facts, exif, [], cmyk=False)


def tiff_facts(file: BinaryIO) -> tuple[dict[str, Any], Image.Exif]:
    """Return what a TIFF file says besides its values, named as by Pillow, and its EXIF."""
    exif = Image.Exif()
    file.seek(0)
    exif.load_from_fp(file)
    dpi = (exif.get(282, 0), exif.get(283, 0)) if exif.get(296, 2) == 2 else (0, 0)
    facts = {
        "icc_profile": exif.get(tiff.ICC_TAG),
        "xmp": exif.get(attached.XMP_TAG),
        "iptc": attached.iptc_of({}, exif),
        "dpi": dpi[:: -1 if _orientation_in(exif) > 4 else 1],
    }
    return facts, exif


def _picture(
    pixels: Values,
    alpha: Values | None,
    facts: Mapping[Any, Any],
    exif: Image.Exif | None,
    warnings: list[str],
    *,
    cmyk: bool,
) -> Picture:
    """Put a picture together from upright values and what the file says; `facts` are named as by Pillow."""
    profile = facts.get("icc_profile") or b""
    size = (pixels.shape[1], pixels.shape[0])
    if profile[16:20] == b"GRAY":
        curve = grey_curve(profile)
        pixels = pixels if curve is None else _bent(pixels, curve)
        warnings.append("the grey colour profile is not kept: the result is sRGB")
    elif profile and profile[16:20] not in {b"RGB ", b"CMYK"}:
        space = profile[16:20].decode("ascii", "replace").strip()
        warnings.append(f"the {space} colour profile is not kept: the result is RGB")
    kept, sound = None, False
    with contextlib.suppress(Exception):  # as above
        kept = None if exif is None else attached.upright_exif(exif, size)
        sound = exif is not None
    if not sound:
        warnings.append("the EXIF is damaged: not kept")
    xmp, comment, dpi = attached.xmp_of(facts), facts.get("comment") or facts.get("Comment"), facts.get("dpi")
    if _beyond_white(pixels):
        warnings.append("the picture has values above 1, which is taken for white")
    pixels.flags.writeable = False
    return Picture(
        pixels=pixels,
        alpha=alpha,
        icc=profile if profile[16:20] == b"RGB " and not cmyk else None,
        exif=kept,
        xmp=None if xmp is None else attached.upright_xmp(xmp, size),
        iptc=facts.get("iptc"),
        comment=comment.encode("utf-8") if isinstance(comment, str) else comment,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
        warnings=tuple(warnings),
    )


def _beyond_white(pixels: Values) -> bool:
    """Tell whether floating-point colours go above white."""
    if pixels.dtype != np.float32:
        return False
    return any(bool((pixels[rows] > 1).any()) for rows in bands(pixels.shape))


def _deep(image: Image.Image, file: BinaryIO | None) -> tuple[NDArray[Any] | None, str]:
    """Return values of more than 8 bits, [H, W, 1 to 4], and a warning; None where there are none to have."""
    values: NDArray[Any] | None = png.read_deep(image, file)
    bits = getattr(image, "tag_v2", {}).get(258, 8)
    if file is not None and image.format == "TIFF" and max(np.atleast_1d(bits)) > 8:
        with contextlib.suppress(ModuleNotFoundError, tiff.UnreadableError):
            values = tiff.read_deep(file)
    if values is None and (image.mode.startswith("I") or image.mode == "F"):
        return _grey(image)
    return values, ""


def _exif_of(image: Image.Image) -> Image.Exif | None:
    """Return an image's EXIF, None where it is damaged."""
    with contextlib.suppress(Exception):  # it fails in every way
        return image.getexif()
    return None


def _orientation_in(exif: Image.Exif | None) -> int:
    orientation = None if exif is None else exif.get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _split(values: NDArray[Any]) -> tuple[Values, Values | None]:
    """Return colours [H, W, 3] and opacity [H, W] of grey or RGB, [H, W, 1 to 4]."""
    channels = values.shape[2]
    alpha = np.ascontiguousarray(values[..., -1]) if channels in {2, 4} else None
    colours = values[..., :3] if channels >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return np.ascontiguousarray(colours), alpha


def _turned(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn values upright as EXIF's orientation asks for."""
    if orientation in {5, 6, 7, 8}:
        values = values.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        values = values[::-1]
    if orientation in {2, 3, 6, 7}:
        values = values[:, ::-1]
    return values


def _bent(pixels: Values, curve: NDArray[np.float64]) -> Values:
    """Put grey values through a curve from 16 bits to 0..1; floats outside that stay."""
    if pixels.dtype == np.float32:
        places = np.linspace(0, 1, len(curve))
        bent = pixels.copy()
        for rows in bands(pixels.shape):
            band = pixels[rows]
            bent[rows] = np.where((band > 0) & (band < 1), np.interp(band, places, curve), band)
        return bent
    deep = (curve * 65535).astype(np.float32)
    table = np.rint(deep).astype(np.uint16)
    if pixels.dtype == np.uint8:
        return np.rint(deep[::257] / 257).astype(np.uint8)[pixels]
    return table[pixels]


def _to_rgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """Return the image as RGB or RGBA of 8 bits, and a warning where colours are a guess."""
    if image.mode in {"CMYK", "LAB"}:
        return _managed(image, profile)
    if image.mode in {"La", "RGBa"}:  # alpha multiplied in
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return (image if image.mode == mode else image.convert(mode)), ""  # convert would copy


def _arrays(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return colours [H, W, 3] and, of RGBA, opacity [H, W].

    On the way from an image to an array Pillow makes two copies; those of a band are small.
    """
    shape = (image.height, image.width)
    pixels = np.empty((*shape, 3), np.uint8)
    alpha = np.empty(shape, np.uint8) if image.mode == "RGBA" else None
    for rows in bands(shape):
        values = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
        pixels[rows] = values[..., :3]
        if alpha is not None:
            alpha[rows] = values[..., 3]
    return pixels, alpha


def _grey(image: Image.Image) -> tuple[NDArray[Any], str]:
    """Return grey of more than 8 bits, [H, W, 1], and what was guessed about it."""
    values = np.asarray(image)
    if image.mode == "F":
        return values[..., np.newaxis], ""
    if values.dtype == np.uint16 or values.dtype == np.dtype(">u2"):
        return values.astype(np.uint16)[..., np.newaxis], ""
    white, warning = 65535, ""
    if values.max() > white:
        white = 2**31 - 1
        warning = f"took {white} for white in a picture of 32-bit integers, of which 16 bits are kept"
    grey = np.empty((*values.shape, 1), np.uint16)
    for rows in bands(values.shape):
        grey[rows, :, 0] = np.rint(values[rows].clip(0) * (65535 / white))
    return grey, warning


def _managed(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """Convert CMYK or LAB to sRGB by the picture's profile, CMYK without one by Pillow's plain formula."""
    srgb = ImageCms.createProfile("sRGB")
    guess = "the CMYK picture has no colour profile that works: its colours are approximate"
    try:
        if image.mode == "LAB":
            source: Any = ImageCms.createProfile("LAB")
        elif profile[16:20] == b"CMYK":
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return image.convert("RGB"), guess
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        if image.mode == "LAB":
            raise
        return image.convert("RGB"), guess
    return converted or image.convert("RGB"), ""
