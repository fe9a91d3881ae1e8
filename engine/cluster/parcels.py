"""Files of one machine on another: their content travels."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.files import images
from engine.remote import Remote

if TYPE_CHECKING:
    from engine.batch.events import Job


@dataclass(frozen=True, order=True)
class Parcel(Remote):
    """A file that is read or written where this is packed or opened, and nowhere else."""

    held: list[bytes] = field(default_factory=list, compare=False, repr=False)
    """Its content, once there is one."""

    def __str__(self) -> str:
        return self.path

    def open(self) -> io.BufferedReader:
        """Return its content, open to read."""
        return io.BufferedReader(io.BytesIO(self.held[0]))

    def write(self, content: bytes | memoryview, *, replace: bool = False) -> None:  # noqa: ARG002 - it is new
        """Hold a content."""
        self.held[:] = [bytes(content)]


def packed(job: Job) -> Job:
    """Return a picture as another machine can take it; raise ImageError where its file cannot be read."""
    source, target = job.source, job.target
    if isinstance(source, Path):
        source = Parcel("parcel", str(source), held=[images.content_of_file(source)])
    if isinstance(target, Path):
        images.check_writable(target)  # now rather than after minutes of work
        target = Parcel("parcel", str(target))
    return replace(job, source=source, target=target)


def unpack(job: Job, content: bytes | None) -> None:
    """Write a picture's result that came back; raise ImageError where it cannot be written."""
    if isinstance(job.target, Path) and content is not None:
        images.write(content, job.target)
