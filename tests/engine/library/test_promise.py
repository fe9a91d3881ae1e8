"""`--max-memory` holds: the most memory that a whole command ever held, and what the system allows it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.files import images
from engine.pictures.picture import Picture
from engine.settings.tiling import parse_bytes

ROOT = Path(__file__).parents[3]

CHILD = """
import sys
from engine.cli.main import main
code = main(sys.argv[1:])
print(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1])
sys.exit(code)
"""

QUICK = ["--octaves", "1", "--min-size", "none", "--iterations", "1", "--progress", "none"]

ROWS = {
    "12 megapixels": ((2828, 4242), np.uint8, "jpg", "png", "500MB", ["--max-size", "384"]),
    "16 bits": ((1632, 2448), np.uint16, "png", "tiff", "450MB", ["--max-size", "384"]),
    "all of it": ((900, 1350), np.uint8, "png", "png", "480MB", ["--margin", "32", "--mask", "alpha"]),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc, which is Linux"),
]


@pytest.fixture
def confined() -> Iterator[list[str]]:
    """The beginning of a command that may take no more memory than is written into its group."""
    for base, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = Path(base) / f"deepdream-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / limit).exists():
                yield [str(group / limit), "sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
                return
        finally:
            group.rmdir()
    pytest.skip("no group of processes with limited memory can be made here")


def picture(folder: Path, shape: tuple[int, int], kind: type, suffix: str) -> Path:
    """A photograph enlarged, with opacity where the format has any."""
    with Image.open(ROOT / "examples" / "mountains.jpg") as file:
        values = np.asarray(file.convert("RGB").resize(shape[::-1])).astype(kind)
    if kind is np.uint16:
        values = values * np.uint16(257)
    alpha = np.full(shape, np.iinfo(kind).max, kind) if suffix == "png" else None
    path = folder / f"picture.{suffix}"
    images.save(Picture(values, alpha), path)
    return path


def command(folder: Path, row: str) -> tuple[list[str], int]:
    shape, kind, suffix, result, limit, words = ROWS[row]
    source = picture(folder, shape, kind, suffix)
    target = folder / f"result.{result}"
    words = [*QUICK, *words, "--max-memory", limit, str(source), "-o", str(target)]
    return [sys.executable, "-c", CHILD, "dream", *words], parse_bytes(limit)


@pytest.mark.parametrize("row", ROWS)
def test_no_more_is_held_than_is_promised(tmp_path: Path, row: str) -> None:
    words, limit = command(tmp_path, row)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 0.3 * limit < int(done.stdout.split()[-1]) * 1024 <= limit


def test_a_system_that_allows_no_more_kills_nothing(tmp_path: Path, confined: list[str]) -> None:
    words, limit = command(tmp_path, "12 megapixels")
    Path(confined[0]).write_text(str(limit))
    done = subprocess.run([*confined[1:], *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
