"""Writes films: H.264 and VP9 with PyAV, animated GIF and WebP with Pillow."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from engine import atomic
from engine.errors import DreamError, ImageError
from engine.files.telling import because
from engine.films import decode
from engine.films.containers import format_of
from engine.films.extra import pyav
from engine.films.tracks import Copier
from engine.machine import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.films.containers import Format
    from engine.films.shot import Shot
    from engine.films.tracks import Tracks

MOST: Final = 1_500_000_000
"""Most bytes of pixels in an animated picture, because Pillow holds them all in memory."""

BT709: Final = 1
"""FFmpeg's number for Rec. 709, which players assume if a film does not state its colour space."""


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
    tracks: Tracks | None = None,
    partly: bool = False,
) -> tuple[str, ...]:
    """Write a film in the format that the target's suffix names; replace any file that is there.

    The file appears whole or not at all.  `rate` is in frames per second.  Times are rounded to multiples of
    `time_base` seconds, by default the duration of a frame.  The last frame is shown `hold` seconds longer.
    `tracks` are copied unchanged, but into no GIF or WebP; with `partly`, only as far as the frames go.  If a
    side is odd, all formats except GIF and WebP lose a row or column.  Returns one sentence for each thing
    that is lost only now; `tracks.chosen` and `cropped` tell of the others.  Raises ImageError if the film
    cannot be written.
    """
    form = format_of(target)
    try:
        with atomic.replacing(target) as part:
            if form.codec:
                encoder = _Encoder(form, rate, time_base or 1 / rate)
                return encoder.write(_holding_last(shots, rate, hold), part, tracks, partly=partly)
            _animate(list(shots), form, rate, hold, part)
    except DreamError:
        raise
    except MemoryError as error:
        raise ImageError(f"{target} does not fit into memory") from error
    except Exception as error:  # encoders raise exceptions of every kind
        raise ImageError(f"{target} cannot be written{because(error)}") from error
    return ()


def cropped(target: Path, shape: tuple[int, int]) -> tuple[str, ...]:
    """Return what is lost of frames of `shape` (height, width) in a film: one sentence, or none."""
    height, width = (side // 2 * 2 for side in shape)
    if (height, width) == shape or not format_of(target).codec:
        return ()
    become = f"{shape[1]}x{shape[0]} becomes {width}x{height}"
    return (f"the sides of such a film must be even: {become}",)


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
        self, shots: Iterable[Shot], part: Path, tracks: Tracks | None, *, partly: bool
    ) -> tuple[str, ...]:
        av = pyav()
        options = {"fflags": "+bitexact"}  # no random numbers in the file
        if self._form.container in {"mp4", "mov"}:
            options["movflags"] = "+faststart"  # can play before it is fully loaded
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(
                av.open(f"file:{part}", "w", format=self._form.container, options=options)
            )
            stream = output.add_stream(self._form.codec, rate=self._rate, options=dict(self._form.options))
            copier = None
            if tracks is not None:
                copier = Copier(tracks, stack.enter_context(decode.opened(tracks.source)), output)
            for shot in shots:
                frame = self._frame(av, shot, stream)
                if copier is not None:
                    copier.until(shot.time)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            if copier is not None:
                copier.until(self._last * self._time_base if partly else None)
        return () if copier is None else copier.warnings()

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
