"""Where a connection leads to a server, everything says collection; where both can be chosen, both are said."""

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.domain import expiry
from connections.domain.problems import catalogue
from connections.models import Connection, Mail
from connections.notifications import calendar_feed
from connections.notifications.reminders import remind_due
from connections.providers.azure_devops.versions import OLDEST_SERVER
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory

Token = Callable[[str], str]
BOTH = "Services=https://dev.azure.com, Own=https://devops.example.com/tfs"
OWN = "Own=https://devops.example.com/tfs"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("code", sorted(set(catalogue.PROBLEMS) - set(catalogue.OF_THE_SERVICE_ALONE)))
def test_no_problem_of_a_server_speaks_of_what_only_the_service_has(code: str) -> None:
    problem = catalogue.problem(code, place="collection")
    words = f"{problem.title} {problem.explanation} {problem.next_step}"
    for only in ("rganization", "dev.azure.com", "1 December", "31 March", "Microsoft Entra"):
        assert only not in words
    assert "{" not in words
    assert problem.link != "status"
    assert all((problem.title, problem.explanation, problem.next_step))


@pytest.mark.parametrize("code", sorted(catalogue.PROBLEMS))
def test_no_problem_of_the_service_leaves_a_placeholder_open(code: str) -> None:
    problem = catalogue.problem(code)
    assert "{" not in f"{problem.title} {problem.explanation} {problem.next_step}"


def test_a_problem_names_the_place_where_the_connection_leads() -> None:
    assert catalogue.problem("another_organization").title == "The organization changed"
    assert catalogue.problem("another_organization", place="collection").title == "The collection changed"
    step = catalogue.problem("anonymous_answer", place="collection").next_step
    assert "choose a collection without public projects" in step
    assert "choose an organization without" in catalogue.problem("anonymous_answer").next_step


def test_the_words_of_the_service_stay_as_they_are() -> None:
    assert "dev.azure.com/your-organization" in catalogue.problem("organization_not_found").next_step


def test_a_setting_of_the_operator_is_the_next_step_for_trouble_on_the_way() -> None:
    for code in ("dns_failure", "connection_failed", "proxy_failed", "proxy_refused"):
        assert "AZURE_DEVOPS_PROXIES" in catalogue.problem(code).next_step
    assert "AZURE_DEVOPS_CA_BUNDLES" in catalogue.problem("tls_failure").next_step
    assert "AZURE_DEVOPS_SERVERS" in catalogue.problem("no_such_address").next_step
    assert OLDEST_SERVER in catalogue.problem("server_too_old").explanation


@pytest.mark.parametrize(
    ("servers", "label"),
    [("Services=https://dev.azure.com", "Organization"), (OWN, "Collection"), (BOTH, "Organization or Collection")],
)
def test_the_form_is_labelled_as_its_servers_call_it(
    pages: Client, settings: Settings, servers: str, label: str
) -> None:
    settings.AZURE_DEVOPS_SERVERS = servers
    page = pages.get(reverse("connections:add-azure-devops")).content.decode()
    assert f'<label for="id_organization">{label} Name</label>' in page
    assert ("1 December 2026" in page) is ("dev.azure.com" in servers)
    assert ("devops.example.com/tfs/DefaultCollection" in page) is ("Own" in servers)


@pytest.mark.parametrize(
    ("server", "typed", "words"),
    [
        ("Own", "https://dev.azure.com/acme", "This URL belongs to the server “Services”."),
        ("Services", "https://devops.example.com/tfs/Main/_git/x", "This URL belongs to the server “Own”."),
        ("Own", "https://elsewhere.example.com/tfs/Main", "Enter only the name of the collection."),
        ("Own", "a..b", "This is not a valid collection name."),
        ("Own", "a" * 65, "at most 64 characters"),
        ("Own", "", "Enter the name of your collection"),
        ("Services", "ac me", "This is not a valid organization name."),
    ],
)
def test_what_is_no_name_is_refused_in_the_words_of_the_chosen_server(
    pages: Client, settings: Settings, server: str, typed: str, words: str
) -> None:
    settings.AZURE_DEVOPS_SERVERS = BOTH
    data = {"server": server, "organization": typed, "token": "x"}
    page = pages.post(reverse("connections:test-new"), data).content.decode()
    assert words in page


