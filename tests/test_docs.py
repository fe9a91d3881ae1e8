"""What the pages say of the program and of each other is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "build", "node_modules"} & set(path.relative_to(ROOT).parts)
    and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda x: str(x.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, place = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if place:
            headings = re.findall(r"^#+ (.*)$", prose(target), re.MULTILINE)
            assert place in map(anchor, headings), link


def test_the_api_page_shows_each_public_name_once() -> None:
    shown = re.findall(r"^::: engine\.(\w+)$", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(set(engine.__all__))


def test_each_decision_is_listed() -> None:
    listed = re.findall(r"\((\d{4}-[^)]*\.md)\)", (DOCS / "decisions" / "README.md").read_text("utf-8"))
    assert listed == sorted(x.name for x in (DOCS / "decisions").glob("0*.md"))


def test_modules_that_pages_name_are_there() -> None:
    for page in PAGES:
        for path in re.findall(
            r"`((?:engine|export|gimp_plugin|docs|tests)/[\w/]+\.\w+)`", page.read_text("utf-8")
        ):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_atlas_names_sixty_channels_once_each() -> None:
    page = (DOCS / "atlas.md").read_text("utf-8")
    listed = re.findall(r"^\| `(mixed[45]):(\d+)=1` \| [a-z].* \|$", page, re.MULTILINE)
    assert len(set(listed)) == len(listed) == page.count("=1` |") == 60
    assert all(int(channel) < 768 for _, channel in listed)


def test_messages_that_troubleshooting_quotes_are_the_programs_own() -> None:
    sources = "\n".join(
        path.read_text("utf-8")
        for folder in ("engine", "gimp_plugin")
        for path in sorted((ROOT / folder).rglob("*.py"))
    )
    text = re.sub(r'"\s*\n\s*f?"', "", sources)  # strings that go on in the next line
    text = re.sub(r"\{what\}", "guide", text)
    text = re.sub(r"\{index\}", "0", text)
    text = re.sub(r"\{name\}, which", "PyAV, which", text) + text.replace("{name}", "OpenCV")
    quoted = re.findall("“([^”]+)”", (DOCS / "troubleshooting.md").read_text("utf-8"))
    assert len(quoted) > 20
    missing = [x for x in quoted if x not in text and x != "quotation marks"]
    assert not missing
