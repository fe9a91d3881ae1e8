# -*- coding: utf-8 -*-
"""One dream of the engine: a frame in, events and a frame out."""

from __future__ import unicode_literals

import threading

from . import child, frames
from .child import EngineError
from .texts import _

try:
    import queue  # novermin
except ImportError:  # Python 2
    import Queue as queue  # novermin

__all__ = ["Engine", "EngineError"]


class Engine(child.Child):
    """One run of `python -m engine pipe` on one picture.

    finished, stopped: whether it has ended, or has been told to; see also `child.Child`.

    Start it, `poll` until `finished`, then take `result()`.  Whatever happens in between, `close()`: it ends
    the process and waits until it is gone.
    """

    def __init__(self, command, options, kind, height, width, channels, pixels):
        """Start the engine and send it the picture.

        command: the engine, such as ["/path/to/python", "-m", "engine"].
        options: from `words.engine_options`.
        kind, height, width, channels: of the frame, see `frames.header`; pixels: its bytes.

        Raises EngineError if the command can't be started.
        """
        words = ["pipe", "--progress", "json", "--abort-on-eof", "--keep-partial"]
        child.Child.__init__(self, command, words + list(options))
        self.finished = False
        self.stopped = False
        self._frame = (kind, height, width, channels)
        self._sent = pixels
        self._pixels = None
        self._end_of_input = threading.Event()
        self._start(self._feed, self._receive, self._listen)

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
        status = self._wait(child.STOP_SECONDS)
        if self._pixels is not None and (status == 0 or self.stopped):
            return self._pixels
        failure = self._failure(status)  # which quotes the engine's last words, so before ours
        self.log.append("engine ended with status %s" % status)
        if status == 0 and self._error is None:
            raise EngineError(_("The DeepDream engine ended without a picture."), _(child.SEE_LOG))
        raise failure

    def close(self):
        """End the engine, by force if it does not end on its own, and wait until it has ended."""
        self._end_of_input.set()
        self._end(0.0 if self.finished else child.STOP_SECONDS)

    def _feed(self):
        """Send the picture, and close stdin when that is asked for: its end tells the engine to stop.

        Only this thread touches stdin, for closing it under a blocked write would block too.
        """
        pixels = self._sent
        try:
            self._process.stdin.write(frames.header(*self._frame))
            for start in range(0, len(pixels), 1 << 20):
                if self._end_of_input.is_set():
                    break
                self._process.stdin.write(pixels[start : start + (1 << 20)])
            self._process.stdin.flush()
        except (OSError, IOError, ValueError):
            pass  # the engine ended; its status and its words say why
        self._end_of_input.wait()
        child.quietly(self._process.stdin.close)

    def _receive(self):
        """Take the dreamed picture."""
        try:
            found = frames.read_header(self._process.stdout.read)
            if found is None:
                return
            if found != self._frame:
                raise frames.FrameError(_("the engine sent a picture of another size or kind"))
            self._pixels = frames.read_exactly(self._process.stdout.read, frames.size(*found))
        except (frames.FrameError, OSError, IOError, ValueError) as error:
            self._error = self._error or child.went_wrong(error)
        # The engine waits for more pictures: there are none.
        self._end_of_input.set()

    def _heard(self, event):
        if event.get("event") == "start":
            self._greeted(event)
        self._queue.put(event)
