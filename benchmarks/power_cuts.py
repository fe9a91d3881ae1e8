"""The power fails: the disk of a run is copied as it lies there, and the run goes on with the copy.

The disk is a file with an ext4 in it (needs Linux, root and mkfs.ext4). What the file system still holds in
memory when it is copied is lost, as it is when the power fails.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tree_runs import Found

if TYPE_CHECKING:
    import random

    from tree_runs import Tree

FILE: Final = 16 << 10
"""Bytes of the disk for each result, at least."""


def power(tree: Tree, alone: dict[str, str], top: Path, times: int, rng: random.Random) -> None:
    """Cut the power of a run again and again; print what the disks have."""
    top.mkdir()
    image, disk = top / "0.img", top / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate((64 << 20) + FILE * len(alone))
    tool("mkfs.ext4", "-q", "-N", 4000 + 3 * len(alone), image)
    found, began, before, missing = Found("power"), time.monotonic(), 0, 0
    part = 2 * len(alone) // (times + 1)
    tool("mount", "-o", "loop", image, disk)
    try:
        for number in range(1, times + 1):
            run = tree.start(disk / "out")
            made = run.until_done(rng.randrange(1, max(part, 2)))
            run.process.send_signal(signal.SIGSTOP)
            copy = top / f"{number}.img"  # new: the old one may be mounted in other programs still
            snapshot(image, copy)
            run.kill()
            check(copy)
            tool("umount", disk)
            image.unlink()
            image = copy
            tool("mount", "-o", "loop", image, disk)
            found.told += made
            whole = found.look(alone, disk / "out")
            before, missing = whole, missing + max(before + made - whole, 0)
        print(f"told of, and not on the disk when the power failed: {missing}")
        found.compare(alone, disk / "out", tree.start(disk / "out"), began)
    finally:
        tool("umount", disk)


def snapshot(image: Path, copy: Path) -> None:
    """Copy the disk as it is at one moment: what its file system still holds in memory is not in it."""
    device = subprocess.run(
        ["losetup", "--noheadings", "--output", "NAME", "--associated", image],  # noqa: S607 - a benchmark
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    counts = Path("/sys/block", Path(device).name, "stat")
    while True:
        before = counts.read_text().split()
        shutil.copyfile(image, copy)
        after = counts.read_text().split()
        if before[4:9] == after[4:9] and after[8] == "0":  # writes that are done, and what is on its way
            return


def check(image: Path) -> None:
    """Have the file system's journal played back; end everything if its parts don't go together then.

    So what is found later is the engine's doing, and not that of a copy which was torn.
    """
    tool("e2fsck", "-y", "-E", "journal_only", image)
    tool("e2fsck", "-f", "-n", image)


def tool(name: str, *words: object) -> None:
    """Run a program of the system's; end everything with what it said if it fails."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        sys.exit(f"{name} is missing")
    run = subprocess.run([found, *map(str, words)], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{name}: {run.stdout}{run.stderr}")
