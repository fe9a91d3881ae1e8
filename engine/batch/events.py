"""What an order of many pictures is made of, and what can happen to each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ascent.step import Step
    from engine.errors import DreamError
    from engine.library.dreaming import Dreaming

FINISHED: Final = "finished"
"""Why a picture is skipped: its result is what this order would make."""

KEPT: Final = "kept"
"""Why a picture is skipped: its result stays, whatever it is."""

UNKNOWN: Final = "unknown"
"""Why a picture is skipped: its result does not say how it was made."""

ELSEWHERE: Final = "elsewhere"
"""Why a picture is skipped: another process made its result while this one was at work."""


@dataclass(frozen=True)
class Job:
    """One picture to dream on."""

    source: Path | None
    """File to read; None for standard input."""

    target: Path | None
    """File to write; None for standard output."""

    @property
    def name(self) -> str:
        """What messages call the picture: its path as given, `-` for standard input."""
        return "-" if self.source is None else str(self.source)

    @property
    def output(self) -> str:
        """What messages call the result."""
        return "-" if self.target is None else str(self.target)


@dataclass(frozen=True)
class Skipped:
    """A picture whose result exists already."""

    job: Job

    reason: str = KEPT
    """`FINISHED`, `KEPT`, `UNKNOWN` or `ELSEWHERE`."""


@dataclass(frozen=True)
class Failed:
    """A picture that failed."""

    name: str
    error: DreamError

    target: Path | None = None
    """The file that its result would have gone to, if that is known."""


@dataclass(frozen=True)
class Warned:
    """Something that the user should know about a picture."""

    name: str
    message: str


@dataclass(frozen=True)
class Progress:
    """One Step of a picture's dream, with everything that is needed to keep it."""

    job: Job
    step: Step
    dreaming: Dreaming = field(repr=False)


@dataclass(frozen=True)
class Done:
    """A result that is written."""

    job: Job
    seconds: float


Item: TypeAlias = Job | Skipped | Failed | Warned
Asked: TypeAlias = Item | None
"""What whoever has the work is asked for; None: nothing at the moment, ask again in a while."""

Event: TypeAlias = Skipped | Failed | Warned | Progress | Done


@dataclass(frozen=True)
class Streams:
    """What `-` means."""

    stdin: BinaryIO | None
    """None where it is closed."""

    stdout: BinaryIO | None
    """None where it is closed."""
