"""DeepDream as an ordinary picture tool.

```python
import engine

dream = engine.dream("photo.jpg", layers="mixed3=0.5,mixed4=2", progress=print)
dream.save("dream.png")
```

Importing this package loads nothing heavy: names come when they are first used, from the homes that
`__init__.pyi` gives them.

The folders, from the top down; each imports only from those below it:

```
cli/                      the command line
batch/ studio/            many pictures in one order; the page in the browser
films/ galleries/ pipe/   films, sheets, frames for editors
library/                  one picture, from its file to its result
ascent/                   the algorithm, and what wraps itself round a gradient
network/ files/           model files, picture files
settings/ pictures/       what can be chosen; a picture in memory
atomic leftovers          files that appear whole or not at all
errors forks machine paths processes stop   what anything may need
```

`models/` holds the embedded model, `presets/` the looks that come with it.
"""

from __future__ import annotations


def _homes() -> dict[str, str]:
    """Return where each public name lives, read once from the list in `__init__.pyi`."""
    if not _HOMES:
        import re  # noqa: PLC0415 - this module stays light: the command line comes through it
        from importlib import resources  # noqa: PLC0415 - importing engine costs nothing

        text = resources.files("engine").joinpath("__init__.pyi").read_text("utf-8")
        found = re.findall(r"^from (\S+) import (\w+) as", text, re.MULTILINE)
        _HOMES.update({name: home for home, name in found})
    return _HOMES


_HOMES: dict[str, str] = {}


def __getattr__(name: str) -> object:
    if name == "__all__":
        return sorted(_homes())
    if name in _homes():
        from importlib import import_module  # noqa: PLC0415 - importing engine costs nothing

        return getattr(import_module(_homes()[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_homes())
