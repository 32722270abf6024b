"""A file is imported after a preview, with errors line by line."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from connections import tasks
from connections.actions import register_import_mails, register_import_rows, register_imports
from connections.actions.register_imports import ImportOptions
from connections.models import ImportBatch, Mail, RegisterEntry, RegisterImport
from connections.notifications import consumer_mail
from connections.providers.azure_devops.credentials import made_up_token
from history.models import Event
from history.record import Actor
from tests.factories import make_entry, make_person

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
HEADER = "name,kind,owner,expires_on,used_by,notes\n"
SECRET = "ghp_" + "a" * 36


@pytest.fixture
def maya() -> User:
    return make_person("maya", "*", email="maya@example.com")


@pytest.fixture
def maintainer(client: Client, maya: User) -> Iterator[Client]:
    client.force_login(maya)
    with patch("connections.views.common.enqueue"):
        yield client


def upload(client: Client, content: str, **more: str) -> str:
    """The page after an upload."""
    file = SimpleUploadedFile("inventory.csv", content.encode(), content_type="text/csv")
    form = {"file": file, "on_existing": "refuse", "slashes": "day"} | more
    return client.post(reverse("connections:import-register"), form, follow=True).content.decode()


def start(client: Client) -> str:
    pk = RegisterImport.objects.get().pk
    return client.post(reverse("connections:start-register-import", args=[pk]), follow=True).content.decode()


def errors_in(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<tr><th scope="row">(\d+)</th><td data-label="Column"><span>([^<]+)<', page)


def test_a_file_is_shown_and_then_imported(maintainer: Client, maya: User) -> None:
    olga = make_person("olga", email="olga@example.com")
    page = upload(
        maintainer, f"{HEADER}Key,pat,olga@example.com,31.12.2026,Shop https://x.example/,\nCert,certificate,,,,\n"
    )
    assert "Nothing is stored in the register yet" in page
    assert "Import 2 lines" in page
    assert not RegisterEntry.objects.exists()
    assert "Open the register" in start(maintainer)
    key, cert = RegisterEntry.objects.order_by("pk")
    assert (key.name, key.owner, key.expires_on) == ("Key", olga, date(2026, 12, 31))
    assert [(consumer.name, consumer.url) for consumer in key.consumers.all()] == [("Shop", "https://x.example/")]
    assert (cert.kind, cert.owner) == ("certificate", maya)
    kinds = Event.objects.order_by("pk").values_list("kind", "actor_name")
    assert list(kinds) == [("register.added", "maya"), ("register.added", "maya"), ("register.imported", "maya")]


def test_the_preview_tells_a_column_that_the_file_lacks_from_an_empty_one(maintainer: Client) -> None:
    make_entry("Key", expires_on=date(2027, 1, 31), organization="contoso")
    page = upload(maintainer, "name,kind,used_by\nKey,pat,\n", on_existing="update")
    cells = re.findall(r'data-label="(Organization|Expires|Used by)"><span>([^<]*)<', page)
    assert cells == [
        ("Organization", "not in the file"),
        ("Expires", "not in the file"),
        ("Used by", "not recorded"),
    ]
    assert "keeps what the file has no column for" in page


def test_errors_are_shown_by_line_and_the_other_lines_are_imported(maintainer: Client) -> None:
    make_entry("Taken")
    rows = ["Good,pat,,,,", "Bad,nonsense,nobody,someday,,", "taken,pat,,,,", "GOOD,pat,,,,", f"Key,pat,,,,{SECRET}"]
    page = upload(maintainer, HEADER + "\n".join(rows))
    assert errors_in(page) == [
        ("3", "expires_on"),
        ("3", "kind"),
        ("3", "owner"),
        ("4", "name"),
        ("5", "name"),
        ("6", "notes"),
    ]
    assert "Import 1 line<" in page
    assert SECRET not in page
    start(maintainer)
    assert set(RegisterEntry.objects.values_list("name", flat=True)) == {"Taken", "Good"}


def test_a_line_with_a_secret_is_never_stored(maintainer: Client) -> None:
    upload(maintainer, f"{HEADER}Key,pat,,,,{SECRET}\n", on_existing="refuse")
    assert SECRET not in str(list(ImportBatch.objects.values()))
    assert SECRET not in str(list(RegisterImport.objects.values()))


def test_entries_of_the_same_name_are_updated_if_chosen(maintainer: Client) -> None:
    entry = make_entry("Key", purpose="kept?", notes="Old", reminded_days=7)
    entry.consumers.create(name="Shop")
    make_entry("Same")
    content = f"{HEADER}KEY,pat,owner,2027-01-01,Job,New\nSame,pat,owner,,,\nNew,pat,,,,\n"
    assert "Import 3 lines" in upload(maintainer, content, on_existing="update")
    start(maintainer)
    done = RegisterImport.objects.get()
    assert (done.added, done.updated, done.unchanged, done.errors) == (1, 1, 1, 0)
    entry.refresh_from_db()
    assert (entry.name, entry.notes, entry.expires_on) == ("KEY", "New", date(2027, 1, 1))
    assert (entry.reminded_days, entry.revision) == (None, 1)
    assert [consumer.name for consumer in entry.consumers.all()] == ["Job"]
    changed = Event.objects.get(kind="register.changed")
    assert changed.detail["notes"] == {"before": "Old", "after": "New"}


@pytest.mark.parametrize(
    "content",
    ["name,kind,expires_on\nKey,pat,2027-01-01\n", '[{"name": "Key", "kind": "pat", "expires": "2027-01-01"}]'],
)
def test_an_update_leaves_what_the_file_has_no_column_for(maintainer: Client, content: str) -> None:
    kept = {"purpose": "Shop", "notes": "Old", "extra_recipients": "team@example.com", "organization": "acme"}
    entry = make_entry("Key", **kept)
    entry.consumers.create(name="Job", contact="ops@example.com")
    before = entry.owner
    upload(maintainer, content, on_existing="update")
    start(maintainer)
    entry.refresh_from_db()
    assert (entry.expires_on, entry.owner) == (date(2027, 1, 1), before)
    assert {name: getattr(entry, name) for name in kept} == kept
    assert entry.consumers.get().contact == "ops@example.com"
    assert list(Event.objects.get(kind="register.changed").detail) == ["expires_on"]


def test_an_update_empties_what_is_empty_in_the_file_except_the_owner(maintainer: Client) -> None:
    entry = make_entry("Key", notes="Old", expires_on=date(2027, 1, 1))
    before = entry.owner
    upload(maintainer, f"{HEADER}Key,pat,,,,\n", on_existing="update")
    start(maintainer)
    entry.refresh_from_db()
    assert (entry.notes, entry.expires_on, entry.owner) == ("", None, before)


def test_a_contact_gets_one_mail_about_all_that_an_import_renews(maintainer: Client) -> None:
    for name in ("Key", "Cert", "Same"):
        entry = make_entry(name, expires_on=date(2026, 12, 1))
        entry.consumers.create(name=f"Job of {name}", contact="ops@example.com")
    days = {"Key": "2027-01-01", "Cert": "2027-02-01", "Same": "2026-12-01"}
    rows = "".join(f"{name},pat,,{day},Job of {name} ops@example.com,\n" for name, day in days.items())
    upload(maintainer, HEADER + rows, on_existing="update")
    start(maintainer)
    mail = Mail.objects.get()
    assert mail.subject.endswith("2 credentials were renewed")
    assert "“Cert” was renewed and now expires on 1 February 2027. Used by Job of Cert" in mail.text
    assert "Job of Same" not in mail.text


def begin_renewing(maya: User, contacts: dict[str, str]) -> RegisterImport:
    """An import that is confirmed, and renews these entries, which are used by what has these contacts."""
    for name, contact in contacts.items():
        make_entry(name, expires_on=date(2026, 12, 1)).consumers.create(name="Job", contact=contact)
    rows = "".join(f"{name},pat,,2027-01-01,Job {contact},\n" for name, contact in contacts.items())
    chosen = ImportOptions(maya, on_existing="update")
    started = register_imports.begin((HEADER + rows).encode(), "f.csv", chosen, by=Actor("Maya"), now=NOW)
    register_imports.work(started.pk, clock=lambda: NOW)
    return register_imports.start(started.pk, by=Actor("Maya"), now=NOW)


def test_a_contact_who_was_deactivated_gets_no_mail_about_an_import(maya: User) -> None:
    make_person("ben", email="Ben@example.com", is_active=False)
    begin_renewing(maya, {"One": "ben@example.com", "Two": "olga@example.com"})
    register_imports.work_due(clock=lambda: NOW)
    assert [mail.recipient for mail in Mail.objects.all()] == ["olga@example.com"]


def test_an_import_of_several_batches_writes_one_mail_to_a_contact(maya: User) -> None:
    count = register_imports.BATCH + 1
    started = begin_renewing(maya, {f"Key {number}": "Ops@example.com" for number in range(count)})
    register_imports.work(started.pk, clock=lambda: NOW)
    mail = Mail.objects.get()
    assert mail.subject.endswith(f"{count} credentials were renewed")
    assert f"and {count - consumer_mail.MOST_ROWS} more" in mail.text


def test_mails_that_an_interrupted_import_wrote_are_not_written_again(
    maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = begin_renewing(maya, {"One": "a@example.com", "Two": "b@example.com", "Three": "c@example.com"})
    monkeypatch.setattr(register_import_mails, "_AT_ONCE", 1)
    write = consumer_mail.import_renewed

    def die_at_the_second(contact: str, entry_ids: Sequence[int], *, now: datetime) -> int:
        if contact == "b@example.com":
            raise KeyboardInterrupt
        return write(contact, entry_ids, now=now)

    with patch.object(consumer_mail, "import_renewed", die_at_the_second), pytest.raises(KeyboardInterrupt):
        register_imports.work(started.pk, clock=lambda: NOW)
    assert register_imports.work_due(clock=lambda: NOW + timedelta(minutes=5)) == 1
    recipients = Mail.objects.order_by("pk").values_list("recipient", flat=True)
    assert list(recipients) == ["a@example.com", "b@example.com", "c@example.com"]
    started.refresh_from_db()
    assert (started.state, started.notified_to) == ("done", "")


def test_no_mail_says_that_an_entry_was_renewed_whose_date_was_removed_in_the_meantime(
    maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = begin_renewing(maya, {"One": "a@example.com"})
    store = register_import_rows.store

    def store_then_remove(current: RegisterImport, batch: ImportBatch, *, now: datetime, one_by_one: bool) -> None:
        store(current, batch, now=now, one_by_one=one_by_one)
        RegisterEntry.objects.update(expires_on=None)

    monkeypatch.setattr(register_import_rows, "store", store_then_remove)
    register_imports.work(started.pk, clock=lambda: NOW)
    started.refresh_from_db()
    assert (started.state, Mail.objects.count()) == ("done", 0)


def test_a_line_whose_owner_was_removed_in_the_meantime_says_so(maintainer: Client) -> None:
    leaving = make_person("leaving")
    upload(maintainer, f"{HEADER}Key,pat,leaving,,,\nNew,pat,,,,\n")
    User.objects.filter(pk=leaving.pk).delete()
    page = start(maintainer)
    assert errors_in(page) == [("2", "owner")]
    assert "The owner was removed or deactivated in the meantime." in page


def test_no_entry_is_imported_for_an_owner_who_was_deactivated_in_the_meantime(maintainer: Client) -> None:
    leaving = make_person("leaving")
    upload(maintainer, f"{HEADER}Key,pat,leaving,,,\nNew,pat,,,,\n")
    User.objects.filter(pk=leaving.pk).update(is_active=False)
    assert errors_in(start(maintainer)) == [("2", "owner")]
    assert RegisterEntry.objects.get().name == "New"


def test_an_import_is_discarded(maintainer: Client) -> None:
    upload(maintainer, f"{HEADER}Key,pat,,,,\n")
    pk = RegisterImport.objects.get().pk
    maintainer.post(reverse("connections:discard-register-import", args=[pk]))
    assert not RegisterImport.objects.exists()
    assert maintainer.get(reverse("connections:register-import", args=[pk])).status_code == 404


def test_an_import_of_someone_else_is_not_shown(maintainer: Client) -> None:
    upload(maintainer, f"{HEADER}Key,pat,,,,\n")
    RegisterImport.objects.update(person=make_person("olga"))
    pk = RegisterImport.objects.get().pk
    assert maintainer.get(reverse("connections:register-import", args=[pk])).status_code == 404


def test_a_file_that_is_none_says_so_at_the_field(maintainer: Client) -> None:
    assert "There is no column “kind”" in upload(maintainer, "name\na\n")
    assert not RegisterImport.objects.exists()


def lines(count: int) -> bytes:
    rows = "".join(f"Key {number},pat,,2027-01-01,Shop,\n" for number in range(count))
    return (HEADER + rows).encode()


def test_a_long_file_is_checked_and_imported_by_the_worker_with_progress(maintainer: Client) -> None:
    page = upload(maintainer, lines(register_imports.AT_ONCE + 1).decode())
    assert "of <strong>1,001</strong> lines" in page
    assert 'hx-trigger="every 2s"' in page
    tasks.import_register()
    waiting = RegisterImport.objects.get()
    assert (waiting.state, waiting.to_add) == ("ready", 1001)
    start(maintainer)
    tasks.import_register()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.added, RegisterEntry.objects.count()) == ("done", 1001, 1001)


def test_an_interrupted_import_continues_where_it_was(maya: User) -> None:
    by = Actor("Maya", maya.pk)
    started = register_imports.begin(lines(1200), "f.csv", ImportOptions(maya), by=by, now=NOW)
    register_imports.work(started.pk, clock=lambda: NOW)
    register_imports.start(started.pk, by=by, now=NOW)
    done = []

    original = register_import_rows.store

    def die_in_the_second(current: RegisterImport, batch: ImportBatch, *, now: datetime, one_by_one: bool) -> None:
        done.append(batch.number)
        if len(done) == 2:
            raise KeyboardInterrupt
        original(current, batch, now=now, one_by_one=one_by_one)

    with patch.object(register_import_rows, "store", die_in_the_second), pytest.raises(KeyboardInterrupt):
        register_imports.work(started.pk, clock=lambda: NOW)
    assert RegisterEntry.objects.count() == register_imports.BATCH
    # The lease of the worker that died has to expire first.
    assert register_imports.work_due(clock=lambda: NOW + timedelta(seconds=1)) == 0
    assert register_imports.work_due(clock=lambda: NOW + timedelta(minutes=5)) == 1
    assert RegisterEntry.objects.count() == 1200
    assert Event.objects.filter(kind="register.imported").count() == 1


def test_what_someone_added_in_the_meantime_is_an_error_of_its_line(maya: User) -> None:
    by = Actor("Maya", maya.pk)
    started = register_imports.begin(lines(2), "f.csv", ImportOptions(maya), by=by, now=NOW)
    register_imports.work(started.pk, clock=lambda: NOW)
    make_entry("key 1")
    register_imports.start(started.pk, by=by, now=NOW)
    register_imports.work(started.pk, clock=lambda: NOW)
    started.refresh_from_db()
    assert (started.added, started.errors) == (1, 1)
    assert RegisterEntry.objects.count() == 2


def test_names_that_the_database_takes_for_the_same_are_an_error_of_the_later_line(maya: User) -> None:
    by = Actor("Maya", maya.pk)
    started = register_imports.begin(lines(3), "f.csv", ImportOptions(maya), by=by, now=NOW)
    register_imports.work(started.pk, clock=lambda: NOW)
    batch = started.batches.get()
    # As a database does that folds more letters than Python.
    batch.rows[1][1]["name"] = batch.rows[0][1]["name"]
    batch.save()
    register_imports.start(started.pk, by=by, now=NOW)
    assert register_imports.work_due(clock=lambda: NOW) == 1
    started.refresh_from_db()
    assert (started.state, started.added, started.errors) == ("done", 2, 1)
    assert Event.objects.filter(kind="register.added").count() == 2


def test_one_name_in_two_forms_of_unicode_is_there_twice(maintainer: Client) -> None:
    page = upload(maintainer, "name,kind\nM\u00fcller,pat\nMu\u0308ller,pat\n")
    assert errors_in(page) == [("3", "name")]


def test_a_name_with_more_white_space_is_known_before_the_import(maintainer: Client) -> None:
    make_entry("Shop key")
    assert errors_in(upload(maintainer, "name,kind\n Shop  key ,pat\n")) == [("2", "name")]


def test_no_part_of_a_secret_above_a_column_is_kept(maintainer: Client) -> None:
    secret = made_up_token().reveal()
    page = upload(maintainer, f"name,kind,{secret}\nKey,pat,x\n")
    assert secret[:20] not in page
    assert secret[:20] not in str(RegisterImport.objects.get().unread_columns)


def test_an_import_is_forgotten_after_a_day(maya: User) -> None:
    register_imports.begin(lines(2), "f.csv", ImportOptions(maya), by=Actor("Maya"), now=NOW)
    register_imports.forget_old(now=NOW + timedelta(hours=23))
    assert RegisterImport.objects.count() == 1
    register_imports.forget_old(now=NOW + timedelta(hours=25))
    assert not ImportBatch.objects.exists()
