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
from engine.errors import DeviceError, UsageError
from engine.settings.presets import PRESETS
from engine.settings.selectors import format_number

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter
    from engine.network.model import DreamModel

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

USUAL: Final = 512
"""Side of the square picture that steps are timed on."""

HELP: Final = "show versions, the devices that work, and the model's metadata"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `info`."""
    options.add_model(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--measure",
        nargs="?",
        type=int,
        const=USUAL,
        metavar="SIDE",
        help="time a step on each device that works, on a square picture of that side (512); at 512, "
        "--device auto heeds from then on whether a GPU or the CPU was faster",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Show versions, the devices that work, and the model's metadata."""
    from engine import machine
    from engine.ascent import tiles
    from engine.settings.tiling import Tiling

    if arguments.measure is not None and not 64 <= arguments.measure <= 4096:
        raise UsageError(f"--measure {arguments.measure} is out of range", hint="from 64 to 4096")
    model = open_model(arguments, "cpu")
    opened = {name: _opened(arguments, name) for name in ("cuda", "webgpu")}
    working = {"cpu": model, **{name: x for name, x in opened.items() if not isinstance(x, DeviceError)}}
    seconds = {}
    if arguments.measure is not None:
        seconds = {name: _seconds(x, arguments.measure) for name, x in working.items()}
        if arguments.measure == USUAL and arguments.model is None:
            _keep(working, seconds, reporter)
    facts: dict[str, dict[str, Any]] = {
        "versions": _versions(),
        "machine": {"threads": model.threads, "free memory": _amount(machine.available_memory())},
        "devices": {
            "cpu": "works",
            **{name: _state(x) for name, x in opened.items()},
            "auto": _chosen(working),
        },
        "tiles": tiles.limits(model, Tiling()),
        "model": {"file": model.name, **_plain(model.metadata)},
        "presets": {name: _plain(preset) for name, preset in PRESETS.items()},
    }
    if seconds:
        facts[f"a step of {arguments.measure}x{arguments.measure}"] = {
            working[name].device: f"{time * 1000:.0f} ms" for name, time in seconds.items()
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
        "onnxruntime-ep-webgpu",
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


def _opened(arguments: argparse.Namespace, device: str) -> DreamModel | DeviceError:
    """Return the model on a device, or why it does not work there."""
    try:
        return open_model(arguments, device)
    except DeviceError as error:
        return error


def _state(opened: DreamModel | DeviceError) -> str:
    """Say whether a device works, and what is known of it."""
    if isinstance(opened, DeviceError):
        return str(opened)
    known, adapter = [opened.device], opened.adapter
    if adapter is not None:
        known += [x for x in (adapter.maker, adapter.kind) if x]
        known += [f"buffers of up to {machine.amount(adapter.largest)}"] if adapter.largest else []
    return f"works ({', '.join(known)})"


def _chosen(working: dict[str, DreamModel]) -> str:
    """Return what `--device auto` takes, and why where that is no matter of course."""
    from engine.network import measured

    if "cuda" in working:
        return working["cuda"].device
    cpu, gpu = working["cpu"], working.get("webgpu")
    if gpu is None or gpu.adapter is None or gpu.adapter.kind == "software":
        return cpu.device
    slower = measured.slower(gpu.device, gpu.runtime, cpu.threads)
    return f"cpu ({slower})" if slower else gpu.device


def _keep(working: dict[str, DreamModel], seconds: dict[str, float], reporter: Reporter) -> None:
    """Remember which of CPU and GPU is faster, where WebGPU found one."""
    from engine.network import measured

    if "webgpu" not in working:
        return
    gpu, threads = working["webgpu"], working["cpu"].threads
    try:
        measured.keep(gpu.device, gpu.runtime, threads, seconds["webgpu"], seconds["cpu"])
    except OSError as error:
        reporter.warning(f"what was measured cannot be kept: {error.strerror or error}")


def _seconds(model: DreamModel, side: int) -> float:
    """Return how long a step of the default look takes on a square picture: the fastest of three."""
    import time

    import numpy as np

    from engine.ascent import tiles
    from engine.settings.config import fit_layers
    from engine.settings.presets import DEFAULT, configure
    from engine.settings.tiling import Tiling

    default, look = model.metadata.default_layers, configure(DEFAULT, {})
    config, _ = fit_layers(look, model.layer_names, default=default, chosen="nothing")
    tiling = Tiling()
    size = tiles.tile_size(model, tiling, (side, side))
    gradient = tiles.gradient(model, model.channel_weights(config.layers), tiling, size, seed=0)
    image = np.random.default_rng(0).uniform(-1, 1, (side, side, 3)).astype(np.float32)
    seconds = []
    for _ in range(4):  # the first one prepares
        began = time.perf_counter()
        gradient(image)
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


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
