"""What reaches a terminal, and what a program: names of files can be any bytes."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import console, reporters
from engine.cli import main as cli
from engine.cli.reporters import Reporter
from engine.errors import UsageError
from tests.engine.conftest import QUICK, copies

ROOT = Path(__file__).parents[3]

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="its file names are not bytes")

NAMES = st.binary(min_size=1, max_size=40).map(os.fsdecode) | st.text(min_size=1, max_size=40)

HOSTILE = os.fsdecode(b"a\x1b[31m\ndeepdream: error\x07\r" + "\u202e\x9b你".encode() + b"\xff.png")
"""Colours, a message of its own, a bell, a bidi override, an 8-bit escape code, a byte of no character."""


def obeyed(text: str) -> list[str]:
    """Return the characters that a terminal obeys instead of showing them."""
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [x for x in text if unicodedata.category(x) in hidden and x not in console.JOINERS]


@given(NAMES)
def test_what_is_printable_stays_and_nothing_else(name: str) -> None:
    shown = console.printable(name)
    assert not obeyed(shown)
    assert console.printable(shown) == shown
    assert shown == name or not name.isprintable()
    assert shown == "".join(map(console.printable, name))
    shown.encode()  # no halves of characters: any terminal's encoding can have it


def test_what_escapes_look_like() -> None:
    assert console.printable("a\x1b[0m\n\t\u202e\udcff\x9b") == r"a\x1b[0m\n\t\u202e\udcff\x9b"
    for name in ("Größe 你好.png", "C:\\new\\table.png", "می‌روم.png", "👨‍👩‍👧.png", "a\u3000b\u00a0c.png"):
        assert console.printable(name) == name


@given(NAMES, st.sampled_from(["lines", "bar", "json", "none"]))
def test_every_reporter_says_names_without_harm(name: str, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stream = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="")
        patch.setattr(sys, "stderr", stream)
        reporter = reporters.for_progress(kind, debug=True)
        say_all(reporter, name)
        stream.flush()
        text = stream.buffer.getvalue().decode()
    lines = text.replace("\r\x1b[K", "").split("\n")
    assert not [x for line in lines for x in obeyed(line)]
    assert lines.pop() == ""
    assert len([x for x in lines if x.startswith("deepdream: error")]) == (kind != "json")


def say_all(reporter: Reporter, name: str) -> None:
    reporter.warning("odd", name=name, hint=name)
    reporter.cell(name, 1, 2)
    reporter.done(name, name, 1.0)
    reporter.error(UsageError(f"{name} is wrong", hint=name), name=name)


@given(NAMES)
def test_log_messages_do_no_harm(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stream = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="")
        patch.setattr(sys, "stderr", stream)
        cli._Log().emit(logging.makeLogRecord({"msg": "odd: %s", "args": (name,)}))
        stream.flush()
        text = stream.buffer.getvalue().decode()
    assert text.endswith("\n")
    assert not obeyed(text[:-1])


@pytest.mark.parametrize(("words", "libraries"), [([], 0), (["--verbose"], 1)])
def test_what_libraries_log_is_for_those_who_ask(
    monkeypatch, capsys, words: list[str], libraries: int
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    assert cli.main(["presets", "list", *words]) == 0
    logging.getLogger("gcsfs.core").warning("falling back")
    logging.getLogger("engine.network").warning("a slow device")
    err = capsys.readouterr().err
    assert err.count("deepdream: a slow device\n") == 1
    assert err.count("falling back") == libraries


@pytest.mark.slow
@POSIX
def test_a_program_gets_the_path_byte_for_byte_and_people_see_it_escaped(photo: Path) -> None:
    try:
        source = copies(photo, HOSTILE)[0]
    except OSError:
        pytest.skip("this file system knows no such names")
    target = source.with_suffix(".dream.png")
    done = subprocess.run(
        [sys.executable, "-m", "engine", "dream", source, *QUICK], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, os.fsencode(f"{target}\n"))
    done = subprocess.run(
        [sys.executable, "-m", "engine", "dream", source, *QUICK], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 2
    lines = done.stderr.decode().split("\n")
    assert (len(lines), lines[0].count("already exists")) == (3, 1)
    assert not [x for line in lines for x in obeyed(line)]


@POSIX
def test_on_a_terminal_results_are_escaped_too() -> None:
    import pty

    main, terminal = pty.openpty()
    script = "import os, sys; from engine.cli import console; console.say(os.fsdecode(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, b"\x1b[31ma\nb"], cwd=ROOT, stdout=terminal, check=True)
    assert os.read(main, 1000) == b"\\x1b[31ma\\nb\r\n"
    for descriptor in (main, terminal):
        os.close(descriptor)


def test_text_that_no_file_can_be_called_is_a_result_all_the_same(capfd) -> None:
    console.say("a\ud800b")
    console.say("c")
    assert capfd.readouterr().out == "a\\ud800b\nc\n"


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["dream", "{photo}", "-o", "{photo}.dream.png"], 0),
        (["dream", "{photo}", "-o", "dream.png"], 3),
        (["dream", "photo.png"], 3),
        (["dream", "{photo}", "--save-steps", "steps"], 3),
        (["zoom", "{photo}", "-o", "film.gif"], 3),
        (["gallery", "{photo}", "-o", "sheet.png"], 3),
        (["recipe", "photo.png"], 3),
        (["layers"], 0),
    ],
)
def test_a_working_folder_that_was_deleted(photo: Path, tmp_path: Path, words, code) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    model = {"dream": QUICK, "zoom": QUICK, "recipe": []}.get(words[0], QUICK[:2])
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', gone, sys.executable, "-m", "engine"]
        + [x.format(photo=photo) for x in words]
        + model,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    errors = [x for x in done.stderr.splitlines() if x.startswith("deepdream: error: ")]
    assert len(errors) == (code != 0)
    assert ("the folder that this runs in was deleted" in done.stderr) == (code != 0)
