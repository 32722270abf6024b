"""A change of a file is confirmed with a diff, and every commit has a page."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from delivery.models import Repository, SyncState
from sandbox.server import Sandbox
from tests.delivery.repositories.test_repository_changes import file, post

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]


@pytest.fixture
def repository(connected: Connect, bring_in: BringIn) -> Repository:
    bring_in(connected(organization="fabrikam"))
    return Repository.objects.get(name="Tailspin")


def test_a_change_of_a_file_is_confirmed_with_a_diff(pages: Client, repository: Repository) -> None:
    post(pages, "commit", repository.pk, file())
    form = pages.get(reverse("delivery:commit", args=[repository.pk]), {"branch": "main", "path": "/docs/new.md"})
    seen = form.context["form"].initial["seen"]
    changed = file(content="One.\r\n<Three>.\r\n", seen=seen)
    page = post(pages, "commit", repository.pk, changed, yes=False)
    assert '<span class="removed">-Two.\n</span>' in page
    assert '<span class="added">+&lt;Three&gt;.\n</span>' in page
    assert '<span class="same"> One.\n</span>' in page
    # Someone else changed the file in the meantime: what is written is shown instead.
    page = post(pages, "commit", repository.pk, changed | {"seen": "0" * 40}, yes=False)
    assert 'class="code diff' not in page
    assert "&lt;Three&gt;." in page


def test_a_commit_has_a_page(pages: Client, repository: Repository, sandbox: Sandbox) -> None:
    post(pages, "commit", repository.pk, file(comment="Say two things\n\nand why"))
    listed = pages.get(reverse("delivery:commits", args=[repository.pk]), {"branch": "main"})
    commit = listed.context["commits"].items[0]
    address = reverse("delivery:commit-page", args=[repository.pk, commit.id])
    assert address in listed.content.decode()
    answer = pages.get(address)
    page = answer.content.decode()
    assert "and why" in page
    assert commit.id in page
    for parent in answer.context["commit"].parents:
        assert reverse("delivery:commit-page", args=[repository.pk, parent]) in page
    assert "Azure DevOps" in pages.get(reverse("delivery:commit-page", args=[repository.pk, "0" * 40])).content.decode()
    assert pages.get(reverse("delivery:commit-page", args=[repository.pk, "main"])).status_code == 404
