"""The page for everyone: both languages, screen readers (axe), small windows, its scripts' types."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from .. import make_words
from . import flow
from .conftest import npm, shot

pytestmark = pytest.mark.slow

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LATIN = re.compile(r"\b[A-Za-z]{3,}\b")
NAMES = {"Deep", "Dream", "fig", "png", "CPU", "layer", "mixed"}
"""Words that are the same in Korean."""


def findings(page: Any, axe: str) -> list[str]:
    """Return what axe finds wrong with the page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    # Only violations are described: to describe what is right takes most of axe's time.
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{x['id']}: {x['help']}: {node['target']} {node['failureSummary']}"
        for x in found["violations"]
        for node in x["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(opened: Any, axe: str, scheme: str) -> None:
    page = opened(color_scheme=scheme, reduced_motion="reduce")
    assert findings(page, axe) == []
    flow.open_small(page)
    page.locator(".tile img.here").first.wait_for()
    flow.pick(page, "layer/mixed1")
    assert findings(page, axe) == []
    page.locator("#tab-where").click()
    page.locator("#paint").click()
    assert findings(page, axe) == []
    shot(page, f"mask-{scheme}")
    page.locator("#mask-done").click()
    page.locator("#tab-details").click()
    assert findings(page, axe) == []
    shot(page, f"details-{scheme}")
    flow.set_number(page, "Iterations", flow.LONG)
    flow.generate(page)
    flow.grown(page)
    assert findings(page, axe) == []
    flow.finished(page)
    assert findings(page, axe) == []


def test_korean(opened: Any) -> None:
    page = opened(locale="ko-KR")
    assert page.evaluate("document.documentElement.lang") == "ko"
    flow.open_small(page)
    flow.pick(page, "look/coral")
    assert page.locator("#chosen").inner_text() == "산호"
    assert page.locator("#described").inner_text() == "해면과 조개와 산호가 모든 표면을 덮습니다."
    flow.pick(page, "layer/mixed1")
    for tab in ("details", "where", "look"):
        page.locator(f"#tab-{tab}").click()
        assert english(page) == set()
    flow.generate(page)
    flow.finished(page)
    assert english(page) == set()
    shot(page, "korean-result")


def english(page: Any) -> set[str]:
    """Return the English words that one sees, or hears from a screen reader."""
    heard = page.evaluate(
        "['aria-label', 'aria-valuetext', 'alt'].flatMap(name => [...document.querySelectorAll(`[${name}]`)]"
        ".filter(x => x.checkVisibility()).map(x => x.getAttribute(name))).join(' ')"
    )
    formats = page.evaluate("[...document.querySelectorAll('#format option')].map(x => x.text).join(' ')")
    return set(LATIN.findall(f"{page.inner_text('body')} {heard}")) - set(LATIN.findall(formats)) - NAMES


def test_korean_errors(opened: Any, watch: Any) -> None:
    watch.expected.add("status of 422")
    page = opened(locale="ko-KR")
    page.locator("#file").set_input_files(
        {"name": "작은 그림.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    page.get_by_role("alert").filter(has_text="작은 그림.png").wait_for()


def test_other_languages_get_english(opened: Any) -> None:
    page = opened(locale="fr-FR")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.get_by_role("button", name="Choose a picture").is_visible()


@pytest.mark.parametrize("size", [(320, 256), (390, 844), (844, 390), (1024, 600), (1440, 900)], ids=str)
def test_any_window_has_room_for_all(opened: Any, size: tuple[int, int]) -> None:
    """Nothing is cut off to the side, and Generate can be reached; 320 pixels are 1280 at 400 %."""
    page = opened(viewport={"width": size[0], "height": size[1]})
    flow.open_small(page)
    page.locator("#generate").scroll_into_view_if_needed()
    box = page.locator("#generate").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]
    assert 0 <= box["y"] <= size[1] - box["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("#view").bounding_box()["height"] > min(size) / 4
    shot(page, f"window-{size[0]}x{size[1]}")


def test_scripts_have_the_types_that_they_say() -> None:
    compiler = npm("typescript@5.9.3") / "bin" / "tsc"
    options = (
        "--noEmit --allowJs --checkJs --strict --target es2022 --module es2022 --moduleResolution bundler "
        "--lib es2023,dom,dom.iterable --noUnusedLocals --noUnusedParameters --noImplicitReturns"
    )
    modules = [str(x) for x in make_words.PAGE.glob("*.js")]
    words = ["/usr/bin/env", "node", str(compiler), *options.split(), *modules]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_settings_of_a_look_come_back(page: Any) -> None:
    """What the page sends is the look, and what differs from it."""
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    with page.expect_request("**/api/dreams") as sent:
        flow.generate(page)
    order = json.loads(sent.value.post_data)
    assert order["settings"]["layers"] == {"mixed1": 1}
    assert order["mask"] is None
    flow.finished(page)
