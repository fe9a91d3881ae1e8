"""What the system tells of changes in folders, through watchfiles: the extra `[watch]`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

STEP: Final = 20
"""Milliseconds that a question takes."""


class Ears:
    """Hears of changes, where the system tells: of disks in the network it mostly does not."""

    def __init__(self, folders: Sequence[Path], heeded: Callable[[str], bool], *, recursive: bool) -> None:
        """Prepare; `heeded` says of a path whether its changes matter."""
        self._library = library()
        self._folders, self._recursive = folders, recursive
        self._heeded = heeded
        self._changes: Iterator[object] | None = None

    def heard(self) -> bool:
        """Tell whether anything changed since the last question; no change at all is told by nobody."""
        try:
            return self._changes is not None and bool(next(self._changes, None))
        except (OSError, RuntimeError):  # a folder that has gone
            self._changes = None
            return True

    def renew(self) -> None:
        """Listen from now on, also where a folder has gone and come back."""
        self._changes = self._library.watch(
            *self._folders,
            watch_filter=lambda _change, path: self._heeded(path),
            step=STEP,
            rust_timeout=1,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=self._recursive,
            ignore_permission_denied=True,
        )
        self.heard()  # it begins with the first question


def library() -> Any:
    """Return watchfiles; raise UsageError, which says how to install it, if it cannot be loaded."""
    try:
        return import_module("watchfiles")
    except ImportError as error:
        raise UsageError(
            f"--watch needs watchfiles, which cannot be loaded: {error}",
            hint='pip install "deepdream-onnx[watch]"',
        ) from error
