"""The studio's side of a worker: a process that is told in lines of JSON what to do, and answers so.

It has a group of its own, so that Ctrl-C in the terminal is the server's alone, and ends when its standard
input does: it never outlives the server, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import engine
from engine.errors import DeviceError, DreamError, ImageError, ModelError, UsageError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    Event = dict[str, Any]

LONGEST_LINE: Final = 1 << 22
"""Bytes of an event's line, at most."""

ERRORS: Final = {x.exit_code: x for x in (DreamError, UsageError, ImageError, ModelError, DeviceError)}

OUT_OF_MEMORY: Final = "most likely memory ran out: close other programs, or take a smaller picture"


class Worker:
    """A process that does one job after another."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Worker:
        """Start one; raises DreamError where the system starts no more processes."""
        # -P: what lies in the folder that the studio was started in is not to be imported.
        home = str(Path(engine.__file__).parents[1])
        paths = os.pathsep.join(x for x in (home, os.environ.get("PYTHONPATH", "")) if x)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "engine.studio.work",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": paths},
                start_new_session=True,
                limit=LONGEST_LINE,
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise DreamError(f"no process can be started: {reason}", hint="close other programs") from error
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.returncode is None

    async def ask(self, job: str, **arguments: Any) -> AsyncIterator[Event]:
        """Have a job done, and yield what is told of it.

        Raises the DreamError that the job ends with, OSError where the disk is full, and a DreamError of
        our own where the process has died.
        """
        self._send({"job": job, **arguments})
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        while line := await self._process.stdout.readline():
            event: Event = json.loads(line)
            if event["event"] == "end":
                return
            if event["event"] == "error" and event["full"] is not None:
                raise OSError(event["full"], os.strerror(event["full"]))
            if event["event"] == "error":
                raise ERRORS.get(event["code"], DreamError)(event["message"], hint=event["hint"])
            yield event
        raise await self._died()

    def stop(self) -> None:
        """Ask for the job to end early; what it has so far, it keeps."""
        self._send({"stop": True})

    def kill(self) -> None:
        """End the process, and whatever it has started, at once."""
        if not self.alive:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """End the process, and wait until it has gone."""
        self.kill()
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _send(self, words: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(ConnectionError):  # it has died, which reading will tell
            self._process.stdin.write(json.dumps(words).encode() + b"\n")

    async def _died(self) -> DreamError:
        code = await self._process.wait()
        if code == -getattr(signal, "SIGKILL", 9):
            return DreamError("the process that worked on it was killed", hint=OUT_OF_MEMORY)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return DreamError(f"the process that worked on it ended by itself: {how}", hint=OUT_OF_MEMORY)
