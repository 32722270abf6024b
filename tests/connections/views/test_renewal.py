"""The pages for renewing a token: the form, the way to Microsoft and back, and the page of a renewal."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection as database
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.domain.renewal import State
from connections.models import Connection, Mail, Renewal
from connections.notifications.reminders import remind_due
from connections.views import renewal as views
from connections.views.renewal_words import problem_of
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of, sent_back
from tests.factories import make_renewal

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db
FORM = {"days": "60", "scopes": "same"}
BACK = "/code-repositories/renewals/back/"


@pytest.fixture
def connection(connected: Connected) -> Connection:
    return connected()


def to_microsoft(pages: Client, address: str, fields: dict[str, Any]) -> str:
    """The address at Microsoft that a page links to after a form was sent."""
    page = pages.post(address, fields).content.decode()
    found = re.search(r'href="(http://[^"]*/authorize\?[^"]*)"', page)
    assert found is not None, page
    return unescape(found.group(1))


def renew(pages: Client, connection: Connection) -> Renewal:
    address = to_microsoft(pages, reverse("connections:renew", args=[connection.pk]), FORM)
    answer = pages.get(BACK, sent_back(address))
    renewal = Renewal.objects.latest("pk")
    assert (answer.status_code, answer.headers["Location"]) == (302, renewal.get_absolute_url())
    return renewal


def page_of(pages: Client, renewal: Renewal) -> str:
    return pages.get(renewal.get_absolute_url()).content.decode()


def test_the_page_of_a_connection_offers_it(pages: Client, connection: Connection, renewing: Renewing) -> None:
    address = reverse("connections:renew", args=[connection.pk])
    assert f'href="{address}"' in pages.get(connection.get_absolute_url()).content.decode()
    assert f'href="{address}"' in pages.get(reverse("connections:update-token", args=[connection.pk])).content.decode()


def test_without_an_application_it_is_not_offered(
    pages: Client, connection: Connection, renewing: Renewing, settings: Settings
) -> None:
    settings.SANDBOX_TOKEN_RENEWAL = {}
    address = reverse("connections:renew", args=[connection.pk])
    assert address not in pages.get(connection.get_absolute_url()).content.decode()
    assert "Not available here" in pages.get(address).content.decode()
    assert "Renewing is not set up for this server" not in pages.get(address).content.decode()


def test_the_form_says_what_the_token_will_be(pages: Client, connection: Connection, renewing: Renewing) -> None:
    page = pages.get(reverse("connections:renew", args=[connection.pk])).content.decode()
    assert "Code: Read, write, &amp; manage" in page
    assert "Maya Sample" in page
    assert 'max="365"' in page or 'max="90"' in page


@pytest.mark.parametrize("days", ["", "0", "1000", "many"])
def test_days_that_can_not_be_are_refused(pages: Client, connection: Connection, renewing: Renewing, days: str) -> None:
    answer = pages.post(reverse("connections:renew", args=[connection.pk]), FORM | {"days": days})
    assert "errorlist" in answer.content.decode()


def test_with_javascript_the_form_leads_straight_to_microsoft(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    answer = pages.post(reverse("connections:renew", args=[connection.pk]), FORM, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith(f"{renewing.sandbox.url}/_entra/")


def test_the_code_is_in_no_address_afterwards(pages: Client, connection: Connection, renewing: Renewing) -> None:
    address = to_microsoft(pages, reverse("connections:renew", args=[connection.pk]), FORM)
    parameters = sent_back(address)
    answer = pages.get(BACK, parameters)
    assert "?" not in answer.headers["Location"]
    assert parameters["code"] not in pages.get(answer.headers["Location"]).content.decode()
    assert parameters["state"] not in repr(dict(pages.session.items()))


def test_someone_whose_session_ended_is_not_sent_on_with_the_code(client: Client, renewing: Renewing) -> None:
    answer = client.get(BACK, {"code": "a-code", "state": "a-state"})
    assert (answer.status_code, urlsplit(answer.headers["Location"]).query) == (302, "")


def test_the_server_keeps_the_code_in_none_of_its_addresses(rf: RequestFactory) -> None:
    request = rf.get(BACK, {"code": "a-code", "state": "a-state"}, RAW_URI=f"{BACK}?code=a-code")
    request.META["REQUEST_URI"] = f"{BACK}?code=a-code"
    request.user = AnonymousUser()
    views.finish_sign_in(request)
    assert "a-code" not in repr(request.META)
    assert request.META["RAW_URI"] == BACK


def test_who_declines_is_told_so(pages: Client, connection: Connection, renewing: Renewing) -> None:
    address = to_microsoft(pages, reverse("connections:renew", args=[connection.pk]), FORM)
    answer = pages.get(BACK, sent_back(address, decline="1"), follow=True)
    assert answer.redirect_chain == [(connection.get_absolute_url(), 302)]
    assert "You declined" in answer.content.decode()
    assert Renewal.objects.count() == 0


@pytest.mark.parametrize(("upn", "decline"), [("maya@example.com", {"decline": "1"}), ("noor@example.com", {})])
def test_a_failed_sign_in_for_what_is_pending_leads_back_to_its_renewal(
    pages: Client, connection: Connection, renewing: Renewing, upn: str, decline: dict[str, str]
) -> None:
    renewal = renew(pages, connection)
    address = to_microsoft(pages, renewal.get_absolute_url(), {"step": "sign-in"})
    answer = pages.get(BACK, sent_back(address, upn, **decline))
    assert answer.headers["Location"] == renewal.get_absolute_url()


def test_when_renewing_was_turned_off_meanwhile_the_person_returns_to_where_they_were(
    pages: Client, connection: Connection, renewing: Renewing, settings: Settings
) -> None:
    address = to_microsoft(pages, reverse("connections:renew", args=[connection.pk]), FORM)
    parameters = sent_back(address)
    settings.SANDBOX_TOKEN_RENEWAL = {}
    answer = pages.get(BACK, parameters, follow=True)
    assert answer.redirect_chain == [(connection.get_absolute_url(), 302)]
    assert "Renewing is not set up for this server" in answer.content.decode()


def test_an_address_that_was_made_up_does_nothing(pages: Client, connection: Connection, renewing: Renewing) -> None:
    page = pages.get(f"{BACK}?{urlencode({'code': 'x', 'state': 'y'})}", follow=True).content.decode()
    assert "The sign-in is no longer valid" in page


def test_the_whole_way_until_the_old_token_is_rejected(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox, settings: Settings
) -> None:
    settings.AZURE_DEVOPS_LIST_LIMIT = settings.AZURE_DEVOPS_TASK_TIMEOUT = settings.AZURE_DEVOPS_TEST_LIMIT = 0.0
    renewal = renew_at_once(pages, connection, settings)
    assert "Which of these was the token of this connection?" in page_of(pages, renewal)
    assert "read from Azure DevOps" in pages.get(connection.get_absolute_url()).content.decode()
    pages.post(renewal.get_absolute_url(), {"step": "pick", "entry": entry_of(sandbox, "full")})
    assert "No request uses the old token any more" in page_of(pages, renewal)
    address = to_microsoft(pages, renewal.get_absolute_url(), {"step": "sign-in"})
    settings.AZURE_DEVOPS_TEST_LIMIT = 20.0
    pages.get(BACK, sent_back(address))
    assert "Old token revoked" in page_of(pages, renewal)
    renewing.prove(renewal)
    assert 'data-state="proved"' in page_of(pages, renewal)
    assert "Renewed" in pages.get(reverse("connections:renewals")).content.decode()


def renew_at_once(pages: Client, connection: Connection, settings: Settings) -> Renewal:
    """Renew with the usual limits, as if the longest request had ended already."""
    settings.AZURE_DEVOPS_LIST_LIMIT = settings.AZURE_DEVOPS_TASK_TIMEOUT = settings.AZURE_DEVOPS_TEST_LIMIT = 20.0
    renewal = renew(pages, connection)
    Renewal.objects.filter(pk=renewal.pk).update(revoke_from=renewal.started_at)
    return renewal


def test_what_is_pending_is_on_the_page_of_the_connection(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    renewal = renew(pages, connection)
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert 'data-renewal="swapped"' in page
    assert f'href="{renewal.get_absolute_url()}"' in page


def test_it_says_until_when_requests_with_the_old_token_may_run(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewal = renew(pages, connection)
    pages.post(renewal.get_absolute_url(), {"step": "pick", "entry": entry_of(sandbox, "full")})
    assert "Requests that began with the old token can take until" in page_of(pages, renewal)


def test_it_names_the_connections_that_still_use_the_old_token(
    pages: Client, connection: Connection, renewing: Renewing, connected: Connected
) -> None:
    connected("Acme releases")
    assert "Acme releases" in page_of(pages, renew(pages, connection))


def queries_of(pages: Client, renewal: Renewal, words: str) -> int:
    """How many queries of the page contain these words."""
    with CaptureQueriesContext(database) as captured:
        page_of(pages, renewal)
    return sum(words in query["sql"] for query in captured.captured_queries)


def test_the_page_reads_once_who_uses_the_old_token(pages: Client, connection: Connection, renewing: Renewing) -> None:
    renewal = renew(pages, connection)
    assert queries_of(pages, renewal, renewal.old_fingerprint) == 1


def test_the_page_reads_once_whether_a_request_works_on_it(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    renewal = renew(pages, connection)
    Renewal.objects.filter(pk=renewal.pk).update(state=State.CREATING)
    assert queries_of(pages, renewal, '"leased_until" >') == 1


def test_the_picked_token_is_named_and_another_can_be_chosen(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewal = renew(pages, connection)
    pages.post(renewal.get_absolute_url(), {"step": "pick", "entry": entry_of(sandbox, "full")})
    page = page_of(pages, renewal)
    assert "The token <strong>full</strong> was chosen as the old one" in page
    assert 'id="pick"' not in page
    again = pages.get(renewal.get_absolute_url(), {"choose": "1"}).content.decode()
    assert f'value="{entry_of(sandbox, "full")}" required checked' in again
    assert 'hx-trigger="every' not in again


@pytest.mark.parametrize(("step", "state"), [("keep", State.KEPT), ("ask", State.SWAPPED), ("", State.SWAPPED)])
def test_each_button_does_what_it_says(
    pages: Client, connection: Connection, renewing: Renewing, step: str, state: State
) -> None:
    renewal = renew(pages, connection)
    assert pages.post(renewal.get_absolute_url(), {"step": step}).status_code == 302
    renewal.refresh_from_db()
    assert renewal.state == state


@pytest.mark.parametrize(("step", "state"), [("use", State.SWAPPED), ("discard", State.DISCARDED)])
def test_a_new_token_that_is_not_in_use_is_continued_or_discarded(
    pages: Client, connection: Connection, renewing: Renewing, sandbox: Sandbox, step: str, state: State
) -> None:
    sandbox.behaviour.add("status", path="/_apis/connectionData", status=503, after=1)
    renewal = renew(pages, connection)
    sandbox.behaviour.clear()
    page = page_of(pages, renewal)
    assert 'data-state="created"' in page
    assert 'data-problem="server_error"' in page
    pages.post(renewal.get_absolute_url(), {"step": step})
    renewal.refresh_from_db()
    assert renewal.state == state


@pytest.mark.parametrize(("accept", "state"), [({}, State.CREATED), ({"accept_less": "1"}, State.SWAPPED)])
def test_a_new_token_that_can_do_less_is_tested_again_or_used_anyway(
    pages: Client, connection: Connection, renewing: Renewing, accept: dict[str, str], state: State
) -> None:
    renewal = renew_with_less(renewing, connection)
    page = page_of(pages, renewal)
    assert 'data-problem="renewal_loses"' in page
    assert "Test again" in page
    assert "Use it anyway" in page
    pages.post(renewal.get_absolute_url(), {"step": "use", **accept})
    renewal.refresh_from_db()
    assert renewal.state == state


def renew_with_less(renewing: Renewing, connection: Connection) -> Renewal:
    """Renew with fewer scopes than the token in use has."""
    return renewing.renew(connection, scopes=("vso.code",))


def test_a_button_of_an_outdated_page_says_so(pages: Client, connection: Connection, renewing: Renewing) -> None:
    renewal = renew(pages, connection)
    page = pages.post(renewal.get_absolute_url(), {"step": "discard"}, follow=True).content.decode()
    assert "Another request has moved this renewal on" in page


def test_when_the_limit_of_tests_is_used_up_no_token_is_created(
    pages: Client, connection: Connection, connected: Connected, renewing: Renewing, settings: Settings
) -> None:
    other = connected("Acme releases")
    settings.TESTS_PER_PERSON = 1
    renewal = renew(pages, connection)
    address = to_microsoft(pages, reverse("connections:renew", args=[other.pk]), FORM)
    page = pages.get(BACK, sent_back(address), follow=True).content.decode()
    assert "No token was created. Wait" in page
    assert list(Renewal.objects.all()) == [renewal]
    assert [token.name for token in renewing.sandbox.state.tokens.values() if "(renewal " in token.name] == [
        made.name for made in renewing.made(renewal)
    ]


@pytest.mark.parametrize("code", ["renewal_running", "replaced_meanwhile", "same_token", "another_person_signed_in"])
def test_each_problem_says_what_to_do(pages: Client, connection: Connection, renewing: Renewing, code: str) -> None:
    renewal = make_renewal(connection, state=State.CREATED, problem=code)
    assert f"What to do:</strong> {problem_of(code, 'Sandbox').next_step}" in unescape(page_of(pages, renewal))


def test_a_renewal_whose_token_was_replaced_meanwhile_says_what_to_do(
    pages: Client, connection: Connection, renewing: Renewing
) -> None:
    renewal = renew_with_less(renewing, connection)
    Renewal.objects.filter(pk=renewal.pk).update(old_fingerprint="of another token")
    pages.post(renewal.get_absolute_url(), {"step": "use", "accept_less": "1"})
    page = page_of(pages, renewal)
    assert 'data-problem="replaced_meanwhile"' in page
    assert "Open the connection to see which token it uses now." in page


def test_renewals_are_searched(pages: Client, connection: Connection, renewing: Renewing) -> None:
    renew(pages, connection)
    address = reverse("connections:renewals")
    assert "Acme main" in pages.get(address, {"q": "maya acme"}).content.decode()
    assert "No matching renewals" in pages.get(address, {"q": "fabrikam"}).content.decode()


def test_a_step_of_a_bulk_rotation_offers_it(pages: Client, connection: Connection, renewing: Renewing) -> None:
    Connection.objects.filter(pk=connection.pk).update(expires_on=timezone.localdate())
    plan = pages.get(reverse("connections:plan-rotation"), {"connection": connection.pk, "within": 30})
    step = pages.get(plan.headers["Location"]).content.decode()
    assert f'href="{reverse("connections:renew", args=[connection.pk])}"' in step


def test_a_reminder_links_to_it(connection: Connection, renewing: Renewing) -> None:
    User.objects.update(email="maya@example.com")
    dates = {
        "expires_on": timezone.localdate() + timedelta(days=7),
        "token_set_at": timezone.now() - timedelta(days=80),
    }
    Connection.objects.filter(pk=connection.pk).update(**dates)
    remind_due(now=timezone.now())
    mail = Mail.objects.get()
    address = reverse("connections:renew", args=[connection.pk])
    assert f"{address}" in mail.text
    assert f'{address}"' in mail.html
