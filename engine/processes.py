"""Processes by a name that says which one is meant, for what they leave behind when they are killed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import secrets
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def this() -> str:
    """Return this process's name: where its number is unique, that number, and when it began."""
    process = os.getpid()
    return f"{here()}-{process:x}-{began(process) or 0:x}"


def has_ended(name: str) -> bool | None:
    """Tell whether a process has ended for certain, even if its number is in use again.

    None where that cannot be told: it may be one of another machine, and the name no name at all.
    """
    try:
        where, process, since = name.split("-")
        number, then = int(process, 16), int(since, 16)
    except ValueError:
        return None
    if where != here():
        return None
    now = began(number)
    return now != then if now is not None and then else not _may_exist(number)


@functools.lru_cache
def here() -> str:
    """Return 8 hexadecimal digits for where processes' numbers are unique; new ones where that is unknown.

    That is this machine until it is started anew, and in a container only the container.
    """
    try:
        where = _numbering()
    except (OSError, ImportError):
        where = secrets.token_hex(16)
    return hashlib.sha256(where.encode()).hexdigest()[:8]


def _numbering() -> str:
    if sys.platform != "linux":
        return f"{platform.node()} {int(_psutil().boot_time())}"
    return Path("/proc/sys/kernel/random/boot_id").read_text() + str(Path("/proc/self/ns/pid").readlink())


def _may_exist(process: int) -> bool:
    if sys.platform != "linux":
        with contextlib.suppress(ImportError):
            return bool(_psutil().pid_exists(process))
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def began(process: int) -> int | None:
    """Return when a process began, in a unit of the system's; 0 if it has ended, None if that is unknown."""
    if sys.platform != "linux":
        with contextlib.suppress(Exception):  # psutil is missing or has errors of its own
            return int(_psutil().Process(process).create_time() * 1000)
        return None
    try:
        words = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:  # not there, or hidden
        return None
    return 0 if words[0] in b"ZX" else int(words[19])  # Z: killed, and not yet missed by its parent


def _psutil() -> Any:
    return import_module("psutil")  # installed where it is needed, which is not on Linux
