"""Warnings of libraries, kept from standard error."""

from __future__ import annotations

import contextlib
import threading
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORDING: Final = threading.Lock()
"""Python catches warnings for all threads at once, so only one thread at a time may do so."""


@contextlib.contextmanager
def recording() -> Iterator[list[warnings.WarningMessage]]:
    """Record warnings inside the `with` block, which must not be entered twice, instead of showing them."""
    with _RECORDING, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
