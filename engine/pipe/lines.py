"""The lines of requests on a live pipe, read without trusting the sender (docs/wire.md)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.errors import WireError

if TYPE_CHECKING:
    from engine.ascent.focus import Part
    from engine.pipe.wire import Values

LONGEST: Final = 1 << 16
"""Bytes of a request's line, at most."""

LARGEST_NUMBER: Final = 2**53
"""Bound of a request's number: what JSON holds everywhere."""

MALFORMED: Final = (
    'send {"dream": NUMBER, "options": [TEXT, ...], "show": SECONDS or null}, or {"stop": NUMBER}'
)


@dataclass(frozen=True)
class Wanted:
    """What a request asks for, besides its frame."""

    options: tuple[str, ...]

    show: float | None
    """Seconds between two pictures of the dream so far; None for none."""

    part: Part | None
    """Rows and columns that are wanted of the dream; None for all of it."""

    def fits(self, frame: Values) -> bool:
        """Tell whether a frame has that part."""
        return self.part is None or all(
            x.stop <= side for x, side in zip(self.part, frame.shape, strict=False)
        )


def read(line: bytes) -> dict[str, Any]:
    """Return the entries of a line; raise WireError where it has none."""
    if len(line) > LONGEST:
        raise WireError(f"a line of more than {LONGEST} bytes", hint=MALFORMED)
    try:
        entries = json.loads(line)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict):
        raise WireError("a line is not a JSON object", hint=MALFORMED)
    return entries


def number(entries: dict[str, Any], name: str) -> int:
    """Return the number of the dream that a line is about."""
    found = entries.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < LARGEST_NUMBER:
        raise WireError("a line does not say which dream it is about", hint=MALFORMED)
    return found


def keep(entries: dict[str, Any]) -> bool:
    """Tell whether who stops a dream wants the picture so far."""
    found = entries.get("keep", False)
    if not isinstance(found, bool):
        raise WireError("a request's keep is neither true nor false", hint=MALFORMED)
    return found


def wanted(entries: dict[str, Any]) -> Wanted:
    """Return what a request asks for; raise WireError where it makes no sense."""
    return Wanted(_options(entries), _seconds(entries), _part(entries))


def outside(frame: Values) -> WireError:
    """Return the error of a request whose part its frame does not have."""
    size = f"{frame.shape[1]}x{frame.shape[0]}"
    return WireError(f"a request's part does not lie in its frame of {size} pixels")


def _options(entries: dict[str, Any]) -> tuple[str, ...]:
    options = entries.get("options", [])
    if not isinstance(options, list) or not all(isinstance(x, str) for x in options):
        raise WireError("a request's options are not a list of texts", hint=MALFORMED)
    return tuple(options)


def _seconds(entries: dict[str, Any]) -> float | None:
    show = entries.get("show")
    if show is None:
        return None
    if isinstance(show, bool) or not isinstance(show, int | float) or not 0 <= show < math.inf:
        raise WireError("a request's show is neither seconds nor null", hint=MALFORMED)
    return float(show)


def _part(entries: dict[str, Any]) -> Part | None:
    part = entries.get("part")
    if part is None:
        return None
    if not isinstance(part, list) or len(part) != 4 or not all(map(_is_whole, part)):
        raise WireError("a request's part is neither four whole numbers nor null", hint=MALFORMED)
    x, y, width, height = part
    if min(x, y) < 0 or min(width, height) < 1:
        raise WireError("a request's part is no part of a frame", hint=MALFORMED)
    return slice(y, y + height), slice(x, x + width)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
