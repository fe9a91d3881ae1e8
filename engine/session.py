"""ONNX Runtime sessions: the only module that knows the runtime.

ONNX Runtime falls back to the CPU without a word, prints from C++ and reads files that a model names.  What
comes out of `open_session` has been looked at: the device is the one that computes, and the model is one file
that keeps to the names of `engine.metadata`.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import os
import re
import sys
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import machine
from engine.errors import DeviceError, DreamError, ModelError, UsageError
from engine.graph import Graph
from engine.half import halved
from engine.metadata import CHANNEL_WEIGHTS, GRADIENT, IMAGE, INPUTS, LOSS, OUTPUTS, Metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

CUDA: Final = "CUDAExecutionProvider"
CPU: Final = "CPUExecutionProvider"
PRECISIONS: Final = ("full", "half")
"""What a GPU computes in: float32, or float16 where engine/half.py has it."""
SILENT: Final = 4
"""ONNX Runtime's severity "fatal": all else comes to us as exceptions."""
NOWHERE: Final = str(Path(os.devnull) / "no-external-data")
"""A folder that cannot exist, so that a model's references to other files lead nowhere."""
OUT_OF_MEMORY = re.compile(
    r"allocat|out of memory|bad_alloc|CUDNN_STATUS_ALLOC|CUBLAS_STATUS_ALLOC", re.IGNORECASE
)


