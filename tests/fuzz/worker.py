"""A process that tries inputs: a line `SUBJECT SEED NUMBER` comes in, a line of JSON goes out for each.

The program runs in this process, which makes thousands of inputs a minute; crashes and hangs are for
`crew.py` to notice.  What C libraries print is caught too: while an input is tried, the streams are files.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random

from tests.fuzz.case import TINY, Case
from tests.fuzz.verdict import Verdict, judge

MEMORY = 3 << 30
"""Bytes of address space that an input may take."""

PATIENCE = 60
"""Seconds until a process that got a signal must have ended."""

PROGRAM = """
import os
from engine import __main__ as program
program.catch()
os.write(1, b".")
program.main()
"""
"""Tells when its first lines have come: what is earlier is Python's own start."""


def make(subject: str, seed: int, number: int) -> Case:
    """Return an input, the same wherever and whenever."""
    random = Random(f"{subject} {seed} {number}")  # noqa: S311
    with warnings.catch_warnings(action="ignore"):  # of Pillow, about the nonsense that it is to write
        case: Case = import_module(f"tests.fuzz.{subject}").make(random)
    return case


def lay(case: Case, folder: Path) -> None:
    """Write an input's files."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)


def tried(case: Case, folder: Path) -> Verdict:
    """Run the program on an input, in an empty folder."""
    lay(case, folder)
    if case.signal is not None:
        return _signalled(case, folder)
    code, raised = None, ""
    with _streams(case.stdin) as said, contextlib.chdir(folder):
        from engine.cli.main import main

        try:
            code = main(case.words)
        except BaseException:  # noqa: BLE001 - what must not come is what is looked for
            raised = traceback.format_exc()
    return judge(case, code, "".join(said), folder, raised)


@contextlib.contextmanager
def _streams(stdin: bytes):
    """Let files take the place of the standard streams, for C libraries too; yield what comes on stderr."""
    said: list[str] = []
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        for number, file in enumerate((given, out, err)):
            os.dup2(file.fileno(), number)
        streams = [os.fdopen(0, "r", closefd=False), *(os.fdopen(x, "w", closefd=False) for x in (1, 2))]
        sys.stdin, sys.stdout, sys.stderr = streams
        try:
            yield said
        finally:
            for stream in streams[1:]:
                stream.flush()
            err.seek(0)
            said.append(err.read().decode("utf-8", "backslashreplace"))


def _signalled(case: Case, folder: Path) -> Verdict:
    number, seconds = case.signal or (0, 0.0)
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *case.words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.read(1)
    time.sleep(seconds)
    process.send_signal(number)
    try:
        _, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Verdict("hang", fault=True, detail=f"not ended {PATIENCE} s after the signal")
    return judge(case, process.returncode, said.decode("utf-8", "backslashreplace"), folder)


def _keep_open() -> None:
    """Open the sound model once: that takes ten times as long as a small dream."""
    from engine.network import model

    load = model.load_model
    opened = cache(lambda: load(TINY, device="cpu", threads=1))

    def load_model(path: object = None, **how: object) -> model.DreamModel:
        return opened() if str(path) == str(TINY) else load(path, **how)

    model.load_model = load_model


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Try inputs until standard input ends."""
    _limit_memory()
    _keep_open()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs in the background inherit "ignore"
    warnings.simplefilter("always")
    for hidden in (
        DeprecationWarning,
        PendingDeprecationWarning,
        ResourceWarning,
    ):  # as Python does for users
        warnings.simplefilter("ignore", hidden)
    orders, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in orders:
        subject, seed, number = line.split()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            verdict = tried(make(subject, int(seed), int(number)), Path(folder))
        answers.write(json.dumps(asdict(verdict)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
