"""What became of each picture of an order, and the file that tells it: `--report`."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Final

from engine import atomic
from engine.batch.events import ELSEWHERE, Done, Failed, Job, Progress, Skipped
from engine.errors import ImageError, UsageError
from engine.remote import Remote
from engine.settings.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.batch.events import Event, Item
    from engine.paths import Kept

STATUSES: Final = ("done", "done elsewhere", "skipped", "failed", "not begun")
"""What can become of a picture; elsewhere is in another process."""


@dataclass(slots=True)
class Row:
    """What became of a picture."""

    picture: str
    """Its path as given, `-` for standard input; the input where that gave no pictures."""

    status: str
    """One of `STATUSES`."""

    error: str = ""
    """What went wrong, or why it was skipped."""

    seconds: float | None = None
    """How long it took; None where nothing was done."""

    output: str = ""
    """The result's path, `-` for standard output; empty where that was not decided."""

    sha256: str = ""
    """Of the result, where it is there and a report is wanted; a store is not asked for what is skipped."""


class Tally:
    """Counts what becomes of pictures: it sees every event."""

    def __init__(self, items: Iterable[Item], *, digests: bool = False) -> None:
        """Begin with a plan; `digests` tells whether results are to be read for their sha256."""
        self._digests = digests
        self._rows: dict[str, Row] = {}
        self._codes: dict[str, int] = {}
        """The exit codes of failures, by the picture's name; of pictures left out by none."""

        for item in items:
            if isinstance(item, Skipped):
                self.see(item)
            elif isinstance(item, Job):
                self._add(item, "not begun")

    def see(self, event: Event) -> None:
        """Note what an event means for its picture."""
        match event:
            case Done(job, seconds, sha256):
                self._add(job, "done", sha256=sha256).seconds = round(seconds, 3)
            case Skipped(job, reason) if not self._is_done(
                job
            ):  # else it is seen again, as in a watched folder
                self._add(job, "done elsewhere" if reason == ELSEWHERE else "skipped", reason)
            case Failed(name, error, target):
                if name:  # otherwise it is of pictures that were not begun
                    output = "" if target is None else str(target)
                    self._rows[name] = Row(name, "failed", str(error), output=output)
                self._codes[name] = error.exit_code
            case Progress(job) if job.name not in self._rows:  # one that has arrived
                self._add(job, "not begun")
            case _:
                pass

    @property
    def exit_code(self) -> int:
        """The exit code that a run ends with: that of its failures, 1 where they have several."""
        codes = set(self._codes.values())
        return codes.pop() if len(codes) == 1 else int(bool(codes))

    def counts(self) -> dict[str, int]:
        """Return how many pictures there are of each status."""
        found = Counter(x.status for x in tuple(self._rows.values()))
        return {x: found[x] for x in STATUSES}

    def table(self) -> dict[str, int]:
        """Return the same under names for programs."""
        return {status.replace(" ", "_"): count for status, count in self.counts().items()}

    def reasons(self) -> Counter[str]:
        """Return why pictures failed, with `…` for their names, and how many for each."""
        failed = [x for x in tuple(self._rows.values()) if x.status == "failed"]
        said = (x.error.replace(x.output, "…") if x.output else x.error for x in failed)
        return Counter(text.replace(x.picture, "…") for x, text in zip(failed, said, strict=True))

    def write(self, file: Path, seconds: float) -> None:
        """Write all rows to a file that `check` has accepted; raise ImageError where that fails."""
        rows = [asdict(x) for x in tuple(self._rows.values())]  # the work may still go on
        text = io.StringIO(newline="")
        if file.suffix.lower() == ".csv":
            table = csv.DictWriter(text, [x.name for x in fields(Row)])
            table.writeheader()
            table.writerows(rows)
            content = os.fsencode(text.getvalue())
        else:
            json.dump({**self.table(), "seconds": round(seconds, 3), "pictures": rows}, text, indent=1)
            content = text.getvalue().encode()
        with atomic.explaining(file, ImageError), atomic.replacing(file) as part:
            part.write_bytes(content)

    def _is_done(self, job: Job) -> bool:
        return job.name in self._rows and self._rows[job.name].status.startswith("done")

    def _add(self, job: Job, status: str, error: str = "", sha256: str = "") -> Row:
        row = Row(job.name, status, error, output=job.output)
        if self._digests and status not in {"failed", "not begun"}:
            row.sha256 = sha256 or _digest(job, status)
        self._rows[job.name] = row
        self._codes.pop(job.name, None)
        return row


def check(file: Path, kept: Kept) -> None:
    """Raise UsageError for a report in another format or over a file `kept`, ImageError for no place."""
    if file.suffix.lower() not in {".json", ".csv"}:
        raise UsageError(f"--report {file} ends in neither .json nor .csv")
    kept.refuse(file)
    atomic.check(file, ImageError)


def _digest(job: Job, status: str) -> str:
    if job.target is None or (status == "skipped" and isinstance(job.target, Remote)):
        return ""
    try:
        return origin_of(job.target).sha256
    except ImageError:
        return ""
