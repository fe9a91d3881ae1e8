"""Open models.

What `open_session` returns has been checked: the device is the one that really computes, and the model file
keeps to the names in `engine.network.contract`.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import machine, paths
from engine.errors import DeviceError, DreamError, ModelError, UsageError
from engine.forks import Opened, calls, process
from engine.network import ort
from engine.network.contract import (
    CHANNEL_WEIGHTS,
    ENERGIES,
    GRADIENT,
    IMAGE,
    INPUTS,
    LOSS,
    OUTPUTS,
    Metadata,
)
from engine.network.graph import Graph
from engine.network.half import halved
from engine.network.targets import stripped
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import NoReturn

    from numpy.typing import NDArray

    from engine.stop import Stop

log = logging.getLogger(__name__)

PRECISIONS: Final = ("full", "half")
"""What a GPU computes in: float32, or float16 wherever engine/network/half.py says so."""

LARGEST: Final = 2 * 10**9
"""Bytes of a model file, at most: protocol buffers cannot be larger."""


@dataclass(frozen=True)
class Session:
    """An open model on a device that has been seen to work."""

    device: str
    """`cpu` or `cuda:N`: what computes, not what was asked for."""

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
    """One of `PRECISIONS`."""

    _opened: Opened[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_opened", Opened(partial(self._create, self.threads)))

    def on(self, threads: int) -> Session:
        """Return the same model for another number of threads, not yet open on a CPU."""
        return replace(self, threads=threads)

    def open(self) -> None:
        """Open the whole model now, if that was put off; raise ModelError where it does not open."""
        self._opened.get()

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
        _check_shapes(outputs, results, feeds)
        return results

    def resident(self) -> Resident:
        """Return the model for tensors that stay on the device."""
        return Resident(self.device, self._opened.get())

    def resident_beside(self, content: bytes, name: str) -> Resident:
        """Open another model on the same device, for the same tensors; `name` is what messages call it."""
        self.open()  # where that is refused, so is this
        providers = ort.providers(_cuda_index(self.device))
        with ort.reported(self.device):
            session = ort.create(ort.load(), content, name, providers, self.threads)
        return Resident(self.device, session)


def open_session(
    model: bytes,
    device: str = "auto",
    threads: int | None = None,
    name: str = "the model",
    precision: str = "full",
) -> Session:
    """Open a model file's content on a device; `name` is what messages call it.

    `device` is `auto` (CUDA if it works, else the CPU), `cpu`, `cuda` or `cuda:N`; `threads` None means as
    many as this process may use; `precision` is one of `PRECISIONS`, and half is for GPUs.  A model that
    can be split is not opened whole on a CPU until somebody asks for that.  Raises ModelError,
    DeviceError, or UsageError for any other device, and for half precision on a CPU.
    """
    index = _cuda_index(device)
    if precision not in PRECISIONS:
        raise UsageError(
            f"--precision {precision} is not a precision", hint=f"there are: {', '.join(PRECISIONS)}"
        )
    if precision == "half" and index is None:
        raise _no_half("--device cpu is not one")
    count = threads if threads is not None else machine.cpu_count()
    if count < 1:
        raise UsageError(f"--threads {count} is out of range", hint="at least 1")
    try:
        with calls():
            graph = Graph(model)
            metadata = _check(graph, name)
    except ValueError:
        raise ModelError(f"{name} is not an ONNX model") from None
    runtime = ort.load()
    fallback = ""
    if index is not None:
        try:
            return _open_cuda(runtime, model, name, index, count, metadata, precision)
        except DeviceError as error:
            if device != "auto":
                _try_on_cpu(runtime, model, name, metadata)
                raise
            if precision == "half":
                raise _no_half(str(error)) from error
            log.info("%s: using the CPU", error)
            fallback = str(error) if ort.CUDA in runtime.get_available_providers() else ""
    opened = Session(
        "cpu",
        fallback,
        count,
        metadata,
        runtime.__version__,
        partial(_create_on_cpu, runtime, model, name, metadata),
    )
    if metadata.stem is None:
        opened.open()
    return opened


@dataclass(frozen=True)
class Resident:
    """A model whose inputs and outputs stay on the device where it computes.  Raises DreamError."""

    device: str
    """`cpu` or `cuda:N`."""

    _session: Any = field(repr=False)

    _process: object = field(default_factory=process, repr=False)

    def send(self, array: NDArray[np.float32]) -> Any:
        """Return a tensor on the device with an array's content; on a CPU it may be the array itself."""
        self._check()
        with ort.reported(self.device):
            return ort.load().OrtValue.ortvalue_from_numpy(array, *_place(self.device))

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
            return results[: len(kept)], [x.numpy() for x in results[len(kept) :]]

    def _check(self) -> None:
        if process() is not self._process:
            raise ort.forked(self.device)


def _whole(model: bytes, name: str, metadata: Metadata) -> bytes:
    """Return what is opened of a model file: all but its targets, which takes a while to take out."""
    if not metadata.has_targets:
        return model
    try:
        with calls():
            return stripped(Graph(model), metadata)
    except ValueError:
        raise ModelError(f"{name} is not an ONNX model") from None


def _create_on_cpu(runtime: Any, model: bytes, name: str, metadata: Metadata, threads: int) -> Any:
    return ort.create(runtime, _whole(model, name, metadata), name, [ort.CPU], threads)


def _create_beside(beside: Session, content: bytes, name: str, threads: int) -> Any:
    """Open a model on the device of another one."""
    beside.open()  # where that is refused, so is this
    return ort.create(ort.load(), content, name, ort.providers(_cuda_index(beside.device)), threads)


