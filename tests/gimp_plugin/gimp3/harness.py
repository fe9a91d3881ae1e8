"""Real GIMP for the tests: Debian roots, the plug-in in a profile of its own, reports from inside."""

# ruff: noqa: S607

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ..conftest import NO_DOWNLOADS, may_download

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
SUITES = {"trixie": "GIMP 3.0", "forky": "GIMP 3.2"}
"""Debian's names for what has which GIMP; a suite that has moved on to another one fails."""

HEADLESS = ("headless_pixels", "headless_layers", "headless_subjects", "headless_words", "headless_guide")
GUI = (
    "gui_dialog",
    "gui_live",
    "gui_looks",
    "gui_sizes",
    "gui_channels",
    "gui_help",
    "gui_korean",
    "gui_failures",
    "gui_layers",
    "gui_runs",
)
"""Modules with checks; see running.py."""

BRIEF = ("gui_runs",)
"""Of those with windows, what each GIMP is asked in the gate, where DEEPDREAM_TEST_GIMP is `brief`.  GIMP 3.2
is asked all elsewhere, and 3.0 too if it is `all`.  What differs between the two is GIMP's library, which the
checks without a window use in both."""

LEFT_OUT = "DEEPDREAM_TEST_GIMP=all tries it, too"

FAKE_ENGINE = HERE / "fake_engine.py"
PLUGINS = "pluginrc"
"""GIMP's file about its plug-ins, in a profile and, kept, in a root."""

LEFT = "processes that GIMP found left"
"""The entry of a report for what GIMP says at its end of plug-ins that have not ended."""

LONGEST = 1800
"""Seconds that GIMP may take for all the checks of a file, which only a hang does."""

REAL_ENGINE = [
    "/usr/sbin/chroot",
    "/host",
    "/usr/bin/env",
    f"PYTHONPATH={REPOSITORY}",
    sys.executable,
    "-m",
    "engine",
]
"""What starts the engine of this interpreter from inside a root (see gimp-root-run.sh)."""


@cache
def why_not() -> str:
    """Return why there can be no GIMP root here, or nothing."""
    if not may_download():
        return NO_DOWNLOADS
    if not sys.platform.startswith("linux") or not Path("/etc/debian_version").exists():
        return "the GIMP tests need Debian (they build a Debian root with GIMP in it)"
    if os.getuid():
        return "the GIMP tests need root (they build a Debian root and chroot into it)"
    missing = [tool for tool in ("unshare", "flock", "chroot", "apt-get") if not shutil.which(tool)]
    if missing:
        return f"the GIMP tests need {', '.join(missing)}"
    trial = ["unshare", "--mount", "--pid", "--fork", "true"]
    if subprocess.run(trial, capture_output=True, check=False).returncode:
        return "the GIMP tests need mount and process namespaces, which this container refuses"
    return ""


def root(suite: str) -> Path:
    """Return the folder with that suite's root, built where it is missing."""
    folder = Path(os.environ.get("DEEPDREAM_CACHE", "/var/cache/deepdream")) / f"gimp-{suite}"
    made = subprocess.run(
        ["bash", HERE / "make-gimp-root.sh", folder, suite, SUITES[suite].removeprefix("GIMP ")],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"no GIMP root in {folder}:\n{made.stdout}{made.stderr}")
    return folder


def install(profile: Path) -> Path:
    """Put the plug-in into a profile folder, as the installer does; return the plug-in's folder."""
    folder = profile / "plug-ins" / "deepdream"
    source = REPOSITORY / "gimp_plugin"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source / "gimp3" / "deepdream", folder, ignore=ignore)
    shutil.copytree(source / "deepdream_common", folder / "deepdream_common", ignore=ignore)
    (folder / "engine.json").write_text(json.dumps({"command": REAL_ENGINE}), encoding="utf-8")
    return folder


def remember(profile: Path, folder: Path) -> None:
    """Keep what a GIMP has learned of its own plug-ins: asking each of the 130 takes most of its start.

    Ours is to be asked again: its entry gets a time that is not its file's.  GIMP itself compares the others.
    """
    with contextlib.suppress(OSError):
        text = (profile / PLUGINS).read_bytes()  # with icons in it
        new = folder / f".{PLUGINS}-{os.getpid()}"
        new.write_bytes(re.sub(rb'(/deepdream\.py") \d+', rb"\1 1", text))
        new.replace(folder / PLUGINS)


def gui(suite: str) -> tuple[str, ...]:
    """Return the modules of checks with windows for that suite."""
    asked = os.environ.get("DEEPDREAM_TEST_GIMP") or ("all" if suite == list(SUITES)[-1] else "brief")
    return {"all": GUI, "brief": BRIEF}[asked]


def names(modules: Iterable[str]) -> list[str]:
    """Return the names of the checks in modules that only GIMP's Python can import, in their order."""
    texts = [(HERE / f"{module}.py").read_text(encoding="utf-8") for module in modules]
    return [name for text in texts for name in re.findall(r"^def (check_\w+)\(", text, re.MULTILINE)]


def report(suite: str, folder: Path, command: list[str], variables: dict[str, str]) -> dict[str, str]:
    """Run checks inside a root; return what is wrong by the name of each check, nothing where all is well.

    What GIMP itself found wrong at its end is under LEFT.  folder: empty, for profile and report; whatever
    `command` says is written to a file in it.
    """
    profile = folder / "profile"
    told = {
        "GIMP3_DIRECTORY": str(profile),
        "CHECK_PLUGIN": str(install(profile)),
        "CHECK_PYTHON": "/usr/bin/python3",
        "XDG_DATA_HOME": str(folder / "data"),
        "CHECK_FAKE": str(FAKE_ENGINE),
        "CHECK_ENGINE": json.dumps(REAL_ENGINE),
        "CHECK_REPORT": str(folder / "report"),
        "CHECK_ONLY": os.environ.get("CHECK_ONLY", ""),
        "FAKE_ENGINE_WORDS": str(folder / "words"),
        "FAKE_ENGINE_GO": str(folder / "go"),
        **variables,
    }
    place = root(suite)
    with contextlib.suppress(OSError):  # none there yet
        shutil.copyfile(place / PLUGINS, profile / PLUGINS)
    options = [word for name, value in told.items() for word in ("-e", f"{name}={value}")]
    options += [word for bound in (folder, REPOSITORY) for word in ("-b", str(bound))]
    words = folder / "output"
    with words.open("wb") as output:
        status = subprocess.run(
            ["bash", HERE / "gimp-root-run.sh", place, *options, "--", *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=LONGEST, check=False,
        ).returncode  # fmt: skip
    remember(profile, place)
    lines = (
        (folder / "report").read_text(encoding="utf-8").splitlines() if (folder / "report").exists() else []
    )
    found = {line["name"]: line["problem"] for line in map(json.loads, lines)}
    said = words.read_text(encoding="utf-8", errors="replace")
    if not found:
        raise RuntimeError(f"no report from GIMP, status {status}:\n{said[-5000:]}")
    left = [line for line in said.splitlines() if "zombie" in line.lower() and "deepdream" in line]
    return {**found, LEFT: "\n".join(left)}
