"""Makes films of many kinds with PyAV directly, not with the engine."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.engine.films.conftest import panned

if TYPE_CHECKING:
    from pathlib import Path
ITU601, ITU709, BT2020 = 5, 1, 9
LIMITED, FULL = 1, 2


def record(
    path: Path,
    frames: list[np.ndarray] | None = None,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv444p",
    options: dict[str, str] | None = None,
    fast_start: bool = False,
    aspect: Fraction | None = None,
    mirrored: dict[str, Any] | None = None,
    untagged: bool = False,
    **colours: int,
) -> Path:
    """Record frames, RGB or RGBA, 25 a second; `colours` are PyAV's `color_trc` and so on.

    If `untagged`, the film does not say which colours it has.
    """
    av = pytest.importorskip("av")
    frames = panned(30) if frames is None else frames
    flags = {"movflags": "+faststart"} if fast_start else {}
    with av.open(str(path), "w", options=flags) as output:
        stream = output.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for name, value in ({} if untagged else colours).items():
            setattr(stream.codec_context, name, value)
        if mirrored:
            stream.set_display_rotation(**mirrored)
        for i, frame in enumerate(frames):
            pixels = np.ascontiguousarray(frame)
            made = av.VideoFrame.from_ndarray(pixels, "rgba" if frame.shape[2] == 4 else "rgb24")
            if not pix_fmt.startswith("rgb"):
                made = made.reformat(
                    format=pix_fmt,
                    dst_colorspace=colours.get("colorspace", ITU601),
                    dst_color_range=colours.get("color_range", LIMITED),
                )
            made.pts, made.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(made))
        output.mux(stream.encode(None))
    return path
