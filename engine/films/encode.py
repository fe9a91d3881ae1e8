"""Films as files: H.264 and VP9 by PyAV, animated GIF and WebP by Pillow."""

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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.films.shot import Shot

MOST: Final = 1_500_000_000
"""Bytes of pixels that an animated picture may have: Pillow holds them all in memory."""

BT709: Final = 1
"""FFmpeg's number for Rec. 709: what players expect of a film without being told."""


@dataclass(frozen=True)
class Form:
    """A kind of film."""

    container: str
    """FFmpeg's name of it, or Pillow's."""

    codec: str = ""
    """FFmpeg's name of the encoder; empty for what Pillow writes."""

    options: Mapping[str, str] = field(default_factory=dict)
    """What else to tell the encoder."""

    sound: bool = False
    """Whether it can have sound."""


# Without x264's tree of macroblocks the same frames give the same file; with AVX-512 it does not always.
_H264: Final = {"crf": "15", "preset": "medium", "x264-params": "no-mbtree=1"}

FORMS: Final = {
    ".mp4": Form("mp4", "libx264", _H264, sound=True),
    ".m4v": Form("mp4", "libx264", _H264, sound=True),
    ".mov": Form("mov", "libx264", _H264, sound=True),
    ".mkv": Form("matroska", "libx264", _H264, sound=True),
    ".webm": Form("webm", "libvpx-vp9", {"crf": "24", "b": "0", "cpu-used": "3", "row-mt": "1"}, sound=True),
    ".gif": Form("GIF"),
    ".webp": Form("WEBP"),
}
"""What can be written, by suffix."""


def form_of(target: Path) -> Form:
    """Return the kind of film that a suffix stands for.

    Raises ImageError for one that cannot be written, UsageError where that takes the extra `[video]`.
    """
    try:
        form = FORMS[target.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"{target.name} has a suffix that is no film's", hint=f"there are: {', '.join(FORMS)}"
        ) from None
    if form.codec:
        pyav()
    return form


def check_writable(target: Path, pixels: int = 0) -> None:
    """Raise what `form_of` raises, and ImageError where no film of so many pixels in all can be made."""
    form = form_of(target)
    atomic.check(target, ImageError)
    if not form.codec and pixels * 3 > MOST:
        raise ImageError(
            f"an animated {form.container} of this size and length needs {pixels * 3 / 1e9:.0f} GB of memory",
            hint="take .mp4, a smaller --size, or fewer frames",
        )


def write(
    shots: Iterable[Shot],
    target: Path,
    rate: Fraction,
    *,
    tick: Fraction | None = None,
    hold: float = 0.0,
    sound: Path | None = None,
    partly: bool = False,
) -> tuple[str, ...]:
    """Write a film in the form of the target's suffix, over whatever is there; return what is lost in it.

    It appears whole or not at all.  `rate` is in frames a second; times are rounded to a `tick` of seconds,
    one frame's by default.  The last frame is shown `hold` seconds longer.  `sound` is a film whose sound is
    copied as it is, `partly` as far as the frames go.  Where a side is odd, all but GIF and WebP lose a row
    or column.  Raises ImageError where the film cannot be written.
    """
    form = form_of(target)
    try:
        with atomic.replacing(target) as part:
            if form.codec:
                encoder = _Encoder(form, rate, tick or 1 / rate)
                return encoder.write(_held(shots, rate, hold), part, sound, partly=partly)
            _animate(list(shots), form, rate, hold, part)
    except DreamError:
        raise
    except MemoryError as error:
        raise ImageError(f"{target} does not fit into memory") from error
    except Exception as error:  # encoders refuse with exceptions of every kind
        raise ImageError(
            f"{target} cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error
    return ("an animated picture has no sound",) if sound is not None else ()


def _held(shots: Iterable[Shot], rate: Fraction, hold: float) -> Iterator[Shot]:
    """Show the last frame again and again: no player knows how long else."""
    last = None
    for last in shots:
        yield last
    if last is not None:
        for i in range(round(hold * rate)):
            yield type(last)(last.time + (i + 1) / rate, last.image)


def _animate(shots: list[Shot], form: Form, rate: Fraction, hold: float, part: Path) -> None:
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
    """Return an image of 256 colours, its own; dithering would flicker.

    They are found several times sooner among colours of 6 bits.
    """
    coarse = (image & 0xFC) | (image >> 6)
    return Image.fromarray(coarse).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


class _Encoder:
    """Writes frames and sound into one file."""

    def __init__(self, form: Form, rate: Fraction, tick: Fraction) -> None:
        self._form, self._rate, self._tick = form, rate, tick
        self._last = -1

    def write(
        self, shots: Iterable[Shot], part: Path, sound: Path | None, *, partly: bool
    ) -> tuple[str, ...]:
        av = pyav()
        options = {"fflags": "+bitexact"}  # no random numbers in the file
        if self._form.container in {"mp4", "mov"}:
            options["movflags"] = "+faststart"  # plays before it is wholly loaded
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
                copied.until(self._last * self._tick if partly else None)
                copied.close()
        return lost

    def _frame(self, av: Any, shot: Shot, stream: Any) -> Any:
        height, width = (side // 2 * 2 for side in shot.image.shape[:2])
        if self._last < 0:
            context = stream.codec_context
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            context.time_base = self._tick
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = 1  # that of television: 16 to 235
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shot.image[:height, :width]), "rgb24")
        frame = frame.reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC"
        )
        self._last = max(round(shot.time / self._tick), self._last + 1)
        frame.pts, frame.time_base = self._last, self._tick
        return frame


class _Sound:
    """The sound of a film on its way into another."""

    def __init__(self, container: Any, pairs: Mapping[int, Any], output: Any) -> None:
        self._container = container
        self._packets = container.demux([container.streams[x] for x in pairs])
        self._pairs, self._output = pairs, output
        self._waiting: Any = None

    def until(self, time: Fraction | None) -> None:
        """Copy what is heard before a time in seconds, None for all that is left, as players read it."""
        for packet in [self._waiting] if self._waiting is not None else []:
            if time is not None and packet.dts * packet.time_base > time:
                return
            self._copy(packet)
        self._waiting = None
        for packet in self._packets:
            if packet.dts is None:  # the mark at the end of a stream
                continue
            if time is not None and packet.dts * packet.time_base > time:
                self._waiting = packet
                return
            self._copy(packet)

    def close(self) -> None:
        """Close the film that the sound comes from."""
        self._container.close()

    def _copy(self, packet: Any) -> None:
        packet.stream = self._pairs[packet.stream.index]
        self._output.mux(packet)


def _sound_of(av: Any, source: Path, output: Any) -> tuple[_Sound | None, tuple[str, ...]]:
    """Open the sound of a film for copying; return also what the new container cannot hold."""
    container = av.open(f"file:{source}", metadata_errors="replace")
    streams = list(container.streams.audio)
    fit = [x for x in streams if x.codec_context.name in output.supported_codecs]
    lost = [x.codec_context.name for x in streams if x not in fit]
    warnings = (f"this kind of film cannot hold sound in {', '.join(lost)}: left out",) if lost else ()
    pairs = {x.index: output.add_stream_from_template(x) for x in fit}
    return (_Sound(container, pairs, output) if pairs else None), warnings
