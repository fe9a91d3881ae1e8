"""Picture files: read with all that can be kept, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import secrets
import threading
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from PIL import Image, UnidentifiedImageError

from engine.decode import Picture, decode
from engine.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAD: Final = 4096
"""Bytes at the beginning of a file in which its format keeps the depth."""

JPEG_EXIF_LIMIT: Final = 65533
"""Bytes that one segment of a JPEG file can hold."""


_LISTENING: Final = threading.Lock()
"""Python's warnings are caught for all threads at once, so only one of them may listen."""


@dataclass(frozen=True)
class Format:
    """A file format that results can be written in."""

    name: str
    """Pillow's name of it."""

    alpha: bool = False
    """Whether it holds opacity."""

    keeps: frozenset[str] = frozenset()
    """Which of `icc`, `exif` and `dpi` it holds."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """What else to tell Pillow."""


PNG: Final = Format("PNG", True, frozenset({"icc", "exif", "dpi"}))
JPEG: Final = Format("JPEG", False, frozenset({"icc", "exif", "dpi"}), {"quality": 95, "subsampling": 0})
TIFF: Final = Format(
    "TIFF", True, frozenset({"icc", "exif", "dpi"})
)  # compressed by libtiff it cannot hold EXIF
WEBP: Final = Format("WEBP", True, frozenset({"icc", "exif"}), {"quality": 95, "exact": True})

FORMATS: Final = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".webp": WEBP,
    ".bmp": Format("BMP", keeps=frozenset({"dpi"})),
    ".ppm": Format("PPM"),
}
"""What can be written, by suffix."""


def load(source: Path | BinaryIO, name: str | None = None) -> Picture:
    """Read a picture from a file, or from an open binary file that can seek.

    `name` is what messages call it.  Raises ImageError, in words for the user, for all that is no good
    picture.
    """
    name = name or str(source)
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                return _read(file, name)
        return _read(source, name)
    except FileNotFoundError:
        raise ImageError(f"there is no picture {name}") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not a picture") from None
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror or error}") from error


def pixel_count(source: Path) -> int:
    """Return how many pixels the head of a picture's file promises, 0 where it promises none."""
    with contextlib.suppress(ImageError), _pillow_talk(str(source)), Image.open(source) as image:
        return image.width * image.height
    return 0


def from_pil(image: Image.Image, name: str = "the picture") -> Picture:
    """Turn a Pillow image into a Picture; raise ImageError where Pillow cannot."""
    with _pillow_talk(name) as said:
        picture = decode(image)
    return replace(picture, warnings=(*picture.warnings, *said))


def save(picture: Picture, target: Path) -> tuple[str, ...]:
    """Write a picture in the format of the target's suffix, over whatever is there.

    The file appears whole or not at all.  Returns what the format could not hold, one sentence each.  Raises
    ImageError where it cannot be written.
    """
    form = format_of(target)
    content, lost = _encode(picture, form, target.name)
    _write(content.getbuffer(), target)
    return lost


def encode(picture: Picture, form: Format = PNG) -> tuple[bytes, tuple[str, ...]]:
    """Return the picture as a file's content, and what the format could not hold, one sentence each."""
    content, lost = _encode(picture, form, "the result")
    return content.getvalue(), lost


def _encode(picture: Picture, form: Format, name: str) -> tuple[io.BytesIO, tuple[str, ...]]:
    lost = []
    if picture.alpha is not None and not form.alpha:
        picture = replace(picture, alpha=None)
        lost.append(f"{form.name} has no alpha: the transparency is lost")
    extra: dict[str, Any] = dict(form.options)
    for attribute, argument, label in (
        ("icc", "icc_profile", "the colour profile"),
        ("exif", "exif", "EXIF"),
        ("dpi", "dpi", ""),  # often a program's own 72: its loss is no news
    ):
        value = getattr(picture, attribute)
        fits = not (form is JPEG and attribute == "exif" and value and len(value) > JPEG_EXIF_LIMIT)
        if value and attribute in form.keeps and fits:
            extra[argument] = value
        elif value and label:
            lost.append(f"{form.name} cannot hold {label}: not kept")
    buffer = io.BytesIO()
    try:
        picture.to_pil().save(buffer, form.name, **extra)
    except Exception as error:  # encoders refuse what they cannot hold with exceptions of every kind
        raise ImageError(
            f"{name} cannot be written as {form.name}: {error}", hint="try a .png file"
        ) from error
    return buffer, tuple(lost)


def format_of(target: Path) -> Format:
    """Return the format that a suffix stands for; raise ImageError for one that cannot be written."""
    try:
        return FORMATS[target.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"{target.name} has a suffix that cannot be written", hint=f"there are: {', '.join(FORMATS)}"
        ) from None


def check_writable(target: Path) -> None:
    """Raise ImageError unless a file can be made where `target` shall be; leaves nothing behind."""
    format_of(target)
    if target.is_dir():
        raise ImageError(f"{target} is a folder")
    part = _part(target)
    with _writing(target):
        part.open("xb").close()
        part.unlink()


def _write(content: memoryview, target: Path) -> None:
    part = _part(target)
    with _writing(target):
        try:
            with part.open("xb") as file:
                file.write(content)
            part.replace(target)
        except BaseException:  # Ctrl-C too leaves no half file
            part.unlink(missing_ok=True)
            raise


def _part(target: Path) -> Path:
    """Return a new name beside `target`; short, for `target` may be as long as names can be."""
    return target.with_name(f".deepdream-{secrets.token_hex(6)}.part")


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if isinstance(error, FileNotFoundError):  # some file systems say so of what they refuse to make, too
            missing = not target.parent.is_dir()
            reason = f"there is no folder {target.parent}" if missing else f"{target.parent} takes no files"
        raise ImageError(f"{target} cannot be written: {reason}") from error


def _read(file: BinaryIO, name: str) -> Picture:
    head = file.read(HEAD)
    if not head:
        raise ImageError(f"{name} is empty")
    file.seek(0)
    with _pillow_talk(name) as said, Image.open(file) as image:
        picture = decode(image, head)
    return replace(picture, warnings=(*picture.warnings, *said))


@contextlib.contextmanager
def _pillow_talk(name: str) -> Iterator[list[str]]:
    """Turn what Pillow raises into ImageErrors; yield a list that gets its Python warnings at the end."""
    said: list[str] = []
    try:
        with _LISTENING, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large, not yet absurd
            yield said
        said += dict.fromkeys(f"{name}: {' '.join(str(x.message).split())}" for x in caught)
    except UnidentifiedImageError:
        raise ImageError(
            f"{name} is not a picture in a known format",
            hint="PNG, JPEG, WebP, TIFF, GIF, BMP and many more are",
        ) from None
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ImageError(f"{name} has more than {limit} million pixels") from None
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory") from error
    except Exception as error:  # decoders meet damaged files with exceptions of every kind
        raise ImageError(
            f"{name} is damaged or incomplete: {' '.join(str(error).split())}",
            hint="try to get the file again",
        ) from error
