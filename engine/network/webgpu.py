"""WebGPU: GPUs of any maker, by ONNX Runtime's plug-in, which uses Direct3D 12, Metal or Vulkan.

Two things it does not do by itself.  It takes any adapter there is, even one that is a program.  And what
goes wrong on the GPU it only writes to its log, and computes on with what is in its buffers: so the log is
heard (engine/network/faults.py), and no result counts during which it said something.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import DeviceError
from engine.forks import calls, once, process
from engine.network import ort, vulkan
from engine.network.faults import LOST, faults
from engine.network.vulkan import Adapter, plain

PROVIDER: Final = "WebGpuExecutionProvider"
PACKAGE: Final = "onnxruntime_ep_webgpu"
SOFTWARE: Final = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"
"""The variable that lets the plug-in compute in software, which is for tests."""

NEEDED: Final = ("get_ep_devices", "register_execution_provider_library", "set_default_logger_callback")
"""What ONNX Runtime needs to have: the newest of these came with 1.32."""


@dataclass(frozen=True)
class Found:
    """The GPU that WebGPU computes on."""

    device: Any
    """As ONNX Runtime takes it."""

    adapter: Adapter


def find(runtime: Any, *, software: bool) -> Found:
    """Return the GPU that WebGPU computes on; raise DeviceError with the way out where there is none.

    A program that pretends to be a GPU is taken only if `software` and the variable `SOFTWARE` both say so.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise ort.Absent(
            "ONNX Runtime's plug-in for WebGPU is not installed",
            hint='pip install "deepdream-onnx[webgpu]"; or use --device cpu',
        )
    if not all(hasattr(runtime, x) for x in NEEDED):
        raise _too_old(runtime)
    offered = _offered()
    if offered is not None:  # otherwise nothing is loaded in vain
        _check(offered[:1], software=software)
    if _register(runtime) is not process():  # the plug-in's threads have stayed there: it would wait for ever
        raise ort.forked("webgpu")
    devices = sorted((x for x in runtime.get_ep_devices() if x.ep_name == PROVIDER), key=_is_no_card)
    found = [Found(x, offered[0] if offered else _described(x)) for x in devices[:1]]
    _check([x.adapter for x in found], software=software)
    return found[0]


def _check(adapters: list[Adapter], *, software: bool) -> None:
    """Raise Absent where there is no adapter, or only one that must not be taken."""
    if not adapters:
        raise ort.Absent(
            "WebGPU finds no GPU", hint="install the driver of your graphics card; or use --device cpu"
        )
    if adapters[0].kind == "software" and not (software and os.environ.get(SOFTWARE) == "1"):
        raise ort.Absent(
            f"WebGPU finds no GPU, only a program: {adapters[0].name}",
            hint=f"use --device cpu, which is faster; for tests, set {SOFTWARE}=1",
        )


def failure(adapter: Adapter, why: str) -> DeviceError:
    """Say why a GPU that is there does not work, and the way out."""
    if LOST.search(why):
        return ort.lost(f"webgpu: {adapter.name}")
    full = ort.OUT_OF_MEMORY.search(why)
    hint = "close other programs that use its memory" if full else "update the driver of your graphics card"
    return DeviceError(f"WebGPU does not work on {adapter.name}: {why}", hint=f"{hint}; or use --device cpu")


@once
def _offered() -> list[Adapter] | None:
    """Return what there is on Linux; None elsewhere, where only ONNX Runtime knows."""
    if sys.platform != "linux":
        return None
    try:
        with calls():
            return vulkan.adapters()
    except DeviceError as error:
        raise ort.Absent(str(error), hint=error.hint) from error


@once
def _register(runtime: Any) -> object:
    """Load the plug-in, once, and hear its log from now on; return the process that did it."""
    import onnxruntime_ep_webgpu as plugin  # noqa: PLC0415 - an extra

    runtime.set_default_logger_callback(faults.hear, ort.ERROR)
    faults.listening = True
    if any(x.ep_name == PROVIDER for x in runtime.get_ep_devices()):
        return process()  # the program that imported this one has done it
    try:
        runtime.register_execution_provider_library("webgpu", plugin.get_library_path())
    except Exception as error:  # the runtime's exceptions have no base of their own
        if "minimum required version" in str(error):
            raise _too_old(runtime) from error
        raise DeviceError(
            f"ONNX Runtime's plug-in for WebGPU does not load: {ort.reason(error)}",
            hint='reinstall it: pip install --force-reinstall "deepdream-onnx[webgpu]"',
        ) from error
    return process()


def _too_old(runtime: Any) -> DeviceError:
    return DeviceError(
        f"the installed ONNX Runtime {runtime.__version__} is too old for WebGPU",
        hint='pip install --upgrade "deepdream-onnx[webgpu]"; or use --device cpu',
    )


def _is_no_card(device: Any) -> bool:
    """Order devices as WebGPU does, which chooses by itself: a card of its own before the processor's."""
    return _facts(device).get("Discrete") != "1"


def _described(device: Any) -> Adapter:
    """Return what ONNX Runtime knows of a device."""
    facts, about = _facts(device), device.device
    maker = vulkan.MAKERS.get(about.vendor_id, str(about.vendor or ""))
    name = facts.get("Description") or f"{maker} {about.device_id:04x}"
    kind = {"1": "discrete", "0": "integrated"}.get(facts.get("Discrete", ""), "")
    if about.vendor_id == 0x1414 or "CPU" in str(about.type):  # Microsoft's Basic Render Driver
        kind = "software"
    return Adapter(plain(name), plain(maker), kind, None)


def _facts(device: Any) -> dict[str, str]:
    return dict(device.device.metadata or {})
