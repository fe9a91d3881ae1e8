"""ONNX Runtime with a GPU that is only pretended: what is asked of CUDA or WebGPU is computed on the CPU.

Tensors on the device are copies, as they would be there, and it is written down what goes there and back.
"""

from __future__ import annotations

from types import SimpleNamespace

import onnxruntime

from engine.network.ort import CPU, CUDA
from engine.network.webgpu import PROVIDER as WEBGPU

FULL = """WebGPU device error(3): vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY
 - While calling [Device].CreateBuffer([BufferDescriptor]).
    at CheckVkOOMThenSuccessImpl (/build/Release/_deps/dawn-src/src/dawn/native/vulkan/VulkanError.cpp:119)
"""
"""What onnxruntime-ep-webgpu 0.4 says, seen with a Vulkan that gives out no more memory."""
LOST = """Non-zero status code returned while running MemcpyToHost node. Name:'Memcpy_token_237' \
Status Message: \
/onnxruntime_src/onnxruntime/core/providers/webgpu/buffer_manager.cc:641 void \
onnxruntime::webgpu::BufferManager::Download(WGPUBuffer, void*, size_t) const \
map_async_result.status == wgpu::MapAsyncStatus::Success was false. Failed to download data from buffer. \
wgpu::MapAsyncStatus value: 4, message: [Device] is lost.
"""
"""What it says once a Vulkan has lost its device."""


def pixels_of(shape) -> int:
    """Return how many pixels a batch of pictures has; 0 for other tensors."""
    return shape[0] * shape[1] * shape[2] if len(shape) == 4 else 0


class FakeBinding:
    """Inputs and outputs of a session on the device; on the CPU they are called otherwise."""

    def __init__(self, runtime: FakeRuntime, real) -> None:
        self._runtime, self.real, self.pixels = runtime, real, 0

    def bind_ortvalue_input(self, name: str, value) -> None:
        self.pixels = max(self.pixels, pixels_of(value.shape()))
        self.real.bind_ortvalue_input(name, value)

    def bind_output(self, name: str, device: str, index: int = 0) -> None:
        self._runtime.bound[name] = device
        self.real.bind_output(name)

    def __getattr__(self, name: str):
        return getattr(self.real, name)


class FakeOptions(onnxruntime.SessionOptions):
    """Options that take a device which is only pretended."""

    devices = ()
    entries = ()

    def add_session_config_entry(self, key, value) -> None:
        super().add_session_config_entry(key, value)
        self.entries = (*self.entries, (key, value))

    def add_provider_for_devices(self, devices, options) -> None:
        self.devices = devices


class FakeSession:
    """A session that says it runs on the providers asked for, and fails where it is told to."""

    def __init__(self, runtime: FakeRuntime, model: bytes, options, providers) -> None:
        self._runtime = runtime
        self._names = [x[0] if isinstance(x, tuple) else x for x in providers]
        self._on_gpu = self._names[0] != CPU
        if self._on_gpu and runtime.opening:
            raise RuntimeError(runtime.opening)
        if self._on_gpu and runtime.silent_fallback:
            del self._names[0]
        self._real = onnxruntime.InferenceSession(model, options, providers=[CPU])

    def get_providers(self) -> list[str]:
        return self._names

    def run(self, outputs, feeds, options=None):
        self._check(max(pixels_of(x.shape) for x in feeds.values()))
        results = self._real.run(outputs, feeds, options)
        return [x * self._runtime.factor for x in results] if self._on_gpu else results

    def io_binding(self) -> FakeBinding:
        return FakeBinding(self._runtime, self._real.io_binding())

    def run_with_iobinding(self, binding: FakeBinding, options=None) -> None:
        self._check(binding.pixels)
        self._real.run_with_iobinding(binding.real, options)

    def _check(self, pixels: int) -> None:
        runtime = self._runtime
        if self._on_gpu and runtime.running:
            raise RuntimeError(runtime.running)
        if self._on_gpu and runtime.reported:
            runtime.hear(3, "WebGPU", "", "", runtime.reported)
        if self._on_gpu and pixels > runtime.room:
            runtime.refused.append(pixels)
            runtime.hear(3, "WebGPU", "", "", FULL)

    def __getattr__(self, name: str):
        return getattr(self._real, name)


class FakeRuntime:
    __version__ = "9.9"
    __file__ = "/nowhere/onnxruntime/__init__.py"

    SessionOptions = FakeOptions

    def __init__(
        self, *, cuda=True, opening="", running="", silent_fallback=False, webgpu=(), registering=""
    ) -> None:
        self.cuda, self.opening, self.running, self.silent_fallback = cuda, opening, running, silent_fallback
        self.webgpu = webgpu
        """What ONNX Runtime knows of each GPU behind WebGPU."""
        self.registering = registering
        self.registered: list[str] = []
        self.reported = ""
        """What the GPU writes to the log at each run."""
        self.room = 1 << 62
        """How many pixels the GPU's memory holds."""
        self.refused: list[int] = []
        """How many it was given that it could not hold."""
        self.factor = 1.0
        """What the GPU multiplies its results by."""
        self.asked: list[object] = []
        self.sent: list[tuple[tuple[int, ...], str, int]] = []
        self.bound: dict[str, str] = {}
        self.OrtValue = SimpleNamespace(ortvalue_from_numpy=self._send)

    def _send(self, array, device: str = "cpu", index: int = 0):
        if device == "cpu":
            return onnxruntime.OrtValue.ortvalue_from_numpy(array)
        self.sent.append((array.shape, device, index))
        return onnxruntime.OrtValue.ortvalue_from_numpy(array.copy())

    def __getattr__(self, name: str):
        return getattr(onnxruntime, name)

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU] if self.cuda else [CPU]

    def get_ep_devices(self) -> list[SimpleNamespace]:
        found = self.webgpu if self.registered else ()
        return [SimpleNamespace(ep_name=CPU), *(SimpleNamespace(ep_name=WEBGPU, device=x) for x in found)]

    def register_execution_provider_library(self, name: str, path: str) -> None:
        if self.registering:
            raise RuntimeError(self.registering)
        self.registered.append(path)

    def set_default_logger_callback(self, hear, severity: int) -> None:
        assert severity == 3
        self.hear = hear

    def preload_dlls(self) -> None:
        print("Failed to load libcudnn.so.9")

    def InferenceSession(self, model, options, *, providers, enable_fallback):  # noqa: N802
        assert enable_fallback == 0
        providers = providers or [*(x.ep_name for x in options.devices), CPU]
        self.asked.append(providers[0])
        return FakeSession(self, model, options, providers)
