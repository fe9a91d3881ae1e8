"""`python -m export` as a user runs it, and the same without a process of its own."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

from export import cli

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


def export_here(*arguments: str | Path) -> None:
    """Run it in this process, where TensorFlow is loaded already; fail unless the model was verified."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.main(list(map(str, arguments)))
    assert code == 0, said.getvalue()
    assert "median over" in said.getvalue()
