"""What libraries say besides, kept from standard error: Python's warnings, and what C prints past Python."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, _imaging

from engine.forks import calls

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORDING: Final = threading.Lock()
"""Python catches warnings for all threads at once, so only one thread at a time may do so.  What waits is the
decoding of another picture: milliseconds, where pictures are small enough to come several at once.
It is only taken inside `calls`, so that no fork finds it taken."""

_HEARD: Final = threading.local()
"""Its `said` is the list of the thread that records."""


@contextlib.contextmanager
def recording() -> Iterator[list[str]]:
    """Record what Pillow warns of, and what libtiff prints, in this thread inside the `with` block.

    It must not be entered twice.
    """
    said: list[str] = []
    with calls(), _RECORDING, warnings.catch_warnings(), _listening_to_libtiff():
        # Only these are about files.  NumPy's and Python's are about programs.
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large, but not absurd
        before, thread = warnings.showwarning, threading.get_ident()

        def show(message: Warning | str, category: type[Warning], *place: Any, **how: Any) -> None:
            if threading.get_ident() == thread and issubclass(category, UserWarning):
                said.append(" ".join(str(message).split()))
            else:  # of another thread, which runs on meanwhile
                before(message, category, *place, **how)

        warnings.showwarning, _HEARD.said = show, said
        try:
            yield said
        finally:
            warnings.showwarning, _HEARD.said = before, None


@contextlib.contextmanager
def _listening_to_libtiff() -> Iterator[None]:
    """Hear what libtiff would print on file descriptor 2, past Python."""
    library = _libtiff()
    if library is None:
        yield
        return
    # Its warnings are of unknown tags and the like, by which nothing is lost.
    errors = library.TIFFSetErrorHandler(ctypes.cast(_HANDLER, ctypes.c_void_p))
    others = library.TIFFSetWarningHandler(None)
    try:
        yield
    finally:
        library.TIFFSetErrorHandler(errors)
        library.TIFFSetWarningHandler(others)


@functools.cache
def _libtiff() -> ctypes.CDLL | None:
    """Return Pillow's own copy of libtiff; None where it cannot be found through Pillow, as on Windows."""
    try:
        library = ctypes.CDLL(_imaging.__file__)
        for function in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    except (OSError, AttributeError):
        return None
    return library


def _heard(_module: bytes | None, _form: bytes | None, _values: int | None) -> None:
    """Note an error of libtiff; its text is for C's printf, so that it is one must do."""
    said = getattr(_HEARD, "said", None)
    if said is not None:
        said.append("libtiff could not make sense of all of it")


_HANDLER: Final = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)(_heard)
"""The same for C; it has to live as long as libtiff may call it."""
