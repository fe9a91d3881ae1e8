"""What this computer gives a process: processors and memory, within the limits of its container."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/")
"""Where /proc and /sys/fs/cgroup are looked for; tests put a tree of their own here."""

UNLIMITED = 1 << 60
"""What cgroup v1 gives as memory limit where there is none is larger than this, in bytes."""


def cpu_count() -> int:
    """Count the processors that this process may use at once, at least 1.

    The smallest of the machine's processors, the affinity mask and the cgroup's CPU quota (rounded up).
    """
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    quotas = list(_cpu_quotas())
    return max(1, min([count, *(math.ceil(x) for x in quotas)]))


def available_memory() -> int | None:
    """Return how many bytes this process can still take without being killed; None if unknown."""
    known = [x for x in (_system_memory(), *_cgroup_memory()) if x is not None]
    return max(0, min(known)) if known else None


def release_memory() -> None:
    """Give what the C library keeps of freed memory back to the system, where it can be told to (glibc)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _cpu_quotas() -> Iterator[float]:
    for folder in _cgroups("cpu"):
        words = _text(folder / "cpu.max").split()  # v2: quota or "max", then period
        words = words or [_text(folder / f"cpu.cfs_{x}_us").strip() for x in ("quota", "period")]  # v1
        if len(words) == 2 and all(x.isdigit() for x in words) and int(words[1]) > 0:
            yield int(words[0]) / int(words[1])


def _system_memory() -> int | None:
    for line in _text(ROOT / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _cgroup_memory() -> Iterator[int]:
    for folder in _cgroups("memory"):
        for limit_file, used_file, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _number(folder / limit_file), _number(folder / used_file)
            if limit is None or used is None or limit > UNLIMITED:
                continue
            lines = (line.split() for line in _text(folder / "memory.stat").splitlines())
            reclaimable = next((int(value) for name, value in lines if name == cache), 0)
            yield limit - used + reclaimable


def _cgroups(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's cgroup and of those around it, v2 and v1."""
    base = ROOT / "sys/fs/cgroup"
    for line in _text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = base / controller if controllers else base
        inside = Path(path.lstrip("/"))
        # In a container the path may be the host's while the mount shows only our part: missing folders are
        # passed over, and the mount itself always comes last.
        yield from (mount / x for x in (inside, *inside.parents))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(_text(path))
    except ValueError:  # missing, or "max"
        return None
