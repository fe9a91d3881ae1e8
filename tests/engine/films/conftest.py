from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from engine.ascent.order import Order, order_for
from engine.films.shot import Shot
from engine.films.store import folder_of
from engine.settings.config import DreamConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.films.project import Project

PHOTOGRAPH = Path(__file__).parents[3] / "examples" / "temple.jpg"


def light(tiny, **settings) -> Order:
    """An order with which the tiny model dreams on a frame quickly."""
    given = {"layers": {"mixed0": 1.0, "mixed1": 1.0}, "iterations": 1, "octaves": 2, "step_size": 0.02}
    return order_for(tiny, DreamConfig(**(given | settings)))


def photograph(height: int, width: int) -> np.ndarray:
    return np.asarray(Image.open(PHOTOGRAPH).convert("RGB").resize((width, height)))


def panned(number: int, height: int = 48, width: int = 64, speed: float = 2.0) -> list[np.ndarray]:
    """Frames of a camera that moves to the right over a photograph, with a little noise."""
    whole = Image.open(PHOTOGRAPH).convert("RGB").resize((width * 3, height * 2))
    random = np.random.default_rng(0)
    frames = []
    for i in range(number):
        x = i * speed
        frame = whole.resize((width, height), Image.Resampling.LANCZOS, (x, 10, x + width, 10 + height))
        noisy = np.asarray(frame) + random.normal(0, 2, (height, width, 3))
        frames.append(noisy.clip(0, 255).astype(np.uint8))
    return frames


def made_frames(project: Project) -> list[np.ndarray]:
    """Make a film, and return its frames as they were stored."""
    list(project.make(keep_frames=True))
    return [np.asarray(Image.open(x)) for x in sorted(folder_of(project.target).glob("0*.png"))]


def shots(frames: list[np.ndarray], rate: int = 25) -> list[Shot]:
    return [Shot(Fraction(i, rate), x) for i, x in enumerate(frames)]


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Make a film with PyAV directly, not with the engine."""
    av = pytest.importorskip("av")

    def make(
        name: str = "in.mp4",
        frames: list[np.ndarray] | None = None,
        *,
        times: list[int] | None = None,
        sound: bool = False,
        turned: int = 0,
        codec: str = "libx264",
    ) -> Path:
        frames = panned(6) if frames is None else frames
        path = tmp_path / name
        with av.open(str(path), "w") as output:
            stream = output.add_stream(codec, rate=25, options={"crf": "5"})
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv444p" if codec == "libx264" else "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            if turned:
                stream.set_display_rotation(turned)
            voice = output.add_stream("aac", rate=44100, layout="mono") if sound else None
            for i, frame in enumerate(frames):
                made = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
                made.pts, made.time_base = (times[i] if times else i * 40), Fraction(1, 1000)
                output.mux(stream.encode(made))
            output.mux(stream.encode(None))
            if voice is not None:
                tone = np.sin(np.arange(44100 * len(frames) // 25) / 10).astype(np.float32)[None]
                heard = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
                heard.sample_rate = 44100
                output.mux(voice.encode(heard))
                output.mux(voice.encode(None))
        return path

    return make


def played(path: Path) -> list[np.ndarray]:
    """Read a film's frames, [H, W, 3], RGB, with OpenCV, which did not write them."""
    cv2 = pytest.importorskip("cv2")
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1][..., ::-1])
    capture.release()
    return frames
