"""Checks without a screen: an engine that fails, and that nothing is left of it."""

import os
import time
from pathlib import Path

import running
from gi.repository import Gimp
from headless_hands import (
    PLUGIN,
    call,
    dream,
    engine,
    engine_file,
    here,
    picture,
    pixels,
    refused,
)


def check_missing_engine():
    with picture() as (image, layer):
        engine_file(None)
        refused(image, [layer], "does not know where", "deepdream-gimp install", by=call)
        engine_file({"command": ["/nowhere/python", "-m", "engine"]})
        refused(image, [layer], "/nowhere/python", "install")
        engine_file({"command": [os.environ["CHECK_FAKE"]]})  # not executable
        refused(image, [layer], "can't be started")
        engine_file({"command": [os.environ["CHECK_PYTHON"], "-m", "no_engine_any_more"]})
        refused(image, [layer], "No module named no_engine_any_more", "Install the engine again")


def check_broken_engine():
    with picture() as (image, layer):
        before = pixels(layer)
        for mode, *parts in (
            ("crash", "failed", "deepdream.log"),
            ("killed", "signal 9", "perhaps because the memory ran out", "smaller part"),
            ("garbage", "went wrong"),
            ("half", "went wrong"),
            ("nothing", "without a picture"),
            ("refuse", "There is no CUDA device.", "Choose the processor."),
        ):
            engine(mode)
            refused(image, [layer], *parts, result="in-place", by=call if mode == "crash" else here)
            refused(image, [layer], *parts, result="new-layer")
            assert pixels(layer) == before
        log = Path(Gimp.directory(), "deepdream.log").read_text(encoding="utf-8")
        assert "the last words of the engine" in log


def check_unexpected_error():
    engine_file({"command": [os.environ["CHECK_PYTHON"], os.environ["CHECK_FAKE"], "same\0"]})
    with picture() as (image, layer):
        refused(image, [layer], "can't be started")


def check_real_engine_says_what_is_wrong():
    engine("real")
    with picture() as (image, layer):
        message = refused(image, [layer], device="cuda")
        assert "CUDA" in message or "cuda" in message, message
        assert "\n" in message, "no way out: " + message


def check_plug_in_ends_with_its_answer():
    """GIMP 3.2 reports the process that is still there when GIMP ends, after a script's last call."""
    file = Path(PLUGIN, "deepdream_common", "log_file.py")
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "\nimport atexit\n\natexit.register(time.sleep, 3600)\n", encoding="utf-8")
    try:
        with picture() as (image, layer):
            dream(image, layer, by=call)
            engine("refuse")
            refused(image, [layer], "There is no CUDA device.", by=call)
    finally:
        file.write_text(text, encoding="utf-8")
    check_no_process_is_left()


def check_no_process_is_left():
    end = time.monotonic() + 60
    while (left := processes()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left, left


def processes():
    """Return the command lines of engines and plug-ins."""
    return list(running.processes(r" pipe |deepdream\.py").values())
