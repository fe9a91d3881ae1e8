"""`python -m export` as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NPZ = ROOT / "export/weights/inception_v3_imagenet_mixed5_uint8.npz"


def export(*arguments: str | Path) -> str:
    """Run it, and return the path that it prints; fail unless the model was verified."""
    done = subprocess.run(
        [sys.executable, "-m", "export", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "median over" in done.stderr
    return done.stdout.strip()
