# -*- coding: utf-8 -*-
"""The progress of a dream, as text for a progress bar."""

from __future__ import division, unicode_literals

import time

from .texts import _


class Pace(object):
    """Progress and remaining time, from the engine's step events."""

    def __init__(self, clock=time.time):
        """Start measuring at the first event; clock: returns seconds."""
        self._clock = clock
        self._first = None

    def text(self, event):
        """Return the line for a step event, such as “Octave 2 of 3, iteration 4 of 20, 0:12 left”."""
        fraction = self.fraction(event)
        now = self._clock()
        if self._first is None or fraction < self._first[1]:
            self._first = (now, fraction)  # measured from here, as opening the model would distort the rate
        shown = dict((name, event.get(name, 0)) for name in ("octave", "octaves", "iteration", "iterations"))
        begun, done = self._first
        if fraction <= done:
            return _("Octave %(octave)d of %(octaves)d, iteration %(iteration)d of %(iterations)d") % shown
        shown["left"] = _clock_text((now - begun) * (1 - fraction) / (fraction - done))
        return (
            _("Octave %(octave)d of %(octaves)d, iteration %(iteration)d of %(iterations)d, %(left)s left")
            % shown
        )

    @staticmethod
    def fraction(event):
        """Return how much of the work is done, 0 to 1."""
        return min(max(float(event.get("fraction") or 0.0), 0.0), 1.0)


class Several(object):
    """The progress of several dreams, one after the other, as one."""

    def __init__(self, count, clock=time.time):
        """Expect so many dreams; clock: see Pace."""
        self._count = count
        self._begun = 0
        self._pace = Pace(clock)

    def begin(self):
        """Count one more dream."""
        self._begun += 1

    def fraction(self, event):
        """Return how much of all the work is done, 0 to 1."""
        return (self._begun - 1 + Pace.fraction(event)) / self._count

    def text(self, event):
        """Return the line for a step event; it names the layer if there are several."""
        text = self._pace.text(dict(event, fraction=self.fraction(event)))
        if self._count == 1:
            return text
        shown = {"number": self._begun, "count": self._count, "progress": text}
        return _("Layer %(number)d of %(count)d. %(progress)s") % shown


def _clock_text(seconds):
    whole = int(round(max(seconds, 0.0)))
    if whole >= 3600:
        return "%d:%02d:%02d" % (whole // 3600, whole // 60 % 60, whole % 60)
    return "%d:%02d" % (whole // 60, whole % 60)
