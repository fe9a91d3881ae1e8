"""What decoders raise and complain of, in words for the user."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Final

from PIL import Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.files.quiet import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

BY_CONTENT: Final = frozenset([errno.EINVAL, errno.EOVERFLOW, errno.ESPIPE])
"""What the system says of places in a file that damaged content asked for."""

MOST: Final = 3
"""Reasons that are told of one file, at most."""


class RefusedError(Exception):
    """Refuse a file; the text is a sentence that begins with its name, which is missing."""

    def __init__(self, reason: str = "", hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


@contextlib.contextmanager
def explained(name: str) -> Iterator[list[str]]:
    """Turn whatever decoders raise into an ImageError; at the end the yielded list says what is damaged.

    `name` is what messages call the file.
    """
    told: list[str] = []
    try:
        with recording() as said:
            yield told
    except ImageError:
        raise
    except Exception as error:
        raise _error(name, error) from error
    if said:
        reasons = "; ".join(list(dict.fromkeys(said))[:MOST])
        told.append(f"{name} is damaged, and was read as far as it could be: {reasons}")


def cannot_read(name: str, error: OSError) -> ImageError:
    """Return the error for a file that the system does not give out."""
    hint = "close files, or allow more of them: ulimit -n 4096" if error.errno == errno.EMFILE else None
    return ImageError(f"{name} cannot be read: {error.strerror or error}", hint=hint)


def _error(name: str, error: Exception) -> ImageError:
    text = " ".join(str(error).split())
    match error:
        case RefusedError():
            return ImageError(f"{name} {text}", hint=error.hint)
        case UnidentifiedImageError():
            return ImageError(
                f"{name} is not a picture in a known format",
                hint="PNG, JPEG, WebP, TIFF, GIF, BMP and many more can be read",
            )
        case Image.DecompressionBombError():
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
            return ImageError(f"{name} has more than {limit} million pixels", hint="make it smaller")
        case MemoryError():
            return ImageError(f"{name} does not fit into memory", hint="make it smaller")
        case ValueError() if "invalid literal" in text:  # Python's own words, with the file's bytes in them
            text = "what stands where a number has to be is not one"
        case OSError() if error.errno is not None and error.errno not in BY_CONTENT:
            return cannot_read(name, error)
    return ImageError(  # decoders meet damaged files with exceptions of every kind
        f"{name} is damaged or incomplete: {text or type(error).__name__}",
        hint="copy or download the file again",
    )
