"""The engines of one call: the dialog's, which stays warm for the dreams, or a process for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi

gi.require_version("Gimp", "3.0")
from ahead import Ahead, Dream  # noqa: E402 - versions first
from deepdream_common import live, log_file, process  # noqa: E402 - versions first
from gi.repository import Gimp  # noqa: E402 - versions first

if TYPE_CHECKING:
    from order import Task


class Engines:
    """What dreams.

    live, ahead: the dialog's engine and what it does for the result, None where there is no dialog, or where
    `problem` says why it can't be started.
    """

    def __init__(self, command: list[str]) -> None:
        """Start none yet; command: the engine's."""
        self._command = command
        self.live: live.Live | None = None
        self.ahead: Ahead | None = None
        self.problem = ""

    def warm_up(self) -> None:
        """Start the dialog's engine, which takes a moment."""
        self.live, self.problem = live.started(self._command)
        self.ahead = None if self.live is None else Ahead(self.live)

    def begin(self, task: Task) -> process.Engine | Dream:
        """Begin a dream; raises EngineError if no engine can be started."""
        if self.live is not None and self.live.alive:
            return self.ahead.begin(task)
        return process.Engine(self._command, task.options, *task.sent)

    def close(self) -> None:
        """End the dialog's engine, if there is one."""
        if self.live is None:
            return
        self.live.close()
        if self.live.log:
            log_file.write(Gimp.directory(), ["the engine of the dialog said:", *self.live.log])
        self.live = self.ahead = None
