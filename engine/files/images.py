"""Picture files: read with everything that can be kept, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from engine import atomic, machine, paths
from engine.errors import ImageError
from engine.files import attached, jxl, png, tiff
from engine.files.decode import decode, decode_tiff, tiff_facts
from engine.files.encode import content_of
from engine.files.formats import PNG, Format, enable_for, format_of
from engine.files.quiet import recording
from engine.files.unread import HEAD
from engine.settings.origin import bare_name, origin_of_bytes
from engine.settings.output import STANDARD, Output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.pictures.picture import Picture
    from engine.settings.origin import Origin


def read(source: Path) -> tuple[Picture, Origin]:
    """Read a picture and its origin from a file, which is opened once.

    The origin's sha256 is that of exactly the bytes that were decoded, whatever happens to the file
    meanwhile.  Raises what `load` raises, and ImageError for a file that does not fit into memory.
    """
    name = str(source)
    with _opened(source, name) as file:
        content = _content(file, name)
    return load(io.BytesIO(content), name), origin_of_bytes(content, bare_name(source))


def read_bytes(content: bytes, name: str) -> tuple[Picture, Origin]:
    """Read a picture and its origin from a file's content; see `load`.  The origin's name is empty."""
    return load(io.BytesIO(content), name), origin_of_bytes(content)


def load(source: Path | BinaryIO, name: str | None = None) -> Picture:
    """Read a picture from a file, or from an open binary file that can seek; its origin is not wanted.

    `name` is what messages call it.  Raises ImageError, in words for the user, for anything that cannot be
    read as a picture.
    """
    name = name or str(source)
    with _opened(source, name) as file:
        head = _head(file)
        if not head:
            raise ImageError(f"{name} is empty")
        enable_for(head, name)
        with _explained(name) as said:
            if head.startswith(jxl.MAGIC):
                _check_size(file)
            picture = _read(file, is_tiff=head.startswith(tiff.MAGIC))
        return replace(picture, warnings=(*picture.warnings, *said))


def pixel_count(source: Path) -> int:
    """Return how many pixels a picture's file announces in its header; 0 if it does not say."""
    with contextlib.suppress(ImageError), _opened(source, str(source)) as file:
        head = _head(file)
        if head.startswith(jxl.MAGIC):  # whose plug-in decodes at once
            return jxl.pixel_count(file)
        enable_for(head, str(source))
        with _explained(str(source)), Image.open(file) as image:
            return image.width * image.height
    return 0


def from_pil(image: Image.Image, name: str = "the picture") -> Picture:
    """Turn a Pillow image into a Picture; raise ImageError if Pillow cannot decode it."""
    with _explained(name) as said:
        picture = decode(image)
    return replace(picture, warnings=(*picture.warnings, *said))


def save(
    picture: Picture, target: Path, output: Output = STANDARD, form: Format | None = None
) -> tuple[str, ...]:
    """Write a picture in a format, that of the target's suffix for None, over whatever is there.

    The file appears whole or not at all.  Returns what the format could not hold, one sentence each.  Raises
    ImageError if it cannot be written.
    """
    form = form or format_of(target)
    content, lost = content_of(picture, form, output, target.name)
    # Let go however it ends: Python 3.13 and later complain of a buffer that is still held.  Path.write_bytes
    # would hold a view of its own for as long as its traceback lives.
    with (
        content.getbuffer() as encoded,
        atomic.explaining(target, ImageError),
        atomic.replacing(target) as part,
        part.open("wb") as file,
    ):
        file.write(encoded)
    return lost


def encode(picture: Picture, form: Format = PNG, output: Output = STANDARD) -> tuple[bytes, tuple[str, ...]]:
    """Return the picture as a file's content, and what the format could not hold, one sentence each."""
    content, lost = content_of(picture, form, output, "the result")
    return content.getvalue(), lost


