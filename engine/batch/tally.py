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
from engine.batch.events import Done, Failed, Job, Skipped
from engine.errors import ImageError, UsageError
from engine.settings.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.batch.events import Event, Item
    from engine.paths import Kept

STATUSES: Final = ("done", "skipped", "failed", "not begun")
"""What can become of a picture."""


@dataclass
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
    """Of the result, where it is there and a report is wanted."""


class Tally:
    """Counts what becomes of pictures: it sees every event."""

    def __init__(self, items: Iterable[Item], *, digests: bool = False) -> None:
        """Begin with a plan; `digests` tells whether results are to be read for their sha256."""
        self._digests = digests
        self._reasons: Counter[str] = Counter()
        self._rows: dict[str, Row] = {}
        self.codes: set[int] = set()
        """The exit codes of all failures."""

        for item in items:
            if isinstance(item, Skipped):
                self._add(item.job, "skipped", item.reason)
            elif isinstance(item, Job):
                self._add(item, "not begun")

    def see(self, event: Event) -> None:
        """Note what an event means for its picture."""
        match event:
            case Done(job, seconds):
                self._add(job, "done").seconds = round(seconds, 3)
            case Failed(name, error, target):
                self.codes.add(error.exit_code)
                if not name:  # of pictures that were not begun
                    return
                output = "" if target is None else str(target)
                self._rows[name] = Row(name, "failed", str(error), output=output)
                said = str(error).replace(output, "…") if output else str(error)
                self._reasons[said.replace(name, "…")] += 1
            case _:
                pass

    def counts(self) -> dict[str, int]:
        """Return how many pictures there are of each status."""
        found = Counter(x.status for x in self._rows.values())
        return {x: found[x] for x in STATUSES}

    def table(self) -> dict[str, int]:
        """Return the same under names for programs."""
        return {status.replace(" ", "_"): count for status, count in self.counts().items()}

    def reasons(self) -> Counter[str]:
        """Return why pictures failed, with `…` for their names, and how many for each."""
        return self._reasons

    def write(self, file: Path, seconds: float) -> None:
        """Write all rows to a file that `check` has accepted; raise ImageError where that fails."""
        rows = [asdict(x) for x in self._rows.values()]
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

    def _add(self, job: Job, status: str, error: str = "") -> Row:
        row = Row(job.name, status, error, output=job.output)
        if self._digests and job.target is not None and status in {"done", "skipped"}:
            row.sha256 = _digest(job.target)
        self._rows[job.name] = row
        return row


def check(file: Path, kept: Kept) -> None:
    """Raise UsageError for a report in another format or over a file `kept`, ImageError for no place."""
    if file.suffix.lower() not in {".json", ".csv"}:
        raise UsageError(f"--report {file} ends in neither .json nor .csv")
    kept.refuse(file)
    atomic.check(file, ImageError)


def _digest(file: Path) -> str:
    try:
        return origin_of(file).sha256
    except ImageError:
        return ""
