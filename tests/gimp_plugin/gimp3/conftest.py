"""The GIMP roots, and what the checks inside them found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import harness


@pytest.fixture(
    scope="session", params=harness.SUITES, ids=lambda suite: harness.SUITES[suite].replace(" ", "-")
)
def suite(request: pytest.FixtureRequest) -> str:
    if harness.why_not():
        pytest.skip(harness.why_not())
    harness.root(request.param)
    return request.param


def wanted(request: pytest.FixtureRequest) -> set[str]:
    """Return the names of the checks that this run of pytest is to report."""
    cases = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    return {str(case["check"]) for case in cases if "check" in case}


@pytest.fixture(scope="session")
def headless_report(
    suite: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    checks = harness.HERE / "headless_checks.py"
    batch = f"import runpy; runpy.run_path({str(checks)!r})"
    gimp = ["gimp-console", "-idfs", "--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]
    return harness.report(
        suite,
        tmp_path_factory.mktemp(f"headless-{suite}"),
        gimp,
        {"CHECK_MODULES": " ".join(harness.HEADLESS)},
        wanted(request),
    )


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("DEEPDREAM_SHOTS") or tmp_path_factory.mktemp("screenshots")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def gui_report(
    suite: str, request: pytest.FixtureRequest, screenshots: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    told = harness.with_windows(screenshots / suite, keep=os.environ.get("DEEPDREAM_SHOTS", ""))
    folder = tmp_path_factory.mktemp(f"gui-{suite}")
    return harness.report(suite, folder, harness.GUI_CHECKS, told, wanted(request))
