"""Signals at any moment: the process ends with 130 or with its result, and leaves nothing half done."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import pytest

from engine.cli import stopping
from engine.files import images
from tests.engine.conftest import QUICK, TINY, copies

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")

ROOT = Path(__file__).parents[3]

ARMED = """
import os, sys
from engine import __main__ as program
program.catch()
os.write(int(sys.argv.pop(1)), b"armed")
"""
"""The first lines of the program, and a word when they have come: what is earlier is Python's own start."""

NURSERY = """
import json, os, signal, socket, sys
for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(which, signal.SIG_DFL)
import google.protobuf, numpy, onnxruntime, PIL.Image
asked = socket.socket(fileno=int(sys.argv[1]))
while True:
    order, files, *_ = socket.recv_fds(asked, 1 << 16, 4)
    if not order:
        break
    child = os.fork()
    if child == 0:
        for place, file in enumerate(files[:3]):
            os.dup2(file, place)
        script, *words = json.loads(order)
        sys.argv = ["-c", str(files[3]), *words]
        exec(script, {"__name__": "__main__"})
        os._exit(0)
    for file in files:
        os.close(file)
    asked.sendall(b"%d\\n" % child)
    asked.sendall(b"%d\\n" % os.waitpid(child, 0)[1])
"""
"""A process that has imported the libraries of others, and starts scripts by forking."""

LOADED = """
from engine.cli import stopping
stopping.arm()
"""

STREAMS = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

SIGNALS = 50
"""For a command."""

Start: TypeAlias = "Callable[..., subprocess.Popen[bytes] | Born]"
"""`begin`, or a nursery's."""


def begin(script: str, *words: object, **options: object) -> subprocess.Popen[bytes]:
    """Start a script that begins with ARMED; return when it is armed."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", ARMED + script, str(writing), *map(str, words)],
        cwd=ROOT,
        pass_fds=[writing],
        **STREAMS | {"preexec_fn": _with_signals} | options,
    )
    os.close(writing)
    assert os.read(reading, 5) == b"armed"
    os.close(reading)
    return process


class Born:
    """A script that a nursery has started; what `outcome` and `run_to` need of a Popen."""

    def __init__(self, told: BinaryIO, streams: list[BinaryIO]) -> None:
        self._told, self._streams = told, streams
        self.pid = int(told.readline())
        self.returncode = 0

    def send_signal(self, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, which)

    def communicate(self, timeout: float) -> tuple[bytes, bytes]:
        """Wait for the end, as long as the nursery's socket does; what it says fits into a pipe."""
        self.returncode = os.waitstatus_to_exitcode(int(self._told.readline()))
        self.pid = 0
        out, err = (x.read() for x in self._streams)
        for x in self._streams:
            x.close()
        return out, err

    def kill(self) -> None:
        if self.pid:
            self.send_signal(signal.SIGKILL)


