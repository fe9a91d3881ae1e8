"""Make the picture strips of films.md from examples/: python docs/make_films.py.

About six minutes on two cores; needs the extra [video].
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from make_pictures import PHOTOGRAPH, PICTURES, ROOT, opened, save, sheet
from PIL import Image

import engine
from engine.ascent.order import order_for
from engine.files.images import load
from engine.films import encode, video, zoom
from engine.films.shot import Shot
from engine.films.store import folder_of
from engine.settings import presets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.films.project import Project
    from engine.network.model import DreamModel

WIDTH = 300
"""Pixels of a frame in a strip."""


def main() -> None:
    """Write both strips."""
    PICTURES.mkdir(exist_ok=True)
    model = engine.load_model()
    config = presets.configure("flight", {})
    with tempfile.TemporaryDirectory() as folder:
        flight = zoom.Flight(seconds=10)
        order = order_for(model, zoom.lightly(config, {}))
        flown = zoom.project(load(PHOTOGRAPH), Path(folder) / "zoom.mp4", order, model, flight)
        save(strip(flown, (1, 26, 76, 250)), "film-zoom.jpg")
        save(strip(dreamed_walk(Path(folder), model), (1, 15, 30, 45)), "film-video.jpg")


def dreamed_walk(folder: Path, model: DreamModel) -> Project:
    """Return the dream of a small film that a camera could have taken of the temple."""
    source = folder / "walk.mp4"
    encode.write(walk(45), source, Fraction(25))
    config = presets.configure("flight", {})
    order = order_for(model, video.within_range(config, {}))
    project, _ = video.project(source, folder / "dream.mp4", order, model, video.Carrying())
    return project


def walk(frames: int) -> Iterator[Shot]:
    """Move and near a camera over a photograph, and add a sensor's noise."""
    random = np.random.default_rng(0)
    with Image.open(ROOT / "examples" / "temple.jpg") as file:
        photograph = file.convert("RGB")
    for i in range(frames):
        width = photograph.width / (1.4 + 0.4 * i / frames)
        height = width * 3 / 4
        x, y = (photograph.width - width) * (0.1 + 0.5 * i / frames), (photograph.height - height) * 0.4
        frame = photograph.resize((480, 360), Image.Resampling.LANCZOS, (x, y, x + width, y + height))
        noisy = np.asarray(frame) + random.normal(0, 4, (360, 480, 3))
        yield Shot(Fraction(i, 25), noisy.clip(0, 255).astype(np.uint8))


def strip(project: Project, numbers: tuple[int, ...]) -> Image.Image:
    """Make a film and return some of its frames beside each other."""
    for _ in project.make(keep_frames=True):
        pass
    images = [opened(folder_of(project.target) / f"{x:06}.png") for x in numbers]
    height = round(images[0].height * WIDTH / images[0].width)
    return sheet([x.resize((WIDTH, height), Image.Resampling.LANCZOS) for x in images], len(images))


if __name__ == "__main__":
    main()
