"""Clipping: values stay in the model's range.

The step does it, see `limits` in `ascent.climb`: only there the values are known.  It is listed as a control
because a step on the device does not clip.
"""

from __future__ import annotations

from typing import Final

from engine.ascent.controls.control import Control

CONTROL: Final = Control(wanted=lambda config: config.clip)
