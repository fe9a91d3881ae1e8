"""`deepdream model get` and `make`, stopped at each of their moments, and on a disk that is full.

Nothing half stands under a model's name, one line says why, and the next run clears what a killed one left.
"""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.settings import models
from engine.weights import making
from tests.engine.conftest import TINY
from tests.engine.weights.server import Served

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("home")

SCRIPT = """
import os, sys, time
from engine import __main__ as program
program.catch()
moment, which, address, digest, model = sys.argv[1:6]
del sys.argv[1:6]
from pathlib import Path
from engine import atomic
from engine.network.contract import Metadata
from engine.network.graph import Graph
from engine.weights import fetching, making, templates
from engine.weights.instructions import Instructions, Published

def struck(name, function):
    def wrapper(*words, **options):
        if moment == name:
            os.kill(os.getpid(), int(which))
            time.sleep(100)
        return function(*words, **options)
    return wrapper

content = Path(model).read_bytes()
layers = Metadata.from_props(Graph(content).props).layers
published = Published(address, digest, "x")
template = templates.Template("small", b"", layers, Instructions((), {}, (), (), published))
fetching.BLOCK = 500
fetch = making.fetch
making.fetch = lambda *words: fetch(*words[:-1], struck("fetching", words[-1]))
templates.read_template = making.read_template = lambda name: template
making.fill = struck("filling", lambda *words, **options: content)
making.check = struck("checking", lambda *words: None)
atomic._settle = struck("writing", atomic._settle)
program.main()
"""
"""The program, with a network whose template makes the tests' small model: at one moment a signal comes."""

INT, TERM, KILL = signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)


def files(folder: Path) -> list[str]:
    return sorted(x.name for x in folder.rglob("*") if x.is_file())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize(
    ("moment", "which"),
    [
        ("fetching", INT),
        ("fetching", KILL),
        ("filling", TERM),
        ("checking", INT),
        ("writing", TERM),
        ("writing", KILL),
    ],
)
def test_stopped_it_leaves_no_model_and_the_next_run_nothing_else(
    run, home: Path, served: Served, moment: str, which: signal.Signals
) -> None:
    published = making.read_template("small").published
    words = [moment, int(which), published.address, published.hash, TINY, "model", "get", "small"]
    stopped = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, words)],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    left = files(home)
    assert "small.onnx" not in left
    if which == KILL:
        assert stopped.returncode == -which
        assert bool([x for x in left if x.endswith(".part")]) == (moment == "writing")
    else:
        assert stopped.returncode == 130
        assert [x for x in stopped.stderr.splitlines() if x.startswith("deepdream: ")] == [
            "deepdream: cancelled"
        ]
        assert "Traceback" not in stopped.stderr
        assert not [x for x in left if x.endswith(".part")]
    assert run("model", "get", "small")[0] == 0
    assert files(home) == ["small.onnx"]
    assert (home / "small.onnx").read_bytes() == TINY.read_bytes()


def test_a_full_disk_is_told_and_room_is_enough_to_go_on(
    run, small_disk: Path, served: Served, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(small_disk))
    large = TINY.read_bytes() + bytes(80_000)
    with monkeypatch.context() as patch:
        patch.setattr(making, "fill", lambda *_, **__: large)
        for words in (["get", "small"], ["make", "--network", "small", "--weights", weights]):
            code, out, err = run("model", *words)
            assert (code, out) == (4, "")
            assert "cannot be written" in err
            assert "hint: make room there, or write elsewhere" in err
            assert not [x for x in files(small_disk) if x.endswith((".onnx", ".part"))]
    assert run("model", "get", "small")[0] == 0
    assert files(small_disk) == ["small.onnx"]


def test_a_disk_that_fills_while_it_is_fetched_is_told(
    run, small_disk: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(small_disk))
    served.content += bytes(100_000)
    code, out, err = run("model", "get", "small")
    assert (code, out) == (4, "")
    assert "cannot be written" in err
    assert "make room there" in err
    assert [x for x in files(small_disk) if not x.endswith(".partial")] == []


def test_a_file_that_may_not_grow_so_large_is_told(
    run, served: Served, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a limit on files, say: no room helps, and nothing about the model file is wrong."""

    def refused(*_: object) -> None:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(Path, "write_bytes", refused)
    code, out, err = run("model", "make", "--network", "small", "--weights", weights)
    assert (code, out) == (4, "")
    assert err.rstrip().endswith("small.onnx cannot be written: File too large")


def test_a_disk_that_takes_nothing_is_told_before_anything_is_fetched(
    run, small_disk: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(small_disk))
    models.folder().mkdir(parents=True)
    subprocess.run([shutil.which("mount"), "-o", "remount,ro", small_disk], check=True)
    code, out, err = run("model", "get", "small")
    assert (code, out) == (4, "")
    assert "cannot be written: Read-only file system" in err
    assert "hint: write elsewhere" in err
    assert not served.asked