@dataclass(frozen=True)
class Session:
    """An open model on a device that has been seen to work."""

    device: str
    """`cpu` or `cuda:N`: what computes, not what was asked for."""

    fallback: str
    """Why a device that `auto` tried first was not taken; empty if there was none to try."""

    threads: int
    """Threads of one operator on the CPU."""

    metadata: Metadata
    """What the model says about itself."""

    runtime: str
    """ONNX Runtime's version."""

    _create: Callable[[int], Any] = field(repr=False)

    precision: str = "full"
    """One of `PRECISIONS`."""

    @cached_property
    def _session(self) -> Any:
        return self._create(self.threads)

    def on(self, threads: int) -> Session:
        """Return the same model with so many threads, not yet open on a CPU."""
        return replace(self, threads=threads)

    def open(self) -> None:
        """Open the whole model now, if that was put off; raise ModelError where it does not open."""
        _ = self._session

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Compute `outputs`, and only these, from `feeds`; raise DreamError where the runtime fails."""
        session = self._session
        with _reported(self.device):
            results: list[NDArray[np.float32]] = session.run(list(outputs), dict(feeds))
            return results

    def resident(self, content: bytes | None = None) -> Resident:
        """Return the model, or another one opened beside it, for tensors that stay on the device."""
        if content is None:
            return Resident(self.device, self._session)
        providers = _providers(_cuda_index(self.device))
        with _reported(self.device):
            session = _create(_runtime(), content, "the ascent's step", providers, self.threads)
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
    many as this process may use; `precision` is one of `PRECISIONS`, and half is for GPUs.  A model that can
    be taken apart is not opened whole on a CPU before somebody asks for that.  Raises ModelError,
    DeviceError, or UsageError for a device of no such form and for half precision on a CPU.
    """
    index = _cuda_index(device)
    if precision not in PRECISIONS:
        raise UsageError(
            f"--precision {precision} is no precision", hint=f"there are: {', '.join(PRECISIONS)}"
        )
    if precision == "half" and index is None:
        raise _no_half("--device cpu is none")
    count = threads if threads is not None else machine.cpu_count()
    if count < 1:
        raise UsageError(f"--threads {count} is out of range", hint="at least 1")
    try:
        metadata = _check(Graph(model), name)
    except ValueError:
        raise ModelError(f"{name} is not an ONNX model") from None
    runtime = _runtime()
    fallback = ""
    if index is not None:
        try:
            return _open_cuda(runtime, model, name, index, count, metadata, precision)
        except DeviceError as error:
            if device != "auto":
                raise
            if precision == "half":
                raise _no_half(str(error)) from error
            log.info("%s: using the CPU", error)
            fallback = str(error) if CUDA in runtime.get_available_providers() else ""
    opened = Session(
        "cpu",
        fallback,
        count,
        metadata,
        runtime.__version__,
        partial(_create, runtime, model, name, [CPU]),
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

    def send(self, array: NDArray[np.float32]) -> Any:
        """Return a tensor on the device with an array's content; on a CPU it may be the array itself."""
        with _reported(self.device):
            return _runtime().OrtValue.ortvalue_from_numpy(array, *_place(self.device))

    def fetch(self, tensor: Any) -> NDArray[np.float32]:
        """Return the content of a tensor on the device as a new array."""
        with _reported(self.device):
            return np.array(tensor.numpy(), np.float32)

    def run(
        self, kept: Sequence[str], fetched: Sequence[str], feeds: Mapping[str, Any]
    ) -> tuple[list[Any], list[NDArray[np.float32]]]:
        """Compute from tensors on the device outputs that are kept there, and others that are fetched."""
        with _reported(self.device):
            binding = self._session.io_binding()
            for name, tensor in feeds.items():
                binding.bind_ortvalue_input(name, tensor)
            for name in kept:
                binding.bind_output(name, *_place(self.device))
            for name in fetched:
                binding.bind_output(name, "cpu")
            self._session.run_with_iobinding(binding)
            results = binding.get_outputs()
            return results[: len(kept)], [x.numpy() for x in results[len(kept) :]]


@dataclass(frozen=True)
class Piece:
    """A part of a model, open on the CPU.  Takes and gives tensors as the runtime holds them, uncopied."""

    _session: Any = field(repr=False)

    @property
    def output_shapes(self) -> list[list[int]]:
        """Shapes of the outputs, where sizes of the inputs were given in numbers."""
        return [list(x.shape) for x in self._session.get_outputs()]

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Any]) -> list[Any]:
        """Compute `outputs` from tensors made by `as_tensor` or by another piece."""
        with _reported("cpu"):
            results: list[Any] = self._session.run_with_ort_values(list(outputs), dict(feeds))
            return results

    def run_into(self, outputs: Mapping[str, Any], feeds: Mapping[str, Any]) -> None:
        """Compute into tensors that are there already."""
        with _reported("cpu"):
            binding = self._session.io_binding()
            for name, tensor in feeds.items():
                binding.bind_ortvalue_input(name, tensor)
            for name, tensor in outputs.items():
                binding.bind_ortvalue_output(name, tensor)
            self._session.run_with_iobinding(binding)


def open_piece(content: bytes, threads: int) -> Piece:
    """Open a part of a model on the CPU; all pieces share one pool of memory."""
    runtime = _runtime()
    _share_memory(runtime)
    return Piece(_create(runtime, content, "a part of the model", [CPU], threads, shared=True))


def as_tensor(array: NDArray[np.float32]) -> Any:
    """Hand an array to the runtime, which reads it where it is."""
    return _runtime().OrtValue.ortvalue_from_numpy(array)


def as_array(tensor: Any) -> NDArray[np.float32]:
    """Return a tensor's content."""
    array: NDArray[np.float32] = tensor.numpy()
    return array


@cache
def _share_memory(runtime: Any) -> None:
    """Make the one arena that all pieces allocate from, so that each keeps nothing for itself."""
    info = runtime.OrtMemoryInfo(
        "Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT
    )
    as_requested = runtime.OrtArenaCfg(0, 1, -1, -1)  # no limit, and no powers of two
    runtime.create_and_register_allocator(info, as_requested)


