"""Opening a model file: checked against its contract, and on a device that has been seen to work.

What `open_session` returns has been checked: the device is the one that really computes, and the model file
keeps to the names in `engine.network.contract`.
"""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from engine import machine, paths
from engine.errors import DeviceError, DreamError, ModelError, UsageError
from engine.forks import calls
from engine.network import ort
from engine.network.contract import CHANNEL_WEIGHTS, GRADIENT, IMAGE, INPUTS, LOSS, OUTPUTS, Metadata
from engine.network.gpus import open_cuda, open_webgpu, smallest
from engine.network.graph import Graph
from engine.network.session import Session, create_on_cpu
from engine.settings import devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

log = logging.getLogger(__name__)

PRECISIONS: Final = ("full", "half")
"""What a GPU computes in: float32, or float16 wherever engine/network/half.py says so."""

LARGEST: Final = 2 * 10**9
"""Bytes of a model file, at most: protocol buffers cannot be larger."""


def open_session(
    model: bytes,
    device: str = "auto",
    threads: int | None = None,
    name: str = "the model",
    precision: str = "full",
) -> Session:
    """Open a model file's content on a device; `name` is what messages call it.

    `device` is one of `engine.settings.devices.FORMS`; `threads` None means as many as this process may
    use; `precision` is one of `PRECISIONS`, and half is for CUDA.  A model that can be split is not opened
    whole on a CPU until somebody asks for that.  Raises ModelError, DeviceError, or UsageError for any other
    device, and for half precision elsewhere.
    """
    wanted = devices.parse(device)
    _check_precision(precision, wanted.kind)
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
    opening: dict[str, Callable[[], Session]] = {
        "cuda": partial(open_cuda, runtime, model, name, wanted.index, count, metadata, precision),
        "webgpu": partial(open_webgpu, runtime, model, name, count, metadata, by_name=device == "webgpu"),
    }
    if wanted.kind in opening:
        try:
            return opening[wanted.kind]()
        except DeviceError:
            _try_on_cpu(runtime, model, name, metadata)
            raise
    fallback = ""
    if wanted.kind == "auto":
        found = _first(list(opening.values())[: 1 if precision == "half" else 2])
        if isinstance(found, Session):
            return found
        if precision == "half":
            raise _no_half(str(found[0])) from found[0]
        fallback = next((str(x) for x in found if not isinstance(x, ort.Absent)), "")
    opened = Session(
        "cpu",
        fallback,
        count,
        metadata,
        runtime.__version__,
        partial(create_on_cpu, runtime, model, name, metadata),
    )
    if metadata.stem is None:
        opened.open()
    return opened


def _first(opening: Iterable[Callable[[], Session]]) -> Session | list[DeviceError]:
    """Return the first session that opens, or why none does."""
    reasons = []
    for open_one in opening:
        try:
            return open_one()
        except DeviceError as error:
            log.info("%s", error)
            reasons.append(error)
    return reasons


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


def _check_precision(precision: str, kind: str) -> None:
    if precision not in PRECISIONS:
        raise UsageError(
            f"--precision {precision} is not a precision", hint=f"there are: {', '.join(PRECISIONS)}"
        )
    if precision == "half" and kind == "cpu":
        raise _no_half("--device cpu is not one")
    if precision == "half" and kind == "webgpu":
        raise UsageError("--precision half is for CUDA, not for WebGPU", hint="leave it out")


def _no_half(reason: str) -> UsageError:
    return UsageError(
        f"--precision half is for GPUs, and {reason}", hint="leave it out: a CPU gains nothing from it"
    )


def _try_on_cpu(runtime: Any, model: bytes, name: str, metadata: Metadata) -> None:
    """Raise ModelError for a model that does not compute there either: then it was not the GPU's fault."""
    session = Session("cpu", "", 1, metadata, "", partial(create_on_cpu, runtime, model, name, metadata))
    try:
        session.run([LOSS, GRADIENT], smallest(metadata))
    except ModelError:
        raise
    except DreamError as error:
        log.debug("on the CPU: %s", error)


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
