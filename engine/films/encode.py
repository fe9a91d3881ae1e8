"""Writes films: H.264 and VP9 with PyAV, animated GIF and WebP with Pillow."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from engine import atomic
from engine.errors import DreamError, ImageError
from engine.films.extra import pyav
from engine.machine import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.films.shot import Shot

MOST: Final = 1_500_000_000
"""Most bytes of pixels in an animated picture, because Pillow holds them all in memory."""

BT709: Final = 1
"""FFmpeg's number for Rec. 709, which players assume if a film does not state its colour space."""


@dataclass(frozen=True)
class Format:
    """A film format."""

    container: str
    """Name of the container, for FFmpeg or Pillow."""

    codec: str = ""
    """FFmpeg's name of the encoder; empty for formats that Pillow writes."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the encoder."""


# Without macroblock-tree rate control, the same frames always give the same file; with it, not on every
# processor with AVX-512.
_H264: Final = {"crf": "15", "preset": "medium", "x264-params": "no-mbtree=1"}

FORMATS: Final = {
    ".mp4": Format("mp4", "libx264", _H264),
    ".m4v": Format("mp4", "libx264", _H264),
    ".mov": Format("mov", "libx264", _H264),
    ".mkv": Format("matroska", "libx264", _H264),
    ".webm": Format("webm", "libvpx-vp9", {"crf": "24", "b": "0", "cpu-used": "3", "row-mt": "1"}),
    ".gif": Format("GIF"),
    ".webp": Format("WEBP"),
}
"""The formats that can be written, by suffix."""


def format_of(target: Path) -> Format:
    """Return the film format that the target's suffix names.

    Raises ImageError for an unknown suffix, UsageError if the format needs the extra `[video]` and that is
    not installed.
    """
    try:
        form = FORMATS[target.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"{target.name} cannot be written: its suffix does not name a film format",
            hint=f"known suffixes: {', '.join(FORMATS)}",
        ) from None
    if form.codec:
        pyav()
    return form


def check_writable(target: Path, pixels: int = 0) -> None:
    """Raise ImageError unless a film with that many pixels in all frames can be written.

    Raises what `format_of` raises, too.
    """
    form = format_of(target)
    atomic.check(target, ImageError)
    if not form.codec and pixels * 3 > MOST:
        raise ImageError(
            f"an animated {form.container} of this size and length needs {amount(pixels * 3)} of memory",
            hint="write an .mp4 file, choose a smaller --size, or make fewer frames",
        )


