"""Everything that can be done with a connection can be done on a server of one's own, from 2019 on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.models import Connection
from delivery.models import Pipeline, Project, Repository
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.delivery.aging import age_what_was_read
from tests.delivery.release_shop import DEPLOY, WAITING, Shop
from tests.on_premises.conftest import every_year

Token = Callable[[str], str]
FORM = {
    "name": "Own main",
    "organization": "DefaultCollection",
    "expires": "90",
    "token_reach": "one",
    "projects_mode": "all",
}
MAIN = "refs/heads/main"


def connect(pages: Client, token: str, **more: str) -> Connection:
    pages.post(reverse("connections:add-azure-devops"), FORM | {"token": token} | more)
    return Connection.objects.get()


def outside(server: Sandbox) -> list[str]:
    """What was asked for that is no part of the collection."""
    return [one.path for one in server.requests if not one.path.lower().startswith("/tfs/defaultcollection/")]


@every_year
def test_a_token_is_tested_and_connected(pages: Client, own_server: Sandbox, token_of: Token) -> None:
    page = pages.post(reverse("connections:test-new"), FORM | {"token": token_of("full")}).content.decode()
    assert "Connection successful" in page
    assert "Find the collection" in page
    assert page.count("Granted</span>") == 8
    connection = connect(pages, token_of("full"))
    assert (connection.server, connection.organization, connection.health) == ("Own", "DefaultCollection", "healthy")
    assert outside(own_server) == []


@every_year
def test_a_stored_token_is_tested_audited_and_updated(pages: Client, own_server: Sandbox, token_of: Token) -> None:
    connection = connect(pages, token_of("full"))
    tested = pages.post(reverse("connections:test", args=[connection.pk])).content.decode()
    assert "Connection successful" in tested
    Connection.objects.update(next_check_at=datetime.now(UTC) - timedelta(minutes=1))
    assert audit_runs.claim_due(now=datetime.now(UTC)) == [connection.pk]
    connection.refresh_from_db()
    report = audit(connection, by=Actor("the clock"), now=datetime.now(UTC), interactive=False)
    assert report.passed
    data = {"token": token_of("full-again"), "expires": "60", "token_reach": "one"}
    answer = pages.post(reverse("connections:update-token", args=[connection.pk]), data)
    assert answer.headers["Location"] == reverse("connections:token-updated", args=[connection.pk])
    assert {"connection.rotated", "connection.tested"} <= set(Event.objects.values_list("kind", flat=True))
    assert outside(own_server) == []


@every_year
def test_repositories_come_in_are_read_and_written_to(
    pages: Client, own_server: Sandbox, token_of: Token, bring_in: Callable[[Connection], None]
) -> None:
    bring_in(connect(pages, token_of("full")))
    repository = Repository.objects.get(name="Storefront", project__name="Storefront")
    assert repository.web_url.startswith(f"{own_server.url}/DefaultCollection/")
    here = repository.get_absolute_url()
    assert "README.md" in pages.get(f"{here}files/").content.decode()
    assert "main" in pages.get(f"{here}branches/").content.decode()
    data = {"branch": "main", "path": "docs/new.md", "content": "One.", "comment": "Say one thing", "confirmed": "1"}
    page = pages.post(reverse("delivery:commit", args=[repository.pk]), data, follow=True).content.decode()
    assert "/docs/new.md is committed to main." in page
    collection = own_server.state.organizations["defaultcollection"]
    azure = next(one for one in collection.projects[0].repositories if one.name == "Storefront")
    assert azure.commits[azure.refs[MAIN]].tree["/docs/new.md"] == b"One."
    assert outside(own_server) == []


@pytest.mark.parametrize(
    "typed", ["{url}/DefaultCollection/_git/x", "{url}/defaultcollection/Storefront", "DEFAULTCOLLECTION"]
)
def test_a_pasted_address_is_understood(pages: Client, own_server: Sandbox, token_of: Token, typed: str) -> None:
    connection = connect(pages, token_of("full"), organization=typed.format(url=own_server.url))
    assert connection.organization.lower() == "defaultcollection"


def test_a_collection_with_a_space_is_asked_for_under_its_own_name(
    pages: Client, own_server: Sandbox, token_of: Token
) -> None:
    organizations = own_server.state.organizations
    organizations["our größe"] = organizations["acme"]
    connection = connect(pages, token_of("full"), organization=f"{own_server.url}/Our%20Gr%C3%B6%C3%9Fe/_git/x")
    assert connection.organization == "Our Größe"
    assert {one.path.split("/")[2] for one in own_server.requests} == {"Our Größe"}
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert f'href="{own_server.url}/Our%20Gr%C3%B6%C3%9Fe/_usersSettings/tokens"' in page


def test_nobody_is_asked_for_which_organizations_a_token_was_made(
    pages: Client, own_server: Sandbox, token_of: Token
) -> None:
    connection = connect(pages, token_of("full"), token_reach="all")
    assert connection.token_reach == "unknown"
    for name in ("detail", "edit", "update-token"):
        page = pages.get(reverse(f"connections:{name}", args=[connection.pk])).content.decode()
        assert "1 December 2026" not in page
        assert "All accessible organizations" not in page
    data = {"name": "Own main", "expires": "unknown", "token_reach": "all", "projects_mode": "all"}
    pages.post(reverse("connections:edit", args=[connection.pk]), data)
    data = {"token": token_of("full-again"), "expires": "60", "token_reach": "all"}
    pages.post(reverse("connections:update-token", args=[connection.pk]), data)
    connection.refresh_from_db()
    assert connection.expires_on is not None
    assert connection.token_reach == "unknown"


def test_a_token_made_for_everything_goes_on_after_the_day_on_which_the_services_end(
    pages: Client, own_server: Sandbox, token_of: Token
) -> None:
    own_server.state.now = lambda: datetime(2026, 12, 2, tzinfo=UTC)
    page = pages.post(reverse("connections:test-new"), FORM | {"token": token_of("global")}).content.decode()
    assert "Connection successful" in page
    assert "1 December 2026" not in page


@every_year
def test_a_build_is_run_and_followed_to_its_end(
    pages: Client,
    own_server: Sandbox,
    token_of: Token,
    bring_in: Callable[[Connection], None],
    read_builds: Callable[[], None],
) -> None:
    bring_in(connect(pages, token_of("full")))
    read_builds()
    pipeline = Pipeline.objects.get(name="Storefront CI")
    data = {"branch": "main", "confirmed": "1"}
    page = pages.post(reverse("delivery:run-pipeline", args=[pipeline.pk]), data, follow=True).content.decode()
    assert "is queued as" in page
    build_id = Event.objects.get(kind="run_pipeline.done").detail["build_id"]
    own_server.state.advance(120)
    age_what_was_read()
    assert "Succeeded" in pages.get(reverse("delivery:build", args=[pipeline.pk, build_id])).content.decode()
    assert outside(own_server) == []


@every_year
def test_a_release_is_created_and_a_deployment_approved(
    pages: Client, own_server: Sandbox, token_of: Token, bring_in: Callable[[Connection], None]
) -> None:
    bring_in(connect(pages, token_of("full")))
    project = Project.objects.get(name="Storefront")
    azure = own_server.state.organizations["defaultcollection"].projects[0]
    shop = Shop(project, azure, own_server)
    page = shop.post(pages, "new-release", DEPLOY, version_0="", description="By hand", confirmed="1")
    assert "Release-3 of Deploy Storefront is created." in page
    waiting = shop.release(WAITING)
    assert "Production" in shop.page(pages, waiting)
    page = shop.post(pages, "approve-deployment", waiting.id, shop.approval(waiting).id, comment="Go", confirmed="1")
    assert Event.objects.filter(kind="approve_deployment.done").exists(), page
    assert outside(own_server) == []
