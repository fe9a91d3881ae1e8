# -*- coding: utf-8 -*-
"""Many dreams from one warm engine, small ones for a preview, then the result: see docs/wire.md.

Only the host's main thread calls `Live`.
"""

from __future__ import unicode_literals

import collections
import json
import time

from . import child, frames
from .texts import _

try:
    import queue  # novermin
except ImportError:  # Python 2
    import Queue as queue  # novermin

SHOW = 0.15
"""Seconds between two pictures of the dream so far; null for none."""

LONGEST_LINE = 1 << 22
"""Bytes of an event, at most: the start event has all of the user's presets."""

LAST = ("done", "stopped", "error")
"""Events that end a request."""


class Live(object):
    """A warm engine for one dialog's life.

    A foreground request takes the place of the one before, of which no event comes any more.  Background
    requests wait until there is none, one after another; one that is interrupted is sent again.  Each of
    them ends in a `done` or an `error` with its number.  Only a foreground request that is told to `finish`
    may end in a `stopped`.
    """

    def __init__(self, command):
        """Start the engine at once; raises EngineError if it can't be started."""
        self._command = list(command)
        self._conversation = _Conversation(self._command)
        self._model = {}  # the last event about a model that was polled
        self._last = 0
        self._foreground = None
        self._waiting = {}  # background requests by number
        self._soon = set()  # numbers of those that go before the others
        self._at_work = None  # number of the request that the engine works on, as far as we know
        self._told = collections.deque()  # events of our own
        self._why = None  # the error of an engine that has ended
        self._closed = False

    @property
    def alive(self):
        """Whether the engine runs; the next foreground request starts one that does not."""
        return not self._closed and not self._conversation.over

    @property
    def log(self):
        """Its last lines that are not events."""
        return self._conversation.log

    @property
    def about(self):
        """What it has told of itself: its start event, with the model that is open now."""
        return dict(self._conversation.about, **self._model)

    def ask(self, options, frame, background=False, part=None, soon=False, show=SHOW):
        """Ask for a dream and return its number.

        options: from `words.engine_options`; frame: (kind, height, width, channels, pixels); part: what is
        wanted of it, (x, y, width, height), None for all; soon: before others in the background; show: in
        the foreground, seconds between two pictures of the dream so far, None for none.
        """
        self._last += 1
        number = self._last
        if self._closed:
            return number
        if background:
            self._waiting[number] = (options, frame, None, part)
            if soon:
                self._soon.add(number)
        else:
            self._foreground = number
            self._revive()
        if self._conversation.over:
            self._fail(self._why)
        elif not background:
            self._send(number, options, frame, show, part)
        self._go_on()
        return number

    def hurry(self, number):
        """Put a background request into the foreground; return whether it has begun, and goes on."""
        request = self._waiting.pop(number, None)
        if request is None:
            return True  # it has even ended
        self._foreground = number
        if number != self._at_work:
            self._send(number, *request)
            return False
        return True

    def finish(self):
        """End the foreground request where it is: its `done` has the picture so far."""
        if self._foreground is not None and self._foreground == self._at_work:
            self._conversation.stop(keep=True)

    def stop(self):
        """Forget the foreground request: no event of it comes any more."""
        if self._foreground is not None:
            self._leave(self._foreground)
            self._foreground = None

    def forget(self, number):
        """Forget a request, whichever it is."""
        if number == self._foreground:
            self.stop()
        elif self._waiting.pop(number, None):
            self._leave(number)

    def poll(self):
        """Return the next event, a dict, or None if there is none yet; never wait.

        `start` comes once for each process.  `step`, `done`, `error` and `warning` have `dream`, a request's
        number; a `step` may have `pixels`, the picture so far in the frame's own form, and `done` has them.
        An engine that ends gives an `error` for each request that it leaves open, and an `ended`, with its
        reason as `message` and `hint`.
        """
        while not self._closed:
            if self._told:
                return self._told.popleft()
            event = self._conversation.poll()
            if event is None:
                self._go_on()
                return None
            event = self._known(event)
            if event is not None:
                return event
        return None

    def close(self):
        """End the process, by force if need be, and wait until it is gone; in every state, and twice."""
        self._closed = True
        self._conversation.close()

    def _revive(self):
        """Start another engine where the last one has ended."""
        if not self._conversation.over:
            return
        self._conversation.close()
        try:
            self._conversation = _Conversation(self._command)
        except child.EngineError as error:
            self._why = error

    def _send(self, number, *request):
        self._at_work = number
        self._conversation.request(number, *request)

    def _leave(self, number):
        """Have the engine stop a request if it works on it; `stopped` says that it did."""
        if number == self._at_work:
            self._conversation.stop()

    def _go_on(self):
        """Send the next request from the background if the engine has nothing to do."""
        if self._at_work is None and self._foreground is None and self._waiting:
            number = min(self._soon.intersection(self._waiting) or self._waiting)
            self._send(number, *self._waiting[number])

    def _known(self, event):
        """Return an event for the host; None for one of a request that is forgotten, or of no interest."""
        kind, number = event.get("event"), event.get("dream")
        if kind == "ended":
            self._why = child.EngineError(event["message"], event["hint"])
            self._fail(self._why)
            return None
        if kind in ("start", "model"):
            self._model = {} if kind == "start" else event
        if number is None:
            return event
        if kind in LAST and number == self._at_work:
            self._at_work = None
        wanted = number == self._foreground or number in self._waiting
        if kind == "stopped":
            wanted = number == self._foreground  # then it was told to finish: others have been forgotten
        if kind in ("done", "error"):
            self._waiting.pop(number, None)
        if kind in LAST and number == self._foreground:
            self._foreground = None
        return event if wanted else None

    def _fail(self, error):
        """Tell of an engine that has ended, and end all requests."""
        numbers = sorted(self._waiting)
        if self._foreground is not None:
            numbers.insert(0, self._foreground)
        told = {"message": error.message, "hint": error.hint}
        for number in numbers:
            self._told.append(dict(told, event="error", dream=number))
        self._told.append(dict(told, event="ended"))
        self._waiting.clear()
        self._foreground = self._at_work = None