def _runtime() -> Any:
    """Import ONNX Runtime; tests replace this function."""
    try:
        import onnxruntime  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - 0.2 s
    except ImportError as error:
        if getattr(error, "name", None) != "onnxruntime":
            raise DeviceError(
                f"ONNX Runtime is installed but does not load: {_reason(error)}",
                hint='install it anew: pip install --force-reinstall "deepdream-onnx[cpu]"',
            ) from error
        raise DeviceError(
            "ONNX Runtime is not installed: install deepdream-onnx[cpu], "
            "or deepdream-onnx[gpu] where there is an NVIDIA GPU",
            hint='pip install "deepdream-onnx[cpu]"',
        ) from error
    onnxruntime.set_default_logger_severity(SILENT)
    return onnxruntime


def _cuda_index(device: str) -> int | None:
    """Return the number of the CUDA device to try, None for the CPU alone."""
    form = re.fullmatch(r"auto|cpu|cuda(?::(\d+))?", device)
    if form is None:
        raise UsageError(f"--device {device} is not a device", hint="there are: auto, cpu, cuda, cuda:N")
    return None if device == "cpu" else int(form[1] or 0)


def read_model(path: Path) -> bytes:
    """Read a model file; raise ModelError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}") from None
    except OSError as error:
        raise ModelError(f"the model file {path} cannot be read: {error.strerror}") from error


def _create(
    runtime: Any, model: bytes, name: str, providers: list[Any], threads: int, *, shared: bool = False
) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if shared:
        # The runtime plans memory by patterns that leave holes: half as much again, and no time won.
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.use_env_allocators", "1")
    # Idle threads that spin would take the processors from the next part of the work.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", NOWHERE)
    try:
        # Without enable_fallback=0 a failing provider is replaced, and the news printed to stdout.
        return runtime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except Exception as error:  # the runtime's exceptions have no base of their own
        if providers != [CPU]:
            raise
        if OUT_OF_MEMORY.search(str(error)):
            raise DreamError(f"not enough memory to open {name}") from error
        if "External data" in str(error):
            raise ModelError(f"{name} keeps weights in other files, which is not supported") from error
        if "PROTOBUF" in str(error) or "No graph" in str(error):
            raise ModelError(f"{name} is not an ONNX model") from error
        raise ModelError(f"{name} does not open in ONNX Runtime: {_reason(error)}") from error


def _providers(index: int | None) -> list[Any]:
    """Return what computes on a CUDA device, or on the CPU for None, as ONNX Runtime takes it."""
    if index is None:
        return [CPU]
    options = {
        "device_id": str(index),
        "cudnn_conv_algo_search": "HEURISTIC",  # EXHAUSTIVE takes seconds for each new size
        "arena_extend_strategy": "kSameAsRequested",  # no powers of two: pictures are large
    }
    return [(CUDA, options), CPU]


def _place(device: str) -> tuple[str, int]:
    """Return what ONNX Runtime calls a device: its kind and number."""
    index = _cuda_index(device)
    return ("cpu", 0) if index is None else ("cuda", index)


def _no_half(reason: str) -> UsageError:
    return UsageError(
        f"--precision half is for GPUs, and {reason}", hint="leave it out: a CPU wins nothing by it"
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
    if CUDA not in runtime.get_available_providers():
        raise DeviceError(
            f"the installed ONNX Runtime {runtime.__version__} has no CUDA",
            hint='pip uninstall onnxruntime, then pip install "deepdream-onnx[gpu]"; or use --device cpu',
        )
    _preload(runtime)
    content = halved(model) if precision == "half" else model
    try:
        session = _create(runtime, content, name, _providers(index), threads)
    except Exception as error:
        raise _cuda_failure(index, error) from error
    if CUDA not in session.get_providers():
        raise _cuda_failure(index, _load_error(runtime))
    side = metadata.min_size
    feeds = {
        IMAGE: np.zeros((1, side, side, 3), np.float32),
        CHANNEL_WEIGHTS: np.ones(metadata.channels, np.float32),
    }
    try:
        session.run([LOSS, GRADIENT], feeds)  # missing kernels and a full GPU show only now
    except Exception as error:
        raise _cuda_failure(index, error) from error
    return Session(f"cuda:{index}", "", threads, metadata, runtime.__version__, lambda _: session, precision)


def _cuda_failure(index: int, error: BaseException) -> DeviceError:
    reason = _reason(error)
    hint = 'pip install "deepdream-onnx[gpu]" brings CUDA and cuDNN'
    if "driver" in reason.lower():
        hint = "update the NVIDIA driver (nvidia-smi shows it)"
    elif "ordinal" in reason.lower() or "device_id" in reason.lower():
        hint = "nvidia-smi -L lists the devices; count from 0"
    elif OUT_OF_MEMORY.search(reason):
        hint = "free memory on the GPU (nvidia-smi shows who holds it)"
    return DeviceError(f"CUDA device {index} does not work: {reason}", hint=f"{hint}; or use --device cpu")


def _preload(runtime: Any) -> None:
    """Find CUDA and cuDNN in pip's nvidia wheels, where the runtime is new enough to look there."""
    preload = getattr(runtime, "preload_dlls", None)
    if preload is None:
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):  # it prints what it does not find
            preload()
    except Exception as error:  # noqa: BLE001 - what is missing shows when the session opens
        log.debug("preload_dlls: %s", error)
    if said.getvalue():
        log.debug("preload_dlls: %s", said.getvalue().strip())


