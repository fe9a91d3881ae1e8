"""What decoders raise and complain of, in words for the user."""

from __future__ import annotations

import contextlib
import errno
import re
from opcode import opmap
from typing import TYPE_CHECKING, Final

from PIL import Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.files.quiet import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

BY_CONTENT: Final = frozenset([errno.EINVAL, errno.EOVERFLOW, errno.ESPIPE])
"""What the system says of places in a file that damaged content asked for."""

FOR_PEOPLE: Final = (OSError, SyntaxError, ValueError, RuntimeError)
"""What decoders raise in words of their own; of all else the text is Python's, about their insides."""

OF_PYTHON: Final = (UnicodeError, RecursionError, NotImplementedError)
"""Kinds of these whose text is Python's all the same."""

AS_PRINTED: Final = re.compile(r"\bb['\"]|<\w+[. ]")
"""Bytes and objects, as Python prints them."""

RAISE: Final = bytes([opmap["RAISE_VARARGS"]])
"""A `raise` statement, as Python compiles it."""

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


def because(error: BaseException) -> str:
    """Return what a library's exception says, as ": reason", if it was written to be read; otherwise nothing.

    What Python says of a library's insides helps nobody with a file.  `--debug` shows it.
    """
    of_system = getattr(error, "strerror", None)  # PyAV's errors have it too, whatever their class
    text = " ".join(str(of_system or error).split())
    return f": {text}" if text and (of_system or _was_written(error, text)) else ""


def _was_written(error: BaseException, text: str) -> bool:
    """Return whether the author of a library chose these words for people."""
    if not isinstance(error, FOR_PEOPLE) or isinstance(error, OF_PYTHON) or AS_PRINTED.search(text):
        return False
    # int("x") and its like raise ValueError too, but by no statement.
    return not isinstance(error, ValueError) or _by_statement(error)


def _by_statement(error: BaseException) -> bool:
    """Return whether an exception comes from a `raise` in Python, and not out of a built-in function."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_code.startswith(RAISE, trace.tb_lasti)


def _error(name: str, error: Exception) -> ImageError:
    match error:
        case RefusedError():
            return ImageError(" ".join(f"{name} {error}".split()), hint=error.hint)
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
        case OSError() if error.errno is not None and error.errno not in BY_CONTENT:
            return cannot_read(name, error)
    return ImageError(  # decoders meet damaged files with exceptions of every kind
        f"{name} is damaged or incomplete{because(error)}",
        hint="copy or download the file again",
    )
