"""ONNX Runtime with a GPU that is only pretended: what is asked of CUDA is computed on the CPU.

Tensors on the device are copies, as they would be there, and it is written down what goes there and back.
"""

from __future__ import annotations

from types import SimpleNamespace

import onnxruntime

from engine.network.ort import CPU, CUDA


class FakeBinding:
    """Inputs and outputs of a session on the device; on the CPU they are called otherwise."""

    def __init__(self, runtime: FakeRuntime, real) -> None:
        self._runtime, self.real = runtime, real

    def bind_output(self, name: str, device: str, index: int = 0) -> None:
        self._runtime.bound[name] = device
        self.real.bind_output(name)

    def __getattr__(self, name: str):
        return getattr(self.real, name)


class FakeSession:
    """A session that says it runs on the providers asked for, and fails where it is told to."""

    def __init__(self, runtime: FakeRuntime, model: bytes, options, providers) -> None:
        self._runtime = runtime
        self._names = [x[0] if isinstance(x, tuple) else x for x in providers]
        if CUDA in self._names and runtime.opening:
            raise RuntimeError(runtime.opening)
        if CUDA in self._names and runtime.silent_fallback:
            self._names.remove(CUDA)
        self._real = onnxruntime.InferenceSession(model, options, providers=[CPU])

    def get_providers(self) -> list[str]:
        return self._names

    def run(self, outputs, feeds, options=None):
        self._check()
        return self._real.run(outputs, feeds, options)

    def io_binding(self) -> FakeBinding:
        return FakeBinding(self._runtime, self._real.io_binding())

    def run_with_iobinding(self, binding: FakeBinding, options=None) -> None:
        self._check()
        self._real.run_with_iobinding(binding.real, options)

    def _check(self) -> None:
        if CUDA in self._names and self._runtime.running:
            raise RuntimeError(self._runtime.running)

    def __getattr__(self, name: str):
        return getattr(self._real, name)


class FakeRuntime:
    __version__ = "9.9"
    __file__ = "/nowhere/onnxruntime/__init__.py"

    def __init__(self, *, cuda=True, opening="", running="", silent_fallback=False) -> None:
        self.cuda, self.opening, self.running, self.silent_fallback = cuda, opening, running, silent_fallback
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

    def preload_dlls(self) -> None:
        print("Failed to load libcudnn.so.9")

    def InferenceSession(self, model, options, *, providers, enable_fallback):  # noqa: N802
        assert enable_fallback == 0
        self.asked.append(providers[0])
        return FakeSession(self, model, options, providers)
