"""Decision records have one format, so that a reader finds the same things in the same places."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests.loaded_settings import ROOT

RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
STATUS = re.compile(r"proposed|accepted|rejected|deprecated|superseded by \[\d{4}\]\(\d{4}-[\w-]+\.md\)")
HEADINGS = ["Context", "Decision", "Consequences", "Alternatives"]
every_record = pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)


def test_records_are_numbered_without_gaps() -> None:
    assert [path.name[:5] for path in RECORDS] == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]
    assert len(RECORDS) >= 9


@every_record
def test_title_status_and_date_come_first(path: Path) -> None:
    title, blank, status, day, *_ = path.read_text().splitlines()
    assert re.fullmatch(rf"# {path.name[:4]} \S.+[^.]", title)
    assert not blank
    assert STATUS.fullmatch(status.removeprefix("- Status: ")), status
    date.fromisoformat(day.removeprefix("- Date: "))


@every_record
def test_the_four_sections_follow_each_with_text(path: Path) -> None:
    sections = re.split(r"^## (.+)\n", path.read_text(), flags=re.MULTILINE)[1:]
    assert sections[::2] == HEADINGS
    assert all(text.strip() for text in sections[1::2])


@every_record
def test_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
