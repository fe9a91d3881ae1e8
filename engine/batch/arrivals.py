"""Pictures that arrive in folders: `deepdream dream FOLDER --watch`.

A folder is looked at when the system tells that something changed there, and now and then without that:
nobody tells of disks in the network.  Each look plans the order anew, as the same command would; what was
begun already is left out, as long as its file stays as it is.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import atomic, paths
from engine.batch.events import Failed, Job, Skipped, Warned
from engine.batch.jobs import may_pass, no_room
from engine.errors import DreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.batch.ears import Ears
    from engine.batch.events import Asked, Event, Item

REST: Final = 2.0
"""Seconds that a file's size and time have to stay the same before it is taken for whole."""

OFTEN: Final = 2.0
"""Seconds between two looks, at least, if nothing tells of a change."""

IDLE: Final = 20
"""How many times as long as a look itself takes the time between two such looks is, at least."""

LATER: Final = 60.0
"""Seconds after which a picture is tried again that failed for a reason that can pass."""


@dataclass
class _Seen:
    """A picture's file, as it was seen last."""

    state: tuple[int, int]
    """When it was changed last, and its size."""

    since: float
    """Since when it is so."""

    begun: bool = False
    """Whether it was given out."""


class Arrivals:
    """The pictures that arrive, as items; None as long as there are none."""

    def __init__(
        self,
        plan: Callable[[], list[Item]],
        again: Callable[[list[Item]], list[Item]],
        folders: Sequence[Path],
        ears: Ears,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to look at what `plan` plans; `again` says what is left of it to do, see `look_again`.

        Nothing is looked for unless all `folders` are there, and mounted if they are now.
        """
        self._plan, self._again = plan, again
        self._folders = {x: os.path.ismount(x) for x in folders}
        self._ears = ears
        self._clock = clock
        self._seen: dict[Job, _Seen] = {}
        self._told: set[tuple[str, str]] = set()
        """What the last look had to tell, and of whom."""

        self._away: Path | None = None
        self._due = self._soonest = clock()
        self._full: int | None = None
        """The error that says that a disk takes nothing more."""

    def __iter__(self) -> Iterator[Asked]:
        self._ears.renew()
        while self._full is None:
            yield from self._arrived()
            yield None
        yield Failed("", no_room("watching ends", [self._full]))

    def see(self, event: Event) -> None:
        """Note why a picture failed: a full disk ends all; what can pass is tried again later."""
        if not isinstance(event, Failed):
            return
        self._full = self._full or atomic.fullness(event.error)
        if may_pass(event.error, errno.ENOENT):
            for job, seen in self._seen.items():
                if job.name == event.name:
                    seen.since, seen.begun = self._clock() + LATER, False

    def _arrived(self) -> Iterator[Item]:
        """Yield what there is to do, where it is time for a look."""
        if self._ears.heard():
            self._due = min(self._due, self._soonest)
        began = self._clock()
        if began < self._due:
            return
        away = next((x for x, mounted in self._folders.items() if not _is_there(x, mounted=mounted)), None)
        if away is not None and away != self._away:
            yield Warned(str(away), "the folder is not there: waiting until it is back")
        elif away is None and self._away is not None:
            yield Warned(str(self._away), "the folder is back")
            self._seen = {}  # as when the command is given again: what failed may be sound now
            self._ears.renew()
        self._away = away
        if away is None:
            yield from self._looked()
        now = self._clock()
        moving = any(not x.begun and x.since <= now for x in self._seen.values())
        took = now - began
        self._soonest = now + took
        self._due = now + (max(REST, took) if moving else max(OFTEN, IDLE * took))

    def _looked(self) -> Iterator[Item]:
        """Yield the pictures whose files have come to rest, and what is to be told for the first time."""
        try:
            items = self._plan()
        except DreamError as error:  # a folder that has just gone, or that nobody may list
            items = [Warned("", str(error))]
        seen: dict[Job, _Seen] = {}
        told: dict[tuple[str, str], Item] = {}
        arrived: list[Item] = []
        for item in items:
            if isinstance(item, Failed | Warned):
                told[item.name, str(item.error) if isinstance(item, Failed) else item.message] = item
                continue
            job = item.job if isinstance(item, Skipped) else item
            file = self._file(job)
            if file is not None:
                seen[job] = file
            if file is not None and not file.begun and self._clock() - file.since >= REST:
                file.begun = True
                arrived.append(item)
        yield from (x for key, x in told.items() if key not in self._told)
        self._seen, self._told = seen, set(told)
        yield from self._again(arrived)

    def _file(self, job: Job) -> _Seen | None:
        """Return what is known of a picture's file; None if it is not there."""
        state = paths.state(job.source) if isinstance(job.source, Path) else None
        if state is None:
            return None
        before = self._seen.get(job)
        return before if before is not None and before.state == state else _Seen(state, self._clock())


def _is_there(folder: Path, *, mounted: bool) -> bool:
    """Tell whether a folder is there, and mounted if it was: where its disk was, an empty folder stays."""
    return paths.is_folder(folder) and (os.path.ismount(folder) or not mounted)
