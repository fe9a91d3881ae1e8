"""A studio, and a browser in front of it: Debian's Chromium, driven by Playwright, or skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.tiny_model import TINY

from . import flow

ROOT = Path(__file__).parents[4]
SHOTS = os.environ.get("DEEPDREAM_SHOTS")
"""Folder for screenshots; none are made without it."""


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    """Start a studio, and return it with its address."""
    words = [sys.executable, "-m", "engine", "studio", "--no-browser", "--port", "0", *options]
    studio = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=None, text=True, cwd=ROOT)
    assert studio.stdout is not None
    for line in studio.stdout:
        if found := re.search(r"http://\S+", line):
            return studio, found[0]
    pytest.fail(f"the studio ended with {studio.wait()}")


def stop(studio: subprocess.Popen[str]) -> None:
    studio.terminate()
    studio.wait(60)
    assert studio.stdout is not None
    studio.stdout.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A studio with the tiny model, whose dreams take no time; the tests share it, each with its own tab."""
    pytest.importorskip("fastapi", reason="the extra [web] is not installed")
    studio, found = start("--model", str(TINY))
    yield found
    stop(studio)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: .ci/run brings it"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium here")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"] if root else [])
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page did that it should not: errors, words to the console, requests to somebody else."""

    host: str
    wrong: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    """Parts of what the console may say in this test."""

    def follow(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", lambda said: said.type in {"error", "warning"} and self.wrong.append(said.text))
        page.on("request", self._request)

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"blob", "data"} and parts.netloc != self.host:
            self.wrong.append(f"asked {request.url}")

    def check(self) -> None:
        assert [x for x in self.wrong if not any(y in x for y in self.expected)] == []


@pytest.fixture
def watch(address: str) -> Iterator[Watch]:
    found = Watch(urlsplit(address).netloc)
    yield found
    found.check()


@pytest.fixture
def opened(chromium: Any, address: str, watch: Watch) -> Iterator[Callable[..., Any]]:
    """Return a function that opens the studio in a tab; its arguments are those of a browser's context."""
    contexts = []

    def open_page(**context: Any) -> Any:
        given = {
            "locale": "en-GB",
            "viewport": {"width": 1440, "height": 900},
            "color_scheme": "dark",
        } | context
        contexts.append(chromium.new_context(**given))
        contexts[-1].set_default_timeout(flow.PATIENCE)
        clear(contexts[-1].request, address)
        page = contexts[-1].new_page()
        watch.follow(page)
        page.on("filechooser", lambda _: None)  # caught from now on
        page.goto(address)
        page.locator("#welcome-choose:enabled").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()


def clear(request: Any, address: str) -> None:
    """Remove the dreams and pictures of earlier tests: a new tab would show them."""
    for kind in ("dreams", "pictures"):
        for one in request.get(f"{address}api/{kind}").json():
            request.delete(f"{address}api/{kind}/{one['id']}", headers={"x-deepdream": "1"})


@pytest.fixture
def page(opened: Callable[..., Any]) -> Any:
    return opened()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which looks for what people with disabilities stumble over."""
    return (npm("axe-core@4.14.1") / "axe.min.js").read_text("utf-8")


def npm(package: str) -> Path:
    """Return the folder of a package of npm's, fetched once; skip where that cannot be."""
    program = shutil.which("npm")
    if program is None:
        pytest.skip("there is no npm here")
    cache = Path(
        os.environ.get(
            "DEEPDREAM_CACHE",
            "/var/cache/deepdream" if os.access("/var/cache", os.W_OK) else tempfile.gettempdir(),
        )
    )
    folder = cache / "npm" / package.replace("/", "-")
    if not (folder / "package").exists():
        if os.environ.get("DEEPDREAM_TEST_DOWNLOADS") != "1":
            pytest.skip(f"{package} is not here, and DEEPDREAM_TEST_DOWNLOADS=1 does not ask to fetch it")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            done = subprocess.run(
                [program, "pack", "--silent", package],
                cwd=scratch,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                pytest.skip(f"npm does not bring {package}: {done.stderr.strip()[-200:]}")
            shutil.unpack_archive(Path(scratch) / done.stdout.split()[-1], scratch, "gztar", filter="data")
            (Path(scratch) / "package").rename(folder / "package")
    return folder / "package"


def shot(page: Any, name: str) -> None:
    """Keep a screenshot, where they are wanted."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))
