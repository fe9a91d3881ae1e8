"""Disturb runs over a tree of pictures, again and again, and compare what they make with an undisturbed run.

killed   by SIGKILL
shared   three processes at work on it, all of them killed each time
power    the file of a mounted file system is copied, as its disk is if the power fails (Linux, root)
cluster  on three nodes of a Ray cluster: in turns the command, a worker and a node are killed
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lost_nodes import cluster
from power_cuts import power
from tree_runs import Found, Tree

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Read the command line, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ways", nargs="*", metavar="WAY", help="ways to disturb (killed)", default=["killed"])
    parser.add_argument("--pictures", type=int, default=10_000, help="pictures in the tree (10000)")
    parser.add_argument("--times", type=int, default=20, help="how often a run is disturbed (20)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    unknown = set(options.ways) - WAYS.keys()
    if unknown:
        parser.error(f"no way to disturb: {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        rng = random.Random(options.seed)  # noqa: S311 - chance, not secrets
        tree = Tree.made(folder / "in", options.pictures, rng)
        alone = tree.undisturbed(folder / "alone")
        for way in options.ways:
            WAYS[way](tree, alone, folder / way, options.times, rng)


def killed(tree: Tree, alone: dict[str, str], out: Path, times: int, rng: random.Random) -> None:
    """Kill a run, and let it end."""
    _killed(tree, alone, out, times, rng, 1)


def shared(tree: Tree, alone: dict[str, str], out: Path, times: int, rng: random.Random) -> None:
    """Kill three runs that share the work, and let one end."""
    _killed(tree, alone, out, times, rng, 3)


def _killed(
    tree: Tree, alone: dict[str, str], out: Path, times: int, rng: random.Random, processes: int
) -> None:
    found, began = Found(out.name), time.monotonic()
    part = 2 * len(alone) // (times + 1) // processes
    for _ in range(times):
        crew = [tree.start(out) for _ in range(processes)]
        found.told += sum(x.until_done(rng.randrange(max(part, 2))) for x in crew)
        for run in crew:
            run.kill()
        found.look(alone, out)
    found.compare(alone, out, tree.start(out), began)


WAYS: Final[dict[str, Callable[[Tree, dict[str, str], Path, int, random.Random], None]]] = {
    "killed": killed,
    "shared": shared,
    "power": power,
    "cluster": cluster,
}

if __name__ == "__main__":
    main()
