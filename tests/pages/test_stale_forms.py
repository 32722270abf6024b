"""A form drawn before somebody else's change undoes nothing: it shows both values and saves when asked again."""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import versions
from connections.actions.disconnect import set_disabled
from connections.actions.refusals import ConnectionGone
from connections.actions.transfer_ownership import transfer_ownership
from connections.domain import form_versions
from connections.domain.form_versions import FieldState
from connections.domain.token_policy import TokenPolicy
from connections.models import Connection, StoredCredential, StoredTokenPolicy
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory

Connected = Callable[..., Connection]
ANN = Actor("ann")
OLD, NEW = date.today() + timedelta(days=20), date.today() + timedelta(days=80)  # noqa: DTZ011 - days that people type


def version_in(page: str, name: str = "version") -> str:
    """What the first form of a page carries."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def shown(client: Client, name: str, connection: Connection) -> str:
    return client.get(reverse(f"connections:{name}", args=[connection.pk])).content.decode()


def sent(client: Client, name: str, connection: Connection, /, **fields: str) -> str:
    address = reverse(f"connections:{name}", args=[connection.pk])
    return client.post(address, fields, follow=True).content.decode()


def rotated_meanwhile(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(expires_on=NEW, token_set_at=timezone.now())


@pytest.fixture
def stored(sandbox: object, maintainer: User) -> Connection:
    return ConnectionFactory.create(name="Acme", server="Gone", expires_on=OLD, token_reach="one", owner=maintainer)


def edited(**fields: str) -> dict[str, str]:
    usual = {"name": "Acme", "expires": "date", "expires_on": OLD.isoformat(), "projects_mode": "all"}
    return usual | {"token_reach": "one", "extra_recipients": ""} | fields


def test_an_edit_drawn_before_a_rotation_saves_nothing_and_shows_both_dates(pages: Client, stored: Connection) -> None:
    version = version_in(shown(pages, "edit", stored))
    rotated_meanwhile(stored)
    page = sent(pages, "edit", stored, **edited(name="Renamed"), version=version)
    stored.refresh_from_db()
    assert (stored.name, stored.expires_on) == ("Acme", NEW)
    assert "Changed since you opened the page" in page
    assert f"{OLD:%-d %B %Y}" in page
    assert f"{NEW:%-d %B %Y}" in page
    assert 'value="Renamed"' in page
    # What the person had not touched is as it is now, so that saving once more undoes nothing.
    assert f'value="{NEW.isoformat()}"' in page


def test_a_person_who_saw_both_values_saves_their_own(pages: Client, stored: Connection) -> None:
    version = version_in(shown(pages, "edit", stored))
    rotated_meanwhile(stored)
    page = sent(pages, "edit", stored, **edited(name="Renamed"), version=version)
    sent(pages, "edit", stored, **edited(name="Renamed"), version=version_in(page))
    stored.refresh_from_db()
    assert (stored.name, stored.expires_on) == ("Renamed", OLD)


@pytest.mark.parametrize("version", ["", "nonsense", "name-0000.expires_on-1111"])
def test_an_edit_without_a_version_of_ours_saves_nothing(pages: Client, stored: Connection, version: str) -> None:
    page = sent(pages, "edit", stored, **edited(name="Renamed"), version=version)
    assert "Changed since you opened the page" in page
    assert Connection.objects.get().name == "Acme"


def test_projects_chosen_meanwhile_are_not_undone(pages: Client, stored: Connection) -> None:
    version = version_in(shown(pages, "edit", stored))
    Connection.objects.update(all_projects=False)
    stored.chosen_projects.create(project_id="p1", name="Payments API")
    page = sent(pages, "edit", stored, **edited(name="Renamed"), version=version)
    assert "Payments API" in page
    assert stored.chosen_projects.count() == 1


def test_the_same_change_by_two_people_is_no_conflict(pages: Client, stored: Connection) -> None:
    version = version_in(shown(pages, "edit", stored))
    sent(pages, "edit", stored, **edited(name="Renamed"))
    assert "Nothing was changed" in sent(pages, "edit", stored, **edited(name="Renamed"), version=version)


def test_audits_meanwhile_are_no_conflict(pages: Client, stored: Connection) -> None:
    version = version_in(shown(pages, "edit", stored))
    Connection.objects.update(health="limited", checked_at=timezone.now(), consecutive_failures=2)
    sent(pages, "edit", stored, **edited(name="Renamed"), version=version)
    assert Connection.objects.get().name == "Renamed"


def test_extended_from_an_old_page_does_not_undo_a_rotation(pages: Client, connected: Connected) -> None:
    connection = connected()
    page = shown(pages, "update-token", connection)
    version = re.findall(r'name="version" value="([^"]*)"', page)[1]
    rotated_meanwhile(connection)
    fields = {"same-expires": "date", "same-expires_on": OLD.isoformat()}
    page = sent(pages, "extend-token", connection, **fields, version=version)
    assert Connection.objects.get().expires_on == NEW
    assert f"{OLD:%-d %B %Y}" in page
    assert f"{NEW:%-d %B %Y}" in page
    version = re.findall(r'name="version" value="([^"]*)"', page)[1]
    sent(pages, "extend-token", connection, **fields, version=version)
    assert Connection.objects.get().expires_on == OLD


def test_a_new_token_from_an_old_page_replaces_no_newer_one(
    pages: Client, connected: Connected, token_of: Callable[[str], str]
) -> None:
    connection = connected()
    version = version_in(shown(pages, "update-token", connection))
    rotated_meanwhile(connection)
    fields = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"}
    page = sent(pages, "update-token", connection, **fields, version=version)
    assert "Changed since you opened the page" in page
    assert connection.stored_credential.reveal().reveal() == token_of("full")
    assert token_of("full-again") not in page
    assert "Token updated" in sent(pages, "update-token", connection, **fields, version=version_in(page))


def test_a_test_of_the_new_token_keeps_the_version_that_was_drawn(
    pages: Client, connected: Connected, token_of: Callable[[str], str]
) -> None:
    connection = connected()
    version = version_in(shown(pages, "update-token", connection))
    rotated_meanwhile(connection)
    page = sent(pages, "test-replacement", connection, token=token_of("full-again"), version=version)
    assert version_in(page) == version


def test_a_bulk_rotation_replaces_no_newer_token(
    pages: Client, connected: Connected, token_of: Callable[[str], str]
) -> None:
    one, two = connected("One"), connected("Two")
    address = f"{reverse('connections:rotation-step')}?at=1&steps={one.pk}.{two.pk}"
    page = pages.get(address).content.decode()
    drawn = {name: version_in(page, name) for name in (f"version-{one.pk}", f"version-{two.pk}")}
    rotated_meanwhile(two)
    fields = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"}
    page = pages.post(address, drawn | fields).content.decode()
    assert 'data-result="changed_meanwhile"' in page
    kept = {token.connection_id: token.reveal().reveal() for token in StoredCredential.objects.all()}
    assert kept == {one.pk: token_of("full-again"), two.pk: token_of("full")}
    assert version_in(page, f"version-{two.pk}") != drawn[f"version-{two.pk}"]


@pytest.mark.parametrize(("name", "before"), [("disable", False), ("enable", True)])
def test_a_button_from_before_a_rotation_asks_again(
    pages: Client, stored: Connection, name: str, *, before: bool
) -> None:
    Connection.objects.update(disabled=before)
    page = pages.get(stored.get_absolute_url()).content.decode()
    version = re.findall(r'name="version" value="([^"]*)"', page)[-1]
    rotated_meanwhile(stored)
    page = sent(pages, name, stored, version=version)
    assert "anyway</button>" in page
    assert Connection.objects.get().disabled is before
    sent(pages, name, stored, version=version_in(page))
    assert Connection.objects.get().disabled is not before


def test_the_star_is_not_taken_from_a_connection_that_got_it_meanwhile(pages: Client, stored: Connection) -> None:
    version = version_in(pages.get(stored.get_absolute_url()).content.decode())
    ConnectionFactory.create(name="Other", is_default=True)
    page = sent(pages, "default", stored, version=version)
    assert "Other" in page
    assert Connection.objects.get(is_default=True).name == "Other"
    sent(pages, "default", stored, version=version_in(page))
    assert Connection.objects.get(is_default=True).name == "Acme"


def test_a_disconnect_from_before_a_rotation_asks_again(pages: Client, stored: Connection) -> None:
    version = version_in(shown(pages, "disconnect", stored))
    rotated_meanwhile(stored)
    page = sent(pages, "disconnect", stored, confirm_name="Acme", version=version)
    assert "Changed since you opened the page" in page
    assert Connection.objects.exists()
    sent(pages, "disconnect", stored, confirm_name="Acme", version=version_in(page))
    assert not Connection.objects.exists()


def test_a_token_policy_that_changed_meanwhile_stays(admin_client: Client) -> None:
    address = reverse("connections:token-policy")
    version = version_in(admin_client.get(address).content.decode())
    StoredTokenPolicy.objects.update_or_create(pk=1, defaults={**as_row(TokenPolicy()), "longest_life_days": 45})
    data = {"longest_life_days": "90", "longest_life": "warn", "reuse": "refuse", "missing_date": "allow"}
    change = reverse("connections:change-token-policy")
    page = admin_client.post(change, data | {"version": version}).content.decode()
    assert StoredTokenPolicy.now().longest_life_days == 45
    assert re.search(r'data-field="longest_life_days".*90.*45', page)
    admin_client.post(change, data | {"version": version_in(page)})
    assert StoredTokenPolicy.now().longest_life_days == 90


def as_row(policy: TokenPolicy) -> dict[str, object]:
    return {name: getattr(policy, name) for name in TokenPolicy.__dataclass_fields__}


def test_an_owner_who_changed_meanwhile_stays(stored: Connection, person: Callable[..., User]) -> None:
    stale = Connection.objects.select_related("owner").get()
    Connection.objects.update(owner=person("third"))
    outcome = transfer_ownership([stale], to=person("fourth"), by=ANN, now=timezone.now())
    assert (outcome.moved, outcome.changed_meanwhile) == (0, ("Acme",))
    assert Connection.objects.get().owner.username == "third"


def test_no_form_that_changes_a_connection_takes_a_post_without_a_version(stored: Connection, maintainer: User) -> None:
    client = Client()
    client.force_login(maintainer)
    fields = edited(name="Renamed") | {"confirm_name": "Acme", "same-expires": "unknown", "token": "x" * 84}
    for name in ("edit", "update-token", "extend-token", "disable", "default", "disconnect"):
        sent(client, name, stored, **fields)
    stored.refresh_from_db()
    assert (stored.name, stored.disabled, stored.is_default, stored.expires_on) == ("Acme", False, False, OLD)
    assert not Event.objects.exists()


# A connection that is disconnected while somebody changes it

SLOW = ("update-token", "test-replacement", "extend-token")
ACTS = (*SLOW, "edit", "test", "disable", "enable", "default", "disconnect")


@pytest.mark.parametrize("name", ACTS)
def test_a_connection_that_is_gone_is_a_refusal_with_its_code(
    pages: Client, stored: Connection, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = versions.version(stored, [*versions.EDIT, *versions.DISABLE, *versions.DISCONNECT, *versions.DEFAULT])
    held = versions.held_among

    def disconnected_first(connection_ids: Iterable[int]) -> dict[int, Connection]:
        ids = list(connection_ids)
        Connection.objects.filter(pk__in=ids).delete()
        return held(ids)

    monkeypatch.setattr(versions, "held_among", disconnected_first)
    fields = edited(name="Renamed") | {"confirm_name": "Acme", "token": "x" * 84}
    if name in SLOW:
        Connection.objects.all().delete()
    answer = pages.post(reverse(f"connections:{name}", args=[stored.pk]), fields | {"version": version})
    assert answer.status_code == 404
    assert "This connection was disconnected or never existed. Nothing was changed." in answer.content.decode()


def test_actions_refuse_what_is_gone_under_one_code(stored: Connection, person: Callable[..., User]) -> None:
    Connection.objects.all().delete()
    with pytest.raises(ConnectionGone) as refused:
        set_disabled(stored, disabled=True, by=ANN, now=timezone.now())
    assert refused.value.code == "connection_gone"
    assert transfer_ownership([stored], to=person("fourth"), by=ANN, now=timezone.now()).changed_meanwhile == ("Acme",)


def test_a_version_holds_digests_and_no_values(stored: Connection) -> None:
    Connection.objects.update(extra_recipients="team@example.com")
    stored.refresh_from_db()
    version = versions.version(stored, versions.EDIT)
    assert "example" not in version
    assert len(version) < form_versions.LONGEST
    assert form_versions.conflicts(version, ["name"], now={"name": FieldState("Name", "Acme", "Acme")}, yours={}) == ()
