"""Which outcomes of an input are allowed.

Allowed are a result, with or without warnings, and a refusal: the exit code of its kind, and one clear line.
All else is a fault: exit code 1 (but for want of memory), a traceback, anything on stderr that is not the
program's own, a half-written file, a changed input, a crash, a hang.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.fuzz.case import Case

UNCLEAR = re.compile(
    r"""(?<![\w'"])b['"]|Traceback|Errno|object at 0x|NoneType|<class|__init__|not subscriptable"""
    r"|unsupported operand|values to unpack|invalid literal|could not convert|codec can't|index out of range"
    r"|/onnxruntime_src|[:,(]\s*$|:\s+:|^$"
)
"""What a message to a user never holds: Python's words, an empty reason, control characters."""


@dataclass(frozen=True)
class Verdict:
    """What came of an input."""

    outcome: str
    """In a few words, to be counted."""

    fault: bool = False
    """Whether that must not be."""

    detail: str = ""
    """What was seen, for whoever looks for the cause."""


def judge(case: Case, code: int | None, stderr: str, folder: Path, raised: str = "") -> Verdict:
    """Judge a run by its exit code (None if it raised), its words, and what it left in the folder."""
    if raised:
        return Verdict("traceback", fault=True, detail=raised)
    try:
        warnings, message = heard(stderr)
    except ValueError as foreign:
        return Verdict("foreign words", fault=True, detail=f"exit code {code}: {foreign}")
    unclear = [x for x in (*warnings, message) if x is not None and _is_unclear(x)]
    left = _left(case, folder, whole=code == 0)
    if unclear or left:
        outcome = "unclear message" if unclear else "files"
        return Verdict(outcome, fault=True, detail=f"exit code {code}: {unclear or left}")
    if code == 0:
        return Verdict("result with a warning" if warnings else "result")
    if code == 1 and message and "not enough memory" in message:
        return Verdict("not enough memory")
    allowed = code in case.refusals and message is not None
    return Verdict(f"refused ({code})" if allowed else f"exit code {code}", not allowed, str(message))


def _is_unclear(text: str) -> bool:
    return bool(UNCLEAR.search(text)) or not text.isprintable() or len(text) > 1000


def heard(stderr: str) -> tuple[list[str], str | None]:
    """Return the warnings and the error message; raise ValueError for a line that is not the program's."""
    warnings: list[str] = []
    message: str | None = None
    for line in stderr.splitlines():
        if line.startswith("{"):
            event = json.loads(line)
            if event["event"] == "warning":
                warnings.append(event["message"])
            elif event["event"] == "error":
                message = event["message"]
        elif found := re.fullmatch(r"deepdream: (?:warning: )?(.*)", line):
            if found[1].startswith(("error: ", "cancelled")):
                message = found[1].removeprefix("error: ")
            else:
                warnings.append(found[1])
        elif not line.startswith("  hint: "):
            raise ValueError(line[:300])
    return warnings, message


def _left(case: Case, folder: Path, *, whole: bool) -> str:
    """Say what is wrong with the files that are there; empty if nothing is."""
    found = {x.name for x in folder.iterdir()}
    expected = set(case.files) | ({case.result} if case.result and whole else set())
    if found != expected:
        return f"there are {sorted(found ^ expected)} too many or too few"
    for name, content in case.files.items():
        if (folder / name).read_bytes() != content:
            return f"{name} was changed"
    if case.result and whole:
        try:
            with Image.open(folder / case.result) as image:
                image.load()
        except Exception as error:  # noqa: BLE001 - whatever it is, the result is not sound
            return f"{case.result} cannot be read: {error}"
    return ""