def test_a_server_that_nobody_listed_is_refused_whatever_the_name(pages: Client, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = BOTH
    data = {"server": "https://evil.example", "organization": "acme", "token": "x"}
    page = pages.post(reverse("connections:test-new"), data).content.decode()
    assert "Select a valid choice" in page
    assert re.search(r'id_organization_errors"[^>]*></div>', page)


def test_the_list_and_the_page_of_a_connection_say_collection(pages: Client, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = OWN
    connection = ConnectionFactory.create(server="Own", organization="Our Collection", problem="token_refused")
    listed = pages.get(reverse("connections:list")).content.decode()
    assert _column_heads(listed)[:2] == ["Name", "Collection"]
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert "<dt>Collection</dt>" in page
    assert "Valid for" not in page
    assert "Basic Authentication" in page
    assert 'href="https://devops.example.com/tfs/Our%20Collection"' in page
    settings.AZURE_DEVOPS_SERVERS = BOTH
    listed = pages.get(reverse("connections:list")).content.decode()
    assert _column_heads(listed)[:2] == ["Name", "Organization or collection"]


def _column_heads(page: str) -> list[str]:
    heads = re.findall(r'<th scope="col".*?</th>', page, re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]+>", " ", head).split()) for head in heads]
    return [found for found in words if found]


def test_the_guide_tells_what_is_different_on_a_server_where_one_can_be_chosen(
    pages: Client, settings: Settings
) -> None:
    settings.AZURE_DEVOPS_SERVERS = BOTH
    page = text_of(pages.get(reverse("connections:guide")).content.decode())
    for words in (
        "Basic Authentication must be off in IIS.",
        "Azure DevOps Server 2019 or newer",
        "Collection not found",
        "Server is too old",
        "1 December 2026",
        "https://devops.example.com/tfs/your-collection/_usersSettings/tokens",
    ):
        assert words in page
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com"
    assert "Basic Authentication" not in pages.get(reverse("connections:guide")).content.decode()


def test_where_only_servers_can_be_chosen_the_guide_leaves_the_service_out(pages: Client, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = OWN
    page = text_of(pages.get(reverse("connections:guide")).content.decode())
    assert "allow list" not in page
    assert "Blocked by conditional access" not in page
    assert "dev.azure.com" not in page


@pytest.mark.django_db
@pytest.mark.parametrize("days", [3, -1])
def test_reminders_of_a_servers_tokens_do_not_cite_what_the_service_changed(settings: Settings, days: int) -> None:
    settings.AZURE_DEVOPS_SERVERS = OWN
    connection = ConnectionFactory.create(server="Own", organization="Main", expires_on=date(2026, 11, 24 + days))
    connection.owner.email = "olga@example.com"
    connection.owner.save()
    remind_due(now=NOON)
    mail = Mail.objects.get()
    for form in (mail.text, mail.html):
        assert "Collection" in form
        assert "rganization" not in form
        assert "31 March 2026" not in form
        assert "https://devops.example.com/tfs/Main/_usersSettings/tokens" in form


@pytest.mark.django_db
def test_a_digest_cites_it_when_a_token_of_the_service_is_among_them(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = BOTH
    settings.REMINDERS_BEFORE_DIGEST = 1
    for _ in range(2):
        connection = ConnectionFactory.create(server="Own", organization="Main", expires_on=date(2026, 11, 27))
    connection.owner.email = "olga@example.com"
    connection.owner.save()
    remind_due(now=NOON)
    mail = Mail.objects.get()
    assert "31 March 2026" not in mail.text + mail.html
    Mail.objects.all().delete()
    Connection.objects.update(server="Services", token_set_at=datetime(2026, 11, 2, tzinfo=UTC))
    remind_due(now=NOON)
    assert "31 March 2026" in Mail.objects.get().text


@pytest.mark.parametrize("code", ["token_refused", "anonymous"])
def test_a_servers_dead_token_is_never_laid_to_the_day_of_the_services(code: str) -> None:
    ended = expiry.cause_of_refusal(code, expires_on=None, all_organizations=False, today=date(2026, 12, 2))
    assert ended == code


def ran(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("connections", *words, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.usefixtures("maintainer")
def test_the_command_connects_a_collection_and_speaks_of_it(
    own_server: Sandbox, token_of: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(token_of("full")))
    address = f"{own_server.url}/DefaultCollection/_git/x"
    added = ran("add", "Own main", address, "--server", "Own", "--owner", "maya", "--all-organizations")
    assert added == (0, "Connected Own main to DefaultCollection.\n")
    assert Connection.objects.get().token_reach == "unknown"
    assert ran("test", "Own main")[0] == 0
    own_server.state.organizations["defaultcollection"].stopped = True
    code, said = ran("test", "Own main")
    assert code == 1
    assert said.startswith("Collection is stopped.")
    assert "Collection is stopped" in ran("audit", "Own main")[1]


@pytest.mark.usefixtures("maintainer")
def test_the_command_refuses_an_address_of_another_server_in_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AZURE_DEVOPS_SERVERS = BOTH
    monkeypatch.setattr("sys.stdin", io.StringIO("x"))
    code, said = ran("add", "Own main", "https://dev.azure.com/acme", "--server", "Own", "--owner", "maya")
    assert code == 1
    assert "belongs to the server “Services”" in said


@pytest.mark.django_db
def test_a_calendar_says_collection_and_does_not_cite_what_the_service_changed(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = OWN
    connection = ConnectionFactory.create(server="Own", organization="Main", expires_on=date(2026, 11, 27))
    feed = calendar_feed.calendar_of([connection], today=date(2026, 11, 24)).decode().replace("\r\n ", "")
    assert "Collection: Main" in feed
    assert "31 March 2026" not in feed
    settings.AZURE_DEVOPS_SERVERS = "Own=https://dev.azure.com"
    feed = calendar_feed.calendar_of([connection], today=date(2026, 11, 24)).decode().replace("\r\n ", "")
    assert "Organization: Main" in feed
    assert "31 March 2026" in feed
