"""What a new film takes over from another beside its pictures: sound, subtitles, chapters and titles.

All of it is copied as it is.  Whether the new film's container can hold it is tried before the first frame is
dreamed, by writing its beginning into memory.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from engine.errors import DreamError
from engine.films import decode
from engine.films.containers import FORMATS, format_of
from engine.films.extra import pyav

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction
    from pathlib import Path


TRIED: Final = 16
"""Packets of sound that are written for a trial; some containers refuse a codec only when they see some."""

OTHERS: Final = (".mp4", ".mov", ".mkv", ".webm")
"""Formats that are tried for what the chosen one cannot hold."""

KINDS: Final = {"audio": "sound", "subtitle": "subtitles"}
"""Kinds of streams that are copied, by FFmpeg's names."""

OF_A_STREAM: Final = ("language", "title", "handler_name")
"""What is taken over of a stream's tags; the others speak of how it was stored."""

OF_A_FILM: Final = (
    *("title", "artist", "album", "album_artist", "author", "comment", "composer", "copyright", "date"),
    *("creation_time", "description", "synopsis", "genre", "keywords", "show", "episode_id", "season_number"),
    *("network", "publisher", "language"),
)
"""What is taken over of a film's tags; not where it was taken, nor with which camera."""


@dataclass(frozen=True)
class Tracks:
    """What is taken over from a film."""

    source: Path
    """The film's file."""

    streams: tuple[int, ...]
    """Numbers of the streams that are copied."""


def chosen(source: Path, target: Path, *, sound: bool = True) -> tuple[Tracks, tuple[str, ...]]:
    """Return what a new film can take over, and one sentence for each thing that is lost.

    Without `sound`, that is left out unasked.  Raises ImageError if the source cannot be read.
    """
    container = format_of(target).container
    with decode.opened(source) as film:
        wanted = [x for x in film.streams if x.type in KINDS and (sound or x.type != "audio")]
        fit = [x.index for x in wanted if _holds(container, source, x.index)]
        lost = list(_unfit(container, source, [x for x in wanted if x.index not in fit]))
        left = sum(x.type not in KINDS for x in film.streams) - 1
        if "mp4" in film.format.name and film.chapters():
            left -= 1  # in MP4, their titles are a stream
        if left > 0:
            lost.append(f"other streams of video, data or attached files are left out: {left}")
        if not _is_film(container) and film.chapters():
            lost.append("an animated picture cannot have chapters: left out")
    return Tracks(source, tuple(fit)), tuple(lost)


class Copier:
    """Copies tracks into a new film, piece by piece while its frames are written."""

    def __init__(self, tracks: Tracks, film: Any, output: Any) -> None:
        """Announce the tracks of `film`, as decode.opened gives it, to PyAV's container `output`."""
        self._av = pyav()
        self._begin = decode.beginning(film)
        self._output = output
        streams = [film.streams[i] for i in tracks.streams]
        self._pairs = {x.index: _announced(x, output) for x in streams}
        self._packets: Iterator[Any] = film.demux(streams) if streams else iter(())
        self._waiting: Any = None
        self._damaged = 0
        output.streams.video[0].metadata.update(_tags(decode.pictures(film), OF_A_STREAM))
        output.metadata.update(_tags(film, OF_A_FILM))
        output.set_chapters([_moved(x, self._begin) for x in film.chapters()])

    def until(self, time: Fraction | None) -> None:
        """Copy what begins before a time in seconds, or all that is left for None.

        Tracks and frames are interleaved in this way, as players expect.
        """
        while (packet := self._waiting or self._next()) is not None:
            self._waiting = packet
            if time is not None and packet.dts * packet.time_base - self._begin > time:
                return
            self._waiting = None
            self._copy(packet)

    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each thing that could not be copied."""
        damaged = "damaged pieces of sound or subtitles were left out"
        return (f"{damaged}: {self._damaged}",) if self._damaged else ()

    def _next(self) -> Any:
        """Return the next packet; None at the end, or where the film cannot be followed any further."""
        try:
            for packet in self._packets:
                if packet.dts is not None:  # which the mark at the end of a stream lacks
                    return packet
        except self._av.error.FFmpegError:
            self._damaged += 1
        return None

    def _copy(self, packet: Any) -> None:
        shift = round(self._begin / packet.time_base)
        packet.dts -= shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        packet.stream = self._pairs[packet.stream.index]
        try:
            self._output.mux(packet)
        except (OSError, MemoryError):  # the disk is full, say
            raise
        except self._av.error.FFmpegError:
            self._damaged += 1


def _announced(stream: Any, output: Any) -> Any:
    """Add a stream like this one to a new film, with its language, title and role."""
    added = output.add_stream_from_template(stream)
    added.metadata.update(_tags(stream, OF_A_STREAM))
    added.disposition = stream.disposition.value
    return added


def _tags(thing: Any, names: tuple[str, ...]) -> dict[str, str]:
    """Return those tags of a film or stream that have one of the names."""
    found = {name.lower(): text for name, text in thing.metadata.items()}
    found.setdefault("title", found.get("name", ""))  # as MP4 calls a stream's
    return {x: found[x] for x in names if found.get(x)}


def _moved(chapter: Any, begin: Fraction) -> Any:
    """Return a chapter of a film in which `begin`, in seconds, counts as 0."""
    shift = round(begin / chapter["time_base"])
    return {**chapter, "start": max(chapter["start"] - shift, 0), "end": max(chapter["end"] - shift, 0)}


def _is_film(container: str) -> bool:
    return any(x.codec and x.container == container for x in FORMATS.values())


def _holds(container: str, source: Path, index: int) -> bool:
    """Return whether a container can hold a stream: write its beginning into memory."""
    if not _is_film(container):
        return False
    av = pyav()
    try:
        with (
            decode.opened(source) as film,
            av.open(io.BytesIO(), "w", format=container) as trial,
        ):
            stream = film.streams[index]
            if stream.codec_context is None:  # FFmpeg does not know the codec
                return False
            added = _announced(stream, trial)
            trial.start_encoding()
            if stream.type == "audio":  # subtitles may be an hour away
                _try_packets(film, stream, trial, added)
    except (av.error.FFmpegError, ValueError, DreamError):
        return False
    return True


def _try_packets(film: Any, stream: Any, trial: Any, added: Any) -> None:
    for packet in islice(film.demux(stream), TRIED):
        if packet.dts is not None:
            packet.stream = added
            trial.mux(packet)


def _codec(stream: Any) -> str:
    return "an unknown codec" if stream.codec_context is None else str(stream.codec_context.name)


def _unfit(container: str, source: Path, streams: list[Any]) -> Iterator[str]:
    """Yield one sentence for each kind of streams that a container cannot hold."""
    for kind, name in KINDS.items():
        some = [x for x in streams if x.type == kind]
        if some and not _is_film(container):
            yield f"an animated picture cannot have {name}: left out"
        elif some:
            codecs = ", ".join(dict.fromkeys(_codec(x) for x in some))
            able = [x for x in OTHERS if all(_holds(FORMATS[x].container, source, y.index) for y in some)]
            advice = f" ({' and '.join(able)} can)" if able else ""
            yield f"this film format cannot hold {name} in {codecs}{advice}: left out"
