"""Kill a run over a tree of pictures, again and again, and compare what it makes with an undisturbed run.

The pictures are tiny, one in a hundred is broken, and the model is the tests': what is tried is all but the
dream.  With `--power`, results go to a file system in a file (needs Linux, root and mkfs.ext4): the run is
not killed, but the file is copied as it lies on the disk, as if the power had failed at that moment. The
copy is mounted, each result in it looked at, and the run resumed there.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

QUICK = [
    "--model",
    ROOT / "tests/data/tiny.onnx",
    "--layers",
    "mixed0",
    "--octaves",
    "1",
    "--iterations",
    "1",
]


def main() -> None:
    """Read the command line, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000, help="pictures in the tree (10000)")
    parser.add_argument("--times", type=int, default=20, help="how often the run is killed (20)")
    parser.add_argument("--processes", type=int, default=1, help="processes that share the work (1)")
    parser.add_argument("--power", action="store_true", help="let the power fail instead")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - chance, not secrets
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        make_tree(folder / "in", options.pictures, rng)
        alone, seconds = undisturbed(folder)
        print(f"undisturbed: {len(alone)} results in {seconds:.0f} s")
        if options.power:
            with mounted(folder) as (image, disk):
                power_cuts(folder, image, disk, alone, options, rng)
        else:
            kills(folder, alone, options, rng)


def make_tree(top: Path, count: int, rng: random.Random) -> None:
    """Write so many pictures of 16 to 40 pixels into folders of a hundred; each hundredth is broken."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(rng.randrange(1 << 30))
    for number in range(count):
        folder = top / f"{number // 1000} 폴더" / f"{number // 100 % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"사진 {number:05}{rng.choice(['.png', '.jpg', '.webp'])}"
        pixels = noise.integers(0, 256, (rng.randrange(16, 40), rng.randrange(16, 40), 3), np.uint8)
        Image.fromarray(pixels).save(file)
        if number % 100 == 50:
            content = file.read_bytes()
            file.write_bytes(content[: len(content) // 2] if number % 200 == 50 else b"no picture")


def command(folder: Path, out: Path, *words: object) -> list[str]:
    """Return the words of a run."""
    chosen = ["dream", folder / "in", "-o", out, "--recursive", "--progress", "json", *QUICK, *words]
    return [sys.executable, "-m", "engine", *map(str, chosen)]


def undisturbed(folder: Path) -> tuple[dict[str, str], float]:
    """Run to the end; return each result's sha256, and the seconds."""
    began = time.monotonic()
    code, end = finish(folder, folder / "alone")
    if code != 3:
        sys.exit(f"exit code {code} instead of that of broken pictures: {end}")
    return digests(folder / "alone"), time.monotonic() - began


def finish(folder: Path, out: Path) -> tuple[int, dict[str, Any]]:
    """Run to the end; return the exit code and the last event."""
    done = subprocess.run(command(folder, out), cwd=ROOT, capture_output=True, check=False)
    return done.returncode, json.loads(done.stderr.splitlines()[-1])


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file, hidden ones too."""
    files = (x for x in folder.rglob("*") if x.is_file())
    return {x.relative_to(folder).as_posix(): hashlib.sha256(x.read_bytes()).hexdigest() for x in files}


def start(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start a run."""
    return subprocess.Popen(command(folder, out), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def until_done(process: subprocess.Popen[bytes], results: int) -> int:
    """Read what a run tells until it has made so many results, or ends; return how many it has made."""
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    made = 0
    while made < results and (line := process.stderr.readline()):
        made += line.startswith(b'{"event": "done"')
    return made


def kills(folder: Path, alone: dict[str, str], options: argparse.Namespace, rng: random.Random) -> None:
    """Kill the run, let it end, and print how what it made differs."""
    out = folder / "killed"
    began, made, damaged = time.monotonic(), 0, 0
    for _ in range(options.times):
        crew = [start(folder, out) for _ in range(options.processes)]
        part = 2 * len(alone) // (options.times + 1) // options.processes
        made += sum(until_done(x, rng.randrange(max(part, 2))) for x in crew)
        for process in crew:
            process.kill()
            process.communicate()
        seen = digests(out) if out.is_dir() else {}
        damaged += sum(alone.get(x) != sha for x, sha in seen.items() if not Path(x).name.startswith("."))
    code, end = finish(folder, out)
    took = time.monotonic() - began
    print(f"killed {options.times} times, {options.processes} at once: {made} results told of by then")
    print(f"results that were not whole after a kill: {damaged}")
    tell(alone, digests(out), code, end, took)


def tell(alone: dict[str, str], seen: dict[str, str], code: int, end: dict[str, Any], took: float) -> None:
    """Print how results differ from those of the undisturbed run."""
    missing = len(alone.keys() - seen.keys())
    more = sorted(seen.keys() - alone.keys())
    other = sum(alone[x] != seen[x] for x in alone.keys() & seen.keys())
    counts = ", ".join(
        f"{end.get(x)} {x}" for x in ("done", "done_elsewhere", "skipped", "failed", "not_begun")
    )
    print(f"then to the end, exit code {code}: {counts}; {took:.0f} s in all")
    print(f"missing: {missing}; different: {other}; left over: {len(more)} {more[:3]}")


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Give a file with a file system in it, and the folder where that is mounted."""
    image, disk = folder / "disk.img", folder / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(96 << 20)
    tool("mkfs.ext4", "-q", "-N", "20000", image)
    tool("mount", "-o", "loop", image, disk)
    try:
        yield image, disk
    finally:
        tool("umount", disk)


def power_cuts(
    folder: Path,
    image: Path,
    disk: Path,
    alone: dict[str, str],
    options: argparse.Namespace,
    rng: random.Random,
) -> None:
    """Copy the disk in the middle of a run, again and again; print what the copies have."""
    copy, again = folder / "cut.img", folder / "again"
    again.mkdir()
    for number in range(options.times):
        shutil.rmtree(disk / "out", ignore_errors=True)
        os.sync()
        process = start(folder, disk / "out")
        made = until_done(process, rng.randrange(1, len(alone)))
        process.send_signal(signal.SIGSTOP)
        snapshot(image, copy)
        process.kill()
        process.communicate()
        tool("mount", "-o", "loop", copy, again)
        try:
            seen = digests(again / "out") if (again / "out").is_dir() else {}
            whole = sum(alone.get(x) == sha for x, sha in seen.items())
            hidden = sum(Path(x).name.startswith(".") for x in seen)
            print(f"cut {number + 1}: {made} told of, {whole} whole, {len(seen) - whole - hidden} damaged")
            if number == options.times - 1:
                began = time.monotonic()
                code, end = finish(folder, again / "out")
                tell(alone, digests(again / "out"), code, end, time.monotonic() - began)
        finally:
            tool("umount", again)


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


def tool(name: str, *words: object) -> None:
    """Run a program of the system's."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        sys.exit(f"{name} is missing")
    subprocess.run([found, *map(str, words)], check=True)


if __name__ == "__main__":
    main()
