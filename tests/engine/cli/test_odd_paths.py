"""Commands with files that are not what they should be: one clear line, nothing waited for, nothing lost."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from engine.files import images
from tests.engine.conftest import QUICK, TINY, copies

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes FIFOs and links, writes to devices")

LONG = "a" * 300
COMMANDS = {
    "dream": QUICK,
    "zoom": [*QUICK, "--seconds", "0.1", "--size", "32"],
    "gallery": ["--size", "64", "--model", str(TINY)],
    "video": QUICK,
}
FIFO = "is a FIFO, not a"


def names(folder: str) -> list[str]:
    return sorted(x.name for x in Path(folder).iterdir())


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "said"),
    [("fifo.png", FIFO), (LONG, "too long|does not exist"), ("loop.png", "symbolic links|does not exist")],
)
def test_inputs_that_are_no_files(run, photo: Path, command: str, name: str, said: str) -> None:
    os.mkfifo("fifo.png")
    Path("loop.png").symlink_to("loop.png")
    output = "out.gif" if command in {"zoom", "video"} else "out.png"
    code, out, err = run(command, name, "-o", output, *COMMANDS[command])
    assert (code, out) == (3, "")
    assert name[:20] in err
    assert re.search(said, err)
    assert names(".") == ["fifo.png", "loop.png", "photo.png"]


@pytest.mark.parametrize(
    ("option", "name", "code"),
    [
        ("--guide", "fifo.png", 3),
        ("--mask", "fifo.png", 3),
        ("--recipe", "fifo.png", 3),
        ("--recipe", "fifo.json", 3),
        ("--preset", "./fifo.toml", 2),
        ("--model", "fifo.onnx", 4),
    ],
)
def test_options_that_name_a_fifo(run, photo: Path, option: str, name: str, code: int) -> None:
    os.mkfifo(name)
    found, out, err = run("dream", photo, "-o", "out.png", *QUICK, option, name)
    assert (found, out) == (code, "")
    assert "a FIFO" in err
    assert not Path("out.png").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_outputs_with_names_too_long(run, photo: Path, command: str) -> None:
    output = LONG + (".gif" if command in {"zoom", "video"} else ".png")
    code, out, err = run(command, photo, "-o", output, *COMMANDS[command])
    assert (code, out) == (3, "")
    assert "File name too long" in err
    assert names(".") == ["photo.png"]


@pytest.mark.slow
def test_results_of_long_names_are_written_beside_them(run, photo: Path) -> None:
    (long,) = copies(photo, "a" * 251 + ".png")
    photo.unlink()
    code, out, _ = run(
        "dream", long.name, "--save-steps", "steps", "--animate", "grow.webp", *QUICK, "--preset", "keras"
    )
    assert code == 0
    assert Path(out.splitlines()[0]).is_file()
    assert len(names("steps")) == 6
    assert run("gallery", long.name, *COMMANDS["gallery"])[0] == 0


def test_films_of_several_long_names(run, photo: Path) -> None:
    copies(photo, "a" * 250 + "b.png", "a" * 250 + "c.png")
    photo.unlink()
    code, out, _ = run("dream", ".", "--animate", "grow.webp", *QUICK)
    assert code == 0
    assert len([x for x in out.splitlines() if Path(x).is_file() and x.endswith(".grow.webp")]) == 2


@pytest.mark.slow
def test_a_picture_for_a_device(run, photo: Path) -> None:
    before = Path("/dev/null").stat()
    for _ in range(2):  # nothing is there afterwards that exists already
        code, out, err = run("dream", photo, "-o", "/dev/null", *QUICK)
        assert (code, out) == (0, "/dev/null\n")
    after = Path("/dev/null").stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert not Path("/dev/null.png").exists()
    assert run("gallery", photo, "-o", "/dev/null", *COMMANDS["gallery"])[0] == 0
    code, _, err = run("zoom", photo, "-o", "/dev/null", *COMMANDS["zoom"])
    assert code == 3
    assert "does not name a film format" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_that_is_full(run, photo: Path) -> None:
    code, out, err = run("dream", photo, "-o", "/dev/full", *QUICK)
    assert (code, out) == (3, "")
    assert "/dev/full cannot be written: No space left on device" in err


def test_a_fifo_is_no_place_for_a_result(run, photo: Path) -> None:
    os.mkfifo("fifo.png")
    code, _, err = run("dream", photo, "-o", "fifo.png", *QUICK)
    assert code == 3
    assert "-o - > FIFO" in err


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("dream", x) for x in ("guide.png", "mask.png", "old.png", "look.toml", "tiny.onnx")),
        *(("zoom", x) for x in ("guide.png", "mask.png", "look.toml", "tiny.onnx")),
    ],
)
def test_nothing_that_is_read_is_replaced(run, photo: Path, command: str, name: str) -> None:
    copies(photo, "guide.png", "mask.png")
    Path("tiny.onnx").write_bytes(TINY.read_bytes())
    Path("look.toml").write_text("iterations = 2\n[layers]\nmixed0 = 1.0\n")
    assert run("dream", photo, "-o", "old.png", *QUICK)[0] == 0
    read_by = {"guide.png": "--guide", "mask.png": "--mask", "old.png": "--recipe", "look.toml": "--preset"}
    suffix = ".gif" if command == "zoom" else ".png"
    target = Path("target" + suffix)
    target.symlink_to(name)
    before = Path(name).read_bytes()
    options = [read_by[name], name] if name in read_by else []
    model = ["--model", "tiny.onnx"]
    code, _, err = run(command, photo, "-o", target, "--overwrite", *COMMANDS[command], *model, *options)
    assert code == 2
    assert f"{target} is the " in err
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize("command", ["zoom", "gallery", "dream"])
def test_the_input_is_never_replaced(run, photo: Path, command: str) -> None:
    images.save(images.load(photo), Path("in.webp"))
    Path("link.webp").hardlink_to("in.webp")
    before = Path("in.webp").read_bytes()
    for target in ("in.webp", "./link.webp"):
        code, _, err = run(command, "in.webp", "-o", target, "--overwrite", *COMMANDS[command])
        assert code == 2
        assert "is the input" in err
    assert Path("in.webp").read_bytes() == before


def test_a_step_never_replaces_an_input(run, photo: Path) -> None:
    copies(photo, "photo-0001.png")
    code, _, err = run("dream", "photo-0001.png", photo, "--save-steps", ".", "--overwrite", *QUICK)
    assert code == 2
    assert "photo-0001.png is the input" in err


def test_a_film_never_replaces_its_own_result(run, photo: Path) -> None:
    code, _, err = run("dream", photo, "-o", "x.webp", "--animate", "./x.webp", *QUICK)
    assert code == 2
    assert "x.webp is the result, too" in err
    assert names(".") == ["photo.png"]


def test_a_full_disk_stops_a_folder(run, photo: Path, small_disk: Path) -> None:
    copies(photo, *(f"{i:02}.png" for i in range(29)))
    code, out, err = run("dream", ".", "-o", small_disk, *QUICK)
    assert code == 3
    written = out.splitlines()
    assert sorted(written) == sorted(str(x) for x in small_disk.iterdir())
    assert 3 < len(written) < 20
    assert "No space left on device" in err
    assert "more pictures were left out" in err
    assert "0.0 GB" not in err
