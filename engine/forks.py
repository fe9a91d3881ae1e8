"""Threads and forks: what is opened once for all threads of a process, and anew in a process that was forked.

A forked process is a copy with one thread.  Whoever held a lock is gone, so it stays locked; whoever computed
is gone, so a session waits for it for ever, even to be closed.  Therefore no fork happens while the runtime
works or a lock is held (`calls`), and what was open is forgotten in the child, unclosed, and opened anew when
it is next needed (`Opened`).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

T = TypeVar("T")


class _Gate:
    """Lets in any number of calls at once, and a fork only while there are none in other threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()
        """How many calls, one inside another, each thread is in."""
        self._forks = 0

    def enter(self) -> None:
        me = threading.get_ident()
        with self._changed:
            # A fork goes first, but waits for those that are inside already.
            self._changed.wait_for(lambda: not self._forks or me in self._inside)
            self._inside[me] += 1

    def leave(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._inside[me] -= 1
            if self._inside[me] <= 0:
                del self._inside[me]
            if self._forks:
                self._changed.notify_all()

    def before_fork(self) -> None:
        me = threading.get_ident()  # which may be inside: a signal can arrive there, and its handler fork
        with self._changed:
            self._forks += 1
            self._changed.wait_for(lambda: self._inside.keys() <= {me})

    def after_fork(self) -> None:
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()


class Opened(Generic[T]):
    """Something that is opened at its first use, once for all threads, and anew after a fork."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Open by `make`, which may raise: then the next `get` tries again."""
        self._make = make
        self._lock = threading.Lock()  # only taken inside `calls`, so that no fork finds it taken
        self._value: T | None = None
        _all.add(self)

    def get(self) -> T:
        """Return what is open, or open it."""
        value = self._value
        if value is None:
            with calls(), self._lock:
                if self._value is None:
                    self._value = self._make()
                value = self._value
        return value

    @property
    def now(self) -> T | None:
        """What is open; None where nothing is."""
        return self._value

    def close(self, refuse: Callable[[], NoReturn]) -> None:
        """Let go of what is open; from now on `get` calls `refuse`, which raises.

        Who is using it keeps it until then.
        """
        with calls(), self._lock:
            self._make, value, self._value = refuse, self._value, None
            del value

    def drop(self) -> None:
        """Let go of what is open; the next `get` opens it anew.  Who is using it keeps it until then."""
        with calls(), self._lock:
            self._value = None

    def forget(self) -> None:
        """Leave what the parent process had open, without closing it; for a process that was just forked."""
        if self._value is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._value))  # so that it never is, not even at exit
        self._value, self._lock = None, threading.Lock()


_gate = _Gate()
_all: weakref.WeakSet[Opened[Any]] = weakref.WeakSet()
_process = object()


@contextlib.contextmanager
def calls() -> Iterator[None]:
    """Hold off forks for as long as the runtime works, or a lock is held; may be nested."""
    _gate.enter()
    try:
        yield
    finally:
        _gate.leave()


def once(function: Callable[..., T]) -> Callable[..., T]:
    """Cache what a function returns, as functools.cache does; only one thread at a time computes it."""
    cached, lock = functools.cache(function), threading.RLock()

    @functools.wraps(function)
    def locked(*arguments: Any) -> T:
        with calls(), lock:
            return cached(*arguments)

    return locked


def process() -> object:
    """Return what stands for this process: another object after a fork."""
    return _process


def _before() -> None:
    _gate.before_fork()


def _in_parent() -> None:
    _gate.after_fork()


def _in_child() -> None:
    global _gate, _process
    _gate, _process = _Gate(), object()
    for opened in list(_all):
        opened.forget()


if hasattr(os, "register_at_fork"):  # not Windows, where nothing forks
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
