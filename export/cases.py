"""The pictures and objectives that every export is verified on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.floating]

BORDER = 2
"""Positions at each edge of the deepest layer beside which a photograph leaves at least one more."""

TUTORIAL = {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}
"""The layer coefficients of Keras' deep_dream example."""


@dataclass(frozen=True)
class Case:
    """One picture, or several of the same size, and the objective to compare on."""

    picture: str
    image: Array
    """[N, H, W, 3] in [-1, 1]."""

    objective: str
    channel_weights: Array
    """[C]."""


class Sizes(Protocol):
    """A network as far as pictures for it must know it."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers to dream on, shallow to deep."""

    @property
    def border(self) -> int:
        """Positions left out at each edge of every layer."""

    def channels(self) -> dict[str, int]:
        """Return the number of channels of each layer."""

    def positions(self, size: int) -> dict[str, int]:
        """Return how many positions each layer has along a side of `size` pixels."""

    def min_size(self, border: int) -> int:
        """Return the shortest side at which some layer has a position inside the border."""


def make_cases(architecture: Sizes, *, turned: bool = True) -> list[Case]:
    """Return what an export is verified on: photographs, noise and flat areas, in odd and even sizes.

    With `turned`, each photograph is there mirrored and upside down, too.
    """
    channels = architecture.channels()
    draw = np.random.default_rng(1)
    tutorial = {name: value for name, value in TUTORIAL.items() if name in channels} or dict.fromkeys(
        channels, 1
    )
    deepest = architecture.layers[-1]
    whole = ("tutorial's layers" if len(tutorial) == len(TUTORIAL) else "all", vector(channels, tutorial))
    objectives = [
        whole,
        (f"{deepest} alone", vector(channels, {deepest: 1.0})),
        whole,
        ("every channel apart", draw.uniform(0, 2, sum(channels.values())).astype(np.float32)),
    ]
    pictures = [*_photographs(architecture, turned), *_made_pictures(architecture, draw)]
    return [Case(name, image, *objectives[i % len(objectives)]) for i, (name, image) in enumerate(pictures)]


def vector(channels: Mapping[str, int], coefficients: Mapping[str, float]) -> Array:
    """Return the channel weights [C] that give each layer its coefficient."""
    return np.concatenate(
        [np.full(count, coefficients.get(name, 0.0), np.float32) for name, count in channels.items()]
    )


def _photographs(architecture: Sizes, turned: bool) -> Iterator[tuple[str, Array]]:
    """Yield the photographs in this package, as small as the deepest layer allows.

    To the network, a mirrored picture is a different picture.
    """
    side = next(
        side for side in itertools.count(1) if min(architecture.positions(side).values()) > 2 * BORDER
    )
    folder = resources.files("export") / "photographs"
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".jpg"):
            with path.open("rb") as file:
                picture = Image.open(file).convert("RGB")
            scale = side / min(picture.size)
            picture = picture.resize([round(length * scale) for length in picture.size])
            name, image = path.name.removesuffix(".jpg"), _to_range(np.asarray(picture))
            yield name, image
            if turned:
                yield f"{name}, mirrored", np.ascontiguousarray(image[:, :, ::-1])
                yield f"{name}, upside down", np.ascontiguousarray(image[:, ::-1])


def _made_pictures(architecture: Sizes, draw: np.random.Generator) -> Iterator[tuple[str, Array]]:
    """Yield what the photographs don't cover: exact ties, the smallest size, several pictures at once."""
    smallest = architecture.min_size(architecture.border)
    rows, columns = np.mgrid[0:130, 0:151]
    sky = np.stack([90 + rows // 4, 140 + rows // 5, np.full_like(rows, 235)], axis=-1)
    card = np.full((140, 143, 3), 119)
    paper = np.where(((rows // 9) % 3 == 0) & ((columns // 5) % 2 == 0), 20, 255)
    yield "sky, steps of 1", _to_range(sky)
    yield "grey card", _to_range(card)
    yield "black on paper", _to_range(np.repeat(paper[:, :, np.newaxis], 3, axis=2))
    yield "noise", draw.uniform(-1, 1, (1, 300, 301, 3)).astype(np.float32)
    yield "smallest", draw.uniform(-1, 1, (1, smallest, smallest, 3)).astype(np.float32)
    yield "three at once", draw.uniform(-1, 1, (3, 128, 145, 3)).astype(np.float32)


def _to_range(pixels: NDArray[np.integer]) -> Array:
    """Scale pixels [H, W, 3] of 0 … 255 to a batch of one in [-1, 1]."""
    return (pixels / 127.5 - 1).astype(np.float32)[np.newaxis]
