"""Write the plug-in's table of presets from the engine's files: python -m tests.gimp_plugin.make_presets."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

from engine.settings import presets
from engine.settings.selectors import format_layers
from gimp_plugin.deepdream_common import parameters

from .conftest import PLUGIN

TABLE = PLUGIN / "deepdream_common" / "presets.py"


def entry(name: str) -> tuple[str, str, str, dict[str, Any]]:
    """Return a preset's name, title, description, and the values that are not the dialog's defaults."""
    preset = presets.load(name)
    sliders = {layer.name for layer in parameters.LAYERS}
    layers = {x: value for x, value in preset.config.layers.items() if x in sliders}
    channels = {x: value for x, value in preset.config.layers.items() if x not in sliders}
    values = {x.name: getattr(preset.config, x.name.replace("-", "_")) or 0 for x in parameters.SETTINGS}
    values |= {x.name: bool(values[x.name]) for x in parameters.SETTINGS if x.kind == "bool"}
    values |= {x: layers.get(x, 0.0) for x in sliders} | {"channels": format_layers(channels)}
    changed = {x.name: values[x.name] for x in parameters.IN_PRESET if values[x.name] != x.default}
    return preset.name, preset.title, preset.description, changed


def literal(value: object) -> str:
    """Write a value as Python does; a long text in parts, each short enough for a line."""
    if not isinstance(value, str):
        return repr(value)
    parts = textwrap.wrap(value, 90, drop_whitespace=False) or [""]
    return " ".join(repr(part) for part in parts)


def main() -> None:
    """Write the table."""
    head = TABLE.read_text(encoding="utf-8").partition("PRESETS = (")[0]
    entries = "".join(f"Preset({', '.join(map(literal, entry(name)))}),\n" for name in presets.built_in())
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", TABLE, "-"],
        input=f"{head}PRESETS = (\n{entries})\n",
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    TABLE.write_text(formatted.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
