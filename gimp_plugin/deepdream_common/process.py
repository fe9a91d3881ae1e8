# -*- coding: utf-8 -*-
"""The engine as a child process: a frame in, events and a frame out, never left behind.

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

from . import frames

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


class Engine(object):
    """One run of `python -m engine pipe` on one picture.

    log: the engine's last output; about: its start event; finished, stopped: whether it has ended, or has
    been told to.

    Start it, `poll` until `finished`, then take `result()`.  Whatever happens in between, `close()`: it ends
    the process and waits until it is gone.
    """

    def __init__(self, command, options, kind, height, width, channels, pixels):
        """Start the engine and send it the picture.

        command: the engine, such as ["/path/to/python", "-m", "engine"].
        options: from `parameters.engine_options`.
        kind, height, width, channels: of the frame, see `frames.header`; pixels: its bytes.

        Raises EngineError if the command can't be started.
        """
        self.log = []
        self.about = {}
        self.finished = False
        self._frame = (kind, height, width, channels)
        self._pixels = None
        self._error = None
        self.stopped = False
        self._end_of_input = threading.Event()
        self._queue = queue.Queue()
        _survive_broken_pipes()
        words = list(command) + ["pipe", "--progress", "json", "--abort-on-eof", "--keep-partial"]
        environment = dict((k, v) for k, v in os.environ.items() if k not in HIDDEN_FROM_ENGINE)
        try:
            self._process = subprocess.Popen(
                words + list(options),
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
                "The DeepDream engine can't be started: %s" % _reason(error),
                "Run “deepdream-gimp install” again; “deepdream-gimp check” gives details.",
            )
        self._send_header = frames.header(kind, height, width, channels)
        self._threads = [
            self._thread(self._feed, pixels),
            self._thread(self._receive),
            self._thread(self._listen),
        ]

    def poll(self, seconds=0.0):
        """Return the engine's next event, a dict, or None if there is none within `seconds`.

        Events are those of `--progress json`.  After the last one `finished` is True.
        """
        try:
            return self._queue.get(True, seconds) if seconds > 0 else self._queue.get_nowait()
        except queue.Empty:
            ended = not any(thread.is_alive() for thread in self._threads[1:])
            self.finished = ended and self._queue.empty()
            return None

    def stop(self):
        """Ask the engine to stop and return the picture so far; keep polling until `finished`."""
        self.stopped = True
        self._end_of_input.set()

    def result(self):
        """Return the pixels, in the form of those that were sent, once `finished`.

        Raises EngineError, with the engine's own reason, if there are none.
        """
        status = self._wait(STOP_SECONDS)
        if self._pixels is not None and (status == 0 or self.stopped):
            return self._pixels
        failure = self._failure(status)  # which quotes the engine's last words, so before ours
        self._log_end(status)
        if self._error is not None:
            raise EngineError(self._error.get("message", ""), self._error.get("hint", ""))
        if status == 0:
            raise EngineError("The DeepDream engine ended without a picture.", _SEE_LOG)
        raise failure

    def close(self):
        """End the engine, by force if it does not end on its own, and wait until it has ended."""
        self._end_of_input.set()
        if self._wait(0.0 if self.finished else STOP_SECONDS) is None:
            _quietly(self._process.terminate)
            if self._wait(STOP_SECONDS / 3) is None:
                _quietly(self._process.kill)
                self._process.wait()
        for thread in self._threads:
            thread.join(1.0)
        for stream in (self._process.stdout, self._process.stderr):
            _quietly(stream.close)

    def _thread(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments)
        thread.daemon = True
        thread.start()
        return thread

    def _feed(self, pixels):
        """Send the picture, and close stdin when that is asked for: its end tells the engine to stop.

        Only this thread touches stdin, for closing it under a blocked write would block too.
        """
        try:
            self._process.stdin.write(self._send_header)
            for start in range(0, len(pixels), 1 << 20):
                if self._end_of_input.is_set():
                    break
                self._process.stdin.write(pixels[start : start + (1 << 20)])
            self._process.stdin.flush()
        except (OSError, IOError, ValueError):
            pass  # the engine ended; its status and its words say why
        self._end_of_input.wait()
        _quietly(self._process.stdin.close)

    def _receive(self):
        """Take the dreamed picture."""
        try:
            found = frames.read_header(self._process.stdout.read)
            if found is None:
                return
            if found != self._frame:
                raise frames.FrameError("the engine sent a picture of another size or kind")
            self._pixels = frames.read_exactly(self._process.stdout.read, frames.size(*found))
        except (frames.FrameError, OSError, IOError, ValueError) as error:
            self._error = self._error or {"message": "The DeepDream engine went wrong: %s." % _reason(error)}
        # The engine waits for more pictures: there are none.
        self._end_of_input.set()

    def _listen(self):
        """Take the engine's events; whatever else it says is kept for the log."""
        for line in iter(self._process.stderr.readline, b""):
            event = _event(line)
            if event is None:
                self.log.append(line.decode("utf-8", "replace").rstrip()[:LINE_LENGTH])
                del self.log[:-ERROR_LINES]
                continue
            if event.get("event") == "error":
                self._error = event
            if event.get("event") == "start":
                self.about = event
            if event.get("event") == "start" and event.get("protocol") != PROTOCOL:
                self._error = {
                    "message": "The DeepDream engine and this plug-in are different versions.",
                    "hint": "Run “deepdream-gimp install” again.",
                }
                _quietly(self._process.terminate)
            self._queue.put(event)

    def _wait(self, seconds):
        """Return the exit status, or None if the process is still running after `seconds`."""
        end = time.time() + seconds
        while self._process.poll() is None:
            if time.time() >= end:
                return None
            time.sleep(0.02)
        return self._process.returncode

    def _failure(self, status):
        """Return the error of an engine that ended without a reason of its own."""
        message = "The DeepDream engine failed%s" % _status(status)
        if status in KILLED:
            return EngineError(message + ": it was killed, perhaps because the memory ran out.", _SMALLER)
        if status and status > 0 and not self.about and self.log:
            # Python found no engine, or a broken one, and said so; `deepdream-gimp check` tells the same.
            return EngineError("%s: %s" % (message, self.log[-1].strip()), _AGAIN + " " + _SEE_LOG)
        return EngineError(message + ".", _SEE_LOG)

    def _log_end(self, status):
        self.log.append("engine ended with status %s" % status)


_AGAIN = "Install the engine again, then run “deepdream-gimp install”."
_SMALLER = "Close other programs, or select a smaller part of the layer."
_SEE_LOG = "See the log file in GIMP's profile folder (deepdream.log)."


def _survive_broken_pipes():
    """Make writing to an engine that has ended raise an error, however GIMP's library set that signal."""
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    except (AttributeError, ValueError):
        pass  # Windows has none; only the main thread may


def _event(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except (ValueError, RuntimeError):  # RuntimeError: nested too deeply
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _status(status):
    if status is None:
        return ": it does not answer"
    return " (signal %d)" % -status if status < 0 else " (status %d)" % status


def _reason(error):
    text = getattr(error, "strerror", None) or str(error)
    return text if not isinstance(text, bytes) else text.decode("utf-8", "replace")


def _quietly(function):
    try:
        function()
    except (OSError, IOError, ValueError):
        pass
