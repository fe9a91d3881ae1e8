"""What people do on the page, in a test's words."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image

EXAMPLES = Path(__file__).parents[4] / "examples"

PATIENCE = 240_000
"""Milliseconds after which something hangs."""

LONG = "200"
"""Iterations in an octave of a dream of the tiny model that can be looked at while it grows."""


def sample(page: Any) -> None:
    """Open the sample."""
    page.locator("#sample").click()
    page.locator("#before[src]").wait_for()


def small() -> dict[str, Any]:
    """Return a small photograph as a file to choose: its dreams take no time."""
    content = io.BytesIO()
    with Image.open(EXAMPLES / "fig.jpg") as image:
        image.resize((180, 128)).save(content, "PNG")
    return {"name": "작은 fig.png", "mimeType": "image/png", "buffer": content.getvalue()}


def open_small(page: Any) -> None:
    """Open a small photograph."""
    page.locator("#file").set_input_files(small())
    page.locator("#before[src]").wait_for()


def pick(page: Any, value: str) -> None:
    """Pick a look, a layer or a channel."""
    page.locator(f'.tile:has(input[value="{value}"])').click()


def set_number(page: Any, label: str, value: str) -> None:
    """Type in a number among the details."""
    page.locator("#tab-details").click()
    box = page.locator("#page-details").get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Tab")


def until(page: Any, expression: str) -> None:
    """Wait until an expression is true; Playwright's own way to do that is against the page's policy."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never comes to {expression}")


def paint(page: Any, left: float, right: float) -> None:
    """Paint from left to right, in shares of the picture's width."""
    box = page.locator("#brush").bounding_box()
    page.mouse.move(box["x"] + box["width"] * left, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * right, box["y"] + box["height"] * 0.5, steps=5)
    page.mouse.up()


def generate(page: Any) -> None:
    page.locator("#generate").click()


def grown(page: Any, count: int = 2) -> None:
    """Wait until the picture has been seen to change so often."""
    seen: set[str] = set()
    while len(seen) < count:
        page.locator("#after[src]").wait_for()
        page.wait_for_timeout(50)
        seen.add(page.locator("#after").get_attribute("src"))


def finished(page: Any) -> None:
    """Wait for the result on the stage."""
    page.locator("#download").wait_for()


def drop(page: Any, name: str, content: bytes, kind: str = "image/png") -> None:
    """Drop a file onto the page."""
    event = page.evaluate_handle(
        """([name, content, kind]) => {
            const bytes = Uint8Array.from(atob(content), (x) => x.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: kind }));
            return transfer;
        }""",
        [name, _base64(content), kind],
    )
    page.dispatch_event("body", "drop", {"dataTransfer": event})


def paste(page: Any, name: str, content: bytes) -> None:
    """Paste a picture."""
    page.evaluate(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), (x) => x.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        [name, _base64(content)],
    )


def tab_to(page: Any, there: str, most: int = 120) -> None:
    """Press Tab until the element with that id has the focus, as people do who have no mouse."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.id") == there:
            return
    raise AssertionError(f"the focus never comes to {there}")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
