"""What libraries raise, warn of and print reaches users in our words, or not at all."""

from __future__ import annotations

import errno
import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageError
from engine.files import images, quiet
from engine.files.telling import explained
from tests.engine.conftest import as_file, noise
from tests.engine.files import samples


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "x cannot be read: Too many open files"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "x cannot be read: Input/output error"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), "x cannot be read: Permission denied"),
        (MemoryError(), "x does not fit into memory"),
        (OSError("broken data stream"), "x is damaged or incomplete: broken data stream"),
        (OSError(errno.EINVAL, "Invalid argument"), "x is damaged or incomplete: .*Invalid argument"),
        (SyntaxError("bad\nmarker"), "x is damaged or incomplete: bad marker$"),
        (ValueError(), "x is damaged or incomplete$"),
        (Image.DecompressionBombError(), "x has more than 178 million pixels"),
    ],
)
def test_each_error_is_said_as_it_is(error: Exception, said: str) -> None:
    with pytest.raises(ImageError, match=f"^{said}") as caught, explained("x"):
        raise error
    assert "\n" not in str(caught.value)


BY_PYTHON = {
    "types": lambda: (1, 2) // 1,
    "nothing there": lambda: None.shape,
    "keys": lambda: {}[b"icns"],
    "places": lambda: b"".index(7),
    "structures": lambda: struct.unpack(">I", b"abc"),
    "text": b"\xff".decode,
    "numbers": lambda: int("0x"),
    "fractions": lambda: float(b"\xff\x00"),
    "infinity": lambda: int(float("nan")),
    "pairs": lambda: dict([(1, 2, 3)]),
    "lengths": lambda: [first for first, _ in ["abc"]],
    "bytes": lambda: bytes([300]),
    "division": lambda: 1 // 0,
    "recursion": lambda: _forever(),  # noqa: PLW0108 - it is defined below
    "arrays": lambda: np.zeros(3).reshape(2),
    "shapes": lambda: np.zeros(3) + np.zeros(2),
    "buffers": lambda: np.frombuffer(b"abc", np.uint8, 4),
    "compression": lambda: zlib.decompress(b"abc"),
    "an object in the words": lambda: _raise(ValueError(f"{object()} has no pages")),
}
"""What goes wrong inside a library that believes a damaged file."""


def _forever() -> None:
    _forever()


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("what", BY_PYTHON)
def test_what_python_says_of_a_library_is_no_reason(what: str) -> None:
    with pytest.raises(ImageError, match=r"^x is damaged or incomplete$") as caught, explained("x"):
        BY_PYTHON[what]()
    assert caught.value.__cause__ is not None  # for --debug


@pytest.mark.parametrize("kind", [OSError, SyntaxError, ValueError, RuntimeError])
def test_what_a_library_says_of_a_file_is_a_reason(kind: type[Exception]) -> None:
    with (
        pytest.raises(ImageError, match=r"^x is damaged or incomplete: palette data out of range$"),
        explained("x"),
    ):
        raise kind("palette data out of range")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_too_many_open_files_are_no_damaged_picture(tmp_path: Path, form: str) -> None:
    (tmp_path / "x").write_bytes(samples.sample(form))
    script = (
        "import io, os, resource, sys\n"
        "from engine.errors import ImageError\n"
        "from engine.files import images\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))\n"
        "try:\n"
        "    while True: os.open(os.devnull, os.O_RDONLY)\n"
        "except OSError: pass\n"
        "for source in (content, sys.argv[1]):\n"
        "    try:\n"
        "        images.load(images.Path(source) if isinstance(source, str) else io.BytesIO(source))\n"
        "        print('read')\n"
        "    except ImageError as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "x")], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "Too many open files" in told[1]
    assert told[0] == "read" or "Too many open files" in told[0]


def test_a_damaged_file_that_is_read_is_said_to_be_damaged() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description that is long enough to lie elsewhere"
    content = (
        as_file(noise(7, 9), "JPEG", exif=exif)
        .getvalue()
        .replace(b"\x01\x0e\0\x02\0\0\0", b"\x01\x0e\0\x02\x7f\0\0")
    )
    told = " ".join(images.load(io.BytesIO(content), "x.jpg").warnings)
    assert "damaged" in told


def test_what_libtiff_complains_of_is_told_and_not_printed(capfd) -> None:
    picture = images.load(io.BytesIO(samples.broken_fax()), "fax.tif")
    assert capfd.readouterr().err == ""
    assert picture.shape == (64, 64)
    if quiet._libtiff() is not None:
        assert picture.warnings[0].startswith("fax.tif is damaged, and was read as far as it could be")


@pytest.mark.skipif(quiet._libtiff() is None, reason="Pillow's libtiff cannot be found here")
def test_other_users_of_libtiff_hear_it_as_before(capfd) -> None:
    images.load(io.BytesIO(samples.broken_fax()))
    with Image.open(io.BytesIO(samples.broken_fax())) as image:
        image.load()
    assert "Fax4Decode" in capfd.readouterr().err


def test_warnings_of_other_threads_are_theirs() -> None:
    heard: list[str] = []
    before = warnings.showwarning

    def elsewhere() -> None:
        warnings.warn("of another thread", stacklevel=1)

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: heard.append(str(message))
        with quiet.recording() as said:
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            warnings.warn("of this one", stacklevel=1)
    assert said == ["of this one"]
    assert heard == ["of another thread"]
    assert warnings.showwarning is before


def test_numpys_warnings_are_not_about_files() -> None:
    with pytest.raises(RuntimeWarning), quiet.recording() as said:  # an error here, as in all tests
        np.array([1e300]).astype(np.float32)
    assert said == []


@pytest.mark.parametrize("shown", [False, True])
def test_warnings_for_programmers_reach_no_user(shown: bool) -> None:
    script = (
        "import warnings, engine.cli.main as command, engine.__main__ as program\n"
        "command.main = lambda: warnings.warn('of NumPy', RuntimeWarning) or 0\n"
        "program.main()\n"
    )
    words = [sys.executable, *(["-W", "default"] if shown else []), "-c", script]
    environment = {x: y for x, y in os.environ.items() if x != "PYTHONWARNINGS"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    assert ("of NumPy" in done.stderr) == shown
