"""What the studio takes at most, so that no request exhausts the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what comes in, and on what is kept."""

    bytes: int = 200_000_000
    """Bytes of a picture's file."""

    pixels: int = 100_000_000
    """Pixels of a picture, by its header, before anything is decoded."""

    request: int = 64 * 1024
    """Bytes of any other request."""

    queue: int = 32
    """Dreams and films that wait or are at work."""

    readers: int = 2
    """Pictures that are decoded at the same time."""

    waiting: int = 64
    """Pictures that wait to be decoded."""

    memory: int = 8_000_000_000
    """Bytes of address space of a process that decodes."""

    seconds: float = 60.0
    """Time that it may take to read or to write a picture."""

    longest: float = 6 * 3600.0
    """Seconds that a dream or a film may take."""

    disk: int = 8_000_000_000
    """Bytes of all that is kept."""

    age: float | None = 24 * 3600.0
    """Seconds after which what nobody looked at is removed; None for never."""
