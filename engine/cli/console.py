"""Text on standard output and standard error.

Results go to stdout, everything else to stderr.  A reader that has gone away must not stop the work, so
nothing here raises when a stream is closed.

File names, and what files say of themselves, are text from strangers: a terminal would obey an escape code in
it, and a line break would look like a message of ours.  So everything for people goes through `printable`.
Only stdout that is no terminal, which programs read, gets the bytes as they are.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

_speaking = threading.RLock()
"""Held by whoever prints, so that lines come whole; by the last word of all for ever, see `hush`."""


_own: Final[dict[str, TextIO]] = {}
"""Where `private` has us print."""

JOINERS: Final = "\u200c\u200d"
"""Format characters that words of Persian and pictures of families are written with, and nothing obeys."""


def printable(text: str) -> str:
    r"""Return a line with `\x1b`, `\n` or `\u202e` in place of what is no visible character.

    These are what the Unicode standard calls control and format characters, separators of lines, halves of
    characters (as which Python reads bytes that make no sense), and what has no meaning yet.
    """
    return "".join(x if x.isprintable() or _harmless(x) else _escaped(x) for x in text)


def say(line: str) -> None:
    """Print a result to stdout; to a program, a path goes byte for byte."""
    _result(line, printable)


def say_lines(text: str) -> None:
    """Print a result of several lines to stdout."""
    _result(text, _printable_lines)


def note(text: str) -> None:
    """Print a line that is not a result to stderr."""
    _write(printable(text) + "\n")


def note_lines(text: str) -> None:
    """Print lines that are not a result to stderr, such as a traceback."""
    _write(_printable_lines(text.rstrip("\n")) + "\n")


def redraw(line: str = "") -> None:
    """Print a line on a terminal in place of the one that the cursor is on."""
    _write(f"\r\x1b[K{printable(line)}")


def hush() -> None:
    """Let nobody but the calling thread print any more: the process is about to end."""
    _speaking.acquire()


@contextlib.contextmanager
def private() -> Iterator[None]:
    """Let nobody but this module print inside the `with` block, whatever a library has to say.

    What others print goes nowhere, even what a program prints that is started meanwhile.
    """
    before = dict(_own)
    with contextlib.ExitStack() as at_end:
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            if stream is None:
                continue
            with contextlib.suppress(OSError, ValueError, AttributeError):  # no file, as in a notebook
                number = stream.fileno()
                stream.flush()
                own = os.dup(number)
                _own[name] = open(own, "w", encoding=stream.encoding, errors=stream.errors)  # noqa: SIM115, PTH123 - closed below
                at_end.callback(_own[name].close)
                at_end.callback(os.dup2, own, number)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, number)
                os.close(nowhere)
                at_end.callback(stream.flush)
        try:
            yield
        finally:
            _own.clear()
            _own.update(before)


def _result(text: str, shown: Callable[[str], str]) -> None:
    stdout: TextIO | None = _own.get("stdout", sys.stdout)
    if stdout is None:
        return
    with _speaking:
        with contextlib.suppress(OSError, ValueError):
            if stdout.isatty() or not _has_bytes(text):
                text = shown(text)
            stdout.flush()
            stdout.buffer.write(os.fsencode(text + "\n"))
            stdout.buffer.flush()
            return
        # Python flushes stdout once more at exit, and would complain that its reader has gone.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())


def _write(text: str) -> None:
    stderr: TextIO | None = _own.get("stderr", sys.stderr)
    if stderr is not None:
        with _speaking, contextlib.suppress(OSError, ValueError):
            stderr.write(text)
            stderr.flush()


def _printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _has_bytes(text: str) -> bool:
    """Tell whether this can be the name of a file: what a recipe says, for one, can be any text."""
    try:
        return bool(os.fsencode(text)) or not text
    except UnicodeEncodeError:
        return False


def _harmless(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character) == "Zs"  # any kind of space


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
