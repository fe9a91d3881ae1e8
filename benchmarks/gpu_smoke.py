"""Try each GPU of this computer, and print a block of text to send back: python benchmarks/gpu_smoke.py.

One file; it needs the engine with the extra [gpu] or [webgpu], no network, and two minutes at most.  Each
device has a process of its own, so that a driver that crashes or hangs becomes a line, too.  Nothing is kept
or sent: what it prints is all.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DEVICES = ("cpu", "cuda", "webgpu")
PACKAGES = ("deepdream-onnx", "onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-webgpu", "numpy")

SECONDS = 38.0
"""What a device's process may take; three of them are two minutes."""

GOING = 0.6
"""Share of these after which it begins nothing new."""

SIDES = (256, 512, 1024)
"""Sides of the pictures whose steps are timed."""


def main() -> None:
    """Try all devices, one after another; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=DEVICES, help="try this one only, and print JSON")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="sides of the pictures")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each device, at most (38)")
    options = parser.parse_args()
    if options.device:
        tell(options.device, options.sides, options.seconds)
        return
    print("--- DeepDream: what this computer's GPUs do")
    print(f"system: {platform.platform()}, {platform.machine()}, Python {platform.python_version()}")
    print("packages: " + ", ".join(versions()))
    for device in DEVICES:
        print(f"\n{device}:")
        for line in tried(device, options.sides, options.seconds):
            print(f"  {line}", flush=True)
    print("\n--- Please send all of this to the project, and add the name of the card and of its driver.")


def versions() -> list[str]:
    """Return the packages that are installed, with their versions."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def tried(device: str, sides: list[int], seconds: float) -> list[str]:
    """Return what a process of its own found out about a device."""
    words = [sys.executable, __file__, "--device", device, "--seconds", str(seconds)]
    words += ["--sides", *map(str, sides)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)
        out, err, ended = done.stdout, done.stderr, f"ended with code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        out, err = as_text(error.stdout), as_text(error.stderr)
        ended = f"was not ready after {seconds:.0f} s"
    facts = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    lines = [f"{x['what']}: {x['said']}" for x in facts]
    if not any(x["what"] == "end" for x in facts):
        lines += [f"it {ended}", *(x for x in err.splitlines()[-3:] if x)]
    return [x for x in lines if not x.startswith("end")]


def as_text(output: Any) -> str:
    """Return what a process has said that was ended."""
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""


def tell(device: str, sides: list[int], seconds: float) -> None:
    """Try a device in this process; print a line of JSON for each fact."""
    from engine.errors import DreamError
    from engine.network import ort, webgpu
    from engine.network.model import load_model

    began = time.perf_counter()
    try:
        if device == "webgpu":  # before it is opened, which some drivers do not survive
            say("adapter", webgpu.find(ort.load(), software=True).adapter)
        model = load_model(device=device)
        say("opened", f"{model.device}, in {time.perf_counter() - began:.1f} s")
        for what, check in checks(model, sides):
            if time.perf_counter() - began > GOING * seconds:
                say(what, "no time was left")
                continue
            say(what, check())
    except DreamError as error:
        say("error", f"{error} ({error.hint})")
    say("end", "")


def say(what: str, said: object) -> None:
    """Print a fact."""
    print(json.dumps({"what": what, "said": str(said)}), flush=True)


def checks(model: Any, sides: list[int]) -> list[tuple[str, Callable[[], str]]]:
    """Return what is tried, in this order."""
    side = min(256, *sides)
    found: list[tuple[str, Callable[[], str]]] = []
    if model.device != "cpu":
        found = [(f"gradient of {side}x{side} against the CPU", partial(compared, model, side))]
    found += [(f"step of {x}x{x}", partial(timed, model, x)) for x in sides]
    found += [("dream of 384x256, 3 octaves of 5 steps", lambda: dreamed(model, 384, 256))]
    found += [("dream of 2000x1500, 1 octave of 1 step, in tiles", lambda: dreamed(model, 2000, 1500, 1, 1))]
    return found


def noise(width: int, height: int) -> Any:
    """Return a picture of noise with forms of all sizes, in the model's range."""
    import numpy as np
    from PIL import Image

    random, picture = np.random.default_rng(0), np.zeros((height, width, 3), np.float32)
    for side in (4, 16, 64, 256):
        grains = Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8))
        picture += np.asarray(grains.resize((width, height)), np.float32) / 4
    return picture / 127.5 - 1


def step(model: Any, side: int) -> Any:
    """Return loss and gradient of a picture, toward the tutorial's layers."""
    return model(noise(side, side), model.channel_weights({"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0}))


def compared(model: Any, side: int) -> str:
    """Say how far a device's gradient is from the CPU's."""
    import numpy as np

    from engine.network.model import load_model

    (loss, ours), (right_loss, right) = step(model, side), step(load_model(device="cpu"), side)
    error = np.linalg.norm(ours - right) / np.linalg.norm(right)
    again = "the same bytes" if np.array_equal(step(model, side)[1], ours) else "other bytes"
    return f"off by {error:.1e}, the loss by {abs(loss / right_loss - 1):.1e}; a second time {again}"


def timed(model: Any, side: int) -> str:
    """Say how long a step takes, cold and warm."""
    seconds: list[float] = []
    while len(seconds) < 6 and sum(seconds) < 6:
        began = time.perf_counter()
        step(model, side)
        seconds.append(time.perf_counter() - began)
    warm = f", then {statistics.median(seconds[1:]) * 1000:.0f} ms" if len(seconds) > 1 else ""
    return f"{seconds[0] * 1000:.0f} ms the first time{warm}"


def dreamed(model: Any, width: int, height: int, octaves: int = 3, iterations: int = 5) -> str:
    """Say how long a dream takes, and how much it changed."""
    import numpy as np

    import engine

    picture = ((noise(width, height) + 1) * 127.5).astype(np.uint8)
    began = time.perf_counter()
    dream = engine.dream(picture, model=model, octaves=octaves, iterations=iterations, max_loss=None)
    seconds = time.perf_counter() - began
    change = np.abs(np.asarray(dream.image).astype(int) - picture).mean()
    return f"{seconds:.1f} s, changed by {change:.1f} of 255"


if __name__ == "__main__":
    main()
