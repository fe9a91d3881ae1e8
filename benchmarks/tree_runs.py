"""Runs over a tree of tiny pictures, of which one in a hundred is broken, and how what they make differs.

The model is the tests': what is tried is all but the dream.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

ROOT: Final = Path(__file__).parents[1]

QUICK: Final = (
    *("--model", ROOT / "tests/data/tiny.onnx", "--preset", "keras", "--layers", "mixed0"),
    *("--octaves", "1", "--iterations", "1"),
    *("--max-memory", "1GB", "--progress", "json"),
)

HERE: Final = ("--threads", "2", "--jobs", "2")
"""Two pictures at once, with one thread each: so the last bits are those of a cluster's workers."""

SIZES: Final = ((24, 24), (24, 32))
"""Two only: the engine prepares for each size of a picture, which takes longer than these pictures do."""

BROKEN: Final = 3
"""The exit code of a run in which pictures failed."""


@dataclass(frozen=True)
class Tree:
    """Pictures in folders of a hundred, and the runs over them."""

    top: Path

    @classmethod
    def made(cls, top: Path, count: int, rng: random.Random) -> Tree:
        """Write so many pictures; each hundredth is broken."""
        import numpy as np
        from PIL import Image

        noise = np.random.default_rng(rng.randrange(1 << 30))
        for number in range(count):
            folder = top / f"{number // 1000} 폴더" / f"{number // 100 % 10}"
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"사진 {number:05}{rng.choice(['.png', '.jpg', '.webp'])}"
            pixels = noise.integers(0, 256, (*rng.choice(SIZES), 3), np.uint8)
            Image.fromarray(pixels).save(file)
            if number % 100 == count % 100 // 2:
                content = file.read_bytes()
                file.write_bytes(content[: len(content) // 2] if number % 200 < 100 else b"no picture")
        return cls(top)

    def start(self, out: Path, *words: object) -> Run:
        """Start a run that writes to a folder."""
        chosen = ["dream", self.top, "-o", out, "--recursive", *QUICK, *(words or HERE)]
        return Run(
            subprocess.Popen(
                [sys.executable, "-m", "engine", *map(str, chosen)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        )

    def undisturbed(self, out: Path) -> dict[str, str]:
        """Run to the end; return each result's sha256."""
        began = time.monotonic()
        code, end = self.start(out).finish()
        if code != BROKEN:
            sys.exit(f"exit code {code} instead of that of broken pictures: {end}")
        alone = digests(out)
        print(f"undisturbed: {len(alone)} results in {time.monotonic() - began:.0f} s", flush=True)
        return alone


@dataclass
class Run:
    """A run that has begun."""

    process: subprocess.Popen[bytes]
    last: bytes = b""
    """The last line that was read of what it tells."""

    def until_done(self, results: int) -> int:
        """Read what it tells until it has made so many more results, or ends; return how many it has made."""
        assert self.process.stderr is not None  # noqa: S101 - it is a pipe
        made = 0
        while made < results:
            line = self.process.stderr.readline()
            if not line:
                self.process.wait()
                break
            self.last = line
            made += line.startswith(b'{"event": "done"')
        return made

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.process.communicate()

    def finish(self) -> tuple[int, dict[str, Any]]:
        """Let it end; return the exit code and the last event."""
        _, told = self.process.communicate()
        return self.process.returncode, json.loads([self.last, *told.splitlines()][-1])


@dataclass
class Found:
    """What was seen of a run that was disturbed."""

    way: str
    told: int = 0
    """Results that it told of before it was disturbed the last time."""

    damaged: int = 0
    """Results that were not whole after a disturbance."""

    def compare(self, alone: dict[str, str], out: Path, run: Run, began: float) -> None:
        """Let the last run end, and print how all results differ from those of an undisturbed one."""
        code, end = run.finish()
        seen = digests(out)
        more = sorted(seen.keys() - alone.keys())
        counts = ", ".join(f"{end.get(x)} {x}" for x in ("done", "done_elsewhere", "skipped", "failed"))
        print(
            f"{self.way}: {self.told} results told of before the last disturbance, {self.damaged} not whole"
        )
        print(f"  then to the end, exit code {code}: {counts}; {time.monotonic() - began:.0f} s in all")
        print(
            f"  missing: {len(alone.keys() - seen.keys())}; "
            f"different: {sum(alone[x] != seen[x] for x in alone.keys() & seen.keys())}; "
            f"left over: {len(more)} {more[:3]}",
            flush=True,
        )

    def look(self, alone: dict[str, str], out: Path) -> int:
        """Count the results that are not whole; return how many are."""
        seen = {x: sha for x, sha in digests(out).items() if not Path(x).name.startswith(".")}
        whole = sum(alone.get(x) == sha for x, sha in seen.items())
        self.damaged += len(seen) - whole
        return whole


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file, hidden ones too."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_symlink():  # a claim, which leads nowhere
            found[file.relative_to(folder).as_posix()] = ""
        elif file.is_file():
            found[file.relative_to(folder).as_posix()] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found
