"""Open models.

A `Session` is a model on a device that really computes; `engine.network.opening` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import ModelError
from engine.forks import Opened, calls, process
from engine.network import ort, webgpu
from engine.network.chains import chained
from engine.network.contract import CHANNEL_WEIGHTS, ENERGIES, GRADIENT, IMAGE, LOSS, Metadata
from engine.network.faults import faults
from engine.network.graph import Graph
from engine.network.targets import stripped
from engine.settings import devices
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

    from numpy.typing import NDArray

    from engine.network.vulkan import Adapter
    from engine.stop import Stop


@dataclass(frozen=True)
class Session:
    """An open model on a device that has been seen to work."""

    device: str
    """`cpu`, `cuda:N` or `webgpu: NAME`: what computes, not what was asked for."""

    fallback: str
    """Why `auto` did not take the device that it tried first; empty if there was none to try."""

    threads: int
    """Threads of one operator on the CPU."""

    metadata: Metadata
    """What the model says about itself."""

    runtime: str
    """ONNX Runtime's version."""

    _create: Callable[[int], Any] = field(repr=False)

    precision: str = "full"
    """One of `engine.network.opening.PRECISIONS`."""

    adapter: Adapter | None = None
    """The GPU, where WebGPU found it."""

    _opened: Opened[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_opened", Opened(partial(self._create, self.threads)))

    def on(self, threads: int) -> Session:
        """Return the same model for another number of threads, not yet open on a CPU."""
        return replace(self, threads=threads)

    def open(self) -> None:
        """Open the whole model now, if that was put off; raise ModelError where it does not open."""
        self._opened.get()

    def renew(self) -> None:
        """Let go of the whole model: it is opened anew when it is next needed."""
        self._opened.drop()

    def close(self, refuse: Callable[[], NoReturn]) -> None:
        """Let go of the whole model where it is open; see `Opened.close`."""
        self._opened.close(refuse)

    def beside(self, content: bytes, name: str) -> Session:
        """Return another model file on the same device, not yet open; `name` is what messages call it."""
        create = partial(_create_beside, self, content, name)
        return replace(self, _create=create, precision="full")

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]], stop: Stop = NEVER
    ) -> list[NDArray[np.float32]]:
        """Compute `outputs`, and only these, from `feeds`; raise DreamError where the runtime fails."""
        session = self._opened.get()
        with ort.running(self.device, sum(x.nbytes for x in feeds.values()), stop) as options:
            results: list[NDArray[np.float32]] = session.run(list(outputs), dict(feeds), options)
        check_shapes(outputs, results, feeds)
        return results

    def resident(self) -> Resident:
        """Return the model for tensors that stay on the device."""
        return Resident(self.device, self._opened.get())

    def resident_beside(self, content: bytes, name: str) -> Resident:
        """Open another model on the same device, for the same tensors; `name` is what messages call it."""
        self.open()  # where that is refused, so is this
        with ort.reported(self.device):
            session = create_on(self.device, content, name, self.threads)
        return Resident(self.device, session)


@dataclass(frozen=True)
class Resident:
    """A model whose inputs and outputs stay on the device where it computes.  Raises DreamError."""

    device: str
    """As a `Session`'s."""

    _session: Any = field(repr=False)

    _process: object = field(default_factory=process, repr=False)

    def send(self, array: NDArray[np.float32]) -> Any:
        """Return a tensor with an array's content for this device; on a CPU it may be the array itself.

        Behind WebGPU a run takes it there: a tensor that is made there by itself, or read, keeps all that was
        ever open there until the process ends, even what was lost.
        """
        self._check()
        with ort.reported(self.device):
            place = ("cpu", 0) if devices.kind_of(self.device) == "webgpu" else _place(self.device)
            return ort.load().OrtValue.ortvalue_from_numpy(array, *place)

    def fetch(self, tensor: Any) -> NDArray[np.float32]:
        """Return the content of a tensor on the device as a new array."""
        self._check()
        with ort.reported(self.device):
            return np.array(tensor.numpy(), np.float32)

    def run(
        self, kept: Sequence[str], fetched: Sequence[str], feeds: Mapping[str, Any], stop: Stop = NEVER
    ) -> tuple[list[Any], list[NDArray[np.float32]]]:
        """Compute from tensors on the device outputs that are kept there, and others that are fetched."""
        self._check()
        with ort.running(self.device, 0, stop) as options:
            binding = self._session.io_binding()
            for name, tensor in feeds.items():
                binding.bind_ortvalue_input(name, tensor)
            for name in kept:
                binding.bind_output(name, *_place(self.device))
            for name in fetched:
                binding.bind_output(name, "cpu")
            self._session.run_with_iobinding(binding, options)
            results = binding.get_outputs()
            if devices.kind_of(self.device) == "webgpu":
                for tensor in results[: len(kept)]:
                    faults.watch(tensor)
            return results[: len(kept)], [x.numpy() for x in results[len(kept) :]]

    def _check(self) -> None:
        if process() is not self._process:
            raise ort.forked(self.device)


def whole(model: bytes, name: str, metadata: Metadata) -> bytes:
    """Return what is opened of a model file: all but its targets, which takes a while to take out."""
    if not metadata.has_targets:
        return model
    try:
        with calls():
            return stripped(Graph(model), metadata)
    except ValueError:
        raise ModelError(f"{name} is not an ONNX model") from None


def create_on_cpu(runtime: Any, model: bytes, name: str, metadata: Metadata, threads: int) -> Any:
    """Open all of a model file but its targets on the CPU; raise ModelError or DreamError."""
    return ort.create(runtime, whole(model, name, metadata), name, [ort.CPU], threads)


def _create_beside(beside: Session, content: bytes, name: str, threads: int) -> Any:
    """Open a model on the device of another one."""
    beside.open()  # where that is refused, so is this
    with ort.reported(beside.device):
        return create_on(beside.device, content, name, threads)


def create_on(device: str, content: bytes, name: str, threads: int) -> Any:
    """Open a model file's content on a device that works, in the form that the device computes fastest."""
    runtime, kind = ort.load(), devices.kind_of(device)
    if kind == "webgpu":
        found = webgpu.find(runtime, software=True)  # it was allowed when the device was opened
        return ort.create(runtime, chained(content), name, [found.device], threads)
    return ort.create(runtime, content, name, ort.providers(_cuda_index(device)), threads)


def _cuda_index(device: str) -> int | None:
    """Return the number of a CUDA device; None for the CPU."""
    return None if device == "cpu" else devices.parse(device).index


def _place(device: str) -> tuple[str, int]:
    """Return what ONNX Runtime calls a device: its kind and number."""
    if devices.kind_of(device) == "webgpu":
        return "webgpu", 0
    index = _cuda_index(device)
    return ("cpu", 0) if index is None else ("cuda", index)


def check_shapes(
    outputs: Sequence[str],
    results: Sequence[NDArray[np.float32]],
    feeds: Mapping[str, NDArray[np.float32]],
) -> None:
    """Refuse results that NumPy would stretch to fit, or not take at all."""
    batch, channels = feeds[IMAGE].shape, feeds[CHANNEL_WEIGHTS].size
    shapes = {LOSS: batch[:1], GRADIENT: batch, ENERGIES: (batch[0], channels)}
    for name, result in zip(outputs, results, strict=True):
        if result.shape != shapes.get(name, result.shape):
            raise ModelError(
                f"the model is not what it says it is: its {name} has the shape {list(result.shape)}, "
                f"not {list(shapes[name])}"
            )
