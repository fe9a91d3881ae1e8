"""How long pictures take on a cluster: `python -m benchmarks.cluster_model --workers 64 --compute 2.5`.

A run takes its start, and then as long as its busiest part: the workers, the store, or the machine that runs
the command.  Every number is an option; which of the defaults were measured says docs/cluster.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Cluster:
    """What a run is made of."""

    workers: int = 16
    """GPUs, or groups of processors."""

    compute: float = 2.0
    """Seconds of a worker for a picture."""

    megabytes: float = 3.0
    """Read and written for each picture."""

    network: float = 1000.0
    """Megabytes a second between all workers and the store; where files travel, of the command's machine."""

    latency: float = 0.1
    """Seconds of a picture's requests to the store; hidden while another picture is computed."""

    losses: float = 0.01
    """Workers that are lost in an hour, of each."""

    start: float = 20.0
    """Seconds until the workers have answered."""

    driver: float = 0.007
    """Seconds of the command's machine for each picture."""

    listing: float = 0.0007
    """Seconds to list a picture and its result, and to plan."""


def seconds(cluster: Cluster, pictures: int) -> dict[str, float]:
    """Return how long each part would take alone, by its name."""
    each = max(cluster.compute, cluster.latency)
    again = 1 + cluster.losses / 3600 * (cluster.start + 2 * each)  # of each second, what a loss costs
    return {
        "workers": pictures * each * again / cluster.workers,
        "network": pictures * cluster.megabytes / cluster.network,
        "command": pictures * cluster.driver,
    }


def total(cluster: Cluster, pictures: int) -> tuple[float, str]:
    """Return how long a run takes, and which part decides."""
    parts = seconds(cluster, pictures)
    slowest = max(parts, key=lambda x: parts[x])
    return cluster.start + pictures * cluster.listing + parts[slowest], slowest


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Cluster):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    given = vars(parser.parse_args())
    print(f"{'pictures':>10} {'workers':>8} {'hours':>8} {'a second':>9}  decided by")
    for pictures in (1000, 100_000, 1_000_000):
        for workers in sorted({given["workers"], 16, 64, 256, 1024}):
            took, slowest = total(Cluster(**{**given, "workers": workers}), pictures)
            print(f"{pictures:>10,} {workers:>8} {took / 3600:>8.2f} {pictures / took:>9.1f}  {slowest}")


if __name__ == "__main__":
    main()
