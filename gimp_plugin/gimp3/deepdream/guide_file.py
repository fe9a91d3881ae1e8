"""The guide picture as a file for the engine, which lives no longer than the run that needs it."""

from __future__ import annotations

import contextlib
import hashlib
import operator
import os
import re
import struct
import tempfile
import time
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

try:
    import fcntl
except ImportError:  # Windows: there, an open file can't be removed
    fcntl = None

import gi
import guide_memory

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from deepdream_common import parameters, region, words  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gegl, Gimp  # noqa: E402 - versions first
from subject import Refused, Subject  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX, SUFFIX = "deepdream-guide-", ".png"

PIXELS = 300_000
"""Pixels that a guide is reduced to, as the engine would reduce it."""

MINUTE = 60.0
"""Seconds within which a file may be so new that its process has not locked it yet."""

_FOREIGN = re.compile(r'[/\\:*?"<>|]')


class Guides:
    """The files written for a run, in GIMP's profile folder, which the engine sees outside a sandbox too.

    `close` removes them.  Those of a run that was killed are removed by the next one.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: dict[tuple[str, int], IO[bytes]] = {}
        _sweep(Path(folder))

    def path(self, get: Callable[[str], Any]) -> str:
        """Return the path of the guide's file, empty if there is no guide; get: returns an argument's value.

        Raises SettingError for a guide that is gone, and where more than one is given.
        """
        given = [x for x in (get(parameter.name) for parameter in parameters.GUIDES) if x]
        if not given:
            return ""
        if len(given) > 1:
            names = ", ".join(parameter.name for parameter in parameters.GUIDES)
            raise parameters.SettingError(
                _("There can be one guide only. Give one of: %(names)s.") % {"names": names}
            )
        (guide,) = given
        if isinstance(guide, str):
            return _existing(guide)
        if not guide.is_valid():
            raise parameters.SettingError(_(guide_memory.GONE))
        key = (type(guide).__name__, guide.get_id())
        if key not in self._files:
            self._files[key] = _written(self._folder, png(*_seen(guide)))
        return self._files[key].name

    def values(self, get: Callable[[str], Any]) -> dict[str, Any]:
        """Return the guide as values beside the arguments, see `words.GUIDE`; nothing without a guide.

        Raises SettingError as `path` does, and for a file that can't be read.
        """
        path = self.path(get)
        if not path:
            return {}
        try:
            with Path(path).open("rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
        except OSError as error:
            text = _("The guide picture can't be read: %(reason)s.") % {"reason": error.strerror or error}
            raise parameters.SettingError(text) from None
        own = any(path == file.name for file in self._files.values())
        return {words.GUIDE: path, words.ORIGIN: {"name": "" if own else bare_name(path), "sha256": digest}}

    def close(self) -> None:
        """Remove the files."""
        for file in self._files.values():
            file.close()
            with contextlib.suppress(OSError):
                Path(file.name).unlink()
        self._files = {}


def bare_name(path: str) -> str:
    """Return a file's name as a recipe has it, see engine/settings/origin.py."""
    name = _FOREIGN.sub("_", Path(path).name)[:255]
    return "".join(x if x.isprintable() else "_" for x in name)


def png(width: int, height: int, rgb: bytes) -> bytes:
    """Return a PNG file of 8-bit red, green and blue."""
    rows = b"".join(b"\0" + rgb[at : at + 3 * width] for at in range(0, 3 * width * height, 3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(x)) + name + x + _sum(name + x) for name, x in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _sum(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def _existing(path: str) -> str:
    if not Path(path).is_file():
        raise parameters.SettingError(
            _("There is no guide picture %(file)s. Choose another one.") % {"file": path}
        )
    return path


def _seen(guide: Gimp.Image | Gimp.Drawable) -> tuple[int, int, bytes]:
    """Return width, height and sRGB pixels of an image, or of a layer by itself, as they are seen."""
    if isinstance(guide, Gimp.Image):
        copy = Gimp.Layer.new_from_visible(guide, guide, "")
        try:
            return _pixels(copy)
        finally:
            copy.delete()
    if not guide.is_layer():
        return _pixels(guide)
    try:
        subject = Subject(guide.get_image(), guide)
    except Refused as error:
        raise parameters.SettingError(str(error)) from None
    return _small(subject.buffer, subject.width, subject.height)


def _pixels(drawable: Gimp.Drawable) -> tuple[int, int, bytes]:
    return _small(drawable.get_buffer(), drawable.get_width(), drawable.get_height())


def _small(buffer: Gegl.Buffer, width: int, height: int) -> tuple[int, int, bytes]:
    """Return a small copy; what is transparent is grey in it, since the engine would see a colour there."""
    scale = min(1.0, max((PIXELS / (width * height)) ** 0.5, region.SMALLEST / min(width, height)))
    width, height = (max(round(side * scale), 1) for side in (width, height))
    at = Gegl.Rectangle.new(0, 0, width, height)
    raw = buffer.get(at, scale, "R'aG'aB'aA u8", Gegl.AbyssPolicy.CLAMP)
    grey = raw[3::4].translate(bytes((255 - alpha) // 2 for alpha in range(256)))
    rgb = bytearray(3 * width * height)
    for channel in range(3):
        rgb[channel::3] = bytes(map(operator.add, raw[channel::4], grey))
    return width, height, bytes(rgb)


def _written(folder: str, content: bytes) -> IO[bytes]:
    """Return a new file of this content, which nobody else may read: open and, if possible, locked."""
    number, path = tempfile.mkstemp(prefix=PREFIX, suffix=SUFFIX, dir=folder)
    os.close(number)
    file = Path(path).open("r+b")  # noqa: SIM115 - it stays open as long as it is needed
    _lock(file)
    file.write(content)
    file.flush()
    return file


def _lock(file: IO[bytes]) -> None:
    """Say that the file is in use as long as this process lives; raise OSError if another one says so."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(folder: Path) -> None:
    """Remove what killed runs have left."""
    for path in folder.glob(PREFIX + "*" + SUFFIX):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > MINUTE:
                with path.open("r+b") as file:
                    _lock(file)
                path.unlink()
