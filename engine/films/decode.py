"""Reads films with PyAV: upright frames in order, each with its time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import paths
from engine.errors import DreamError, ImageError
from engine.films.extra import pyav
from engine.films.shot import Shot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,h264,hevc,flv,asf,ogg,gif,mxf,dv,ivf,"
    "yuv4mpegpipe"
)
"""FFmpeg's names of the formats that are read.  Playlists are left out, because they can name other files and
addresses."""

MOST: Final = 8192 * 4320
"""Most pixels of a frame."""

USUAL: Final = Fraction(25)
"""Frames per second, if a film does not state them."""


@dataclass(frozen=True)
class Film:
    """Properties of a film."""

    shape: tuple[int, int]
    """(height, width) of its upright frames."""

    rate: Fraction
    """Average frames per second."""

    time_base: Fraction
    """Unit of its times, in seconds."""

    frames: int | None
    """Approximate number of frames; None if the film does not state it."""

    has_sound: bool
    """Whether it has any sound."""

    warnings: tuple[str, ...]
    """One sentence for each thing that will be lost."""


def look(source: Path) -> Film:
    """Read a film's properties and its first frame; raise ImageError if the file is not a readable film."""
    with _opened(source) as (container, stream):
        first = next(_frames(container, stream), None)
        if first is None:
            raise ImageError(f"{source} has no readable frames")
        rate = Fraction(stream.average_rate or stream.guessed_rate or USUAL)
        seconds = stream.duration * stream.time_base if stream.duration else None
        if seconds is None and container.duration:
            seconds = Fraction(container.duration, 1_000_000)
        counted = stream.frames or (round(seconds * rate) if seconds else 0)
        turned = first.rotation % 180 != 0
        return Film(
            shape=(first.width, first.height) if turned else (first.height, first.width),
            rate=rate,
            time_base=Fraction(stream.time_base),
            frames=max(counted, 1) if counted else None,
            has_sound=bool(container.streams.audio),
            warnings=tuple(_lost(container, first)),
        )


def shots(source: Path) -> Iterator[Shot]:
    """Yield the frames of a film; raise ImageError if it is damaged."""
    for frame, time in _timed(source):
        with _telling(source):
            image = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
        yield Shot(time, np.ascontiguousarray(image))


def times(source: Path) -> Iterator[Fraction]:
    """Yield the time of each frame, in seconds."""
    for _, time in _timed(source):
        yield time


def _timed(source: Path) -> Iterator[tuple[Any, Fraction]]:
    """Yield frames with strictly increasing times, in seconds."""
    with _opened(source) as (container, stream):
        step = 1 / Fraction(stream.average_rate or USUAL)
        time_base = Fraction(stream.time_base)
        last: Fraction | None = None
        shape = None
        for frame in _frames(container, stream):
            shape = shape or (frame.width, frame.height)
            if (frame.width, frame.height) != shape:
                raise ImageError(f"the frames of {source} do not all have the same size")
            stated = None if frame.pts is None else frame.pts * time_base
            time = stated if stated is not None else (Fraction(0) if last is None else last + step)
            if last is not None and time <= last:
                time = last + time_base
            last = time
            yield frame, time


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[tuple[Any, Any]]:
    av = pyav()
    if paths.is_folder(source):
        raise ImageError(f"{source} is a folder, not a film")
    if kind := paths.kind(source):
        raise ImageError(f"{source} is a {kind}, not a film")
    if not paths.exists(source):
        raise ImageError(f"{source} does not exist")
    with _telling(source):
        # "file:" so that FFmpeg never takes a name for an address.
        options = {"format_whitelist": FORMATS}
        with av.open(f"file:{source}", options=options, metadata_errors="replace") as container:
            if not container.streams.video:
                raise ImageError(f"{source} contains no video")
            stream = container.streams.video[0]
            width, height = stream.codec_context.width, stream.codec_context.height
            if width * height > MOST:
                raise ImageError(f"{source} has frames of {width}x{height} pixels, which are too large")
            stream.thread_type = "AUTO"
            yield container, stream


@contextlib.contextmanager
def _telling(source: Path) -> Iterator[None]:
    """Turn what PyAV raises into ImageError."""
    try:
        yield
    except DreamError:
        raise
    except MemoryError as error:
        raise ImageError(f"{source} does not fit into memory") from error
    except Exception as error:  # for damaged films, PyAV raises exceptions of every kind
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ImageError(
            f"{source} cannot be read as a film: {reason}",
            hint="films can be MP4, WebM, MKV, MOV, AVI or GIF files",
        ) from error


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    yield from container.decode(stream)


def _lost(container: Any, first: Any) -> Iterator[str]:
    if first.format.components and max(x.bits for x in first.format.components) > 8:
        yield "the film has more than 8 bits per channel, but the result has only 8"
    others = len(container.streams.video) - 1 + len(container.streams.subtitles)
    if others:
        yield f"other streams of video or subtitles are left out: {others}"