def started(command):
    """Return an engine and nothing; or None, and why it can't be started."""
    try:
        return Live(command), ""
    except child.EngineError as error:
        return None, "\n".join(filter(None, (error.message, error.hint)))


class _Conversation(child.Child):
    """One process of `python -m engine pipe --live`.

    over: whether it has ended, and all of its events have been polled.
    """

    def __init__(self, command):
        child.Child.__init__(self, command, ["pipe", "--live", "--progress", "json"])
        self.over = False
        self._sent = {}  # the request and its frame's form by number on the wire, which is never used twice
        self._number = 0
        self._outbox = queue.Queue()
        self._closed = False
        self._silent_since = None
        self._start(self._feed, self._receive, self._listen)

    def request(self, number, options, frame, show, part):
        """Send a request in place of all others."""
        while True:  # what has not been sent yet need not be
            try:
                self._outbox.get_nowait()
            except queue.Empty:
                break
        self._number += 1
        kind, height, width, channels = frame[:4]
        words = {"dream": self._number, "options": list(options), "show": show}
        if part is not None:
            words["part"] = list(part)
            width, height = part[2:]
        self._sent[self._number] = (number, (kind, height, width, channels))
        self._outbox.put((_line(words), frames.header(*frame[:4]), frame[4]))

    def stop(self, keep=False):
        """Have the last request stop; keep: and send the picture so far."""
        self._outbox.put((_line({"stop": self._number, "keep": keep}),))

    def poll(self):
        """Return the next event, or None; `ended` is the last one."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            pass
        if self.over or any(thread.is_alive() for thread in self._threads[1:]) or not self._queue.empty():
            return None
        # It says nothing more, and in a moment its status says why.
        self._silent_since = self._silent_since or time.time()
        status = self._wait(0.0)
        if status is None and time.time() - self._silent_since < child.STOP_SECONDS:
            return None
        self.over = True
        failure = self._failure(status)
        return {"event": "ended", "message": failure.message, "hint": failure.hint}

    def close(self):
        """End the process and wait until it is gone; there is nothing that it could finish."""
        self.over = self._closed = True
        self._outbox.put(None)
        child.quietly(self._process.terminate)
        self._end(child.STOP_SECONDS)

    def _feed(self):
        """Send what is in the outbox.  Only this thread touches stdin."""
        try:
            for parts in iter(self._outbox.get, None):
                for part in parts:
                    for start in range(0, len(part), 1 << 20):
                        if not self._closed:
                            self._process.stdin.write(part[start : start + (1 << 20)])
                self._process.stdin.flush()
        except (OSError, IOError, ValueError):
            pass  # the engine ended; its status and its words say why
        child.quietly(self._process.stdin.close)

    def _receive(self):
        """Take the engine's events with their frames."""
        try:
            for line in iter(self._next_line, b""):
                event = child.event_of(line)
                if event is None:
                    raise frames.FrameError(_("the engine sent something that is not an event"))
                self._take(event)
        except (frames.FrameError, OSError, IOError, ValueError) as error:
            self._error = self._error or child.went_wrong(error)
            child.quietly(self._process.terminate)

    def _next_line(self):
        return self._process.stdout.readline(LONGEST_LINE)

    def _take(self, event):
        if event["event"] == "start":
            self._greeted(event)
        number, form = self._sent.get(event.get("dream"), (None, None))
        if event.get("frame"):
            if frames.read_header(self._process.stdout.read) != form or form is None:
                raise frames.FrameError(_("the engine sent a picture of another size or kind"))
            event["pixels"] = frames.read_exactly(self._process.stdout.read, frames.size(*form))
        if event["event"] in LAST:
            self._sent.pop(event.get("dream"), None)
        if "dream" in event:
            if number is None:
                return
            event["dream"] = number
        self._queue.put(event)


def _line(words):
    return (json.dumps(words) + "\n").encode("ascii")
