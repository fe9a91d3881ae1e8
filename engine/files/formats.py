"""The file formats that results can be written in, and what each can hold."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine import paths
from engine.errors import ImageError, UsageError
from engine.settings.output import DEPTHS
from engine.settings.setting import brief

if TYPE_CHECKING:
    from engine.remote import Place

Options: TypeAlias = Callable[[int], Mapping[str, Any]]

LOSSLESS: Final = 100
"""Quality at which WebP and JPEG XL are lossless."""


@dataclass(frozen=True)
class Format:
    """A file format that results can be written in."""

    name: str
    """Pillow's name for it."""

    keeps: frozenset[str] = frozenset()
    """Which of `alpha`, `icc`, `exif`, `xmp`, `iptc`, `comment` and `dpi` it can hold."""

    depths: tuple[str, ...] = ("8",)
    """Which of DEPTHS it can hold, least first."""

    options: Options = lambda _quality: {}
    """Arguments for Pillow's encoder, by quality."""

    plug_in: str = ""
    """Module that adds the format to Pillow; empty if Pillow has it built in."""

    extra: str = ""
    """The package's extra that brings the module."""


def _keeps(text: str) -> frozenset[str]:
    return frozenset(text.split())


PNG: Final = Format("PNG", _keeps("alpha icc exif xmp comment dpi"), ("8", "16"))
JPEG: Final = Format(
    "JPEG",
    _keeps("icc exif xmp iptc comment dpi"),
    options=lambda quality: {"quality": quality, "subsampling": 0},
)
TIFF: Final = Format("TIFF", _keeps("alpha icc exif xmp iptc dpi"), DEPTHS)
WEBP: Final = Format(
    "WEBP",
    _keeps("alpha icc exif xmp"),
    options=lambda quality: {"quality": quality, "exact": True, "lossless": quality >= LOSSLESS},
)
AVIF: Final = Format(
    "AVIF",
    _keeps("alpha icc exif xmp"),
    options=lambda quality: {"quality": quality, "subsampling": "4:4:4"},
)
HEIF: Final = Format(
    "HEIF",
    _keeps("alpha icc exif xmp"),
    options=lambda quality: {"quality": quality, "chroma": 444},
    plug_in="pillow_heif",
    extra="heif",
)
JXL: Final = Format(
    "JXL",
    _keeps("alpha exif xmp"),  # the plug-in writes no profile
    options=lambda quality: {"quality": quality, "lossless": quality >= LOSSLESS},
    plug_in="pillow_jxl",
    extra="jxl",
)

FORMATS: Final = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".webp": WEBP,
    ".avif": AVIF,
    ".heic": HEIF,
    ".heif": HEIF,
    ".jxl": JXL,
    ".bmp": Format("BMP", _keeps("dpi")),
    ".ppm": Format("PPM"),
}
"""What can be written, by suffix."""

READ_ONLY: Final = [
    ".apng",
    ".avifs",
    ".dib",
    ".gif",
    ".ico",
    ".j2k",
    ".jfif",
    ".jp2",
    ".jpe",
    ".jpx",
    ".pbm",
    ".pcx",
    ".pgm",
    ".pnm",
    ".psd",
    ".sgi",
    ".tga",
]
"""Suffixes of pictures that can be read, but not written."""

READABLE: Final = frozenset([*FORMATS, *READ_ONLY])
"""Suffixes that make a file in a folder a picture."""

HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Major brands of HEIC files (ISO/IEC 14496-12)."""


def names() -> dict[str, Format]:
    """Return what can be written, each format once, by the first of its suffixes without the dot."""
    found: dict[str, Format] = {}
    for suffix, form in FORMATS.items():
        if form not in found.values():
            found[suffix.removeprefix(".")] = form
    return found


def format_of(target: Place) -> Format:
    """Return the format that a suffix stands for; PNG for a device without one, such as /dev/null.

    Raises ImageError for a suffix that cannot be written, or whose extra is missing.
    """
    form = FORMATS.get(target.suffix.lower())
    if form is None and not target.suffix and isinstance(target, Path) and paths.kind(target):
        form = PNG
    if form is None:
        raise ImageError(
            f"{target.name} does not have the suffix of a picture format that can be written",
            hint=f"use one of {', '.join(FORMATS)}",
        )
    enable(form, f"{target.name} cannot be written")
    return form


def format_named(name: object) -> Format:
    """Return the format that a caller names: `png`, `.jpg`, `JPEG`.

    Raises UsageError for one that cannot be written, ImageError where its extra is missing.
    """
    form = FORMATS.get("." + name.lower().removeprefix(".")) if isinstance(name, str) else None
    if form is None:
        known = ", ".join(x.removeprefix(".") for x in FORMATS)
        raise UsageError(f"format cannot be {brief(name)}", hint=f"format takes one of {known}")
    enable(form, "the picture cannot be written")
    return form


def enable_for(head: bytes, name: str) -> None:
    """Add the format of a file's first bytes to Pillow; raise ImageError if its extra is missing."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand in HEIF_BRANDS and b"avif" not in head[:64]:
        enable(HEIF, f"{name} cannot be read")
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        enable(JXL, f"{name} cannot be read")


def enable(form: Format, failure: str) -> None:
    """Add a format to Pillow; raise ImageError, which begins with `failure`, if its extra is missing."""
    if not form.plug_in:
        return
    try:
        module = importlib.import_module(form.plug_in)
    except ImportError as error:
        raise ImageError(
            f"{failure}: {form.name} needs the extra [{form.extra}]",
            hint=f'pip install "deepdream-onnx[{form.extra}]"',
        ) from error
    if form is HEIF:  # pillow_jxl registers itself
        module.register_heif_opener()


def depth_for(form: Format, wanted: str, own: str) -> tuple[str, tuple[str, ...]]:
    """Return the depth of a result, and a warning if the format cannot hold the depth that is wanted.

    `wanted` is an Output's depth, `own` the source's.
    """
    depth = own if wanted == "source" else wanted
    if depth in form.depths:
        return depth, ()
    most = form.depths[-1]
    bits = {"float": "floating point"}.get(depth, f"{depth} bits per channel")
    return most, (f"{form.name} cannot hold {bits}: the result has {most}",)
