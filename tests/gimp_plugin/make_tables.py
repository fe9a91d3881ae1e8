"""Write the plug-in's tables of settings and presets: python -m tests.gimp_plugin.make_tables.

The settings are those of `engine.settings.config.DreamConfig`, as their `Dialog` shows them; the presets are
those in engine/presets/.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from engine.settings import presets
from engine.settings.config import DreamConfig, settings
from engine.settings.selectors import format_layers
from engine.settings.setting import Setting
from gimp_plugin.deepdream_common import parameters
from gimp_plugin.deepdream_common.parameter import Parameter

from .conftest import PLUGIN

SETTINGS = PLUGIN / "deepdream_common" / "settings_table.py"
PRESETS = PLUGIN / "deepdream_common" / "presets.py"

LARGEST_INT = 2**31 - 1
"""Where GIMP's whole numbers end."""


def parameter(name: str, setting: Setting) -> Parameter:
    """Return a setting as the plug-in has it: by the argument's name, 0 for None, the tutorial's value."""
    dialog = setting.dialog
    assert dialog is not None, f"{name} has no Dialog: what is its label in GIMP?"
    whole = setting.kind is int
    number = setting.kind is not bool
    assert setting.low >= 0 or not setting.optional, f"{name}: 0 stands for None, so it cannot be a value"
    low = setting.kind(0 if setting.optional else setting.low)
    high = setting.kind(min(setting.high, LARGEST_INT) if whole else setting.high)
    return Parameter(
        name=name.replace("_", "-"),
        kind=setting.kind.__name__,
        default=setting.kind(getattr(DreamConfig(), name) or 0),
        low=low if number else None,
        high=high if number else None,
        step=(dialog.step or (1 if whole else 0.1)) if number else None,
        digits=(0 if whole else dialog.digits) if number else None,
        slider=(*(dialog.slider or (low, high)), dialog.gamma) if number else None,
        label=dialog.label,
        blurb=dialog.tooltip or setting.help[:1].upper() + setting.help[1:],
        choices=(),
        option=setting.option,
        least=setting.kind(setting.low) if setting.optional else None,
    )


def look() -> tuple[Parameter, ...]:
    """Return the settings that a dialog shows at once, in their order."""
    placed = {x: setting.dialog.at_once for x, setting in settings().items() if setting.dialog}
    return tuple(parameter(x, settings()[x]) for x in sorted(placed, key=lambda x: placed[x]) if placed[x])


def more() -> tuple[Parameter, ...]:
    """Return all others that a dialog has: numbers first, then switches, each in the order of the fields."""
    placed = {x.name for x in look()}
    found = [parameter(name, setting) for name, setting in settings().items() if setting.dialog]
    return tuple(sorted((x for x in found if x.name not in placed), key=lambda x: x.kind == "bool"))


def entry(name: str) -> tuple[str, str, str, dict[str, Any]]:
    """Return a preset's name, title, description, and the values that are not the tutorial's."""
    preset = presets.load(name)
    sliders = {layer.name for layer in parameters.LAYERS}
    layers = {x: value for x, value in preset.config.layers.items() if x in sliders}
    channels = {x: value for x, value in preset.config.layers.items() if x not in sliders}
    values = {x: setting.kind(getattr(preset.config, x) or 0) for x, setting in settings().items()}
    values = {name.replace("_", "-"): value for name, value in values.items()}
    values |= {x: layers.get(x, 0.0) for x in sliders} | {"channels": format_layers(channels)}
    changed = {x.name: values[x.name] for x in parameters.TUTORIAL if values[x.name] != x.default}
    return preset.name, preset.title, preset.description, changed


def literal(value: object) -> str:
    """Write a value as Python does; a long text in parts, each short enough for a line."""
    if not isinstance(value, str):
        return repr(value)
    parts = textwrap.wrap(value, 80, drop_whitespace=False) or [""]
    return " ".join(repr(part) for part in parts)


def settings_text() -> str:
    """Return what follows the head of the table of settings, as Python that nobody has formatted."""
    parts = []
    for name, rows, text in (
        ("LOOK", look(), "What a dialog shows at once, with the layers."),
        ("MORE", more(), "What a dialog keeps for those who look for it."),
    ):
        entries = "".join(
            f"Parameter({', '.join(f'{field}={literal(value)}' for field, value in x._asdict().items())}),\n"
            for x in rows
        )
        parts.append(f'{name} = (\n{entries})\n"""{text}"""\n')
    return "\n".join(parts)


def presets_text() -> str:
    """Return what follows the head of the table of presets, as Python that nobody has formatted."""
    entries = "".join(f"Preset({', '.join(map(literal, entry(name)))}),\n" for name in presets.built_in())
    return f"PRESETS = (\n{entries})\n"


def write(path: Path, text: str) -> None:
    """Replace all of a table but its head, which is written by hand."""
    head = path.read_text(encoding="utf-8").partition(text.partition("\n")[0] + "\n")[0]
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", path, "-"],
        input=head + text,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    path.write_text(formatted.stdout, encoding="utf-8")


def main() -> None:
    """Write both tables."""
    write(SETTINGS, settings_text())
    write(PRESETS, presets_text())


if __name__ == "__main__":
    main()
