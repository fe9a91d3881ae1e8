"""A GPU in software: Chromium's SwiftShader, a Vulkan that computes on the processor, for tests of WebGPU.

Vulkan's loader reads its variables when it is loaded, so what computes there is a process of its own.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from engine.network.webgpu import PACKAGE, SOFTWARE

CHROMIUM = Path("/usr/lib/chromium")
DRIVER = CHROMIUM / "vk_swiftshader_icd.json"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process that finds SwiftShader as its only GPU; skip where there is none.

    Chromium brings Vulkan's loader, too.
    """
    if not DRIVER.is_file():
        pytest.skip("no Vulkan in software: Debian's chromium is not installed")
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("ONNX Runtime's plug-in for WebGPU is not installed: the extra [webgpu]")
    return {
        **os.environ,
        SOFTWARE: "1",
        "VK_ICD_FILENAMES": str(DRIVER),
        "LD_LIBRARY_PATH": str(CHROMIUM),
        "XDG_RUNTIME_DIR": str(folder),
    }
