"""What this process may use of the computer: processors, memory and the folder of caches.

Processors and memory are those within the limits of its container.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/")
"""The folder with proc and sys/fs/cgroup in it; tests put a tree of their own here."""

UNLIMITED = 1 << 60
"""Bytes.  Where no limit is set, cgroup v1 still reports one, which is larger than this."""


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
    """Return how many more bytes this process can take without being killed; None if unknown.

    Linux and its containers are read from /proc and /sys; other systems are asked through psutil.  Unknown it
    stays where neither tells, as without psutil: then no picture is refused for its size.
    """
    known = [x for x in (_system_memory(), *_cgroup_memory()) if x is not None]
    return max(0, min(known)) if known else None


def amount(count: int) -> str:
    """Return a number of bytes in words: `3.2 GB`, `640 MB`, `12 kB`, `7 bytes`."""
    if count >= 1_000_000_000:
        return f"{count / 1e9:.1f} GB"
    for unit, size in (("MB", 1_000_000), ("kB", 1000)):
        if count >= size:
            return f"{count // size} {unit}"
    return f"{count} bytes"


def caches() -> Path:
    """Return the folder where programs keep what can be made again, which need not exist.

    Raises RuntimeError for a user who has no home.
    """
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


def release_memory() -> None:
    """Make the C library return freed memory to the system, where it offers a way to (glibc)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _cpu_quotas() -> Iterator[float]:
    for folder in _cgroups("cpu"):
        words = _text(folder / "cpu.max").split()  # v2: quota or "max", then period
        words = words or [_text(folder / f"cpu.cfs_{x}_us").strip() for x in ("quota", "period")]  # v1
        if len(words) == 2 and all(x.isdigit() for x in words) and int(words[1]) > 0:
            yield int(words[0]) / int(words[1])


def _system_memory() -> int | None:
    if sys.platform != "linux":
        return _psutil_memory()
    for line in _text(ROOT / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _psutil_memory() -> int | None:
    try:
        psutil = import_module("psutil")  # installed where it is needed, which is not on Linux
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


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
    """Yield the folders of this process's cgroup and of those that contain it, v2 and v1."""
    base = ROOT / "sys/fs/cgroup"
    for line in _text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = base / controller if controllers else base
        inside = Path(path.lstrip("/"))
        # In a container the path may be the host's, while the mount shows only our part: missing folders are
        # skipped, and the mount itself always comes last.
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
