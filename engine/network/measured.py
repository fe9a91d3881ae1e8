"""What `deepdream info --measure` has found out, kept so that `auto` takes what is faster.

A GPU inside a processor can be slower than the processor.  The measurement counts for the same card, runtime
and number of threads; for any other, and where the file is not as it was written, nothing is known.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from engine import atomic, machine, paths
from engine.settings import untrusted

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

PLUG_IN: Final = "onnxruntime-ep-webgpu"
"""The package whose version a measurement belongs to, beside ONNX Runtime's."""


@dataclass(frozen=True)
class Measured:
    """How long a step takes on a GPU and on the CPU."""

    device: str
    """The GPU, as a model on it tells."""

    runtime: str
    """Versions of ONNX Runtime and of its plug-in."""

    threads: int
    """Threads of the CPU."""

    gpu_seconds: float

    cpu_seconds: float


def file() -> Path:
    """Return the file with the last measurement, which need not exist; raise RuntimeError without a home."""
    return machine.caches() / "deepdream" / "measured.json"


def keep(device: str, runtime: str, threads: int, gpu_seconds: float, cpu_seconds: float) -> None:
    """Remember a measurement in the place of the last one; raise OSError where that cannot be written."""
    record = Measured(device, _versions(runtime), threads, gpu_seconds, cpu_seconds)
    try:
        target = file()
    except RuntimeError as error:
        raise OSError("there is no home folder") from error
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with atomic.replacing(target) as part:
        part.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def slower(device: str, runtime: str, threads: int) -> str:
    """Say that a GPU was measured slower than the CPU; empty where it was not, or nothing is known."""
    known = _kept()
    if known is None or (known.device, known.runtime, known.threads) != (device, _versions(runtime), threads):
        return ""
    if known.cpu_seconds >= known.gpu_seconds:
        return ""
    cpu, gpu = (f"{x * 1000:.0f} ms" for x in (known.cpu_seconds, known.gpu_seconds))
    return f"measured faster, {cpu} a step, than {device}, {gpu}"


def _kept() -> Measured | None:
    """Return the last measurement; None where there is none, or the file holds anything else."""
    try:
        with paths.open_file(file()) as opened:
            content = opened.read(untrusted.LARGEST + 1)
        return _record(untrusted.from_json(content.decode("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError) as error:
        log.info("what was measured is not known: %s", error)
        return None


def _record(table: Any) -> Measured:
    """Read a measurement; raise ValueError for anything else."""
    kinds = {"device": str, "runtime": str, "threads": int, "gpu_seconds": float, "cpu_seconds": float}
    if not isinstance(table, dict) or {name: type(x) for name, x in table.items()} != kinds:
        raise ValueError("it is no measurement")
    record = Measured(**table)
    if not all(math.isfinite(x) and x > 0 for x in (record.gpu_seconds, record.cpu_seconds)):
        raise ValueError("it has no times")
    return record


def _versions(runtime: str) -> str:
    from importlib import metadata  # noqa: PLC0415 - brings what reads e-mail; only where something was measured

    with contextlib.suppress(metadata.PackageNotFoundError):
        return f"{runtime} and {PLUG_IN} {metadata.version(PLUG_IN)}"
    return runtime
