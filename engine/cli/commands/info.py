"""`deepdream info`: what is installed, and what works."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from engine import machine
from engine._version import __version__
from engine.cli import console, options
from engine.cli.commands.common import open_model
from engine.errors import DeviceError
from engine.settings.presets import PRESETS
from engine.settings.selectors import format_number

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "show versions, the devices that work, and the model's metadata"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `info`."""
    options.add_model(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, _reporter: Reporter) -> int:
    """Show versions, the devices that work, and the model's metadata."""
    from engine import machine
    from engine.ascent import tiles
    from engine.settings.tiling import Tiling

    model = open_model(arguments, "cpu")
    facts: dict[str, dict[str, Any]] = {
        "versions": _versions(),
        "machine": {"threads": model.threads, "free memory": _amount(machine.available_memory())},
        "devices": {"cpu": "works", "cuda": _cuda_state(arguments)},
        "tiles": tiles.limits(model, Tiling()),
        "model": {"file": model.name, **_plain(model.metadata)},
        "presets": {name: _plain(preset) for name, preset in PRESETS.items()},
    }
    if arguments.json:
        console.say(json.dumps(facts))
        return 0
    for title, entries in facts.items():
        console.say(title)
        width = max(map(len, entries))
        for name, value in entries.items():
            console.say(f"  {name:<{width}}  {_readable(value)}")
    return 0


def _versions() -> dict[str, str]:
    import platform
    from importlib import metadata

    found = {
        "deepdream": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()}-{platform.release()}-{platform.machine()}",
    }
    extras = ("tifffile", "imagecodecs", "pillow-heif", "pillow-jxl-plugin")
    for name in (
        "onnxruntime",
        "onnxruntime-gpu",
        "numpy",
        "pillow",
        "protobuf",
        "psutil",
        "wcwidth",
        *extras,
    ):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _cuda_state(arguments: argparse.Namespace) -> str:
    try:
        return f"works ({open_model(arguments, 'cuda').device})"
    except DeviceError as error:
        return str(error)


def _amount(count: int | None) -> str:
    return "unknown" if count is None else machine.amount(count)


def _plain(record: Any) -> dict[str, Any]:
    """Return one of our dataclasses in a form that JSON can write."""
    values = {x.name: getattr(record, x.name) for x in fields(record)}
    for name, value in values.items():
        if isinstance(value, Mapping):
            values[name] = dict(value)
        elif isinstance(value, tuple):
            values[name] = [_plain(x) if is_dataclass(x) else x for x in value]
        elif is_dataclass(value):
            values[name] = _plain(value)
    return values


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return (
            value["name"] if "name" in value else ", ".join(f"{k} {_readable(v)}" for k, v in value.items())
        )
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return format_number(value)
    return " ".join(map(_readable, value)) if isinstance(value, list) else str(value)
