"""Decode any still picture that Pillow reads: RGB with alpha, at its own depth where possible.

What RGB, or a depth of 8 bits, cannot carry is named in the picture's warnings, never dropped in silence.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from PIL import ExifTags, Image, ImageCms

from engine.errors import ImageError
from engine.files import attached, jxl, png, tiff, unread
from engine.files.limits import admit_any
from engine.files.samples import as_colours
from engine.pictures.colour import grey_curve
from engine.pictures.picture import Picture
from engine.pictures.rows import bands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.files.limits import Admit
    from engine.pictures.pixels import Values


TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned upright, by EXIF's orientation."""

SPACES: Final = frozenset(
    ["XYZ", "Lab", "Luv", "YCbr", "Yxy", "HSV", "HLS", "CMY", *(f"{x:X}CLR" for x in range(2, 16))]
)
"""Colour spaces that a profile can be of (ICC.1, 7.2.6), besides RGB, grey and CMYK."""


def decode(image: Image.Image, file: BinaryIO | None = None) -> Picture:
    """Turn a Pillow image upright and into RGB.

    `file` is the file that the image was opened from; what Pillow leaves out is read from there.  Raises
    whatever Pillow's decoders raise, which can be anything.
    """
    warnings = unread.dropped_frames(image, file) + unread.take_damaged(image.info)
    profile = attached.bytes_of(image.info.get("icc_profile"))
    # Read now: Pillow forgets it when it loads.
    told = unread.dropped_depth(image, file) + unread.dropped_channels(image, file)
    key = png.key_of_few_bits(image)
    deep, lost = _deep(image, file)
    if deep is None:
        image.load()
    exif = _exif_of(image)  # once: Pillow reports damaged EXIF only the first time
    # The JPEG XL decoder has already turned the picture upright.
    orientation = 1 if image.format == "JXL" else _orientation_in(exif)
    if deep is not None:
        pixels, alpha = _split(_turned(deep, orientation))
    else:
        # Not by ImageOps.exif_transpose, which writes the EXIF anew and fails where that is damaged.
        turned = image if orientation == 1 else image.transpose(TURNS[orientation])
        if key is not None:
            turned = turned.copy()  # the image may belong to the caller
            turned.info["transparency"] = key
        colour, warning = _to_rgb(turned, profile)
        lost = told + ([warning] if warning else [])
        pixels, alpha = _arrays(colour)
    warnings += lost
    warnings += unread.dropped_entries(image)
    facts = {**image.info, "iptc": attached.iptc_of(image.info, getattr(image, "tag_v2", {}))}
    if image.format == "JXL" and file is not None:
        facts["xmp"] = jxl.xmp(file)
    warnings += unread.dropped_packets(facts, getattr(image, "tag_v2", {}))
    if 282 not in getattr(image, "tag_v2", {282}):  # a TIFF file without resolution; Pillow says 1 then
        facts["dpi"] = None
    facts["dpi"] = _turned_dpi(facts.get("dpi"), orientation)
    return _picture(pixels, alpha, facts, exif, warnings, cmyk=image.mode == "CMYK")


def decode_tiff(file: BinaryIO, admit: Admit = admit_any) -> Picture:
    """Read a TIFF picture that Pillow cannot; raise ImageError without tifffile, and whatever that raises."""
    try:
        values, lost = tiff.read(file, admit)
    except ModuleNotFoundError as error:
        raise _needs_tifffile() from error
    facts, exif = tiff_facts(file)
    lost = [*unread.dropped_pages(file, exif), *lost, *unread.dropped_packets(facts, exif)]
    pixels, alpha = _split(_turned(values, _orientation_in(exif)))
    return _picture(pixels, alpha, facts, exif, lost, cmyk=False)


def _needs_tifffile() -> ImageError:
    return ImageError(
        "this kind of TIFF picture needs the extra [tiff]", hint='pip install "deepdream-onnx[tiff]"'
    )


