"""Formats of film files, by suffix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.errors import ImageError
from engine.films.extra import pyav

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Format:
    """A film format."""

    container: str
    """Name of the container, for FFmpeg or Pillow."""

    codec: str = ""
    """FFmpeg's name of the encoder; empty for formats that Pillow writes."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the encoder."""


# Without macroblock-tree rate control, the same frames always give the same file; with it, not on every
# processor with AVX-512.
_H264: Final = {"crf": "15", "preset": "medium", "x264-params": "no-mbtree=1"}

FORMATS: Final = {
    ".mp4": Format("mp4", "libx264", _H264),
    ".m4v": Format("mp4", "libx264", _H264),
    ".mov": Format("mov", "libx264", _H264),
    ".mkv": Format("matroska", "libx264", _H264),
    ".webm": Format("webm", "libvpx-vp9", {"crf": "24", "b": "0", "cpu-used": "3", "row-mt": "1"}),
    ".gif": Format("GIF"),
    ".webp": Format("WEBP"),
}
"""The formats that can be written, by suffix."""


def format_of(target: Path) -> Format:
    """Return the film format that the target's suffix names.

    Raises ImageError for an unknown suffix, UsageError if the format needs the extra `[video]` and that is
    not installed.
    """
    try:
        form = FORMATS[target.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"{target.name} cannot be written: its suffix does not name a film format",
            hint=f"known suffixes: {', '.join(FORMATS)}",
        ) from None
    if form.codec:
        pyav()
    return form
