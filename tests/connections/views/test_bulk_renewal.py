"""The pages for renewing several connections in one sign-in."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.actions import bulk_renew
from connections.domain.renewal import State
from connections.models import BulkRenewal, Connection, Renewal, StoredCredential
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, sent_back
from tests.connections.views.test_renewal import BACK, to_microsoft
from tests.factories import make_bulk_renewal

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db
START = "/code-repositories/bulk-renewals/start/"
RENEWALS = "/code-repositories/renewals/"


@pytest.fixture
def several(connected: Connected) -> list[Connection]:
    return [connected("Acme main"), connected("Acme releases", token="full-again")]


def ids(connections: list[Connection]) -> dict[str, list[int]]:
    return {"connection": [connection.pk for connection in connections]}


def page_after(pages: Client, connections: list[Connection]) -> str:
    """The page to which the person returns."""
    address = to_microsoft(pages, START, {"days": "60", **ids(connections)})
    answer = pages.get(BACK, sent_back(address))
    assert answer.headers["Location"] == BulkRenewal.objects.latest("pk").get_absolute_url()
    return pages.get(answer.headers["Location"]).content.decode()


def test_bulk_rotation_offers_it(pages: Client, several: list[Connection], renewing: Renewing) -> None:
    Connection.objects.update(expires_on=timezone.localdate())
    page = pages.get(reverse("connections:rotation")).content.decode()
    assert f'formaction="{START}"' in page
    assert "Renew all by signing in" in page


def test_without_an_application_it_is_not_offered(pages: Client, several: list[Connection]) -> None:
    Connection.objects.update(expires_on=timezone.localdate())
    assert START not in pages.get(reverse("connections:rotation")).content.decode()
    page = pages.get(START, ids(several)).content.decode()
    assert "Renewing is not set up for this server" in page
    assert "Sign in at Microsoft and renew" not in page


def test_it_is_not_offered_for_client_secrets_alone(
    pages: Client, several: list[Connection], renewing: Renewing
) -> None:
    Connection.objects.update(expires_on=timezone.localdate())
    StoredCredential.objects.update(kind=EntraClientSecret.kind)
    assert START not in pages.get(reverse("connections:rotation")).content.decode()


def test_it_says_who_signs_in_for_which_connections(
    pages: Client, several: list[Connection], connected: Connected, renewing: Renewing
) -> None:
    page = pages.get(START, ids([*several, connected("Of Noor", token="full-colleague")])).content.decode()
    assert "2 connections of Maya Sample" in page
    assert "1 connection of Noor" in page
    assert "Code: Read, write, &amp; manage" in page


def test_what_can_not_be_renewed_is_named_with_the_reason(
    pages: Client, several: list[Connection], renewing: Renewing
) -> None:
    first = renewing.renew(several[0])
    Renewal.objects.filter(pk=first.pk).update(state=State.CREATED)
    page = pages.get(START, ids(several)).content.decode()
    assert "1 connection of Maya Sample" in page
    assert "A renewal of this connection is in progress. Open it from the page of the connection" in page


def test_nothing_ticked_is_said(pages: Client, renewing: Renewing) -> None:
    assert "Choose at least one connection" in pages.get(START, follow=True).content.decode()


@pytest.mark.parametrize("days", ["", "0", "1000", "many"])
def test_days_that_can_not_be_are_refused(
    pages: Client, several: list[Connection], renewing: Renewing, days: str
) -> None:
    page = pages.post(START, {"days": days, **ids(several)}).content.decode()
    assert "errorlist" in page
    assert not BulkRenewal.objects.exists()


def test_the_result_lists_each_with_its_state_and_next_step(
    pages: Client, several: list[Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("pat_error", method="POST", code="invalidScope", times=1)
    page = page_after(pages, several)
    assert "1 of 2 renewed" in page
    assert 'data-problem="pat_scope_invalid"' in page
    assert "<code>invalidScope</code>" in page
    assert 'data-state="failed"' in page
    assert 'data-state="swapped"' in page
    assert "Choose which token was the old one" in page
    for renewal in Renewal.objects.all():
        assert f'href="{renewal.get_absolute_url()}"' in page


def test_a_connection_that_could_not_start_can_be_renewed_alone(
    pages: Client, several: list[Connection], renewing: Renewing
) -> None:
    address = to_microsoft(pages, START, {"days": "60", **ids(several)})
    Connection.objects.filter(pk=several[0].pk).update(identity_id="00000000-0000-4000-8000-000000000000")
    page = pages.get(BACK, sent_back(address), follow=True).content.decode()
    assert 'data-problem="another_person_signed_in"' in page
    assert f'href="{reverse("connections:renew", args=[several[0].pk])}"' in page


def test_who_declines_can_continue_from_the_page_of_what_was_wanted(
    pages: Client, several: list[Connection], renewing: Renewing
) -> None:
    address = to_microsoft(pages, START, {"days": "60", **ids(several)})
    page = pages.get(BACK, sent_back(address, decline="1"), follow=True).content.decode()
    assert "You declined" in page
    assert "0 of 2 renewed" in page
    assert "Sign in again and continue" in page


def test_what_was_not_started_is_continued(
    pages: Client, several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_renew, "_SECONDS", 0.0)
    page = page_after(pages, several)
    bulk = BulkRenewal.objects.get()
    assert "Sign in again and continue" in page
    note = pages.get(reverse("connections:renewals")).content.decode()
    assert f'href="{bulk.get_absolute_url()}"' in note
    pages.get(BACK, sent_back(to_microsoft(pages, bulk.get_absolute_url(), {})))
    page = pages.get(bulk.get_absolute_url()).content.decode()
    assert "2 of 2 renewed" in page
    assert "Sign in again and continue" not in page


def test_what_can_not_be_tested_any_more_waits(
    pages: Client,
    several: list[Connection],
    connected: Connected,
    renewing: Renewing,
    sandbox: Sandbox,
    settings: Settings,
) -> None:
    address = to_microsoft(pages, START, {"days": "60", **ids([*several, connected("Acme nightly")])})
    settings.TESTS_PER_PERSON = 1
    page = pages.get(BACK, sent_back(address), follow=True).content.decode()
    assert states_on(page) == ["swapped", "waits", "waits"]
    assert 'data-problem="renewal_too_many_tests"' in page
    assert "Wait a few minutes, then sign in again." in page
    assert Renewal.objects.count() == 1
    assert len([token for token in sandbox.state.tokens.values() if "(renewal " in token.name]) == 1
    assert f'href="{BulkRenewal.objects.get().get_absolute_url()}"' in pages.get(RENEWALS).content.decode()
    settings.TESTS_PER_PERSON = 0
    again = to_microsoft(pages, BulkRenewal.objects.get().get_absolute_url(), {})
    page = pages.get(BACK, sent_back(again), follow=True).content.decode()
    assert states_on(page) == ["swapped", "swapped", "swapped"]


def states_on(page: str) -> list[str]:
    return re.findall(r'<tr data-state="([^"]*)"', page)


def test_what_failed_because_of_a_mistake_of_ours_says_so_and_can_be_tried_again(
    pages: Client, several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr("connections.actions.bulk_renew.renew", breaking)
    page = page_after(pages, several)
    assert states_on(page) == ["refused", "refused"]
    assert "The renewal did not start because of an unexpected error" in page
    assert "who finds the error in the log" in page
    assert "Sign in again and continue" in page


def test_when_nothing_is_left_the_button_says_so(pages: Client, several: list[Connection], renewing: Renewing) -> None:
    bulk = renewing.renew_bulk(*several)
    page = pages.post(bulk.get_absolute_url(), follow=True).content.decode()
    assert "Another request has moved this renewal on" in page


def queries(pages: Client, address: str, query: dict[str, list[int]] | None = None) -> int:
    with CaptureQueriesContext(database) as captured:
        assert pages.get(address, query).status_code == 200
    return len(captured)


def test_more_connections_take_no_more_queries(
    pages: Client, several: list[Connection], connected: Connected, renewing: Renewing
) -> None:
    more = [*several, *(connected(f"Another {number}") for number in range(3))]
    pages.get(START, ids(more))
    assert queries(pages, START, ids(more)) == queries(pages, START, ids(several))
    few, many = make_bulk_renewal(*several), make_bulk_renewal(*more)
    assert queries(pages, few.get_absolute_url()) == queries(pages, many.get_absolute_url())


def test_the_page_of_one_that_is_gone_is_not_found(pages: Client) -> None:
    assert pages.get(reverse("connections:bulk-renewal", args=[99999])).status_code == 404


def test_a_renewal_of_long_ago_stays_readable_after_its_connection_is_gone(
    pages: Client, several: list[Connection], renewing: Renewing
) -> None:
    bulk = renewing.renew_bulk(*several)
    renewing.ahead = timedelta(days=1)
    several[0].delete()
    assert "Acme main" in pages.get(bulk.get_absolute_url()).content.decode()


def test_the_renewal_of_one_is_called_so(pages: Client, several: list[Connection]) -> None:
    page = pages.get(make_bulk_renewal(several[0]).get_absolute_url()).text
    assert "<title>Renewal of 1 connection ·" in page


def test_renewals_and_the_import_are_in_reach_while_nothing_expires_soon(
    pages: Client, several: list[Connection], renewing: Renewing
) -> None:
    Connection.objects.update(expires_on=None)
    page = pages.get(reverse("connections:rotation")).text
    assert "Nothing expires within 30 days" in page
    assert f'href="{RENEWALS}"' in page
    assert f'href="{reverse("connections:token-import")}"' in page
