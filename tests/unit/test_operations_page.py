from __future__ import annotations

from pathlib import Path

from core.config import Settings

TREE = Path(__file__).parent.parent.parent


def test_every_setting_is_explained() -> None:
    page = (TREE / "docs" / "operations.md").read_text("utf-8")
    table = page[page.index("\n## Settings\n") :]
    missing = [name for name in Settings.model_fields if f"`{name}`" not in table]
    assert not missing
