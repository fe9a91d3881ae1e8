"""How far a run of several pictures has come, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def minutes(seconds: float) -> str:
    """Write a time as minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


class Pace:
    """Counts the pictures of a run, with those that are at work in part."""

    def __init__(
        self, clock: Callable[[], float], pictures: float, at_once: int, *, stepless: bool = False
    ) -> None:
        self._clock = clock
        self._pictures, self._at_once = pictures, at_once
        self._started = 0.0
        self._first = 0.0
        """How far the work was when timing started."""

        self._finished = self._failed = 0
        self.stepless = stepless
        """Whether nobody sees Steps, so that timing starts with the first picture that is finished."""

        self.at_work: dict[str, float] = {}
        """How far each picture at work is, by name."""

    def step(self, name: str, fraction: float) -> None:
        """Note how far a picture is."""
        if not self._first:  # the others at work take their first step at about the same time
            self._started, self._first = self._clock(), fraction * self._at_once / self._pictures
        self.at_work[name] = fraction

    def finish(self, name: str, *, failed: bool = False) -> None:
        """Note that a picture is done, or has failed."""
        if self.stepless and not self._first:
            self._started, self._first = self._clock(), 1 / self._pictures
        self._finished += 1
        self._failed += failed
        self.at_work.pop(name, None)

    @property
    def fraction(self) -> float:
        """How far the whole is, 0 to 1."""
        return min((self._finished + sum(self.at_work.values())) / self._pictures, 1.0)

    def __str__(self) -> str:
        """Say how many are done, how many a second, what time is left, and how many failed."""
        parts = [f"{self._finished}/{self._pictures} pictures"]
        fraction = self.fraction
        if fraction < 1.5 * self._first or not self._first:  # not yet a whole step since
            parts.append("-:-- left")
        else:
            took = self._clock() - self._started
            if self._finished and took > 0:
                rate = self._finished / took
                parts.append(f"{rate:.3g}/s" if rate >= 1 else f"{60 * rate:.2g}/min")
            parts.append(f"{minutes(took * (1 - fraction) / (fraction - self._first))} left")
        if self._failed:
            parts.append(f"{self._failed} failed")
        return "  ".join(parts)
