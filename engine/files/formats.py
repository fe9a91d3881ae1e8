"""File formats that results can be written in, and what each of them holds."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.errors import ImageError
from engine.settings.output import DEPTHS

if TYPE_CHECKING:
    from pathlib import Path

Options: TypeAlias = Callable[[int], Mapping[str, Any]]

LOSSLESS: Final = 100
"""Quality from which on WebP and JPEG XL lose nothing."""


@dataclass(frozen=True)
class Format:
    """A file format that results can be written in."""

    name: str
    """Pillow's name of it."""

    keeps: frozenset[str] = frozenset()
    """Which of `alpha`, `icc`, `exif`, `xmp`, `iptc`, `comment` and `dpi` it holds."""

    depths: tuple[str, ...] = ("8",)
    """Which of DEPTHS it holds."""

    options: Options = lambda _quality: {}
    """What to tell Pillow, by quality."""

    plug_in: str = ""
    """Module that teaches Pillow the format; empty where Pillow knows it."""

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

HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Kinds of ISO media files that HEIC pictures say they are."""


def format_of(target: Path) -> Format:
    """Return the format that a suffix stands for.

    Raises ImageError for one that cannot be written, or not without an extra that is missing.
    """
    form = FORMATS.get(target.suffix.lower())
    if form is None:
        raise ImageError(
            f"{target.name} has a suffix that cannot be written", hint=f"there are: {', '.join(FORMATS)}"
        )
    teach(form, f"{target.name} cannot be written")
    return form


def teach_for(head: bytes, name: str) -> None:
    """Teach Pillow the format of a file that begins so; raise ImageError where its extra is missing."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand in HEIF_BRANDS and b"avif" not in head[:64]:
        teach(HEIF, f"{name} cannot be read")
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        teach(JXL, f"{name} cannot be read")


def teach(form: Format, failure: str) -> None:
    """Teach Pillow a format; raise ImageError, which begins with `failure`, where its extra is missing."""
    if not form.plug_in:
        return
    try:
        module = importlib.import_module(form.plug_in)
    except ImportError as error:
        raise ImageError(
            f"{failure}: {form.name} needs the extra [{form.extra}]",
            hint=f'pip install "deepdream-onnx[{form.extra}]"',
        ) from error
    if form is HEIF:  # the other one registers itself
        module.register_heif_opener()


def depth_for(form: Format, wanted: str, own: str) -> tuple[str, tuple[str, ...]]:
    """Return the depth of a result, and a warning where the format holds less than what is wanted.

    `wanted` is an Output's depth, `own` that of the source.
    """
    depth = own if wanted == "source" else wanted
    if depth in form.depths:
        return depth, ()
    most = form.depths[-1]
    bits = {"float": "floating point"}.get(depth, f"{depth} bits per channel")
    return most, (f"{form.name} cannot hold {bits}: the result has {most}",)
