"""Counts how much of a film can be read: what is damaged, and whether the film ends before its time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from engine.films.extra import pyav

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE: Final = Fraction(3, 2)
"""How many frames must be missing at the end, where a film states its length in seconds.  By one frame, sound
films differ too."""

STEADY: Final = 0.9
"""Share of equal times between frames from which a film's rate counts as steady."""

UNSTEADY: Final = 0.1
"""How far times may differ to count as equal, as a share."""

LENGTH: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
"""What a Matroska film says of a stream's length."""


@dataclass
class Tally:
    """How much of a film could be read; filled in while it is, and complete after its last frame."""

    frames: int = 0
    """Frames that could be read."""

    broken: int = 0
    """Frames that could not be decoded, followed by others that could."""

    flawed: int = 0
    """Frames of `frames` that the decoder calls damaged."""

    clear: bool = False
    """Whether a frame after the first is the first with transparency."""

    missing: int = 0
    """About how many frames are missing at the end; 0 for a film that is complete."""

    of: str = ""
    """How many frames a film that ends early should have, in words; empty if it does not say so."""

    packets: int = 0
    """Packets of the film's pictures."""

    lost: int = 0
    """Packets since the last frame that could not be decoded."""

    last: Fraction = Fraction(0)
    """Time of the last frame, in seconds."""

    end: Fraction = Fraction(0)
    """Time at which it ends, in seconds."""

    gaps: list[Fraction] = field(default_factory=list, repr=False)
    """Times between frames, in seconds."""

    holes: int = 0
    """About how many frames are missing between others, that nothing else tells of."""

    reached: Fraction = Fraction(0)
    """Time at which the last packet of any stream ends, in seconds."""

    def take(self, time: Fraction, duration: Fraction) -> None:
        """Count a frame, with its time and duration in seconds."""
        if self.frames:
            self.gaps.append(time - self.last)
        self.frames += 1
        self.last, self.end = time, time + duration
        self.broken += self.lost
        self.lost = 0

    def close(self, container: Any, stream: Any, begin: Fraction, step: Fraction) -> None:
        """Find what is missing when all is read; `begin` is the film's 0, `step` the time of a frame."""
        slack = LATE * max(step, *self.gaps, Fraction(0))
        late = self._stated_end(container, stream, begin, step, slack) - self.end
        if late > slack:
            self.missing = max(round(late / step), 1)
        if "mp4" in container.format.name:
            self.missing = max(self.missing, sum(x.size > 0 for x in stream.index_entries) - self.packets)
        self.missing = max(self.missing, self.lost)
        if self.missing and container.format.name != "gif":  # which states nothing
            counted = stream.frames >= self.frames + self.missing
            whole = stream.frames if counted else self.frames + self.missing
            self.of = f"{'' if counted else 'about '}{whole}"
            self.broken = min(self.broken, whole - self.frames - self.missing)
        self.holes = max(self._holes() - self.broken, 0)

    @property
    def read(self) -> str:
        """Say how many frames could be read, of how many."""
        if self.of:
            return f"{self.frames} of {self.of} frames could be read"
        return f"{self.frames} frames could be read, and no more"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each thing that could not be read, other than the end."""
        found = {
            "damaged frames could not be read and were left out": self.broken,
            "damaged frames were used as far as they could be read": self.flawed,
            "frames seem to be missing in the film, which shows the one before for longer": self.holes,
        }
        clear = ("a film has no transparency: left out",) if self.clear else ()
        return (*(f"{text}: {count}" for text, count in found.items() if count), *clear)

    def _holes(self) -> int:
        """Return how many frames are missing between others, of a film whose frames come at a steady rate."""
        usual = median(self.gaps) if self.gaps else 0
        if not usual:
            return 0
        steady = sum(abs(x - usual) <= UNSTEADY * usual for x in self.gaps)
        if steady < STEADY * len(self.gaps) and not (self.flawed or self.broken):
            return 0
        return sum(round(x / usual) - 1 for x in self.gaps if x > LATE * usual)

    def _stated_end(
        self, container: Any, stream: Any, begin: Fraction, step: Fraction, slack: Fraction
    ) -> Fraction:
        """Return the time at which the film should end, in seconds; 0 if it does not say so."""
        start = (stream.start_time or 0) * Fraction(stream.time_base) - begin
        whole = Fraction(container.duration or 0, 1_000_000)
        if container.format.name == "avi":  # FFmpeg shortens the duration of a film that was cut
            return Fraction(start + stream.frames * step)
        if "mp4" in container.format.name and stream.duration:
            return Fraction(start + stream.duration * stream.time_base)
        if stated := LENGTH.match(stream.metadata.get("DURATION", "")):
            length = int(stated[1]) * 3600 + int(stated[2]) * 60 + Fraction(stated[3])
            return min(length, whole)  # a tag can be that of another film, of which this is a part
        # Other formats state the length of the longest stream, which need not be that of the pictures.
        return whole if whole - self.reached > slack else Fraction(0)


def frames(container: Any, stream: Any, tally: Tally, begin: Fraction) -> Iterator[Any]:
    """Yield the frames of a film's stream that can be decoded, in order, as PyAV gives them."""
    av = pyav()
    try:
        for packet in container.demux([stream, *container.streams.audio]):
            if packet.size and packet.pts is not None:
                ends = (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base) - begin
                tally.reached = max(tally.reached, ends)
            if packet.stream is stream:
                tally.packets += bool(packet.size)
                yield from _decoded(av, packet.decode, tally)
    except MemoryError:
        raise
    except av.error.FFmpegError:  # the film cannot be followed any further
        yield from _decoded(av, stream.decode, tally)


def _decoded(av: Any, decode: Any, tally: Tally) -> list[Any]:
    """Return what `decode` gives; count what it cannot decode."""
    try:
        return list(decode())
    except MemoryError:
        raise
    except av.error.FFmpegError:
        tally.lost += 1
        return []
