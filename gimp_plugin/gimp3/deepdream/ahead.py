"""The result, dreamed by the dialog's warm engine: begun while the user still looks at the preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepdream_common import child
from deepdream_common.texts import _

if TYPE_CHECKING:
    from deepdream_common.live import Live
    from order import Task


class Ahead:
    """What has been begun ahead of OK, at most one dream; whoever wants another one gets just that.

    asked: for which values of the dialog, None where for none.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._wanted: tuple[Any, ...] = ()
        self._number: int | None = None
        self._last: dict[str, Any] | None = None
        """The last event of that dream."""

        self._about: dict[str, Any] = {}
        """What the engine told of itself when it came: it opens other models for other dreams."""

        self.asked: dict[str, Any] | None = None

    def ask(self, values: dict[str, Any], task: Task, *, soon: bool) -> None:
        """Have a dream begun when the engine has nothing else to do; soon: before what waits already."""
        self.forget()
        self.asked, self._wanted = values, (task.options, task.sent)
        self._number = self._live.ask(*self._wanted, background=True, soon=soon)

    def skip(self, values: dict[str, Any]) -> None:
        """Begin nothing for these values."""
        self.forget()
        self.asked = values

    def forget(self) -> None:
        """Have what was begun ended."""
        self._live.forget(self._number)
        self.asked, self._wanted, self._number, self._last = None, (), None, None

    def handle(self, event: dict[str, Any]) -> bool:
        """Return whether an event of the engine is about this."""
        if self._number is None or event.get("dream") != self._number:
            return False
        self._last, self._about = event, self._live.about
        if event["event"] == "error":  # whoever wants the dream is told then
            self._wanted = ()
        return True

    def begin(self, task: Task) -> Dream:
        """Return a task's dream: the one that was begun, if it is of the same pixels and options."""
        if self._wanted != (task.options, task.sent):
            self.forget()
            return Dream(self._live, self._live.ask(task.options, task.sent, show=None), None, {})
        number, last = self._number, self._last
        self._number, self._wanted = None, ()
        goes_on = self._live.hurry(number)
        return Dream(self._live, number, last if goes_on else None, self._about)


class Dream:
    """One dream of the warm engine, with the face of `process.Engine`."""

    def __init__(self, live: Live, number: int, last: dict[str, Any] | None, about: dict[str, Any]) -> None:
        """Follow a request; last: its last event so far; about: what the engine told of itself then."""
        self._live, self._number = live, number
        self._next: dict[str, Any] | None = last or {"event": "start"}
        self._end: dict[str, Any] = {}
        self.about = about
        self.log: list[str] = []
        self.finished = self.stopped = False
        self._see(self._next)

    def _see(self, event: dict[str, Any]) -> None:
        if event["event"] in ("done", "stopped", "error"):
            self._end, self.finished = event, True

    def poll(self, _seconds: float = 0.0) -> dict[str, Any] | None:
        """Return the next event but the last one, or None if there is none yet."""
        event, self._next = self._next, None
        while event is None or event.get("dream", self._number) != self._number:
            event = self._live.poll()
            if event is None:
                return None
            self.about = self._live.about
        self._see(event)
        return None if self.finished else event

    def stop(self) -> None:
        """Ask for the picture so far; keep polling until `finished`."""
        self.stopped = True
        self._live.finish()

    def result(self) -> bytes:
        """Return the pixels, once `finished`; raises EngineError, with the engine's own reason."""
        if "pixels" in self._end:
            self.stopped = not self._end.get("finished", True)
            return self._end["pixels"]
        if self._end.get("message"):
            raise child.EngineError(self._end["message"], self._end.get("hint", ""))
        raise child.EngineError(_("The DeepDream engine ended without a picture."), _(child.SEE_LOG))

    def close(self) -> None:
        """Have it ended, if it has not ended."""
        self._live.forget(self._number)
