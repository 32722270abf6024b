"""`docs/settings.md` and `.env.example` group the settings alike, each under the heading of what it is about."""

import re

import pytest

from tests.loaded_settings import ROOT

Groups = dict[str, list[str]]


def documented() -> Groups:
    """The settings below each heading of the page, without headings that have none."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / "settings.md").read_text(), flags=re.MULTILINE)[1:]
    groups = {
        heading: re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE)
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {heading: names for heading, names in groups.items() if names}


def in_example_file() -> Groups:
    """The same of the file to copy: blocks between empty lines, each with its heading first."""
    _, *blocks = (ROOT / ".env.example").read_text().strip().split("\n\n")
    groups = {}
    for heading, *lines in (block.splitlines() for block in blocks):
        groups[heading.removeprefix("# ").partition(". ")[0]] = re.findall(r"^# ([A-Z_]+)=", "\n".join(lines), re.M)
    return groups


def test_both_have_the_same_groups() -> None:
    assert in_example_file() == documented()


@pytest.mark.parametrize(
    ("start", "heading"),
    [
        ("AZURE_DEVOPS_SERVERS", "Azure DevOps"),
        ("AUDIT", "Tests and audits of tokens"),
        ("TEST", "Tests and audits of tokens"),
        ("REFRESH", "Repositories, builds and releases"),
        ("WATCH", "Repositories, builds and releases"),
        ("POLL", "Repositories, builds and releases"),
        ("AZURE_DEVOPS_READ_SECONDS", "Repositories, builds and releases"),
        ("HISTORY_", "History"),
        ("MAIL", "Reminders and mail"),
        ("EMAIL", "Reminders and mail"),
        ("REMINDER", "Reminders and mail"),
        ("SITE_URL", "The site"),
        ("ENTRA_", "Sign-in and sessions"),
        ("SESSION_", "Sign-in and sessions"),
    ],
)
def test_what_a_name_begins_with_says_its_heading(start: str, heading: str) -> None:
    headings = {group for group, names in documented().items() for name in names if name.startswith(start)}
    assert headings == {heading}
