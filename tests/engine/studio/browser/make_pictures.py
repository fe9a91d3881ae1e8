"""Make the pictures of the studio in docs/: python -m tests.engine.studio.browser.make_pictures [FOLDER].

With a folder, the page in more windows, colours and languages, to be looked at.  It needs Chromium,
playwright and a font with Korean; two minutes on two cores.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from . import flow
from .conftest import ROOT, start, stop

PICTURES: Final = ROOT / "docs" / "pictures"
COLOURS: Final = 200
"""Of a picture in the docs, which makes it a third as large."""

WINDOWS: Final[dict[str, dict[str, Any]]] = {
    "studio": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "studio-ko": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", "locale": "ko-KR"},
    "studio-phone": {
        "viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True,
        "is_mobile": True,
    },
}  # fmt: skip

MORE: Final[dict[str, dict[str, Any]]] = {
    f"{name}-{scheme}-{language[:2]}": {
        "viewport": {"width": width, "height": height}, "color_scheme": scheme, "locale": language,
    }
    for name, width, height in (("large", 1440, 900), ("small", 1024, 600), ("phone", 390, 844))
    for scheme in ("dark", "light")
    for language in ("en-GB", "ko-KR")
}  # fmt: skip


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    studio, address = start()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        try:
            for name, window in (WINDOWS if folder is None else MORE).items():
                page = browser.new_context(**{"locale": "en-GB"} | window).new_page()
                page.set_default_timeout(300_000)
                page.goto(address)
                if folder is None:
                    show(page)
                    keep(page, PICTURES / f"{name}.png")
                else:
                    walk(page, folder, name)
                page.context.close()
        finally:
            browser.close()
            stop(studio)


def show(page: Any) -> None:
    """Show a finished dream, half of it beside the picture as it was, with the thumbnails of that picture."""
    names = ("palace.jpg", "dogs.jpg", "temple.jpg")
    page.locator("#file").set_input_files([flow.EXAMPLES / x for x in names])
    page.locator("#pictures li").nth(len(names) - 1).wait_for()
    thumbnails(page)
    for at, look in ((1, "creatures"), (2, "coral"), (0, "gaze")):
        page.locator("#pictures button.small").nth(at).click()
        thumbnails(page)
        flow.pick(page, f"look/{look}")
        flow.generate(page)
        flow.finished(page)
    page.locator("#split").fill("38")
    page.locator("#generate").focus()
    page.evaluate("document.activeElement.blur()")


def thumbnails(page: Any) -> None:
    """Wait for the thumbnails of all looks, and of the layers that are shown at first."""
    flow.until(
        page,
        "[...document.querySelectorAll('#tiles .face')].every(x => x.querySelector('img.here')) "
        "&& document.querySelectorAll('#tiles .face').length > 10",
    )


def walk(page: Any, folder: Path, name: str) -> None:
    """Look at each state of the page."""
    folder.mkdir(parents=True, exist_ok=True)

    def look(state: str) -> None:
        page.screenshot(path=str(folder / f"{name}-{state}.png"))

    page.locator("#welcome-choose").wait_for()
    look("1-welcome")
    page.locator("#file").set_input_files([flow.EXAMPLES / "temple.jpg"])
    page.locator('.tile:has(input[value="look/wool"]) img.here').wait_for()
    look("2-looks")
    flow.pick(page, "look/gaze")
    flow.generate(page)
    flow.grown(page, 3)
    look("3-growing")
    flow.finished(page)
    page.locator("#split").fill("40")
    thumbnails(page)
    look("4-result")
    page.locator("#tab-details").click()
    look("5-details")
    page.locator("#tab-where").click()
    page.locator("#paint").click()
    box = page.locator("#brush").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=5)
    page.mouse.up()
    look("6-mask")


def keep(page: Any, target: Path) -> None:
    """Write a screenshot with few colours."""
    page.screenshot(path=str(target))
    with Image.open(target) as image:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(target, optimize=True)


if __name__ == "__main__":
    main()
