"""Stand in for `python -m engine`: `fake_engine.py MODE pipe [options]` inverts a picture, or misbehaves.

FAKE_ENGINE_RECORD names a file for its process id and what it was called with, FAKE_ENGINE_FRAME one for the
frame that it got.
"""

import json
import os
import re
import signal
import struct
import sys
import threading
import time
from pathlib import Path


def send(event, **values):
    sys.stderr.write(json.dumps({"event": event, **values}) + "\n")
    sys.stderr.flush()


def step(iteration, iterations=4):
    send(
        "step",
        image="-",
        octave=1,
        octaves=1,
        iteration=iteration,
        iterations=iterations,
        shape=[60, 60],
        loss=1.0,
        fraction=iteration / iterations,
        stopped=False,
    )


def read_frame():
    stream = sys.stdin.buffer
    start = stream.read(10)
    (length,) = struct.unpack("<H", start[8:])
    text = stream.read(length)
    kind, *numbers = re.search(rb"'(\|u1|<f4)'.*\((\d+), (\d+), (\d+)\)", text).groups()
    shape = [int(number) for number in numbers]
    size = (4 if kind == b"<f4" else 1) * shape[0] * shape[1] * shape[2]
    pixels = stream.read(size)
    if len(pixels) != size:
        os._exit(130)
    return start + text, shape, pixels


def invert(shape, pixels):
    channels, table = shape[2], bytes(255 - value for value in range(256))
    changed = bytearray(pixels.translate(table))
    if channels in (2, 4):
        changed[channels - 1 :: channels] = pixels[channels - 1 :: channels]
    return bytes(changed)


def write(*parts):
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def watch(ended):
    while os.read(0, 4096):
        pass
    ended.set()


def good(header, shape, pixels, seconds=0.0, stubborn=False):
    """Work for that long in steps, watching for the end of stdin as --abort-on-eof does."""
    ended = threading.Event()
    threading.Thread(target=watch, args=(ended,), daemon=True).start()
    for iteration in range(1, 5):
        step(iteration)
        if stubborn:
            time.sleep(seconds / 4)
        elif ended.wait(seconds / 4):
            write(header, invert(shape, pixels))
            os._exit(130)
    write(header, invert(shape, pixels))
    send("done", output="-", seconds=seconds)


def main():  # noqa: C901, PLR0912, PLR0915 - one branch a mode
    mode, *words = sys.argv[1:]
    if os.environ.get("FAKE_ENGINE_RECORD"):
        with Path(os.environ["FAKE_ENGINE_RECORD"]).open("w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "words": words, "environment": dict(os.environ)}, file)
    if mode == "crash-at-start":
        sys.stderr.write("Traceback (most recent call last):\nImportError: no module named engine\n")
        sys.exit(1)
    if mode == "refuses":
        send("error", message="there is no CUDA device", hint="--device cpu works everywhere", exit_code=5)
        sys.exit(5)
    if mode == "other-protocol":
        send("start", protocol=99)
        time.sleep(60)
    if mode == "deaf":  # never reads stdin
        time.sleep(60)
    if mode == "ignores-sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    header, shape, pixels = read_frame()
    if os.environ.get("FAKE_ENGINE_FRAME"):
        Path(os.environ["FAKE_ENGINE_FRAME"]).write_bytes(header + pixels)
    send("start", protocol=1, version="0", device="cpu", model="fake", pictures=1, unknown="x")
    if mode == "good":
        good(header, shape, pixels)
    elif mode == "warns":
        send("warning", image="-", message="left out an octave — too small", hint="")
        send("news-of-a-later-version", something=1)
        good(header, shape, pixels)
    elif mode == "slow":
        good(header, shape, pixels, seconds=20.0)
    elif mode == "slowish":
        good(header, shape, pixels, seconds=0.6)
    elif mode in ("silent", "ignores-sigterm"):
        while True:
            time.sleep(60)
    elif mode == "crash-in-the-middle":
        step(1)
        os.kill(os.getpid(), signal.SIGKILL)
    elif mode.startswith("status-"):
        sys.stderr.write("words that nobody needs\n")
        sys.exit(int(mode[len("status-") :]))
    elif mode == "dies-mid-frame":
        write(header, pixels[: len(pixels) // 2])
        os._exit(1)
    elif mode == "floods-stderr":
        for _ in range(8):
            sys.stderr.write("noise, noise, noise\n" * 50000)
        sys.stderr.write("x" * (3 << 20) + "\n")
        good(header, shape, pixels)
    elif mode == "garbage-on-stdout":
        write(b"Hello, this is a friendly greeting of some library.\n" * 10)
    elif mode == "garbage-on-stderr":
        sys.stderr.buffer.write(b'\xff\xfe\x00 not UTF-8\n{\n[1, 2]\n{"event": \n42\nnull\n{"no": "event"}\n')
        sys.stderr.buffer.flush()
        good(header, shape, pixels)
    elif mode == "wrong-size":
        other = header.replace(b"(%d, " % shape[0], b"(%d, " % (shape[0] + 1 if shape[0] != 99 else 98), 1)
        write(other, pixels)
    elif mode == "no-picture":
        pass
    elif mode == "error-after-picture":
        write(header, pixels)
        send("error", message="out of memory", hint="make the picture smaller", exit_code=1)
        sys.exit(1)
    else:
        sys.exit(f"no mode {mode}")


main()
