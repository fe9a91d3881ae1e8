# -*- coding: utf-8 -*-
"""The engine as a child process, never left behind: what both ways of talking to it share.

Only the main thread may call libgimp, so the threads here never use GIMP: they fill a queue that the host
polls.  Threads rather than select, because Windows can't select on pipes.
"""

from __future__ import unicode_literals

import json
import os
import signal
import subprocess
import sys
import threading
import time

from . import engine_words
from .native import native
from .texts import N_, _

try:
    import queue  # novermin
except ImportError:  # Python 2
    import Queue as queue  # novermin

HIDDEN_FROM_ENGINE = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "GI_TYPELIB_PATH")
"""Set by GIMP packages for GIMP's own Python; the engine has a different one."""

PROTOCOL = 1
STOP_SECONDS = 3.0
"""How long the engine may take to end on its own before it is killed."""

ERROR_LINES = 40
"""Number of the engine's last output lines kept for the log."""

KILLED = (-9, 128 + 9)
"""Statuses of an engine that got SIGKILL, as the system sends it for want of memory; the second through a
program between, such as a shell or Flatpak's."""

LINE_LENGTH = 1000
"""Number of characters kept of such a line."""


class EngineError(Exception):
    """The engine failed; the message says why, and `hint` what to do about it."""

    def __init__(self, message, hint=""):
        Exception.__init__(self, message)
        self.message = message
        self.hint = hint

    def __str__(self):
        text = self.message + ("\n" + self.hint if self.hint else "")
        return text if sys.version_info[0] > 2 else text.encode("utf-8")


class Child(object):
    """A process of `python -m engine`.

    log: its last output; about: its start event.
    """

    def __init__(self, command, words):
        """Start it; command: such as ["/path/to/python", "-m", "engine"], words: what follows.

        Raises EngineError if it can't be started.
        """
        self.log = []
        self.about = {}
        self._error = None
        self._queue = queue.Queue()
        self._threads = []
        _survive_broken_pipes()
        environment = dict((k, v) for k, v in os.environ.items() if k not in HIDDEN_FROM_ENGINE)
        try:
            self._process = subprocess.Popen(
                [native(word) for word in list(command) + list(words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=-1,  # Python 2 would read byte by byte
                env=environment,
                # Python 2 would let the engine inherit GIMP's wire; Windows does not allow both.
                close_fds=os.name != "nt",
                # Without a console window on Windows.
                creationflags=0x08000000 if os.name == "nt" else 0,
            )
        except (OSError, ValueError) as error:
            raise EngineError(
                _("The DeepDream engine can't be started: %(reason)s") % {"reason": reason(error)},
                _("Run “deepdream-gimp install” again; “deepdream-gimp check” gives details."),
            )

    def _start(self, *targets):
        """Call each of the targets in a thread of its own."""
        for target in targets:
            thread = threading.Thread(target=target)
            thread.daemon = True
            thread.start()
            self._threads.append(thread)

    def _listen(self):
        """Take what comes on stderr: events, and whatever else is said, which is kept for the log."""
        for line in iter(self._process.stderr.readline, b""):
            event = event_of(line)
            if event is None:
                self.log.append(line.decode("utf-8", "replace").rstrip()[:LINE_LENGTH])
                del self.log[:-ERROR_LINES]
                continue
            if event.get("event") == "error":
                self._error = event
            self._heard(event)

    def _heard(self, event):
        """Take one event from stderr, in the thread that listens."""

    def _greeted(self, event):
        """Take the start event; end an engine of another version."""
        self.about = event
        if event.get("protocol") != PROTOCOL:
            self._error = {
                "message": _("The DeepDream engine and this plug-in are different versions."),
                "hint": _("Run “deepdream-gimp install” again."),
            }
            quietly(self._process.terminate)

    def _end(self, seconds):
        """Wait until it has ended, by force if it does not end on its own within `seconds`."""
        if self._wait(seconds) is None:
            quietly(self._process.terminate)
            if self._wait(STOP_SECONDS / 3) is None:
                quietly(self._process.kill)
                self._process.wait()
        for thread in self._threads:
            thread.join(1.0)
        for stream in (self._process.stdout, self._process.stderr):
            quietly(stream.close)

    def _wait(self, seconds):
        """Return the exit status, or None if the process is still running after `seconds`."""
        end = time.time() + seconds
        while self._process.poll() is None:
            if time.time() >= end:
                return None
            time.sleep(0.02)
        return self._process.returncode

    def _failure(self, status):
        """Return the error of an engine that ended: its own reason, or what its end says."""
        if self._error is not None:
            return EngineError(self._error.get("message", ""), self._error.get("hint", ""))
        said = {"status": _status(status), "words": self.log[-1].strip() if self.log else ""}
        if status in KILLED:
            message = _(
                "The DeepDream engine failed (%(status)s): it was killed, perhaps because the memory ran out."
            )
            return EngineError(message % said, _(_SMALLER))
        if status and status > 0 and not self.about and self.log:
            # Python found no engine, or a broken one, and said so; `deepdream-gimp check` tells the same.
            message = _("The DeepDream engine failed (%(status)s): %(words)s")
            return EngineError(message % said, _(_AGAIN) + " " + _(SEE_LOG))
        return EngineError(_("The DeepDream engine failed (%(status)s).") % said, _(SEE_LOG))


_AGAIN = N_("Install the engine again, then run “deepdream-gimp install”.")
_SMALLER = N_("Close other programs, or select a smaller part of the layer.")
SEE_LOG = N_("See the log file in GIMP's profile folder (deepdream.log).")


def _survive_broken_pipes():
    """Make writing to an engine that has ended raise an error, however GIMP's library set that signal."""
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    except (AttributeError, ValueError):
        pass  # Windows has none; only the main thread may


def event_of(line):
    """Return the event in a line of JSON, a dict in the user's language, or None if there is none."""
    try:
        event = json.loads(line.decode("utf-8"))
    except (ValueError, RuntimeError):  # RuntimeError: nested too deeply
        return None
    return engine_words.told(event) if isinstance(event, dict) and "event" in event else None


def _status(status):
    if status is None:
        return _("it does not answer")
    text = _("signal %(number)d") if status < 0 else _("status %(number)d")
    return text % {"number": abs(status)}


def went_wrong(error):
    """Return the error event of an engine that did not keep to the protocol."""
    return {"message": _("The DeepDream engine went wrong: %(reason)s.") % {"reason": reason(error)}}


def reason(error):
    """Return an error's own words."""
    text = getattr(error, "strerror", None) or str(error)
    return text if not isinstance(text, bytes) else text.decode("utf-8", "replace")


def quietly(function):
    """Call a function that may find its process or stream gone."""
    try:
        function()
    except (OSError, IOError, ValueError):
        pass
