"""ONNX Runtime: the only module that imports it, opens its sessions and translates what it says.

Left to itself it falls back to the CPU without a word, prints from C++ and reads files that a model names.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import machine
from engine.errors import DeviceError, DreamError, ModelError
from engine.forks import calls, once
from engine.network.faults import LOST, faults
from engine.settings.devices import kind_of
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.stop import Stop

log = logging.getLogger(__name__)

CUDA: Final = "CUDAExecutionProvider"
CPU: Final = "CPUExecutionProvider"
ERROR: Final = 3
"""ONNX Runtime's severity "error"."""
SILENT: Final = 4
"""ONNX Runtime's severity "fatal": all else comes to us as exceptions."""
NOWHERE: Final = str(Path(os.devnull) / "no-external-data")
"""A folder that cannot exist, so that a model's references to other files lead nowhere."""
OUT_OF_MEMORY = re.compile(
    r"allocat|out of memory|bad_alloc|CUDNN_STATUS_ALLOC|CUBLAS_STATUS_ALLOC"
    r"|max buffer size|device error\(3\)",
    re.IGNORECASE,
)
"""What runtimes say where memory runs out; WebGPU's errors have a kind, and 3 is that one."""

OF_A_GPU = re.compile("CUDA|CUDNN|CUBLAS|WebGPU|wgpu|Dawn", re.IGNORECASE)
REQUESTED = re.compile(r"requested (?:buffer of size|bytes of) (\d+)")
IMMODEST: Final = 1000
"""How many times the bytes that it was given a sound model never asks for at once."""

LOCATION = re.compile(r"\S*\.(?:cc|cpp|cuh?|h):\d+ (?:(?:virtual |static )?[^()]*\([^()]*\)(?: const)? )?")
"""A place in the runtime's source, and the function there, of which it tells before the reason."""

AT_NODE = re.compile(
    r"(?:Error in execution: )?Non-zero status code returned while running (\w+) node\. Name:'([^']*)' "
    r"Status Message: "
)


TELEMETRY_OFF: Final = "ORT_DISABLE_TELEMETRY"
"""The variable by which ONNX Runtime sends nothing and keeps nothing."""


class Absent(DeviceError):  # noqa: N818 - it says what it is
    """There is no such device at all, which is no surprise to those who asked for `auto`."""


class Lost(DeviceError):  # noqa: N818 - it says what it is
    """The system took a GPU away in the midst of its work."""


class Full(DreamError):  # noqa: N818 - it says what it is
    """A GPU's memory ran out: less at once may do."""


def load() -> Any:
    """Import ONNX Runtime, without its telemetry; tests replace this function."""
    # From 1.29 on, the import makes an identifier and a queue of events in the user's cache folder,
    # and tells stderr where it can't.  Only this variable prevents that, and only before the import.
    os.environ.setdefault(TELEMETRY_OFF, "1")
    try:
        with calls():
            import onnxruntime  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - 0.2 s
    except ImportError as error:
        if getattr(error, "name", None) != "onnxruntime":
            raise DeviceError(
                f"ONNX Runtime is installed but does not load: {reason(error)}",
                hint='reinstall it: pip install --force-reinstall "deepdream-onnx[cpu]"',
            ) from error
        raise DeviceError(
            "ONNX Runtime is not installed: install deepdream-onnx[cpu], "
            "or deepdream-onnx[gpu] where there is an NVIDIA GPU",
            hint='pip install "deepdream-onnx[cpu]"',
        ) from error
    onnxruntime.set_default_logger_severity(ERROR if faults.listening else SILENT)
    onnxruntime.disable_telemetry_events()  # on Windows, and where the host program imported it before us
    return onnxruntime


def create(
    runtime: Any, model: bytes, name: str, providers: list[Any], threads: int, *, shared: bool = False
) -> Any:
    """Open a session on the first of the providers; `shared` takes memory from the arena of `share_memory`.

    A provider is a name, a name with its options, or a plug-in's device.  Raises ModelError or DreamError on
    the CPU; on other devices whatever the runtime raises.
    """
    options = runtime.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if shared:
        # The runtime's memory patterns leave holes: half as much again, and nothing gained in time.
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.use_env_allocators", "1")
    # Idle threads that spin would keep the processors from the next part of the work.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if threads > 1 and threads > machine.cpu_count():
        # They take turns: one that spins would take the time of the one that it waits for.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", NOWHERE)
    plugged = [x for x in providers if hasattr(x, "ep_name")]
    if plugged:
        options.add_provider_for_devices(plugged, {})
    try:
        # Without enable_fallback=0 a failing provider is replaced, and the news is printed to stdout.
        with calls():
            chosen = None if plugged else providers
            session = runtime.InferenceSession(model, options, providers=chosen, enable_fallback=0)
            return faults.watch(session) if plugged else session
    except Exception as error:  # the runtime's exceptions have no base of their own
        if providers != [CPU]:
            raise
        if OUT_OF_MEMORY.search(str(error)):
            raise _immodest(error, len(model)) or DreamError(f"not enough memory to open {name}") from error
        if "External data" in str(error):
            raise ModelError(f"{name} keeps weights in other files, which is not supported") from error
        if "PROTOBUF" in str(error) or "No graph" in str(error):
            raise ModelError(f"{name} is not an ONNX model") from error
        raise ModelError(f"{name} does not open in ONNX Runtime: {reason(error)}") from error


