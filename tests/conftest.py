"""What all tests share."""

from __future__ import annotations

import os

from hypothesis import settings

# Some tests import ONNX Runtime themselves; the engine switches its telemetry off on its own.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# No deadline, for how long an example takes says more about the machine. The gate asks for the same
# examples each time; at a desk they are new ones, and what once failed is tried again.
settings.register_profile("desk", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile(os.environ.get("DEEPDREAM_HYPOTHESIS", "desk"))
