"""Write docs/openapi.json anew: python -m tests.engine.studio.make_openapi."""

from __future__ import annotations

import json
from pathlib import Path

from engine.studio.app import api

FILE = Path(__file__).parents[3] / "docs" / "openapi.json"


def text() -> str:
    """What the server says of itself; without the version, which would change with each."""
    document = api().openapi()
    document["info"]["version"] = "1"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
