"""Make the pictures of the studio in docs/: python -m tests.engine.studio.browser.make_pictures [FOLDER].

With a folder, also the page in more windows, colours and languages, to be looked at.  It needs Chromium,
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
    for name, width, height in (
        ("large", 1920, 1080), ("laptop", 1366, 768), ("small", 1024, 600),
        ("tablet", 768, 1024), ("phone", 390, 844),
    )
    for scheme in ("dark", "light")
    for language in ("en-GB", "ko-KR")
}  # fmt: skip


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    studio, address = start()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        try:
            for name, window in (MORE if folder else {}).items():
                page = opened(browser, address, window)
                page.screenshot(path=str(folder / f"{name}-welcome.png"))
                page.context.close()
            session = work(opened(browser, address, WINDOWS["studio"]), folder)
            for name, window in (WINDOWS | (MORE if folder else {})).items():
                page = opened(browser, address, window)
                page.evaluate("(kept) => sessionStorage.setItem('deepdream', kept)", session)
                page.reload()
                show(page)
                if name in WINDOWS:
                    keep(page, PICTURES / f"{name}.png")
                else:
                    walk(page, folder or PICTURES, name)
                page.context.close()
        finally:
            browser.close()
            stop(studio)


def opened(browser: Any, address: str, window: dict[str, Any]) -> Any:
    """Return the page in a window."""
    page = browser.new_context(**{"locale": "en-GB"} | window).new_page()
    page.set_default_timeout(600_000)
    page.goto(address)
    page.locator("#welcome-choose:enabled").wait_for(state="attached")
    return page


def work(page: Any, folder: Path | None) -> str:
    """Dream on a photograph; return what another tab needs to go on from there."""
    page.locator("#file").set_input_files(flow.EXAMPLES / "palace.jpg")
    page.locator("#before[src]").wait_for()
    flow.pick(page, "look/gaze")
    flow.set_number(page, "Largest size", "384")  # it will be shown hardly larger
    page.locator("#tab-look").click()
    flow.generate(page)
    flow.grown(page, 3)
    if folder is not None:
        page.screenshot(path=str(folder / "growing.png"))
    flow.finished(page)
    thumbnails(page)
    kept: str = page.evaluate("sessionStorage.getItem('deepdream')")
    return kept


def show(page: Any) -> None:
    """Show a finished dream, half of it beside the picture as it was, with the thumbnails of that picture."""
    flow.finished(page)
    thumbnails(page)
    page.locator("#split").fill("38")
    flow.until(page, "[...document.querySelectorAll('#shelf img')].every(x => x.complete && x.naturalWidth)")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(1000)


def thumbnails(page: Any) -> None:
    """Wait for the thumbnails of all looks, and of the layers that are shown at first."""
    page.locator(".tile:has(input[value^='look/']) img.here").nth(16).wait_for()
    page.locator(".tile:has(input[value^='layer/']) img.here").nth(3).wait_for()


def walk(page: Any, folder: Path, name: str) -> None:
    """Look at each page of the panel, and at the brush."""
    page.screenshot(path=str(folder / f"{name}-result.png"))
    page.locator("#tab-details").click()
    page.screenshot(path=str(folder / f"{name}-details.png"))
    page.locator("#tab-where").click()
    page.locator("#paint").click()
    box = page.locator("#brush").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=5)
    page.mouse.up()
    page.screenshot(path=str(folder / f"{name}-mask.png"))


def keep(page: Any, target: Path) -> None:
    """Write a screenshot with few colours."""
    page.screenshot(path=str(target))
    with Image.open(target) as image:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT).save(target, optimize=True)


if __name__ == "__main__":
    main()
