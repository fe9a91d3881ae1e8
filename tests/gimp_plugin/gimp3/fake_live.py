"""Stand in for `pipe --live`: an answer for each request in no time, or steps until a newer one comes.

What each request was goes to FAKE_ENGINE_WORDS with `.live` at its end, as for a run of its own.
FAKE_ENGINE_PRESETS is what there is of the user's own presets, a list in JSON.  It has the models in MODELS.
"""

import json
import os
import queue
import sys
import threading
from pathlib import Path

PAUSE, LONG = 0.2, 3000
"""Seconds between two steps of an engine that takes its time, and how many of them there are: ten minutes."""


MODELS = {
    "deep": [["mixed3", 768], ["mixed4", 768], ["mixed5", 768], ["mixed6", 768], ["mixed10", 2048]],
    "other": [["block4", 512], ["block5", 512]],
}
"""Layers of the models that are kept, with their numbers of channels."""


def serve(read_frame, dream, opaque, patient, go=""):
    """Answer requests until stdin ends.

    read_frame, dream, opaque: of fake_engine; patient: work in steps, with pauses, until a newer one comes,
    or until there is a file `go`.
    """
    requests = queue.Queue()
    threading.Thread(target=_receive, args=(requests, read_frame, opaque), daemon=True).start()
    presets = json.loads(os.environ.get("FAKE_ENGINE_PRESETS") or "[]")
    models = ["inception_v3_mixed5", *MODELS]
    _say("start", protocol=1, version="fake", device="cpu", model="fake", presets=presets, models=models)
    item = requests.get()
    while item is not None:
        item = _answer(*item, dream, requests, patient, go) if item[1] else requests.get()
    os._exit(0)


def _answer(number, frame, show, dream, requests, patient, go):
    """Answer one request; return the next one.  show: None where no steps are wanted."""
    header, kind, (height, width, channels), pixels = frame
    steps = LONG if patient else 2 if show else 0
    for iteration in range(1, steps + 1):
        about = {"octave": 1, "octaves": 1, "iteration": iteration, "iterations": steps}
        fraction = iteration / steps
        _say("step", header + pixels, dream=number, shape=[height, width], fraction=fraction, **about)
        try:
            item = requests.get(timeout=PAUSE) if patient else None
        except queue.Empty:
            if go and Path(go).exists():
                break
            continue
        if patient and item == (number, None, True):
            _say("done", header + dream(kind, channels, pixels), dream=number, seconds=0.0, finished=False)
            return requests.get()
        if patient:
            _say("stopped", dream=number)
            return item
    _say("done", header + dream(kind, channels, pixels), dream=number, seconds=0.0, finished=True)
    return requests.get()


def _receive(requests, read_frame, opaque):
    for line in iter(sys.stdin.buffer.readline, b""):
        entries = json.loads(line)
        if "stop" in entries:
            requests.put((entries["stop"], None, entries["keep"]))
            continue
        frame = read_frame()
        _record(entries["options"], frame, opaque)
        model = dict(zip(entries["options"], entries["options"][1:], strict=False)).get("--model", "")
        if model in MODELS:
            _say("model", asked=model, model=model + ".onnx", layers=MODELS[model])
        requests.put((entries["dream"], _part(frame, entries.get("part")), entries["show"]))
    requests.put(None)
    os._exit(0)


def _part(frame, part):
    """Return a part of a frame as a frame; part: x, y, width and height, None for all of it."""
    header, kind, (height, width, channels), pixels = frame
    if part is None:
        return frame
    x, y, wide, high = part
    size = len(pixels) // (height * width)
    rows = (pixels[(row * width + x) * size :][: wide * size] for row in range(y, y + high))
    shape = f"({height}, {width}, {channels})", f"({high}, {wide}, {channels})"
    other = header[10:].decode("latin-1").rstrip().replace(*shape).ljust(len(header) - 11) + "\n"
    return header[:10] + other.encode("latin-1"), kind, (high, wide, channels), b"".join(rows)


def _record(options, frame, opaque):
    if not os.environ.get("FAKE_ENGINE_WORDS"):
        return
    _, kind, (height, width, channels), pixels = frame
    about = [kind.decode(), height, width, channels, opaque(kind, channels, pixels)]
    with Path(os.environ["FAKE_ENGINE_WORDS"] + ".live").open("a", encoding="utf-8") as file:
        file.write(json.dumps([about, *options]) + "\n")


def _say(event, frame=b"", **values):
    out = sys.stdout.buffer
    out.write(json.dumps({"event": event, "frame": bool(frame), **values}).encode() + b"\n" + frame)
    out.flush()
