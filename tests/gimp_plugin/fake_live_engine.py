"""Stand in for `python -m engine` and its `pipe --live`: `fake_live_engine.py MODE pipe --live`, good or bad.

LIVE_ENGINE_RUNS is a file that gets a line for each process.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "gimp3"))

import fake_engine
import fake_live


def say(event, frame=b"", **values):
    fake_live._say(event, frame, **values)


def start(protocol=1):
    say("start", protocol=protocol, version="0", device="cpu", presets=[])


def request():
    return json.loads(sys.stdin.buffer.readline()), fake_engine.read_frame()


def misbehave(mode):  # noqa: C901, PLR0912 - one branch a mode
    if mode == "ignores-sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "refuses":
        words = {"event": "error", "message": "there is no CUDA device", "hint": "--device cpu works"}
        sys.stderr.write(json.dumps(words) + "\n")
        sys.exit(5)
    if mode == "crash-at-start":
        sys.exit("ImportError: no module named engine")
    if mode == "other-protocol":
        start(99)
        time.sleep(60)
    start()
    if mode in ("deaf", "ignores-sigterm"):
        time.sleep(60)
    line, (header, _kind, (height, width, _channels), pixels) = request()
    about = {"dream": line["dream"]}
    if mode == "crash":
        say("step", header + pixels, fraction=0.5, **about)
        os.kill(os.getpid(), signal.SIGKILL)
    elif mode == "garbage":
        sys.stdout.buffer.write(b"Hello from a library that should be quiet.\n" * 10)
    elif mode == "half-a-picture":
        say("done", header + pixels[: len(pixels) // 2], **about)
    elif mode == "wrong-size":
        say(
            "done",
            header.replace(b"(%d, %d" % (height, width), b"(%d, %d" % (width, height)) + pixels,
            **about,
        )
    elif mode == "picture-of-nothing":
        say("done", header + pixels, dream=999)
    elif mode == "no-numbers":
        say("done", header + pixels, dream="x")
    elif mode == "endless-line":
        sys.stdout.buffer.write(b"x" * (5 << 20))
    sys.stdout.flush()
    if mode != "half-a-picture":
        time.sleep(60)


def main():
    mode = sys.argv[1]
    if os.environ.get("LIVE_ENGINE_RUNS"):
        with Path(os.environ["LIVE_ENGINE_RUNS"]).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
    if mode in ("good", "patient"):
        fake_live.serve(fake_engine.read_frame, fake_engine.invert, fake_engine.opaque, mode == "patient")
    misbehave(mode)


main()
