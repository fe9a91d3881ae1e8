"""Any still picture that Pillow reads, as 8-bit RGB with alpha.

Whatever 8-bit RGB cannot carry is named in the picture's warnings, never dropped in silence.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from engine.rows import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEEP: Final = re.compile(r"[;](?:10|12|14|16|24|32|64)")
"""Pillow's raw modes with more than 8 bits per channel, such as `RGB;16B`, which it opens as plain `RGB`."""

STRUCTURE: Final = frozenset(
    [
        *range(254, 260),  # subfile, size, bits, compression
        *(262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320),
        *range(322, 326),  # tiles
        *(330, 338, 339, 340, 341, 347, *range(512, 522), 529, 530, 531, 532),
        *(700, 33723, 34377, 34675),  # XMP, IPTC, Photoshop, ICC: not EXIF
    ]
)
"""TIFF tags that describe how a file was stored, and are wrong in any other file."""

NOT_KEPT: Final = {
    "xmp": "XMP",
    "XML:com.adobe.xmp": "XMP",
    "photoshop": "Photoshop and IPTC entries",
    "comment": "the comment",
    "gamma": "the gamma value",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it is dreamed on, and what its file says besides."""

    pixels: NDArray[np.uint8] = field(repr=False)
    """Colours [H, W, 3], 0 to 255, upright; sRGB, or in the space of `icc`."""

    alpha: NDArray[np.uint8] | None = field(default=None, repr=False)
    """Opacity [H, W], 0 to 255; None where the file has none."""

    icc: bytes | None = field(default=None, repr=False)
    """RGB colour profile."""

    exif: bytes | None = field(default=None, repr=False)
    """EXIF without orientation."""

    dpi: tuple[float, float] | None = None
    """Resolution, horizontal and vertical."""

    warnings: tuple[str, ...] = ()
    """What could not be kept, one sentence each."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def to_pil(self) -> Image.Image:
        """Return the picture as a Pillow image, RGB or RGBA."""
        if self.alpha is None:
            return Image.fromarray(self.pixels)
        return Image.fromarray(np.dstack([self.pixels, self.alpha]))


def decode(image: Image.Image, head: bytes = b"") -> Picture:
    """Turn a Pillow image upright and into 8-bit RGB.

    `head` is the beginning of the file, which tells the depth of formats where Pillow does not.  Raises what
    Pillow's decoders raise, which can be anything.
    """
    warnings = [*_lost_depth(image, head), *_lost_frames(image)]
    image.load()
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    turned = image if orientation == 1 else ImageOps.exif_transpose(image)
    dpi = image.info.get("dpi")
    if dpi and turned.size != image.size:
        dpi = dpi[::-1]
    profile = image.info.get("icc_profile") or b""
    space = profile[16:20]
    colour, warning = _to_rgb(turned, profile)
    warnings += [warning] if warning else []
    if profile and space not in {b"RGB ", b"CMYK"}:
        warnings.append(f"the {_text(space)} colour profile is not kept: the result is RGB")
    lost = dict.fromkeys(label for key, label in NOT_KEPT.items() if image.info.get(key))
    lost.update(dict.fromkeys(["text entries"] if _has_text(image) else []))
    if lost:
        warnings.append(f"not kept: {', '.join(lost)}")
    pixels, alpha = _arrays(colour)
    return Picture(
        pixels=pixels,
        alpha=alpha,
        icc=profile if space == b"RGB " and image.mode != "CMYK" else None,
        exif=_exif(image.getexif()),
        dpi=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
        warnings=tuple(warnings),
    )


def _to_rgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """Return the image as RGB or RGBA of 8 bits, and a warning where colours are a guess."""
    if image.mode.startswith("I") or image.mode == "F":
        return _grey(image)
    if image.mode in {"CMYK", "LAB"}:
        return _managed(image, profile)
    if image.mode in {"La", "RGBa"}:  # alpha multiplied in
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return (image if image.mode == mode else image.convert(mode)), ""  # convert would copy


def _arrays(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return colours [H, W, 3], read-only, and, of RGBA, opacity [H, W].

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
    pixels.flags.writeable = False
    return pixels, alpha


def _grey(image: Image.Image) -> tuple[Image.Image, str]:
    """Scale grey of more than 8 bits, of which Pillow does not say how much is white."""
    values = np.asarray(image)
    peak = max(float(values[rows].max(initial=0, where=values[rows] > 0)) for rows in bands(values.shape))
    if image.mode == "F":
        white, warning = (1.0 if peak <= 1 else 255.0), ""
        warning = f"took {white:g} for white in a floating-point picture"
    elif peak <= 65535:
        white, warning = 65535.0, ""
    else:
        white, warning = float(2**31 - 1), "took 2147483647 for white in a picture of 32-bit integers"
    grey = np.empty(values.shape, np.uint8)
    for rows in bands(values.shape):
        share = np.nan_to_num(values[rows].astype(np.float64) / white, nan=0.0).clip(0, 1)
        grey[rows] = np.rint(share * 255)
    return Image.fromarray(grey).convert("RGB"), warning


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


def _lost_depth(image: Image.Image, head: bytes) -> list[str]:
    """Tell of more than 8 bits per channel; Pillow itself cuts most of them down without a word."""
    # The decoder's arguments in tile hold the raw mode, and for PPM the largest value.
    arguments = [x.args if isinstance(x.args, tuple) else (x.args,) for x in getattr(image, "tile", [])]
    raw = any(
        DEEP.search(str(x)) or (image.format == "PPM" and isinstance(x, int) and x > 255)
        for args in arguments
        for x in args
    )
    bits = getattr(image, "tag_v2", {}).get(258, 8)  # TIFF's BitsPerSample
    box = head.find(b"ihdr")  # JPEG 2000: height, width, components, then bits - 1
    if image.format == "JPEG2000" and 0 <= box < len(head) - 14:
        raw |= (head[box + 14] & 0x7F) + 1 > 8
    box = head.find(b"av1C")  # AVIF: bit 6 of the third byte is high_bitdepth
    if image.format == "AVIF" and 0 <= box < len(head) - 6:
        raw |= bool(head[box + 6] & 0x40)
    deep = raw or max(np.atleast_1d(bits)) > 8 or image.mode.startswith("I") or image.mode == "F"
    return ["the picture has more than 8 bits per channel, the result has 8"] if deep else []


def _lost_frames(image: Image.Image) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    return [f"only the first of {frames} pictures in the file is used"] if frames > 1 else []


def _has_text(image: Image.Image) -> bool:
    """Look for PNG text chunks other than those that hold XMP or EXIF."""
    texts = getattr(image, "text", {})  # reads to the end of the file
    return any(key != "XML:com.adobe.xmp" and "Raw profile" not in key for key in texts)


def _exif(exif: Image.Exif) -> bytes | None:
    """Return EXIF without orientation, thumbnail and what describes the old file's structure."""
    kept = Image.Exif()
    kept.load(exif.tobytes())  # a copy: the image may be the caller's
    for tag in [x for x in kept if x in STRUCTURE or x == ExifTags.Base.Orientation]:
        del kept[tag]
    return kept.tobytes() if len(kept) > 0 else None


def _text(space: bytes) -> str:
    return {b"GRAY": "grey"}.get(space, space.decode("ascii", "replace").strip())
