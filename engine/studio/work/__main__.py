"""`python -m engine.studio.work`: do what the studio asks for, until standard input ends."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from engine.studio.work.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Job = Callable[[dict[str, Any], Desk], Iterator[dict[str, Any]]]


def main() -> None:
    """Do one job after another."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    desk = Desk(sys.stdin.fileno(), answers)
    for job in desk.jobs():
        desk.tell_all(_job(str(job["job"]))(job, desk))


def _job(name: str) -> Job:
    """Return the function of a job; each is loaded when it is asked for."""
    from importlib import import_module  # noqa: PLC0415

    module, function = JOBS[name]
    found: Job = getattr(import_module(f"engine.studio.work.{module}"), function)
    return found


JOBS: Final = {
    "facts": ("facts", "tell"),
    "read": ("reading", "read"),
    "show": ("reading", "show"),
    "dream": ("dreaming", "dream"),
    "write": ("writing", "write"),
    "film": ("filming", "film"),
    "thumbnails": ("thumbnails", "thumbnails"),
}


if __name__ == "__main__":
    main()
