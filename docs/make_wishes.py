"""Make the pictures of docs/wishes.md, one strip a wish: python docs/make_wishes.py [WISH...].

Some ten minutes on two cores for all of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Final

from make_pictures import photograph
from PIL import Image

import engine

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures" / "wishes"
WIDTH: Final = 1200
"""Of a strip, in pixels."""

LARGEST: Final = 448
"""Longer side of a picture to dream on, in pixels."""

MOUNTAINS = "examples/mountains.jpg"
ASTRONAUT = "examples/astronaut.jpg"
PALACE = "examples/palace.jpg"
SUNSET = "examples/sunset.jpg"
GUIDES: Final = {"dogs": ROOT / "examples" / "dogs.jpg", "palace": ROOT / PALACE}
MASK: Final = ROOT / "examples" / "astronaut-mask.png"

WISHES: Final[dict[str, tuple[str, list[dict[str, Any]]]]] = {
    "strength": (MOUNTAINS, [{"step_size": 0.01}, {}, {"step_size": 0.04}]),
    "iterations": (MOUNTAINS, [{"iterations": 4}, {}, {"iterations": 40}]),
    "size": (MOUNTAINS, [{"min_size": 96}, {}, {"min_size": 280}]),
    "layer": (SUNSET, [{"layers": f"mixed{x}=1"} for x in (1, 3, 5)]),
    "channel": (MOUNTAINS, [{"layers": f"{x}=1"} for x in ("mixed4:705", "mixed4:102", "mixed5:755")]),
    "colours": (PALACE, [{"natural_colours": 0.3}, {}, {"keep_colours": True}]),
    "smooth": (SUNSET, [{"smooth": 0.0}, {}, {"smooth": 0.8}]),
    "close": (ASTRONAUT, [{"stay_close": 0.0}, {}, {"stay_close": 4.0}]),
    "blend": (ASTRONAUT, [{"blend": 0.3}, {"blend": 0.6}, {}]),
    "edge": (SUNSET, [{"margin": 0}, {}]),
    "dots": (SUNSET, [{"blur": 0.0}, {}, {"blur": 2.0}]),
    "guide": (MOUNTAINS, [{}, {"guide": "dogs"}, {"guide": "palace"}]),
    "mask": (ASTRONAUT, [{}, {"mask": True}]),
    "seed": (MOUNTAINS, [{"seed": x} for x in (0, 1, 2)]),
}
"""What each strip shows, left to right: the photograph, and the settings beside the default preset."""


def main() -> None:
    """Write the strips of some wishes, or of all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    model = engine.load_model(device="cpu")
    names = sys.argv[1:] or list(WISHES)
    for number, name in enumerate(names, 1):
        started = time.monotonic()
        source, settings = WISHES[name]
        picture = photograph(ROOT / source, LARGEST)
        strip([dreamed(picture, model, **x) for x in settings]).save(PICTURES / f"{name}.jpg", quality=82)
        sys.stderr.write(f"{number} of {len(names)}: {name}, {time.monotonic() - started:.0f} s\n")


def dreamed(picture: Image.Image, model: engine.DreamModel, **settings: Any) -> Image.Image:
    """Dream on a picture; a guide and a mask are named."""
    guide = settings.pop("guide", None)
    mask = photograph(MASK, LARGEST).convert("L") if settings.pop("mask", False) else None
    return engine.dream(picture, guide=GUIDES.get(guide), mask=mask, model=model, **settings).image


def strip(images: list[Image.Image]) -> Image.Image:
    """Put pictures of one shape next to each other, so that three of them fill the width."""
    width = WIDTH // 3
    height = round(images[0].height * width / images[0].width)
    row = Image.new("RGB", (width * len(images), height))
    for number, image in enumerate(images):
        row.paste(image.resize((width, height), Image.Resampling.LANCZOS), (number * width, 0))
    return row


if __name__ == "__main__":
    main()