class Nursery:
    """Starts scripts as `begin` does, in less time: what they import of others is there."""

    def __init__(self) -> None:
        self._asked, theirs = socket.socketpair()
        self._asked.settimeout(60)
        self._told = self._asked.makefile("rb")
        words = [sys.executable, "-c", NURSERY, str(theirs.fileno())]
        self._process = subprocess.Popen(
            words, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()

    def begin(self, script: str, *words: object, stdin: BinaryIO) -> Born:
        """Start a script that begins with ARMED; return when it is armed."""
        pipes = [os.pipe() for _ in range(3)]
        order = json.dumps([ARMED + script, *map(str, words)]).encode()
        socket.send_fds(self._asked, [order], [stdin.fileno(), *(writing for _, writing in pipes)])
        for _, writing in pipes:
            os.close(writing)
        *streams, armed = (os.fdopen(reading, "rb") for reading, _ in pipes)
        born = Born(self._told, streams)
        with armed:
            assert armed.read(5) == b"armed"
        return born

    def close(self) -> None:
        """End it; without a word it would go on to wait."""
        self._told.close()
        self._asked.close()
        assert self._process.wait(60) == 0


def _with_signals() -> None:
    """Heed what the tests' own parent may have had ignored, as nohup does and shells behind &."""
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(which, signal.SIG_DFL)


def outcome(process: subprocess.Popen[bytes] | Born) -> tuple[int, bytes, str]:
    """Return exit code, stdout and stderr; fail where the process does not end by itself."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err.decode()


def command(name: str, photo: Path) -> list[object]:
    """Return the words of a short run of a command."""
    model = ["--model", TINY]
    folder = photo.parent
    return {
        "dream": ["dream", photo, *copies(photo, "b.png", "c.png"), "-o", folder / "out", *QUICK],
        "zoom": ["zoom", photo, "-o", folder / "out.gif", "--seconds", 0.3, "--fps", 20, *QUICK],
        "gallery": ["gallery", photo, "-o", folder / "out.png", *model, "--size", 64, "--iterations", 2],
        "pipe": ["pipe", *QUICK],
    }[name]


def run_to(
    photo: Path, name: str, start: Start, which: signal.Signals | None = None, delay: float = 0.0
) -> float:
    """Run a command, with a signal after a time; check how it ends; return how long it took."""
    words = command(name, photo)
    np.save(photo.with_name("frame.npy"), images.load(photo).pixels)
    with photo.with_name("frame.npy").open("rb") as stdin:
        process = start("program.main()", *words, stdin=stdin)
        began = time.monotonic()
        if which is not None:
            time.sleep(delay)
            process.send_signal(which)
        code, out, err = outcome(process)
    assert code == (130 if "deepdream: cancelled" in err else 0), (code, err)
    assert code == 130 or out
    for word in ("Traceback", "Exception", "Error", "terminate", "Fatal"):
        assert word not in err
    if name != "pipe":
        for path in out.decode().splitlines():
            assert Path(path).exists()
    check_results(photo.parent)
    return time.monotonic() - began


def check_results(folder: Path) -> None:
    """Fail where a result is not whole, and remove it."""
    assert not list(folder.rglob("*.part"))
    for path in folder.glob("out*"):
        for result in path.iterdir() if path.name == "out" else [path]:
            if result.is_dir():
                shutil.rmtree(result)  # frames to resume from
            else:
                images.load(result)
                result.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dream", "zoom", "gallery", "pipe"])
def test_many_signals_at_any_moment(photo: Path, name: str) -> None:
    """One run in five starts from nothing, the others with libraries loaded."""
    moments, nursery = random.Random(name), Nursery()  # noqa: S311
    starts = [begin, *[nursery.begin] * 4]
    whole = {x: run_to(photo, name, x) for x in (begin, nursery.begin)}
    for number in range(SIGNALS):
        which, start = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3], starts[number % 5]
        run_to(photo, name, start, which, moments.random() * whole[start])
    nursery.close()


def stopped(script: str, which: signal.Signals = signal.SIGTERM) -> tuple[int, bytes, str]:
    """Run a script of the program, and send it a signal when it has printed a line."""
    process = begin(LOADED + script)
    heard(process)
    process.send_signal(which)
    return outcome(process)


def heard(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line of a process."""
    assert process.stdout is not None
    return process.stdout.readline()


CANCELLED = (130, b"", "deepdream: cancelled\n")


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_library_that_does_not_come_back_is_not_waited_for(which: signal.Signals) -> None:
    script = "import hashlib; print(flush=True); hashlib.pbkdf2_hmac('sha256', b'', b'', 1 << 31 - 1)"
    assert stopped(script, which) == CANCELLED


def test_an_import_that_does_not_come_back_is_not_waited_for(tmp_path: Path) -> None:
    """While another thread imports, as in the first half second of every command."""
    (tmp_path / "endless.py").write_text("import time\nprint('.', flush=True)\ntime.sleep(600)\n")
    script = f"""
import threading
sys.path.insert(0, {str(tmp_path)!r})
threading.Thread(target=__import__, args=("endless",)).start()
import endless
"""
    assert stopped(script) == CANCELLED


def test_without_a_thread_to_spare() -> None:
    script = """
import time
stopping._watching = lambda _: False
stopping.arm()
print(flush=True)
time.sleep(600)
"""
    assert stopped(script) == CANCELLED


def test_a_reader_that_is_stuck_is_not_waited_for() -> None:
    """Neither by the last words."""
    script = """
from engine.cli import console
os.write(1, b".\\n")
while True:
    console.note("x" * 1000)
"""
    process = begin(LOADED + script)
    heard(process)
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(60) == 130  # and nobody has read what it said
    finally:
        process.kill()
        process.communicate()


def test_unfinished_files_are_removed(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
from engine import atomic
with atomic.replacing(Path({str(tmp_path / "a.png")!r})) as part:
    part.write_bytes(b"half")
    print(part.name, flush=True)
    time.sleep(600)
"""
    process = begin(LOADED + script)
    assert b".part" in heard(process)
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(signal.SIGTERM)
    assert outcome(process)[0] == 130
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_removed_does_not_come_again(tmp_path: Path) -> None:
    """The work goes on until the process has ended, and would open it anew: here it gets time for that."""
    script = f"""
import time
from pathlib import Path
from engine import atomic
leave = os._exit

def late(code):
    for _ in range(100):
        time.sleep(0.001)
    leave(code)

os._exit = late
with atomic.replacing(Path({str(tmp_path / "a.png")!r})) as part:
    print(flush=True)
    while True:
        part.write_bytes(b"half")
"""
    assert stopped(script) == CANCELLED
    assert not list(tmp_path.iterdir())


def test_the_second_signal_ends_what_the_first_would_finish() -> None:
    script = """
import time
with stopping.instead(lambda: print("finishing", flush=True) or True):
    print("ready", flush=True)
    time.sleep(600)
    time.sleep(600)
"""
    process = begin(LOADED + script)
    heard(process)
    process.send_signal(signal.SIGINT)
    assert heard(process) == b"finishing\n"
    process.send_signal(signal.SIGINT)
    assert outcome(process)[0] == 130


def test_what_the_first_signal_would_finish_may_not_take_for_ever() -> None:
    script = """
import time
with stopping.instead(lambda: True, within=0.1):
    print("ready", flush=True)
    time.sleep(600)
"""
    assert stopped(LOADED + script)[0] == 130


def test_a_signal_after_the_end_does_not_change_the_result() -> None:
    script = "stopping._ending.begun.acquire(); print(flush=True); import time; time.sleep(2); os._exit(0)"
    assert stopped(script) == (0, b"", "")


def test_signals_that_our_parent_ignores_stay_ignored() -> None:
    script = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from engine.cli import stopping
stopping.arm()
print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, callable(signal.getsignal(signal.SIGTERM)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.split() == [b"True", b"True"]


def test_a_bug_shows_its_traceback_and_ends_with_1() -> None:
    script = """
from engine.cli import main
def bug():
    raise ValueError("\\x1b[31m")
main.main = bug
program.main()
"""
    code, out, err = outcome(begin(script))
    assert (code, out) == (1, b"")
    assert err.startswith("Traceback")
    assert err.endswith("ValueError: \\x1b[31m\n")


def test_names_of_signals_are_those_of_this_system() -> None:
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} == set(stopping.SIGNALS)


@pytest.mark.slow
def test_importing_the_package_changes_no_handler() -> None:
    """Only the program does: a library that is imported leaves signals to its user."""
    script = (
        "import signal; before = [signal.getsignal(x) for x in (2, 15)]; import engine; engine.dream;"
        "import engine.cli.main, engine.__main__; assert before == [signal.getsignal(x) for x in (2, 15)]"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