def providers(index: int | None) -> list[Any]:
    """Return what computes on a CUDA device, or on the CPU for None, as ONNX Runtime takes it."""
    if index is None:
        return [CPU]
    options = {
        "device_id": str(index),
        "cudnn_conv_algo_search": "HEURISTIC",  # EXHAUSTIVE takes seconds for each new size
        "arena_extend_strategy": "kSameAsRequested",  # no powers of two: pictures are large
    }
    return [(CUDA, options), CPU]


def cuda_failure(index: int, error: BaseException) -> DeviceError:
    """Say why a CUDA device does not work, and the way out."""
    why = reason(error)
    hint = 'pip install "deepdream-onnx[gpu]" brings CUDA and cuDNN'
    if "driver" in why.lower():
        hint = "update the NVIDIA driver (nvidia-smi shows it)"
    elif "ordinal" in why.lower() or "device_id" in why.lower():
        hint = "nvidia-smi -L lists the devices; count from 0"
    elif "initialization error" in why.lower():
        hint = 'where a program forks, start its processes by "spawn"'
    elif OUT_OF_MEMORY.search(why):
        hint = "free memory on the GPU (nvidia-smi shows who holds it)"
    return DeviceError(f"CUDA device {index} does not work: {why}", hint=f"{hint}; or use --device cpu")


def forked(device: str) -> DeviceError:
    """Say why a device that a parent process has opened does not work, and the way out."""
    return DeviceError(
        f"{device} was opened before this process was forked, and no GPU works on in a forked process",
        hint='start processes by "spawn", or load models only in the processes that dream',
    )


def lost(device: str) -> Lost:
    """Say that the system took a GPU away, and the way out."""
    return Lost(
        f"{device} was lost: its driver was reset, or the computer slept",
        hint="run it again; if that happens again, --tile 256 gives the GPU less to do at once",
    )


def preload(runtime: Any) -> None:
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


def load_error(runtime: Any) -> BaseException:
    """Find out why the runtime did not load its CUDA library, which it says only in its log."""
    folder = Path(runtime.__file__).parent / "capi"
    windows = sys.platform == "win32"
    for part in ("providers_shared", "providers_cuda"):
        library = f"onnxruntime_{part}.dll" if windows else f"libonnxruntime_{part}.so"
        try:
            ctypes.CDLL(str(folder / library), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            return error
    return RuntimeError("ONNX Runtime chose the CPU without giving a reason")


@contextlib.contextmanager
def reported(device: str, given: int = 0) -> Iterator[None]:
    """Turn whatever the runtime raises, computing from that many bytes, into DreamError; hold off forks."""
    hearing = faults.refused() if kind_of(device) == "webgpu" else contextlib.nullcontext()
    try:
        with calls(), hearing:
            yield
    except DreamError:
        raise
    except Exception as error:  # the runtime's exceptions have no base of their own
        raise _run_error(error, device, given) from error


@contextlib.contextmanager
def running(device: str, given: int = 0, stop: Stop = NEVER) -> Iterator[Any]:
    """Give the options of a run, as `reported`; `stop` ends it between two operations, then with Cancelled.

    A session that was ended so computes on as if nothing had happened.
    """
    options = load().RunOptions()
    options.log_severity_level = SILENT

    def end() -> None:
        options.terminate = True

    with stop.heard_by(end):
        stop.check()
        try:
            with reported(device, given):
                yield options
        except DreamError:
            stop.check()
            raise


def _run_error(error: BaseException, device: str, given: int) -> DreamError:
    """Say who is to blame: a device that opened the model computes, so that the rest is the model's."""
    if OUT_OF_MEMORY.search(str(error)):
        kind = DreamError if device == "cpu" else Full
        return _immodest(error, given) or kind(
            f"not enough memory on {device} for this picture",
            hint="make the picture smaller, or close other programs that use the memory",
        )
    if LOST.search(str(error)):
        return lost(device)
    if device != "cpu" and OF_A_GPU.search(str(error)):
        return DeviceError(f"ONNX Runtime failed on {device}: {reason(error)}")
    return ModelError(f"the model failed in ONNX Runtime: {reason(error)}")


def _immodest(error: BaseException, given: int) -> ModelError | None:
    """Return what to say of a model that asks for more memory than any that was made for dreaming."""
    asked = REQUESTED.search(str(error))
    if asked is None or not given or int(asked[1]) < IMMODEST * given:
        return None
    return ModelError(f"the model asks for {machine.amount(int(asked[1]))} of memory at once")


def reason(error: BaseException) -> str:
    """Return what a foreign exception says, on one line, without the runtime's own marks."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    text = LOCATION.sub("", AT_NODE.sub(lambda x: f"{x[1]} {x[2]}".strip() + ": ", text)).strip()
    text = "".join(x if x.isprintable() else "?" for x in text) or "it gives no reason"
    return text if len(text) <= 300 else text[:300] + "…"


@once
def share_memory(runtime: Any) -> None:
    """Make the one arena that all fragments allocate from, so that none keeps memory for itself."""
    info = runtime.OrtMemoryInfo(
        "Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT
    )
    as_requested = runtime.OrtArenaCfg(0, 1, -1, -1)  # no limit, and no powers of two
    runtime.create_and_register_allocator(info, as_requested)


def trim_memory(runtime: Any, model: bytes) -> None:
    """Return what the shared arena does not need any more to the system.

    The arena does that only after a run, so `model` is a small one, which is run on zeros.
    """
    share_memory(runtime)
    with reported("cpu"):
        session = create(runtime, model, "a small model", [CPU], 1, shared=True)
        options = runtime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        sizes = {
            x.name: [size if isinstance(size, int) else 1 for size in x.shape] for x in session.get_inputs()
        }
        session.run(None, {name: np.zeros(size, np.float32) for name, size in sizes.items()}, options)
