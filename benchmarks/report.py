"""What every benchmark prints or saves around its figures: the machine, the versions, a table, JSON."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.machine import cpu_count

if TYPE_CHECKING:
    from collections.abc import Sequence

DISTRIBUTIONS = (
    *("onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-webgpu", "torch", "triton"),
    *("tensorflow", "tensorflow-cpu", "keras", "numpy"),
)

Row: TypeAlias = dict[str, Any]
"""A contender at one size: `contender`, `width`, `height`, `megapixels`, `median_s`, `peak_mb` and more."""


def machine() -> str:
    """Return one line: the processor, the cores that may be used, the versions of what is measured."""
    versions = [f"Python {platform.python_version()}"]
    for name in DISTRIBUTIONS:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return f"{_processor()}, {cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned for reading as plain text."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    lines = (head, rule, *rows)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def save(path: Path, rows: Sequence[Row], **facts: object) -> None:
    """Write rows as JSON, with the machine and other facts beside them."""
    content = {"machine": machine(), **facts, "rows": list(rows)}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
