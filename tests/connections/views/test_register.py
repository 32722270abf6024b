"""The pages of the register."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import RegisterEntry
from connections.register_reads import EntryFilters, entries, entry_counts, page_of_entries
from tests.factories import make_entry, make_person

pytestmark = pytest.mark.django_db
LIST = "/code-repositories/register/"
SECRET = "ghp_" + "a" * 36


@pytest.fixture
def maintainer(client: Client) -> Client:
    client.force_login(make_person("maya", "*"))
    return client


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    return found[1]


def in_days(days: int) -> object:
    return timezone.localdate() + timedelta(days=days)


def fill_the_register() -> None:
    names = {"Later": 200, "Expired": -2, "Urgent": 3, "Undated": None, "Soon": 20, "Closed": -5}
    for name, days in names.items():
        closed_at = timezone.now() if name == "Closed" else None
        make_entry(name, expires_on=None if days is None else in_days(days), closed_at=closed_at)


def test_a_credential_is_added_and_appears_in_the_list(maintainer: Client) -> None:
    owner = make_person("olga")
    entered = {"name": "Deploy key", "kind": "ssh_key", "owner": owner.pk, "expires_on": str(in_days(3))}
    answer = maintainer.post(f"{LIST}add/", entered | {"used_by": "Nightly https://example.com/build"})
    entry = RegisterEntry.objects.get()
    assert answer.headers["Location"] == entry.get_absolute_url()
    assert "Deploy key" in text_of(maintainer, LIST)
    page = text_of(maintainer, entry.get_absolute_url())
    assert 'href="https://example.com/build"' in page
    assert "Expires in 3 days" in page


@pytest.mark.parametrize("field", ["name", "organization", "purpose", "used_by", "scopes", "notes", "outside_owner"])
def test_a_secret_is_refused_and_not_drawn_back(maintainer: Client, field: str) -> None:
    entered = {"name": "Deploy key", "kind": "pat", "owner": make_person("olga").pk, field: SECRET}
    page = maintainer.post(f"{LIST}add/", entered).content.decode()
    assert "This field stores no secrets" in page
    assert SECRET not in page
    assert not RegisterEntry.objects.exists()


def test_the_box_of_a_row_stands_for_its_entry(maintainer: Client) -> None:
    entry = make_entry()
    assert f'<input type="checkbox" name="entry" value="{entry.pk}"' in text_of(
        maintainer, reverse("connections:register")
    )


def test_the_list_shows_the_worst_first(maintainer: Client) -> None:
    fill_the_register()
    shown = re.findall(r'<th scope="row"><a href="[^"]+">(\w+)<', text_of(maintainer, LIST))
    assert shown == ["Expired", "Urgent", "Soon", "Undated", "Later", "Closed"]
    # With a filter, the same order comes from a query of another kind.
    shown = [entry.name for entry in entries(EntryFilters(kind="pat"), today=timezone.localdate())]
    assert shown == ["Expired", "Urgent", "Soon", "Undated", "Later", "Closed"]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("attention", {"Expired", "Urgent", "Soon", "Undated"}),
        ("week", {"Urgent"}),
        ("soon", {"Urgent", "Soon"}),
        ("expired", {"Expired"}),
        ("not_recorded", {"Undated"}),
        ("open", {"Expired", "Urgent", "Soon", "Undated", "Later"}),
        ("closed", {"Closed"}),
    ],
)
def test_a_status_filters_the_list(status: str, names: set[str]) -> None:
    fill_the_register()
    today = timezone.localdate()
    assert {entry.name for entry in entries(EntryFilters(status=status), today=today)} == names


def test_a_search_finds_name_organization_purpose_and_owner_outside() -> None:
    make_entry("Ölpumpe", organization="Acme", purpose="Deploys the shop", outside_owner="Contoso")
    make_entry("Other")
    today = timezone.localdate()
    for words in ("Ölpumpe", "ACME shop", "contoso"):
        assert [entry.name for entry in entries(EntryFilters(q=words), today=today)] == ["Ölpumpe"]


def test_pages_of_the_register_follow_one_another() -> None:
    for number in range(60):
        make_entry(f"Entry {number:02}", expires_on=in_days(number) if number % 2 else None)
    today = timezone.localdate()
    groups = entry_counts(today=today).groups
    assert groups == (15, 30, 15, 0)
    pages = [page_of_entries(EntryFilters(), str(number), today=today, groups=groups) for number in (1, 2, 3)]
    names = [row.name for page in pages for row in page]
    assert names == [entry.name for entry in entries(EntryFilters(), today=today)]
    assert len(names) == 60


def test_the_owner_who_left_is_counted_and_found(maintainer: Client) -> None:
    make_entry("Orphan", owner=make_person("gone", is_active=False))
    make_entry("Elsewhere")
    page = text_of(maintainer, f"{LIST}?status=owner_left")
    assert "owner inactive" in page
    assert "Orphan" in page
    assert "Elsewhere" not in page


def test_a_date_that_passed_asks_whether_it_is_still_in_use(maintainer: Client) -> None:
    entry = make_entry(expires_on=in_days(-1))
    page = text_of(maintainer, entry.get_absolute_url())
    assert "Still in use?" in page
    close = reverse("connections:close-register-entry", args=[entry.pk])
    assert close in page
    answer = maintainer.post(close, {"version": version_in(text_of(maintainer, close)), "reason": "unused"})
    assert answer.status_code == 302
    page = text_of(maintainer, entry.get_absolute_url())
    assert "Still in use?" not in page
    assert "No longer used" in page
    reopen = reverse("connections:reopen-register-entry", args=[entry.pk])
    maintainer.post(reopen, {"version": version_in(page)})
    entry.refresh_from_db()
    assert not entry.is_closed


def test_an_edit_of_an_outdated_page_shows_both_values(maintainer: Client) -> None:
    entry = make_entry(purpose="Old")
    edit = reverse("connections:edit-register-entry", args=[entry.pk])
    version = version_in(text_of(maintainer, edit))
    RegisterEntry.objects.filter(pk=entry.pk).update(purpose="Theirs", organization="Acme")
    entered = {"name": entry.name, "kind": "pat", "owner": entry.owner_id, "purpose": "Mine"}
    page = maintainer.post(edit, entered | {"version": version}).content.decode()
    assert "Changed since you opened the page" in page
    assert "Theirs" in page
    # What the person did not change has its current value.
    assert 'value="Acme"' in page
    maintainer.post(edit, entered | {"version": version_in(page), "organization": "Acme"})
    entry.refresh_from_db()
    assert (entry.purpose, entry.organization) == ("Mine", "Acme")


def test_an_entry_is_deleted_after_asking(maintainer: Client) -> None:
    entry = make_entry()
    delete = reverse("connections:delete-register-entry", args=[entry.pk])
    maintainer.post(delete, {"version": version_in(text_of(maintainer, delete))})
    assert not RegisterEntry.objects.exists()
    assert maintainer.get(entry.get_absolute_url()).status_code == 404


def test_an_owner_who_left_may_stay_the_owner(maintainer: Client) -> None:
    entry = make_entry(owner=make_person("gone", is_active=False))
    edit = reverse("connections:edit-register-entry", args=[entry.pk])
    version = version_in(text_of(maintainer, edit))
    entered = {"name": "Renamed", "kind": "pat", "owner": entry.owner_id, "version": version}
    maintainer.post(edit, entered)
    entry.refresh_from_db()
    assert entry.name == "Renamed"


def test_the_list_asks_as_much_for_many_entries_as_for_few(maintainer: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make_entry("First").consumers.create(name="Shop")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            maintainer.get(LIST)
        return len(captured)

    before = queries()
    for number in range(30):
        make_entry(f"Entry {number}", owner=make_person(f"person {number}")).consumers.create(name="Shop")
    assert queries() == before
