"""A cluster of a head and three nodes on this machine, of which parts are lost while it dreams on a tree."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tree_runs import Found

from engine.cluster.ray_session import CLOSED, PRIORITY, QUIET

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tree_runs import Tree

NODES: Final = 3

LOST: Final = ("command", "worker", "node")
"""What is killed, in turns."""

FAST: Final = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 6,
}
"""A node that does not answer is given up within seconds; by default that takes a minute."""


def cluster(tree: Tree, alone: dict[str, str], out: Path, times: int, rng: random.Random) -> None:
    """Kill the command, a worker and a node in turns; print how what is made differs."""
    found, idle = Found("cluster"), 0
    part = 2 * len(alone) // (times + 1)
    with started() as ray:
        words = ["--cluster", ray.address]
        began = time.monotonic()
        run = tree.start(out, *words)
        for number in range(times):
            found.told += run.until_done(rng.randrange(1, max(part, 2)))
            ended = run.process.poll() is not None
            idle += ended
            if ended or LOST[number % 3] == "command":
                run.kill()
                found.look(alone, out)
                run = tree.start(out, *words)
            else:
                lose(ray, LOST[number % 3], rng)
        print(f"losses that would have come when all was done: {idle}")
        found.compare(alone, out, run, began)


def lose(ray: Any, what: str, rng: random.Random) -> None:
    """Kill a worker, or a node, for which another comes."""
    node = rng.choice(ray.list_all_nodes()[1:])
    if what == "worker":
        for worker in _workers(node)[:1]:
            os.kill(worker, signal.SIGKILL)
    else:
        ray.remove_node(node, allow_graceful=False)
        _add(ray)


@contextlib.contextmanager
def started() -> Iterator[Any]:
    """Give a cluster: a head that computes nothing, and the nodes."""
    os.environ.update({**QUIET, **CLOSED, **PRIORITY})  # read when Ray is imported
    ray = import_module("ray.cluster_utils").Cluster()
    try:
        ray.add_node(
            num_cpus=0,
            include_dashboard=False,
            object_store_memory=80 << 20,
            _system_config=FAST,
        )
        for _ in range(NODES):
            _add(ray)
        yield ray
    finally:
        ray.shutdown()


def _add(ray: Any) -> None:
    ray.add_node(num_cpus=1, memory=1_100_000_000, object_store_memory=80 << 20)


def _workers(node: Any) -> list[int]:
    """Return the processes of a node's workers that dream."""
    psutil = import_module("psutil")
    raylets = [psutil.Process(x.process.pid) for x in node.all_processes["raylet"]]
    family = [y for x in raylets for y in x.children(recursive=True)]
    return [x.pid for x in family if "ray::Worker" in " ".join(x.cmdline())]
