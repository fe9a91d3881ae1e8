"""Opening a model on a GPU, where something is computed before anybody relies on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import machine
from engine.errors import ModelError
from engine.forks import calls, process
from engine.network import measured, ort, webgpu
from engine.network.chains import chained
from engine.network.contract import CHANNEL_WEIGHTS, GRADIENT, IMAGE, LOSS, Metadata
from engine.network.faults import faults
from engine.network.half import halved
from engine.network.session import Session, check_shapes, create_on, create_on_cpu, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.network.vulkan import Adapter

MOST_TRIED: Final = 256
"""Side of the picture that a GPU is tried with, at most, unless the model needs a larger one."""

WRONG: Final = 0.05
"""Relative error of a gradient from which a GPU counts as broken; a few rounded ties make 0.01."""


def open_cuda(
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
        raise ort.Absent(
            f"the installed ONNX Runtime {runtime.__version__} has no CUDA",
            hint='pip uninstall onnxruntime, then pip install "deepdream-onnx[gpu]"; or use --device cpu',
        )
    try:
        content = whole(model, name, metadata)
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
    tried, feeds = [LOSS, GRADIENT], smallest(metadata)
    try:
        with calls():
            results = session.run(tried, feeds)  # missing kernels and a full GPU only show now
    except Exception as error:
        raise ort.cuda_failure(index, error) from error
    check_shapes(tried, results, feeds)
    here = partial(_unforked, [session], f"cuda:{index}", process(), content, name)
    opened = Session(f"cuda:{index}", "", threads, metadata, runtime.__version__, here, precision)
    opened.open()
    return opened


def open_webgpu(
    runtime: Any, model: bytes, name: str, threads: int, metadata: Metadata, *, by_name: bool
) -> Session:
    """Open on WebGPU's GPU and compute something there; raise DeviceError with the reason if either fails.

    Where nobody asked for it by its name, it is no program that pretends to be a GPU, and no GPU that was
    measured slower than the CPU.
    """
    found = webgpu.find(runtime, software=by_name)
    device = f"webgpu: {found.adapter.name}"
    slower = "" if by_name else measured.slower(device, runtime.__version__, threads)
    if slower:
        raise ort.Absent(f"the CPU was {slower}", hint="use --device webgpu to have the GPU all the same")
    content, feeds = whole(model, name, metadata), _telling(metadata)
    try:
        with calls(), faults.refused():
            session = ort.create(runtime, chained(content), name, [found.device], threads)
            results = session.run([LOSS, GRADIENT], feeds)
    except Exception as error:
        raise webgpu.failure(found.adapter, ort.reason(error)) from error
    if webgpu.PROVIDER not in session.get_providers():
        raise webgpu.failure(found.adapter, "ONNX Runtime chose the CPU without giving a reason")
    check_shapes([LOSS, GRADIENT], results, feeds)
    _compare(runtime, model, name, metadata, feeds, results[1], found.adapter)
    here = partial(_unforked, [session], device, process(), content, name)
    opened = Session(device, "", threads, metadata, runtime.__version__, here, adapter=found.adapter)
    opened.open()
    return opened


def _compare(
    runtime: Any,
    model: bytes,
    name: str,
    metadata: Metadata,
    feeds: dict[str, NDArray[np.float32]],
    gradient: NDArray[np.float32],
    adapter: Adapter,
) -> None:
    """Raise DeviceError where a GPU computes another gradient than the CPU: drivers have bugs.

    It costs a few tenths of a second, once, and no dream is made by a GPU that was not seen to be right.
    """
    with ort.reported("cpu"):
        session = create_on_cpu(runtime, model, name, metadata, threads=machine.cpu_count())
        (right,) = session.run([GRADIENT], feeds)
    size = float(np.linalg.norm(right))
    error = float(np.linalg.norm(gradient - right)) / size if size else 0.0
    if not error < WRONG:
        raise webgpu.failure(adapter, f"its gradients are wrong by {error:.0%}")


def _telling(metadata: Metadata) -> dict[str, NDArray[np.float32]]:
    """Return inputs for which all layers see something: noise, always the same."""
    deepest = max(x.stride for x in metadata.layers)
    side = max(metadata.min_size, min((2 * metadata.border + 3) * deepest, MOST_TRIED))
    image = np.random.default_rng(0).uniform(-1, 1, (1, side, side, 3)).astype(np.float32)
    return {IMAGE: image, CHANNEL_WEIGHTS: np.ones(metadata.channels, np.float32)}


def _unforked(tried: list[Any], device: str, opener: object, content: bytes, name: str, threads: int) -> Any:
    """Return the session that a GPU was tried with, or later a new one; none in a process that was forked."""
    if process() is not opener:
        raise ort.forked(device)
    if tried:
        return tried.pop()
    with ort.reported(device):  # refused while something is open that computed when the GPU failed
        return create_on(device, content, name, threads)


def smallest(metadata: Metadata) -> dict[str, NDArray[np.float32]]:
    """Return inputs that a model must be able to compute from."""
    side = metadata.min_size
    return {
        IMAGE: np.zeros((1, side, side, 3), np.float32),
        CHANNEL_WEIGHTS: np.ones(metadata.channels, np.float32),
    }
