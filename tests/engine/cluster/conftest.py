"""A cluster of a head and three nodes on this machine, and a store; one for all tests of a file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.cluster.ray_session import CLOSED, PRIORITY, QUIET
from tests.engine.conftest import TINY

PICTURES = 40

FAST = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 6,
}
"""A node that does not answer is given up within seconds; by default that takes a minute."""

LIGHT = ["--model", TINY, "--preset", "keras", "--layers", "mixed0,mixed1", "--octaves", "1"]
SLOW_ENOUGH = [*LIGHT, "--iterations", "40", "--max-memory", "300MB"]
"""Pictures that take long enough to be interrupted."""


@dataclass
class Nodes:
    """The cluster: its address, and ways to hurt it."""

    cluster: Any
    address: str
    frozen: list[int] = field(default_factory=list)

    def processes(self, node: Any) -> list[int]:
        """Return the raylet of a node and all that it has started."""
        import psutil

        raylets = [x.process.pid for x in node.all_processes["raylet"]]
        return [
            y.pid for x in raylets for y in [psutil.Process(x), *psutil.Process(x).children(recursive=True)]
        ]

    def workers(self) -> list[int]:
        """Return the processes of all workers of this cluster that dream."""
        import psutil

        family = [x for node in self.cluster.list_all_nodes() for x in self.processes(node)]
        return [x for x in family if "ray::Worker" in " ".join(psutil.Process(x).cmdline())]

    def kill(self, node: Any) -> None:
        self.cluster.remove_node(node, allow_graceful=False)

    def freeze(self, node: Any) -> None:
        for process in self.processes(node):
            self.frozen.append(process)
            os.kill(process, signal.SIGSTOP)

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=1, memory=400_000_000, object_store_memory=80 << 20)


@pytest.fixture(scope="session")
def store() -> Iterator[Any]:
    """An S3 on this machine, which everything that is started from now on takes for the real one."""
    pytest.importorskip("s3fs", reason="the [remote] extra is not installed")
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed").ThreadedMotoServer(
        "127.0.0.1", 0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    own = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        import boto3

        yield boto3.client("s3")
    server.stop()


@pytest.fixture(scope="session")
def nodes(store: Any) -> Iterator[Nodes]:
    """A head that computes nothing much, and three nodes."""
    pytest.importorskip("ray", reason="the [cluster] extra is not installed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**QUIET, **CLOSED, **PRIORITY}.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        cluster = Cluster()
        found = Nodes(cluster, "")
        cluster.add_node(
            num_cpus=0, include_dashboard=False, object_store_memory=80 << 20, _system_config=FAST
        )
        found.address = cluster.address
        for _ in range(3):
            found.add()
        yield found
        for process in found.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        cluster.shutdown()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 small pictures, one with a Korean name, and in `local` their results."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "in").mkdir()
    for number in range(PICTURES):
        values = np.random.default_rng(number).integers(0, 256, (40, 40 + number, 3), np.uint8)
        Image.fromarray(values).save(folder / "in" / f"{'꿈 ' * (number == 7)}{number:02}.png")
    done = Driver(folder / "in", "-o", folder / "local", "--threads", "1").finish()
    assert done.code == 0, done.err
    return folder


@dataclass
class Finished:
    """What a command left behind."""

    code: int
    out: list[str]
    err: str


class Driver:
    """The command, in a process of its own."""

    def __init__(self, *words: object) -> None:
        command = [sys.executable, "-m", "engine", "dream", *map(str, words), *map(str, SLOW_ENOUGH)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.out: list[str] = []

    def until(self, count: int) -> Driver:
        """Wait until so many results are told."""
        assert self.process.stdout is not None
        while len(self.out) < count:
            line = self.process.stdout.readline()
            assert line, (self.out, self.process.communicate())
            self.out.append(line.rstrip("\n"))
        return self

    def finish(self) -> Finished:
        """Wait for the end."""
        rest, err = self.process.communicate(timeout=300)
        return Finished(self.process.returncode, self.out + rest.splitlines(), err)
