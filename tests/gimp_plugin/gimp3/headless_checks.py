"""Check the plug-in in a `gimp-console` without a screen: one process for all checks.

Executed by GIMP's python-fu-eval; running.py says what the environment holds.
"""

import random
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import running
from headless_hands import engine


def tried(name, check):
    """Run a check with the fake engine, and with the same chance each time."""
    random.seed(zlib.crc32(name.encode()))
    engine("invert")
    check()


running.report(tried)
