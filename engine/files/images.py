"""Picture files: read with everything that can be kept, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import UnidentifiedImageError

from engine import atomic, machine, paths
from engine.errors import ImageError
from engine.files import attached, jxl, limits, png, tiff
from engine.files.decode import decode, decode_tiff, tiff_facts
from engine.files.encode import content_of
from engine.files.formats import PNG, Format, enable_for, format_of
from engine.files.opening import opened, refuse_unread
from engine.files.telling import cannot_read, explained
from engine.files.unread import HEAD
from engine.remote import Remote, open_place
from engine.settings.origin import bare_name, origin_of_bytes
from engine.settings.output import STANDARD, Output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from PIL import Image

    from engine.pictures.picture import Picture
    from engine.remote import Place
    from engine.settings.origin import Origin


def read(source: Place, admit: limits.Admit = limits.admit_any) -> tuple[Picture, Origin]:
    """Read a picture and its origin from a file, which is opened once.

    The origin's sha256 is that of exactly the bytes that were decoded, whatever happens to the file
    meanwhile.  `admit` is asked before a picture is decoded, and refuses it by raising ImageError.  Raises
    what `load` raises, and ImageError for a file that does not fit into memory.
    """
    content = content_of_file(source)
    return load(io.BytesIO(content), str(source), admit), origin_of_bytes(content, bare_name(source.name))


def content_of_file(source: Place) -> bytes:
    """Return a picture's file whole; raise ImageError where it cannot be read or does not fit into memory."""
    with _opened(source, str(source)) as file:
        return _content(file, str(source))


def write(content: bytes, target: Path) -> None:
    """Write a picture's file, whole or not at all, over whatever is there; raise ImageError if it fails."""
    with _written(target), atomic.replacing(target) as part:
        part.write_bytes(content)


def read_bytes(content: bytes, name: str, admit: limits.Admit = limits.admit_any) -> tuple[Picture, Origin]:
    """Read a picture and its origin from a file's content; see `read`.  The origin's name is empty."""
    return load(io.BytesIO(content), name, admit), origin_of_bytes(content)


def load(
    source: Place | BinaryIO, name: str | None = None, admit: limits.Admit = limits.admit_any
) -> Picture:
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
        with explained(name) as said:
            picture = _read(file, admit, is_tiff=head.startswith(tiff.MAGIC))
        return replace(picture, warnings=(*picture.warnings, *said))


def pixel_count(source: Place) -> int:
    """Return how many pixels a picture's file announces in its header; 0 if it does not say."""
    with contextlib.suppress(ImageError), _opened(source, str(source)) as file:
        head = _head(file)
        if head.startswith(jxl.MAGIC):  # whose plug-in decodes at once
            return jxl.pixel_count(file)
        enable_for(head, str(source))
        with explained(str(source)), opened(file) as image:
            return image.width * image.height
    return 0


def from_pil(image: Image.Image, name: str = "the picture") -> Picture:
    """Turn a Pillow image into a Picture; raise ImageError if Pillow cannot decode it, or should not."""
    with explained(name) as said:
        refuse_unread(image)
        limits.check(image)
        picture = decode(image)
    return replace(picture, warnings=(*picture.warnings, *said))


def save(
    picture: Picture,
    target: Place,
    output: Output = STANDARD,
    form: Format | None = None,
    *,
    replace: bool = True,
) -> tuple[str, ...]:
    """Write a picture in a format, that of the target's suffix for None, over whatever is there.

    The file appears whole or not at all.  Returns what the format could not hold, one sentence each.  Raises
    ImageError if it cannot be written; in a store, where nothing is to be replaced, its cause is a
    FileExistsError where something is there.
    """
    form = form or format_of(target)
    content, lost = content_of(picture, form, output, target.name)
    # Let go however it ends: Python 3.13 and later complain of a buffer that is still held.  Path.write_bytes
    # would hold a view of its own for as long as its traceback lives.
    with (
        content.getbuffer() as encoded,
        _written(target),
    ):
        if isinstance(target, Remote):
            target.write(encoded, replace=replace)
        else:
            with atomic.replacing(target) as part, part.open("wb") as file:
                file.write(encoded)
    return lost


