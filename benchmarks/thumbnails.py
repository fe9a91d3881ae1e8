"""Time the studio's thumbnails of a picture, the looks, then the layers; alone, or beside a dream at work."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADERS = {"x-deepdream": "1", "content-type": "application/json"}


def main() -> None:
    """Print a row for each kind of thumbnails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="?", type=Path, default=Path("examples/mountains.jpg"))
    parser.add_argument("--beside", action="store_true", help="have a dream at work meanwhile")
    options = parser.parse_args()
    print(report.machine(), end="\n\n", flush=True)
    print("| kind | first s | all s | how many |\n|---|---|---|---|")
    words = [sys.executable, "-m", "engine", "studio", "--no-browser", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as studio:
        said = studio.stdout or sys.exit("it says nothing")
        try:
            measure(said.readline().strip() + "api/", options.picture, beside=options.beside)
        finally:
            studio.terminate()


def measure(api: str, picture: Path, *, beside: bool) -> None:
    """Ask for all thumbnails of a picture."""
    sent = asked(f"{api}pictures?name={picture.suffix}", picture.read_bytes())
    if beside:
        asked(f"{api}dreams", json.dumps({"picture": sent["id"], "settings": {"iterations": 500}}).encode())
    for kind in ("looks", "layers"):
        begun = time.monotonic()
        came = [
            time.monotonic() - begun for _ in thumbnails(f"{api}pictures/{sent['id']}/thumbnails?kind={kind}")
        ]
        print(f"| {kind} | {came[0]:.2f} | {came[-1]:.2f} | {len(came)} |", flush=True)


def thumbnails(url: str) -> Iterator[None]:
    """Yield whenever one comes."""
    with urllib.request.urlopen(url) as events:  # noqa: S310 - our own studio
        for line in events:
            if line.startswith(b"event: thumbnail"):
                yield
            if line.startswith(b"event: end"):
                return


def asked(url: str, content: bytes) -> Any:
    """Send something, and return the answer."""
    request = urllib.request.Request(url, content, HEADERS)  # noqa: S310 - our own studio
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return json.load(answer)


if __name__ == "__main__":
    main()