def _load_error(runtime: Any) -> BaseException:
    """Find out why the runtime did not load its CUDA library: it tells only its log."""
    folder = Path(runtime.__file__).parent / "capi"
    windows = sys.platform == "win32"
    for part in ("providers_shared", "providers_cuda"):
        library = f"onnxruntime_{part}.dll" if windows else f"libonnxruntime_{part}.so"
        try:
            ctypes.CDLL(str(folder / library), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            return error
    return RuntimeError("ONNX Runtime chose the CPU without giving a reason")


def _check(graph: Graph, name: str) -> Metadata:
    """Return the model's metadata; raise ModelError where it does not keep to contract 1."""
    try:
        metadata = Metadata.from_props(graph.props)
    except ValueError as error:
        raise ModelError(f"{name} is no model for dreaming: {error}") from None
    inputs, outputs = graph.inputs, graph.outputs
    lacking = [x for x in INPUTS if x not in inputs] + [x for x in OUTPUTS if x not in outputs]
    if lacking or len(inputs) != len(INPUTS):
        raise ModelError(
            f"{name} is no model for dreaming: its inputs and outputs are {', '.join([*inputs, *outputs])}"
        )
    if not all(tensor.is_float for tensor in [*inputs.values(), *(outputs[x] for x in OUTPUTS)]):
        raise ModelError(f"{name} is no model for dreaming: it computes with other numbers than float32")
    image = inputs[IMAGE].shape
    if image != (None, None, None, 3):
        raise ModelError(
            f"{name} is no model for dreaming: it takes images of shape {list(image)}, not [N, H, W, 3]"
        )
    if inputs[CHANNEL_WEIGHTS].shape != (metadata.channels,):
        raise ModelError(f"{name} is no model for dreaming: its layers and its channel weights do not agree")
    return metadata


@contextlib.contextmanager
def _reported(device: str) -> Iterator[None]:
    """Turn whatever the runtime raises into DreamError."""
    try:
        yield
    except DreamError:
        raise
    except Exception as error:  # the runtime's exceptions have no base of their own
        raise _run_error(error, device) from error


def _run_error(error: BaseException, device: str) -> DreamError:
    if OUT_OF_MEMORY.search(str(error)):
        return DreamError(
            f"not enough memory on {device} for this picture",
            hint="make the picture smaller; other programs may hold memory too",
        )
    return DreamError(f"ONNX Runtime failed on {device}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    """Return what a foreign exception says, on one line, without the runtime's own marks."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    return text if len(text) <= 300 else text[:300] + "…"
