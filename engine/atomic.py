"""Files that appear whole or not at all: written beside their place, under another name, then renamed."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART: Final = r"\.deepdream-[0-9a-f]{12}\.part"
"""Pattern of the names that unfinished files have; they are short, because a file's own name may be as long
as names can be."""


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path to write to, whose file replaces `target` at the end.

    Nothing is left of it, and `target` stays as it was, where that is interrupted by any exception.
    """
    part = _part(target)
    try:
        yield part
        part.replace(target)
    except BaseException:  # Ctrl-C too
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def explaining(target: Path, refusal: type[Exception]) -> Iterator[None]:
    """Turn each OSError into a `refusal` that says in words why `target` cannot be written."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if isinstance(error, FileNotFoundError):  # some file systems say so of what they refuse to make, too
            missing = not target.parent.is_dir()
            reason = f"there is no folder {target.parent}" if missing else f"{target.parent} takes no files"
        raise refusal(f"{target} cannot be written: {reason}") from error


def check(target: Path, refusal: type[Exception]) -> None:
    """Raise a `refusal` unless a file can be made at `target`; leave nothing behind."""
    with explaining(target, refusal):
        with contextlib.suppress(FileNotFoundError):
            target.lstat()  # raises where no file can have such a name
        if target.is_dir():
            raise refusal(f"{target} is a folder")
        part = _part(target)
        part.open("xb").close()
        part.unlink()


def _part(target: Path) -> Path:
    """Return a new name beside `target`, as PART has them."""
    return target.with_name(f".deepdream-{secrets.token_hex(6)}.part")