def recipe_of(source: Path) -> str:
    """Return the recipe in a picture's file, empty if there is none; raise ImageError for other files."""
    with _opened(source, str(source)) as file:
        head = _head(file)
        enable_for(head, str(source))
        with _explained(str(source)):
            if head.startswith(jxl.MAGIC):
                return attached.recipe_in(jxl.xmp(file) or b"")
            info = _info(file, is_tiff=head.startswith(tiff.MAGIC))
    text = info.get(attached.RECIPE_KEY)
    return str(text) if text else attached.recipe_in(attached.xmp_of(info) or b"")


def check_writable(target: Path) -> None:
    """Raise ImageError unless a picture can be written to `target`; leave nothing behind."""
    format_of(target)
    atomic.check(target, ImageError)


@contextlib.contextmanager
def _opened(source: Path | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Open a picture's file; raise ImageError, in words for the user, if that or reading fails."""
    try:
        opened = paths.open_file(source) if isinstance(source, Path) else contextlib.nullcontext(source)
        with opened as file:
            yield file
    except FileNotFoundError:
        raise ImageError(f"there is no picture {name}") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not a picture") from None
    except paths.Irregular as error:
        raise ImageError(f"{name} is a {error.kind}, not a picture", hint=error.hint) from None
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory") from error


def _content(file: BinaryIO, name: str) -> bytes:
    """Read an open file to its end; refuse files larger than memory."""
    size, free = os.fstat(file.fileno()).st_size, machine.available_memory()
    if free is not None and size > free:
        raise ImageError(
            f"{name} does not fit into memory: "
            f"it has {machine.amount(size)}, and {machine.amount(free)} are free"
        )
    return file.read()


def _check_size(file: BinaryIO) -> None:
    """Refuse a huge JPEG XL picture as Pillow would: its plug-in decodes before Pillow checks the size."""
    if Image.MAX_IMAGE_PIXELS and jxl.pixel_count(file) > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    file.seek(0)


def _head(file: BinaryIO) -> bytes:
    head = file.read(HEAD)
    file.seek(0)
    return head


def _read(file: BinaryIO, *, is_tiff: bool) -> Picture:
    try:
        with Image.open(file) as image:
            return decode(image, file)
    except Exception as error:  # noqa: BLE001 - see _explained
        if is_tiff and isinstance(error, UnidentifiedImageError):
            return decode_tiff(file)
        file, lost = _mended(file, error)
    with Image.open(file) as image:
        picture = decode(image, file)
    return replace(picture, warnings=(*picture.warnings, *lost))


def _info(file: BinaryIO, *, is_tiff: bool) -> Mapping[Any, Any]:
    """Return what a picture's file says besides its pixels; only its header is read."""
    try:
        with Image.open(file) as image:
            return image.info
    except Exception as error:  # noqa: BLE001 - see _explained
        if is_tiff and isinstance(error, UnidentifiedImageError):
            return tiff_facts(file)[0]
        file, _ = _mended(file, error)
    with Image.open(file) as image:
        return image.info


def _mended(file: BinaryIO, error: Exception) -> tuple[BinaryIO, tuple[str, ...]]:
    """Return a file without what kept Pillow from opening it, and a sentence for each thing left out.

    Raises the error where nothing can be left out.
    """
    file.seek(0)
    if file.read(len(png.MAGIC)) == png.MAGIC:
        mended, lost = png.without_excess(file)
        if lost:
            return mended, lost
    raise error


@contextlib.contextmanager
def _explained(name: str) -> Iterator[list[str]]:
    """Turn whatever Pillow raises into an ImageError; at the end the yielded list has its warnings."""
    said: list[str] = []
    try:
        with recording() as caught:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large, but not absurd
            yield said
        said += dict.fromkeys(f"{name}: {' '.join(str(x.message).split())}" for x in caught)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(
            f"{name} is not a picture in a known format",
            hint="PNG, JPEG, WebP, TIFF, GIF, BMP and many more can be read",
        ) from None
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ImageError(f"{name} has more than {limit} million pixels") from None
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory") from error
    except Exception as error:  # decoders meet damaged files with exceptions of every kind
        raise ImageError(
            f"{name} is damaged or incomplete: {' '.join(str(error).split())}",
            hint="copy or download the file again",
        ) from error
