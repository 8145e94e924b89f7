"""Every error code of the table is raised somewhere, and every code raised stands in the table."""

from __future__ import annotations

import re
from pathlib import Path

from genlock.errors import CODES

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "core" / "genlock" / "errors.py"
SOURCES = {
    path.relative_to(ROOT): path.read_text()
    for folder in ("core/genlock", "core/genlock_client", "otio_adapters/genlock_otio")
    for path in (ROOT / folder).rglob("*.py")
    if path != TABLE
}
RAISED = re.compile(
    r"\b(?:BadInput|NotFound|Refused|StoreError|MediaError|GenerationError|AccessError|GenlockError|EditRefused|Refusal)"
    r'\(\s*"(\w+)"'
)


def test_every_code_is_used_somewhere() -> None:
    unused = [code for code in CODES if not any(f'"{code}"' in text for text in SOURCES.values())]
    assert unused == []


def test_every_code_raised_is_in_the_table() -> None:
    raised = {(path, code) for path, text in SOURCES.items() for code in RAISED.findall(text)}
    assert len(raised) > 100
    assert sorted(f"{path}: {code}" for path, code in raised if code not in CODES) == []


def test_every_code_says_what_to_do() -> None:
    assert [code for code, row in CODES.items() if not row.hint.endswith(".") or not row.meaning.endswith(".")] == []
    assert [code for code, row in CODES.items() if not 400 <= row.status < 600] == []
