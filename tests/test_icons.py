"""Every icon that a page may draw exists: a missing one is an error page in place of the page."""

import re
from pathlib import Path
from unittest.mock import patch
from zipfile import ZipFile

import lucide as package
import pytest
from lucide import IconDoesNotExist
from lucide.templatetags.lucide import lucide as draw

from connections.providers.registry import PROVIDERS
from connections.views.presenters import UNKNOWN_ICON
from core.templatetags import icons
from core.templatetags.icons import lucide
from history import event_types
from orchestrator import errors

ROOT = Path(__file__).resolve().parents[1]
DRAWN = re.compile(r'{%\s*lucide\s+"([^"]+)"')


def drawn_in_templates() -> set[str]:
    folders = [ROOT / "templates", *(ROOT / "connections/providers").glob("*/templates")]
    pages = [page for folder in folders for page in folder.rglob("*.html")]
    return {name for page in pages for name in DRAWN.findall(page.read_text())}


def drawn_for_events() -> set[str]:
    return {one.icon for one in event_types.registered()}


def drawn_on_error_pages() -> set[str]:
    return {one.icon for one in vars(errors).values() if isinstance(one, errors.ErrorPage)}


def drawn_for_providers() -> set[str]:
    return {provider.icon for provider in PROVIDERS} | {UNKNOWN_ICON}


@pytest.mark.parametrize("found", [drawn_in_templates, drawn_for_events, drawn_on_error_pages, drawn_for_providers])
def test_every_icon_exists(found: object) -> None:
    names = found()  # type: ignore[operator]
    missing = []
    for name in sorted(names):
        try:
            lucide(name)
        except IconDoesNotExist:
            missing.append(name)
    assert names
    assert missing == []


def test_the_archive_is_opened_once_for_all_icons() -> None:
    icons._archive.cache_clear()
    package._load_icon.cache_clear()
    with patch.object(icons, "ZipFile", wraps=ZipFile) as opened:
        assert len({draw(name) for name in ("check", "x", "key")}) == 3
    assert opened.call_count == 1
