"""Real GIMP for the tests: Debian roots, the plug-in in a profile of its own, reports from inside."""

# ruff: noqa: S607

from __future__ import annotations

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

HEADLESS = (
    "headless_pixels",
    "headless_layers",
    "headless_subjects",
    "headless_results",
    "headless_words",
    "headless_failures",
    "headless_guide",
)
GUI = (
    "gui_dialog",
    "gui_live",
    "gui_help",
    "gui_looks",
    "gui_sizes",
    "gui_channels",
    "gui_korean",
    "gui_failures",
    "gui_layers",
    "gui_runs",
    "gui_ahead",
    "gui_models",
    "gui_ends",
    "gui_trial",
)
"""Modules with checks; see running.py."""

BRIEF = ("gui_dialog", "gui_looks", "gui_runs")
"""Of those with windows, what DEEPDREAM_TEST_GIMP=brief asks each GIMP, as the gate does: what has been seen
to pass on both with thirty others at work."""

LEFT_OUT = "DEEPDREAM_TEST_GIMP=brief leaves it out"

FAKE_ENGINE = HERE / "fake_engine.py"
OF_GIMP = ("python-eval", "script-fu", "file-jpeg", "file-png")
"""Those of GIMP's plug-ins that the checks need."""

ONLY_THESE = '(plug-in-path "${gimp_dir}/plug-ins")\n'
"""A line of gimprc."""

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


def install(profile: Path, place: Path) -> Path:
    """Put the plug-in into a profile folder, as the installer does; return the plug-in's folder.

    Beside it are those of the root's GIMP that the checks need: GIMP asks each of its 130 at a
    profile's first start, which takes longer than most checks.
    """
    folder = profile / "plug-ins" / "deepdream"
    source = REPOSITORY / "gimp_plugin"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source / "gimp3" / "deepdream", folder, ignore=ignore)
    shutil.copytree(source / "deepdream_common", folder / "deepdream_common", ignore=ignore)
    (folder / "engine.json").write_text(json.dumps({"command": REAL_ENGINE}), encoding="utf-8")
    (plugins,) = place.glob("usr/lib/*/gimp/3.0/plug-ins")
    for name in OF_GIMP:
        folder.with_name(name).symlink_to("/" / plugins.relative_to(place) / name)
    (profile / "gimprc").write_text(ONLY_THESE, encoding="utf-8")
    return folder


def gui() -> tuple[str, ...]:
    """Return the modules of checks with windows that are asked for."""
    return BRIEF if os.environ.get("DEEPDREAM_TEST_GIMP") == "brief" else GUI


GUI_CHECKS = ["python3", str(HERE / "gui_checks.py")]
"""What runs checks with windows inside a root; see `with_windows`."""


def with_windows(shots: Path, keep: str) -> dict[str, str]:
    """Return what the environment tells checks with windows, beside the rest that `report` does.

    shots: a folder for screenshots, made where it is missing; keep: whether they are wanted, or nothing.
    """
    shots.mkdir(exist_ok=True)
    return {
        "CHECK_MODULES": " ".join(gui()),
        "CHECK_SHOTS": "/host" + str(shots),
        "CHECK_KEEP": keep,
        "CHECK_PICTURE": str(REPOSITORY / "examples/mountains.jpg"),
    }


def names(modules: Iterable[str]) -> list[str]:
    """Return the names of the checks in modules that only GIMP's Python can import, in their order."""
    texts = [(HERE / f"{module}.py").read_text(encoding="utf-8") for module in modules]
    return [name for text in texts for name in re.findall(r"^def (check_\w+)\(", text, re.MULTILINE)]


def report(
    suite: str, folder: Path, command: list[str], variables: dict[str, str], checks: Iterable[str] = ()
) -> dict[str, str]:
    """Run checks inside a root; return what is wrong by the name of each check, nothing where all is well.

    What GIMP itself found wrong at its end is under LEFT.  folder: empty, for profile and report; whatever
    `command` says is written to a file in it; checks: the names of those to run, which `command` finds in the
    environment (see running.py).
    """
    place, profile = root(suite), folder / "profile"
    told = {
        "GIMP3_DIRECTORY": str(profile),
        "CHECK_PLUGIN": str(install(profile, place)),
        "CHECK_PYTHON": "/usr/bin/python3",
        "XDG_DATA_HOME": str(folder / "data"),
        "CHECK_FAKE": str(FAKE_ENGINE),
        "CHECK_ENGINE": json.dumps(REAL_ENGINE),
        "CHECK_REPORT": str(folder / "report"),
        "CHECK_NAMES": " ".join(checks),
        "FAKE_ENGINE_WORDS": str(folder / "words"),
        "FAKE_ENGINE_GO": str(folder / "go"),
        **variables,
    }
    options = [word for name, value in told.items() for word in ("-e", f"{name}={value}")]
    options += [word for bound in (folder, REPOSITORY) for word in ("-b", str(bound))]
    words = folder / "output"
    with words.open("wb") as output:
        status = subprocess.run(
            ["bash", HERE / "gimp-root-run.sh", place, *options, "--", *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=LONGEST, check=False,
        ).returncode  # fmt: skip
    lines = (
        (folder / "report").read_text(encoding="utf-8").splitlines() if (folder / "report").exists() else []
    )
    found = {line["name"]: line["problem"] for line in map(json.loads, lines)}
    said = words.read_text(encoding="utf-8", errors="replace")
    if not found:
        raise RuntimeError(f"no report from GIMP, status {status}:\n{said[-5000:]}")
    left = [line for line in said.splitlines() if "zombie" in line.lower() and "deepdream" in line]
    return {**found, LEFT: "\n".join(left)}