def encode(picture: Picture, form: Format = PNG, output: Output = STANDARD) -> tuple[bytes, tuple[str, ...]]:
    """Return the picture as a file's content, and what the format could not hold, one sentence each."""
    content, lost = content_of(picture, form, output, "the result")
    return content.getvalue(), lost


def recipe_of(source: Place) -> str:
    """Return the recipe in a picture's file, empty if there is none; raise ImageError for other files."""
    with _opened(source, str(source)) as file:
        head = _head(file)
        enable_for(head, str(source))
        with explained(str(source)):
            if head.startswith(jxl.MAGIC):
                return attached.recipe_in(jxl.xmp(file) or b"")
            info = _info(file, is_tiff=head.startswith(tiff.MAGIC))
    text = info.get(attached.RECIPE_KEY)
    return str(text) if text else attached.recipe_in(attached.xmp_of(info) or b"")


def check_writable(target: Place) -> None:
    """Raise ImageError unless a picture can be written to `target`; leave nothing behind.

    Of a store only the writing itself tells.
    """
    format_of(target)
    if isinstance(target, Path):
        atomic.check(target, ImageError)


@contextlib.contextmanager
def _written(target: Place) -> Iterator[None]:
    """Turn each OSError into an ImageError that says why `target` cannot be written."""
    if isinstance(target, Path):
        with atomic.explaining(target, ImageError):
            yield
        return
    try:
        yield
    except OSError as error:
        raise ImageError(f"{target} cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def _opened(source: Place | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Open a picture's file; raise ImageError, in words for the user, if that or reading fails."""
    try:
        way = open_place(source) if isinstance(source, Path | Remote) else contextlib.nullcontext(source)
        with way as file:
            yield file
    except FileNotFoundError:
        raise ImageError(f"there is no picture {name}") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not a picture") from None
    except paths.Irregular as error:
        raise ImageError(f"{name} is a {error.kind}, not a picture", hint=error.hint) from None
    except OSError as error:
        raise cannot_read(name, error) from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory") from error


def _content(file: BinaryIO, name: str) -> bytes:
    """Read an open file to its end; refuse files larger than memory."""
    size, free = file.seek(0, os.SEEK_END), machine.available_memory()
    file.seek(0)
    if free is not None and size > free:
        raise ImageError(
            f"{name} does not fit into memory: "
            f"it has {machine.amount(size)}, and {machine.amount(free)} are free"
        )
    return file.read()


def _head(file: BinaryIO) -> bytes:
    head = file.read(HEAD)
    file.seek(0)
    return head


def _read(file: BinaryIO, admit: limits.Admit, *, is_tiff: bool) -> Picture:
    try:
        with opened(file) as image:
            limits.check(image, file)
            admit(limits.announced(image))
            return decode(image, file)
    except Exception as error:  # noqa: BLE001 - see `explained`
        if is_tiff and isinstance(error, UnidentifiedImageError):
            return decode_tiff(file, admit)
        file, lost = _mended(file, error)
    with opened(file) as image:
        limits.check(image, file)
        admit(limits.announced(image))
        picture = decode(image, file)
    return replace(picture, warnings=(*picture.warnings, *lost))


def _info(file: BinaryIO, *, is_tiff: bool) -> Mapping[Any, Any]:
    """Return what a picture's file says besides its pixels; only its header is read."""
    try:
        with opened(file) as image:
            return image.info
    except Exception as error:  # noqa: BLE001 - see `explained`
        if is_tiff and isinstance(error, UnidentifiedImageError):
            return tiff_facts(file)[0]
        file, _ = _mended(file, error)
    with opened(file) as image:
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
