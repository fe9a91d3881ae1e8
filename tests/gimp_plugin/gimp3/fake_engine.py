"""Stand in for the engine, in no time and with a result that is known: `fake_engine.py MODE pipe [options]`.

Standard library only: it runs on any Python 3.  What it was called with goes to FAKE_ENGINE_WORDS, a JSON
list a line: the frame's kind, shape and number of pixels that are not transparent, the words.  With --live it
answers requests, see fake_live.
The picture that --guide names is copied beside it, to the same name with `-guide` behind it.
FAKE_ENGINE_GO is the file that lets the mode `held` end.
"""

import array
import json
import os
import re
import shutil
import signal
import struct
import sys
import threading
from pathlib import Path

import fake_live

NEGATIVE = bytes(range(255, -1, -1))


def send(event, **values):
    sys.stderr.write(json.dumps({"event": event, **values}) + "\n")
    sys.stderr.flush()


def step(number, count=20):
    send("step", octave=1, octaves=1, iteration=number, iterations=count, fraction=number / count)


def read_frame():
    start = sys.stdin.buffer.read(10)
    (length,) = struct.unpack("<H", start[8:])
    text = sys.stdin.buffer.read(length)
    kind, *shape = re.search(rb"'(\|u1|<f4)'.*\((\d+), (\d+), (\d+)\)", text).groups()
    channels = int(shape[2])
    size = int(shape[0]) * int(shape[1]) * channels * (4 if kind == b"<f4" else 1)
    pixels = sys.stdin.buffer.read(size)
    if len(pixels) != size:
        os._exit(130)
    return start + text, kind, [int(side) for side in shape], pixels


def invert(kind, channels, pixels):
    """Return white for black in every channel but alpha."""
    colours = channels - (channels in (2, 4))
    if kind == b"|u1":
        values = bytearray(pixels.translate(NEGATIVE))
        if colours < channels:
            values[colours::channels] = pixels[colours::channels]
        return bytes(values)
    values = array.array("f", pixels)
    for channel in range(colours):
        values[channel::channels] = array.array("f", [1.0 - value for value in values[channel::channels]])
    return values.tobytes()


def opaque(kind, channels, pixels):
    """Count the pixels whose last channel is not 0."""
    values = pixels if kind == b"|u1" else array.array("f", pixels)
    alpha = values[channels - 1 :: channels]
    return len(alpha) - alpha.count(0)


def slowly(steps, go=""):
    """Work in so many steps, until there is a file `go`; return whether stdin ended meanwhile."""
    ended = threading.Event()

    def watch():
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    for number in range(1, steps + 1):
        step(number, steps)
        if ended.wait(fake_live.PAUSE):
            return True
        if go and Path(go).exists():
            break
    return False


def fail(mode, header, pixels):
    """End early, in the modes that do."""
    if mode == "crash":
        sys.stderr.write("the last words of the engine\n")
        os.abort()
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "garbage":
        sys.stdout.buffer.write(b"Hello from a library that should be quiet.\n" * 20)
        sys.exit(0)
    if mode == "half":
        sys.stdout.buffer.write(header + pixels[: len(pixels) // 2])
        sys.exit(0)
    if mode == "nothing":
        sys.exit(0)


def answer_of(mode):
    """Return what makes a dream of a frame's kind, channels and pixels."""
    return (lambda _kind, _channels, pixels: pixels) if mode == "same" else invert


def main():
    mode, *words = sys.argv[1:]
    if mode == "refuse":
        send("error", message="There is no CUDA device.", hint="Choose the processor.", exit_code=5)
        sys.exit(5)
    if "--live" in words:
        go = os.environ["FAKE_ENGINE_GO"] if mode == "held" else ""
        return fake_live.serve(read_frame, answer_of(mode), opaque, mode in ("slow", "held"), go)
    header, kind, (height, width, channels), pixels = read_frame()
    if os.environ.get("FAKE_ENGINE_WORDS"):
        with Path(os.environ["FAKE_ENGINE_WORDS"]).open("a", encoding="utf-8") as file:
            frame = [kind.decode(), height, width, channels, opaque(kind, channels, pixels)]
            file.write(json.dumps([frame, *words]) + "\n")
        if "--guide" in words:
            shutil.copy(words[words.index("--guide") + 1], os.environ["FAKE_ENGINE_WORDS"] + "-guide")
    send("start", protocol=1)
    step(1)
    stopped = False
    fail(mode, header, pixels)
    if mode == "slow":
        stopped = slowly(fake_live.LONG)
    if mode == "held":
        stopped = slowly(fake_live.LONG, os.environ["FAKE_ENGINE_GO"])
    sys.stdout.buffer.write(header + answer_of(mode)(kind, channels, pixels))
    sys.stdout.buffer.flush()
    return os._exit(130 if stopped else 0)


if __name__ == "__main__":
    main()
