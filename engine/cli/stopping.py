"""SIGINT, SIGTERM, SIGHUP and Windows' Ctrl-Break: how this process ends before its time.

From `arm` on, a signal ends it at once, with exit code 130: unfinished files are removed, one line is said.
A command can have a last word of its own, or ask for a signal to be passed on, where it has something to
finish; the second signal ends it all the same.

Nothing is ever raised into the work.  An exception that may come anywhere also comes where a lock is held,
such as that of an import, or where Python swallows it.  A thread of its own waits for signals, since the main
thread may be inside a library for many seconds.  Windows has no such thread: there the main thread is asked.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from engine.atomic import abandon
from engine.cli import console
from engine.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import NoReturn

    from engine.errors import DreamError

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""Those that end a program and that this system has."""

PATIENCE: Final = 0.5
"""Seconds that the last words may take, as a rule: perhaps nobody reads them."""


class _Ending:
    """What the next signal leads to."""

    def __init__(self) -> None:
        self.instead: Callable[[], bool] | None = None
        self.always = False
        self.within: float | None = None
        self.words: Callable[[], DreamError] = lambda: Cancelled("cancelled")
        self.patience = PATIENCE
        self.tell: Callable[[DreamError], object] = lambda error: console.note(f"deepdream: {error}")
        self.begun = _thread.allocate_lock()
        """Taken by whoever ends the process: only one can."""


_ending = _Ending()


def arm() -> None:
    """From now on, signals end this process; those that our parent process has us ignore stay ignored."""
    wanted = [x for x in SIGNALS if signal.getsignal(x) is not signal.SIG_IGN]
    if sys.platform == "win32" or not _watching(wanted):
        for which in wanted:
            signal.signal(which, _signalled)


def leave(code: int) -> NoReturn:
    """End the process with this exit code.

    Python's own way out is not taken: it would let signals through that nobody handles any more, and crash
    around threads that are still inside ONNX Runtime.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads
            stream.flush()
    _ending.begun.acquire()
    os._exit(code)


def telling(tell: Callable[[DreamError], object]) -> AbstractContextManager[None]:
    """Have the last words said in this way inside the `with` block."""
    return _having("tell", tell)


@contextlib.contextmanager
def saying(words: Callable[[], DreamError], patience: float = PATIENCE) -> Iterator[None]:
    """Have these last words inside the `with` block: `words` is called when the end has come.

    It may not take longer than `patience`, in seconds, and runs while the work still goes on.
    """
    with _having("words", words), _having("patience", patience):
        yield


@contextlib.contextmanager
def _having(name: str, value: object) -> Iterator[None]:
    before = getattr(_ending, name)
    setattr(_ending, name, value)
    try:
        yield
    finally:
        setattr(_ending, name, before)


@contextlib.contextmanager
def instead(act: Callable[[], bool], *, always: bool = False, within: float | None = None) -> Iterator[None]:
    """Call `act` inside the `with` block for the first signal, or for each one.

    It only sets a flag, and returns whether there is anything to finish; otherwise the process ends.  It also
    does where that is not finished `within` so many seconds.
    """
    _ending.instead, _ending.always, _ending.within = act, always, within
    try:
        yield
    finally:
        _ending.instead = None


def _watching(wanted: list[signal.Signals]) -> bool:
    """Have a thread wait for signals; return False where none can be had.

    No signal is lost meanwhile: they are held back until all is in place.
    """
    held = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    try:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        _thread.start_new_thread(_watch, (reading,))
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for which in wanted:
            signal.signal(which, _left_to_the_thread)
    except (OSError, RuntimeError):  # no more descriptors, or threads
        return False
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return True


def _watch(reading: int) -> None:
    while True:
        for number in os.read(reading, 64):
            if number in SIGNALS:  # where a standard stream is closed, the pipe may have its number
                _signalled()


def _left_to_the_thread(*_: object) -> None:
    """Do nothing: Python writes to the thread's pipe only where a signal has a handler."""


def _signalled(*_: object) -> None:
    act = _ending.instead
    if not _ending.always:
        _ending.instead = None
    if act is None or not act():
        _end_once()
    elif _ending.within is not None:
        _thread.start_new_thread(_end_later, (_ending.within,))


def _end_later(seconds: float) -> None:
    time.sleep(seconds)
    _end_once()


def _end_once() -> None:
    """End the process, unless somebody is at it."""
    if _ending.begun.acquire(blocking=False):
        _end()


def _end() -> NoReturn:
    # The words are said in another thread: this one may be in the midst of a word, and a reader stuck.
    said = _thread.allocate_lock()
    said.acquire()
    with contextlib.suppress(RuntimeError):  # no more threads
        _thread.start_new_thread(_say, (said,))
        said.acquire(timeout=_ending.patience)
    _let_nobody_open_files()
    abandon()
    os._exit(Cancelled.exit_code)


def _let_nobody_open_files() -> None:
    """Have each thread that opens a file from now on wait for the end: it might be one that is just removed.

    The work goes on until the process has ended, and would write an unfinished file anew.
    """
    end = _thread.allocate_lock()
    end.acquire()
    sys.addaudithook(lambda event, _: event == "open" and end.acquire())


def _say(said: _thread.LockType) -> None:
    try:
        console.hush()
        _ending.tell(_ending.words())
    except Exception:  # noqa: BLE001, S110 - there is nobody left to tell
        pass
    finally:
        said.release()
