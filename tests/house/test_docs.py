"""The documents keep their promises: links lead somewhere, README commands exist, limits are written down."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_link_between_pages_leads_somewhere() -> None:
    link = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
    found = [(page, target) for page in PAGES for target in link.findall(page.read_text()) if "://" not in target]
    assert [f"{page.name}: {target}" for page, target in found if not (page.parent / target).exists()] == []


def test_every_path_named_in_the_architecture_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:core|otio_adapters|tests|docs|web_panel)/[\w./-]+)`", text))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_readme_shows_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "python3 dev.py demo" in text
    assert "python3 dev.py test" in text
    assert (ROOT / ".ci" / "run").read_text().strip().endswith("python3 dev.py test")
