"""A repository's page: what it shows is read on demand, and each panel fails alone."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from delivery.models import Repository, SyncState
from sandbox.server import Sandbox

BringIn = Callable[[Connection], SyncState]


@pytest.fixture
def repository(connected: Callable[..., Connection], bring_in: BringIn) -> Repository:
    """The first repository of a project with something of everything."""
    bring_in(connected(organization="fabrikam"))
    return Repository.objects.get(name="Tailspin")


def panel(pages: Client, repository: Repository, name: str, **query: str) -> str:
    return pages.get(reverse(f"delivery:{name}", args=[repository.pk]), query).content.decode()


def test_the_page_offers_clone_addresses_and_a_panel_each(pages: Client, repository: Repository) -> None:
    page = pages.get(repository.get_absolute_url()).content.decode()
    assert repository.https_url in page
    assert repository.ssh_url in page
    assert page.count('hx-trigger="load"') == 3


def test_folders_are_browsed(pages: Client, repository: Repository) -> None:
    page = panel(pages, repository, "files", path="/")
    assert page.index(">src<") < page.index(">README.md<")
    assert "app.py" in panel(pages, repository, "files", path="/src/")


def test_a_file_is_read_at_a_branch(pages: Client, repository: Repository) -> None:
    assert "displayName: Say hello" in panel(pages, repository, "files", path="/azure-pipelines.yml")
    assert "hello" in panel(pages, repository, "files", path="/src/web/page.txt")
    elsewhere = panel(pages, repository, "files", path="/src/web/page.txt", branch="topic/search")
    assert "Not found in Azure DevOps" in elsewhere


def test_markup_in_a_file_is_shown_as_text(pages: Client, repository: Repository) -> None:
    page = panel(pages, repository, "files", path="/src/web/index.html")
    assert "&lt;script&gt;alert(" in page
    assert "<script>alert" not in page


def test_names_and_texts_of_other_alphabets_are_shown(pages: Client, repository: Repository) -> None:
    assert "日本語.md" in panel(pages, repository, "files", path="/docs/")
    assert "こんにちは" in panel(pages, repository, "files", path="/docs/日本語.md")


def test_a_binary_file_is_told_apart(pages: Client, repository: Repository) -> None:
    assert "This file is binary" in panel(pages, repository, "files", path="/assets/dot.png")


def test_a_file_beyond_the_limit_is_not_shown(pages: Client, repository: Repository) -> None:
    assert "The file is too large to show here" in panel(pages, repository, "files", path="/data/large.csv")


def test_commits_come_in_pages(pages: Client, repository: Repository, sandbox: Sandbox) -> None:
    first = panel(pages, repository, "commits")
    assert first.count("/commits/") - first.count("/commits/?") == 20
    assert "skip=20" in first
    last = panel(pages, repository, "commits", skip="20")
    assert ">Begin<" in last
    assert "Older" not in last


def test_branches_begin_with_the_true_default_and_are_found_by_their_beginning(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["fabrikam"].projects[0].repositories[0].default_branch = "refs/heads/topic/search"
    page = panel(pages, repository, "branches")
    assert page.index(">topic/search</a>") < page.index(">main</a>")
    assert ">main</a>" not in panel(pages, repository, "branches", beginning="topic")


@pytest.mark.parametrize("name", ["files", "commits", "branches"])
def test_each_panel_fails_alone_in_the_catalogues_words(
    pages: Client, repository: Repository, sandbox: Sandbox, name: str
) -> None:
    path = {"files": "items", "commits": "commits", "branches": "refs"}[name]
    sandbox.behaviour.add("status", status=500, path=f"/{path}$")
    for one in ("files", "commits", "branches"):
        assert ("Azure DevOps reported an internal error" in panel(pages, repository, one)) is (one == name)


def test_what_was_read_is_not_asked_for_again_within_seconds(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    panel(pages, repository, "files")
    before = len(sandbox.requests)
    panel(pages, repository, "files")
    assert len(sandbox.requests) == before


def test_what_was_read_with_one_token_is_asked_for_again_with_another(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    panel(pages, repository, "files")
    before = len(sandbox.requests)
    Connection.objects.update(token_set_at=timezone.now())
    panel(pages, repository, "files")
    assert len(sandbox.requests) > before


def test_while_azure_devops_asks_us_to_wait_nothing_is_asked(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("throttle", retry_after=60, times=1)
    assert "Azure DevOps asks us to wait" in panel(pages, repository, "files")
    before = len(sandbox.requests)
    assert "Azure DevOps asks us to wait" in panel(pages, repository, "commits")
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gone_at": timezone.now()}, "Azure DevOps has not listed this repository since"),
        ({"disabled": True}, "This repository is disabled in Azure DevOps"),
        ({"default_branch": ""}, "Nothing has been pushed to this repository yet."),
    ],
)
def test_what_cannot_be_read_says_so_and_asks_nothing(
    pages: Client, repository: Repository, change: dict[str, object], words: str
) -> None:
    Repository.objects.update(**change)
    page = pages.get(repository.get_absolute_url()).content.decode()
    assert words in page
    assert 'hx-trigger="load"' not in page


def test_a_disabled_connection_is_not_used(pages: Client, repository: Repository, sandbox: Sandbox) -> None:
    Connection.objects.update(disabled=True)
    before = len(sandbox.requests)
    assert "Connection is disabled" in panel(pages, repository, "files")
    assert len(sandbox.requests) == before


def test_strange_paths_and_branches_are_no_error(pages: Client, repository: Repository) -> None:
    for query in ({"path": "../../x"}, {"path": "/a//b/./c"}, {"branch": "no such"}, {"path": "%2e%2e"}):
        assert pages.get(reverse("delivery:files", args=[repository.pk]), query).status_code == 200


def test_the_page_wants_the_permission(client: Client, repository: Repository, person: Callable[..., object]) -> None:
    client.force_login(person("vera", "connections.view_connection"))  # type: ignore[arg-type]
    for name in ("repository", "files", "commits", "branches"):
        assert client.get(reverse(f"delivery:{name}", args=[repository.pk])).status_code == 403
