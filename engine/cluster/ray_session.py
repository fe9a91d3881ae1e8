"""A connection to a Ray cluster, or one of this machine alone: as quiet and closed as can be."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from engine import machine
from engine.cluster import keeper
from engine.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

LOCAL: Final = "local"
"""The address that means a cluster of this machine alone."""

_ADDRESS: Final = re.compile(r"([\w.\-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")

LONGEST_FOLDER: Final = 28
"""Bytes of the temporary folder's path, at most: Ray has sockets in it, whose paths may have 107."""

LOOPBACK: Final = "127.0.0.1"

SMALLEST_STORE: Final = 80 << 20
"""Bytes that Ray wants at least for what travels between processes."""

LARGEST_STORE: Final = 1 << 30
"""Bytes for the same, at most: pictures in work are not that many."""

QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_enable_metrics_collection": "0",
}
"""Ray tells its makers of each cluster, and standard output of each trouble, unless it is told not to."""

CLOSED: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Nothing listens on any other address than the one that is asked for."""

PRIORITY: Final = {"RAY_worker_niceness": "0"}
"""Workers of this machine are as urgent as the command: Ray would have them give way to everything."""


@dataclass
class Session:
    """A cluster that is connected to by `open`, and left by `close`."""

    address: str
    """`LOCAL`, or the address of the head of a cluster, which this machine is part of."""

    ray: Any = field(default=None, init=False, repr=False)
    _folder: str = field(default="", init=False, repr=False)
    _keeper: Popen[bytes] | None = field(default=None, init=False, repr=False)

    def open(self) -> None:
        """Connect; raise DeviceError where there is no such cluster, UsageError without the extra."""
        os.environ.update(QUIET)  # read when Ray is imported
        if self.address == LOCAL:
            # With a token of its own, which no file is needed for, nobody else on this machine can use it.
            os.environ.update(
                {**CLOSED, **PRIORITY, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            )
        self.ray = _imported()
        with _signals_kept():
            try:
                self.ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **self._how())
            except Exception as error:
                self.close()
                raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> DeviceError:
        said = _first_line(error)
        if self.address == LOCAL:
            hint = "a machine that is very busy is too slow for it: try again later, or leave out --cluster"
            return DeviceError(f"no cluster of this machine can be started: {said}", hint=hint)
        hint = "run this on one of its machines, after ray start there: see docs/cluster.md"
        return DeviceError(f"the cluster {self.address} cannot be joined: {said}", hint=hint)

    def close(self) -> None:
        """Leave the cluster, and end it where it was ours."""
        if self.ray is not None:
            with _signals_kept():
                self.ray.shutdown()
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def affinity(self, node: str) -> Any:
        """Return what has Ray start a worker on this machine and no other."""
        strategies = import_module("ray.util.scheduling_strategies")
        return strategies.NodeAffinitySchedulingStrategy(node, soft=False)

    @property
    def losses(self) -> tuple[type[Exception], ...]:
        """What a call raises when its worker is lost."""
        known = self.ray.exceptions
        return known.RayActorError, known.OutOfMemoryError, known.ObjectLostError, known.NodeDiedError

    def _how(self) -> dict[str, Any]:
        if self.address != LOCAL:
            return {"address": self.address}
        usual = tempfile.gettempdir()
        short = usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else "/tmp"  # noqa: S108 - mkdtemp is careful
        self._folder = tempfile.mkdtemp(prefix="dd-", dir=short)
        self._keeper = keeper.started(self._folder)
        memory = machine.available_memory() or LARGEST_STORE
        store = min(max(memory // 10, SMALLEST_STORE), LARGEST_STORE)
        return {
            "address": "local",
            "num_cpus": machine.cpu_count(),
            "include_dashboard": False,
            "object_store_memory": store,
            "_memory": max(memory - store, 0),
            "_node_ip_address": LOOPBACK,
            "_temp_dir": self._folder,
        }


def check_address(address: str) -> None:
    """Raise UsageError for what is no address of a cluster."""
    if address != LOCAL and not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"--cluster {address} is no address of a cluster",
            hint="--cluster takes local, or HOST:PORT as in 10.0.0.5:6379",
        )


def _imported() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        raise UsageError(
            "--cluster needs Ray, which is not installed", hint='pip install "deepdream-onnx[cluster]"'
        ) from error


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Give back to signals what they led to before: Ray has ways of its own to end a program."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {x: signal.getsignal(x) for x in wanted}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _first_line(error: Exception) -> str:
    return next((" ".join(x.split()) for x in str(error).splitlines() if x.strip()), type(error).__name__)