def _cuda_index(device: str) -> int | None:
    """Return the number of the CUDA device to try; None for the CPU alone."""
    form = re.fullmatch(r"auto|cpu|cuda(?::(\d+))?", device)
    if form is None:
        raise UsageError(f"--device {device} is not a device", hint="there are: auto, cpu, cuda, cuda:N")
    return None if device == "cpu" else int(form[1] or 0)


def read_model(path: Path) -> bytes:
    """Read a model file; raise ModelError where it cannot be read, or is not a file."""
    try:
        with paths.open_file(path) as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise ModelError(f"the model file {path} is too large: {LARGEST // 10**9} GB is the limit")
            return file.read()
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}") from None
    except paths.Irregular as error:
        raise ModelError(f"{path} is not a model file, but a {error.kind}") from None
    except (OSError, ValueError) as error:  # ValueError: a path that is not valid anywhere
        why = getattr(error, "strerror", None) or error
        raise ModelError(f"the model file {path} cannot be read: {why}") from error


def _place(device: str) -> tuple[str, int]:
    """Return what ONNX Runtime calls a device: its kind and number."""
    index = _cuda_index(device)
    return ("cpu", 0) if index is None else ("cuda", index)


def _no_half(reason: str) -> UsageError:
    return UsageError(
        f"--precision half is for GPUs, and {reason}", hint="leave it out: a CPU gains nothing from it"
    )


def _open_cuda(
    runtime: Any,
    model: bytes,
    name: str,
    index: int,
    threads: int,
    metadata: Metadata,
    precision: str,
) -> Session:
    """Open on CUDA and compute something there; raise DeviceError with the reason if either fails."""
    if ort.CUDA not in runtime.get_available_providers():
        raise DeviceError(
            f"the installed ONNX Runtime {runtime.__version__} has no CUDA",
            hint='pip uninstall onnxruntime, then pip install "deepdream-onnx[gpu]"; or use --device cpu',
        )
    try:
        content = _whole(model, name, metadata)
        content = halved(content) if precision == "half" else content
    except (ValueError, KeyError) as error:
        raise ModelError(f"{name} cannot be computed in half precision: {error}") from error
    try:
        with calls():
            ort.preload(runtime)
        session = ort.create(runtime, content, name, ort.providers(index), threads)
    except Exception as error:
        raise ort.cuda_failure(index, error) from error
    if ort.CUDA not in session.get_providers():
        raise ort.cuda_failure(index, ort.load_error(runtime))
    tried, feeds = [LOSS, GRADIENT], _smallest(metadata)
    try:
        with calls():
            results = session.run(tried, feeds)  # missing kernels and a full GPU only show now
    except Exception as error:
        raise ort.cuda_failure(index, error) from error
    _check_shapes(tried, results, feeds)
    here = partial(_unforked, session, f"cuda:{index}", process())
    opened = Session(f"cuda:{index}", "", threads, metadata, runtime.__version__, here, precision)
    opened.open()
    return opened


def _unforked(session: Any, device: str, opener: object, _threads: int) -> Any:
    """Return a session that is open on CUDA, which does not work in a process that was forked since."""
    if process() is not opener:
        raise ort.forked(device)
    return session


def _try_on_cpu(runtime: Any, model: bytes, name: str, metadata: Metadata) -> None:
    """Raise ModelError for a model that does not compute there either: then it was not the GPU's fault."""
    session = Session("cpu", "", 1, metadata, "", partial(_create_on_cpu, runtime, model, name, metadata))
    try:
        session.run([LOSS, GRADIENT], _smallest(metadata))
    except ModelError:
        raise
    except DreamError as error:
        log.debug("on the CPU: %s", error)


def _smallest(metadata: Metadata) -> dict[str, NDArray[np.float32]]:
    """Return inputs that a model must be able to compute from."""
    side = metadata.min_size
    return {
        IMAGE: np.zeros((1, side, side, 3), np.float32),
        CHANNEL_WEIGHTS: np.ones(metadata.channels, np.float32),
    }


def _check_shapes(
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


def _check(graph: Graph, name: str) -> Metadata:
    """Return the model's metadata; raise ModelError where it does not keep to contract 1."""
    if not graph.readable:
        raise ModelError(f"{name} is not an ONNX model")
    try:
        metadata = Metadata.from_props(graph.props)
    except ValueError as error:
        raise ModelError(f"{name} was not made for dreaming: {error}") from None
    if graph.nests:  # which can take any time, and no signal reaches what computes
        raise ModelError(f"{name} was not made for dreaming: it has loops, branches or functions of its own")
    inputs, outputs = graph.inputs, graph.outputs
    lacking = [x for x in INPUTS if x not in inputs] + [x for x in OUTPUTS if x not in outputs]
    if lacking or len(inputs) != len(INPUTS):
        found = ", ".join([*inputs, *outputs])
        found = found if len(found) <= 200 else found[:200] + "…"
        raise ModelError(f"{name} was not made for dreaming: its inputs and outputs are {found}")
    if not all(tensor.is_float for tensor in [*inputs.values(), *(outputs[x] for x in OUTPUTS)]):
        raise ModelError(f"{name} was not made for dreaming: it does not compute in float32")
    image = inputs[IMAGE].shape
    if image != (None, None, None, 3):
        raise ModelError(
            f"{name} was not made for dreaming: it takes images of shape {list(image)}, not [N, H, W, 3]"
        )
    if inputs[CHANNEL_WEIGHTS].shape != (metadata.channels,):
        raise ModelError(f"{name} was not made for dreaming: its layers and its channel weights do not agree")
    return metadata
