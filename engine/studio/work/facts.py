"""What computes: told when the studio starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import ImageError
from engine.files.formats import enable, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.studio.work.desk import Desk


def tell(job: dict[str, Any], desk: Desk) -> Iterator[dict[str, Any]]:
    """Open the model and tell of it, and of the formats that can be written here."""
    model = desk.model(job)
    yield {
        "event": "facts",
        "device": model.device,
        "fallback": model.fallback,
        "threads": model.threads,
        "model": model.name,
        "smallest": model.metadata.min_size,
        "layers": [{"name": x.name, "channels": x.channels, "block": x.block} for x in model.metadata.layers],
        "default_layers": dict(model.metadata.default_layers),
        "formats": list(_formats()),
    }


def _formats() -> Iterator[dict[str, Any]]:
    for name, form in names().items():
        try:
            enable(form, "")
        except ImageError:
            continue
        yield {
            "name": name,
            "title": form.name,
            "depths": list(form.depths),
            "alpha": "alpha" in form.keeps,
            "lossy": bool(form.options(1)),
        }
