"""The date of a client secret is read from Microsoft Graph: when it is connected, tested, replaced, and daily."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import declare_leak
from connections.actions.audit import audit
from connections.actions.edit import Changes, edit
from connections.actions.enforce_policy import set_token_policy
from connections.actions.refusals import CannotConnect
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, ProbeResult, StoredCredential
from connections.providers.azure_devops.access_tokens import TOKENS
from history.models import Event
from history.record import SCHEDULER, Actor
from sandbox.entra.directory import ClientSecret
from sandbox.entra.issuer import Issuer
from tests.connections.applications import certificate_of, connected, credential_of, fields_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cold() -> None:
    """As in a process that has just started."""
    TOKENS.forget()


def dated(entra: Issuer, owner: User) -> Connection:
    return connected(entra, owner, credential=credential_of(entra, "dated"))


def true_day(entra: Issuer, name: str = "dated") -> date:
    expires_at = entra.directory.named(name).secrets[0].expires_at
    assert expires_at is not None
    return expires_at.date()


def audited(connection: Connection, *, days: int = 0, interactive: bool = False) -> Connection:
    audit(connection, by=SCHEDULER, now=timezone.now() + timedelta(days=days), interactive=interactive)
    connection.refresh_from_db()
    return connection


def asked(entra: Issuer) -> int:
    """How often Microsoft Graph was asked."""
    return sum(seen.path.startswith("/v1.0/") for seen in entra.requests)


def test_connecting_takes_the_date_that_is_read(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = dated(entra, maintainer)
    assert (connection.expires_on, connection.is_date_read) == (true_day(entra), True)
    assert "read from Microsoft Graph" in pages.get(connection.get_absolute_url()).text


def test_the_test_shows_it_and_connecting_reads_it_no_second_time(entra: Issuer, pages: Client) -> None:
    entered = fields_of(entra, "dated", expires="unknown")
    tested = pages.post(reverse("connections:test-new"), entered).text
    assert "Read from Microsoft Graph." in tested
    assert ProbeResult.objects.get().report["date"]["day"] == true_day(entra).isoformat()
    key = tested.split('name="verification_key" value="')[1].split('"')[0]
    pages.post(reverse("connections:add-azure-devops"), entered | {"verification_key": key})
    assert Connection.objects.get().expires_on == true_day(entra)
    assert asked(entra) == 1


def test_without_the_permission_it_stays_as_entered_and_the_page_says_why(
    entra: Issuer, maintainer: User, pages: Client
) -> None:
    connection = connected(entra, maintainer)
    Connection.objects.update(expires_on=timezone.localdate() + timedelta(days=90))
    page = pages.get(connection.get_absolute_url()).text
    assert "as entered" in page
    assert 'data-date-unread="not_permitted"' in page
    assert "Application.Read.All" in page
    assert audited(connection).health == "healthy"


def test_a_permission_that_is_given_later_is_found_within_a_day(entra: Issuer, maintainer: User) -> None:
    connection = connected(entra, maintainer)
    entra.directory.named("full").may_read_applications = True
    assert audited(connection).expires_on is None
    assert audited(connection, days=1).expires_on == true_day(entra, "full")
    [event] = Event.objects.filter(kind="connection.tested").exclude(detail__expires_on=None)
    assert event.detail["expires_on"] == true_day(entra, "full").isoformat()


def test_audits_ask_once_a_day_and_a_person_each_time(entra: Issuer, maintainer: User) -> None:
    connection = dated(entra, maintainer)
    for _ in range(3):
        audited(connection)
    assert asked(entra) == 1
    audited(connection, days=1)
    assert asked(entra) == 2
    audited(connection, interactive=True)
    assert asked(entra) == 3


def test_an_outage_changes_neither_date_nor_health(entra: Issuer, maintainer: User) -> None:
    connection = dated(entra, maintainer)
    entra.behaviour.add("close", path="/v1.0/")
    audited(connection, days=1)
    assert (connection.expires_on, connection.is_date_read) == (true_day(entra), True)
    assert (connection.health, connection.problem) == ("healthy", "")


def test_a_new_secret_has_its_own_date(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = dated(entra, maintainer)
    new = entra.add_secret("dated")
    entra.directory.named("dated").secrets[-1].expires_at = timezone.now() + timedelta(days=500)
    address = reverse("connections:update-token", args=[connection.pk])
    version = pages.get(address).text.split('name="version" value="')[1].split('"')[0]
    pages.post(address, {"token": new, "expires": "90", "version": version})
    connection.refresh_from_db()
    assert connection.expires_on == (timezone.now() + timedelta(days=500)).date()
    assert connection.is_date_read


def test_what_is_read_is_not_entered(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = dated(entra, maintainer)
    page = pages.get(reverse("connections:edit", args=[connection.pk])).text
    assert "The expiry date is read from Microsoft Graph." in page
    assert 'name="expires_on"' not in page


def test_an_edit_leaves_a_date_that_was_read_in_the_meantime(entra: Issuer, maintainer: User) -> None:
    connection = dated(entra, maintainer)
    later = true_day(entra) + timedelta(days=30)
    Connection.objects.filter(pk=connection.pk).update(expires_on=later, expires_read_on=later)
    changes = Changes("Another name", None, connection.token_reach, None)
    edit(connection, changes, by=Actor("test"), now=timezone.now())
    connection.refresh_from_db()
    assert (connection.name, connection.expires_on) == ("Another name", later)


def test_several_possible_dates_are_shown(entra: Issuer, maintainer: User, pages: Client) -> None:
    first = entra.directory.named("dated").secrets[0]
    other = ClientSecret(first.value[:3] + "y" * 37, timezone.now() + timedelta(days=300), name="Pipelines")
    entra.directory.named("dated").secrets.append(other)
    tested = pages.post(reverse("connections:test-new"), fields_of(entra, "dated")).text
    assert "Several secrets begin like this one" in tested
    assert "Pipelines until" in tested
    connection = dated(entra, maintainer)
    assert connection.expires_on is None
    assert "Pipelines, until" in pages.get(connection.get_absolute_url()).text


def test_the_token_policy_applies_to_the_date_that_is_read(entra: Issuer, maintainer: User) -> None:
    policy = TokenPolicy(longest_life=Rule.REFUSE, longest_life_days=30)
    set_token_policy(policy, by=Actor("Ann"), now=timezone.now())
    with pytest.raises(CannotConnect) as refused:
        dated(entra, maintainer)
    assert refused.value.code == "life_too_long"
    assert not StoredCredential.objects.exists()


def test_nothing_is_asked_about_a_certificate(entra: Issuer, maintainer: User) -> None:
    connected(entra, maintainer, credential=certificate_of(entra))
    assert asked(entra) == 0


def test_a_leaked_secret_is_not_sent_for_its_date(entra: Issuer, maintainer: User) -> None:
    connection = dated(entra, maintainer)
    key = declare_leak.find_stored(connection).key
    declare_leak.declare_leak(key, by=Actor("Ann"), now=timezone.now())
    audited(connection, days=1)
    assert asked(entra) == 1
