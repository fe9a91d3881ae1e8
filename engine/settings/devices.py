"""The devices that a model can compute on: how people name them, and how a dream tells of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.errors import UsageError

FORMS: Final = ("auto", "cpu", "cuda", "cuda:N", "webgpu")
"""What `--device` takes: `auto` is the first that works of CUDA, a real GPU by WebGPU, and the CPU.

A GPU that was measured slower than the CPU is left out: engine/network/measured.py.
"""

USED: Final = re.compile(r"cpu|cuda:\d{1,3}|webgpu: [ -~]{1,100}")
"""What computed, as a model and a recipe tell it: a GPU that WebGPU found has its name there."""

_FORM: Final = re.compile(r"(auto|cpu|webgpu)|cuda(?::(\d+))?")


@dataclass(frozen=True)
class Device:
    """A device that is asked for."""

    kind: str
    """`auto`, `cpu`, `cuda` or `webgpu`."""

    index: int = 0
    """The number of a CUDA device."""


def parse(text: str) -> Device:
    """Read the value of `--device`; raise UsageError for anything that is not one of `FORMS`."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise UsageError(f"--device {text} is not a device", hint=f"there are: {', '.join(FORMS)}")
    return Device(form[1] or "cuda", int(form[2] or 0))


def kind_of(device: str) -> str:
    """Return a device without its number or name."""
    return device.partition(":")[0]


def as_option(device: str) -> str:
    """Return what `--device` takes for a device that computed."""
    return "webgpu" if kind_of(device) == "webgpu" else device
