"""DeepDream as an ordinary picture tool.

```python
import engine

dream = engine.dream("photo.jpg", layers="mixed3=0.5,mixed4=2", progress=print)
dream.save("dream.png")
```

Importing this package loads nothing heavy: names come when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine._version import __version__

if TYPE_CHECKING:
    from engine.config import DreamConfig
    from engine.errors import (
        Cancelled,
        DeviceError,
        DreamError,
        ImageError,
        ModelError,
        UsageError,
        WireError,
    )
    from engine.formats import Output
    from engine.galleries import Gallery, gallery
    from engine.library import Dream, dream, finish, steps
    from engine.model import DreamModel, load_model
    from engine.picture import Picture
    from engine.presets import PRESETS
    from engine.progress import Step
    from engine.ranking import RankedChannel, rank_channels
    from engine.recipe import Recipe
    from engine.repeating import read_recipe
    from engine.tiling import Tiling

__all__ = [
    "PRESETS",
    "Cancelled",
    "DeviceError",
    "Dream",
    "DreamConfig",
    "DreamError",
    "DreamModel",
    "Gallery",
    "ImageError",
    "ModelError",
    "Output",
    "Picture",
    "RankedChannel",
    "Recipe",
    "Step",
    "Tiling",
    "UsageError",
    "WireError",
    "__version__",
    "dream",
    "finish",
    "gallery",
    "load_model",
    "rank_channels",
    "read_recipe",
    "steps",
]

_HOMES = {
    "engine.config": ("DreamConfig",),
    "engine.errors": (
        "Cancelled",
        "DeviceError",
        "DreamError",
        "ImageError",
        "ModelError",
        "UsageError",
        "WireError",
    ),
    "engine.formats": ("Output",),
    "engine.galleries": ("Gallery", "gallery"),
    "engine.library": ("Dream", "dream", "finish", "steps"),
    "engine.model": ("DreamModel", "load_model"),
    "engine.picture": ("Picture",),
    "engine.presets": ("PRESETS",),
    "engine.progress": ("Step",),
    "engine.ranking": ("RankedChannel", "rank_channels"),
    "engine.recipe": ("Recipe",),
    "engine.repeating": ("read_recipe",),
    "engine.tiling": ("Tiling",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
