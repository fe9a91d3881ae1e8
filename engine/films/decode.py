"""Reads films with PyAV: frames in order, each with its time, as far as they can be read."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from engine import paths
from engine.errors import DreamError, ImageError
from engine.files.telling import because
from engine.films.extra import pyav
from engine.films.shot import Shot
from engine.films.tally import Tally, frames
from engine.films.view import View, is_clear, not_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,h264,hevc,flv,asf,ogg,gif,mxf,dv,ivf,"
    "yuv4mpegpipe"
)
"""FFmpeg's names of the formats that are read.  Playlists are left out, because they can name other files and
addresses."""

MOST: Final = 8192 * 4320
"""Most pixels of a frame."""

LONGEST: Final = 1800
"""Most seconds between two frames; later times are damaged ones, which no container can hold."""

USUAL: Final = Fraction(25)
"""Frames per second, if a film does not state them."""


@dataclass(frozen=True)
class Film:
    """Properties of a film."""

    shape: tuple[int, int]
    """(height, width) of its frames, upright and in square pixels."""

    rate: Fraction
    """Average frames per second."""

    time_base: Fraction
    """Unit of its times, in seconds."""

    frames: int | None
    """Approximate number of frames; None if the film does not state it."""

    has_sound: bool
    """Whether it has any sound."""

    warnings: tuple[str, ...]
    """One sentence for each thing of its pictures that will be lost."""


def look(source: Path) -> Film:
    """Read a film's properties and its first frame; raise ImageError if the file is not a readable film."""
    with _telling(source), opened(source) as container:
        stream = pictures(container)
        first = next(frames(container, stream, Tally(), Fraction(0)), None)
        if first is None:
            raise ImageError(f"{source} has no readable frames")
        rate = _rate(stream)
        seconds = stream.duration * stream.time_base if stream.duration else None
        if seconds is None and container.duration:
            seconds = Fraction(container.duration, 1_000_000)
        counted = stream.frames or (round(seconds * rate) if seconds else 0)
        return Film(
            shape=View.of(stream, first).shape,
            rate=rate,
            time_base=Fraction(stream.time_base),
            frames=max(counted, 1) if counted else None,
            has_sound=bool(container.streams.audio),
            warnings=tuple(not_shown(stream, first)),
        )


def shots(source: Path, tally: Tally | None = None) -> Iterator[Shot]:
    """Yield the frames of a film as far as they can be read.

    Damaged places are skipped.  When all is read, `tally` says what could not be.  Raises ImageError if there
    are no readable frames, or the disk fails.
    """
    tally = tally or Tally()
    view, clear = None, False
    for stream, frame, time in _timed(source, tally):
        with _telling(source):
            if view is None:
                view, clear = View.of(stream, frame), is_clear(frame)
            image = view.show(frame)
            tally.flawed += frame.is_corrupt
            tally.clear = tally.clear or (not clear and is_clear(frame))
        yield Shot(time, image)


def times(source: Path) -> Iterator[Fraction]:
    """Yield the time of each frame that `shots` yields, in seconds."""
    for _, _, time in _timed(source, Tally()):
        yield time


def pictures(container: Any) -> Any:
    """Return the stream of a film's pictures, which is not a cover; None if there is none."""
    cover = pyav().stream.Disposition.attached_pic
    return next((x for x in container.streams.video if cover not in x.disposition), None)


def beginning(container: Any) -> Fraction:
    """Return the time in seconds at which a film begins, which counts as 0; it never begins before 0."""
    return max(Fraction(container.start_time or 0, 1_000_000), Fraction(0))


@contextlib.contextmanager
def opened(source: Path) -> Iterator[Any]:
    """Open a film with PyAV; raise ImageError if that cannot be done."""
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
        container = av.open(f"file:{source}", options=options, metadata_errors="replace")
    with container:
        stream = pictures(container)
        if stream is None:
            raise ImageError(f"{source} contains no video")
        context = stream.codec_context
        if context is None:
            raise ImageError(f"{source} is in a codec that FFmpeg does not know")
        if context.width * context.height > MOST:
            size = f"{context.width}x{context.height}"
            raise ImageError(f"{source} has frames of {size} pixels, which are too large")
        yield container


def _rate(stream: Any) -> Fraction:
    return Fraction(stream.average_rate or stream.guessed_rate or USUAL)


def _timed(source: Path, tally: Tally) -> Iterator[tuple[Any, Any, Fraction]]:
    """Yield the stream, and its frames with strictly increasing times in seconds."""
    with _telling(source), opened(source) as container:
        stream = pictures(container)
        step = 1 / _rate(stream)
        time_base = Fraction(stream.time_base)
        begin = beginning(container)
        last: Fraction | None = None
        stamp = _decoding_order(stream) if container.format.name == "avi" else _stamp
        for frame in frames(container, stream, tally, begin):
            stated = None if (pts := stamp(frame)) is None else pts * time_base - begin
            time = stated if stated is not None else (Fraction(0) if last is None else last + step)
            if time - (last or 0) > LONGEST:
                time = Fraction(0) if last is None else last + step
            if last is not None and time <= last:
                time = last + time_base
            last = time
            tally.take(time, frame.duration * time_base if frame.duration else step)
            yield stream, frame, time
        if last is None:
            raise ImageError(f"{source} has no readable frames")
        tally.close(container, stream, begin, step)
        if container.format.name == "gif" and _is_cut(source):
            tally.missing = max(tally.missing, 1)


def _stamp(frame: Any) -> int | None:
    """Return the time of a frame, in units of its stream."""
    stamp: int | None = frame.pts
    return stamp


def _decoding_order(stream: Any) -> Callable[[Any], int | None]:
    """Return a `_stamp` for AVI.

    AVI knows no times, and those that FFmpeg makes up are in the order of decoding, not of showing.
    """
    delay: int | None = None

    def stamp(frame: Any) -> int | None:
        nonlocal delay
        if frame.dts is None:
            return None
        if delay is None:
            delay = frame.dts - (stream.start_time or 0)
        return int(frame.dts - delay)

    return stamp


def _is_cut(source: Path) -> bool:
    """Return whether a GIF ends within a frame; FFmpeg decodes half a frame without a word."""
    try:
        with Image.open(source, formats=["GIF"]) as image:
            image.seek(getattr(image, "n_frames", 1) - 1)
            image.load()
    except Exception:  # noqa: BLE001 - Pillow raises exceptions of every kind
        return True
    return False


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
        raise ImageError(
            f"{source} cannot be read as a film{because(error)}",
            hint="films can be MP4, WebM, MKV, MOV, AVI or GIF files",
        ) from error