def tiff_facts(file: BinaryIO) -> tuple[dict[str, Any], Image.Exif]:
    """Return a TIFF file's metadata, under Pillow's names, and its EXIF."""
    exif = Image.Exif()
    file.seek(0)
    exif.load_from_fp(file)
    inches = attached.entry(exif, 296, 2) == 2
    dpi = (attached.entry(exif, 282, 0), attached.entry(exif, 283, 0)) if inches else (0, 0)
    facts = {
        "icc_profile": attached.entry(exif, tiff.ICC_TAG),
        "xmp": attached.entry(exif, attached.XMP_TAG),
        "iptc": attached.iptc_of({}, exif),
        "dpi": _turned_dpi(dpi, _orientation_in(exif)),
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
    """Make a Picture of upright values and the file's metadata; `facts` has Pillow's names."""
    profile = attached.bytes_of(facts.get("icc_profile"))
    size = (pixels.shape[1], pixels.shape[0])
    if profile[16:20] == b"GRAY":
        curve = grey_curve(profile)
        pixels = pixels if curve is None else _bent(pixels, curve)
        warnings.append("the grey colour profile is not kept: the result is sRGB")
    elif profile and profile[16:20] not in {b"RGB ", b"CMYK"}:
        warnings.append(f"{_named(profile)} is not kept: the result is RGB")
    kept, told = attached.upright_exif(exif, size)
    dpi, said = attached.dpi_of(facts.get("dpi"))
    warnings += [*told, *said]
    xmp, comment = attached.xmp_of(facts), facts.get("comment") or facts.get("Comment")
    if isinstance(comment, str):
        comment = comment.encode("utf-8", "replace")
    if _beyond_white(pixels):
        warnings.append("the picture has values above 1; they are shown to the network as white")
    pixels.flags.writeable = False
    return Picture(
        pixels=pixels,
        alpha=alpha,
        icc=profile if profile[16:20] == b"RGB " and not cmyk else None,
        exif=kept,
        xmp=None if xmp is None else attached.upright_xmp(xmp, size),
        iptc=facts.get("iptc"),
        comment=attached.bytes_of(comment) or None,
        dpi=dpi,
        warnings=tuple(warnings),
    )


def _named(profile: bytes) -> str:
    """Name a colour profile that is not of RGB; in a damaged one the name can be any bytes."""
    space = profile[16:20].decode("latin-1").strip()
    return f"the {space} colour profile" if space in SPACES else "a damaged colour profile"


def _beyond_white(pixels: Values) -> bool:
    """Tell whether floating-point colours exceed white."""
    if pixels.dtype != np.float32:
        return False
    return any(bool((pixels[rows] > 1).any()) for rows in bands(pixels.shape))


def _deep(image: Image.Image, file: BinaryIO | None) -> tuple[NDArray[Any] | None, list[str]]:
    """Return values that Pillow makes less of, [H, W, 1 to 4], and what they lose; None if it does not."""
    values: NDArray[Any] | None = png.read_deep(image, file)
    if values is not None:
        return values, []
    if file is not None and tiff.loses_with_pillow(image):
        try:
            return tiff.read(file)
        except tiff.UnreadableError:
            pass
        except ModuleNotFoundError as error:
            if image.mode == "L" and not tiff.unsigned_in(getattr(image, "tag_v2", {})):
                raise _needs_tifffile() from error  # Pillow would take signed bytes for others
    if image.mode.startswith("I") or image.mode == "F":
        return _grey(image)
    return None, []


def _exif_of(image: Image.Image) -> Image.Exif | None:
    """Return an image's EXIF, None if it is damaged."""
    with contextlib.suppress(Exception):  # damaged EXIF raises exceptions of every kind
        return image.getexif()
    return None


def _turned_dpi(dpi: Any, orientation: int) -> Any:
    return dpi[::-1] if orientation > 4 and isinstance(dpi, tuple) else dpi


def _orientation_in(exif: Image.Exif | None) -> int:
    orientation = None if exif is None else attached.entry(exif, ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _split(values: NDArray[Any]) -> tuple[Values, Values | None]:
    """Split grey or RGB, [H, W, 1 to 4], into colours [H, W, 3] and opacity [H, W]."""
    channels = values.shape[2]
    alpha = np.ascontiguousarray(values[..., -1]) if channels in {2, 4} else None
    colours = values[..., :3] if channels >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return np.ascontiguousarray(colours), alpha


def _turned(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn values upright, as EXIF's orientation says."""
    if orientation in {5, 6, 7, 8}:
        values = values.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        values = values[::-1]
    if orientation in {2, 3, 6, 7}:
        values = values[:, ::-1]
    return values


def _bent(pixels: Values, curve: NDArray[np.float64]) -> Values:
    """Apply a curve, from 16 bits to 0..1, to grey values; floats outside 0..1 stay as they are."""
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
    """Return the image as RGB or RGBA of 8 bits, and a warning if its colours are a guess."""
    if image.mode in {"CMYK", "LAB"}:
        return _managed(image, profile)
    if image.mode in {"La", "RGBa"}:  # alpha multiplied in
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return (image if image.mode == mode else image.convert(mode)), ""  # convert always copies


def _arrays(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return colours [H, W, 3] and, for RGBA, opacity [H, W].

    Pillow makes two copies on the way from an image to an array; done by bands they are small.
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


def _grey(image: Image.Image) -> tuple[NDArray[Any], list[str]]:
    """Return grey of more than 8 bits, with opacity if one value is transparent, and what it loses."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    bits = int(np.max(tags.get(258, 8 * values.dtype.itemsize)))
    if values.dtype == np.int32 and tags and tiff.unsigned_in(tags):  # Pillow has signed ones only
        values = values.view(np.uint32) if bits > 16 else values.astype(np.uint16)
    grey, lost = as_colours(values[..., np.newaxis], bits)
    key = image.info.get("transparency")
    if image.mode.startswith("I;16") and isinstance(key, int):
        grey = np.dstack([grey, np.where(values == key, 0, 65535).astype(np.uint16)])
    return grey, lost


def _managed(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """Convert LAB to sRGB, and CMYK by the picture's profile, or by Pillow's simple formula without one."""
    srgb = ImageCms.createProfile("sRGB")
    guess = "the CMYK picture has no usable colour profile: its colours are approximate"
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
