"""Wait for a program as long as it is at work, and say so where that takes long."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

LOOK_SECONDS: Final = 20.0
"""How long to wait before looking whether the program is at work."""

IDLE_LOOKS: Final = 6
"""How often in a row it may be found idle: two minutes, since a busy machine lets a program wait."""


def finish(process: subprocess.Popen[str], what: str) -> tuple[str, str]:
    """Wait for the program's end and return its output and its errors.

    what: it is doing, for the user, who is told while it takes long.  Raises subprocess.TimeoutExpired, the
    program being ended, if it has not computed for long.
    """
    spent, idle, looks = computed(process.pid), 0, 0
    while True:
        try:
            return process.communicate(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            now = computed(process.pid)
            idle = idle + 1 if now is None or now == spent else 0
            spent, looks = now, looks + 1
            if idle == IDLE_LOOKS:
                process.kill()
                process.communicate()
                raise
            doubt = ", but does nothing" if idle else ""
            sys.stderr.write(f"  the engine {what}{doubt}: {looks * LOOK_SECONDS:.0f} s so far\n")


def computed(process: int) -> float | None:
    """Return how many seconds a process has computed so far; None where the system does not tell."""
    try:
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        )
        user, system = fields.split()[11:13]
    except (OSError, ValueError):
        return _asked(process)
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _asked(process: int) -> float | None:
    try:
        times = import_module("psutil").Process(process).cpu_times()  # installed where it is needed
    except Exception:  # noqa: BLE001 - it is missing, or has errors of its own
        return None
    return float(times.user + times.system)
