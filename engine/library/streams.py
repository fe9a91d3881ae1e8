"""Open binary files that a caller hands over: read from where they are, written, and never closed."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.errors import ImageError, UsageError
from engine.files import formats

if TYPE_CHECKING:
    from engine.files.formats import Format

READING: Final = 'open it with open(path, "rb")'
WRITING: Final = 'open it with open(path, "wb")'


def content_of(file: Any, name: str) -> bytes:
    """Return what is left of a file; `name` is the argument's.

    Raises UsageError for one that is closed or was opened as text, ImageError where it cannot be read.
    """
    try:
        content = file.read()
    except ValueError as error:  # closed, only for writing, or no text in its encoding
        raise UsageError(f"the {name}'s file cannot be read: {error}", hint=READING) from None
    except OSError as error:
        raise ImageError(f"the {name}'s file cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise ImageError(f"the {name}'s file does not fit into memory") from error
    if not isinstance(content, bytes | bytearray | memoryview):
        kind = type(content).__name__
        raise UsageError(f"the {name}'s file gives {kind} instead of bytes", hint=READING)
    return bytes(content)


def format_of(file: Any) -> Format:
    """Return the format that a file's name ends in; raise UsageError where it has no such name."""
    name = getattr(file, "name", None)
    if not isinstance(name, str | os.PathLike) or not Path(name).suffix:
        raise UsageError("an open file does not say its format", hint='format="png" does')
    return formats.format_of(Path(name))


def write(content: bytes, file: Any) -> None:
    """Write all of a picture's content.

    Raises UsageError for a file that is closed or was opened as text, ImageError where it cannot be written.
    """
    try:
        if isinstance(file, io.RawIOBase):
            _write_in_parts(content, file)
        else:
            file.write(content)
    except (TypeError, ValueError) as error:  # io.UnsupportedOperation too
        raise UsageError(f"the file cannot be written: {error}", hint=WRITING) from None
    except OSError as error:
        raise ImageError(f"the file cannot be written: {error.strerror or error}") from error


def _write_in_parts(content: bytes, file: io.RawIOBase) -> None:
    """Write to a file without a buffer, which takes as much as it likes at a time."""
    left = memoryview(content)
    while left:
        taken = file.write(left)
        if not taken:
            raise OSError("it takes nothing more at present")
        left = left[taken:]
