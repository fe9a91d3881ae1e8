"""Everything that can go wrong for a reason outside the program, in one tree of classes.

```
DreamError          1   any failure that has no class of its own
├── UsageError      2   an option, a setting or a command that makes no sense
├── ImageError      3   a picture that cannot be read, dreamed on or written
├── ModelError      4   a model file that cannot be read or was not made for dreaming
│   └── WeightsError    a weights file that cannot be read, or does not fit a network
├── DeviceError     5   the requested device does not work, or no runtime is installed
├── WireError       6   a frame on the wire that breaks the protocol
├── IncompleteError 7   a film that ends early: the new film holds what could be read
└── Cancelled     130   the user, or SIGTERM, stopped the work
```

The number is the command line's exit code.  Anything that is not a DreamError is a bug.  What does not end
the work is a DreamWarning.
"""

from __future__ import annotations

from typing import ClassVar


class DreamError(Exception):
    """Say in one sentence what went wrong, and in `hint` what to do about it."""

    exit_code: ClassVar[int] = 1
    hint: str = ""
    """A way out, in one line; empty where there is none."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class DreamWarning(UserWarning):
    """Tell of something that is lost while a result is written; the result is there all the same."""


class UsageError(DreamError):
    """Refuse an option, a setting or a command."""

    exit_code = 2


class ImageError(DreamError):
    """Refuse a picture, or report that one cannot be written."""

    exit_code = 3


class ModelError(DreamError):
    """Refuse a model file."""

    exit_code = 4
    hint = "make a model file with python -m export, or leave out --model to use the embedded model"


class WeightsError(ModelError):
    """Refuse a weights file, or what of it does not fit a network."""

    hint = ""


class DeviceError(DreamError):
    """Report that the requested device does not work here."""

    exit_code = 5


class WireError(DreamError):
    """Refuse a frame of the wire protocol."""

    exit_code = 6


class IncompleteError(DreamError):
    """Report that a film ends early; what could be read of it was dreamed on and written."""

    exit_code = 7
    hint = "take another copy of the film, or use this part"


class Cancelled(DreamError):  # noqa: N818 - being stopped on request is not an error
    """Stop because somebody asked for it."""

    exit_code = 130
