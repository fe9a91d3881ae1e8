"""The GPUs that Vulkan offers on Linux, with their names and limits.

WebGPU computes there by Vulkan, and does not tell on what: a card, or a program that only pretends to be one
and is many times slower than the CPU.  So Vulkan itself is asked, in the order in which WebGPU chooses.
Numbers and structures are those of the Vulkan 1.0 specification.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import DeviceError

KINDS: Final = {2: "discrete", 1: "integrated", 3: "virtual", 0: "other", 4: "software"}
"""Vulkan's kinds of devices; WebGPU prefers the first of these that there is."""

MAKERS: Final = {
    0x1002: "AMD",
    0x1010: "Imagination",
    0x106B: "Apple",
    0x10DE: "NVIDIA",
    0x13B5: "Arm",
    0x1414: "Microsoft",
    0x1AE0: "Google",
    0x10005: "Mesa",
    0x5143: "Qualcomm",
    0x8086: "Intel",
}
"""Makers by their numbers, PCI's or Khronos'."""

MOST: Final = 16
"""Devices that are looked at."""


@dataclass(frozen=True)
class Adapter:
    """A GPU, as its driver describes it."""

    name: str
    """In ASCII that can be printed."""

    maker: str
    """Empty if unknown."""

    kind: str
    """`discrete`, `integrated`, `virtual`, `other` or `software`; empty if unknown."""

    largest: int | None
    """Bytes of the largest buffer that a computation can take; None if unknown."""


class _InstanceInfo(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    )


class _Properties(ctypes.Structure):
    """The beginning of VkPhysicalDeviceProperties, and room for the rest."""

    _fields_ = (
        ("api", ctypes.c_uint32),
        ("driver", ctypes.c_uint32),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("kind", ctypes.c_uint32),
        ("name", ctypes.c_char * 256),
        ("cache", ctypes.c_uint8 * 16),
        ("limits", ctypes.c_uint64 * 128),  # which are aligned as 64 bits are
    )


def adapters() -> list[Adapter]:
    """Return the GPUs, WebGPU's choice first; raise DeviceError where Vulkan is not installed."""
    try:
        vulkan = ctypes.CDLL("libvulkan.so.1")
    except OSError as error:
        raise DeviceError(
            "WebGPU needs Vulkan, and there is no libvulkan.so.1",
            hint="Debian and Ubuntu: apt install libvulkan1 mesa-vulkan-drivers; or use --device cpu",
        ) from error
    instance = ctypes.c_void_p()
    info = _InstanceInfo(type=1)
    if vulkan.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance)) != 0:
        return []  # no driver
    try:
        found = [_described(vulkan, x) for x in _devices(vulkan, instance)]
    finally:
        vulkan.vkDestroyInstance(instance, None)
    return sorted(found, key=lambda x: list(KINDS.values()).index(x.kind))


def _devices(vulkan: Any, instance: ctypes.c_void_p) -> list[ctypes.c_void_p]:
    count, handles = ctypes.c_uint32(MOST), (ctypes.c_void_p * MOST)()
    result = vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    return [ctypes.c_void_p(x) for x in handles[: count.value]] if result >= 0 else []


def _described(vulkan: Any, handle: ctypes.c_void_p) -> Adapter:
    told = _Properties()
    vulkan.vkGetPhysicalDeviceProperties(handle, ctypes.byref(told))
    largest = ctypes.cast(told.limits, ctypes.POINTER(ctypes.c_uint32))[7]  # maxStorageBufferRange
    name = told.name.decode("ascii", "replace")
    return Adapter(plain(name), MAKERS.get(told.vendor, ""), KINDS.get(told.kind, "other"), largest)


def plain(name: str) -> str:
    """Return a device's name in what a recipe and a terminal can show: 100 ASCII letters at most."""
    return "".join(x if " " <= x <= "~" else "?" for x in name).strip()[:100].rstrip() or "unnamed"