def write(
    shots: Iterable[Shot],
    target: Path,
    rate: Fraction,
    *,
    time_base: Fraction | None = None,
    hold: float = 0.0,
    sound: Path | None = None,
    partly: bool = False,
) -> tuple[str, ...]:
    """Write a film in the format that the target's suffix names; replace any file that is there.

    The file appears whole or not at all.  `rate` is in frames per second.  Times are rounded to multiples of
    `time_base` seconds, by default the duration of a frame.  The last frame is shown `hold` seconds longer.
    `sound` is a film whose sound is copied unchanged; with `partly`, only as far as the frames go.  If a side
    is odd, all formats except GIF and WebP lose a row or column.  Returns one sentence for each thing that is
    lost.  Raises ImageError if the film cannot be written.
    """
    form = format_of(target)
    try:
        with atomic.replacing(target) as part:
            if form.codec:
                encoder = _Encoder(form, rate, time_base or 1 / rate)
                return encoder.write(_holding_last(shots, rate, hold), part, sound, partly=partly)
            _animate(list(shots), form, rate, hold, part)
    except DreamError:
        raise
    except MemoryError as error:
        raise ImageError(f"{target} does not fit into memory") from error
    except Exception as error:  # encoders raise exceptions of every kind
        raise ImageError(
            f"{target} cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error
    return ("an animated picture cannot have sound: left out",) if sound is not None else ()


def _holding_last(shots: Iterable[Shot], rate: Fraction, hold: float) -> Iterator[Shot]:
    """Yield the shots, and repeat the last one for `hold` seconds; players ignore a longer duration."""
    last = None
    for last in shots:
        yield last
    if last is not None:
        for i in range(round(hold * rate)):
            yield type(last)(last.time + (i + 1) / rate, last.image)


def _animate(shots: list[Shot], form: Format, rate: Fraction, hold: float, part: Path) -> None:
    ends = [*(x.time for x in shots[1:]), shots[-1].time + 1 / rate + Fraction(hold)]
    unit = 10 if form.container == "GIF" else 1  # GIF counts hundredths of a second
    marks = [round(x * 1000 / unit) * unit for x in (shots[0].time, *ends)]
    durations = [max(after - before, 2 * unit) for before, after in pairwise(marks)]
    frames = [_palette(x.image) if form.container == "GIF" else Image.fromarray(x.image) for x in shots]
    options: dict[str, Any] = {"optimize": False} if form.container == "GIF" else {"quality": 85, "method": 4}
    with part.open("wb") as file:
        frames[0].save(
            file,
            form.container,
            save_all=True,
            append_images=frames[1:],
            duration=durations,
            loop=0,
            **options,
        )


def _palette(image: NDArray[np.uint8]) -> Image.Image:
    """Return an image with its own palette of 256 colours, without dithering, which would flicker.

    Colours are first reduced to 6 bits per channel, which makes finding a palette several times faster.
    """
    coarse = (image & 0xFC) | (image >> 6)
    return Image.fromarray(coarse).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


class _Encoder:
    """Writes frames and sound into one file."""

    def __init__(self, form: Format, rate: Fraction, time_base: Fraction) -> None:
        self._form, self._rate, self._time_base = form, rate, time_base
        self._last = -1

    def write(
        self, shots: Iterable[Shot], part: Path, sound: Path | None, *, partly: bool
    ) -> tuple[str, ...]:
        av = pyav()
        options = {"fflags": "+bitexact"}  # no random numbers in the file
        if self._form.container in {"mp4", "mov"}:
            options["movflags"] = "+faststart"  # can play before it is fully loaded
        with av.open(f"file:{part}", "w", format=self._form.container, options=options) as output:
            stream = output.add_stream(self._form.codec, rate=self._rate, options=dict(self._form.options))
            copied, lost = (None, ()) if sound is None else _sound_of(av, sound, output)
            for shot in shots:
                frame = self._frame(av, shot, stream)
                if copied is not None:
                    copied.until(shot.time)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            if copied is not None:
                copied.until(self._last * self._time_base if partly else None)
                copied.close()
        return lost

    def _frame(self, av: Any, shot: Shot, stream: Any) -> Any:
        height, width = (side // 2 * 2 for side in shot.image.shape[:2])
        if self._last < 0:
            context = stream.codec_context
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            context.time_base = self._time_base
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = 1  # limited range: 16 to 235
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shot.image[:height, :width]), "rgb24")
        frame = frame.reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC"
        )
        self._last = max(round(shot.time / self._time_base), self._last + 1)
        frame.pts, frame.time_base = self._last, self._time_base
        return frame


class _Sound:
    """Copies the sound of a film into another."""

    def __init__(self, container: Any, pairs: Mapping[int, Any], output: Any) -> None:
        self._container = container
        self._packets = container.demux([container.streams[x] for x in pairs])
        self._pairs, self._output = pairs, output
        self._waiting: Any = None

    def until(self, time: Fraction | None) -> None:
        """Copy the sound before a time in seconds, or all that is left for None.

        Sound and frames are interleaved in this way, as players expect.
        """
        for packet in [self._waiting] if self._waiting is not None else []:
            if time is not None and packet.dts * packet.time_base > time:
                return
            self._copy(packet)
        self._waiting = None
        for packet in self._packets:
            if packet.dts is None:  # marks the end of a stream
                continue
            if time is not None and packet.dts * packet.time_base > time:
                self._waiting = packet
                return
            self._copy(packet)

    def close(self) -> None:
        """Close the film from which the sound is copied."""
        self._container.close()

    def _copy(self, packet: Any) -> None:
        packet.stream = self._pairs[packet.stream.index]
        self._output.mux(packet)


def _sound_of(av: Any, source: Path, output: Any) -> tuple[_Sound | None, tuple[str, ...]]:
    """Open the sound of a film for copying; also return a warning for what the new film cannot hold."""
    container = av.open(f"file:{source}", metadata_errors="replace")
    streams = list(container.streams.audio)
    fit = [x for x in streams if x.codec_context.name in output.supported_codecs]
    lost = [x.codec_context.name for x in streams if x not in fit]
    warnings = (f"this film format cannot hold sound in {', '.join(lost)}: left out",) if lost else ()
    pairs = {x.index: output.add_stream_from_template(x) for x in fit}
    return (_Sound(container, pairs, output) if pairs else None), warnings
